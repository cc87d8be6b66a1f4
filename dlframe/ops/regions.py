"""The places of a view in the memory of its base, and reading and writing there.

A write to a view changes its base, and a write to the base changes the view. The gradients of both
have the base's shape, but other memory, in another order. A `Region` finds by
addresses which elements of the base a view shows, so it does not matter by which calls the view was
made. `take_region` and `put_region` are each other's derivative.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from dlframe.errors import GradientError
from dlframe.ops import record
from dlframe.ops.batched import one_example
from dlframe.ops.calling import record_call
from dlframe.ops.op import op
from dlframe.ops.record import Array

__all__ = ["put_region", "replace_region", "take_region"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Place = tuple[tuple[int, ...], tuple[int, ...], int]  # shape, strides and offset, in elements


class Region:
    """The places of `base` and of its view `part` in a range of memory that contains both.

    Args:
        base: an array whose elements all have their own memory.
        part: any array that shows some of these elements, perhaps more than once.
    """

    def __init__(self, base: Array, part: Array) -> None:
        # the examples of a batch all have the same layout
        base, part = one_example(base), one_example(part)
        if record.owner_of(base) is not record.owner_of(part):
            raise GradientError(
                "a view no longer shares memory with its base: .data of one of them was replaced; "
                "make the view again"
            )
        low, high = zip(_span(base), _span(part), strict=True)
        first, item = min(low), base.itemsize
        self.length = (max(high) - first) // item + 1
        self.base, self.part = _place(base, first), _place(part, first)
        self.dense = base.flags.c_contiguous and self.length == base.size

    def in_memory_of(self, x: Array) -> tuple[Array, Array]:
        """Base and view in new memory with the same layout, with the values of `x` for the base."""
        if self.dense and x.flags.c_contiguous:
            memory = x.reshape(-1)
            return x, _placed(memory, self.part)
        memory = np.zeros(self.length, x.dtype)
        whole = _placed(memory, self.base)
        whole[...] = x
        return whole, _placed(memory, self.part)

    @functools.cached_property
    def repeats(self) -> bool:
        """Whether the view shows some element more than once."""
        return repeats(self.part[0], self.part[1])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the base."""
        return self.base[0]


def repeats(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether an array of that shape and these strides shows some element more than once."""
    if 0 in shape:
        return False
    reach = 0  # the largest distance between elements of the dimensions so far
    for stride, n in sorted((abs(s), n) for s, n in zip(strides, shape, strict=True) if n > 1):
        if stride <= reach:
            break
        reach += (n - 1) * stride
    else:
        return False
    places = np.zeros((), np.int64)
    for stride, n in zip(strides, shape, strict=True):
        places = np.add.outer(places, np.arange(n) * stride)
    places //= math.gcd(*strides) or 1
    seen = np.zeros(int(places.max() - places.min()) + 1, np.bool)
    seen[places - places.min()] = True
    return bool(np.count_nonzero(seen) < places.size)


def _span(array: Array) -> tuple[int, int]:
    """The addresses of the first and the last element in memory."""
    start = array.__array_interface__["data"][0]
    steps = [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)]
    if not array.size:
        return start, start
    return start + sum(s for s in steps if s < 0), start + sum(s for s in steps if s > 0)


def _place(array: Array, first: int) -> Place:
    item = array.itemsize
    offset = (array.__array_interface__["data"][0] - first) // item
    return array.shape, tuple([s // item for s in array.strides]), offset


def _placed(memory: Array, place: Place) -> Array:
    shape, strides, offset = place
    item = memory.itemsize
    steps = [s * item for s in strides]
    return np.ndarray(shape, memory.dtype, memory, offset * item, steps)


# --- the operations ----------------------------------------------------------------------------


@op(latex=r"x_{\mathrm{region}}")
def take_region(x: Array, *, region: Region) -> Array:
    """The elements of `x` that the view shows."""
    return region.in_memory_of(x)[1].copy()


@take_region.vjp("x", latex=r"\sum_{\mathrm{region} = i} g")
def _(g, *, region):
    # an element gets its gradient from the place to which it was read
    return put_region(g, region=region)


@op(order="", latex=r"\sum_{\mathrm{region} = i} x")
def put_region(x: Array, *, region: Region) -> Array:
    """Zeros in the shape of the base, with `x` at the view's places; repeated places add up."""
    memory = np.zeros(region.length, x.dtype)
    if region.repeats:
        places = _placed(np.arange(region.length), region.part)
        np.add.at(memory, places.reshape(-1), x.reshape(-1))
    else:
        _placed(memory, region.part)[...] = x
    return _placed(memory, region.base)


@put_region.vjp("x", latex=r"g_{\mathrm{region}}")
def _(g, *, region):
    # linear, and the transpose of take_region
    return take_region(g, region=region)


@op(order="", latex=r"x, \quad z_{\mathrm{region}} = v")
def replace_region(x: Array, value: Any, *, region: Region) -> Array:
    """`x` with the elements of the view replaced by `value`; the view repeats no element."""
    whole, part = region.in_memory_of(np.array(x))
    part[...] = value
    return whole


replace_region.definition.grad_name = "CopySlices"  # PyTorch's name, without the usual ending


@replace_region.vjp("x", latex=r"g_i [i \notin \mathrm{region}]")
def _(g, *, region):
    # what was overwritten has no influence any more
    return replace_region(g, 0.0, region=region)


@replace_region.vjp("value", latex=r"g_{\mathrm{region}}")
def _(g, *, region):
    # the written value has it instead
    return take_region(g, region=region)


# --- views after a write -----------------------------------------------------------------------


def read_again(x: Any, base: Any) -> Any:
    """The view `x`, recorded as read from the present `base`."""
    region = Region(base.array, x.array)
    return record_call(take_region.definition, (base,), [base.array], {"region": region}, x.array)


record.bind_reader(read_again)
