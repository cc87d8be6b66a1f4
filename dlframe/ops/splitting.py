"""Pieces along an axis, made by indexing; they are views if possible.

The axis is counted from the front.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from dlframe.ops.indexing import slice_at, take_at

__all__ = ["equal_cuts", "part_of", "split_at", "unstack"]


def part_of(x: Any, axis: int, start: int | None, end: int | None) -> Any:
    """The slice from `start` to `end` along an axis."""
    return slice_at(x, index=(*(slice(None),) * axis, slice(start, end)))


def split_at(x: Any, cuts: Iterable[int], *, axis: int) -> tuple[Any, ...]:
    """The pieces before, between and after the cuts."""
    before = (slice(None),) * axis
    bounds = itertools.pairwise((None, *cuts, None))
    return tuple([slice_at(x, index=(*before, slice(a, b))) for a, b in bounds])


def equal_cuts(n: int, sections: int) -> list[int]:
    """The cuts of n elements into pieces whose sizes differ by at most one, longer ones first."""
    size, longer = divmod(n, sections)
    return [i * size + min(i, longer) for i in range(1, sections)]


def unstack(x: Any, *, axis: int) -> tuple[Any, ...]:
    """The slices along an axis, without that axis."""
    before = (slice(None),) * axis
    return tuple([take_at(x, index=(*before, i)) for i in range(x.shape[axis])])
