"""Where in the memory of an array writes went, so that only what they touched counts as changed.

A few writes are remembered by the layout of the views that they went through, and NumPy decides
exactly whether two layouts share an element. After many different ones, a time for each element of
the memory takes over: a loop may write a million single elements. A large memory has a time for
each cell of several elements instead: a loop may fill a set of images, and the times must not take
more memory than these. A write then counts for all cells from its first element to its last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Layout = tuple[int, tuple[int, ...], tuple[int, ...]]  # address, shape, strides in bytes

_FEW = 16
_MANY = 1024  # if there can be no time for each element
_CELLS = 2**15
_MOST_WORK = 100_000  # of the exact decision; beyond it two layouts count as overlapping


class Places:
    """The writes to parts of the memory of one array.

    Args:
        owner: the array that owns the memory.
    """

    def __init__(self, owner: Array) -> None:
        self.start, self.item, self.length = address(owner), owner.itemsize, owner.size
        self.cell = -(-owner.size // _CELLS)  # elements for which there is one time
        self.most = _FEW if self.cell == 1 else _MANY
        self.few: dict[Layout, int] = {}  # the time of the last write to each
        self.times: Array | None = None  # that of each cell of the memory

    def note(self, array: Array, time: int) -> None:
        """Remember a write to `array`, a view of the owner with elements of its dtype."""
        layout = address(array), array.shape, array.strides
        if self.times is not None:
            self._seen_in(self.times, layout, self.item)[...] = time
            return
        self.few.pop(layout, None)  # so that the latest is last
        self.few[layout] = time
        if len(self.few) > self.most:
            times = np.zeros(-(-self.length // self.cell), np.int64)
            for known, then in self.few.items():
                self._seen_in(times, known, self.item)[...] = then
            self.times, self.few = times, {}

    def changed(self, array: Array, since: int) -> bool:
        """Whether an element of `array`, any view of the owner, was written to after `since`.

        Another thread may note a write meanwhile.
        """
        few, times = self.few, self.times  # in this order: `note` sets the times first
        layout = address(array), array.shape, array.strides
        if times is None:
            return any(
                time > since and _share(layout, array.itemsize, other, self.item)
                for other, time in list(few.items())
            )
        return bool((self._seen_in(times, layout, array.itemsize) > since).any())

    def _seen_in(self, times: Array, layout: Layout, item: int) -> Array:
        """The times of the elements that a layout shows."""
        start, shape, strides = layout
        start -= self.start
        if item == self.item and self.cell == 1:
            size = times.itemsize
            first, *steps = [n // self.item * size for n in (start, *strides)]
            return np.ndarray(shape, times.dtype, times, first, steps)
        if 0 in shape:
            return times[:0]
        ways = [(n - 1) * stride for n, stride in zip(shape, strides, strict=True)]
        low, high = start + sum(min(w, 0) for w in ways), start + sum(max(w, 0) for w in ways)
        bytes_of_cell = self.cell * self.item
        return times[low // bytes_of_cell : (high + item - 1) // bytes_of_cell + 1]


def _share(one: Layout, item: int, other: Layout, other_item: int) -> bool:
    try:
        shapes = _Shape(one, item), _Shape(other, other_item)
        return np.shares_memory(*shapes, max_work=_MOST_WORK)  # type: ignore[arg-type] # any int
    except np.exceptions.TooHardError:
        return True


class _Shape:
    """A layout in the form that NumPy reads; its memory is never looked at."""

    def __init__(self, layout: Layout, item: int) -> None:
        start, shape, strides = layout
        self.__array_interface__ = {
            "data": (start, True),
            "shape": shape,
            "strides": strides,
            "typestr": f"|V{item}",
            "version": 3,
        }


def address(array: Array) -> int:
    """The address of the first element."""
    start: int = array.__array_interface__["data"][0]
    return start
