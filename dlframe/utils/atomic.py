"""Writes files atomically: a reader sees the old file or the new one, never a part."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, Literal

if sys.platform != "win32":
    import fcntl

# Where files cannot be locked: a save never pauses for an hour, so a temporary file that is older
# belongs to a process that was killed.
STALE_SECONDS = 3600.0

_TEMPORARY = re.compile(r"\.(.{1,40})\.[0-9a-f]{16}\.tmp", re.DOTALL)

# The folder whose files may not be links; see `without_links`.
_own: ContextVar[Path | None] = ContextVar("own", default=None)


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
    temporary one is removed; that of a process that was killed is removed by the next write into
    the folder. Missing folders are created, a symbolic link keeps its target, another hard link
    keeps the old content, and a replaced file keeps its permissions.

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
    target = written_path(path)
    permissions = _permissions(target)
    make_folder(target.parent)
    remove_leftovers(target.parent)
    # names may be 255 bytes long; 40 characters leave room for the token
    temporary = target.parent / f".{target.name[:40]}.{secrets.token_hex(8)}.tmp"
    file: IO[Any] | None = None
    try:
        file = _create(temporary, mode, encoding)
        if permissions is not None:
            temporary.chmod(permissions)
        yield file
        file.flush()
        os.fsync(file.fileno())
        if sys.platform == "win32":  # it renames no open file
            file.close()
        temporary.replace(target)
        file.close()  # and its lock ends
    except BaseException:  # Ctrl-C too must leave nothing behind
        if file is not None:
            with contextlib.suppress(OSError):  # closing flushes, and the disk may be full
                file.close()
        with contextlib.suppress(OSError):  # that it failed is said already
            temporary.unlink(missing_ok=True)
        with named(target):
            raise
    sync_folder(target.parent)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise OSError if `atomic_write` could not write this file now: no folder, or not permitted.

    For what writes late, as at the end of a training. Missing folders are made; an old file, and
    whether there is one, stays as it is. Whether the disk is full shows only when it is written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "runs" / "curves.png"
    >>> check_writable(path)
    >>> path.parent.is_dir(), path.exists()
    (True, False)
    """
    target = written_path(path)
    make_folder(target.parent)
    # nothing is written, so nothing can be left behind where this is interrupted
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target.parent))


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """While entered, an OSError that names no file names this one: no space left, but where?"""
    try:
        yield
    except OSError as error:
        if error.errno and error.filename is None:
            error.filename = str(path)
        raise


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, so that they survive a power cut."""
    missing = itertools.takewhile(lambda path: not path.exists(), (folder, *folder.parents))
    above = [path.parent for path in missing]
    folder.mkdir(parents=True, exist_ok=True)
    for parent in above:
        sync_folder(parent)


def sync_folder(folder: Path) -> None:
    """Force the folder's list of names to the disk, so that a rename survives a power cut."""
    if os.name == "nt":  # Windows cannot open folders, and orders renames itself
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder to write into, but not to list; its names come later
        return
    try:
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # what a file system says that cannot do it
            error.filename = str(folder)
            raise


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


# --- links -------------------------------------------------------------------------------------


@contextlib.contextmanager
def without_links(folder: str | os.PathLike[str]) -> Iterator[None]:
    """While entered, `atomic_write` follows no symbolic link below this folder: it raises OSError.

    For a folder whose content may come from somebody else, who could make a link of a file that
    is going to be written, and so let it replace any file of ours.
    """
    before = _own.set(Path(os.path.realpath(folder)))
    try:
        yield
    finally:
        _own.reset(before)


def written_path(path: str | os.PathLike[str]) -> Path:
    """The file that a write to `path` changes: where links lead; OSError for a forbidden link."""
    folder = _own.get()
    if folder is not None:
        shown = Path(path).absolute()
        for part in (shown, *shown.parents):
            # links outside of the folder, such as one that leads to it, are the user's own
            if part.is_symlink() and Path(os.path.realpath(part.parent)).is_relative_to(folder):
                raise OSError(
                    errno.ELOOP, "it is a symbolic link, which is not followed here", str(part)
                )
    return Path(os.path.realpath(path))


# --- temporary files ---------------------------------------------------------------------------


def is_temporary(name: str) -> bool:
    """Whether `atomic_write` makes temporary files of such a name."""
    return _TEMPORARY.fullmatch(name) is not None


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files in a folder whose processes were killed while they wrote."""
    names: list[str] = []
    with contextlib.suppress(PermissionError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if is_temporary(entry.name)]
    for name in names:
        with contextlib.suppress(OSError):  # another process may sweep at the same moment
            _remove_if_abandoned(folder / name)


def _create(temporary: Path, mode: str, encoding: str | None) -> IO[Any]:
    """The new temporary file, opened and locked."""
    while True:
        # "x": no other process has this file
        if mode == "wb":
            file: IO[Any] = temporary.open("x+b")
        else:
            file = temporary.open("x+", encoding=encoding or "utf-8")
        is_ours = False
        try:
            is_ours = _lock(file.fileno(), temporary)
        finally:
            if not is_ours:
                file.close()
        if is_ours:
            return file
        # between these lines another process took it for a leftover


if sys.platform == "win32":
    # an open file cannot be removed there, so it needs no lock

    def _lock(descriptor: int, temporary: Path) -> bool:
        return True

    def _remove_if_abandoned(leftover: Path) -> None:
        leftover.unlink()

else:
    # The system releases a lock when its process ends, however that happens. A process id in the
    # name would tell less: ids are used again, and each container counts its own.

    def _lock(descriptor: int, temporary: Path) -> bool:
        """Lock a new file; False if it was removed before."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return os.path.samestat(os.fstat(descriptor), temporary.stat())
        except FileNotFoundError:
            return False
        except OSError:  # a file system without locks
            return True

    def _remove_if_abandoned(leftover: Path) -> None:
        descriptor = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            except OSError:
                if time.time() - found.st_mtime <= STALE_SECONDS:
                    return
            # another sweep may have removed it since, and its writer may have made it anew
            if os.path.samestat(found, leftover.stat(follow_symlinks=False)):
                leftover.unlink()
        finally:
            os.close(descriptor)
