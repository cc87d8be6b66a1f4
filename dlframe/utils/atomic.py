"""Writes files atomically: a reader sees the old file or the new one, never a part."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

# A save never pauses for an hour, so a temporary file that is older belongs to a process that was
# killed.
STALE_SECONDS = 3600.0


@contextlib.contextmanager
def atomic_write(
    path: str | os.PathLike[str],
    mode: Literal["wb", "w"] = "wb",
    *,
    encoding: str | None = None,
) -> Iterator[IO[Any]]:
    """Open a file for writing that replaces `path` only when the block succeeds.

    The block writes to a temporary file in the same folder (a rename is atomic only within one
    file system). At its end the bytes are forced to the disk, the file is renamed to `path`, and
    the folder is forced to the disk too. If anything fails, the old file is untouched and the
    temporary one is removed. Missing folders are created, a symbolic link keeps its target, and a
    replaced file keeps its permissions.

    Args:
        path: the file to write or replace.
        mode: `"wb"` for bytes (the file can be read and seeked too), `"w"` for text.
        encoding: of the text; UTF-8 unless given.

    Raises:
        OSError: the file cannot be written; an old file is unchanged.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "notes.txt"
    >>> with atomic_write(path, "w") as file:
    ...     _ = file.write("all of it")
    >>> path.read_text()
    'all of it'
    """
    if mode not in ("wb", "w"):
        raise ValueError(f'atomic_write: mode must be "wb" or "w"; got {mode!r}')
    target = Path(os.path.realpath(path))
    permissions = _permissions(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    temporary = target.parent / f"{_prefix(target)}{secrets.token_hex(8)}.tmp"
    file = _create(temporary, mode, encoding)
    try:
        if permissions is not None:
            temporary.chmod(permissions)
        yield file
        file.flush()
        os.fsync(file.fileno())
        file.close()
        temporary.replace(target)
    except BaseException as error:  # Ctrl-C too must leave nothing behind
        with contextlib.suppress(OSError):  # closing flushes, and the disk may be full
            file.close()
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        if type(error) is OSError and error.errno and error.filename is None:
            error.filename = str(target)  # "No space left on device", but which?
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Force the folder's list of names to the disk, so that a rename survives a power cut."""
    if os.name == "nt":  # Windows cannot open folders, and orders renames itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _permissions(target: Path) -> int | None:
    """The mode bits of the file to replace; None where there is none yet."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"cannot write {target}: it is a folder")
    if not stat.S_ISREG(mode):  # a rename would replace /dev/null by a plain file
        raise OSError(f"cannot write {target}: it is a device, pipe or socket, not a regular file")
    return stat.S_IMODE(mode)


def _prefix(target: Path) -> str:
    # names may be 255 bytes long; 40 characters leave room for the token
    return f".{target.name[:40]}."


def _create(temporary: Path, mode: str, encoding: str | None) -> IO[Any]:
    # O_EXCL: no other process has this file; 0o666: the umask decides, as for any new file
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666)
    if mode == "wb":
        return os.fdopen(descriptor, "w+b")
    return os.fdopen(descriptor, "w+", encoding=encoding or "utf-8")


def _sweep(target: Path) -> None:
    """Remove the temporary files of processes that were killed while they wrote this file."""
    prefix = _prefix(target)
    for leftover in target.parent.iterdir():
        if not (leftover.name.startswith(prefix) and leftover.name.endswith(".tmp")):
            continue
        with contextlib.suppress(OSError):  # another process may sweep at the same moment
            if time.time() - leftover.stat().st_mtime > STALE_SECONDS:
                leftover.unlink()
