"""Save and load nests of Python values, arrays and tensors as HDF5, without pickle.

Every dict is a group, every value a dataset of the same name, so any HDF5 tool can read the file:
`h5dump` of a saved `state_dict` lists one dataset per key. HDF5 cannot tell a tuple from a list,
or an int from a NumPy int64; so each value has an attribute `kind`, and an attribute `crc32`
that is a checksum of its bytes.

Files are written with HDF5's own library (h5py), and read with `dlframe.utils.hdf5_objects`, which
is safe for files from anywhere.

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

import math
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple, Self, TypeVar

import numpy as np

from dlframe.base.printable import printable
from dlframe.errors import FileFormatError, needs
from dlframe.tensor import Tensor
from dlframe.utils.atomic import atomic_write
from dlframe.utils.encoding import DICT_OF, MAX_DEPTH, Group, Leaf, encode, member_key, member_name
from dlframe.utils.foreign import HDF5_SIGNATURE, is_read_by_load, kind_of_file
from dlframe.utils.hdf5_blocks import Blocks, damaged
from dlframe.utils.hdf5_objects import Dataset, not_ours, open_object, root_of
from dlframe.utils.hdf5_objects import Group as StoredGroup
from dlframe.utils.hdf5_objects import read as read_array
from dlframe.utils.sources import Source, opened
from dlframe.version import __version__

T = TypeVar("T")

FORMAT = 1
"""The version of the layout described above; a reader refuses a newer one."""

_COMPRESS_FROM = 1024  # bytes; in smaller arrays, chunks cost more space than compression saves


# --- public functions --------------------------------------------------------------------------


def save_hdf5(obj: Any, path: str | os.PathLike[str], *, compression: int = 0) -> None:
    """Write a value to an HDF5 file, atomically; see `dlframe.utils.save`."""
    node = _encoded(obj, compression)
    with atomic_write(path) as file:
        _write_root(node, file, compression)


def write_hdf5(obj: Any, file: IO[bytes], *, compression: int = 0) -> None:
    """Write a value to an open file that can be read and seeked, too."""
    _write_root(_encoded(obj, compression), file, compression)


def _encoded(obj: Any, compression: int) -> Group:
    if type(compression) is not int or not 0 <= compression <= 9:
        raise ValueError(f"save: compression is a gzip level from 0 to 9; got {compression!r}")
    node = encode(obj)
    _h5py()  # the error for its absence comes before a file is opened
    return Group("value", {"value": node}) if isinstance(node, Leaf) else node


def _write_root(node: Group, file: IO[bytes], compression: int) -> None:
    h5py = _h5py()
    # With "v110" every part of HDF5's metadata has a checksum; any HDF5 since 2016 reads it.
    with (
        _Unfailing(file) as target,
        h5py.File(target, "w", libver=("v110", "v110"), track_order=True) as root,
    ):
        root.attrs["dlframe_format"] = FORMAT
        _set_text(root, "dlframe_version", __version__)
        _set_text(root, "kind", node.kind)
        _write(root, node, compression, target)
        root.flush()  # now, so that little is left to write when it is closed


class _Unfailing:
    """What HDF5's library writes to, in place of the file: it never sees an error.

    A disk that fills while the library closes a file makes it crash the process. So the first error
    is kept, and nothing is written any more; `check`, and the end of the block, raise it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.check()  # before what the library may have raised because of it

    def check(self) -> None:
        """Raise the error, if there was one."""
        if self.error is not None:
            raise self.error

    def _call(self, function: Callable[..., int | None], argument: Any, otherwise: int) -> int:
        if self.error is None:
            try:
                result = function(argument)
            except BaseException as error:  # noqa: BLE001 - raised by `check`, interrupts too
                self.error = error
            else:
                return otherwise if result is None else result
        return otherwise

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._call(lambda _: self.file.seek(offset, whence), None, offset)

    def tell(self) -> int:
        return self._call(lambda _: self.file.tell(), None, 0)

    def read(self, size: int) -> bytes:
        buffer = bytearray(size)
        return bytes(buffer[: self.readinto(buffer)])

    def readinto(self, buffer: Any) -> int:
        return self._call(self.file.readinto, buffer, len(buffer))  # type: ignore[attr-defined] # a binary file

    def write(self, data: Any) -> int:
        return self._call(self.file.write, data, len(data))

    def truncate(self, size: int) -> int:
        return self._call(self.file.truncate, size, size)

    def flush(self) -> None:
        self._call(lambda _: self.file.flush(), None, 0)


def load_hdf5(path: str | os.PathLike[str]) -> Any:
    """Read a file of dlframe's own only; see `dlframe.utils.load`."""
    return _open_and(path, _load_all)


def load_all(source: Source) -> Any:
    """The value in an open file."""
    return _read_file(source, _load_all)


def load_some(
    source: Source, wanted: Callable[[str | int], bool]
) -> tuple[dict[Any, Any], list[str | int]]:
    """The values of some keys of a saved dict in an open file, and the list of all its keys."""
    return _read_file(source, lambda file: _load_some(file, wanted))


def load_members(
    path: str | os.PathLike[str], wanted: Callable[[str | int], bool]
) -> tuple[dict[Any, Any], list[str | int]]:
    """The values of some keys of a saved dict, and the list of all its keys."""
    return _open_and(path, lambda file: _load_some(file, wanted))


def inspect(path: str | os.PathLike[str]) -> Listing:
    """List what a saved file holds, without reading the arrays.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.h5"
    >>> dl.save({"fc.weight": dl.ones(2, 3)}, path)
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
        names = max((len(printable(entry.name)) for entry in self.entries), default=0)
        writer = f"dlframe format {self.format}, written by dlframe {printable(self.version)}"
        lines = [f"{writer}, {self.file_bytes:,} bytes"]
        for name, kind, dtype, shape, _ in self.entries:
            lines.append(
                f"{printable(name):<{names}}  {printable(kind):<12}  "
                f"{printable(dtype)}{list(shape) if dtype else ''}".rstrip()
            )
        return "\n".join(lines)


# --- nodes into a file -------------------------------------------------------------------------


def _write(group: Any, node: Group, compression: int, target: _Unfailing) -> None:
    for name, child in node.children.items():
        if isinstance(child, Group):
            member = group.create_group(name, track_order=True)
            _set_text(member, "kind", child.kind)
            _write(member, child, compression, target)
        else:
            _write_leaf(group, name, child, compression)
            target.check()


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


def _crc32(data: bytes | np.ndarray[Any, Any]) -> np.uint32:
    buffer: Any = data if isinstance(data, bytes) else data.reshape(-1).view(np.uint8)
    return np.uint32(zlib.crc32(buffer))


# --- a file into values ------------------------------------------------------------------------


class _File(NamedTuple):
    """An open file and its root group."""

    blocks: Blocks
    root: StoredGroup


def _open_and(path: str | os.PathLike[str], read: Callable[[_File], T]) -> T:
    """Open a file of dlframe's; any failure becomes a `FileFormatError` that says what it is."""
    with opened(path) as source:
        return _read_file(source, read)


def _read_file(source: Source, read: Callable[[_File], T]) -> T:
    if not source.head.startswith(HDF5_SIGNATURE):
        advice = (
            ". A file of dlframe's own format is expected here; dlframe.load reads the other one"
            if is_read_by_load(source.head)
            else ""
        )
        raise FileFormatError(f"it is {kind_of_file(source.head)}{advice}")
    try:
        blocks = Blocks(source, source.size)
        root = open_object(blocks, root_of(blocks))
        if not isinstance(root, StoredGroup):
            raise not_ours()
        _check_version(root)
        result = read(_File(blocks, root))
        blocks.verify()
    except (FileFormatError, MemoryError):
        raise
    except Exception as error:  # whatever a value that makes no sense may lead to
        raise FileFormatError(
            f"it is a damaged HDF5 file ({source.size:,} bytes): {printable(error, longest=200)}"
        ) from error
    return result


def _check_version(root: StoredGroup) -> None:
    if "dlframe_format" not in root.attributes:
        raise not_ours()
    found = int(root.attributes["dlframe_format"])
    if found > FORMAT:
        writer = printable(_text(root, "dlframe_version"))
        raise FileFormatError(
            f"it has format version {found}, written by dlframe {writer}; "
            f"this is dlframe {__version__}, which reads versions up to {FORMAT}. "
            f"Upgrade with: pip install -U dlframe"
        )


def _text(member: StoredGroup | Dataset, name: str) -> str:
    text = member.attributes.get(name)
    if not isinstance(text, bytes):
        raise damaged(f"the attribute {name!r} is not there, or no text")
    return text.decode("ascii")


def _load_all(file: _File) -> Any:
    if _text(file.root, "kind") == "value":
        return _decode(file.blocks, file.root.members["value"], ())
    return _decode_group(file.blocks, file.root, ())


def _load_some(
    file: _File, wanted: Callable[[str | int], bool]
) -> tuple[dict[Any, Any], list[str | int]]:
    kind = _text(file.root, "kind")
    if kind not in DICT_OF:
        raise FileFormatError(f"it holds a {printable(kind)}, not a dict with names to choose from")
    members = _keyed(file.root)
    values = {
        key: _decode(file.blocks, address, (key,))
        for key, address in members.items()
        if wanted(key)
    }
    return values, list(members)


# Where a value is: the keys and indices that lead to it. It becomes text only for a message.
Place = tuple[str | int, ...]


def _named(place: Place) -> str:
    return printable("obj" + "".join(f"[{key!r}]" for key in place), longest=200)


def _decode(blocks: Blocks, address: int, place: Place) -> Any:
    member = open_object(blocks, address)
    if isinstance(member, StoredGroup):
        return _decode_group(blocks, member, place)
    kind = _text(member, "kind")
    if kind == "none":
        return None
    if kind not in _DECODERS:
        raise FileFormatError(
            f"it has a value of unknown kind {printable(kind)!r} at {_named(place)}"
        )
    return _DECODERS[kind](_read(blocks, member, place), member.attributes)


def _decode_group(blocks: Blocks, group: StoredGroup, place: Place) -> Any:
    if len(place) > MAX_DEPTH:
        raise FileFormatError(f"it is nested deeper than {MAX_DEPTH} levels")
    kind = _text(group, "kind")
    if kind in ("list", "tuple"):
        items = []
        for i in range(len(group.members)):
            if f"[{i}]" not in group.members:
                raise damaged(f"{_named(place)} has no entry {i}")
            items.append(_decode(blocks, group.members[f"[{i}]"], (*place, i)))
        return items if kind == "list" else tuple(items)
    if kind not in DICT_OF:
        raise FileFormatError(
            f"it has a group of unknown kind {printable(kind)!r} at {_named(place)}"
        )
    pairs = []
    for key, address in _keyed(group).items():
        pairs.append((key, _decode(blocks, address, (*place, key))))
    return DICT_OF[kind](pairs)


def _keyed(group: StoredGroup) -> dict[str | int, int]:
    """The members of a dict by their keys; each key has one name, so no two can meet."""
    found = {}
    for name, address in group.members.items():
        key = member_key(name)
        if member_name(key, "obj") != name:
            raise damaged(f"the name {printable(name)!r} stands for no key")
        found[key] = address
    return found


def _read(blocks: Blocks, dataset: Dataset, place: Place) -> Any:
    """The bytes of a text, or an array, compared with their checksum."""
    data: Any = read_array(blocks, dataset)
    if data.dtype.kind == "S":
        data = data.tobytes()
    if _crc32(data) != dataset.attributes.get("crc32"):
        raise FileFormatError(
            f"it is damaged: the bytes of {_named(place)} were changed after they were written "
            f"(their CRC-32 differs)"
        )
    return data


_RAW_DTYPE = re.compile(r"[<>|][fcSUMm][1-9]\d{0,9}(\[\d{0,9}[A-Za-z]{1,2}\])?")


def _decode_array(data: Any, attributes: dict[str, Any]) -> np.ndarray[Any, Any]:
    """An array, whose dtype HDF5 may not have: then the file holds its bytes."""
    if isinstance(data, bytes):
        raise damaged("a text where an array should be")
    if "dtype" not in attributes:
        return data  # type: ignore[no-any-return] # an array
    name = bytes(attributes["dtype"]).decode("ascii")
    if data.dtype != np.uint8 or data.ndim != 1 or not _RAW_DTYPE.fullmatch(name):
        raise damaged(f"there is no dtype {printable(name)!r}")
    dtype, shape = np.dtype(name), tuple(attributes["shape"].tolist())
    if dtype.str != name or dtype.itemsize * math.prod(shape) != data.size:
        raise damaged(f"{data.size} bytes are no array of {printable(name)} with shape {shape}")
    return data.view(dtype).reshape(shape)  # type: ignore[no-any-return] # an array


def _decode_tensor(data: Any, attributes: dict[str, Any]) -> Tensor:
    return Tensor(_decode_array(data, attributes), bool(attributes.get("requires_grad", False)))


def _decode_bytes(data: Any, attributes: dict[str, Any]) -> bytes:
    if isinstance(data, bytes):
        return data
    if data.dtype != np.uint8 or data.ndim != 1:
        raise damaged(f"an array of {data.dtype} where bytes should be")
    return data.tobytes()  # type: ignore[no-any-return] # bytes


def _decode_str(data: Any, attributes: dict[str, Any]) -> str:
    return _decode_bytes(data, attributes).decode("utf-8", "surrogatepass")


def _decode_int(data: Any, attributes: dict[str, Any]) -> int:
    return int(data, 16) if isinstance(data, bytes) else _item(data, np.int64)


def _item(data: Any, dtype: type) -> Any:
    """The number in an array of no dimensions."""
    if isinstance(data, bytes) or data.dtype != dtype or data.ndim:
        raise damaged(f"another value where one {dtype.__name__} should be")
    return data.item()


def _decode_list(data: Any, attributes: dict[str, Any]) -> list[Any]:
    if isinstance(data, bytes) or data.dtype not in _LIST_DTYPES or data.ndim != 1:
        raise damaged("another value where a list of numbers should be")
    return data.tolist()  # type: ignore[no-any-return] # a list


_LIST_DTYPES = (np.int64, np.float64, np.bool_)

_DECODERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "bool": lambda data, attributes: _item(data, np.bool_),
    "int": _decode_int,
    "float": lambda data, attributes: _item(data, np.float64),
    "complex": lambda data, attributes: _item(data, np.complex128),
    "str": _decode_str,
    "np_str": lambda data, attributes: np.str_(_decode_str(data, attributes)),
    "bytes": _decode_bytes,
    "np_bytes": lambda data, attributes: np.bytes_(_decode_bytes(data, attributes)),
    "list": _decode_list,
    "tuple": lambda data, attributes: tuple(_decode_list(data, attributes)),
    "scalar": lambda data, attributes: _decode_array(data, attributes)[()],
    "array": _decode_array,
    "tensor": _decode_tensor,
}


# --- listing, imports --------------------------------------------------------------------------

_NAMES_AT_MOST = 64  # times the size of the file: a name is repeated in those of all inside


def _list_root(file: _File) -> tuple[str, list[Entry]]:
    entries: list[Entry] = []
    _list_group(file, file.root, "", 0, entries)
    return _text(file.root, "dlframe_version"), entries


def _list_group(
    file: _File, group: StoredGroup, prefix: str, depth: int, entries: list[Entry]
) -> None:
    if depth > MAX_DEPTH:
        raise FileFormatError(f"it is nested deeper than {MAX_DEPTH} levels")
    if len(prefix) * len(group.members) > _NAMES_AT_MOST * file.blocks.size:
        raise damaged("the names in it are too long")
    for name, address in group.members.items():  # in the order of writing
        member = open_object(file.blocks, address)
        path, kind = prefix + name, _text(member, "kind")
        if isinstance(member, StoredGroup):
            entries.append(Entry(path, kind, "", (), 0))
            _list_group(file, member, f"{path}/", depth + 1, entries)
        elif member.shape is None:
            entries.append(Entry(path, kind, "", (), 0))
        else:
            dtype = _text(member, "dtype") if "dtype" in member.attributes else str(member.dtype)
            given = member.attributes.get("shape")
            shape = member.shape if given is None else tuple(map(int, given))
            entries.append(Entry(path, kind, dtype, shape, member.nbytes))


def _h5py() -> Any:
    # Imported on first use: it takes as long as NumPy itself, and a script that saves nothing
    # does not need it.
    with needs("h5py"):
        import h5py

    return h5py
