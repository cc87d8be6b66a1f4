"""Reading and writing by index; `take_at` and `put_at` are each other's derivative.

An index is what NumPy takes: integers, slices, None, Ellipsis, bool and integer arrays, and tuples
of these. `plain_index` turns tensors in it into arrays and refuses what PyTorch refuses.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import DimensionError, DTypeError, ShapeError
from dlframe.ops.broadcast import sum_to
from dlframe.ops.op import cast, op, plain
from dlframe.ops.record import Array, TensorBase

__all__ = [
    "along",
    "getitem",
    "nonzero",
    "plain_index",
    "put_along_axis",
    "put_at",
    "replace_at",
    "set_item",
    "take",
    "take_along_axis",
    "take_at",
]

Shape = tuple[int, ...]


# --- the index ---------------------------------------------------------------------------------


def plain_index(index: Any) -> Any:
    """`index` with arrays in place of tensors and lists.

    Raises:
        ValueError: a slice with a negative step.
        DTypeError: an index of floats.
    """
    if isinstance(index, tuple):
        return tuple([_plain_part(part) for part in index])
    return _plain_part(index)


def _plain_part(part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, int):
        return part
    if isinstance(part, slice):
        if part.step is not None and part.step <= 0:
            raise ValueError(
                f"step must be greater than zero, got {part.step}; flip() goes backwards"
            )
        return part
    array = part.array if isinstance(part, TensorBase) else np.asarray(part)
    if array.size == 0 and array.dtype.kind == "f" and not isinstance(part, TensorBase):
        return array.astype(np.int64)  # an empty list has no dtype of its own
    if array.dtype.kind not in "biu":
        raise DTypeError(
            f"tensors used as indices must be integers or bools, got {array.dtype}; "
            "convert whole numbers with .long(), or compare to get a mask"
        )
    return array


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _is_basic(index: Any) -> bool:
    """Whether `index` has integers and slices only, so that it selects no element twice."""
    return not any(isinstance(part, (np.ndarray, bool)) for part in _parts(index))


def index_error(error: Exception, shape: Shape, index: Any) -> DimensionError:
    shown = ", ".join(
        f"array{list(p.shape)}" if isinstance(p, np.ndarray) else str(p) for p in _parts(index)
    )
    return DimensionError(f"index [{shown}] does not fit a tensor of shape {list(shape)}: {error}")


# --- reading, and its adjoint ------------------------------------------------------------------


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``: a view for integers and slices, a copy for arrays."""
    return take_at(x, index=plain_index(index))


@op(view=True)
def take_at(x: Array, *, index: Any) -> Any:
    """``x[index]``, for an index without tensors."""
    try:
        out = x[index]
    except IndexError as error:
        raise index_error(error, x.shape, index) from None
    # with an integer for every axis NumPy gives a scalar, and a view if there is an Ellipsis too
    return out if isinstance(out, np.ndarray) else x[(*_parts(index), ...)]


@take_at.vjp("x")
def _(g: Any, shape: Shape, *, index: Any) -> Any:
    return put_at(g, index=index, size=shape)


@op
def put_at(x: Array, *, index: Any, size: Shape) -> Any:
    """Zeros of shape `size` with `x` at `index`; where places repeat, what goes there adds up."""
    out = np.zeros(size, x.dtype)
    parts = _parts(index)
    if _is_basic(index) or (isinstance(index, np.ndarray) and index.dtype.kind == "b"):
        out[index] = x  # no place twice
    elif all(isinstance(part, np.ndarray) for part in parts) and x.size:
        # arrays for the first axes: x consists of whole rows
        places = _integers(parts)
        axes = len(places)
        rows = np.asarray(np.ravel_multi_index(places, size[:axes], mode="wrap"))
        width = math.prod(size[axes:])
        add_to_rows(
            out.reshape(math.prod(size[:axes]), width),
            rows.reshape(-1),
            x.reshape(rows.size, width),
        )
    else:
        places = np.arange(out.size).reshape(size)[index]
        np.add.at(out.reshape(-1), places.reshape(-1), x.reshape(-1))
    return out


def _integers(parts: tuple[Array, ...]) -> tuple[Array, ...]:
    """The parts of an index as one integer array per axis; of a mask the places it has."""
    places: list[Array] = []
    for part in parts:
        places += part.nonzero() if part.dtype.kind == "b" else (part.astype(np.intp, copy=False),)
    return tuple(places)


@put_at.vjp("x")
def _(g: Any, *, index: Any) -> Any:
    return take_at(g, index=index)


def add_to_rows(out: Array, rows: Array, x: Array) -> None:
    """``out[rows] += x`` in place, counting rows that repeat; `out` is a contiguous matrix."""
    width = out.shape[1]
    if width > 1 and _distinct(rows, len(out)):
        out[rows] = x
        return
    # np.add.at is three times as fast on one flat axis as on rows
    places = rows if width == 1 else rows[:, None] * width + np.arange(width)
    np.add.at(out.reshape(-1), places.reshape(-1), x.reshape(-1))


def _distinct(rows: Array, limit: int) -> bool:
    """Whether no row occurs twice."""
    # each writes its number to its row; of those with the same row only the last finds it there
    mine = np.arange(len(rows))
    last = np.empty(limit, mine.dtype)
    last[rows] = mine
    return bool((last[rows] == mine).all())


def along(indices: Array, axis: int) -> tuple[Array, ...]:
    """The index that takes `indices` along `axis`, and each element's own place along others."""
    n = indices.ndim
    if not n:
        return (indices,)
    places = [np.arange(k).reshape(-1, *(1,) * (n - 1 - i)) for i, k in enumerate(indices.shape)]
    places[axis] = indices
    return tuple(places)


def take_along_axis(x: Any, indices: Any, *, axis: int) -> Any:
    """``out[i, j, k] = x[i, indices[i, j, k], k]``, here for axis = 1."""
    indices = _array_of(indices)
    if not x.shape:
        return take_at(x, index=...)
    return take_at(x, index=along(indices, axis))


def put_along_axis(x: Any, indices: Any, *, axis: int, size: Shape) -> Any:
    """Zeros of shape `size` with ``x[i, j, k]`` added at ``[i, indices[i, j, k], k]``."""
    indices = _array_of(indices)
    if not size:
        return take_at(x, index=...)
    return put_at(x, index=along(indices, axis), size=size)


def take(x: Any, indices: Any, *, axis: int) -> Any:
    """The slices of `x` at `indices` along `axis`."""
    return take_at(x, index=(*(slice(None),) * (axis % len(x.shape)), _array_of(indices)))


def _array_of(x: Any) -> Array:
    return x.array if isinstance(x, TensorBase) else np.asarray(x)


# --- writing, out of place ---------------------------------------------------------------------


def set_item(x: Any, value: Any, *, index: Any) -> Any:
    """`x` with ``x[index] = value``, as a new tensor."""
    return replace_at(x, value, index=plain_index(index))


@op
def replace_at(x: Array, value: Any, *, index: Any) -> Any:
    """A copy of `x` with ``x[index] = value``, for an index without tensors."""
    out = x.copy()
    try:
        out[index] = value
    except IndexError as error:
        raise index_error(error, x.shape, index) from None
    except ValueError:
        raise ShapeError(
            f"index: shape mismatch: value of shape {list(np.shape(value))} cannot be broadcast to "
            f"{list(x[index].shape)}, what the index selects from shape {list(x.shape)}"
        ) from None
    return out


@replace_at.vjp("x")
def _(g: Any, *, index: Any) -> Any:
    return replace_at(g, 0.0, index=index)  # what was overwritten has no influence any more


@replace_at.vjp("value")
def _(g: Any, shape: Shape, dtype: Any, *, index: Any) -> Any:
    g = take_at(g, index=index)
    extra = max(len(shape) - len(g.shape), 0)  # NumPy drops leading axes of size 1 from a value
    g = sum_to(g, shape=shape[extra:]).reshape(shape)
    return g if g.dtype == dtype else cast(g, dtype=dtype)


# --- finding -----------------------------------------------------------------------------------


def _nonzero(x: Array) -> Any:
    """The indices of elements that are not zero, one row each."""
    return np.argwhere(x)


nonzero = plain(_nonzero, name="nonzero")
