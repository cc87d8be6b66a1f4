"""Where in the memory of an array writes went, so that only what they touched counts as changed.

A few writes are remembered by the layout of the views that they went through, and NumPy decides
exactly whether two layouts share an element. After many different ones, a time for each element of
the memory takes over: a loop may write a million single elements.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Layout = tuple[int, tuple[int, ...], tuple[int, ...]]  # address, shape, strides in bytes

_FEW = 16
_MOST_WORK = 100_000  # of the exact decision; beyond it two layouts count as overlapping


class Places:
    """The writes to parts of the memory of one array.

    Args:
        owner: the array that owns the memory.
    """

    def __init__(self, owner: Array) -> None:
        self.start, self.item, self.length = address(owner), owner.itemsize, owner.size
        self.few: dict[Layout, int] = {}  # the time of the last write to each
        self.times: Array | None = None  # that of each element of the memory

    def note(self, array: Array, time: int) -> None:
        """Remember a write to `array`, a view of the owner with elements of its dtype."""
        layout = address(array), array.shape, array.strides
        if self.times is not None:
            self._seen_in(self.times, layout)[...] = time
            return
        self.few.pop(layout, None)  # so that the latest is last
        self.few[layout] = time
        if len(self.few) > _FEW:
            self.times = np.zeros(self.length, np.int64)
            for known, then in self.few.items():
                self._seen_in(self.times, known)[...] = then

    def changed(self, array: Array, since: int) -> bool:
        """Whether an element of `array`, any view of the owner, was written to after `since`."""
        layout = address(array), array.shape, array.strides
        if self.times is None:
            return any(
                time > since and _share(layout, array.itemsize, other, self.item)
                for other, time in self.few.items()
            )
        if array.itemsize != self.item:
            return bool((self.times > since).any())
        return bool((self._seen_in(self.times, layout) > since).any())

    def _seen_in(self, times: Array, layout: Layout) -> Array:
        """The times of the elements that a layout shows."""
        start, shape, strides = layout
        size = times.itemsize
        first, *steps = [n // self.item * size for n in (start - self.start, *strides)]
        return np.ndarray(shape, times.dtype, times, first, steps)


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
