"""Writes checkpoints that PyTorch reads, `torch.load(weights_only=True)` included.

`dlframe.utils.pytorch_reading` says what is in the file. The whole nest is encoded and checked
before a byte is written; arrays are not copied.
"""

from __future__ import annotations

import pickle
import struct
import sys
import zipfile
from collections import Counter, OrderedDict
from typing import Any, NamedTuple

import numpy as np

from dlframe.dtypes import DType
from dlframe.errors import DTypeError
from dlframe.nn.parameter import Parameter
from dlframe.tensor import Tensor
from dlframe.tensor.devices import device
from dlframe.tensor.size import Size
from dlframe.utils import pytorch_names as names
from dlframe.utils.encoding import MAX_DEPTH, advice, type_name
from dlframe.utils.foreign import MAGIC_NUMBER

_ALIGNMENT = 64  # of the storages in the file, as PyTorch has it, for mapping them into memory
_BLOCK = 1 << 20  # bytes


class Checkpoint(NamedTuple):
    """An encoded nest: the pickle, and the memory of each storage as one array of its elements."""

    pickle: bytes
    storages: list[np.ndarray[Any, Any]]

    def write(self, file: Any) -> None:
        """Write the form that PyTorch has had since version 1.6, a ZIP archive."""
        with zipfile.ZipFile(file, "w") as archive:
            _write_entry(archive, "data.pkl", np.frombuffer(self.pickle, np.uint8))
            _write_entry(archive, "byteorder", np.frombuffer(sys.byteorder.encode(), np.uint8))
            for i, storage in enumerate(self.storages):
                _write_entry(archive, f"data/{i}", storage)
            _write_entry(archive, "version", np.frombuffer(b"3\n", np.uint8))

    def write_legacy(self, file: Any) -> None:
        """Write the form before version 1.6."""
        sizes = {"short": 2, "int": 4, "long": 4}
        system = {
            "protocol_version": names.LEGACY_PROTOCOL,
            "little_endian": sys.byteorder == "little",
            "type_sizes": sizes,
        }
        for value in (MAGIC_NUMBER, names.LEGACY_PROTOCOL, system):
            file.write(pickle.dumps(value, protocol=2))
        file.write(self.pickle)
        file.write(pickle.dumps([str(i) for i in range(len(self.storages))], protocol=2))
        for storage in self.storages:
            file.write(storage.size.to_bytes(8, sys.byteorder))
            file.write(_bytes_of(storage))


def _write_entry(archive: zipfile.ZipFile, name: str, array: np.ndarray[Any, Any]) -> None:
    entry = zipfile.ZipInfo(f"archive/{name}")  # of the year 1980, so that equal files are equal
    entry.file_size = array.nbytes
    is_large = array.nbytes >= 1 << 31
    assert archive.fp is not None
    # 30 bytes of the entry's header, 20 more where sizes take 64 bits, and 4 of the extra field
    at = archive.fp.tell() + 30 + len(entry.filename) + 20 * is_large + 4
    padding = -at % _ALIGNMENT
    entry.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
    data = _bytes_of(array)
    with archive.open(entry, "w", force_zip64=is_large) as target:
        for start in range(0, len(data), _BLOCK):  # its checksum finds a block in the cache
            target.write(data[start : start + _BLOCK])


def _bytes_of(array: np.ndarray[Any, Any]) -> memoryview:
    return memoryview(array.view(np.uint8).data)


# --- the pickle --------------------------------------------------------------------------------


class _Call(NamedTuple):
    """A function that the reader calls, with its arguments and the state it sets afterwards."""

    name: names.Name
    arguments: tuple[Any, ...]
    state: Any = None


class _Named(NamedTuple):
    """A class or value that the reader looks up."""

    name: names.Name


class _Stored(NamedTuple):
    """A reference to a storage."""

    fields: tuple[Any, ...]


def encode(obj: Any, *, legacy: bool = False) -> Checkpoint:
    """Turn a nest into a checkpoint, or raise DTypeError for a value that it cannot hold."""
    encoder = _Encoder(legacy)
    encoder.parts += [pickle.PROTO, b"\x02"]
    encoder.gather(obj)
    encoder.add(obj, "obj", 0)
    encoder.parts.append(pickle.STOP)
    return Checkpoint(b"".join(encoder.parts), encoder.storages)


class _Encoder:
    """Writes values as instructions of protocol 2, which is what PyTorch's reader knows."""

    def __init__(self, legacy: bool) -> None:
        self.parts: list[bytes] = []
        self.storages: list[np.ndarray[Any, Any]] = []
        self._legacy = legacy
        self._places: dict[int, tuple[int, int, np.ndarray[Any, Any]]] = {}
        self._memo: dict[Any, tuple[int, Any]] = {}  # the values stay alive, and so do their ids

    # --- storages ------------------------------------------------------------------------------

    def gather(self, obj: Any) -> None:
        """Find all tensors, and give those that share memory one storage."""
        found: dict[int, np.ndarray[Any, Any]] = {}
        stack, seen = [obj], set()
        while stack:
            value = stack.pop()
            if isinstance(value, Tensor):
                found[id(value.array)] = value.array
            elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
                seen.add(id(value))
                stack.extend(value.values() if isinstance(value, dict) else value)
        groups: dict[Any, list[np.ndarray[Any, Any]]] = {}
        for array in found.values():
            if _is_regular(array):
                groups.setdefault((array.dtype, _span(array)[0] % array.itemsize), []).append(array)
            else:
                self._store([array])
        for arrays in groups.values():
            for overlapping in _overlapping(arrays):
                self._store(overlapping)

    def _store(self, arrays: list[np.ndarray[Any, Any]]) -> None:
        """Make one storage of arrays that overlap, the first of which begins first."""
        first = arrays[0]
        low, high = _span(first)
        if len(arrays) == 1 and (not _is_regular(first) or high - low > first.nbytes):
            copy = np.ascontiguousarray(first)  # it has gaps, which may hold anything
            self._places[id(first)] = (len(self.storages), 0, copy)
            self.storages.append(copy.reshape(-1))
            return
        high = max(_span(array)[1] for array in arrays)
        width = first.itemsize
        memory = np.lib.stride_tricks.as_strided(first, ((high - low) // width,), (width,))
        for array in arrays:
            offset = (_span(array)[0] - low) // width
            self._places[id(array)] = (len(self.storages), offset, array)
        self.storages.append(memory)

    # --- values --------------------------------------------------------------------------------

    def add(self, value: Any, where: str, depth: int) -> None:
        """Write one value."""
        kind = type(value)
        if kind in _SIMPLE:
            self.parts.append(_SIMPLE[kind](value))
            return
        key = value if kind is str else id(value)
        if kind is _Named or (kind is _Call and not value.arguments):
            key = value
        if key in self._memo:
            self._get(self._memo[key][0])
            return
        if depth > MAX_DEPTH:
            raise DTypeError(
                f"save: {where[:60]}… is nested deeper than {MAX_DEPTH} levels, or contains itself"
            )
        if kind is str:
            encoded = value.encode("utf-8", "surrogatepass")
            self.parts += [pickle.BINUNICODE, struct.pack("<I", len(encoded)), encoded]
        elif kind in (list, tuple):
            self._add_sequence(value, where, depth)
        elif kind in (dict, OrderedDict):
            self._add_dict(value, key, where, depth)
            return
        elif kind in (_Named, _Call, _Stored):
            self._add_call(value, where, depth)
            if kind is not _Named:
                return  # of no use a second time
        else:
            self._add_call(self._as_call(value, where), where, depth)
        self._put(key, value)

    def _add_sequence(self, value: Any, where: str, depth: int) -> None:
        if type(value) is list:
            self.parts += [pickle.EMPTY_LIST, pickle.MARK]
        elif not value:
            self.parts.append(pickle.EMPTY_TUPLE)
            return
        else:
            self.parts.append(pickle.MARK)
        for i, item in enumerate(value):
            self.add(item, f"{where}[{i}]", depth + 1)
        self.parts.append(pickle.APPENDS if type(value) is list else pickle.TUPLE)

    def _add_dict(self, value: dict[Any, Any], key: Any, where: str, depth: int) -> None:
        if type(value) is dict:
            self.parts.append(pickle.EMPTY_DICT)
        else:
            self._add_call(_Call(names.ORDERED_DICT, ()), where, depth)
        self._put(key, value)
        self.parts.append(pickle.MARK)
        for name, item in value.items():
            _check_key(name, where)
            self.add(name, where, depth + 1)
            self.add(item, f"{where}[{name!r}]", depth + 1)
        self.parts.append(pickle.SETITEMS)
        metadata = getattr(value, "_metadata", None)
        if metadata is not None:  # the versions of a module's parts
            self.add({"_metadata": metadata}, f"{where}._metadata", depth + 1)
            self.parts.append(pickle.BUILD)

    def _add_call(self, value: Any, where: str, depth: int) -> None:
        if isinstance(value, _Named):
            module, name = value.name
            self.parts += [pickle.GLOBAL, f"{module}\n{name}\n".encode()]
        elif isinstance(value, _Stored):
            self._add_sequence(value.fields, where, depth)
            self.parts.append(pickle.BINPERSID)
        else:
            self.add(_Named(value.name), where, depth)
            self._add_sequence(value.arguments, where, depth)
            self.parts.append(pickle.REDUCE)
            if value.state is not None:
                self._add_sequence(value.state, where, depth)
                self.parts.append(pickle.BUILD)

    def _put(self, key: Any, value: Any) -> None:
        index = len(self._memo)
        self._memo[key] = (index, value)
        self.parts += [pickle.LONG_BINPUT, struct.pack("<I", index)]

    def _get(self, index: int) -> None:
        self.parts += [pickle.LONG_BINGET, struct.pack("<I", index)]

    # --- what is made by calls -----------------------------------------------------------------

    def _as_call(self, value: Any, where: str) -> Any:
        kind = type(value)
        if isinstance(value, Tensor):
            return self._tensor(value)
        if kind is Size:
            return _Call(("torch", "Size"), (tuple(value),))
        if kind is device:
            return _Call(("torch", "device"), (str(value),))
        if kind is Counter:
            return _Call(("collections", "Counter"), (dict(value),))
        if kind is set:
            for item in value:
                _check_key(item, where)
            return _Call(("__builtin__", "set"), (list(value),))
        if kind is complex:
            return _Call(("__builtin__", "complex"), (value.real, value.imag))
        if kind is bytes:
            return _Call(("_codecs", "encode"), (value.decode("latin-1"), "latin1"))
        if kind is bytearray:
            return _Call(("__builtin__", "bytearray"), (value.decode("latin-1"), "latin-1"))
        if isinstance(value, np.dtype) and ("torch", value.name) in names.DTYPES:
            return _Named(("torch", value.name))
        if isinstance(value, np.generic) and value.dtype.kind in "biufSU":
            data = value.tobytes().decode("latin-1")
            encoded = _Call(("_codecs", "encode"), (data, "latin1"))
            return _Call(("numpy._core.multiarray", "scalar"), (_dtype(value.dtype), encoded))
        if kind in (np.ndarray, np.memmap) and value.dtype.kind in "biufSU":
            return _array(value)
        raise DTypeError(f"save: cannot store {type_name(value)} at {where}. {advice(value)}")

    def _tensor(self, tensor: Tensor) -> _Call:
        index, offset, array = self._places[id(tensor.array)]
        memory = self.storages[index]
        kind = names.STORAGE_OF.get(array.dtype)
        if self._legacy and kind is None:
            raise DTypeError(
                f"save: the form before PyTorch 1.6 has no {array.dtype}; leave "
                f"_use_new_zipfile_serialization as it is"
            )
        stored = _Named(("torch", kind) if kind else ("torch.storage", "UntypedStorage"))
        count = memory.size if kind else memory.nbytes
        fields = ("storage", stored, str(index), "cpu", count, *([None] if self._legacy else []))
        strides = tuple(step // array.itemsize for step in array.strides)
        hooks = _Call(names.ORDERED_DICT, ())
        is_parameter = isinstance(tensor, Parameter)
        needs_grad = tensor.requires_grad and not is_parameter
        arguments = (_Stored(fields), offset, array.shape, strides, needs_grad, hooks)
        if kind:
            call = _Call(names.REBUILD, arguments)
        else:
            dtype = _Named(("torch", array.dtype.name))
            call = _Call(names.REBUILD_WITH_DTYPE, (*arguments, dtype))
        if is_parameter:
            return _Call(names.REBUILD_PARAMETER, (call, tensor.requires_grad, hooks))
        return call


def _int(value: int) -> bytes:
    if 0 <= value < 256:
        return pickle.BININT1 + bytes([value])
    if -(1 << 31) <= value < 1 << 31:
        return pickle.BININT + struct.pack("<i", value)
    encoded = pickle.encode_long(value)
    if len(encoded) < 256:
        return pickle.LONG1 + bytes([len(encoded)]) + encoded
    return pickle.LONG4 + struct.pack("<i", len(encoded)) + encoded


_SIMPLE: dict[type, Any] = {
    type(None): lambda value: pickle.NONE,
    bool: lambda value: pickle.NEWTRUE if value else pickle.NEWFALSE,
    int: _int,
    float: lambda value: pickle.BINFLOAT + struct.pack(">d", value),
}


def _check_key(key: Any, where: str) -> None:
    if type(key) is tuple:
        for item in key:
            _check_key(item, where)
    elif type(key) not in (str, int, float, bool, bytes, type(None)) and not isinstance(
        key, (np.dtype, device)
    ):
        raise DTypeError(
            f"save: the keys of a dict and the elements of a set must be texts, numbers or tuples "
            f"of them; got {key!r} ({type_name(key)}) in {where}"
        )


def _array(array: np.ndarray[Any, Any]) -> _Call:
    """A NumPy array as NumPy pickles it; PyTorch reads it if it is told that it may."""
    module = "numpy._core.multiarray"
    is_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    data = array.tobytes("F" if is_fortran else "C").decode("latin-1")
    encoded = _Call(("_codecs", "encode"), (data, "latin1"))
    start = _Call(("_codecs", "encode"), ("b", "latin1"))
    return _Call(
        (module, "_reconstruct"),
        (_Named(("numpy", "ndarray")), (0,), start),
        (1, array.shape, _dtype(array.dtype), is_fortran, encoded),
    )


def _dtype(dtype: DType) -> _Call:
    reduced: Any = dtype.__reduce__()
    _, arguments, state = reduced
    return _Call(("numpy", "dtype"), tuple(arguments), tuple(state))


# --- memory ------------------------------------------------------------------------------------


def _is_regular(array: np.ndarray[Any, Any]) -> bool:
    """Whether strides count elements, as PyTorch's do, forwards, and there is anything at all."""
    steps = array.strides
    return array.size > 0 and all(step >= 0 and step % array.itemsize == 0 for step in steps)


def _span(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    """The first address of an array's memory, and the one behind its last."""
    low: int = array.__array_interface__["data"][0]
    if not array.size:
        return low, low
    reach = sum((n - 1) * step for n, step in zip(array.shape, array.strides, strict=True))
    return low, low + reach + array.itemsize


def _overlapping(arrays: list[np.ndarray[Any, Any]]) -> list[list[np.ndarray[Any, Any]]]:
    """Groups of arrays whose memory overlaps, each in the order of its beginnings."""
    groups: list[list[np.ndarray[Any, Any]]] = []
    end = -1
    for array in sorted(arrays, key=_span):
        low, high = _span(array)
        if low >= end:
            groups.append([])
        groups[-1].append(array)
        end = max(end, high)
    return groups
