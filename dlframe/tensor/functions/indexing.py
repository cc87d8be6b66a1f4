"""Functions that read by index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlframe import ops
from dlframe.errors import DimensionError, DTypeError, OutOfRangeError, ShapeError
from dlframe.ops.record import Array
from dlframe.tensor.arguments import checked_dim, numpy_names

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "gather",
    "index_select",
    "take",
    "take_along_dim",
]


# --- along a dimension -------------------------------------------------------------------------


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """`out[i, j, k] = input[i, index[i, j, k], k]`, for dim = 1; it has the shape of `index`.

    Raises:
        OutOfRangeError: an index outside the dimension.
        ShapeError: `index` is larger than `input` in another dimension.

    >>> dl.gather(dl.tensor([[1, 2], [3, 4]]), 1, dl.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    dim = checked_dim(dim, input.array.ndim)
    places = indices_along("gather", index.array, dim, input.array.shape)
    if places is None:
        return ops.take_at(ops.ravel(input), index=np.zeros(index.shape, np.int64))
    found = ops.take_at(input, index=ops.along_within(places, dim, input.array.shape))
    found = ops.ordered(found)
    return found if found.shape == index.shape else ops.reshape(found, shape=index.shape)


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` with operands that broadcast; without `dim`, from the flattened tensor.

    Negative indices count from the end.

    Raises:
        DTypeError: the indices are not int64.
        ShapeError: the numbers of dimensions differ, or the shapes do not broadcast.

    >>> x = dl.tensor([[3, 1, 2]])
    >>> dl.take_along_dim(x, dl.argsort(x, dim=1), dim=1)
    tensor([[1, 2, 3]])
    """
    if dim is None:
        return take_along_dim(ops.ravel(input), ops.ravel(indices), 0)
    if not input.ndim:
        raise DimensionError(f"Dimension specified as {dim} but tensor has no dimensions")
    dim = checked_dim(dim, input.ndim)
    require_long("take_along_dim", indices.array)
    if indices.ndim != input.ndim:
        raise ShapeError(
            "take_along_dim(): input and indices should have the same number of dimensions, but "
            f"got {input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    others = broadcast_shape(
        "take_along_dim",
        tuple(1 if i == dim else n for i, n in enumerate(input.shape)),
        tuple(1 if i == dim else n for i, n in enumerate(indices.shape)),
    )
    shape = (*others[:dim], indices.shape[dim], *others[dim + 1 :])
    index = from_the_front("take_along_dim", indices.array, input.shape[dim], dim)
    if index is indices.array and input.needs_grad:
        index = index.copy()  # the gradient needs it; `indices` may be overwritten
    whole = (*others[:dim], input.shape[dim], *others[dim + 1 :])
    if input.shape != whole:
        input = ops.broadcast_to(input, shape=whole)
    if index.shape != shape:
        index = np.broadcast_to(index, shape)
    places = ops.along_within(index, dim, input.array.shape)
    return ops.ordered(ops.take_at(input, index=places))


def broadcast_shape(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all broadcast to."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            f"{name}(): shapes {' and '.join(str(list(s)) for s in shapes)} cannot be broadcast "
            "together: sizes must be equal or 1, counted from the last dimension"
        ) from None


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at `index` (a vector) along a dimension; a copy.

    Raises:
        DimensionError: `index` has several dimensions, or an index is out of range.

    >>> dl.index_select(dl.tensor([[1, 2, 3], [4, 5, 6]]), 1, dl.tensor([2, 0]))
    tensor([[3, 1],
            [6, 4]])
    """
    dim = checked_dim(dim, input.ndim)
    n = input.shape[dim] if input.ndim else 1
    places = vector_of_indices("index_select", index.array, dim, n)
    if input.ndim:
        return ops.ordered(ops.take(input, places, axis=dim))
    if places.size != 1:
        raise ShapeError(
            "index_select(): Index to scalar can have only 1 value, got "
            f"{places.size} value(s); unsqueeze(0) makes a vector of a scalar"
        )
    return ops.copy(input)


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at flat indices, as if `input` were a vector: `input.ravel()[index]`.

    Raises:
        DTypeError: `index` is not int64.
        OutOfRangeError: an index outside the tensor.

    >>> dl.take(dl.tensor([[4, 3, 5], [6, 7, 8]]), dl.tensor([0, 2, -1]))
    tensor([4, 5, 8])
    """
    require_long("take", index.array)
    places = from_the_front("take", index.array, input.array.size)
    return ops.ordered(ops.take_at(ops.ravel(input), index=places))


# --- checks, of reading and writing ------------------------------------------------------------


def require_long(name: str, index: Array) -> None:
    """Raise unless the indices are int64."""
    if index.dtype != np.int64:
        raise DTypeError(
            f"{name}(): Expected a long tensor for index, but got {index.dtype}; use .long()"
        )


def _require_integers(name: str, index: Array) -> None:
    if index.dtype not in (np.int64, np.int32):
        raise DTypeError(
            f"{name}(): Expected dtype int32/int64 for index but got: {index.dtype}; use .long()"
        )


def from_the_front(name: str, index: Array, n: int, dim: int | None = None) -> Array:
    """`index` with negative numbers, which count from the end, replaced by those from the front."""
    if index.size:
        _check_range(name, index, -n, n, dim)
    return np.where(index < 0, index + n, index) if index.size and index.min() < 0 else index


def _check_range(name: str, index: Array, low: int, n: int, dim: int | None) -> None:
    if low == 0:  # read as unsigned, negative integers are large: one pass finds both
        unsigned = np.uint64 if index.itemsize == 8 else np.uint32
        inside = np.maximum.reduce(index.view(unsigned), axis=None) < n
    else:
        inside = np.minimum.reduce(index, axis=None) >= low
        inside = inside and np.maximum.reduce(index, axis=None) < n
    if not inside:
        wrong = index.min() if index.min() < low else index.max()
        where = f"dimension {dim} with size {n}" if dim is not None else f"a tensor of {n} elements"
        valid = f"valid are {low} to {n - 1}" if n else "it is empty"
        raise OutOfRangeError(f"{name}(): index {wrong} is out of bounds for {where}; {valid}")


def vector_of_indices(name: str, index: Array, dim: int, n: int) -> Array:
    """`index` as a vector of places in a dimension of size `n`; a number is a vector of one."""
    if index.ndim > 1:
        raise DimensionError(
            f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with size: "
            f"{list(index.shape)}; gather() and scatter() take indices of any shape"
        )
    _require_integers(name, index)
    if index.size:
        _check_range(name, index, 0, n, dim)
    return index.reshape(-1)


def indices_along(name: str, index: Array, dim: int, shape: tuple[int, ...]) -> Array | None:
    """Checked indices for places along `dim`, with as many dimensions as `shape` has.

    None if the tensor is 0-d, because it has only one place. The shape of an empty index is not
    checked.
    """
    if not index.size:
        return index.reshape((0,) * max(len(shape), 1)).astype(np.int64) if shape else None
    _require_integers(name, index)
    if index.ndim != len(shape) and max(index.ndim, 1) != max(len(shape), 1):
        raise ShapeError(
            f"{name}(): Index tensor must have the same number of dimensions as input tensor, got "
            f"{list(index.shape)} for {list(shape)}; unsqueeze() and expand() it"
        )
    if any(i != dim and k > shape[i] for i, k in enumerate(index.shape)):
        raise ShapeError(
            f"{name}(): Size does not match: expected index {list(index.shape)} to be no larger "
            f"than self {list(shape)} apart from dimension {dim}"
        )
    _check_range(name, index, 0, shape[dim] if shape else 1, dim)
    if not shape:
        return None
    return index if index.ndim else index.reshape(1)
