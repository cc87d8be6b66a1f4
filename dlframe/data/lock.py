"""A lock between processes, held on a file, which ends with the process that holds it.

The operating system releases the lock whenever the process ends, also after a crash, so a stale
lock cannot remain. That the lock file exists means nothing.
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
    """Hold the lock of this name; if another process or thread holds it, wait.

    Raises DownloadError if the other has not finished after `timeout` seconds.
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
    """Hold the lock of this name if it is free; gives at once whether it is held."""
    descriptor = _acquire(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            _release(path, descriptor)


def _acquire(path: Path) -> int | None:
    """An open descriptor that holds the lock, or None."""
    # a link of this name could make us create a file elsewhere
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        _try_lock(descriptor)
        # the last holder may have removed the file between our open and our lock; the next process
        # would then lock a new file of that name, and two processes would hold the lock
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, PermissionError, FileNotFoundError):
        pass  # another process holds the lock, or its last holder removed the file
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _release(path: Path, descriptor: int) -> None:
    try:
        with suppress(OSError):  # Windows does not remove an open file: then it stays, empty
            path.unlink()
    finally:
        os.close(descriptor)
