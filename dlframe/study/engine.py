"""Makes the runs of a study: in this process, in several, or wherever an Executor makes them."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from dlframe.errors import ArgumentError, DatasetMissingError
from dlframe.study.store import now
from dlframe.study.working import KILLED, Task, work

Keep = Callable[[dict[str, Any]], None]

WATCH_SECONDS = 1.0  # how often a worker looks whether the process that began it is still there


def make(
    tasks: Sequence[Task],
    keep: Keep,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
) -> None:
    """Make all runs; `keep` is called with each result, in the order in which they are done.

    Args:
        workers: processes to begin; 1 makes the runs in this one. By default as many as there are
            processors, or 1 where new processes could not find the function.
        executor: makes them instead. It is not shut down.

    Raises:
        ArgumentError: the function cannot be sent to another process.
        DatasetMissingError: a run found no files of its data set; what was finished has been kept.
        KeyboardInterrupt: by Ctrl-C; what was finished has been kept.
    """
    if not tasks:
        return
    if executor is not None:
        _by(executor, tasks, keep)
        return
    reason = _why_here(tasks[0])
    count = workers or (1 if reason else min(_processors(), len(tasks)))
    if count == 1:
        for task in tasks:
            keep(work(task))
        return
    if reason:
        raise ArgumentError(
            f"study: other processes cannot find the function {tasks[0].run.__qualname__!r}: "
            f"{reason}. Write it into a file, or pass workers=1"
        )
    _by_processes(tasks, keep, count)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _why_here(task: Task) -> str:
    """Why a new process could not make a run; "" if it can."""
    if task.run.__module__ == "__mp_main__":
        raise ArgumentError(
            "study: a script that is imported by its own workers begins the study again. Put the "
            'call of run() under `if __name__ == "__main__":`'
        )
    main = sys.modules.get("__main__")
    if task.run.__module__ == "__main__" and not hasattr(main, "__file__"):
        return "it was typed in, so it is in no file"
    try:
        pickle.dumps(task)
    except Exception as error:  # noqa: BLE001 # each object has its own way to refuse
        return f"it, or a level, cannot be pickled ({error})"
    return ""


# --- an executor of somebody else's ------------------------------------------------------------


def _by(executor: Executor, tasks: Sequence[Task], keep: Keep) -> None:
    futures = {executor.submit(work, task): task for task in tasks}
    try:
        for future in concurrent.futures.as_completed(futures):
            keep(_result(future, futures[future]))
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _result(future: Future[dict[str, Any]], task: Task) -> dict[str, Any]:
    """What a run left, or that it left nothing, as when its process was killed."""
    try:
        return future.result()
    except (BrokenExecutor, DatasetMissingError):
        raise
    except Exception as error:  # noqa: BLE001 # each executor has its own
        return _killed(task, f"{type(error).__name__}: {error}")


def _killed(task: Task, error: str) -> dict[str, Any]:
    return {
        **task.record, "started": now(), "status": KILLED, "values": {}, "curves": {},
        "error": error, "cpu_seconds": None, "seconds": None,
    }  # fmt: skip


# --- processes of our own ----------------------------------------------------------------------


def _by_processes(tasks: Sequence[Task], keep: Keep, count: int) -> None:
    """By new processes. If one is killed, those that were at work are tried again one by one."""
    waiting = list(tasks)
    while waiting:
        suspects = _until_broken(waiting, keep, count)
        if suspects:
            _check_processes()
        for task in suspects:
            if _until_broken([task], keep, 1):
                keep(_killed(task, "its process ended without a result, as when memory ran out"))
        done = {id(task) for task in suspects}
        waiting = [task for task in waiting if id(task) not in done]


def _check_processes() -> None:
    """Raise unless a new process can begin at all."""
    try:
        with _pool(1) as pool:
            pool.submit(os.getpid).result()
    except BrokenExecutor as error:
        raise ArgumentError(
            "study: new processes end while they import the script. Put the call of run() under "
            '`if __name__ == "__main__":`, or pass workers=1'
        ) from error


def _until_broken(waiting: list[Task], keep: Keep, count: int) -> list[Task]:
    """Make runs until all are made or a process dies; removes what is made.

    Returns those of which one killed its process.
    """
    with _pool(count) as pool:
        futures: dict[Future[dict[str, Any]], Task] = {}
        ahead = iter(list(waiting))
        _submit(pool, futures, ahead, 2 * count)
        while futures:
            done, _ = concurrent.futures.wait(
                futures, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in done:
                task = futures[future]
                try:
                    result = _result(future, task)
                except BrokenExecutor:
                    return list(futures.values())
                keep(result)
                del futures[future]
                waiting[:] = [other for other in waiting if other is not task]
            try:
                _submit(pool, futures, ahead, 2 * count)
            except BrokenExecutor:
                return list(futures.values())
    return []


def _submit(
    pool: Executor,
    futures: dict[Future[dict[str, Any]], Task],
    ahead: Iterator[Task],
    count: int,
) -> None:
    while len(futures) < count:
        task = next(ahead, None)
        if task is None:
            return
        futures[pool.submit(work, task)] = task


@contextmanager
def _pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """New processes, which end with the block, also if it is left by Ctrl-C."""
    pool = ProcessPoolExecutor(
        count,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(),),
    )
    try:
        yield pool
    except BaseException:
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with suppress(Exception):
                process.terminate()
        raise
    else:
        pool.shutdown()


def _begin(parent: int) -> None:
    """In a new process: Ctrl-C is the parent's matter, and without the parent there is no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    if hasattr(os, "getppid") and os.getppid() == parent:
        threading.Thread(target=watch, daemon=True, name="dlframe-study-watch").start()
