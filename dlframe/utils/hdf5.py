"""Save and load nests of Python values, arrays and tensors as HDF5, without pickle.

Every dict is a group, every value a dataset of the same name, so any HDF5 tool can read the file:
`h5dump` of a saved `state_dict` lists one dataset per key. HDF5 cannot tell a tuple from a list,
or an int from a NumPy int64; so each value has an attribute `kind`, and an attribute `crc32`
that is a checksum of its bytes.

=================  ============================  ====================================
Python             in the file                   `kind`
=================  ============================  ====================================
dict, OrderedDict, group                         dict, ordered_dict,
Counter                                          counter
list, tuple        group with names [0], [1] …,  list, tuple
                   or one dataset if all items
                   are int, float or bool
None               dataset without a value       none
bool int float     scalar dataset                bool, int, float, complex
complex
int over 64 bits   hexadecimal text              int
str, bytes         text; bytes                   str, bytes
NumPy scalar       scalar dataset                scalar
ndarray, Tensor    dataset                       array, tensor
=================  ============================  ====================================

In names, an int key is written `[5]`, and `/`, `%` and the few other characters that HDF5
does not allow are percent-encoded. The groups keep the order of the keys.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from dlframe.errors import FileFormatError
from dlframe.tensor import Tensor
from dlframe.tensor.devices import check_device
from dlframe.utils.atomic import atomic_write
from dlframe.utils.encoding import DICT_OF, MAX_DEPTH, Group, Leaf, encode, member_key
from dlframe.utils.foreign import HDF5_SIGNATURE, HEAD_BYTES, kind_of_file
from dlframe.version import __version__

T = TypeVar("T")

FORMAT = 1
"""The version of the layout described above; a reader refuses a newer one."""

_COMPRESS_FROM = 1024  # bytes; in smaller arrays, chunks cost more space than compression saves


# --- public functions --------------------------------------------------------------------------


def save(obj: Any, path: str | os.PathLike[str], *, compression: int = 0) -> None:
    """Write `obj` to an HDF5 file, atomically: afterwards the file is the new one or the old one.

    `obj` is any nest of dict (with str or int keys), list, tuple, str, bytes, bool, None, int,
    float, complex, NumPy scalars and arrays, Tensors and Parameters. `load` returns the same types,
    but a Tensor for a Parameter. An array that occurs in two places is written twice.

    Args:
        compression: gzip level 1 to 9, for arrays; 0 stores them as they are.

    Raises:
        DTypeError: a value of another type; the message names it and its place. Nothing is written.
        OSError: the file cannot be written; an old file at `path` is untouched.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.h5"
    >>> save({"fc.weight": dl.ones(2, 3), "epoch": 7}, path)
    >>> load(path)["epoch"]
    7
    """
    if type(compression) is not int or not 0 <= compression <= 9:
        raise ValueError(f"save: compression is a gzip level from 0 to 9; got {compression!r}")
    node = encode(obj)
    h5py = _h5py()
    # HDF5 gets the file object and not its name, so that a full disk raises Python's own OSError.
    # With "v110" every part of HDF5's metadata has a checksum; any HDF5 since 2016 reads it.
    with (
        atomic_write(path) as file,
        _errors_of_the_disk(),
        h5py.File(file, "w", libver=("v110", "v110"), track_order=True) as root,
    ):
        root.attrs["dlframe_format"] = FORMAT
        _set_text(root, "dlframe_version", __version__)
        if isinstance(node, Leaf):
            node = Group("value", {"value": node})
        _set_text(root, "kind", node.kind)
        _write(root, node, compression)


@contextmanager
def _errors_of_the_disk() -> Iterator[None]:
    """Raise the file's own OSError, which h5py wraps in a SystemError from Python 3.13 on."""
    try:
        yield
    except SystemError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__ or cause.__context__
        raise cause or error from None


def load(
    path: str | os.PathLike[str],
    map_location: Any = None,
    *,
    names: Iterable[str | int] | None = None,
    weights_only: bool | None = None,
) -> Any:
    """Read back what `save` wrote, with the same types.

    Args:
        map_location: None or "cpu".
        names: of a saved dict, read these keys only.
        weights_only: has no effect, since files of dlframe never hold code.

    Raises:
        ArgumentError: a `map_location` other than the CPU.
        FileFormatError: the file is truncated, damaged, of another kind, or from a newer dlframe;
            the message says which.
        KeyError: one of `names` is not in the file; the message lists those that are.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/run.h5"
    >>> save({"model": {"w": dl.zeros(2)}, "losses": [0.5, 0.25]}, path)
    >>> load(path, names=["losses"])
    {'losses': [0.5, 0.25]}
    """
    check_device(map_location)
    if names is None:
        return _open_and(path, _load_all)
    chosen = list(names)
    values, keys = load_members(path, lambda key: key in chosen)
    missing = [name for name in chosen if name not in values]
    if missing:
        raise KeyError(f"{os.fspath(path)} has no {missing}; it has {keys}")
    return values


def load_members(
    path: str | os.PathLike[str], wanted: Callable[[str | int], bool]
) -> tuple[dict[Any, Any], list[str | int]]:
    """The values of some keys of a saved dict, and the list of all its keys."""
    return _open_and(path, lambda root: _load_some(root, wanted))


def inspect(path: str | os.PathLike[str]) -> Listing:
    """List what a saved file holds, without reading the arrays.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.h5"
    >>> save({"fc.weight": dl.ones(2, 3)}, path)
    >>> [(e.name, e.kind, e.shape) for e in inspect(path).entries]
    [('fc.weight', 'tensor', (2, 3))]
    """
    version, entries = _open_and(path, _list_root)
    return Listing(FORMAT, version, Path(path).stat().st_size, entries)


class Entry(NamedTuple):
    """One value in a file: its name (as in the file), kind, dtype, shape and size in bytes."""

    name: str
    kind: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int


class Listing(NamedTuple):
    """The content of a file: the version of its format, the writer's version, and its entries."""

    format: int
    version: str
    file_bytes: int
    entries: list[Entry]

    def __str__(self) -> str:
        names = max((len(entry.name) for entry in self.entries), default=0)
        writer = f"dlframe format {self.format}, written by dlframe {self.version}"
        lines = [f"{writer}, {self.file_bytes:,} bytes"]
        for name, kind, dtype, shape, _ in self.entries:
            lines.append(
                f"{name:<{names}}  {kind:<12}  {dtype}{list(shape) if dtype else ''}".rstrip()
            )
        return "\n".join(lines)


# --- nodes into a file -------------------------------------------------------------------------


def _write(group: Any, node: Group, compression: int) -> None:
    for name, child in node.children.items():
        if isinstance(child, Group):
            member = group.create_group(name, track_order=True)
            _set_text(member, "kind", child.kind)
            _write(member, child, compression)
        else:
            _write_leaf(group, name, child, compression)


def _write_leaf(group: Any, name: str, leaf: Leaf, compression: int) -> None:
    h5py = _h5py()
    options: dict[str, Any] = {}
    if leaf.data is None:
        data = h5py.Empty("u1")
    elif isinstance(leaf.data, bytes):
        data = np.array(leaf.data, dtype=h5py.string_dtype("utf-8", len(leaf.data)))
    else:
        # not ascontiguousarray, which makes a 0-d array 1-d
        data = np.asarray(leaf.data, order="C")
        if compression and data.nbytes >= _COMPRESS_FROM:
            options = {"compression": compression, "shuffle": True}
    dataset = group.create_dataset(name, data=data, **options)
    _set_text(dataset, "kind", leaf.kind)
    if leaf.data is not None:
        dataset.attrs["crc32"] = _crc32(leaf.data if isinstance(leaf.data, bytes) else data)
    for key, value in leaf.attributes.items():
        if isinstance(value, str):
            _set_text(dataset, key, value)
        else:
            dataset.attrs[key] = value


def _set_text(member: Any, name: str, value: str) -> None:
    # Texts of fixed length, because HDF5 keeps those of variable length in a heap without a
    # checksum, and loops endlessly if it is damaged.
    member.attrs[name] = np.bytes_(value)


def _text(member: Any, name: str) -> str:
    return bytes(member.attrs[name]).decode("ascii")


def _crc32(data: bytes | np.ndarray[Any, Any]) -> np.uint32:
    buffer: Any = data if isinstance(data, bytes) else data.reshape(-1).view(np.uint8)
    return np.uint32(zlib.crc32(buffer))


# --- a file into values ------------------------------------------------------------------------


def _open_and(path: str | os.PathLike[str], read: Callable[[Any], T]) -> T:
    """Open a file of dlframe's; any failure becomes a `FileFormatError` that says what it is."""
    name = Path(path)
    with name.open("rb") as file:  # a missing or forbidden file is Python's own error
        head = file.read(HEAD_BYTES)
    if not head.startswith(HDF5_SIGNATURE):
        raise FileFormatError(f"cannot load {name}: it is {kind_of_file(head)}")
    try:
        # No lock is needed, since our files are replaced and never changed in place.
        with _h5py().File(name, "r", locking=False) as root:
            _check_version(root)
            return read(root)
    except FileFormatError as error:
        raise FileFormatError(f"cannot load {name}: {error}") from None
    except MemoryError:
        raise
    except Exception as error:  # HDF5 reports damage as OSError, RuntimeError, KeyError, ValueError
        damage = "truncated" if "truncated file" in str(error) else "damaged"
        size = name.stat().st_size
        raise FileFormatError(
            f"cannot load {name}: it is a {damage} HDF5 file ({size:,} bytes): {error}"
        ) from error


def _check_version(root: Any) -> None:
    found = root.attrs.get("dlframe_format")
    if found is None:
        top = ", ".join(list(root)[:5]) or "nothing"
        raise FileFormatError(
            f"it is an HDF5 file that dlframe did not write (it holds {top}); "
            f"read its arrays with h5py.File, and give them to load_state_dict"
        )
    if int(found) > FORMAT:
        writer = _text(root, "dlframe_version")
        raise FileFormatError(
            f"it has format version {int(found)}, written by dlframe {writer}; "
            f"this is dlframe {__version__}, which reads versions up to {FORMAT}. "
            f"Upgrade with: pip install -U dlframe"
        )


def _load_all(root: Any) -> Any:
    if _text(root, "kind") == "value":
        return _decode(root, "value", "obj", 0)
    return _decode_group(root, "obj", 0)


def _load_some(
    root: Any, wanted: Callable[[str | int], bool]
) -> tuple[dict[Any, Any], list[str | int]]:
    kind = _text(root, "kind")
    if kind not in DICT_OF:
        raise FileFormatError(f"it holds a {kind}, not a dict with names to choose from")
    members = {member_key(name): name for name in root}
    values = {
        key: _decode(root, name, f"obj[{key!r}]", 1) for key, name in members.items() if wanted(key)
    }
    return values, list(members)


def _decode(group: Any, name: str, where: str, depth: int) -> Any:
    h5py = _h5py()
    # A soft or external link could read any other file of the user.
    if type(group.get(name, getlink=True)) is not h5py.HardLink:
        raise FileFormatError(f"it has a link to elsewhere at {where}, which dlframe never writes")
    member = group[name]
    if isinstance(member, h5py.Group):
        return _decode_group(member, where, depth)
    return _decode_leaf(member, where)


def _decode_group(group: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise FileFormatError(f"it is nested deeper than {MAX_DEPTH} levels")
    kind = _text(group, "kind")
    if kind in ("list", "tuple"):
        items = (_decode(group, f"[{i}]", f"{where}[{i}]", depth + 1) for i in range(len(group)))
        return list(items) if kind == "list" else tuple(items)
    if kind not in DICT_OF:
        raise FileFormatError(f"it has a group of unknown kind {kind!r} at {where}")
    keys = ((member_key(name), name) for name in group)
    pairs = ((key, _decode(group, name, f"{where}[{key!r}]", depth + 1)) for key, name in keys)
    return DICT_OF[kind](pairs)


def _decode_leaf(dataset: Any, where: str) -> Any:
    kind = _text(dataset, "kind")
    if kind == "none":
        return None
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise FileFormatError(f"it has a value of unknown kind {kind!r} at {where}")
    return decoder(_read(dataset, where), dataset.attrs)


def _read(dataset: Any, where: str) -> Any:
    """The dataset's bytes (of a text) or ndarray, checked against its checksum."""
    h5py = _h5py()
    if dataset.external or dataset.is_virtual:
        raise FileFormatError(f"it keeps {where} in another file, which dlframe never does")
    if dataset.chunks is None and dataset.id.get_storage_size() < dataset.nbytes:
        raise FileFormatError(f"it is damaged: the bytes of {where} are missing")
    if h5py.check_string_dtype(dataset.dtype) is not None:
        data = bytes(dataset[()])
    else:
        data = dataset[...]
    if _crc32(data) != dataset.attrs["crc32"]:
        raise FileFormatError(
            f"it is damaged: the bytes of {where} were changed after they were written "
            f"(their CRC-32 differs)"
        )
    return data


def _decode_array(data: np.ndarray[Any, Any], attributes: Any) -> np.ndarray[Any, Any]:
    if "dtype" not in attributes:
        return data
    array = np.empty(
        tuple(attributes["shape"]), dtype=np.dtype(bytes(attributes["dtype"]).decode("ascii"))
    )
    array.reshape(-1).view(np.uint8)[:] = data
    return array


def _decode_tensor(data: np.ndarray[Any, Any], attributes: Any) -> Tensor:
    return Tensor(_decode_array(data, attributes), bool(attributes.get("requires_grad", False)))


def _decode_str(data: Any, attributes: Any) -> str:
    return bytes(data).decode("utf-8", "surrogatepass")


_DECODERS: dict[str, Callable[[Any, Any], Any]] = {
    "bool": lambda data, attributes: bool(data.item()),
    "int": lambda data, attributes: int(data, 16) if isinstance(data, bytes) else int(data.item()),
    "float": lambda data, attributes: float(data.item()),
    "complex": lambda data, attributes: complex(data.item()),
    "str": _decode_str,
    "np_str": lambda data, attributes: np.str_(_decode_str(data, attributes)),
    "bytes": lambda data, attributes: bytes(data),
    "np_bytes": lambda data, attributes: np.bytes_(bytes(data)),
    "list": lambda data, attributes: data.tolist(),
    "tuple": lambda data, attributes: tuple(data.tolist()),
    "scalar": lambda data, attributes: _decode_array(data, attributes)[()],
    "array": _decode_array,
    "tensor": _decode_tensor,
}


# --- listing, imports --------------------------------------------------------------------------


def _list_root(root: Any) -> tuple[str, list[Entry]]:
    return _text(root, "dlframe_version"), _list_group(root, "", 0)


def _list_group(group: Any, prefix: str, depth: int) -> list[Entry]:
    if depth > MAX_DEPTH:
        raise FileFormatError(f"it is nested deeper than {MAX_DEPTH} levels")
    entries = []
    for name, member in group.items():  # in the order of writing; visititems sorts by name
        path, kind = prefix + name, _text(member, "kind")
        if isinstance(member, _h5py().Group):
            entries.append(Entry(path, kind, "", (), 0))
            entries.extend(_list_group(member, f"{path}/", depth + 1))
        elif member.shape is None:
            entries.append(Entry(path, kind, "", (), 0))
        else:
            dtype = _text(member, "dtype") if "dtype" in member.attrs else str(member.dtype)
            shape = tuple(int(n) for n in member.attrs.get("shape", member.shape))
            entries.append(Entry(path, kind, dtype, shape, int(member.nbytes)))
    return entries


def _h5py() -> Any:
    # Imported on first use: it takes as long as NumPy itself, and a script that saves nothing
    # does not need it.
    import h5py

    return h5py
