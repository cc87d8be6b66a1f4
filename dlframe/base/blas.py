"""NumPy's BLAS kept to one thread for a while, where dlframe's own threads share out the work.

The threads of OpenBLAS wait for work in a busy loop. Where two libraries of threads take turns,
each takes the processors from the other, and both together are slower than one thread alone.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

__all__ = ["alone"]

Pair = tuple[Callable[[], int], Callable[[int], Any]]


@functools.cache
def _libraries() -> tuple[Pair, ...]:
    """For each BLAS that is loaded: what reads its number of threads, and what sets it."""
    from threadpoolctl import ThreadpoolController  # finds the loaded libraries, so not at import

    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return tuple(_functions(library) for library in found)


def _functions(library: Any) -> Pair:
    """OpenBLAS's own functions take 0.3 µs, and threadpoolctl's 1.1."""
    if library.internal_api == "openblas" and library.threading_layer == "pthreads":
        handle = ctypes.CDLL(library.filepath)
        for affixes in ("scipy_{}64_", "{}64_", "{}_64", "scipy_{}", "{}"):
            get = getattr(handle, affixes.format("openblas_get_num_threads"), None)
            change = getattr(handle, affixes.format("openblas_set_num_threads"), None)
            if get and change:
                change.restype = None
                return get, change
    return library.get_num_threads, library.set_num_threads


class _Alone:
    """Counts who is inside: the first sets the number of threads to 1, the last sets it back."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.before: list[tuple[Callable[[int], Any], int]] = []

    def __enter__(self) -> None:
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                for get, change in _libraries():
                    count = get()
                    if count > 1:
                        self.before.append((change, count))
                        change(1)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                while self.before:
                    change, count = self.before.pop()
                    change(count)


alone = _Alone()
"""A context in which BLAS uses one thread, for the whole process; it may be entered by several."""
