"""Reads groups and data sets of an HDF5 file that `save` wrote; see `dlframe.utils.hdf5_blocks`.

An object is a header, a list of messages: for a group its links to other objects, for a data set
its dtype, its shape and where the values lie, for both their attributes. Sizes are compared with
what the file holds before memory is taken.
"""

from __future__ import annotations

import math
import struct
import zlib
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from dlframe.errors import FileFormatError
from dlframe.utils.hdf5_blocks import UNDEFINED, Blocks, Cursor, Heap, damaged, foreign, records

Array = np.ndarray[Any, Any]
Message = tuple[int, bytes]

# The kinds of messages that `save` lets HDF5 write, and names of others for errors.
_SPACE, _LINKS, _TYPE, _FILL, _LINK, _LAYOUT, _GROUP, _FILTERS, _ATTRIBUTE, _NEXT, _ATTRIBUTES = (
    1, 2, 3, 5, 6, 8, 10, 11, 12, 16, 21,
)  # fmt: skip
_KNOWN = frozenset([_SPACE, _LINKS, _TYPE, _FILL, _LINK, _LAYOUT, _GROUP, _FILTERS, _ATTRIBUTE,
                    _ATTRIBUTES])  # fmt: skip
_OTHERS = {
    4: "a fill value of an old form",
    7: "values in another file",
    15: "a table of shared messages",
    17: "a group of an old form",
    22: "one part in two places",
}

_SHUFFLE, _GZIP = 2, 1  # filters
_GZIP_AT_MOST = 1040  # times: deflate cannot make more of a byte (zlib's documentation: 1032)


class Group(NamedTuple):
    """Members by name, with the addresses of their headers, in the order of writing."""

    attributes: dict[str, Any]
    members: dict[str, int]


class Dataset(NamedTuple):
    """The description of an array; `shape` is None if it has no value. `read` gives the values."""

    attributes: dict[str, Any]
    dtype: np.dtype[Any]
    shape: tuple[int, ...] | None
    layout: bytes
    filters: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """The size of the values in memory."""
        return 0 if self.shape is None else math.prod(self.shape) * self.dtype.itemsize


def root_of(blocks: Blocks) -> int:
    """The address of the root group, from the first bytes of the file."""
    head = blocks.peek(0, 48)
    if head[8:9] in (b"\0", b"\1"):
        raise not_ours()
    start = blocks.block(0, b"\x89HDF", 48)
    start.take(4)
    version, of_address, of_size, _ = start.take(4)
    base, extension, end, root = (start.number(8) for _ in range(4))
    if (version, of_address, of_size, base, extension) != (3, 8, 8, 0, UNDEFINED):
        raise not_ours()
    if end > blocks.size:
        raise FileFormatError(
            f"it is a truncated HDF5 file: it has {blocks.size:,} of its {end:,} bytes"
        )
    return root


def not_ours() -> FileFormatError:
    """The error for a sound HDF5 file of another program."""
    return FileFormatError(
        "it is an HDF5 file that dlframe did not write; read its arrays with h5py.File, and give "
        "them to load_state_dict"
    )


def open_object(blocks: Blocks, address: int) -> Group | Dataset:
    """The group or data set whose header is at an address."""
    found: dict[int, bytes] = {}
    links: list[bytes] = []
    attributes: dict[str, Any] = {}
    for kind, body in _messages(blocks, address):
        if kind == _ATTRIBUTE:
            name, value = _attribute(body)
            attributes[name] = value
        elif kind == _LINK:
            links.append(body)
        elif kind in found:
            raise damaged("a header says one thing twice")
        else:
            found[kind] = body
    attribute_info = found.get(_ATTRIBUTES, b"")
    if attribute_info and attribute_info[-8:] != bytes([255] * 8):
        raise foreign("more attributes than fit into a header")
    if _LINKS in found:
        return Group(attributes, _members(blocks, found[_LINKS], links))
    if links or not found.keys() >= {_SPACE, _TYPE, _LAYOUT}:
        raise foreign("an object that is neither a group nor a data set")
    return Dataset(
        attributes,
        _dtype(found[_TYPE]),
        _shape(found[_SPACE]),
        found[_LAYOUT],
        _filters(found[_FILTERS]) if _FILTERS in found else (),
    )


def _messages(blocks: Blocks, address: int) -> list[Message]:
    """The messages of a header, which may go on in other blocks."""
    head = blocks.peek(address, 40)
    if head[:1] == b"\1":
        raise foreign("a header of an old form")
    if head[:5] != b"OHDR\2":
        raise damaged("a header is not where it should be")
    flags = Cursor(head, 5).number(1)
    start = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    first = start + (1 << (flags & 3))
    count = int.from_bytes(head[start:first], "little")
    chunk = blocks.block(address, b"OHDR", first + count + 4)
    chunk.at = first
    chunks = [chunk]
    numbered = 2 if flags & 4 else 0
    found: list[Message] = []
    for chunk in chunks:
        while chunk.left >= 4 + numbered:
            kind, size, shared = chunk.number(1), chunk.number(2), chunk.number(1) & 2
            chunk.take(numbered)
            body = chunk.take(size)
            if kind == _NEXT:
                place, length = struct.unpack("<QQ", Cursor(body).take(16))
                chunks.append(blocks.block(place, b"OCHK", length))
            elif kind in _KNOWN and not shared:
                found.append((kind, body))
            elif kind != 0:  # an empty space
                raise foreign("a shared part" if shared else _OTHERS.get(kind, f"message {kind}"))
    return found


# --- groups ------------------------------------------------------------------------------------


def _members(blocks: Blocks, info: bytes, links: list[bytes]) -> dict[str, int]:
    at = Cursor(info)
    version, flags = at.number(1), at.number(1)
    if version != 0 or flags != 3:
        raise foreign("a group without the order of its members")
    at.take(8)  # the number of the next member
    heap, _, by_order = at.number(8), at.number(8), at.number(8)
    if heap != UNDEFINED:
        if links:
            raise damaged("a group has its members in two places")
        stored = Heap(blocks, heap)
        links = [stored[record[8:]] for record in records(blocks, by_order, 6, 15)]
        members = [_link(link) for link in links]
    else:
        members = sorted(_link(link) for link in links)
    found = {name: address for _, name, address in members}
    if len(found) != len(members):
        raise damaged("a group has two members of one name")
    return found


def _link(body: bytes) -> tuple[int, str, int]:
    """The number, name and address of a member."""
    at = Cursor(body)
    version, flags = at.number(1), at.number(1)
    kind = at.number(1) if flags & 8 else 0
    order = at.number(8) if flags & 4 else 0
    at.take(1 if flags & 16 else 0)
    name = at.take(at.number(1 << (flags & 3)))
    if kind != 0:
        raise FileFormatError(
            f"it has a link to elsewhere, {name[:80]!r}; dlframe never writes one"
        )
    if version != 1:
        raise damaged("a link of another version")
    return order, name.decode("utf-8"), at.number(8)


# --- attributes, dtypes, shapes ----------------------------------------------------------------


def _attribute(body: bytes) -> tuple[str, Any]:
    """The name of an attribute, and its value: bytes for a text, an array of 0 or 1 dimensions."""
    at = Cursor(body)
    version, shared, *sizes = struct.unpack("<BBHHH", at.take(8))
    at.take(1)  # the character set
    if version != 3 or shared:
        raise foreign("an attribute of another form")
    name, kind, space = map(at.take, sizes)
    dtype, shape = _dtype(kind), _shape(space)
    if shape is None or len(shape) > 1 or at.left != math.prod(shape) * dtype.itemsize:
        raise damaged("an attribute has another size than its shape")
    value = at.take(at.left)
    label = name.rstrip(b"\0").decode("utf-8")
    if dtype.kind == "S" and shape == ():
        return label, value
    return label, np.frombuffer(value, dtype).reshape(shape)


def _shape(space: bytes) -> tuple[int, ...] | None:
    at = Cursor(space)
    version, rank, flags, kind = at.take(4)
    if version != 2 or kind > 2 or rank > 32:
        raise foreign("a shape of another form")
    shape = tuple(at.number(8) for _ in range(rank))
    if flags & 1 and shape != tuple(at.number(8) for _ in range(rank)):
        raise foreign("an array that can grow")
    if kind == 0 and rank:
        raise damaged("a number with a shape")
    return None if kind == 2 else shape


def _number_message(dtype: np.dtype[Any]) -> bytes:
    """The message with which HDF5 describes a dtype of numbers."""
    size, big = dtype.itemsize, dtype.str[0] == ">"
    if dtype.kind == "b":
        return bytes.fromhex("38020000 01000000 1008000001000000 00000800") + b"FALSE\0TRUE\0\0\1"
    if dtype.kind in "iu":
        sign = 8 if dtype.kind == "i" else 0
        return struct.pack("<BBHIHH", 0x10, sign | big, 0, size, 0, 8 * size)
    if dtype.kind == "f":
        exponent, fraction = {2: (5, 10), 4: (8, 23), 8: (11, 52)}[size]
        places = (fraction, exponent, 0, fraction, (1 << (exponent - 1)) - 1)
        return struct.pack(
            "<BBBBIHHBBBBI", 0x11, 0x20 | big, 8 * size - 1, 0, size, 0, 8 * size, *places
        )
    part = _number_message(np.dtype(f"{dtype.str[0]}f{size // 2}"))
    members = b"r\0" + bytes([0]) + part + b"i\0" + bytes([size // 2]) + part
    return struct.pack("<BBHI", 0x36, 2, 0, size) + members


# dtypes by their messages: everything else (texts of variable length, references, objects of
# other files, records) is not in the table, and refused
_NUMBERS = {
    _number_message(dtype): dtype
    for code in ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
    for dtype in (np.dtype(f"<{code}"), np.dtype(f">{code}"))
}


# texts of fixed length, padded with zeros, in ASCII and in UTF-8; behind this stands the length
_TEXTS = (b"\x13\x01\0\0", b"\x13\x11\0\0")


def _dtype(message: bytes) -> np.dtype[Any]:
    if message in _NUMBERS:
        return _NUMBERS[message]
    if len(message) == 8 and message[:4] in _TEXTS:
        return np.dtype(f"S{int.from_bytes(message[4:], 'little')}")
    raise foreign("values of another type")


def _filters(message: bytes) -> tuple[int, ...]:
    at = Cursor(message)
    version, count = at.take(2)
    found = []
    for _ in range(count):
        number, _, values = struct.unpack("<HHH", at.take(6))
        at.take(4 * values)
        found.append(number)
    if version != 2 or found not in ([_SHUFFLE, _GZIP], [_GZIP]):
        raise foreign("values packed by another method than gzip")
    return tuple(found)


# --- values ------------------------------------------------------------------------------------


def read(blocks: Blocks, dataset: Dataset) -> Array:
    """The values, in new memory."""
    at = Cursor(dataset.layout)
    version, kind = at.take(2)
    if (version, kind) in ((3, 1), (4, 1)):
        return _read_contiguous(blocks, dataset, at.number(8), at.number(8))
    if (version, kind) == (4, 2):
        return _read_chunks(blocks, dataset, at)
    raise foreign("an array that is stored in another form")


def _read_contiguous(blocks: Blocks, dataset: Dataset, address: int, size: int) -> Array:
    shape = dataset.shape or ()
    if dataset.filters or (size, address == UNDEFINED) != (dataset.nbytes, not dataset.nbytes):
        raise damaged("an array has another size than its shape")
    if dataset.nbytes:
        blocks.claim(address, size)
    array = np.empty(shape, dataset.dtype)
    if dataset.nbytes:
        blocks.read_into(address, array)
    return _checked(array)


class _Chunk(NamedTuple):
    address: int
    size: int
    skipped: int  # bits of the filters that were not used, as where gzip saves nothing


def _read_chunks(blocks: Blocks, dataset: Dataset, at: Cursor) -> Array:
    flags, rank, width = at.take(3)
    *sides, itemsize = (at.number(width) for _ in range(rank))
    shape = dataset.shape or ()
    nbytes = math.prod(sides) * dataset.dtype.itemsize
    is_fit = len(sides) == len(shape) and itemsize == dataset.dtype.itemsize
    if not is_fit or not all(0 < side <= length for side, length in zip(sides, shape, strict=True)):
        raise damaged("the chunks of an array do not fit it")
    counts = [-(-length // side) for side, length in zip(sides, shape, strict=True)]
    index = at.number(1)
    if index == 1 and flags & 2 and math.prod(counts) == 1:
        size, skipped = at.number(8), at.number(4)
        chunks = [_Chunk(at.number(8), size, skipped)]
    elif index == 3:
        at.take(1)
        chunks = _fixed_array(blocks, at.number(8), math.prod(counts))
    else:
        raise foreign("an array in chunks with another index")
    for chunk in chunks:
        blocks.claim(chunk.address, chunk.size)
        if nbytes > _GZIP_AT_MOST * chunk.size:
            raise damaged("an array would be larger than its packed bytes can make it")
    array = np.empty(shape, dataset.dtype)
    for chunk, place in zip(chunks, product(*map(range, counts)), strict=True):
        part = _unpacked(blocks, dataset, chunk, nbytes).reshape(sides)
        where = tuple(slice(i * n, i * n + n) for i, n in zip(place, sides, strict=True))
        target = array[where]
        target[...] = part[tuple(slice(0, n) for n in target.shape)]
    return _checked(array)


def _fixed_array(blocks: Blocks, address: int, count: int) -> list[_Chunk]:
    """The chunks in HDF5's index for arrays that cannot grow."""
    head = blocks.block(address, b"FAHD", 28)
    version, client, size, page_bits, its_count, place = struct.unpack("<BBBBQQ", head.take(20))
    if (version, client, its_count) != (0, 1, count) or not 12 < size <= 20:
        raise damaged("the index of an array of chunks is of another form")
    page = 1 << page_bits
    pages = -(-count // page) if count > page else 0
    length = 14 + -(-pages // 8) if pages else 14 + count * size
    data = blocks.block(place, b"FADB", length + 4)
    data.take(10)
    entries = b"" if pages else data.take(count * size)
    place += length + 4
    parts = []
    for start in range(0, count if pages else 0, page):
        used = min(page, count - start) * size
        part = blocks.read(place, used + 4)
        blocks.note(part[:-4], int.from_bytes(part[-4:], "little"))
        parts.append(part[:-4])
        place += used + 4
    at = Cursor(entries or b"".join(parts))
    return [_Chunk(at.number(8), at.number(size - 12), at.number(4)) for _ in range(count)]


def _unpacked(blocks: Blocks, dataset: Dataset, chunk: _Chunk, nbytes: int) -> Array:
    packed = blocks.peek(chunk.address, chunk.size)
    for i, name in reversed(list(enumerate(dataset.filters))):
        if chunk.skipped >> i & 1:
            continue
        if name == _GZIP:
            packed = zlib.decompressobj().decompress(packed, nbytes + 1)
        elif len(packed) == nbytes:
            # the first bytes of all items come first, then the second ones, and so on; stack is
            # three times as fast as a transposed copy
            planes = np.frombuffer(packed, np.uint8).reshape(dataset.dtype.itemsize, -1)
            packed = np.stack(list(planes), axis=-1).tobytes()
    if len(packed) != nbytes:
        raise damaged("packed bytes make an array of another size")
    return np.frombuffer(packed, dataset.dtype)


def _checked(array: Array) -> Array:
    if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise damaged("a truth value that is neither 0 nor 1")
    return array
