"""Functions that reduce along dimensions: sums, means, variances, products, logic.

`dim` is an integer, several, or None for all; `keepdim` keeps reduced dimensions with size 1.
NumPy's `axis` and `keepdims` mean the same.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.dtypes import float16, float32, get_default_dtype, uint8
from dlframe.errors import DTypeError, ShapeError
from dlframe.ops.reduction import count_of
from dlframe.tensor.arguments import (
    Dims,
    axis_of,
    checked_dim,
    kept_in,
    numpy_names,
    require_floating,
    require_floats_or_dtype,
    require_tensor,
    to_dtype,
)

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "log_softmax",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "prod",
    "softmax",
    "std",
    "std_mean",
    "sum",
    "trace",
    "var",
    "var_mean",
]


# --- sums --------------------------------------------------------------------------------------


@numpy_names
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum; bools and integers are added as int64. Without elements it is 0.

    >>> dl.sum(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
    tensor([4., 6.])
    """
    if dtype is None:
        return ops.sum(input, axis=axis_of(dim, input.ndim), keepdims=keepdim)
    out = ops.sum(kept_in(input, dtype), axis=axis_of(dim, input.ndim), keepdims=keepdim)
    return to_dtype(out, dtype)  # for integers it was int64


@numpy_names
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of the elements that are not nan.

    >>> dl.nansum(dl.tensor([1.0, dl.nan, 3.0]))
    tensor(4.)
    """
    require_tensor("nansum", "'input' (position 1)", input)
    return sum(ops.without_nan(input), dim, keepdim, dtype=dtype)


@numpy_names
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean; nan if there are no elements.

    Raises:
        DTypeError: `input` is of integers, unless `dtype` is a float.

    >>> dl.mean(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1, keepdim=True)
    tensor([[1.5000],
            [3.5000]])
    """
    input = to_dtype(input, dtype)
    require_floats_or_dtype("mean", input)
    return ops.mean(input, axis=axis_of(dim, input.ndim), keepdims=keepdim)


@numpy_names
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of the elements that are not nan; nan where there are none.

    Raises:
        DTypeError: `input` is of integers.

    >>> dl.nanmean(dl.tensor([1.0, dl.nan, 3.0]))
    tensor(2.)
    """
    require_floats_or_dtype("nanmean", input)
    input = to_dtype(input, dtype)
    require_floats_or_dtype("nanmean", input)  # the dtype asked for, too
    return ops.nanmean(input, axis=axis_of(dim, input.ndim), keepdims=keepdim)


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

    `unbiased=False` is the older spelling of `correction=0`.

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
    require_floating(name, input)
    if isinstance(dim, bool) and unbiased is None:  # PyTorch's var(input, unbiased)
        dim, unbiased = None, dim
    if isinstance(dim, bool) or (unbiased is not None and correction != 1):
        raise TypeError(f"{name}() received an invalid combination of arguments")
    if unbiased is not None:
        correction = 1 if unbiased else 0
    correction = 1 if correction is None else correction
    axis = axis_of(dim, input.ndim)
    if (count_of(input.shape, axis) if input.array.size else 0) <= correction:
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
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along a dimension: positive numbers that add up to 1.

    >>> dl.softmax(dl.tensor([0.0, 0.0, 1.0]), dim=0)
    tensor([0.2119, 0.2119, 0.5761])
    """
    return _along("softmax", ops.softmax, input, dim, dtype)


@numpy_names
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """x - ln Σ eˣ along a dimension, the logarithm of `softmax`.

    >>> dl.log_softmax(dl.tensor([0.0, 0.0, 1.0]), dim=0)
    tensor([-1.5514, -1.5514, -0.5514])
    """
    return _along("log_softmax", ops.log_softmax, input, dim, dtype)


def _along(name: str, function: Any, input: Any, dim: int, dtype: Any) -> Any:
    axis = checked_dim(dim, input.ndim)
    input = to_dtype(input, dtype)
    require_floats_or_dtype(name, input)
    if not input.ndim:
        return ops.squeeze(function(ops.expand_dims(input, axis=0), axis=0), axis=0)
    if input.dtype == float16:  # in float32, as in PyTorch
        return to_dtype(function(to_dtype(input, float32), axis=axis), float16)
    return function(input, axis=axis)


@numpy_names
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """The number of elements that are not zero.

    >>> dl.count_nonzero(dl.tensor([0, 1, 2]))
    tensor(2)
    """
    return ops.count_nonzero(input, axis=axis_of(dim, input.ndim))


# --- logic -------------------------------------------------------------------------------------


@numpy_names
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether some element is nonzero; as uint8 if the input is.

    >>> dl.any(dl.tensor([[False, True], [False, False]]), dim=1)
    tensor([ True, False])
    """
    return _logic(ops.any, input, dim, keepdim)


@numpy_names
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether every element is nonzero; as uint8 if the input is.

    >>> dl.all(dl.tensor([[True, True], [True, False]]), dim=1)
    tensor([ True, False])
    """
    return _logic(ops.all, input, dim, keepdim)


def _logic(reduce: Any, input: Tensor, dim: Dims, keepdim: bool) -> Any:
    # as in PyTorch, dim=() means no dimension here; for sums it means all of them
    axis = () if dim in ((), []) else axis_of(dim, input.ndim)
    found = reduce(input, axis=axis, keepdims=keepdim)
    return to_dtype(found, input.dtype) if input.dtype == uint8 else found


# --- products, and the diagonal ----------------------------------------------------------------


@numpy_names
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The product; bools and integers are multiplied as int64. Without elements it is 1.

    Its gradient is right for zeros, too.

    >>> dl.prod(dl.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([ 2., 12.])
    """
    axis = None if dim is None else axis_of(checked_dim(dim, input.ndim), input.ndim)
    return to_dtype(ops.prod(kept_in(input, dtype), axis=axis, keepdims=keepdim), dtype)


def trace(input: Tensor) -> Tensor:
    """Σ x[i, i], the sum of the diagonal of a matrix.

    Raises:
        ShapeError: `input` is not a matrix.

    >>> dl.trace(dl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if input.ndim != 2:
        raise ShapeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input.dtype.kind == "b":
        raise DTypeError("trace: not implemented for 'Bool'; convert with .int()")
    return ops.sum(ops.diagonal(input, offset=0, axis1=0, axis2=1))
