"""Work on arrays, in parts that several threads take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from dlframe.base import threads
from numba import types
from numba.extending import overload

from dlframe_numba import pool
from dlframe_numba.compiling import loop

__all__ = ["computed", "flat", "flat_alike", "in_parts", "in_slices", "shared"]

FEW = 1 << 16
"""Elements of a simple loop: fewer are done sooner than another thread wakes up."""

_SOME = 1 << 14  # and fewer than these sooner than another thread that is awake begins
_STEP = 256  # elements of a simple loop: parts of a flat array begin at multiples

Array = np.ndarray[Any, np.dtype[Any]]


def _some(x, first, last):
    """Some items of an array, or a number as it is."""


@overload(_some, inline="always")
def _some_compiled(x, first, last):
    if isinstance(x, types.Array):
        return lambda x, first, last: x[first:last]
    return lambda x, first, last: x


def _compiled(function: Callable[..., Any], name: str, given: str, body: str, **names: Any) -> Any:
    """A loop with this body, kept by numba as if it stood beside `function`."""
    cells = function.__closure__ or ()  # what tells functions apart that one place in a file made
    name = "_".join([function.__name__, name, *(str(cell.cell_contents) for cell in cells)])
    source = f"def {name}({given}):\n    {body}\n"
    exec(compile(source, inspect.getfile(function), "exec"), names)
    made = names[name]
    made.__module__ = function.__module__
    return loop(made)


def in_parts(function: Callable[..., Any]) -> Callable[..., None]:
    """Compile a loop over some of many items, for threads that take parts of them in turns.

    Args:
        function: it takes the first item, the one after the last, the number of the thread (from 0
            on), and arrays and numbers; what it computes for an item must not depend on where its
            part begins.

    Returns:
        A function of the number of items, the cost of one in elements of a simple loop, and the
        arrays and numbers.
    """
    given = ", ".join([*inspect.signature(function).parameters][3:])
    return _started(function, loop(function), given)


def in_slices(*whole: str) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """The same of a loop over all items of its arrays: it gets slices along their first axis.

    Args:
        whole: the names of the arrays that it gets as they are.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., None]:
        names = [*inspect.signature(function).parameters]
        slices = [n if n in whole else f"some({n}, first, last)" for n in names]
        given = ", ".join(names)
        part = _compiled(
            function,
            "slice",
            f"first, last, number, {given}",
            f"inner({', '.join(slices)})",
            inner=loop(function),
            some=_some,
        )
        return _started(function, part, given)

    return decorate


def _started(function: Callable[..., Any], part: Any, given: str) -> Callable[..., None]:
    """What shares the parts out."""
    whole = _compiled(
        function,
        "whole",
        f"_state, _count, _chunk, _helpers, {given}",
        f"run_job(_state, job_of(part, ({given},)), _count, _chunk, _helpers)",
        part=part,
        run_job=pool.run_job,
        job_of=pool.job_of,
    )

    def run(count: int, cost: float, *arguments: Any) -> None:
        work, helpers = count * cost, 0
        if work >= 2 * _SOME and threads.number() > 1:
            helpers = min(threads.number(), int(work / _SOME)) - 1
            helpers = pool.look(min(helpers, count - 1), work >= 2 * FEW)
        chunk = -(-count // (4 * (helpers + 1)))
        if cost < _STEP:
            step = int(_STEP / cost)
            chunk = -(-chunk // step) * step
        whole(pool.STATE, count, chunk, helpers, *arguments)

    return run


def shared(task: Callable[[int, int], Any], count: int, cost: float = 1.0) -> None:
    """Call `task(start, stop)` for parts of `range(count)`, at the same time.

    What a task computes for an item must not depend on where its part begins. `in_parts` takes less
    time, where all of a task is one loop.

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
        function: the loop, made by `in_slices`.
        inputs: arrays of one shape and order in memory; for anything else the result is
            `NotImplemented`.
        options: numbers, which become float32.
        kept: whether the loop has a second result, after the first.
        gradient: whether the result is that of a `fast_backward`, a tuple.
        cost: that of an element, compared with a sum.
    """
    first = inputs[0]
    if first.dtype != np.float32:
        return NotImplemented
    given = flat_alike(*inputs)
    if given is None:
        return NotImplemented
    results = [np.empty_like(first) for _ in range(1 + kept)]
    arrays = [
        *(out.reshape(-1) if out.flags.c_contiguous else flat(out) for out in results),
        *given,
    ]
    function(first.size, cost, *arrays, *[np.float32(x) for x in options])
    if gradient:
        return (results[0],)
    return tuple(results) if kept else results[0]
