"""PyTorch's functions that say how weights lie in memory, which is always in order here."""

from __future__ import annotations

from typing import Any, TypeVar

from dlframe.errors import ArgumentError
from dlframe.nn.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

M = TypeVar("M", bound=Module)


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Return the module as it is: its results do not depend on how weights lie in memory.

    `memory_format` may be `"contiguous_format"`, `"preserve_format"` or `"channels_last"`.

    >>> from dlframe import nn
    >>> nn.utils.convert_conv2d_weight_memory_format(nn.ReLU(), "channels_last")
    ReLU()
    """
    return _unchanged(module, memory_format, "channels_last")


def convert_conv3d_weight_memory_format(module: M, memory_format: Any) -> M:
    """The same for the weights of `Conv3d`, with `"channels_last_3d"`."""
    return _unchanged(module, memory_format, "channels_last_3d")


def _unchanged(module: M, memory_format: Any, last: str) -> M:
    known = ("contiguous_format", "preserve_format", last)
    if memory_format not in known:
        raise ArgumentError(f"memory_format must be one of {known}, got {memory_format!r}")
    return module
