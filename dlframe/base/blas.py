"""NumPy's BLAS kept to one thread for a while, where dlframe's own threads share out the work.

The threads of OpenBLAS wait for work in a busy loop. Where two libraries of threads take turns,
each takes the processors from the other, and both together are slower than one thread alone.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any

__all__ = ["alone", "look_again", "set_number"]

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
    """The time in which somebody wants BLAS to have one thread: a context, used once."""

    __slots__ = ("__weakref__",)

    def __enter__(self) -> None:
        with _lock:
            _holders.append(weakref.ref(self))
            if not _before:
                _quieten()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with _lock:
            _holders[:] = [held for held in _holders if held() not in (None, self)]
            if not _holders:
                _set_back()


def _set_back() -> None:
    """Give each BLAS the number of threads that it had, unless the user has set another."""
    for (get, change), count in _before:
        if get() == 1:
            change(count)
    _before.clear()


def _quieten() -> None:
    """Give each BLAS that has several threads one, and note how many it had."""
    for get, change in _libraries():
        count = get()
        if count > 1:
            _before.append(((get, change), count))
            change(1)


# Ctrl-C may come before an exit has done its work. Then its context dies with the frame that had
# it, and the next exit finds that nobody holds BLAS any more.
_lock = threading.Lock()
_holders: list[weakref.ref[_Alone]] = []
_before: list[tuple[Pair, int]] = []  # what sets a number back, and to what


def alone() -> _Alone:
    """A context in which BLAS uses one thread, for the whole process; several may be in it."""
    return _Alone()


def set_number(n: int) -> None:
    """Let BLAS use `n` threads: from now on, or as soon as nobody is in `alone`."""
    from threadpoolctl import ThreadpoolController  # also libraries that were loaded later

    with _lock:
        if any(held() for held in _holders):
            _before[:] = [(library, n) for library in _libraries()]
        else:
            _before.clear()
            ThreadpoolController().select(user_api="blas").limit(limits=n)


def look_again() -> None:
    """Know of a BLAS that was loaded a moment ago, too: SciPy has one of its own."""
    with _lock:
        _libraries.cache_clear()
        if any(held() for held in _holders):
            _quieten()


def _forget() -> None:
    """In a forked process: what other threads held, they hold no more."""
    global _lock
    _lock = threading.Lock()
    _holders.clear()
    _set_back()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
