"""Reads PyTorch's checkpoints without PyTorch, and without executing anything.

A checkpoint is a pickle of the nest of values, in which each tensor is the call of a function with
a storage, an offset, a size and strides; the bytes of the storages stand beside it. Since
PyTorch 1.6 these are entries of a ZIP archive: `data.pkl`, `data/0`, `data/1` … (the archive is
not compressed). Before, they followed one another in a plain file; that form is read too.

The pickle is read by `TorchUnpickler`, which knows a handful of names, each of which only builds a
value, and refuses all others. Storages that claim more bytes than the file has, and tensors that
reach out of their storage, are refused before memory is taken.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np

from dlframe.base.printable import printable
from dlframe.errors import ArgumentError, FileFormatError
from dlframe.utils.archives import Archive, Stored, shown
from dlframe.utils.foreign import MAGIC_NUMBER
from dlframe.utils.pytorch_names import LEGACY_PROTOCOL, StorageKind
from dlframe.utils.pytorch_unpickler import TorchUnpickler
from dlframe.utils.pytorch_values import Storage
from dlframe.utils.sources import Source

_CHUNK = 1 << 20  # elements of bfloat16 at a time


def is_checkpoint(archive: Archive) -> bool:
    """Whether an archive is of PyTorch's present form."""
    return any(_is_pickle(name) for name in archive.entries)


def read_archive(archive: Archive, mmap: bool = False) -> Any:
    """The value in a checkpoint of PyTorch's present form.

    Args:
        mmap: let the tensors be parts of the file, from which the system reads pages when they
            are used, instead of reading all now. What is written to them stays in memory.
    """
    if mmap and archive.source.path is None:
        raise ArgumentError("load: mmap=True needs the path of a file; got an open file")
    root = _root_of(archive)
    order = archive.read(f"{root}/byteorder") if f"{root}/byteorder" in archive.entries else b""
    swapped = order.strip() not in (b"", sys.byteorder.encode())
    if order.strip() not in (b"", b"little", b"big"):
        raise FileFormatError(f"it has an unknown order of bytes, {printable(order[:20])}")
    places: dict[str, Stored] = {}

    def find(key: str, kind: StorageKind, count: int) -> Storage:
        place = archive.stored(f"{root}/data/{key}")
        if place.size != count * kind.itemsize:
            raise FileFormatError(
                f"the storage {shown(key)} has {place.size:,} bytes, where {count:,} elements "
                f"of a {kind.name} are {count * kind.itemsize:,}"
            )
        places[key] = place
        mapped = _mapped(archive.source, place, kind) if mmap and not swapped else None
        return Storage(key, kind, count, mapped)

    unpickler = TorchUnpickler(archive.read(f"{root}/data.pkl"), find)
    value = unpickler.value()
    for storage in sorted(unpickler.storages, key=lambda storage: places[storage.key].offset):
        if not storage.is_mapped:
            _fill(storage, partial(archive.fill, places[storage.key]), swapped)
    _warn_of_bfloat16(unpickler)
    return value


def _root_of(archive: Archive) -> str:
    """The folder that all entries of a checkpoint are in; its name is any."""
    roots = [name.removesuffix("/data.pkl") for name in archive.entries if _is_pickle(name)]
    if len(roots) != 1:
        raise FileFormatError(
            f"it is a ZIP archive with {len(roots)} entries named data.pkl, where a checkpoint of "
            f"PyTorch's has one"
        )
    if f"{roots[0]}/constants.pkl" in archive.entries:
        raise FileFormatError(
            "it is a program of TorchScript (torch.jit.save), which holds code. Where PyTorch is "
            "installed, save the weights: torch.save(torch.jit.load(file).state_dict(), path)"
        )
    return roots[0]


def _is_pickle(name: str) -> bool:
    return name.count("/") == 1 and name.endswith("/data.pkl")


def _mapped(source: Source, place: Stored, kind: StorageKind) -> np.ndarray[Any, Any] | None:
    """A storage as a part of the file; None where it has to be read: other dtypes, odd places."""
    if kind.is_bfloat16 or kind.dtype is None or kind.dtype == np.bool_ or not place.size:
        return None
    if place.offset % kind.dtype.itemsize:
        return None
    count = place.size // kind.dtype.itemsize
    mode: Any = "c"  # copy on write
    path: Any = source.path
    mapped = np.memmap(path, kind.dtype, mode, place.offset, (count,))
    return np.asarray(mapped)


def read_legacy(source: Source) -> Any:
    """The value in a checkpoint of the form before PyTorch 1.6.

    An open file stands behind it afterwards, so that several can be read from one.
    """
    number, protocol, system = (TorchUnpickler(source).value() for _ in range(3))
    if number != MAGIC_NUMBER or protocol != LEGACY_PROTOCOL or type(system) is not dict:
        raise FileFormatError("it begins as an old checkpoint of PyTorch's, but is none")
    claimed = 0

    def find(key: str, kind: StorageKind, count: int) -> Storage:
        nonlocal claimed
        claimed += count * kind.itemsize
        if claimed > source.size:
            raise FileFormatError(
                f"it is truncated or damaged: its storages are of {claimed:,} bytes or more, and "
                f"the file has {source.size:,}"
            )
        return Storage(key, kind, count)

    unpickler = TorchUnpickler(source, find)
    value = unpickler.value()
    storages = {storage.key: storage for storage in unpickler.storages}
    keys = TorchUnpickler(source).value()
    if type(keys) is not list or sorted(map(repr, keys)) != sorted(map(repr, storages)):
        raise FileFormatError("it is damaged: its list of storages is not that of its tensors")
    order: Literal["little", "big"] = "little" if system.get("little_endian", True) else "big"
    for key in keys:
        _fill_legacy(source, storages[key], order)
    _warn_of_bfloat16(unpickler)
    return value


def _fill_legacy(source: Source, storage: Storage, order: Literal["little", "big"]) -> None:
    what = f"its storage {shown(storage.key)}"
    at = source.tell()
    head = source.bytes_at(at, 8, what)
    count = int.from_bytes(head, order)
    if count != storage.count:
        raise FileFormatError(
            f"it is damaged: {what} has {count:,} elements, not {storage.count:,}"
        )
    size = count * storage.kind.itemsize
    if at + 8 + size > source.size:
        raise source.ends_before(what)

    def fill(array: np.ndarray[Any, Any]) -> None:
        source.fill(at + 8, array, what, checked=False)

    _fill(storage, fill, order != sys.byteorder)
    source.seek(at + 8 + size)


# --- bytes into storages -----------------------------------------------------------------------


def _fill(storage: Storage, fill: Callable[[np.ndarray[Any, Any]], None], swapped: bool) -> None:
    """Read a storage's bytes, in this machine's order."""
    array = storage.array
    if storage.kind.is_bfloat16:
        # the upper halves of float32, read into the end of the memory and spread from the front
        halves = array.view(np.uint16)[storage.count :]
        fill(halves)
        if swapped:
            halves.byteswap(inplace=True)
        _spread(halves, array.view(np.uint32))
        return
    fill(array)
    if swapped:
        array.byteswap(inplace=True)
    if array.dtype == np.bool_:  # any byte but zero means True; NumPy knows only 0 and 1
        bits = array.view(np.uint8)
        np.not_equal(bits, 0, out=array)


def _spread(halves: np.ndarray[Any, Any], whole: np.ndarray[Any, Any]) -> None:
    for start in range(0, len(whole), _CHUNK):
        part = halves[start : start + _CHUNK].astype(np.uint32)  # a copy: the two share memory
        np.left_shift(part, 16, out=whole[start : start + _CHUNK])


def _warn_of_bfloat16(unpickler: TorchUnpickler) -> None:
    if any(storage.kind.is_bfloat16 for storage in unpickler.storages):
        warnings.warn(
            "load: tensors of torch.bfloat16 were read as float32, which holds each of their "
            "numbers exactly; dlframe has no bfloat16",
            stacklevel=5,
        )
