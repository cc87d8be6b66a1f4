"""Pieces along an axis, made by indexing; they are views if possible.

The axis is counted from the front.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from dlframe.ops.indexing import slice_at, take_at
from dlframe.ops.op import op
from dlframe.ops.shape import concatenate

__all__ = ["equal_cuts", "part_of", "split_at", "split_between", "unstack"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


def part_of(x: Any, axis: int, start: int | None, end: int | None) -> Any:
    """The slice from `start` to `end` along an axis."""
    return slice_at(x, index=(*(slice(None),) * axis, slice(start, end)))


@op(view=True, latex=r"x_{\mathrm{piece}}")
def split_at(x, *, cuts, axis):
    """The pieces before, between and after cuts that rise: one node, whose gradient is joined."""
    before = (slice(None),) * axis
    return tuple([x[(*before, slice(a, b))] for a, b in itertools.pairwise((None, *cuts, None))])


@split_at.vjp("x", latex=r"[g_1, g_2, \ldots]")
def _(g, *, axis):
    return concatenate(*g, axis=axis)


def split_between(x: Any, cuts: Iterable[int], *, axis: int) -> tuple[Any, ...]:
    """The pieces before, between and after any cuts; they may overlap, or leave elements out."""
    bounds = list(itertools.pairwise((0, *cuts, x.shape[axis])))
    if all(a <= b for a, b in bounds):
        return split_at(x, cuts=tuple([b for _, b in bounds[:-1]]), axis=axis)  # type: ignore[no-any-return] # a tuple
    ends = [None, *[b for _, b in bounds[:-1]], None]
    return tuple([part_of(x, axis, a, b) for a, b in itertools.pairwise(ends)])


def equal_cuts(n: int, sections: int) -> list[int]:
    """The cuts of n elements into pieces whose sizes differ by at most one, longer ones first."""
    size, longer = divmod(n, sections)
    return [i * size + min(i, longer) for i in range(1, sections)]


def unstack(x: Any, *, axis: int) -> tuple[Any, ...]:
    """The slices along an axis, without that axis."""
    before = (slice(None),) * axis
    return tuple([take_at(x, index=(*before, i)) for i in range(x.shape[axis])])
