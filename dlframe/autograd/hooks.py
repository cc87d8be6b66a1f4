"""The handle that registering a hook returns."""

from __future__ import annotations

import itertools
from typing import Any, Self


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook away; so does a ``with``."""

    _ids = itertools.count()

    def __init__(self, table: dict[int, Any]) -> None:
        self.id = next(self._ids)
        self._table = table

    def remove(self) -> None:
        """Take the hook away; doing it twice is harmless."""
        self._table.pop(self.id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def add_hook(table: dict[int, Any], hook: Any) -> RemovableHandle:
    """Put `hook` at the end of `table`."""
    handle = RemovableHandle(table)
    table[handle.id] = hook
    return handle
