"""Answers programs that may train in several processes: there is one."""

from __future__ import annotations

from typing import Any, NoReturn

from dlframe.base.lazily import tell_missing

__all__ = [
    "get_rank", "get_world_size", "init_process_group", "is_available", "is_initialized",
    "is_torchelastic_launched",
]  # fmt: skip


def is_available() -> bool:
    """Whether several processes can train together; False.

    >>> import dlframe as dl
    >>> dl.distributed.is_available(), dl.distributed.is_initialized()
    (False, False)
    """
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_torchelastic_launched() -> bool:
    """False."""
    return False


def get_rank(group: Any = None) -> int:
    """Raise ValueError, as PyTorch does where no group was begun."""
    _none("get_rank")


def get_world_size(group: Any = None) -> int:
    """Raise ValueError, as PyTorch does where no group was begun."""
    _none("get_world_size")


def _none(what: str) -> NoReturn:
    raise ValueError(
        f"distributed.{what}: there is no process group: a training is one process here. Ask "
        "`torch.distributed.is_initialized()` first"
    )


def init_process_group(*args: Any, **kwargs: Any) -> NoReturn:
    """Raise NotImplementedError."""
    raise NotImplementedError(
        "distributed.init_process_group: dlframe trains in one process. Leave it out, with "
        "DistributedDataParallel: the program does the same"
    )


tell_missing(__name__)
