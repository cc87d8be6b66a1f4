"""Functions of each element, computed block by block.

A formula such as `g * (1 - out * out)` makes an array for each of its steps. For large arrays each
step goes through memory; for a block that fits the cache, it does not. And blocks can be shared
among threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from dlframe.base import threads

__all__ = ["LARGE", "SEVERAL", "by_blocks", "in_blocks", "one_step", "rule_by_blocks"]

LARGE = 1 << 18  # elements, of which fewer are not worth another thread
SEVERAL = 1 << 17  # elements, of which fewer stay in the cache from step to step
_BLOCK = 1 << 16  # elements; twice as many with several threads, which wait for each other less
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
    of_rows = _one_step if single else _several_steps
    made = of_rows(function, rows, arrays[0].size)
    if isinstance(made, tuple):
        return tuple([None if out is None else out.reshape(shape) for out in made])
    return made.reshape(shape)


def _one_step(function: Function, rows: list[Any], size: int) -> Any:
    """As many blocks as threads, written to where they belong."""
    out: Any = None

    def of(block: slice) -> Any:
        return function(*_at(rows, block), out=None if out is None else out[block])

    first = of(slice(0, 1))  # which tells the dtype
    out = np.empty(size, first.dtype)
    threads.shared(of, size, LARGE // 2)
    return out


def _several_steps(function: Function, rows: list[Any], size: int) -> Any:
    """Blocks that fit the cache; the function may give several arrays, and None."""
    length = _BLOCK if threads.number() == 1 else 2 * _BLOCK
    first = function(*_at(rows, slice(0, length)))
    several = isinstance(first, tuple)
    outs = [None if x is None else np.empty(size, x.dtype) for x in (first if several else [first])]

    def keep(block: slice, made: Any) -> None:
        for out, part in zip(outs, made if several else [made], strict=True):
            if out is not None:
                out[block] = part

    def of(some: slice) -> None:
        for i in range(some.start, some.stop):
            block = slice((i + 1) * length, (i + 2) * length)
            keep(block, function(*_at(rows, block)))

    keep(slice(0, length), first)
    threads.shared(of, -(-size // length) - 1, max(1, LARGE // length // 2))
    return tuple(outs) if several else outs[0]


def _at(rows: list[Any], block: slice) -> list[Any]:
    return [x[block] if type(x) is np.ndarray else x for x in rows]
