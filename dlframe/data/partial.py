"""The beginning of a file whose download was broken off, and of which version of the file it is."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from dlframe.utils.atomic import sync_folder

MOST_BYTES = 1 << 16  # of the note


class Part:
    """`NAME.part`, what has arrived so far, and `NAME.part.json`, of which version it is.

    Neither is ever written through a link.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".part")
        self.about = path.with_name(path.name + ".part.json")

    def size(self) -> int:
        """The bytes that are there; what is no plain file of its own is removed."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return 0
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            return found.st_size
        self.discard()
        return 0

    def version(self) -> dict[str, Any]:
        """The address, the length, and what the server called the version; empty if unknown."""
        try:
            if not self.about.is_symlink() and self.about.stat().st_size < MOST_BYTES:
                content = json.loads(self.about.read_bytes())
                if isinstance(content, dict):
                    return content
        except (OSError, ValueError, RecursionError):
            pass
        return {}

    def begin(self, version: dict[str, Any]) -> IO[bytes]:
        """A new, empty file."""
        self.discard()
        sync_folder(self.path.parent)  # a power cut must not join an old note and a new file
        self._note(version)
        return own_file(self.path, os.O_EXCL)

    def resume(self, size: int) -> IO[bytes]:
        """The file, to be written on after its first `size` bytes."""
        file = own_file(self.path, os.O_APPEND)
        file.truncate(size)
        return file

    def keep(self) -> None:
        """Note how many bytes are on the disk for sure; after a power cut any others may be wrong.

        Where the content will be compared with a checksum, this does not matter.
        """
        if not self.path.is_file():
            return
        with suppress(OSError):  # then a later call begins anew
            with own_file(self.path, os.O_APPEND) as file:
                os.fsync(file.fileno())
                size = os.fstat(file.fileno()).st_size
            version = self.version()
            self.about.unlink(missing_ok=True)
            self._note({**version, "kept": size})

    def _note(self, version: dict[str, Any]) -> None:
        with own_file(self.about, os.O_EXCL) as file:
            file.write(json.dumps(version).encode())

    def discard(self) -> None:
        for path in (self.path, self.about):
            path.unlink(missing_ok=True)

    def finish(self, path: Path) -> None:
        """Rename the file to its own name, and force it to the disk."""
        with own_file(self.path, os.O_APPEND) as file:
            os.fsync(file.fileno())
        self.path.replace(path)
        self.about.unlink(missing_ok=True)


def own_file(path: Path, how: int) -> IO[bytes]:
    """A file to write, which is never what a link leads to; `how` is O_EXCL or O_APPEND."""
    flags = os.O_WRONLY | os.O_CREAT | how
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return open(path, "wb", opener=lambda name, _: os.open(name, flags, 0o666))
