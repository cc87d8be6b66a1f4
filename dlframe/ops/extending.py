"""A dimension continued with copies of its elements, and the adjoint, which adds the copies up.

Which element is where is said by pieces: pairs of slices (of the result, of the input). Mirrored or
cyclic copies are one slice each, so all is done with whole blocks of memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.ops.op import op
from dlframe.ops.reduction import sum

__all__ = ["collect", "extend"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Pieces = tuple[tuple[slice, slice], ...]


def pieces_of(places: Any) -> Pieces:
    """The pieces for y[i] = x[places[i]]: neighbours with a step of -1, 0 or 1 are joined.

    >>> pieces_of([1, 0, 1, 2])
    ((slice(0, 2, None), slice(1, None, -1)), (slice(2, 4, None), slice(1, 3, 1)))
    """
    found, start, numbers = [], 0, [int(p) for p in places]
    while start < len(numbers):
        first, stop = numbers[start], start + 1
        step = numbers[stop] - first if stop < len(numbers) else 1
        step = step if step in (-1, 0) else 1
        while stop < len(numbers) and numbers[stop] == first + step * (stop - start):
            stop += 1
        end = first + step * (stop - start) if step else first + 1
        source = slice(first, None if end < 0 else end, step or 1)
        found.append((slice(start, stop), source))
        start = stop
    return tuple(found)


@op(latex="x_{p_i}")
def extend(x, *, axis, pieces):
    """y[at] = x[source] along an axis, for each piece."""
    size = pieces[-1][0].stop if pieces else 0
    out = np.empty((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype)
    before = (slice(None),) * axis
    for at, source in pieces:
        out[(*before, at)] = x[(*before, source)]
    return out


@extend.vjp("x", latex=r"\sum_{p_i = j} g_i")
def _(g, shape, *, axis, pieces):
    return collect(g, axis=axis, pieces=pieces, size=shape[axis])


@op(latex=r"\sum_{p_i = j} x_i")
def collect(x, *, axis, pieces, size):
    """The adjoint of `extend`: y[source] gets x[at] added, for each piece."""
    total = np.zeros((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype)
    before = (slice(None),) * axis
    for at, source in pieces:
        place, part = (*before, source), x[(*before, at)]
        if part.shape[axis] > 1 and total[place].shape[axis] == 1:  # copies of one element
            part = sum(part, axis=axis, keepdims=True)
        total[place] += part
    return total


@collect.vjp("x", latex="g_{p_i}")
def _(g, *, axis, pieces):
    return extend(g, axis=axis, pieces=pieces)
