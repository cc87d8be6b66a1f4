"""Checkpoints, safetensors and `.npz` files that were made to do harm."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2)


def archive(data: bytes, *more: tuple[str, bytes], compress: bool = False) -> bytes:
    """A checkpoint of the present form with this pickle."""
    file = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", kind) as written:
        for name, content in (("x/data.pkl", data), ("x/version", b"3\n"), *more):
            written.writestr(zipfile.ZipInfo(name), content, kind)
    return file.getvalue()


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def storage(
    kind: str = "torch\nFloatStorage", key: str = "0", count: int = 2, more: bytes = b""
) -> bytes:
    """The instructions that make a storage."""
    number = b"\x8a\x08" + count.to_bytes(8, "little", signed=True)
    return (
        b"(" + text("storage") + b"c" + kind.encode() + b"\n" + text(key) + text("cpu")
        + number + more + b"tQ"
    )  # fmt: skip


def tensor(size: str = "(2,)", stride: str = "(1,)", offset: int = 0, **of: Any) -> bytes:
    """The instructions that make a tensor; numbers are as Python writes them."""
    numbers = [pickle.dumps(eval(part), 2)[2:-1] for part in (str(offset), size, stride)]
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage(**of) + b"".join(numbers)
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def both(body: bytes, data: bytes = bytes(8)) -> list[bytes]:
    """The same pickle in the two forms."""
    keys = pickle.dumps(["0"], 2)
    old = MAGIC + b"\x80\x02" + body + b"." + keys + (len(data) // 4).to_bytes(8, "little") + data
    return [archive(b"\x80\x02" + body + b".", ("x/data/0", data)), old]


# each is refused, and nothing of it is executed
PICKLES: dict[str, bytes] = {
    "os.system": b"cos\nsystem\n" + text("touch executed") + b"\x85R",
    "posix.system": b"cposix\nsystem\n" + text("touch executed") + b"\x85R",
    "eval": b"c__builtin__\neval\n" + text("1+1") + b"\x85R",
    "eval of Python 3": b"cbuiltins\neval\n" + text("1+1") + b"\x85R",
    "exec": b"cbuiltins\nexec\n" + text("1") + b"\x85R",
    "getattr": b"cbuiltins\ngetattr\n(ctorch\nSize\n" + text("__class__") + b"tR",
    "attributes of a name": b"ctorch\nSize.__new__.__self__\n)R",
    "attributes of attributes": b"\x8c\x05torch\x8c\x1dTensor.__init__.__globals__xx\x93)R",
    "open": b"cio\nopen\n" + text("/etc/passwd") + b"\x85R",
    "load in load": b"ctorch\nload\n" + text("x.pt") + b"\x85R",
    "loads": b"cpickle\nloads\n" + text("x") + b"\x85R",
    "an object": b"ccollections\nOrderedDict\n)\x81",
    "an object with arguments": b"ccollections\nOrderedDict\n)}\x92",
    "an instance": b"(icollections\nOrderedDict\n",
    "an extension": b"\x82\x01",
    "a class called": b"ctorch\nFloatStorage\n(K\x05tR",
    "a type called": b"ctorch\nTensor\n(K\x05tR",
    "a class alone": b"ctorch._utils\n_rebuild_tensor_v2\n",
    "a reference by text": b"Pstorage\n",
    "a module's source": b"(" + text("module") + b"cos\nsystem\n" + text("a") + text("b") + b"tQ",
    "a reference to a number": b"K\x01Q",
    "hooks": b"ctorch._utils\n_rebuild_parameter\n(K\x01\x88}" + text("a") + b"K\x01stR",
    "a state for a size": b"ctorch\nSize\n)\x85R}b",
    "a state for a dict": b"ccollections\nOrderedDict\n)R}" + text("__class__") + b"Nsb",
    "a method as attribute": b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n"
    b"_rebuild_tensor_v2\nctorch\nTensor\n(" + tensor()[len(b"ctorch._utils\n_rebuild_tensor_v2\n(") : -1]
    + b"}" + text("backward") + b"K\x01stR",
    "another function": b"ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nctorch\nTensor\n)}tR",
    "encode": b"c_codecs\nencode\n(" + text("x") + text("zip") + b"tR",
    "a set of lists": b"c__builtin__\nset\n](]]e\x85R",
    "a list as a key": b"}]Ns",
    "a tensor as a key": b"}" + tensor() + b"Ns",
    "deep": b"]" * 100_000 + b"a" * 99_999,
    "deep tuples": b")" + b"\x85" * 100_000,
    "itself": b"]q\x00h\x00a",
    "a million dimensions": tensor(size="(1,)*1000", stride="(1,)*1000"),
    "dimensions without strides": tensor(stride="()"),
    "out of the storage": tensor(size="(3,)"),
    "out by strides": tensor(size="(2,)", stride="(2,)"),
    "out by the offset": tensor(offset=1),
    "a huge size": tensor(size="(2**61, 2**61)", stride="(0, 1)"),
    "a huge empty one": tensor(size="(0, 2**61)", stride="(1, 1)"),
    "a negative offset": tensor(offset=-1),
    "a negative size": tensor(size="(-2,)"),
    "a negative stride": tensor(stride="(-1,)", offset=1),
    "a size of floats": tensor(size="(2.0,)"),
    "a size of truths": tensor(size="(True,)"),
    "a size that is a text": tensor(size="'ab'"),
    "a large storage": tensor(count=1 << 40),
    "a very large storage": tensor(count=(1 << 63) - 1),
    "a negative storage": tensor(count=-1),
    "a storage of another kind": tensor() + tensor(kind="torch\nLongStorage") + b"\x86",
    "a storage that is not there": tensor(key="7"),
    "a storage out of the archive": tensor(key="../../../../etc/passwd"),
    "a view of a storage": tensor(more=b"(" + text("a") + b"K\x00K\x01t"),
    "complex numbers": tensor(kind="torch\nComplexFloatStorage"),
    "a bare storage": storage(),
    "numbers with one hash": b"}(" + b"".join(
        pickle.dumps(i * ((1 << 61) - 1), 2)[2:-1] + b"N" for i in range(1, 500)) + b"u",
    "a set with one hash": b"c__builtin__\nset\n](" + b"".join(
        pickle.dumps(i * ((1 << 61) - 1), 2)[2:-1] for i in range(1, 500)) + b"e\x85R",
    "no end": b"]" + b"(" * 1000,
    "too little": b"R",
    "a long text": b"X\xff\xff\xff\x7fabc",
    "long bytes": b"\x8e" + (1 << 40).to_bytes(8, "little") + b"x",
    "a long buffer": b"\x96" + (1 << 40).to_bytes(8, "little") + b"x",
    "a memo of billions": b"I1\nr\xff\xff\xff\x7f0",
}  # fmt: skip


def _lying(change: Callable[[bytearray, int], None]) -> bytes:
    """An archive whose directory says something else of its second entry, x/data/0."""
    whole = bytearray(archive(b"\x80\x02" + tensor() + b".", ("x/data/0", bytes(8))))
    change(whole, whole.rindex(b"PK\x01\x02"))
    return bytes(whole)


def _put(offset: int, format: str, value: int) -> Callable[[bytearray, int], None]:
    return lambda whole, at: struct.pack_into(format, whole, at + offset, value)


def _two_names() -> bytes:
    whole = archive(b"\x80\x02N.", ("x/data.pkx", b"\x80\x02K\x01."))
    return whole.replace(b"data.pkx", b"data.pkl")


ARCHIVES: dict[str, bytes] = {
    "a bomb": archive(b"\x80\x02" + tensor(count=1 << 24) + b".", ("x/data/0", bytes(4 << 24)),
                      compress=True),
    "a path out of it": archive(b"\x80\x02N.", ("../../evil", b"x")),
    "an absolute path": archive(b"\x80\x02N.", ("/etc/evil", b"x")),
    "a path of Windows": archive(b"\x80\x02N.", ("C:\\evil", b"x")),
    "two of one name": _two_names(),
    "two pickles": archive(b"\x80\x02N.", ("y/data.pkl", b"\x80\x02N.")),
    "a program": archive(b"\x80\x02N.", ("x/constants.pkl", b"\x80\x02)."), ("x/code/a.py", b"")),
    "an odd order": archive(b"\x80\x02N.", ("x/byteorder", b"middle")),
    "a larger entry": _lying(_put(24, "<I", 1 << 30)),
    "a larger compressed entry": _lying(_put(20, "<I", 1 << 30)),
    "an entry elsewhere": _lying(_put(42, "<I", 3)),
    "an entry behind the end": _lying(_put(42, "<I", 1 << 30)),
    "the place of another": _lying(_put(42, "<I", 0)),
    "a wrong checksum": _lying(_put(16, "<I", 12345)),
    "encrypted": _lying(_put(8, "<H", 1)),
    "another compression": _lying(_put(10, "<H", 12)),
}  # fmt: skip


def safetensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(content) if length is None else length).to_bytes(8, "little") + content + data


def entry(begin: int, end: int, shape: Any = (2,), dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


SAFETENSORS: dict[str, bytes] = {
    "a long header": safetensors(b"{}", length=1 << 40),
    "a header of the limit": safetensors(b"{}", length=100_000_001),
    "a header past the end": safetensors(b"{}", length=3),
    "no JSON": safetensors(b"{x}"),
    "no UTF-8": safetensors(b'{"\xff":1}'),
    "deep JSON": safetensors(b'{"a":' + b"[" * 100_000),
    "a huge number": safetensors(b'{"a":' + b"1" * 10_000 + b"}"),
    "no number": safetensors(b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', bytes(8)),
    "a name twice": safetensors(
        b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
        b'"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', bytes(2)),
    "metadata of numbers": safetensors({"__metadata__": {"a": 1}}),
    "metadata that is a list": safetensors({"__metadata__": []}),
    "an entry that is a number": safetensors({"a": 1}),
    "a field more": safetensors({"a": entry(0, 8) | {"more": 1}}, bytes(8)),
    "no offsets": safetensors({"a": {"dtype": "F32", "shape": [2]}}, bytes(8)),
    "an unknown dtype": safetensors({"a": entry(0, 8, dtype="F128")}, bytes(8)),
    "a dtype that is a list": safetensors({"a": entry(0, 8, dtype=[])}, bytes(8)),
    "another size": safetensors({"a": entry(0, 12)}, bytes(12)),
    "a negative size": safetensors({"a": entry(0, 8, shape=(-1, -2))}, bytes(8)),
    "a size of truths": safetensors({"a": entry(0, 4, shape=(True,))}, bytes(4)),
    "a size of floats": safetensors({"a": entry(0, 8, shape=(2.0,))}, bytes(8)),
    "a huge size": safetensors({"a": entry(0, 8, shape=(1 << 61, 1 << 61))}, bytes(8)),
    "a huge empty size": safetensors({"a": entry(0, 0, shape=(0, 1 << 61, 1 << 61))}),
    "many dimensions": safetensors({"a": entry(0, 4, shape=(1,) * 100)}, bytes(4)),
    "turned offsets": safetensors({"a": entry(8, 0)}, bytes(8)),
    "offsets past the end": safetensors({"a": entry(0, 8)}, bytes(4)),
    "overlapping": safetensors({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
    "twice the same": safetensors({"a": entry(0, 8), "b": entry(0, 8)}, bytes(8)),
    "a gap": safetensors({"a": entry(0, 8), "b": entry(12, 20)}, bytes(20)),
    "a gap before": safetensors({"a": entry(4, 12)}, bytes(12)),
    "more behind": safetensors({"a": entry(0, 8)}, bytes(9)),
}  # fmt: skip


def npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    content = header.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(content)) + content + data


def npz(*entries: tuple[str, bytes], compress: bool = True) -> bytes:
    file = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", kind) as written:
        for name, content in entries:
            written.writestr(zipfile.ZipInfo(name), content, kind)
    return file.getvalue()


def _form(descr: str, shape: str) -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"


_OBJECTS = io.BytesIO()
np.savez(_OBJECTS, a=np.array([print], dtype=object))

NPZ: dict[str, bytes] = {
    "objects": _OBJECTS.getvalue(),
    "a huge shape": npz(("a.npy", npy(_form("'<f4'", "(1000000000000,)"), bytes(8)))),
    "a negative shape": npz(("a.npy", npy(_form("'<f4'", "(-2, -1)"), bytes(8)))),
    "a small shape": npz(("a.npy", npy(_form("'<f4'", "(1,)"), bytes(8)))),
    "records": npz(("a.npy", npy(_form("[('x', '<f4')]", "(2,)"), bytes(8)))),
    "an empty dtype": npz(("a.npy", npy(_form("'<U0'", "(1000000000000,)")))),
    "an expression": npz(("a.npy", npy("__import__('os').system('touch executed')"))),
    "a deep expression": npz(("a.npy", npy("(" * 9000))),
    "a long header": npz(("a.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f")),
    "another version": npz(("a.npy", npy(_form("'<f4'", "(2,)"), bytes(8), b"\x09\x00"))),
    "no array": npz(("a.npy", b"hello")),
    "a path": npz(("../a.npy", npy(_form("'<f4'", "(2,)"), bytes(8)))),
}
