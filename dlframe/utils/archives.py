"""Reads the directory of a ZIP archive, and checks it before any of its entries is read.

PyTorch's checkpoints and NumPy's `.npz` files are such archives. Nothing is ever unpacked to a
file; names are only looked up.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import Any, NamedTuple

import numpy as np

from dlframe.base.printable import error_text, printable
from dlframe.errors import FileFormatError
from dlframe.utils.foreign import kind_of_file
from dlframe.utils.sources import Source

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # the signature, and the lengths of name and extra field


class Stored(NamedTuple):
    """Where the bytes of an entry that is not compressed are, and their CRC-32 (0: unknown)."""

    name: str
    offset: int
    size: int
    checksum: int


class Archive:
    """The entries of an archive by their names; raises FileFormatError for one that lies."""

    def __init__(self, source: Source) -> None:
        self.source = source
        try:
            self.zip = zipfile.ZipFile(source)
        except Exception as error:  # noqa: BLE001 - whatever its lies lead to
            raise FileFormatError(
                f"it is {kind_of_file(source.head)}, truncated or damaged ({source.size:,} bytes): "
                f"{printable(error_text(error), longest=200)}"
            ) from None
        self.entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self.zip.infolist():
            _check_name(entry.orig_filename)
            if entry.orig_filename in self.entries:
                raise FileFormatError(f"it has two entries named {shown(entry.orig_filename)}")
            if entry.flag_bits & 1:
                raise FileFormatError(f"its entry {shown(entry.orig_filename)} is encrypted")
            self.entries[entry.orig_filename] = entry
        if sum(entry.compress_size for entry in self.entries.values()) > source.size:
            raise FileFormatError(
                f"it is truncated or damaged: its entries are larger together than its "
                f"{source.size:,} bytes"
            )

    def stored(self, name: str) -> Stored:
        """An entry that is not compressed."""
        if name not in self.entries:
            raise FileFormatError(f"it is incomplete: it has no entry {shown(name)}")
        entry = self.entries[name]
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise FileFormatError(
                f"its entry {shown(name)} is compressed, which PyTorch never does; if the archive "
                f"was packed by hand, pack it without compression (zip -0)"
            )
        what = f"its entry {shown(name)}"
        head = self.source.bytes_at(entry.header_offset, _LOCAL_HEADER.size, what)
        signature, name_length, extra_length = _LOCAL_HEADER.unpack(head)
        at = entry.header_offset + _LOCAL_HEADER.size
        if signature != b"PK\x03\x04":
            raise FileFormatError(f"it is damaged: {what} does not begin where it should")
        local_name = self.source.bytes_at(at, name_length, what)
        if local_name not in (name.encode("utf-8"), name.encode("cp437", "replace")):
            raise FileFormatError(f"it is damaged: {what} has another name in its own header")
        offset = at + name_length + extra_length
        if offset + entry.file_size > self.source.size:
            raise self.source.ends_before(what)
        return Stored(name, offset, entry.file_size, entry.CRC)

    def read(self, name: str) -> bytes:
        """The bytes of an entry that is not compressed."""
        stored = self.stored(name)
        data = self.source.bytes_at(stored.offset, stored.size, f"its entry {shown(name)}")
        check_sum(stored, zlib.crc32(data))
        return data

    def fill(self, stored: Stored, array: np.ndarray[Any, Any]) -> None:
        """Read an entry into an array of its size."""
        what = f"its entry {shown(stored.name)}"
        found = self.source.fill(stored.offset, array, what, checked=stored.checksum != 0)
        check_sum(stored, found)


def check_sum(stored: Stored, found: int) -> None:
    """Raise FileFormatError if the bytes of an entry are not those that were written."""
    # PyTorch writes zeros where it was told to compute no checksums
    if stored.checksum not in (0, found):
        raise FileFormatError(
            f"it is damaged: the bytes of its entry {shown(stored.name)} were changed after they "
            f"were written (their CRC-32 differs)"
        )


def shown(name: str) -> str:
    """A name in a message."""
    return printable(repr(name), longest=100)


def _check_name(name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or ":" in parts[0]:
        raise FileFormatError(
            f"it has an entry named {shown(name)}, a path out of the archive; it may be an attack, "
            f"and nothing was unpacked"
        )
