"""Functions along dimensions: sums, extremes, variances, running sums.

``dim`` is an integer, several, or None for all; ``keepdim`` keeps reduced dimensions with size 1.
NumPy's ``axis`` and ``keepdims`` mean the same.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.dtypes import get_default_dtype, uint8
from dlframe.errors import ArgumentError, DimensionError, ShapeError
from dlframe.functions import return_types
from dlframe.functions.arguments import (
    Dims,
    axis_of,
    checked_dim,
    numpy_names,
    require_floats,
    to_dtype,
)
from dlframe.ops.record import TensorBase
from dlframe.ops.reduction import count_of

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "softmax",
    "std",
    "std_mean",
    "sum",
    "var",
    "var_mean",
]


# --- sums --------------------------------------------------------------------------------------


@numpy_names
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum; bools and integers are added as int64.

    >>> dl.sum(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
    tensor([4., 6.])
    """
    input = to_dtype(input, dtype)
    return ops.sum(input, axis=axis_of(dim, input.ndim), keepdims=keepdim)


@numpy_names
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean; nan of nothing.

    Raises:
        DTypeError: of integers, unless `dtype` is a float.

    >>> dl.mean(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1, keepdim=True)
    tensor([[1.5000],
            [3.5000]])
    """
    input = to_dtype(input, dtype)
    require_floats("mean", input)
    return ops.mean(input, axis=axis_of(dim, input.ndim), keepdims=keepdim)


@numpy_names
def var(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> Tensor:
    """Σ(x - mean)² / (n - correction), unbiased for correction = 1.

    ``unbiased=False`` is the older spelling of ``correction=0``.

    >>> dl.var(dl.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor(1.6667)
    >>> dl.var(dl.tensor([1.0, 2.0, 3.0, 4.0]), correction=0)
    tensor(1.2500)
    """
    axis, correction = _checked("var", input, dim, unbiased, correction)
    return ops.var(input, axis=axis, keepdims=keepdim, correction=correction)


@numpy_names
def std(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> Tensor:
    """√var, unbiased for correction = 1; where all elements are equal its gradient is taken as 0.

    >>> dl.std(dl.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor(1.2910)
    """
    axis, correction = _checked("std", input, dim, unbiased, correction)
    return ops.std(input, axis=axis, keepdims=keepdim, correction=correction)


@numpy_names
def var_mean(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> tuple[Tensor, Tensor]:
    """`var` and `mean`.

    >>> dl.var_mean(dl.tensor([1.0, 2.0, 3.0, 4.0]))
    (tensor(1.6667), tensor(2.5000))
    """
    axis, correction = _checked("var_mean", input, dim, unbiased, correction)
    spread = ops.var(input, axis=axis, keepdims=keepdim, correction=correction)
    return spread, ops.mean(input, axis=axis, keepdims=keepdim)


@numpy_names
def std_mean(
    input: Tensor,
    dim: Dims | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> tuple[Tensor, Tensor]:
    """`std` and `mean`.

    >>> dl.std_mean(dl.tensor([1.0, 2.0, 3.0, 4.0]))
    (tensor(1.2910), tensor(2.5000))
    """
    axis, correction = _checked("std_mean", input, dim, unbiased, correction)
    spread = ops.std(input, axis=axis, keepdims=keepdim, correction=correction)
    return spread, ops.mean(input, axis=axis, keepdims=keepdim)


def _checked(
    name: str, input: Tensor, dim: Any, unbiased: bool | None, correction: float | None
) -> tuple[Any, float]:
    """The axis and the correction of a variance."""
    require_floats(name, input)
    if isinstance(dim, bool):  # PyTorch's var(input, unbiased)
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = 1 if unbiased else 0
    correction = 1 if correction is None else correction
    axis = axis_of(dim, input.ndim)
    if count_of(input.shape, axis) <= correction:
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the "
            "reduction factor "
            f"(input numel divided by output numel); the input has shape {list(input.shape)}.",
            UserWarning,
            stacklevel=4,
        )
    return axis, correction


@numpy_names
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """ln Σ eˣ, without overflow.

    >>> dl.logsumexp(dl.tensor([1000.0, 1000.0]), dim=0)
    tensor(1000.6932)
    """
    if input.dtype.kind != "f":
        input = to_dtype(input, get_default_dtype())
    return ops.logsumexp(input, axis=axis_of(dim, input.ndim), keepdims=keepdim)


@numpy_names
def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along a dimension: positive numbers that add up to 1.

    >>> dl.softmax(dl.tensor([0.0, 0.0, 1.0]), dim=0)
    tensor([0.2119, 0.2119, 0.5761])
    """
    input = to_dtype(input, dtype)
    require_floats("softmax", input)
    return (
        ops.softmax(input, axis=checked_dim(dim, input.ndim))
        if input.ndim
        else ops.exp(input - input)
    )


@numpy_names
def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """x - ln Σ eˣ along a dimension, the logarithm of `softmax`.

    >>> dl.log_softmax(dl.tensor([0.0, 0.0, 1.0]), dim=0)
    tensor([-1.5514, -1.5514, -0.5514])
    """
    input = to_dtype(input, dtype)
    require_floats("log_softmax", input)
    return (
        ops.log_softmax(input, axis=checked_dim(dim, input.ndim)) if input.ndim else input - input
    )


@numpy_names
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    dtype: Any = None,
) -> Tensor:
    """(Σ|x|ᵖ)^(1/p); "fro" is p = 2, ∞ the largest |x|, 0 the number of nonzero elements.

    >>> dl.norm(dl.tensor([3.0, 4.0]))
    tensor(5.)
    >>> dl.norm(dl.tensor([[3.0, -4.0], [1.0, 1.0]]), p=1, dim=1)
    tensor([7., 2.])
    """
    input = to_dtype(input, dtype)
    require_floats("norm", input)
    axis = axis_of(dim, input.ndim)
    order = 2.0 if p in ("fro", None) else p
    if isinstance(order, str):
        raise ArgumentError(f"norm: p must be a number or 'fro', got {p!r}")
    if order == 2:
        return ops.norm(input, axis=axis, keepdims=keepdim)
    size = ops.absolute(input)
    if order == 1:
        return ops.sum(size, axis=axis, keepdims=keepdim)
    if math.isinf(order):
        extreme = ops.amax if order > 0 else ops.amin
        return extreme(size, axis=axis, keepdims=keepdim)
    if order == 0:
        return ops.sum(ops.not_equal(input, 0.0), axis=axis, keepdims=keepdim).to(input.dtype)
    total = ops.sum(ops.power(size, float(order)), axis=axis, keepdims=keepdim)
    return ops.power(total, 1.0 / order)


@numpy_names
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """The number of elements that are not zero.

    >>> dl.count_nonzero(dl.tensor([0, 1, 2]))
    tensor(2)
    """
    return ops.count_nonzero(input, axis=axis_of(dim, input.ndim))


# --- extremes ----------------------------------------------------------------------------------


@numpy_names
def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest element; equal ones share the gradient evenly.

    >>> dl.amax(dl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([5., 7.])
    """
    axis = axis_of(dim, input.ndim)
    _require_elements("amax", input, axis)
    return ops.amax(input, axis=axis, keepdims=keepdim)


@numpy_names
def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The smallest element; equal ones share the gradient evenly.

    >>> dl.amin(dl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1., 2.])
    """
    axis = axis_of(dim, input.ndim)
    _require_elements("amin", input, axis)
    return ops.amin(input, axis=axis, keepdims=keepdim)


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False, **named: Any) -> Any:
    """The largest element of all; with `dim` the largest along it, and where they are.

    Of two tensors it is `maximum`. Along a dim the gradient goes to the first of equal elements,
    without dim all of them share it.

    >>> x = dl.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> dl.max(x)
    tensor(7.)
    >>> values, indices = dl.max(x, dim=1)
    >>> values, indices
    (tensor([5., 7.]), tensor([1, 0]))
    """
    other = _other("max", dim, named)
    if other is not None:
        return ops.maximum(input, other)
    if dim is None:
        _require_elements("max", input, None)
        return ops.amax(input)
    return return_types.max(*_picked("max", input, ops.argmax, dim, keepdim))


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, **named: Any) -> Any:
    """The smallest element of all; with `dim` the smallest along it, and where they are.

    Of two tensors it is `minimum`. Along a dim the gradient goes to the first of equal elements,
    without dim all of them share it.

    >>> x = dl.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> dl.min(x)
    tensor(1.)
    >>> dl.min(x, dim=1).indices
    tensor([0, 1])
    """
    other = _other("min", dim, named)
    if other is not None:
        return ops.minimum(input, other)
    if dim is None:
        _require_elements("min", input, None)
        return ops.amin(input)
    return return_types.min(*_picked("min", input, ops.argmin, dim, keepdim))


def _other(name: str, dim: Any, named: dict[str, Any]) -> Any:
    """The second tensor of max(input, other), given by place or by name."""
    other = named.pop("other", dim if isinstance(dim, TensorBase) else None)
    if named:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(named))!r}")
    return other


def _picked(name: str, input: Any, find: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The elements that `find` finds along `dim`, and their indices."""
    axis = checked_dim(dim, input.ndim)
    if not input.ndim:
        return ops.copy(input), find(input)
    _require_elements(name, input, axis)
    indices = find(input, axis=axis, keepdims=True)
    values = ops.take_along_axis(input, indices, axis=axis)
    if keepdim:
        return values, indices
    return ops.squeeze(values, axis=axis), ops.squeeze(indices, axis=axis)


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is: counted along `dim`, or in the flattened tensor.

    >>> dl.argmax(dl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1, 0])
    """
    return _arg("argmax", ops.argmax, input, dim, keepdim)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is: counted along `dim`, or in the flattened tensor.

    >>> dl.argmin(dl.tensor([[1.0, 5.0], [7.0, 2.0]]))
    tensor(0)
    """
    return _arg("argmin", ops.argmin, input, dim, keepdim)


def _arg(name: str, find: Any, input: Any, dim: int | None, keepdim: bool) -> Any:
    axis = None if dim is None else axis_of(checked_dim(dim, input.ndim), input.ndim)
    _require_elements(name, input, axis)
    return find(input, axis=axis, keepdims=keepdim)


def _require_elements(name: str, input: Any, axis: Any) -> None:
    """Raise where an extreme of nothing would be asked for."""
    if input.array.size:
        return
    if axis is None:
        error = DimensionError if name.startswith("arg") else ShapeError
        raise error(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0; the input "
            "has shape "
            f"{list(input.shape)}"
        )
    empty = [a for a in (axis if isinstance(axis, tuple) else (axis,)) if not input.shape[a]]
    if empty:
        raise DimensionError(
            f"{name}(): Expected reduction dim {empty[0]} to have non-zero size; the input has "
            "shape "
            f"{list(input.shape)}"
        )


# --- logic -------------------------------------------------------------------------------------


@numpy_names
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether some element is nonzero; as uint8 if the input is.

    >>> dl.any(dl.tensor([[False, True], [False, False]]), dim=1)
    tensor([ True, False])
    """
    found = ops.any(input, axis=axis_of(dim, input.ndim), keepdims=keepdim)
    return to_dtype(found, input.dtype) if input.dtype == uint8 else found


@numpy_names
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether every element is nonzero; as uint8 if the input is.

    >>> dl.all(dl.tensor([[True, True], [True, False]]), dim=1)
    tensor([ True, False])
    """
    found = ops.all(input, axis=axis_of(dim, input.ndim), keepdims=keepdim)
    return to_dtype(found, input.dtype) if input.dtype == uint8 else found


# --- products and running results --------------------------------------------------------------


@numpy_names
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product; bools and integers are multiplied as int64. Zeros do not spoil its gradient.

    >>> dl.prod(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([ 2., 12.])
    """
    input = to_dtype(input, dtype)
    axis = None if dim is None else axis_of(checked_dim(dim, input.ndim), input.ndim)
    return ops.prod(input, axis=axis, keepdims=keepdim)


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sums of all elements up to each one.

    >>> dl.cumsum(dl.tensor([1, 2, 3]), dim=0)
    tensor([1, 3, 6])
    """
    return _running(ops.cumsum, to_dtype(input, dtype), dim)


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The products of all elements up to each one.

    >>> dl.cumprod(dl.tensor([1, 2, 3]), dim=0)
    tensor([1, 2, 6])
    """
    return _running(ops.cumprod, to_dtype(input, dtype), dim)


def _running(function: Any, input: Any, dim: int) -> Any:
    axis = checked_dim(dim, input.ndim)
    if not input.ndim:
        return ops.sum(input)  # of one element; as int64 if it is an integer
    return function(input, axis=axis)
