"""A few threads that share one large computation: a product, a convolution, an optimizer's step.

NumPy lets other threads run while it computes, so two blocks of an array can be computed at the
same time on two processors. Waking a thread takes some 20 microseconds: only work that takes
several times as long should be shared.
"""

from __future__ import annotations

import os
import threading
from _queue import SimpleQueue
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from dlframe.base import blas

__all__ = ["number", "parts", "set_number", "shared", "together"]

T = TypeVar("T")
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
_workers: list[SimpleQueue[Any]] = []  # where each thread waits for tasks
_in_use = threading.Lock()


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
        with blas.alone:
            return [task(some[0])]
    results: list[Any] = [None] * len(some)

    def keep(i: int) -> None:
        results[i] = task(some[i])

    together([partial(keep, i) for i in range(len(some))])
    return results


def together(tasks: Sequence[Callable[[], object]]) -> None:
    """Run tasks at the same time: the first in this thread, the others in threads that wait for it.

    They see the caller's context variables, and NumPy's BLAS has one thread in each of them. What
    no thread has begun is run here: the system may not have another thread. While another thread
    uses the pool, all tasks run one after another here, so a task may call this, too.

    Returns when all have ended; then the first error among them is raised. After Ctrl-C no further
    task begins.
    """
    if len(tasks) < 2 or not _in_use.acquire(blocking=False):
        for task in tasks:
            task()
        return
    try:
        with blas.alone:
            _share(tasks[0], deque(tasks[1:]))
    finally:
        _in_use.release()


def _share(first: Callable[[], object], waiting: deque[Callable[[], object]]) -> None:
    errors: list[BaseException] = []
    ended: SimpleQueue[None] = SimpleQueue()

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

    called = 0
    try:
        for worker in _awake(len(waiting)):
            worker.put((copy_context().run, drain, ended.put))
            called += 1
        attempt(first)
        drain()
    finally:
        waiting.clear()
        _wait(ended, called)
    if errors:
        raise errors[0]


def _wait(ended: SimpleQueue[None], count: int) -> None:
    """Wait for threads even if Ctrl-C comes meanwhile: they write into the caller's memory."""
    interruption = None
    while count:
        try:
            ended.get()
            count -= 1
        except BaseException as error:  # noqa: BLE001 - raised below
            interruption = error
    if interruption is not None:
        raise interruption


def _awake(count: int) -> list[SimpleQueue[Any]]:
    """Where `count` threads wait, or fewer if the system has no more."""
    while len(_workers) < count:
        tasks: SimpleQueue[Any] = SimpleQueue()
        thread = threading.Thread(target=_work, args=(tasks,), name="dlframe", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            break
        _workers.append(tasks)
    return _workers[:count]


def _work(tasks: SimpleQueue[Any]) -> None:
    while True:
        run, task, end = tasks.get()
        run(task)
        end(None)
        del run, task, end  # and with them the caller's arrays


def _forget() -> None:
    """In a forked process: only the thread that forked is there."""
    global _in_use
    _workers.clear()
    _in_use = threading.Lock()
    blas.alone.__init__()  # type: ignore[misc] # the same object, of which others have the name


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
