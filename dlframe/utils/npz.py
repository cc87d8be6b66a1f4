"""Reads and writes NumPy's archives of arrays, `.npz`, without pickles."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

import numpy as np

from dlframe.base.printable import printable
from dlframe.errors import DTypeError, FileFormatError
from dlframe.tensor import Tensor
from dlframe.utils.archives import Archive, shown
from dlframe.utils.encoding import advice, type_name

_BEST_RATIO = 1032  # of deflate: no entry can be larger than so many times its compressed bytes
_BLOCK = 1 << 20
_KINDS = "biufcSUMm"

Array = np.ndarray[Any, Any]


def is_npz(archive: Archive) -> bool:
    """Whether all entries of an archive are arrays."""
    return bool(archive.entries) and all(name.endswith(".npy") for name in archive.entries)


def read(archive: Archive) -> dict[str, Array]:
    """The arrays by their names."""
    return {name.removesuffix(".npy"): _read_array(archive, name) for name in archive.entries}


def _read_array(archive: Archive, name: str) -> Array:
    entry = archive.entries[name]
    what = f"its entry {shown(name)}"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileFormatError(f"{what} is compressed in a way that NumPy never uses")
    if entry.file_size > _BEST_RATIO * entry.compress_size:
        raise FileFormatError(
            f"{what} claims {entry.file_size:,} bytes, more than its {entry.compress_size:,} can be"
        )
    try:
        with archive.zip.open(entry) as file:
            dtype, shape, is_fortran, length = _read_header(file, what)
            wanted = math.prod(shape) * dtype.itemsize
            if entry.file_size - length != wanted:
                raise FileFormatError(
                    f"{what} has {entry.file_size - length:,} bytes, where an array of {dtype} of "
                    f"shape {printable(shape, longest=80)} has {wanted:,}"
                )
            array = np.empty(math.prod(shape), dtype)
            _fill(file, array, what)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise FileFormatError(f"{what} is damaged: {printable(error, longest=100)}") from None
    array = array.reshape(shape, order="F" if is_fortran else "C")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _read_header(file: IO[bytes], what: str) -> tuple[Any, tuple[int, ...], bool, int]:
    """The dtype, the shape, whether the order is Fortran's, and the length of the header."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise FileFormatError(f"{what} is of version {version} of NumPy's format; 1 and 2 are read")
    read = np.lib.format.read_array_header_1_0
    shape, is_fortran, dtype = (
        read(file) if version == (1, 0) else np.lib.format.read_array_header_2_0(file)
    )
    if dtype.kind not in _KINDS or dtype.hasobject or not dtype.itemsize:
        raise FileFormatError(
            f"{what} is an array of {printable(dtype, longest=60)}, which holds no plain numbers "
            f"or texts (objects are pickles, which can run code); nothing was executed"
        )
    if any(type(n) is not int or n < 0 for n in shape) or len(shape) > 64:
        raise FileFormatError(f"{what} has the shape {printable(shape, longest=80)}")
    return dtype, shape, is_fortran, file.tell()


def _fill(file: IO[bytes], array: Array, what: str) -> None:
    rest = memoryview(array.view(np.uint8).data)
    while rest:
        data = file.read(min(len(rest), _BLOCK))
        if not data:
            raise FileFormatError(f"{what} is truncated")
        rest[: len(data)] = data
        rest = rest[len(data) :]
    if file.read(1):  # and compare the checksum of the whole
        raise FileFormatError(f"{what} is longer than it says")


# --- writing -----------------------------------------------------------------------------------


class Arrays(NamedTuple):
    """Arrays to write, by their names."""

    arrays: dict[str, Array]

    def write(self, file: Any) -> None:
        """Write the archive, as `np.savez` does."""
        with zipfile.ZipFile(file, "w") as archive:
            for name, array in self.arrays.items():
                entry = zipfile.ZipInfo(f"{name}.npy")
                with archive.open(entry, "w", force_zip64=True) as target:
                    np.lib.format.write_array(target, array, allow_pickle=False)


def encode(obj: Any) -> Arrays:
    """Turn a dict of arrays, tensors and numbers into an archive, or raise DTypeError."""
    if not isinstance(obj, Mapping):
        raise DTypeError(
            f"save: an .npz file holds a dict of arrays by their names; got {type_name(obj)}. "
            f"{advice(obj)}"
        )
    return Arrays({name: _array_of(name, value) for name, value in obj.items()})


def _array_of(name: Any, value: Any) -> Array:
    if type(name) is not str or not name or ".." in name.split("/") or name.startswith("/"):
        raise DTypeError(f"save: the names in an .npz file are texts, and no paths; got {name!r}")
    array = value.array if isinstance(value, Tensor) else value
    if type(array) in (bool, int, float, complex) or isinstance(array, np.generic):
        array = np.asarray(array)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in _KINDS:
        kind = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else type_name(value)
        raise DTypeError(
            f"save: an .npz file holds arrays, tensors and numbers, in one dict; got {kind} at "
            f"obj[{name!r}]. Save nests and other values as .pt or .h5"
        )
    return array
