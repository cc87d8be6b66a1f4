"""Python's `multiprocessing` under PyTorch's path; tensors are sent by copy."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from multiprocessing import *  # noqa: F403 # all of it, as in PyTorch
from typing import Any

from dlframe.base.lazily import tell_missing

__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn"]

STRATEGIES = {"file_descriptor", "file_system"}
_strategy = "file_descriptor"


def get_all_sharing_strategies() -> set[str]:
    """The names that `set_sharing_strategy` takes."""
    return set(STRATEGIES)


def get_sharing_strategy() -> str:
    """The name that was set; it means nothing."""
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Take the name of a way to share memory; it means nothing, since tensors are copied."""
    global _strategy
    if new_strategy not in STRATEGIES:
        raise ValueError(
            f"set_sharing_strategy: one of {', '.join(sorted(STRATEGIES))}; got {new_strategy!r}"
        )
    _strategy = new_strategy


def spawn(
    fn: Callable[..., Any],
    args: Iterable[Any] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> list[Any] | None:
    """Call `fn(i, *args)` in new processes, i = 0 … nprocs − 1, and wait for them.

    Returns:
        None; the processes, if they are not waited for.

    Raises:
        RuntimeError: a process failed.
    """
    context = multiprocessing.get_context(start_method)
    processes = [
        context.Process(target=fn, args=(i, *args), daemon=daemon)  # type: ignore[attr-defined] # all have it
        for i in range(nprocs)
    ]
    for process in processes:
        process.start()
    if not join:
        return processes
    for process in processes:
        process.join()
    failed = [i for i, process in enumerate(processes) if process.exitcode]
    if failed:
        raise RuntimeError(
            f"spawn: process {failed[0]} of {nprocs} ended with exit code "
            f"{processes[failed[0]].exitcode}; its traceback is above"
        )
    return None


tell_missing(__name__)
