"""Reads and writes files of the safetensors format: named tensors, and nothing else.

Such a file is the length of its header (8 bytes), the header, which is JSON that gives each
tensor's dtype, shape and place, and then the bytes of all tensors, without gaps
(https://github.com/huggingface/safetensors, "Format"). `dlframe.load` and `dlframe.save` use
this module; `read_metadata` returns the texts that a file may have beside its tensors.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dlframe import dtypes
from dlframe.base.printable import printable
from dlframe.errors import ArgumentError, DTypeError, FileFormatError
from dlframe.tensor import Tensor
from dlframe.utils.encoding import advice, type_name
from dlframe.utils.foreign import kind_of_file
from dlframe.utils.sources import Source, opened

__all__ = ["read_metadata"]

_MAX_HEADER = 100_000_000  # bytes, as the format says
_METADATA = "__metadata__"

_DTYPES = {
    "BOOL": dtypes.bool,
    "U8": dtypes.uint8,
    "I8": dtypes.int8,
    "I16": dtypes.int16,
    "U16": dtypes.uint16,
    "F16": dtypes.float16,
    "I32": dtypes.int32,
    "U32": dtypes.uint32,
    "F32": dtypes.float32,
    "I64": dtypes.int64,
    "U64": dtypes.uint64,
    "F64": dtypes.float64,
}
_NAME_OF = {dtype: name for name, dtype in _DTYPES.items()}


class _Entry(NamedTuple):
    """A tensor of the header; `begin` and `end` count from the end of the header."""

    name: str
    dtype: dtypes.DType
    shape: tuple[int, ...]
    begin: int
    end: int
    is_bfloat16: bool


def read_metadata(f: Any) -> dict[str, str]:
    """The texts that a safetensors file has beside its tensors: of a path or an open file.

    Raises:
        FileFormatError: the file is of another kind, truncated or damaged.

    >>> import io
    >>> import dlframe as dl
    >>> file = io.BytesIO()
    >>> dl.save({"w": dl.ones(2)}, file, format="safetensors", metadata={"format": "pt"})
    >>> _ = file.seek(0)
    >>> read_metadata(file)
    {'format': 'pt'}
    """
    with opened(f) as source:
        return _read_header(source)[1]


def is_safetensors(source: Source) -> bool:
    """Whether a file begins as one of this format."""
    return kind_of_file(source.head) == "a safetensors file"


def read(source: Source, mmap: bool = False) -> dict[str, Tensor]:
    """The tensors by their names, in the order in which the header has them."""
    entries, _, start = _read_header(source)
    if mmap and source.path is None:
        raise ArgumentError("load: mmap=True needs the path of a file; got an open file")
    arrays = {
        entry.name: _read_array(source, entry, start, mmap)
        for entry in sorted(entries, key=lambda entry: entry.begin)
    }
    if any(entry.is_bfloat16 for entry in entries):
        warnings.warn(
            "load: tensors of BF16 were read as float32, which holds each of their numbers "
            "exactly; dlframe has no bfloat16",
            stacklevel=4,
        )
    return {entry.name: Tensor(arrays[entry.name]) for entry in entries}


# --- the header --------------------------------------------------------------------------------


def _read_header(source: Source) -> tuple[list[_Entry], dict[str, str], int]:
    """The tensors, the texts, and where the bytes of the tensors begin."""
    length = int.from_bytes(source.bytes_at(0, 8, "the length of its header"), "little")
    if length > _MAX_HEADER:
        raise FileFormatError(
            f"its header claims {length:,} bytes; the format allows {_MAX_HEADER:,}"
        )
    text = source.bytes_at(8, length, "its header")
    if not text.startswith(b"{"):
        raise FileFormatError("its header does not begin with '{', as that of safetensors does")
    try:
        header = json.loads(
            text.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"its header is no valid JSON: {printable(error, longest=100)}"
        ) from None
    metadata = header.pop(_METADATA, {})
    if type(metadata) is not dict or not all(type(value) is str for value in metadata.values()):
        raise FileFormatError(f"its {_METADATA} is no dict of texts")
    entries = [_entry(name, fields) for name, fields in header.items()]
    start = 8 + length
    _check_places(entries, source.size - start)
    return entries, metadata, start


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise FileFormatError(f"its header has {_shown(twice)} twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON's")


def _entry(name: str, fields: Any) -> _Entry:
    what = f"its tensor {_shown(name)}"
    if type(fields) is not dict or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise FileFormatError(f"{what} is not described by dtype, shape and data_offsets")
    code, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    is_bfloat16 = code == "BF16"
    if not is_bfloat16 and (type(code) is not str or code not in _DTYPES):
        raise FileFormatError(
            f"{what} has the dtype {_shown(code)}, which dlframe does not have; it reads "
            f"{', '.join(_DTYPES)} and BF16. Save it as one of these"
        )
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2 or len(shape) > 64:
        raise FileFormatError(f"{what} has a shape or place that is not made of whole numbers")
    begin, end = offsets
    dtype = dtypes.float32 if is_bfloat16 else _DTYPES[code]
    wanted = math.prod(shape) * (2 if is_bfloat16 else dtype.itemsize)
    if end - begin != wanted:
        raise FileFormatError(
            f"{what} of {code}{list(shape)} takes {wanted:,} bytes, but its place has "
            f"{end - begin:,}"
        )
    return _Entry(name, dtype, tuple(shape), begin, end, is_bfloat16)


def _are_sizes(numbers: Any) -> bool:
    return type(numbers) is list and all(type(n) is int and 0 <= n < 1 << 62 for n in numbers)


def _check_places(entries: list[_Entry], size: int) -> None:
    """Raise FileFormatError unless the tensors follow one another and fill the file."""
    end = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != end:
            how = "overlaps another" if entry.begin < end else "begins after a gap"
            raise FileFormatError(f"its tensor {_shown(entry.name)} {how}, at byte {entry.begin:,}")
        end = entry.end
    if end != size:
        raise FileFormatError(
            f"it is truncated or damaged: its tensors take {end:,} bytes, and {max(size, 0):,} "
            f"follow the header"
        )


def _shown(name: Any) -> str:
    return printable(repr(name), longest=100)


# --- arrays ------------------------------------------------------------------------------------


def _read_array(source: Source, entry: _Entry, start: int, mmap: bool) -> np.ndarray[Any, Any]:
    at = start + entry.begin
    count = math.prod(entry.shape)
    what = f"its tensor {_shown(entry.name)}"
    if entry.is_bfloat16:
        halves = np.empty(count, "<u2")
        source.fill(at, halves, what, checked=False)
        whole = halves.astype(np.uint32)
        whole <<= 16
        return whole.view(np.float32).reshape(entry.shape)
    dtype = entry.dtype
    if mmap and count and dtype != np.bool_ and at % dtype.itemsize == 0 and _is_little():
        mode: Any = "c"  # what is written stays in memory
        path: Any = source.path
        return np.asarray(np.memmap(path, dtype, mode, at, entry.shape))
    array = np.empty(entry.shape, dtype)
    source.fill(at, array, what, checked=False)
    if not _is_little():
        array.byteswap(inplace=True)
    if dtype == np.bool_:  # any byte but zero means True; NumPy knows only 0 and 1
        np.not_equal(array.view(np.uint8), 0, out=array)
    return array


def _is_little() -> bool:
    return sys.byteorder == "little"


# --- writing -----------------------------------------------------------------------------------


class Tensors(NamedTuple):
    """An encoded state: the header, and the arrays in the order of their places."""

    header: bytes
    arrays: list[np.ndarray[Any, Any]]

    def write(self, file: Any) -> None:
        """Write the file."""
        file.write(len(self.header).to_bytes(8, "little"))
        file.write(self.header)
        for array in self.arrays:
            ordered = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
            file.write(memoryview(ordered.reshape(-1).view(np.uint8).data))


def encode(obj: Any, metadata: Mapping[str, str] | None = None) -> Tensors:
    """Turn a dict of tensors or arrays into a file, or raise DTypeError."""
    if not isinstance(obj, Mapping):
        raise DTypeError(
            f"save: a safetensors file holds a dict of tensors by their names; got "
            f"{type_name(obj)}. {advice(obj)}"
        )
    arrays = {name: _array_of(name, value) for name, value in obj.items()}
    header: dict[str, Any] = {}
    if metadata:
        if not all(type(text) is str for pair in metadata.items() for text in pair):
            raise DTypeError("save: the metadata of a safetensors file are texts by texts")
        header[_METADATA] = dict(metadata)
    # wide elements first, so that each array begins at a multiple of its elements' size
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    at = 0
    for name in order:
        array = arrays[name]
        places = [at, at + array.nbytes]
        header[name] = {
            "dtype": _NAME_OF[array.dtype],
            "shape": list(array.shape),
            "data_offsets": places,
        }
        at += array.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    if len(text) > _MAX_HEADER:
        raise DTypeError(
            f"save: the header would have {len(text):,} bytes; {_MAX_HEADER:,} at most"
        )
    return Tensors(text + b" " * (-len(text) % 8), [arrays[name] for name in order])


def _array_of(name: Any, value: Any) -> np.ndarray[Any, Any]:
    if type(name) is not str or name == _METADATA:
        raise DTypeError(f"save: the names in a safetensors file are texts; got {name!r}")
    array = value.array if isinstance(value, Tensor) else value
    if not isinstance(array, np.ndarray) or array.dtype.newbyteorder("=") not in _NAME_OF:
        kind = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else type_name(value)
        raise DTypeError(
            f"save: a safetensors file holds tensors of numbers only, in one dict; got {kind} at "
            f"obj[{name!r}]. Save nests and other values as .pt or .h5"
        )
    return np.asarray(array, array.dtype.newbyteorder("="))
