"""Functions of each element, computed block by block.

A formula such as `g * (1 - out * out)` makes an array for each of its steps. For large arrays each
step goes through memory; for a block that fits the cache, it does not. And blocks can be shared
among threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from dlframe.base import threads

__all__ = ["LARGE", "SEVERAL", "by_blocks", "in_blocks", "one_step", "rule_by_blocks"]

LARGE = 1 << 18  # elements, of which fewer are not worth another thread in a single step
SEVERAL = 1 << 17  # elements, of which fewer stay in the cache from step to step
_BLOCK, _BLOCK_OF_THREADS = 1 << 16, 1 << 17  # elements; threads wait for each other between steps
_FIRST = 1 << 14  # elements that are computed first, to see how long they take
_WORTH_A_THREAD = 4e-4  # seconds: where processors are virtual, to wake one may take half as long
_OPTIONS = (int, float, bool, str, type(None))

Function = Callable[..., Any]


_SINGLE: set[Function] = set()


def one_step(function: Function) -> Function:
    """Say that `function` makes no other array than its result, for which it takes `out=`."""
    _SINGLE.add(function)
    return function


def by_blocks(function: Function) -> Function:
    """`function` of each element of its first argument, which computes large arrays by blocks."""

    def called(x: Any, *others: Any, **options: Any) -> Any:
        if type(x) is not np.ndarray or x.size < SEVERAL:
            return function(x, *others, **options)
        return in_blocks(partial(function, **options) if options else function, x, *others)

    return called


def rule_by_blocks(rule: Function) -> Function:
    """The same for a fast door `(g, needs, …)` of an operation with one input."""

    def called(g: Any, needs: Any, *kept: Any) -> Any:
        if type(g) is not np.ndarray or g.size < SEVERAL:
            return rule(g, needs, *kept)
        return in_blocks(lambda g, *kept: rule(g, needs, *kept), g, *kept)

    return called


def in_blocks(function: Function, *arguments: Any) -> Any:
    """`function(*arguments)`, for a function of each element and at least one large array.

    Arrays must have one shape and lie in order in memory, and all else be options; otherwise the
    function is called as it is.
    """
    arrays = [x for x in arguments if type(x) is np.ndarray]
    shape = arrays[0].shape if arrays else ()
    for x in arguments:
        if type(x) is np.ndarray:
            if x.shape != shape or not x.flags.c_contiguous:
                return function(*arguments)
        elif not isinstance(x, _OPTIONS):
            return function(*arguments)
    single = isinstance(function, np.ufunc) or function in _SINGLE
    if not arrays or (single and threads.number() == 1):
        return function(*arguments)  # one step, which gains nothing from blocks
    rows = [x.reshape(-1) if type(x) is np.ndarray else x for x in arguments]
    made = _block_by_block(function, rows, arrays[0].size, single)
    if isinstance(made, tuple):
        return tuple([None if out is None else out.reshape(shape) for out in made])
    return made.reshape(shape)


def _block_by_block(function: Function, rows: list[Any], size: int, single: bool) -> Any:
    """The results of all blocks; the function may give several arrays, and None.

    The first block tells their dtypes, and whether the others take long enough for several threads.
    A `single` step is no faster by blocks, so each thread has one.
    """
    length = _BLOCK if threads.number() == 1 else _BLOCK_OF_THREADS
    first = slice(0, min(size, length, _FIRST if threads.number() > 1 else size))
    start = perf_counter()
    made = function(*_at(rows, first))
    seconds = (perf_counter() - start) * (size - first.stop) / first.stop
    several = isinstance(made, tuple)
    outs: list[Any] = [
        None if x is None else np.empty(size, x.dtype) for x in (made if several else [made])
    ]

    def keep(block: slice, made: Any) -> None:
        for out, part in zip(outs, made if several else [made], strict=True):
            if out is not None:
                out[block] = part

    def of(part: slice) -> None:
        begin, end = first.stop + part.start, first.stop + part.stop
        if single:
            function(*_at(rows, slice(begin, end)), out=outs[0][begin:end])
            return
        for i in range(begin, end, length):
            block = slice(i, min(i + length, end))
            keep(block, function(*_at(rows, block)))

    keep(first, made)
    if seconds < 2 * _WORTH_A_THREAD:
        of(slice(0, size - first.stop))
    else:
        threads.shared(of, size - first.stop)
    return tuple(outs) if several else outs[0]


def _at(rows: list[Any], block: slice) -> list[Any]:
    return [x[block] if type(x) is np.ndarray else x for x in rows]
