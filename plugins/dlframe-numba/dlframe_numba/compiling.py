"""How loops are compiled, and kept safe where processes fork.

Compiled code is kept in the folder `__pycache__` beside the source (or in numba's own folder, if
that cannot be written to), so only the very first use of a loop on a machine takes seconds.
numba's own threads are not used: its pool by OpenMP hangs in forked processes, and its other pool
does not stand several threads that call it. The threads are dlframe's (`dlframe_numba.sharing`);
loops let go of Python's lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.compiler_lock import global_compiler_lock

__all__ = ["exact", "formula", "loop", "part"]

# What the compiler may do with floats. Sums may be taken in another order, by several at a time;
# it must not assume that there is no nan and no infinity.
SUMS = frozenset({"reassoc", "contract", "nsz"})
# For the formulas of single numbers, which rely on the order of their operations.
AS_WRITTEN = frozenset({"contract", "nsz"})


def loop(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays, for each combination of dtypes when that comes first."""
    return _compiled(function, SUMS)


def formula(function: Callable[..., Any]) -> Any:
    """Compile a function of numbers, which becomes a part of the loops that call it."""
    return _compiled(function, AS_WRITTEN)


def exact(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays that rounds as NumPy does, to the last bit."""
    return _compiled(function, frozenset())


def part(function: Callable[..., Any]) -> Any:
    """Make a function a part of the source of the loops that call it; it may return tiles."""
    return numba.njit(inline="always")(function)


def _compiled(function: Callable[..., Any], fastmath: frozenset[str]) -> Any:
    options: dict[str, Any] = {
        "nogil": True,
        "fastmath": set(fastmath),
        "error_model": "numpy",  # 1 / 0 is infinity
        "boundscheck": False,
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder to write to
        return numba.njit(**options)(function)


def _forget_old_code() -> None:
    """Remove compiled code that is older than a source; numba looks at one file alone.

    A loop has in it what it calls from other files, which may have been changed since.
    """
    folder = Path(__file__).parent
    with suppress(OSError):
        changed = max(file.stat().st_mtime for file in folder.glob("*.py"))
        for index in (folder / "__pycache__").glob("*.nbi"):
            if index.stat().st_mtime < changed:
                index.unlink()


_forget_old_code()

# A process that forks while another thread compiles would leave its child with a lock that nobody
# gives back. So a fork waits until the compiler has ended.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )
