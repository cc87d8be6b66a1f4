"""Functions that read and write by index, and that order elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import DimensionError, DTypeError, ShapeError
from dlframe.functions.arguments import checked_dim, numpy_names, to_dtype
from dlframe.ops.calling import wrap
from dlframe.ops.record import Array

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "argwhere",
    "gather",
    "index_select",
    "masked_fill",
    "masked_select",
    "nonzero",
    "scatter",
    "scatter_add",
    "take_along_dim",
]


# --- along a dimension -------------------------------------------------------------------------


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``out[i, j, k] = input[i, index[i, j, k], k]``, here for dim = 1, in the shape of `index`.

    Raises:
        DimensionError: an index outside the dimension.
        ShapeError: `index` is larger than `input` in another dimension.

    >>> dl.gather(dl.tensor([[1, 2], [3, 4]]), 1, dl.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    dim = checked_dim(dim, input.ndim)
    _check_index("gather", index.array, dim, input.shape)
    return ops.take_along_axis(input, index, axis=dim)


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` whose operands broadcast; without `dim` in the flattened tensors.

    >>> x = dl.tensor([[3, 1, 2]])
    >>> dl.take_along_dim(x, dl.argsort(x, dim=1), dim=1)
    tensor([[1, 2, 3]])
    """
    if dim is None:
        return take_along_dim(ops.ravel(input), ops.ravel(indices), 0)
    dim = checked_dim(dim, input.ndim)
    if indices.ndim != input.ndim:
        raise ShapeError(
            "take_along_dim(): input and indices should have the same number of dimensions, but "
            f"got {input.ndim} "
            f"dimensions for input, and {indices.ndim} dimensions for indices"
        )
    others = np.broadcast_shapes(
        tuple(1 if i == dim else n for i, n in enumerate(input.shape)),
        tuple(1 if i == dim else n for i, n in enumerate(indices.shape)),
    )
    index = np.broadcast_to(indices.array, (*others[:dim], indices.shape[dim], *others[dim + 1 :]))
    input = ops.broadcast_to(input, shape=(*others[:dim], input.shape[dim], *others[dim + 1 :]))
    return gather(input, dim, wrap(index))


@numpy_names
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Tensor | float | None = None, *, value: Any = None
) -> Tensor:
    """A copy of `input` with ``out[i, index[i, j, k], k] = src[i, j, k]``, here for dim = 1.

    >>> dl.scatter(dl.zeros(2, 3), 1, dl.tensor([[0], [2]]), 1.0)
    tensor([[1., 0., 0.],
            [0., 0., 1.]])
    """
    source: Any = value if src is None else src
    places, source = _places("scatter", input, dim, index, source)
    return ops.set_item(input, source, index=places)


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of `input` with ``out[i, index[i, j, k], k] += src[i, j, k]``, here for dim = 1.

    Where indices repeat, all that goes there adds up.

    >>> dl.scatter_add(dl.zeros(3), 0, dl.tensor([0, 2, 0]), dl.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    places, source = _places("scatter_add", input, dim, index, src)
    return ops.add(input, ops.put_at(source, index=places, size=input.shape))


def _places(name: str, input: Any, dim: int, index: Any, source: Any) -> tuple[Any, Any]:
    """Where in `input` each element of `index` points, and the part of `source` that goes there."""
    dim = checked_dim(dim, input.ndim)
    shape = index.shape
    _check_index(name, index.array, dim, input.shape)
    if not isinstance(source, (bool, int, float)):
        if any(n > m for n, m in zip(shape, source.shape, strict=True)):
            raise ShapeError(
                f"{name}: Expected index {list(shape)} to be no larger than src "
                f"{list(source.shape)} in every dimension"
            )
        if source.dtype != input.dtype:
            raise DTypeError(
                f"{name}(): Expected self.dtype to be equal to src.dtype, got {input.dtype} and "
                f"{source.dtype}"
            )
        if source.shape != shape:
            source = ops.take_at(source, index=tuple(slice(n) for n in shape))
    return ops.along(index.array, dim) if shape else ..., source


def _check_index(name: str, index: Array, dim: int, shape: tuple[int, ...]) -> None:
    if index.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}(): Expected dtype int64 for index, got {index.dtype}; use .long()"
        )
    if index.ndim != len(shape) and index.ndim and shape:
        raise ShapeError(
            f"{name}: Index tensor must have the same number of dimensions as input tensor, got "
            f"{list(index.shape)} for {list(shape)}"
        )
    if index.ndim == len(shape) and any(
        n > m for i, (n, m) in enumerate(zip(index.shape, shape, strict=True)) if i != dim
    ):
        raise ShapeError(
            f"{name}: Size does not match: expected index {list(index.shape)} to be no larger than "
            f"self {list(shape)} apart from dimension {dim}"
        )
    n = shape[dim] if shape else 1
    if index.size and (index.min() < 0 or index.max() >= n):
        wrong = index.min() if index.min() < 0 else index.max()
        raise DimensionError(
            f"{name}: index {wrong} is out of bounds for dimension {dim} with size {n}"
        )


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at `index` (a vector) along a dimension; a copy.

    >>> dl.index_select(dl.tensor([[1, 2, 3], [4, 5, 6]]), 1, dl.tensor([2, 0]))
    tensor([[3, 1],
            [6, 4]])
    """
    dim = checked_dim(dim, input.ndim)
    if index.ndim > 1:
        raise DimensionError(
            f"index_select(): Index is supposed to be a vector, but got dim: {index.ndim}"
        )
    if index.dtype.kind not in "iu":
        raise DTypeError(
            f"index_select(): Expected dtype int32 or int64 for index, got {index.dtype}; use "
            ".long()"
        )
    places = index.array.reshape(-1)
    n = input.shape[dim] if input.ndim else 1
    if places.size and (places.min() < 0 or places.max() >= n):
        raise DimensionError(
            f"index_select: index out of range in self: indices from {places.min()} to "
            f"{places.max()} for a dimension "
            f"of size {n}"
        )
    return ops.take(input, places, axis=dim) if input.ndim else ops.copy(input)


# --- by mask -----------------------------------------------------------------------------------


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`value` where the mask holds, else `input`.

    >>> dl.tensor([1.0, 2.0]).masked_fill(dl.tensor([True, False]), 0.0)
    tensor([0., 2.])
    """
    _require_bool("masked_fill", mask)
    if not isinstance(value, (bool, int, float)):
        if value.ndim:
            raise ShapeError(
                "masked_fill only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.ndim} dimension(s); use where()"
            )
        value = to_dtype(value, input.dtype)
    return ops.where(mask, value, input)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask holds, as a vector; both broadcast.

    >>> dl.masked_select(dl.tensor([1.0, 2.0, 3.0]), dl.tensor([True, False, True]))
    tensor([1., 3.])
    """
    _require_bool("masked_select", mask)
    shape = np.broadcast_shapes(input.shape, mask.shape)
    whole = np.broadcast_to(mask.array, shape)
    return ops.take_at(ops.broadcast_to(input, shape=shape), index=whole)


def _require_bool(name: str, mask: Any) -> None:
    if mask.dtype.kind != "b":
        raise DTypeError(
            f"{name}: mask must be a bool tensor, got {mask.dtype}; compare it, or use .bool()"
        )


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where elements are not zero: a row of indices each, or `as_tuple` a vector per dimension.

    >>> dl.nonzero(dl.tensor([[0, 1], [2, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    if as_tuple:
        return tuple(wrap(places) for places in np.nonzero(np.atleast_1d(input.array)))
    return ops.nonzero(input)


def argwhere(input: Tensor) -> Tensor:
    """`nonzero` under NumPy's name.

    >>> dl.argwhere(dl.tensor([0, 1]))
    tensor([[1]])
    """
    return ops.nonzero(input)
