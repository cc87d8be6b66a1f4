"""The bytes that `load` reads: a file by its path, or an open one from where it stands."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dlframe.base.printable import error_text, printable
from dlframe.errors import ArgumentError, FileFormatError
from dlframe.utils.foreign import HEAD_BYTES

_BLOCK = 1 << 18  # bytes that are read at once, so that their checksum finds them in the cache


class Source:
    """A file as numbered bytes. It never takes memory for more bytes than there are.

    >>> source = Source(io.BytesIO(b"abcdef"), "x")
    >>> source.seek(2), source.read(1 << 40)
    (2, b'cdef')
    """

    def __init__(self, file: Any, name: str, path: Path | None = None) -> None:
        self._file = file
        self.name = name
        self.path = path
        self.kind = ""  # what it turned out to be, for messages
        self._start = int(file.tell())
        self.size: int = max(file.seek(0, os.SEEK_END) - self._start, 0)
        self.seek(0)
        self.head = self.read(HEAD_BYTES)
        self.seek(0)

    # --- as a binary file ----------------------------------------------------------------------

    def seekable(self) -> bool:
        """True: `zipfile` asks."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.size}[whence]
        place = int(base + offset)
        if place < 0:
            raise ValueError("a place before the beginning of the file")
        self._file.seek(self._start + place)
        return place

    def tell(self) -> int:
        """The place where the next byte is read."""
        return int(self._file.tell()) - self._start

    def read(self, count: int = -1) -> bytes:
        """The next bytes, fewer at the end of the file."""
        left = max(self.size - self.tell(), 0)
        data: bytes = self._file.read(left if count < 0 else min(count, left))
        return data

    def readline(self) -> bytes:
        """The bytes up to the end of a line."""
        line: bytes = self._file.readline()
        return line

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, or its beginning at the end of the file."""
        if hasattr(self._file, "readinto"):
            return int(self._file.readinto(buffer))
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    # --- at a place ----------------------------------------------------------------------------

    def bytes_at(self, offset: int, count: int, what: str) -> bytes:
        """Some bytes; FileFormatError if the file ends before."""
        if not 0 <= offset <= offset + count <= self.size:
            raise self.ends_before(what)
        self.seek(offset)
        data = self.read(count)
        if len(data) != count:
            raise self.ends_before(what)
        return data

    def fill(self, offset: int, array: np.ndarray[Any, Any], what: str, checked: bool) -> int:
        """Read an array's bytes without a copy in between; the CRC-32 of them, or 0."""
        self.seek(offset)
        rest = memoryview(array.reshape(-1).view(np.uint8).data)
        checksum = 0
        while rest:
            count = self.readinto(rest[:_BLOCK] if checked else rest)
            if not count:
                raise self.ends_before(what)
            if checked:
                checksum = zlib.crc32(rest[:count], checksum)
            rest = rest[count:]
        return checksum

    def ends_before(self, what: str) -> FileFormatError:
        """The error for a file that ends too early."""
        return FileFormatError(
            f"it is truncated or damaged: it has {self.size:,} bytes, and {what} ends after that"
        )


@contextlib.contextmanager
def opened(f: Any) -> Iterator[Source]:
    """Open what `load` was given; any failure in the block is a FileFormatError naming the file.

    A missing or forbidden file is Python's own error. An open file is read from where it stands.
    One that cannot seek, as that of a socket, is read to its end first.
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb", opener=_open_without_waiting) as file:
            name = printable(Path(f))
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FileFormatError(
                    f"cannot load {name}: it is a pipe, socket or device, not a file"
                )
            yield from _explained(Source(file, name, Path(f)))
        return
    name = printable(getattr(f, "name", None) or f"an open {type(f).__name__}", longest=200)
    yield from _explained(Source(_seekable(f, name), name))


def _explained(source: Source) -> Iterator[Source]:
    try:
        yield source
    except FileFormatError as error:
        kind = f", {source.kind}" if source.kind else ""
        raise FileFormatError(f"cannot load {source.name}{kind}: {error}") from None
    except MemoryError:
        raise FileFormatError(
            f"cannot load {source.name}: its values do not fit into memory"
        ) from None
    except ArgumentError:  # what the caller asked for
        raise
    except Exception as error:  # whatever a value that makes no sense may lead to
        raise FileFormatError(
            f"cannot load {source.name}: it is damaged ({source.size:,} bytes): "
            f"{printable(error_text(error), longest=200)}"
        ) from error


def _seekable(f: Any, name: str) -> Any:
    if not callable(getattr(f, "read", None)):
        raise TypeError(
            f"load: expected a path or a file that is open for reading; got {type(f).__name__}"
        )
    seekable = getattr(f, "seekable", None)
    if callable(getattr(f, "seek", None)) and (seekable is None or seekable()):
        if isinstance(f, io.TextIOBase):
            raise TypeError(f"load: {name} is open as a text; open it with the mode 'rb'")
        return f
    content = f.read()
    if not isinstance(content, (bytes, bytearray)):
        raise TypeError(f"load: {name} is open as a text; open it with the mode 'rb'")
    return io.BytesIO(content)


def _open_without_waiting(path: str, flags: int) -> int:
    # opening a pipe waits for a writer otherwise
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
