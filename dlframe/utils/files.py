"""Save and load values: in dlframe's own HDF5 files, and as other programs have them.

======================  ======================================================  ===============
format                  what it holds                                           suffixes
======================  ======================================================  ===============
`"hdf5"`                nests of values, arrays and tensors; checksums          all others
`"torch"`               nests of values, arrays and tensors, as PyTorch does    .pt .pth .bin
                                                                                .ckpt .tar
`"safetensors"`         a dict of tensors                                       .safetensors
`"npz"`                 a dict of arrays, as `np.savez` does                    .npz
======================  ======================================================  ===============

`load` tells them apart by their content. No file can make it run code.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dlframe.errors import ArgumentError, FileFormatError
from dlframe.tensor.devices import check_device
from dlframe.utils import hdf5, npz, pytorch_reading, pytorch_writing, safetensors
from dlframe.utils.archives import Archive
from dlframe.utils.atomic import atomic_write
from dlframe.utils.foreign import (
    HDF5_SIGNATURE,
    ZIP_SIGNATURE,
    is_legacy_checkpoint,
    kind_of_file,
)
from dlframe.utils.sources import Source, opened

FORMATS = ("hdf5", "torch", "safetensors", "npz")

_BY_SUFFIX = {
    **dict.fromkeys((".pt", ".pth", ".bin", ".ckpt", ".tar"), "torch"),
    ".safetensors": "safetensors",
    ".npz": "npz",
}


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    *,
    format: str | None = None,
    compression: int = 0,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write `obj` to a file; at a path atomically: it is afterwards the new file or the old one.

    The suffix of a path says in which format: `.pt`, `.pth`, `.bin`, `.ckpt` and `.tar` as
    `torch.save` does, so that `torch.load(weights_only=True)` reads it; `.safetensors` and
    `.npz`; and all others as dlframe's own HDF5 file. An open file gets PyTorch's format.

    `obj` is any nest of dict (with str or int keys), list, tuple, str, bytes, bool, None, int,
    float, complex, NumPy scalars and arrays, Tensors and Parameters. In PyTorch's format also
    sets, sizes, dtypes and other keys. `load` returns the same types, but from HDF5 a Tensor for a
    Parameter. Tensors that share memory still do so in PyTorch's format; in others it is
    written twice. Safetensors and `.npz` hold one dict of tensors or arrays.

    Args:
        f: a path, or a binary file that is open for writing.
        pickle_module: has no effect, and `pickle_protocol` has none: no pickle runs code here.
        format: `"hdf5"`, `"torch"`, `"safetensors"` or `"npz"`, whatever the suffix.
        compression: gzip level 1 to 9, for arrays in HDF5; 0 stores them as they are.
        metadata: texts by names, which a safetensors file can have beside its tensors.

    Raises:
        DTypeError: a value that the format cannot hold; the message names it and its place.
            Nothing is written.
        OSError: the file cannot be written; an old file at that path is untouched.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.h5"
    >>> save({"fc.weight": dl.ones(2, 3), "epoch": 7}, path)
    >>> load(path)["epoch"]
    7
    >>> file = io.BytesIO()
    >>> save([dl.ones(2)], file)
    >>> _ = file.seek(0)
    >>> load(file)
    [tensor([1., 1.])]
    """
    is_path = isinstance(f, (str, os.PathLike))
    if not is_path and not callable(getattr(f, "write", None)):
        raise TypeError(
            f"save: expected a path or a binary file that is open for writing; "
            f"got {type(f).__name__}"
        )
    if isinstance(f, io.TextIOBase):
        raise TypeError("save: the file is open for texts; open it with the mode 'wb'")
    chosen = format or (_BY_SUFFIX.get(Path(f).suffix.lower(), "hdf5") if is_path else "torch")
    _check_options(chosen, compression, metadata)
    if chosen == "hdf5":
        _save_hdf5(obj, f, is_path, compression)
        return
    write = _writer(obj, chosen, metadata, not _use_new_zipfile_serialization)
    if is_path:
        with atomic_write(f) as file:
            write(file)
    else:
        write(f)


def _check_options(format: str, compression: int, metadata: Any) -> None:
    if format not in FORMATS:
        raise ArgumentError(f"save: format is one of {', '.join(FORMATS)}; got {format!r}")
    if compression and format != "hdf5":
        raise ArgumentError(f"save: only HDF5 files are compressed, and this one is {format}")
    if metadata and format != "safetensors":
        raise ArgumentError(f"save: only safetensors files have metadata, and this one is {format}")


def _save_hdf5(obj: Any, f: Any, is_path: bool, compression: int) -> None:
    if is_path:
        hdf5.save_hdf5(obj, f, compression=compression)
        return
    buffer = io.BytesIO()  # HDF5's library reads and seeks in what it writes
    hdf5.write_hdf5(obj, buffer, compression=compression)
    f.write(buffer.getbuffer())


def _writer(obj: Any, format: str, metadata: Any, legacy: bool) -> Any:
    """Check and encode a value; the result writes it to an open file."""
    if format == "safetensors":
        return safetensors.encode(obj, metadata).write
    if format == "npz":
        return npz.encode(obj).write
    encoded = pytorch_writing.encode(obj, legacy=legacy)
    return encoded.write_legacy if legacy else encoded.write


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    names: Iterable[str | int] | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read back what `save`, PyTorch, safetensors or `np.savez` wrote; the content says which.

    No code runs, whatever the file holds. Of PyTorch's checkpoints, tensors, containers and plain
    values are read; everything else, such as a whole module, is refused by its name.

    Args:
        f: a path, or a binary file that is open for reading, from where it stands.
        map_location: None or "cpu"; also a dict or function, as PyTorch has it. All tensors
            come to the CPU, from wherever they were saved.
        pickle_module: has no effect, nor have more arguments for it.
        weights_only: has no effect, since no code is ever run.
        mmap: let the tensors be parts of the file at this path, whose pages are read when they are
            used, without comparing checksums; of PyTorch's present format and safetensors.
        names: of a dict, read these keys only.

    Raises:
        ArgumentError: a `map_location` other than the CPU, or `mmap` of another kind of file.
        FileFormatError: the file is truncated, damaged, of another kind, from a newer dlframe, or
            asks for code; the message says which, where, and what to do.
        KeyError: one of `names` is not in the file; the message lists those that are.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/run.h5"
    >>> save({"model": {"w": dl.zeros(2)}, "losses": [0.5, 0.25]}, path)
    >>> load(path, names=["losses"])
    {'losses': [0.5, 0.25]}
    """
    _check_location(map_location)
    with opened(f) as source:
        if source.head.startswith(HDF5_SIGNATURE) and names is not None:
            chosen = list(names)
            value, keys = hdf5.load_some(source, lambda key: key in chosen)
        else:
            value, keys = _read(source, bool(mmap)), None
    if names is None:
        return value
    return _chosen(value, keys, list(names), source.name)


def _read(source: Source, mmap: bool) -> Any:
    """The value in a file of any kind that is known."""
    head = source.head
    if head.startswith(ZIP_SIGNATURE):
        archive = Archive(source)
        if pytorch_reading.is_checkpoint(archive):
            source.kind = "a PyTorch checkpoint"
            return pytorch_reading.read_archive(archive, mmap)
        if npz.is_npz(archive):
            source.kind = "a NumPy archive"
            _refuse_mmap(mmap, source)
            return npz.read(archive)
    if safetensors.is_safetensors(source):
        source.kind = "a safetensors file"
        return safetensors.read(source, mmap)
    _refuse_mmap(mmap, source)
    if head.startswith(HDF5_SIGNATURE):
        return hdf5.load_all(source)
    if is_legacy_checkpoint(head):
        source.kind = "a PyTorch checkpoint"
        return pytorch_reading.read_legacy(source)
    raise FileFormatError(f"it is {kind_of_file(head)}")


def _refuse_mmap(mmap: bool, source: Source) -> None:
    if mmap:
        raise ArgumentError(
            "load: mmap=True is possible for files of torch.save's present form and safetensors; "
            f"{source.name} is {kind_of_file(source.head)}"
        )


def _chosen(value: Any, keys: Any, names: list[Any], name: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise FileFormatError(
            f"cannot load {name}: it holds a {type(value).__name__}, not a dict with names to "
            f"choose from"
        )
    missing = [key for key in names if key not in value]
    if missing:
        raise KeyError(f"{name} has no {missing}; it has {list(value) if keys is None else keys}")
    return {key: item for key, item in value.items() if key in names}


def _check_location(location: Any) -> None:
    """Raise ArgumentError unless tensors are to come to the CPU."""
    if callable(location):  # lambda storage, location: storage, which is the CPU's
        return
    for target in location.values() if isinstance(location, Mapping) else [location]:
        check_device(target)
