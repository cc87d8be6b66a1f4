"""Views by steps in memory: overlapping windows, and any other views with given strides."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops.calling import note_view, record_call, wrap
from dlframe.ops.indexing import put_at
from dlframe.ops.op import op
from dlframe.ops.record import Array, TensorBase, grad_mode, owner_of
from dlframe.ops.regions import Region, repeats, take_region
from dlframe.ops.shape import transpose

__all__ = ["as_strided", "sliding_windows"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Shape = tuple[int, ...]


class _Memory:
    """Memory as NumPy's array interface describes it, kept alive by its owner."""

    def __init__(self, interface: dict[str, Any], owner: Array) -> None:
        self.__array_interface__, self.base = interface, owner


def _laid(x: Array, shape: Shape, strides: Shape, offset: int = 0) -> Array:
    """An array in the memory of `x`, `offset` bytes after its first element; strides in bytes."""
    if 0 in shape:
        strides, offset = (0,) * len(shape), 0  # nothing is read
    # not np.ndarray(…, buffer=x), which takes memory in order only
    described = dict(x.__array_interface__)
    start, read_only = described["data"]
    described |= {"shape": shape, "strides": strides, "data": (start + offset, read_only)}
    return np.asarray(_Memory(described, owner_of(x)))


# --- windows -----------------------------------------------------------------------------------


@op(view=True, latex="x_{s i + k}")
def sliding_windows(x: Array, *, size: int, step: int, axis: int) -> Any:
    """The windows of `size` elements at every `step`-th place along `axis`, as a new last axis."""
    count = (x.shape[axis] - size) // step + 1
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :], size)
    steps = x.strides
    return _laid(x, shape, (*steps[:axis], steps[axis] * step, *steps[axis + 1 :], steps[axis]))


@sliding_windows.vjp("x", latex=r"\sum_{s i + k = j} g_{i k}")
def _(g, shape, *, size, step, axis):
    # an element's gradient is the sum over its windows; along the first axis these are rows
    places = np.arange(g.shape[axis])[:, None] * step + np.arange(size)
    others = [i for i in range(len(shape)) if i != axis]
    rows = transpose(g, axes=(axis, len(shape), *others))
    summed = put_at(rows, index=(places,), size=(shape[axis], *(shape[i] for i in others)))
    return transpose(summed, axes=(*range(1, axis + 1), 0, *range(axis + 1, len(shape))))


# --- any strides -------------------------------------------------------------------------------


def as_strided(x: Any, *, size: Shape, stride: Shape, offset: int | None = None) -> Any:
    """The elements at offset + Σ indexᵢ · strideᵢ in the memory of `x`, or of its base.

    Strides and offset count elements; by default the offset is that of `x`. The gradient goes to
    the same places (`dlframe.ops.regions`), and is added where one is shown more than once. As in
    PyTorch, elements outside `x` get none.
    """
    if not isinstance(x, TensorBase):
        return _strided(x, x, size, stride, offset)
    base = x if x.view_of is None else x.view_of.base
    part = _strided(base.array, x.array, size, stride, offset)
    if x.needs_grad and grad_mode.get():
        source = base if repeats(x.array.shape, x.array.strides) else x
        options = {"region": Region(source.array, part)}
        out = record_call(take_region.definition, (source,), [source.array], options, part)
    else:
        out = wrap(part)
    note_view(out, x)
    return out


def _strided(base: Array, x: Array, size: Shape, stride: Shape, offset: int | None) -> Array:
    item = base.itemsize
    if offset is None:
        start, own = base.__array_interface__["data"][0], x.__array_interface__["data"][0]
        offset = (own - start) // item
    room = sum((n - 1) * s for n, s in zip(base.shape, base.strides, strict=True)) // item + 1
    needed = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
    if 0 not in size and needed > (room if base.size else 0):
        raise ShapeError(
            f"as_strided: sizes {list(size)}, strides {list(stride)} and storage offset {offset} "
            f"reach element {needed}: out of bounds for memory of {room} elements"
        )
    return _laid(base, size, tuple([s * item for s in stride]), offset * item)


def strided_memory(shape: Shape, stride: Shape, dtype: Any) -> Array:
    """Uninitialized memory with these strides, counted in elements."""
    if len(shape) != len(stride) or any(step < 0 for step in stride):
        raise ArgumentError(
            "empty_strided: dimensionality of sizes must match dimensionality of strides, and "
            f"strides must not be negative; got {list(shape)} and {list(stride)}"
        )
    reach = sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
    memory = np.empty(0 if 0 in shape else reach + 1, dtype)
    view: Array = np.ndarray(shape, dtype, memory, 0, [s * memory.itemsize for s in stride])
    return view
