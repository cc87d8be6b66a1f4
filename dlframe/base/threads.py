"""A few threads that share one large computation: a product, a convolution, an optimizer's step.

NumPy lets other threads run while it computes, so two blocks of an array can be computed at the
same time on two processors. Waking a thread takes some 20 microseconds: only work that takes
several times as long should be shared.

Two things would take the second processor away, and with it all that is won:

- The threads of a BLAS wait in a busy loop for tens of milliseconds after each product. So BLAS has
  one thread from the first shared computation on, until there has been none for `_QUIET` seconds.
- The system may run a thread that was woken on the processor of the one that woke it, for
  milliseconds, while another processor is idle. So threads may run on all processors but the
  caller's (on Linux).
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from _queue import Empty, SimpleQueue
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from itertools import islice, pairwise
from typing import Any, TypeVar

from dlframe.base import blas

__all__ = ["number", "parts", "rest_by", "set_number", "shared", "together", "waken"]

T = TypeVar("T")
_QUIET = 0.2
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
_calls: SimpleQueue[Any] = SimpleQueue()  # where the threads wait
_threads: list[threading.Thread] = []
_alone: Any = None  # what keeps BLAS to one thread
_last = 0.0  # when a computation was shared
_apart: Any = (
    None  # the processor that threads stay away from, all processors, and how many threads
)


def number() -> int:
    """How many threads a large computation may use, the calling one included."""
    return _number


def set_number(n: int) -> None:
    """Use at most `n` threads from now on, in the whole process."""
    global _number
    _number = n


def parts(count: int, least: int = 1) -> list[slice]:
    """`count` things in as many slices as there are threads, of at least `least` things each.

    >>> from dlframe.base.threads import parts
    >>> len(parts(10, least=6))
    1
    """
    n = max(1, min(_number, count // least))
    bounds = [count * i // n for i in range(n + 1)]
    return [slice(*ends) for ends in pairwise(bounds)]


def shared(task: Callable[[slice], T], count: int, least: int = 1) -> list[T]:
    """Run `task` for slices of `range(count)`, which together make up all of it, at the same time.

    NumPy's BLAS has one thread meanwhile.

    Args:
        task: computes the part of the result that a slice names.
        count: how many things there are, such as samples or rows.
        least: so many of them are worth a thread.

    Returns:
        What the tasks returned, in the order of their slices.
    """
    if _number == 1:
        return [task(slice(0, count))]
    some = parts(count, least)
    if len(some) == 1:
        with blas.alone():
            return [task(some[0])]
    results: list[Any] = [None] * len(some)

    def keep(i: int) -> None:
        results[i] = task(some[i])

    together([partial(keep, i) for i in range(len(some))])
    return results


def together(tasks: Sequence[Callable[[], object]]) -> None:
    """Run tasks at the same time: the first in this thread, the others in threads that wait for it.

    They see the caller's context variables, and NumPy's BLAS has one thread in each of them. What
    no thread has begun is run here: the system may not have another thread, or they are busy with
    somebody else's tasks. So several threads may call this at once, and so may a task.

    Returns when all have ended; then the first error among them is raised. After Ctrl-C no further
    task begins, and those that have begun end.
    """
    if len(tasks) < 2 or sys.is_finalizing():  # then threads in the background no longer run
        for task in tasks:
            task()
        return
    with blas.alone():
        _share(tasks[0], list(tasks[1:]))


def _share(first: Callable[[], object], others: list[Callable[[], object]]) -> None:
    # A signal may interrupt this thread between any two calls. So nothing is counted here: who has
    # taken which task is read from lists, each of which one call of C fills from the iterator.
    count, waiting = len(others), iter(others)
    ours: list[Callable[[], object]] = []
    dropped: list[Callable[[], object]] = []
    ended: list[None] = []  # of those that other threads took
    bell: SimpleQueue[None] = SimpleQueue()
    errors: list[BaseException] = []

    def attempt(task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)
            if not isinstance(error, Exception):
                dropped.extend(waiting)

    def work() -> None:
        while taken := list(islice(waiting, 1)):
            attempt(taken.pop())
            ended.append(None)
            bell.put(None)

    interruption: BaseException | None = None
    try:
        for _ in range(_ready(count)):
            _calls.put((copy_context().run, work))
        _ring(_calls.qsize())
        attempt(first)
        while True:
            before = len(ours)
            ours.extend(islice(waiting, 1))
            if len(ours) == before:
                break
            attempt(ours[-1])
    finally:
        # other threads write into the caller's memory: wait for them, whatever comes meanwhile
        while True:
            try:
                dropped.extend(waiting)
                while len(ours) + len(dropped) + len(ended) < count:
                    bell.get()
                break
            except BaseException as error:  # noqa: BLE001 - raised below
                interruption = error
        try:
            if interruption is not None:
                raise interruption
            if errors:
                raise errors[0]
        finally:
            # no error holds itself, and the caller's arrays, through this frame
            del interruption
            errors.clear()
            ours.clear()
            dropped.clear()


def waken(count: int) -> None:
    """Have at most `count` threads look for work that `rest_by` knows of."""
    for _ in range(_ready(count)):
        _calls.put((_begin, None))
    _ring(_calls.qsize())


def _begin(work: None) -> None:
    """Nothing but to be awake."""


def _ready(count: int) -> int:
    """Start threads until there are `count`, and make room for them; how many there are."""
    global _alone, _last
    while len(_threads) < count:
        thread = threading.Thread(target=_work, args=(_calls,), name="dlframe", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # the system has no more
            break
        _threads.append(thread)
    _last = time.monotonic()
    if _alone is None and _threads:
        held = blas.alone()
        held.__enter__()
        _alone = held
    if _processor is not None:
        _keep_apart(_processor())
    return min(count, len(_threads))


# --- threads and processors --------------------------------------------------------------------


def _found_processor() -> Callable[[], int] | None:
    """What gives the number of the processor on which it is called; None where that is of no use.

    Python's own function for it is there from version 3.13 on, under no name in common.
    """
    if not sys.platform.startswith("linux") or not hasattr(os, "sched_setaffinity"):
        return None
    try:
        return ctypes.CDLL(None).sched_getcpu  # it returns an int, by default
    except (OSError, AttributeError):
        return None


_processor = _found_processor()


def _keep_apart(processor: int) -> None:
    """Have the threads run on other processors than this one."""
    global _apart
    with suppress(OSError):  # not permitted, or a thread has ended
        # those of the first thread, since a thread of ours has fewer; the user may change them
        allowed = os.sched_getaffinity(os.getpid())
        state = processor, allowed, len(_threads)
        if _apart == state or threading.current_thread() in _threads:
            return
        _apart = state
        for thread in _threads:
            if thread.native_id is not None:
                os.sched_setaffinity(thread.native_id, allowed - {processor} or allowed)


# --- in a thread -------------------------------------------------------------------------------


def _no_rest() -> None:
    """Sleep at once."""


def _no_bell(waiting: int) -> None:
    """Nobody listens."""


_rest: Callable[[], object] = _no_rest
_ring: Callable[[int], object] = _no_bell


def rest_by(rest: Callable[[], object], ring: Callable[[int], object]) -> None:
    """Have threads call `rest` before they sleep: it may look for work of another kind.

    `ring(n)` says that n calls wait here: so many threads have to return from `rest`.
    """
    global _rest, _ring
    _rest, _ring = rest, ring


def _work(calls: SimpleQueue[Any]) -> None:
    while True:
        _ring(calls.qsize())
        _rest()
        run, work = _next(calls)
        run(work)
        del run, work  # and with them the caller's arrays


def _next(calls: SimpleQueue[Any]) -> Any:
    global _alone
    while _alone is not None:
        try:
            return calls.get(timeout=_QUIET)
        except Empty:
            if time.monotonic() - _last >= _QUIET:
                held, _alone = _alone, None
                if held is not None:
                    held.__exit__(None, None, None)
    return calls.get()


def _forget() -> None:
    """In a forked process: only the thread that forked is there."""
    global _calls, _alone, _apart
    _threads.clear()
    _calls, _alone, _apart = SimpleQueue(), None, None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
