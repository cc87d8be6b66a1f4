"""A few threads that share one large computation, such as the blocks of an optimizer's step.

NumPy lets other threads run while it computes, so two blocks of an array can be updated at the same
time on two processors. Waking a thread takes some 50 microseconds: only work that takes several
times as long should be shared.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any

__all__ = ["number", "set_number", "together"]

_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def _usual() -> int:
    """As many threads as NumPy's BLAS uses: what the environment says, or all processors."""
    for variable in _VARIABLES:
        value = os.environ.get(variable, "").strip()
        if value.isdecimal() and int(value) > 0:
            return int(value)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_number = _usual()
_pool: Any = None
_in_use = threading.Lock()


def number() -> int:
    """How many threads a large computation may use, the calling one included."""
    return _number


def set_number(n: int) -> None:
    """Use at most `n` threads from now on, in the whole process."""
    global _number
    _number = n


def together(tasks: Sequence[Callable[[], object]]) -> None:
    """Run tasks at the same time: the first in this thread, each other in one of the pool.

    They see the caller's context variables. While another thread uses the pool, they run one after
    another here, so a task may call this, too. Returns when all have ended; then the first error
    among them is raised.
    """
    if len(tasks) < 2 or not _in_use.acquire(blocking=False):
        for task in tasks:
            task()
        return
    try:
        pool = _pool_of(len(tasks) - 1)
        others = [pool.submit(copy_context().run, task) for task in tasks[1:]]
        try:
            tasks[0]()
        finally:
            errors = [other.exception() for other in others]
        for error in filter(None, errors):
            raise error
    finally:
        _in_use.release()


def _pool_of(size: int) -> Any:
    """The pool, with at least `size` threads."""
    global _pool
    if _pool is None or _pool._max_workers < size:
        from concurrent.futures import ThreadPoolExecutor  # takes milliseconds to import

        if _pool is not None:
            _pool.shutdown(wait=False)
        _pool = ThreadPoolExecutor(max(size, _number - 1), "dlframe")
    return _pool


def _forget() -> None:
    """In a forked process: only the thread that forked is there."""
    global _pool, _in_use
    _pool, _in_use = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
