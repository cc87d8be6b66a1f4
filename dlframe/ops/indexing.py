"""Reading and writing by index; `take_at` and `put_at` are each other's derivative.

As in PyTorch, an index consists of integers, slices, None, Ellipsis, bools, tensors, arrays, lists
of integers or bools, and tuples of these. `plain_index` makes an index for NumPy of it, with masks
as arrays of bools and other arrays of integers, and raises the errors that PyTorch raises.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.errors import (
    ArgumentError,
    DimensionError,
    IndexTypeError,
    ShapeError,
)
from dlframe.ops.broadcast import sum_to
from dlframe.ops.memory import by_steps, in_order, steps_of
from dlframe.ops.op import cast, op, plain
from dlframe.ops.record import Array, TensorBase, to_array

__all__ = [
    "along",
    "along_within",
    "flat_places",
    "getitem",
    "nonzero",
    "number_for",
    "plain_index",
    "put_along_axis",
    "put_at",
    "replace_at",
    "set_item",
    "take",
    "take_along_axis",
    "take_at",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Shape = tuple[int, ...]
_MASKS, _INTEGERS = ("bool", "uint8"), ("int64", "int32")  # the dtypes of arrays in an index
_JUST_INTS = {int}


# --- the index ---------------------------------------------------------------------------------


def plain_index(index: Any) -> Any:
    """`index` with arrays instead of tensors and lists.

    Raises:
        ValueError: a slice with a negative step.
        IndexTypeError: an index of floats.
    """
    if isinstance(index, list) and any(map(_is_part, index)):
        index = tuple(index)  # [[0, 1], [1, 0]] are two indices, as in PyTorch
    if isinstance(index, tuple):
        return tuple([_plain_part(part) for part in index])
    return _plain_part(index)


def _is_part(x: Any) -> bool:
    """Whether `x`, an item of a list, shows that the list means a tuple."""
    parts = (list, tuple, slice, TensorBase, np.ndarray)
    return x is None or x is Ellipsis or isinstance(x, parts)


def _plain_part(part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, int):
        return part
    if isinstance(part, slice):
        if part.step is not None and part.step <= 0:
            raise ValueError(
                f"step must be greater than zero, got {part.step}; flip() goes backwards"
            )
        return part
    array = to_array(part)
    if array.dtype.name in _MASKS:
        return array.view(np.bool_) if array.dtype.kind == "b" else array != 0
    if array.dtype.name in _INTEGERS:
        return array if array.ndim else array.item()  # a number in a tensor is a number
    if array.size == 0 and not isinstance(part, (TensorBase, np.ndarray)):
        return array.astype(np.int64)  # an empty list has no dtype of its own
    raise IndexTypeError(
        f"tensors used as indices must be long, int, byte or bool tensors, got {array.dtype}; "
        "convert whole numbers with .long(), or compare to get a mask"
    )


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _is_array(part: Any) -> bool:
    return isinstance(part, (np.ndarray, bool))  # True is a mask without dimensions


def is_basic(index: Any) -> bool:
    """Whether `index` has only integers and slices, so that it selects no element twice."""
    return not any(map(_is_array, _parts(index)))


def in_steps(index: Any, ndim: int) -> tuple[Any, Any]:
    """A view to take of a tensor first (or None), and the index into that view.

    PyTorch computes `x[0, :, rows]` as `x[0]`, and then `[:, rows]` of it. NumPy would treat the
    integer as one more index array, and move the dimension of the arrays to the front. A bool adds
    a dimension of size 1 or 0.
    """
    if not isinstance(index, tuple) or is_basic(index):
        return None, index
    index = _without_ellipsis(index, ndim)
    if not _mixed(index):
        return None, index
    first: list[Any] = []
    then: list[Any] = []
    for part in index:
        if _is_array(part) and np.ndim(part):
            first += [slice(None)] * _dimensions_of(part)
            then.append(part)
        elif _is_array(part):
            first.append(None)
            then.append(np.zeros(int(part), np.int64))
        else:
            first.append(part)
            if not isinstance(part, int):
                then.append(slice(None))
    return tuple(first), tuple(then)


def _dimensions_of(part: Any) -> int:
    """The number of dimensions of the tensor that a part of an index takes."""
    if _is_array(part):
        return np.ndim(part) if isinstance(part, bool) or part.dtype.kind == "b" else 1
    return part is not None


def _without_ellipsis(index: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """The index with slices for an Ellipsis, since NumPy lets even an empty one separate arrays."""
    place = next((i for i, part in enumerate(index) if part is Ellipsis), None)
    if place is None:
        return index
    before, after = index[:place], [part for part in index[place + 1 :] if part is not Ellipsis]
    missing = ndim - sum(map(_dimensions_of, (*before, *after)))
    return (*before, *(slice(None),) * missing, *after)


def _mixed(index: tuple[Any, ...]) -> bool:
    """Whether integers and arrays are mixed with parts of another kind, or bools with any part."""
    arrays = [part for part in index if _is_array(part)]
    if any(np.ndim(part) == 0 for part in arrays):
        return len(index) > 1
    integers = sum(isinstance(part, int) for part in index)
    return bool(arrays and integers) and len(arrays) + integers < len(index)


def index_error(error: Exception, shape: Shape, index: Any) -> DimensionError:
    """The error that says which dimension does not fit `index`."""
    shown = ", ".join(
        f"tensor{list(p.shape)}" if isinstance(p, np.ndarray) else _shown(p) for p in _parts(index)
    )
    why = str(error).replace("axis", "dimension").replace("array", "tensor")
    return DimensionError(
        f"index [{shown}] does not fit a tensor of shape {list(shape)}: {why}{_hint(why, shape)}"
    )


def _shown(part: Any) -> str:
    if isinstance(part, slice):
        bounds = [part.start, part.stop] + ([] if part.step is None else [part.step])
        return ":".join("" if n is None else str(n) for n in bounds)
    return "..." if part is Ellipsis else str(part)


def _hint(why: str, shape: Shape) -> str:
    if not shape:
        return "; a 0-dim tensor has no dimension to index: use .item(), or x[None] to get one"
    if "out of bounds" in why and "dimension" in why:
        n = shape[int(why.partition("dimension ")[2].partition(" ")[0])]
        return f"; valid are {-n} to {n - 1}" if n else "; it has no elements"
    if "boolean index" in why:
        return "; a mask has the size of each dimension it stands for"
    return ""


# --- reading, and its adjoint ------------------------------------------------------------------


def getitem(x: Any, index: Any) -> Any:
    """`x[index]`: a view for integers and slices, a copy for arrays."""
    kind = index.__class__
    if kind is int or (kind is tuple and index and _JUST_INTS.issuperset(map(type, index))):
        return select_at(x, index=index)
    first, then = in_steps(plain_index(index), len(x.shape))
    if first is not None:
        x = _reader(first)(x, index=first)
    return _reader(then)(x, index=then)


def _reader(index: Any) -> Callable[..., Any]:
    """The operation that reads at `index`; PyTorch names the node after the index's last part."""
    parts = _parts(index)
    if not is_basic(index):
        return take_at
    kinds = [type(part) for part in parts if len(parts) == 1 or part != slice(None)]
    return {int: select_at, slice: slice_at}.get(kinds[-1] if kinds else slice, take_at)


def _read(x: Array, index: Any) -> Array:
    if index.__class__ is Along and x.__class__ is np.ndarray and x.flags.c_contiguous:
        return x.reshape(-1).take(index.flat)  # twice as fast as an index per axis
    try:
        out = x[index]
    except IndexError as error:
        raise index_error(error, x.shape, index) from None
    # with an integer for every axis NumPy gives a scalar, and a view if there is an Ellipsis too
    return x[(*_parts(index), ...)] if isinstance(out, np.generic) else out


def _in_memory(out: Array, x: Array, index: Any) -> Array:
    """What an index with arrays selects, where other axes follow the order of `x`, as in PyTorch.

    NumPy writes place after place, which turns the result of `x[:, places]`.
    """
    parts = _parts(index)
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if type(out) is not np.ndarray or type(x) is not np.ndarray or out.ndim < 2 or not out.size:
        return out
    if x.flags.c_contiguous and all(a.flags.c_contiguous for a in arrays):
        return in_order(out)  # type: ignore[no-any-return] # it is an array
    # one place of each array leaves the other axes
    zeros = [(0,) * _dimensions_of(part) if _is_array(part) else (part,) for part in parts]
    others = x[(*itertools.chain.from_iterable(zeros),)]
    kinds = [_is_array(part) or isinstance(part, int) for part in parts]
    before, count = kinds.index(True), out.ndim - others.ndim
    if False in kinds[before : len(kinds) - kinds[::-1].index(True)]:
        before = 0  # NumPy moves the axes of arrays that do not stand together to the front
    steps = steps_of(others, others.ndim)
    front, back = [0] * before, [0] * (others.ndim - before)
    own = [front + steps_of(a, count) + back for a in arrays if a.dtype.kind != "b"]
    return by_steps(out, [steps[:before] + [0] * count + steps[before:], *own])


@op(view=True, latex=r"x_{\mathrm{index}}")
def take_at(x: Array, *, index: Any) -> Array:
    """`x[index]`, for an index without tensors."""
    out = _read(x, index)
    return out if is_basic(index) or index.__class__ is Along else _in_memory(out, x, index)


@op(view=True, latex=r"x_{\mathrm{index}}")
def select_at(x: Array, *, index: Any) -> Array:
    """`take_at` under the name of a node that selects one place of a dimension."""
    return _read(x, index)


@op(view=True, latex=r"x_{\mathrm{index}}")
def slice_at(x: Array, *, index: Any) -> Array:
    """`take_at` under the name of a node that takes a slice."""
    return _read(x, index)


@take_at.vjp("x", latex=r"\sum_{\mathrm{index} = i} g")
@select_at.vjp("x", latex=r"\sum_{\mathrm{index} = i} g")
@slice_at.vjp("x", latex=r"\sum_{\mathrm{index} = i} g")
def _(g, shape, *, index):
    # an element gets its gradient from the place to which it was read
    return put_at(g, index=index, size=shape)


@op(latex=r"\sum_{\mathrm{index} = i} x")
def put_at(x: Array, *, index: Any, size: Shape) -> Any:
    """Zeros of shape `size` with `x` at `index`; at places that repeat, the values are added."""
    out = np.zeros_like(x, shape=size, order="C")  # rows are written through reshaped views
    if index.__class__ is Along and out.__class__ is np.ndarray:
        np.add.at(out.reshape(-1), index.flat.reshape(-1), x.reshape(-1))
        return out
    parts = _parts(index)
    if is_basic(index) or (isinstance(index, np.ndarray) and index.dtype.kind == "b"):
        out[index] = x  # no place twice
    elif all(isinstance(part, np.ndarray) and part.ndim for part in parts) and x.size:
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
    """The parts of an index as one integer array per axis; a mask becomes its places."""
    places: list[Array] = []
    for part in parts:
        places += part.nonzero() if part.dtype.kind == "b" else (part.astype(np.intp, copy=False),)
    return tuple(places)


@put_at.vjp("x", latex=r"g_{\mathrm{index}}")
def _(g, *, index):
    return take_at(g, index=index)


def add_to_rows(out: Array, rows: Array, x: Array) -> None:
    """`out[rows] += x` in place, counting rows that repeat; `out` is a contiguous matrix."""
    width = out.shape[1]
    if width > 1 and _distinct(rows, len(out)):
        out[rows] += x
        return
    # np.add.at is three times as fast on one flat axis as on rows
    places = rows if width == 1 else rows[:, None] * width + np.arange(width)
    np.add.at(out.reshape(-1), places.reshape(-1), x.reshape(-1))


def _distinct(rows: Array, limit: int) -> bool:
    """Whether no row occurs twice."""
    # each position is written to its row; if a row repeats, it holds only the last position
    mine = np.arange(len(rows))
    last = np.empty(limit, mine.dtype)
    last[rows] = mine
    return bool((last[rows] == mine).all())


class Along(tuple[Array, ...]):  # noqa: SLOT001 # a tuple's subclass cannot have slots
    """An index of one array per axis, and the same places in the flattened tensor."""

    flat: Array


def along(indices: Array, axis: int) -> tuple[Array, ...]:
    """The index that takes `indices` along `axis`, and each element's own place along others."""
    n = indices.ndim
    if not n:
        return (indices,)
    places = [np.arange(k).reshape(-1, *(1,) * (n - 1 - i)) for i, k in enumerate(indices.shape)]
    places[axis] = indices
    return tuple(places)


_MANY = 4096  # for fewer places an index per axis is faster


def along_within(indices: Array, axis: int, size: Shape) -> tuple[Array, ...]:
    """`along` for a tensor of that size, with indices that are known to be valid."""
    index = along(indices, axis)
    if indices.size < _MANY or axis != len(size) - 1:
        return index
    steps = [math.prod(size[i + 1 :]) for i in range(axis)]
    index = Along(index)
    index.flat = indices + sum([p * k for p, k in zip(index, steps)])
    return index


def flat_places(index: tuple[Array, ...], size: Shape) -> Array:
    """The places of `index`, which has one array per axis, in the flattened tensor."""
    if isinstance(index, Along):
        return index.flat
    return np.asarray(np.ravel_multi_index(index, size))


def take_along_axis(x: Any, indices: Any, *, axis: int) -> Any:
    """`out[i, j, k] = x[i, indices[i, j, k], k]`, here for axis = 1."""
    indices = to_array(indices)
    if not x.shape:
        return take_at(x, index=...)
    return take_at(x, index=along(indices, axis))


def put_along_axis(x: Any, indices: Any, *, axis: int, size: Shape) -> Any:
    """Zeros of shape `size` with `x[i, j, k]` added at `[i, indices[i, j, k], k]`."""
    indices = to_array(indices)
    if not size:
        return take_at(x, index=...)
    return put_at(x, index=along(indices, axis), size=size)


def take(x: Any, indices: Any, *, axis: int) -> Any:
    """The slices of `x` at `indices` along `axis`."""
    return take_at(x, index=(*(slice(None),) * (axis % len(x.shape)), to_array(indices)))


# --- writing, out of place ---------------------------------------------------------------------


def set_item(x: Any, value: Any, *, index: Any) -> Any:
    """`x` with `x[index] = value`, as a new tensor."""
    return replace_at(x, value, index=plain_index(index))


@op(order="like", latex=r"x, \quad z_{\mathrm{index}} = v")
def replace_at(x: Any, value: Any, *, index: Any) -> Any:
    """A copy of `x` with `x[index] = value`, for an index without tensors."""
    out = np.array(x) if isinstance(x, np.generic) else x.copy()
    assign(out, index, value)
    return out


def assign(x: Array, index: Any, value: Any) -> None:
    """`x[index] = value` on arrays, with PyTorch's meaning and errors."""
    if index.__class__ is Along and x.__class__ is np.ndarray and x.flags.c_contiguous:
        x, index = x.reshape(-1), index.flat
    if isinstance(value, (bool, int, float)):
        value = number_for("index", value, x.dtype)
    try:
        try:
            x[index] = value
        except (TypeError, ValueError):
            value = np.asarray(value)
            ones = next((i for i, n in enumerate(value.shape) if n != 1), value.ndim)
            if not ones:
                raise
            x[index] = value.reshape(value.shape[ones:])  # leading sizes of 1 are dropped
    except IndexError as error:
        raise index_error(error, x.shape, index) from None
    except (TypeError, ValueError):
        if not x.flags.writeable:
            raise
        raise ShapeError(
            f"index: shape mismatch: value of shape {list(np.shape(value))} cannot be broadcast to "
            f"{list(x[index].shape)}, what the index selects from shape {list(x.shape)}"
        ) from None


def number_for(by: str, value: Any, dtype: Any) -> Array:
    """A number as an array of `dtype`; floats are truncated to integers, and -1 is 255 in uint8.

    Raises:
        ArgumentError: the number is outside the range of the dtype.
    """
    if dtype.kind == "f":
        fits = not math.isfinite(value) or abs(value) <= float(np.finfo(dtype).max)
    elif dtype.kind == "b":
        fits = True
    else:
        limit = np.iinfo(dtype).max
        fits = -limit - 1 <= value <= limit  # nan does not
    if not fits:
        raise ArgumentError(
            f"{by}: value {value} cannot be converted to type {dtype} without overflow"
        )
    return np.asarray(value).astype(dtype)


@replace_at.vjp("x", latex=r"g_i [i \notin \mathrm{index}]")
def _(g, *, index):
    return replace_at(g, 0.0, index=index)  # overwritten elements have no influence


@replace_at.vjp("value", latex=r"g_{\mathrm{index}}")
def _(g, shape, dtype, *, index):
    g = take_at(g, index=index)
    extra = max(len(shape) - len(g.shape), 0)  # NumPy drops leading axes of size 1 from a value
    g = sum_to(g, shape=shape[extra:]).reshape(shape)
    return g if g.dtype == dtype else cast(g, dtype=dtype)


# --- finding -----------------------------------------------------------------------------------


def _nonzero(x: Array) -> Any:
    """The indices of elements that are not zero, one row each."""
    return np.argwhere(x)


nonzero = plain(_nonzero, name="nonzero", order="", latex=r"i: x_i \neq 0")
