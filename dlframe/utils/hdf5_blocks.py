"""Reads an HDF5 file block by block: headers, heaps and B-trees, each once, each with its checksum.

HDF5's own library trusts what it reads: a file made on purpose can let it loop for ever, fill the
memory or open other files. So files are written with that library and read with this module and
`dlframe.utils.hdf5_objects`, which know just the parts of the format that `save` uses and
refuse everything else. (The format: "HDF5 File Format Specification Version 3.0", The HDF Group.)

Two rules bound time and memory, whatever a file holds: no block may be read twice, and all that is
read may not add up to more than twice the file.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

import numpy as np

from dlframe.errors import FileFormatError
from dlframe.utils.sources import Source

UNDEFINED = (1 << 64) - 1
"""The address of what is not there."""

_SHARE = 2  # all that is read, as a multiple of the file: names in heaps are counted twice


def foreign(what: str) -> FileFormatError:
    """The error for something that HDF5 has and `save` never writes."""
    return FileFormatError(f"it has {what}, which dlframe never writes")


def damaged(what: str) -> FileFormatError:
    """The error for bytes that do not fit together."""
    return FileFormatError(f"it is a damaged HDF5 file: {what}")


class Cursor:
    """Takes one field after another from some bytes."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, count: int) -> bytes:
        """The next bytes."""
        end = self.at + count
        if end > len(self.data):
            raise damaged("a block ends in the middle of a field")
        part = self.data[self.at : end]
        self.at = end
        return part

    def number(self, count: int) -> int:
        """An unsigned number of so many bytes."""
        return int.from_bytes(self.take(count), "little")

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self.data) - self.at


class Blocks:
    """An open file as numbered bytes."""

    def __init__(self, file: Source, size: int) -> None:
        self._file = file
        self.size = size
        self._left = _SHARE * size
        self._seen: set[int] = set()
        self._sums: dict[int, list[tuple[bytes, int]]] = {}  # by length: blocks, checksums

    # --- reading -------------------------------------------------------------------------------

    def spend(self, count: int) -> None:
        """Count bytes; raises FileFormatError when they are more than a file can hold."""
        self._left -= count
        if self._left < 0:
            raise damaged("its parts are larger together than the file")

    def peek(self, address: int, count: int) -> bytes:
        """The bytes at an address, fewer at the end of the file; this reading does not count."""
        self._file.seek(min(address, self.size))
        return self._file.read(count)

    def read(self, address: int, count: int) -> bytes:
        """The bytes at an address."""
        self.claim(address, count)
        self._file.seek(address)
        data = self._file.read(count)
        if len(data) != count:
            raise damaged("it became shorter while it was read")
        return data

    def read_into(self, address: int, array: np.ndarray[Any, Any]) -> None:
        """Fill an array, without a copy in between."""
        self._file.seek(address)
        rest = memoryview(array.reshape(-1).view(np.uint8).data)
        while rest:
            count = self._file.readinto(rest)
            if not count:
                raise damaged("it became shorter while it was read")
            rest = rest[count:]

    def claim(self, address: int, count: int) -> None:
        """Check, before memory is taken, that these bytes are there and were not read before."""
        if address + count > self.size:
            raise damaged("a part of it would lie behind its end")
        if address in self._seen:
            raise foreign("one part in two places")
        self._seen.add(address)
        self.spend(count)

    def block(self, address: int, signature: bytes, count: int) -> Cursor:
        """A block of so many bytes, the last 4 of which are its checksum, behind its signature."""
        data = self.read(address, count)
        if data[:4] != signature or count < 8:
            raise damaged(f"a block {signature.decode()} is not where it should be")
        self.note(data[:-4], int.from_bytes(data[-4:], "little"))
        return Cursor(data[:-4], 4)

    # --- checksums -----------------------------------------------------------------------------

    def note(self, data: bytes, checksum: int) -> None:
        """Remember a block for `verify`."""
        self._sums.setdefault(len(data), []).append((data, checksum))

    def verify(self) -> None:
        """Compare all checksums, at once because that is ten times as fast in a large file."""
        for count, blocks in self._sums.items():
            datas, sums = zip(*blocks, strict=True)
            if not np.array_equal(_lookup3(datas, count), np.array(sums)):
                raise damaged("the checksum of a block differs, so it was changed")
        self._sums.clear()


_MASK = 0xFFFFFFFF


def _turned(x: Any, k: int) -> Any:
    return ((x << k) & _MASK) | (x >> (32 - k))


def _lookup3(blocks: Iterable[bytes], count: int) -> Any:
    """Bob Jenkins' `hashlittle` of blocks of one length, which HDF5 uses as its checksum."""
    # padded with zeros to whole rounds of three 32-bit words
    padding = bytes(-count % 12)
    words: Any = np.array([np.frombuffer(block + padding, "<u4") for block in blocks], np.uint64).T
    if words.shape[1] < 16:  # Python's own integers are faster than small arrays
        return [_rounds(column, count) for column in words.T.tolist()]
    return _rounds(words, count)


def _rounds(words: Any, count: int) -> Any:
    start = (0xDEADBEEF + count) & _MASK
    a = b = c = start
    last = len(words) - 3
    for i in range(0, last, 3):
        a, b, c = (a + words[i]) & _MASK, (b + words[i + 1]) & _MASK, (c + words[i + 2]) & _MASK
        a = ((a - c) & _MASK) ^ _turned(c, 4)
        c = (c + b) & _MASK
        b = ((b - a) & _MASK) ^ _turned(a, 6)
        a = (a + c) & _MASK
        c = ((c - b) & _MASK) ^ _turned(b, 8)
        b = (b + a) & _MASK
        a = ((a - c) & _MASK) ^ _turned(c, 16)
        c = (c + b) & _MASK
        b = ((b - a) & _MASK) ^ _turned(a, 19)
        a = (a + c) & _MASK
        c = ((c - b) & _MASK) ^ _turned(b, 4)
        b = (b + a) & _MASK
    a, b, c = (
        (a + words[last]) & _MASK,
        (b + words[last + 1]) & _MASK,
        (c + words[last + 2]) & _MASK,
    )
    c = ((c ^ b) - _turned(b, 14)) & _MASK
    a = ((a ^ c) - _turned(c, 11)) & _MASK
    b = ((b ^ a) - _turned(a, 25)) & _MASK
    c = ((c ^ b) - _turned(b, 16)) & _MASK
    a = ((a ^ c) - _turned(c, 4)) & _MASK
    b = ((b ^ a) - _turned(a, 14)) & _MASK
    return ((c ^ b) - _turned(b, 24)) & _MASK


# --- B-trees -----------------------------------------------------------------------------------


def records(blocks: Blocks, address: int, kind: int, size: int) -> list[bytes]:
    """The records of a B-tree (version 2) of that kind, in order."""
    head = blocks.block(address, b"BTHD", 38)
    version, its_kind, node_size, its_size, depth = struct.unpack("<BBIHH", head.take(10))
    head.take(2)  # when to split and to merge nodes
    root, count = head.number(8), head.number(2)
    if (version, its_kind, its_size) != (0, kind, size) or depth > 16:
        raise damaged("a B-tree of another kind")
    # a pointer to a node holds counts, in as many bytes as the largest possible count needs
    most = max(0, node_size - 10) // size
    width = _width(most)
    pointers = [(0, 0)]  # by depth: the bytes of a pointer, and of the count of all below it
    below, total = most, 0
    for _ in range(depth):
        pointer = 8 + width + total
        here = max(0, node_size - 10 - pointer) // (size + pointer)
        pointers.append((pointer, total))
        below = (here + 1) * below + here
        total = _width(below)
    found: list[bytes] = []

    def walk(address: int, count: int, depth: int) -> None:
        if depth == 0:
            node = blocks.block(address, b"BTLF", 10 + count * size)
            node.take(2)  # version and kind
            found.extend(node.take(size) for _ in range(count))
            return
        pointer, total = pointers[depth]
        node = blocks.block(address, b"BTIN", 10 + count * size + (count + 1) * pointer)
        node.take(2)
        between = [node.take(size) for _ in range(count)]
        for i in range(count + 1):
            child, inside = node.number(8), node.number(width)
            node.take(total)
            walk(child, inside, depth - 1)
            found.extend(between[i : i + 1])

    if count:
        walk(root, count, depth)
    return found


def _width(largest: int) -> int:
    """How many bytes a number up to `largest` needs."""
    return max(1, (largest.bit_length() + 7) // 8)


# --- heaps -------------------------------------------------------------------------------------

# What HDF5 gives a heap of links: the length of an ID, no filters, checksums, 4 blocks in a row, of
# 512 bytes at first, and of 64 KiB at most where they hold data.
_ROW, _FIRST, _DIRECT_ROWS = 4, 512, 9


class Heap:
    """A fractal heap: where the links of a group lie if they are many."""

    def __init__(self, blocks: Blocks, address: int) -> None:
        head = blocks.block(address, b"FRHP", 146)
        version, id_length, filters, flags, _ = struct.unpack("<BHHBI", head.take(10))
        head.take(8)
        huge = head.number(8)
        head.take(80)  # counts and free space
        row, first, largest, bits, _, root, rows = struct.unpack("<HQQHHQH", head.take(32))
        form = (version, id_length, filters, flags & 2, row, first, largest, bits)
        if form != (0, 7, 0, 2, _ROW, _FIRST, 1 << 16, 32) or rows > 32:
            raise damaged("a heap of another form")
        self._blocks = blocks
        self._starts: list[int] = []  # of the blocks, in the heap's own numbering
        self._data: list[bytes] = []
        if root != UNDEFINED and rows == 0:
            self._add(root, 0, first)
        elif root != UNDEFINED:
            self._add_rows(root, 0, rows)
        self._huge = {} if huge == UNDEFINED else _huge_objects(blocks, huge)

    def _add_rows(self, address: int, start: int, rows: int) -> None:
        """Read a block that lists others."""
        block = self._blocks.block(address, b"FHIB", 21 + 8 * _ROW * rows)
        block.take(13)  # version, the heap, the start
        for row in range(rows):
            size = _FIRST << max(row - 1, 0)
            for _ in range(_ROW):
                child = block.number(8)
                if child != UNDEFINED and row < _DIRECT_ROWS:
                    self._add(child, start, size)
                elif child != UNDEFINED:
                    self._add_rows(child, start, size.bit_length() - 11)
                start += size

    def _add(self, address: int, start: int, size: int) -> None:
        """Read a block with data; its checksum counts itself as zero."""
        data = self._blocks.read(address, size)
        if data[:4] != b"FHDB":
            raise damaged("a block FHDB is not where it should be")
        self._blocks.note(data[:17] + bytes(4) + data[21:], int.from_bytes(data[17:21], "little"))
        self._starts.append(start)
        self._data.append(data)

    def __getitem__(self, identity: bytes) -> bytes:
        """The bytes with an ID of 7 bytes."""
        if identity[0] == 0x10:
            place = self._huge.pop(int.from_bytes(identity[1:], "little"), None)
            if place is None:
                raise damaged("a name is missing")
            return self._blocks.read(*place)
        start, count = struct.unpack("<IH", identity[1:])
        i = bisect_right(self._starts, start) - 1
        if identity[0] != 0 or i < 0:
            raise damaged("a name is missing")
        self._blocks.spend(count)
        return Cursor(self._data[i], start - self._starts[i]).take(count)


def _huge_objects(blocks: Blocks, address: int) -> dict[int, tuple[int, int]]:
    """By number, the address and size of what is too large for the heap itself."""
    places = (struct.unpack("<QQQ", record) for record in records(blocks, address, 1, 24))
    return {number: (place, size) for place, size, number in places}
