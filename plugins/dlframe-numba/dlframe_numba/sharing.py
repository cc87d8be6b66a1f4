"""Work on flat arrays, in parts that several threads take."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from dlframe.base import threads

__all__ = ["computed", "flat", "flat_alike", "shared"]

FEW = 1 << 16
"""Elements of a simple loop: fewer are done sooner than another thread wakes up."""

Array = np.ndarray[Any, np.dtype[Any]]


def shared(task: Callable[[int, int], Any], count: int, cost: float = 1.0) -> None:
    """Call `task(start, stop)` for parts of `range(count)`, at the same time.

    What a task computes for an item must not depend on where its part begins.

    Args:
        task: it may write only to places that belong to its own items.
        count: the number of items.
        cost: how much work an item is, in elements of a simple loop.
    """
    parts = min(threads.number(), int(count * cost / FEW), count)
    if parts < 2:
        task(0, count)
        return
    ends = [count * i // parts for i in range(parts + 1)]
    threads.together([partial(task, a, b) for a, b in pairwise(ends)])


def flat(x: Array) -> Array | None:
    """All elements of `x` in the order of its memory, without a copy; None if there are gaps.

    Read-only memory gives None, too: numba would compile everything a second time for it.
    """
    if not x.flags.writeable:
        return None
    if x.flags.c_contiguous:
        return x.reshape(-1)
    found = x.ravel(order="K")
    return found if found.base is not None and np.may_share_memory(found, x) else None


def flat_alike(*arrays: Array) -> list[Array] | None:
    """The same for arrays of one dtype and shape whose elements lie in one order."""
    first = arrays[0]
    found = []
    for x in arrays:
        if type(x) is not np.ndarray or x.dtype != first.dtype or x.shape != first.shape:
            return None
        if x.strides != first.strides and not (x.flags.c_contiguous and first.flags.c_contiguous):
            return None
        one = flat(x)
        if one is None:
            return None
        found.append(one)
    return found


def computed(
    function: Callable[..., Any],
    *inputs: Array,
    options: tuple[float, ...] = (),
    kept: bool = False,
    gradient: bool = False,
    cost: float = 1.0,
) -> Any:
    """An elementwise function of float32: `function(out, *inputs, *options)` on flat arrays.

    Args:
        function: the loop.
        inputs: arrays of one shape and order in memory; for anything else the result is
            `NotImplemented`.
        options: numbers, which become float32.
        kept: whether the loop has a second result, after the first.
        gradient: whether the result is that of a `fast_backward`, a tuple.
        cost: that of an element, compared with a sum.
    """
    first = inputs[0]
    given = flat_alike(*inputs)
    if given is None or first.dtype != np.float32:
        return NotImplemented
    results = [np.empty_like(first) for _ in range(1 + kept)]
    arrays = [
        *(out.reshape(-1) if out.flags.c_contiguous else flat(out) for out in results),
        *given,
    ]
    numbers = [np.float32(x) for x in options]
    if first.size * cost < 2 * FEW:
        function(*arrays, *numbers)
    else:
        shared(lambda a, b: function(*[x[a:b] for x in arrays], *numbers), first.size, cost)
    if gradient:
        return (results[0],)
    return tuple(results) if kept else results[0]
