"""Hooks: functions that the library calls at certain moments, and how to remove them again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Self


class RemovableHandle:
    """The handle of a registered hook; `remove()` or the end of a `with` block removes the hook."""

    _ids = itertools.count()

    def __init__(self, table: dict[int, Any], removed: Callable[[], None] | None = None) -> None:
        self.id = next(self._ids)
        self._table = table
        self._removed = removed

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        self._table.pop(self.id, None)
        if self._removed is not None:
            self._removed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def add_hook(
    table: dict[int, Any],
    hook: Any,
    *,
    prepend: bool = False,
    removed: Callable[[], None] | None = None,
) -> RemovableHandle:
    """Put `hook` at the end of `table`, or at its front; hooks are called in the order of `table`.

    `removed` is called after the hook was removed.

    >>> table = {}
    >>> last, first = add_hook(table, "last"), add_hook(table, "first", prepend=True)
    >>> list(table.values())
    ['first', 'last']
    >>> first.remove()
    >>> list(table.values())
    ['last']
    """
    handle = RemovableHandle(table, removed)
    others = dict(table) if prepend else {}
    for key in others:
        del table[key]
    table[handle.id] = hook
    table.update(others)
    return handle
