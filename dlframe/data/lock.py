"""A lock on a file that other processes respect too, and that cannot be left behind.

The operating system holds the lock for the process and drops it when the process ends, however it
ends; so there is no stale lock to clean up. The lock file itself means nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dlframe.errors import DownloadError

POLL_SECONDS = 0.1

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def file_lock(path: Path, timeout: float = 3600.0) -> Iterator[None]:
    """Hold the lock of this name; waits for another process or thread that holds it.

    Raises DownloadError when the other one has not finished after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while (descriptor := _acquire(path)) is None:
        if time.monotonic() > deadline:
            raise DownloadError(
                f"waited {timeout:g} s for another process that holds {path}; if none is "
                "downloading, look which process has the file open"
            )
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        _release(path, descriptor)


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold the lock of this name unless another holds it; gives whether it is held, at once."""
    descriptor = _acquire(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            _release(path, descriptor)


def _acquire(path: Path) -> int | None:
    """An open descriptor that holds the lock, or None."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _try_lock(descriptor)
        # the holder before us may have removed the file between our open and our lock: then the
        # next process would lock a new file of that name, and two would hold "the" lock
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, PermissionError, FileNotFoundError):
        pass  # held by another, or removed by the one who held it
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _release(path: Path, descriptor: int) -> None:
    with suppress(OSError):  # Windows does not remove an open file: then it stays, empty
        path.unlink()
    os.close(descriptor)
