"""Replaces generators in a block: `dlframe.vmap` draws for a whole batch at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Transform = Callable[[Any], Any]

_current: ContextVar[Transform | None] = ContextVar("generator_transform", default=None)


@contextmanager
def transformed(transform: Transform) -> Iterator[None]:
    """Let everything in this block draw from `transform(generator)`."""
    outer = _current.get()
    both = transform if outer is None else lambda generator: transform(outer(generator))
    token = _current.set(both)
    try:
        yield
    finally:
        _current.reset(token)


def as_transformed(generator: Any) -> Any:
    """The generator to use at present instead of `generator`."""
    transform = _current.get()
    return generator if transform is None else transform(generator)
