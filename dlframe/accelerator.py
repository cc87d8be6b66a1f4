"""Answers programs that ask for whichever GPU there is: there is none."""

from __future__ import annotations

from typing import Any, NoReturn

from dlframe.base.lazily import tell_missing

__all__ = [
    "current_accelerator",
    "current_device_idx",
    "current_device_index",
    "current_stream",
    "device_count",
    "empty_cache",
    "is_available",
    "max_memory_allocated",
    "memory_allocated",
    "set_device_idx",
    "set_device_index",
    "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Whether there is a GPU; always False.

    >>> import dlframe as dl
    >>> dl.accelerator.is_available(), dl.accelerator.device_count()
    (False, 0)
    """
    return False


def current_accelerator(check_available: bool = False) -> None:
    """None, as there is no GPU."""


def device_count() -> int:
    """0."""
    return 0


def _none(what: str) -> NoReturn:
    raise RuntimeError(f"accelerator.{what}: cannot access an accelerator when none is available")


def current_device_index() -> int:
    """Raise RuntimeError."""
    _none("current_device_index")


def set_device_index(device: Any, /) -> None:
    """Raise RuntimeError."""
    _none("set_device_index")


def current_stream(device: Any = None, /) -> Any:
    """Raise RuntimeError."""
    _none("current_stream")


def synchronize(device: Any = None, /) -> None:
    """Raise RuntimeError."""
    _none("synchronize")


def empty_cache() -> None:
    """Do nothing: there is no memory of a GPU."""


def memory_allocated(device_index: Any = None, /) -> int:
    """0."""
    return 0


def max_memory_allocated(device_index: Any = None, /) -> int:
    """0."""
    return 0


current_device_idx, set_device_idx = current_device_index, set_device_index


tell_missing(__name__)
