"""The largest and the smallest elements, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import DimensionError, DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.memory import in_order
from dlframe.ops.record import Array, TensorBase
from dlframe.tensor.arguments import Dims, axis_of, checked_dim, numpy_names
from dlframe.tensor.functions import return_types

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "amax",
    "amin",
    "aminmax",
    "argmax",
    "argmin",
    "max",
    "min",
]


# --- values ------------------------------------------------------------------------------------


@numpy_names
def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest element; equal ones share the gradient evenly. nan if any element is.

    Raises:
        DimensionError: there are no elements along `dim`.

    >>> dl.amax(dl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([5., 7.])
    """
    axis = axis_of(dim, input.ndim)
    require_elements("amax", input, axis)
    return ops.amax(input, axis=axis, keepdims=keepdim)


@numpy_names
def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The smallest element; equal ones share the gradient evenly. nan if any element is.

    Raises:
        DimensionError: there are no elements along `dim`.

    >>> dl.amin(dl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1., 2.])
    """
    axis = axis_of(dim, input.ndim)
    require_elements("amin", input, axis)
    return ops.amin(input, axis=axis, keepdims=keepdim)


@numpy_names
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False
) -> return_types.aminmax:
    """`amin` and `amax`.

    >>> dl.aminmax(dl.tensor([3.0, 1.0, 2.0]))
    dlframe.return_types.aminmax(
    min=tensor(1.),
    max=tensor(3.))
    """
    axis = None if dim is None else axis_of(checked_dim(dim, input.ndim), input.ndim)
    if axis is None and not input.array.size:
        raise ShapeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
            f"identity; the input has shape {list(input.shape)}"
        )
    require_elements("aminmax", input, axis)
    smallest, largest = (f(input, axis=axis, keepdims=keepdim) for f in (ops.amin, ops.amax))
    return return_types.aminmax(smallest, largest)


# --- values and where they are -----------------------------------------------------------------


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False, **named: Any) -> Any:
    """The largest element of all; with `dim` the largest along it, and where they are.

    Of two tensors it is `maximum`. Along a dim the gradient goes to the first of equal elements,
    without dim all of them share it. nan counts as the largest.

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
        require_elements("max", input, None)
        return ops.shared(input, place=int(input.array.argmax()))
    axis = checked_dim(dim, input.ndim)
    require_elements("max", input, axis)
    return picked(return_types.max, input, ops.argmax, axis, keepdim)


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, **named: Any) -> Any:
    """The smallest element of all; with `dim` the smallest along it, and where they are.

    Of two tensors it is `minimum`. Along a dim the gradient goes to the first of equal elements,
    without dim all of them share it. nan counts as the smallest.

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
        require_elements("min", input, None)
        return ops.shared(input, place=int(input.array.argmin()))
    axis = checked_dim(dim, input.ndim)
    require_elements("min", input, axis)
    return picked(return_types.min, input, ops.argmin, axis, keepdim)


def _other(name: str, dim: Any, named: dict[str, Any]) -> Any:
    """The second tensor of max(input, other), given by place or by name."""
    other = named.pop("other", dim if isinstance(dim, TensorBase) else None)
    if named:
        raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(named))!r}")
    return other


def picked(kind: Any, input: Tensor, find: Any, axis: int, keepdim: bool, **options: Any) -> Any:
    """The element that `find` picks from each line along `axis`: a pair of values and indices."""
    if not input.ndim:
        return kind(ops.copy(input), wrap(np.zeros((), np.int64)))
    indices = in_order(find(input.array, axis=axis, keepdims=True, **options))
    return taken(kind, input, indices, axis, () if keepdim else (axis,))


def taken(
    kind: Any, input: Tensor, indices: Array, axis: int, dropped: tuple[int, ...] = ()
) -> Any:
    """The elements at `indices` along `axis`, and the indices; without the dims `dropped`."""
    places = ops.places_along(indices, input.shape, axis)
    if dropped:
        places, indices = places.squeeze(dropped), indices.squeeze(dropped)
    return kind(ops.pick(input, places=places), wrap(indices))


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is: counted along `dim`, or in the flattened tensor.

    It is the first of equal ones; nan counts as the largest.

    >>> dl.argmax(dl.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1, 0])
    """
    return _arg("argmax", ops.argmax, input, dim, keepdim)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is: counted along `dim`, or in the flattened tensor.

    It is the first of equal ones; nan counts as the smallest.

    >>> dl.argmin(dl.tensor([[1.0, 5.0], [7.0, 2.0]]))
    tensor(0)
    """
    return _arg("argmin", ops.argmin, input, dim, keepdim)


def _arg(name: str, find: Any, input: Any, dim: int | None, keepdim: bool) -> Any:
    require_no_bools(name, input)
    axis = None if dim is None else axis_of(checked_dim(dim, input.ndim), input.ndim)
    require_elements(name, input, axis)
    return find(input, axis=axis, keepdims=keepdim)


# --- what the input must be --------------------------------------------------------------------


def require_no_bools(name: str, input: Any) -> None:
    """Raise for bools, which PyTorch does not order here."""
    if input.array.dtype.kind == "b":
        raise DTypeError(f"{name}(): does not support bool input; convert with .int()")


def require_elements(name: str, input: Any, axis: Any) -> None:
    """Raise if there are no elements to take the extreme of."""
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
