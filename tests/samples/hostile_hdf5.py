"""HDF5 files that `save` never writes, made on purpose: bombs, loops, links, odd types.

`SAMPLES` maps names to functions that write one such file to a path. `mended` gives a file its
right checksums again after its bytes were changed.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5g, h5o, h5p, h5s, h5t

from dlframe.utils.hdf5_blocks import Blocks, _lookup3
from dlframe.utils.hdf5_objects import Dataset, open_object, read, root_of

V110 = ("v110", "v110")


@contextlib.contextmanager
def ours(path: Path, kind: str = "dict", **options: Any) -> Iterator[Any]:
    """A new file in the form of dlframe's."""
    given = {"libver": V110, "track_order": True} | options
    with h5py.File(path, "w", **given) as file:
        file.attrs["dlframe_format"] = 1
        file.attrs["dlframe_version"] = np.bytes_("0.1.0")
        file.attrs["kind"] = np.bytes_(kind)
        yield file


def named(member: Any, kind: str, data: Any = None, **attributes: Any) -> Any:
    """Give a member the attributes that `save` gives."""
    member.attrs["kind"] = np.bytes_(kind)
    if data is not None:
        member.attrs["crc32"] = np.uint32(zlib.crc32(np.asarray(data).reshape(-1).view(np.uint8)))
    for name, value in attributes.items():
        member.attrs[name] = value
    return member


def leaf(group: Any, name: str, data: Any, kind: str = "array", /, **attributes: Any) -> Any:
    return named(group.create_dataset(name, data=data), kind, data, **attributes)


def sub(group: Any, name: str, kind: str = "dict") -> Any:
    return named(group.create_group(name, track_order=True), kind)


SAMPLES: dict[str, Callable[[Path], None]] = {}


def sample(function: Callable[[Path], None]) -> Callable[[Path], None]:
    SAMPLES[function.__name__] = function
    return function


# --- names that lead nowhere, or elsewhere -----------------------------------------------------


@sample
def hard_links_twice(path: Path) -> None:
    with ours(path) as file:
        group = file
        for _ in range(60):
            inner = sub(group, "a")
            group["b"] = inner
            group = inner


@sample
def lists_twice(path: Path) -> None:
    with ours(path) as file:
        group = file
        for i in range(24):
            inner = sub(group, "[0]" if i else "a", "list")
            group["[1]" if i else "b"] = inner
            group = inner


@sample
def a_group_in_itself(path: Path) -> None:
    with ours(path) as file:
        group = sub(file, "a")
        group["b"] = group


@sample
def an_array_under_many_names(path: Path) -> None:
    with ours(path) as file:
        first = leaf(file, "0", np.zeros(100_000))
        for i in range(1, 500):
            file[str(i)] = first


@sample
def arrays_that_share_their_bytes(path: Path) -> None:
    with ours(path) as file:
        for i in range(40):
            leaf(file, f"{i:03}", np.zeros(10_000))
    content = path.read_bytes()
    with path.open("rb") as handle:
        blocks = Blocks(handle, len(content))
        members = open_object(blocks, root_of(blocks)).members.values()
        layouts = [open_object(blocks, address).layout for address in members]
    for layout in layouts[1:]:
        content = content.replace(layout, layouts[0])
    path.write_bytes(mended(content, path.with_suffix(".tmp")))


@sample
def external_link_to_a_fifo(path: Path) -> None:
    os.mkfifo(path.with_suffix(".fifo"))
    with ours(path) as file:
        file["a"] = h5py.ExternalLink(str(path.with_suffix(".fifo")), "/a")


@sample
def soft_link(path: Path) -> None:
    with ours(path) as file:
        file["a"] = h5py.SoftLink("/")


@sample
def values_in_another_file(path: Path) -> None:
    with ours(path) as file:
        parts = [("/etc/hostname", 0, 8)]
        named(file.create_dataset("a", (8,), "u1", external=parts), "array", np.zeros(8, "u1"))


@sample
def virtual_array(path: Path) -> None:
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "a", (3,))
    with ours(path) as file:
        named(file.create_virtual_dataset("a", layout), "array", np.zeros(3))


@sample
def many_names(path: Path) -> None:
    with ours(path, "list") as file:
        for name in ("[0]", "[00]", "[ 0]", "[+0]"):
            leaf(file, name, np.int64(1), "int")


@sample
def two_names_of_one_key(path: Path) -> None:
    with ours(path) as file:
        leaf(file, "a", np.int64(1), "int")
        leaf(file, "%61", np.int64(2), "int")


@sample
def a_huge_key(path: Path) -> None:
    with ours(path) as file:
        leaf(file, f"[{'9' * 9000}]", np.int64(1), "int")


# --- types -------------------------------------------------------------------------------------


@sample
def text_of_variable_length(path: Path) -> None:
    with ours(path) as file:
        named(file.create_dataset("a", data="text", dtype=h5py.string_dtype()), "str")


@sample
def kind_of_variable_length(path: Path) -> None:
    with ours(path) as file:
        leaf(file, "a", np.int64(1), "int").attrs["kind"] = "int"


@sample
def lists_of_variable_length(path: Path) -> None:
    with ours(path) as file:
        named(file.create_dataset("a", (3,), h5py.vlen_dtype("i4")), "array")


@sample
def record_with_a_text(path: Path) -> None:
    with ours(path) as file:
        dtype = np.dtype([("n", "i4"), ("t", h5py.string_dtype())])
        named(file.create_dataset("a", (3,), dtype), "array")


@sample
def array_type(path: Path) -> None:
    with ours(path) as file:
        named(file.create_dataset("a", (3,), np.dtype("(1000,)f8")), "array")


@sample
def references(path: Path) -> None:
    with ours(path) as file:
        file.create_dataset("a", data=file.ref, dtype=h5py.ref_dtype)
        named(file["a"], "array")


@sample
def region_references(path: Path) -> None:
    with ours(path) as file:
        leaf(file, "w", np.zeros(3))
        named(file.create_dataset("a", data=file["w"].regionref[:2]), "array")


@sample
def committed_type(path: Path) -> None:
    with ours(path) as file:
        file["t"] = np.dtype("f8")
        named(file.create_dataset("a", (3,), file["t"]), "array", np.zeros(3))


@sample
def an_enumeration(path: Path) -> None:
    with ours(path) as file:
        dtype = h5py.enum_dtype({"FALSE": 0, "TRUE": 7}, basetype="i1")
        named(file.create_dataset("a", data=np.int8(7), dtype=dtype), "bool", np.int8(7))


@sample
def opaque(path: Path) -> None:
    with ours(path) as file:
        named(file.create_dataset("a", data=np.void(b"12345678")), "bytes")


@sample
def a_truth_of_two(path: Path) -> None:
    with ours(path) as file:
        leaf(file, "a", np.array([2, 0], np.uint8).view(bool))


@sample
def odd_integers(path: Path) -> None:
    with ours(path) as file:
        kind = h5t.STD_I32LE.copy()
        kind.set_precision(17)
        h5d.create(file.id, b"a", kind, h5s.create_simple((3,)))
        named(file["a"], "array")


@sample
def object_dtype(path: Path) -> None:
    with ours(path) as file:
        raw = np.full(16, 0x41, np.uint8)
        leaf(file, "a", raw, dtype=np.bytes_("|O"), shape=np.array([2]))


# --- sizes -------------------------------------------------------------------------------------


@sample
def chunks_that_are_not_there(path: Path) -> None:
    with ours(path) as file:
        named(file.create_dataset("a", (1 << 33,), "u1", chunks=(1 << 20,)), "array")


@sample
def packed_chunks_that_are_not_there(path: Path) -> None:
    with ours(path) as file:
        options = {"chunks": (1 << 20,), "compression": 9, "shuffle": True}
        named(file.create_dataset("a", (1 << 31,), "u1", **options), "array")


@sample
def contiguous_but_not_there(path: Path) -> None:
    with ours(path) as file:
        named(file.create_dataset("a", (1 << 40,), "f8", fillvalue=1.0), "array")


@sample
def one_byte_for_all(path: Path) -> None:
    with ours(path) as file:
        raw = np.array([65], np.uint8)
        leaf(file, "a", raw, dtype=np.bytes_("|S1024"), shape=np.array([1 << 21]))


@sample
def a_negative_shape(path: Path) -> None:
    with ours(path) as file:
        raw = np.zeros(8, np.uint8)
        leaf(file, "a", raw, dtype=np.bytes_("|S1"), shape=np.array([-2, -4]))


@sample
def nothing_many_times(path: Path) -> None:
    with ours(path) as file:
        leaf(file, "a", np.zeros((1 << 40, 0), np.int64), "list", items=np.bytes_("int"))


@sample
def an_endless_dtype(path: Path) -> None:
    with ours(path) as file:
        raw = np.zeros(8, np.uint8)
        leaf(file, "a", raw, dtype=np.bytes_("(2147483647,)f8"), shape=np.array([1]))


@sample
def packed_without_end(path: Path) -> None:
    """A chunk whose bytes unpack to more than it may hold."""
    with ours(path) as file:
        options = {"chunks": (4096,), "compression": 9}
        data = named(file.create_dataset("a", (4096,), "u1", **options), "array")
        data.id.write_direct_chunk((0,), zlib.compress(bytes(64 << 20), 9))


@sample
def resizable(path: Path) -> None:
    with ours(path) as file:
        options = {"chunks": (4,), "maxshape": (None,), "compression": 1}
        named(file.create_dataset("a", data=np.zeros(8), **options), "array", np.zeros(8))


@sample
def other_filters(path: Path) -> None:
    with ours(path) as file:
        named(file.create_dataset("a", data=np.zeros(8), compression="lzf"), "array", np.zeros(8))


@sample
def checksummed_chunks(path: Path) -> None:
    with ours(path) as file:
        named(file.create_dataset("a", data=np.zeros(8), fletcher32=True), "array", np.zeros(8))


@sample
def compact(path: Path) -> None:
    with ours(path) as file:
        creation = h5p.create(h5p.DATASET_CREATE)
        creation.set_layout(h5d.COMPACT)
        h5d.create(file.id, b"a", h5t.NATIVE_DOUBLE, h5s.create_simple((3,)), creation)
        named(file["a"], "array", np.zeros(3))


# --- other forms of the format -----------------------------------------------------------------


@sample
def oldest(path: Path) -> None:
    with ours(path, libver="earliest", track_order=False) as file:
        leaf(file, "a", np.zeros(3))


@sample
def latest(path: Path) -> None:
    with ours(path, libver="latest") as file:
        leaf(file, "a", np.zeros(3))
        file["b"] = np.dtype("c8")


@sample
def user_block(path: Path) -> None:
    with ours(path, userblock_size=512) as file:
        leaf(file, "a", np.zeros(3))
    content = bytearray(path.read_bytes())
    content[:8] = content[512:520]
    path.write_bytes(content)


@sample
def paged(path: Path) -> None:
    with ours(path, fs_strategy="page", fs_persist=True) as file:
        leaf(file, "a", np.zeros(3))


@sample
def groups_of_an_old_form(path: Path) -> None:
    with ours(path) as file:
        creation = h5p.create(h5p.GROUP_CREATE)
        h5g.create(file.id, b"a", gcpl=creation)
        file["a"].attrs["kind"] = np.bytes_("dict")


@sample
def a_thousand_attributes(path: Path) -> None:
    with ours(path) as file:
        leaf(file, "a", np.int64(1), "int", **{f"x{i}": i for i in range(1000)})


@sample
def a_huge_attribute(path: Path) -> None:
    with ours(path) as file:
        leaf(file, "a", np.int64(1), "int", x=np.zeros(1 << 20))


@sample
def a_comment(path: Path) -> None:
    with ours(path) as file:
        leaf(file, "a", np.int64(1), "int")
        h5o.set_comment(file["a"].id, b"hello")


@sample
def deeper_than_save_goes(path: Path) -> None:
    with ours(path) as file:
        group = file
        for _ in range(250):
            group = sub(group, "a")


@sample
def fifo(path: Path) -> None:
    os.mkfifo(path)


# --- checksums ---------------------------------------------------------------------------------


class _Places(Blocks):
    """Notes where the blocks of a file lie."""

    def __init__(self, file: Any, size: int) -> None:
        super().__init__(file, size)
        self.places: list[tuple[int, int]] = []
        self._at = 0

    def read(self, address: int, count: int) -> bytes:
        self._at = address
        return super().read(address, count)

    def note(self, data: bytes, checksum: int) -> None:
        self.places.append((self._at, len(data)))

    def verify(self) -> None:
        """The checksums are not there yet."""


def mended(content: bytes, scratch: Path) -> bytes:
    """The file with right checksums, as far as its blocks are found."""
    scratch.write_bytes(content)
    with scratch.open("rb") as handle:
        blocks = _Places(handle, len(content))
        with contextlib.suppress(Exception):
            _visit(blocks, root_of(blocks))
    result = bytearray(content)
    for address, count in blocks.places:
        part = bytes(result[address : address + count])
        if part[:4] == b"FHDB":
            part = part[:17] + bytes(4) + part[21:]
        at = address + 17 if part[:4] == b"FHDB" else address + count
        result[at : at + 4] = int(_lookup3([part], count)[0]).to_bytes(4, "little")
    return bytes(result)


def _visit(blocks: Blocks, address: int) -> None:
    member = open_object(blocks, address)
    if isinstance(member, Dataset):
        if member.shape is not None:
            with contextlib.suppress(Exception):
                read(blocks, member)
        return
    for inner in member.members.values():
        with contextlib.suppress(Exception):
            _visit(blocks, inner)
