"""A few threads that share one large computation, such as the blocks of an optimizer's step.

NumPy lets other threads run while it computes, so two blocks of an array can be updated at the same
time on two processors. Waking a thread takes some 50 microseconds: only work that takes several
times as long should be shared.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

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
_pool: ThreadPoolExecutor | None = None
_in_use = threading.Lock()


def number() -> int:
    """How many threads a large computation may use, the calling one included."""
    return _number


def set_number(n: int) -> None:
    """Use at most `n` threads from now on, in the whole process."""
    global _number
    _number = n


def together(tasks: Sequence[Callable[[], object]]) -> None:
    """Run tasks at the same time: the first in this thread, the others in threads of a pool.

    They see the caller's context variables. What no thread has begun is run here: the system may
    not have another thread, and Python starts none after the end of the program, where threads of
    the user's still run. While another thread uses the pool, all tasks run one after another here,
    so a task may call this, too.

    Returns when all have ended; then the first error among them is raised. After Ctrl-C no further
    task begins.
    """
    if len(tasks) < 2 or not _in_use.acquire(blocking=False):
        for task in tasks:
            task()
        return
    try:
        _share(tasks[0], deque(tasks[1:]))
    finally:
        _in_use.release()


def _share(first: Callable[[], object], waiting: deque[Callable[[], object]]) -> None:
    errors: list[BaseException] = []

    def attempt(task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)
            if not isinstance(error, Exception):
                waiting.clear()

    def drain() -> None:
        while waiting:
            try:
                task = waiting.popleft()  # the thread that gets it runs it, no other
            except IndexError:
                return
            attempt(task)

    others: list[Future[None]] = []
    try:
        with suppress(RuntimeError, MemoryError):  # there is no thread to be had
            pool = _pool_of(len(waiting))
            for _ in range(len(waiting)):  # those before one that fails stay
                others.append(pool.submit(copy_context().run, drain))  # noqa: PERF401 - above
        attempt(first)
        drain()
    finally:
        waiting.clear()
        _wait(others)
    if errors:
        raise errors[0]


def _wait(others: Sequence[Future[None]]) -> None:
    """Wait for threads even if Ctrl-C comes meanwhile: they write into the caller's memory."""
    interruption = None
    for other in others:
        while not (other.cancel() or other.done()):
            try:
                other.exception()
            except BaseException as error:  # noqa: BLE001 - raised below
                interruption = error
    if interruption is not None:
        raise interruption


def _pool_of(size: int) -> ThreadPoolExecutor:
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
