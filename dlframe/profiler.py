"""Marks for PyTorch's profiler, which change nothing.

`python -m cProfile -s tottime program.py` says where time goes, and `dl.utils.summary` how long
each layer takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from dlframe.base.lazily import tell_missing

__all__ = ["record_function"]


class record_function:  # PyTorch's name
    """A block or function with a name in a profile; it changes nothing.

    >>> import dlframe as dl
    >>> with dl.profiler.record_function("forward"):
    ...     y = dl.ones(2) + 1
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function


tell_missing(__name__)
