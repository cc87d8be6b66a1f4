"""Turns the values given to `save` into nodes, and checks them, before a file is opened.

A `Group` becomes an HDF5 group, a `Leaf` a dataset. The table of kinds is in `dlframe.utils.hdf5`.
"""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np

from dlframe.errors import DTypeError
from dlframe.tensor import Tensor

MAX_DEPTH = 200
"""How deep values may be nested; far below Python's limit, so a cycle ends in a clear error."""

_MAX_NAME = 32_000  # bytes; HDF5 keeps a name in a message of at most 64 KiB
_MAX_KEY_BITS = 10_000  # Python refuses to print a number of more than 4300 digits
_MAX_RANK = 32  # HDF5's limit on dimensions

# Counter: the milestones of MultiStepLR are one
DICTS: dict[type, str] = {dict: "dict", OrderedDict: "ordered_dict", Counter: "counter"}
DICT_OF: dict[str, Callable[[Any], Any]] = {
    "dict": dict,
    "ordered_dict": OrderedDict,
    "counter": lambda pairs: Counter(dict(pairs)),
}


class Group(NamedTuple):
    """A dict, list or tuple: an HDF5 group."""

    kind: str
    children: dict[str, Group | Leaf]


class Leaf(NamedTuple):
    """One value: an HDF5 dataset. `data` is an ndarray, encoded text, or None for no value."""

    kind: str
    data: Any
    attributes: dict[str, Any]


def encode(obj: Any, where: str = "obj", depth: int = 0) -> Group | Leaf:
    """Turn a value into nodes, or raise. No array is copied; the whole nest is checked."""
    if depth > MAX_DEPTH:
        raise DTypeError(
            f"save: {where[:60]}… is nested deeper than {MAX_DEPTH} levels, or contains itself"
        )
    kind = type(obj)
    if kind in DICTS:
        return _encode_dict(obj, where, depth)
    if kind in (list, tuple):
        return _encode_sequence(obj, where, depth)
    if isinstance(obj, Tensor):
        leaf = _encode_array("tensor", obj.array, where)
        return leaf._replace(attributes=leaf.attributes | _grad_flag(obj))
    if kind in (np.ndarray, np.memmap):
        return _encode_array("array", obj, where)
    if kind in _SCALARS:
        return _SCALARS[kind](obj)
    if isinstance(obj, np.generic):
        return _encode_array("scalar", np.asarray(obj), where)
    raise DTypeError(f"save: cannot store {type_name(obj)} at {where}. {advice(obj)}")


def _encode_dict(obj: dict[Any, Any], where: str, depth: int) -> Group:
    kind = DICTS[type(obj)]
    children = {}
    for key, value in obj.items():
        if type(key) not in (str, int):
            raise DTypeError(
                f"save: the keys of a dict must be str or int; "
                f"got {key!r} ({type_name(key)}) in {where}"
            )
        children[member_name(key, where)] = encode(value, f"{where}[{key!r}]", depth + 1)
    return Group(kind, children)


def _encode_sequence(obj: list[Any] | tuple[Any, ...], where: str, depth: int) -> Group | Leaf:
    kind = "list" if type(obj) is list else "tuple"
    items = {type(item) for item in obj}
    # A list of 60,000 indices must become one dataset, not 60,000.
    if items in ({int}, {float}, {bool}) and (items != {int} or all(map(_fits_int64, obj))):
        item = items.pop()
        return Leaf(kind, np.array(obj, dtype=_DTYPES[item]), {"items": item.__name__})
    return Group(
        kind, {f"[{i}]": encode(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(obj)}
    )


def _encode_array(kind: str, array: np.ndarray[Any, Any], where: str) -> Leaf:
    dtype = array.dtype
    if array.ndim > _MAX_RANK:
        raise DTypeError(
            f"save: the array at {where} has {array.ndim} dimensions; "
            f"HDF5 takes {_MAX_RANK} at most"
        )
    if dtype.itemsize <= (16 if dtype.kind == "c" else 8) and dtype.kind in "biufc":
        return Leaf(kind, array, {})
    if (
        dtype.kind in "fcSUMm" and dtype.itemsize
    ):  # HDF5 has no such type: store the bytes and the dtype's name
        raw = np.frombuffer(array.tobytes(), np.uint8)
        return Leaf(kind, raw, {"dtype": dtype.str, "shape": np.array(array.shape, np.int64)})
    raise DTypeError(
        f"save: cannot store an array of dtype {dtype} at {where}. Numbers, bools, texts and dates "
        f"can be stored; turn the array into one of these, or into a dict of arrays"
    )


def _encode_int(value: int) -> Leaf:
    if _fits_int64(value):
        return Leaf("int", np.array(value, np.int64), {})
    return Leaf("int", hex(value).encode(), {})


def _encode_str(value: str) -> Leaf:
    encoded = value.encode("utf-8", "surrogatepass")
    try:
        value.encode("utf-8")
        as_text = bool(value) and "\0" not in value
    except UnicodeEncodeError:
        as_text = False
    # HDF5's texts end at the first NUL, cannot be empty, and must be valid: otherwise store bytes
    return Leaf("str", encoded if as_text else np.frombuffer(encoded, np.uint8), {})


def _fits_int64(value: int) -> bool:
    return -(1 << 63) <= value < 1 << 63


def _grad_flag(tensor: Tensor) -> dict[str, Any]:
    return {"requires_grad": True} if tensor.requires_grad else {}


_DTYPES: dict[type, type] = {int: np.int64, float: np.float64, bool: np.bool_}

_SCALARS: dict[type, Callable[[Any], Leaf]] = {
    type(None): lambda value: Leaf("none", None, {}),
    bool: lambda value: Leaf("bool", np.array(value), {}),
    int: _encode_int,
    float: lambda value: Leaf("float", np.array(value), {}),
    complex: lambda value: Leaf("complex", np.array(value), {}),
    str: _encode_str,
    bytes: lambda value: Leaf("bytes", np.frombuffer(value, np.uint8), {}),
    # not as arrays or with str, which drop NULs at the end
    np.str_: lambda value: _encode_str(value)._replace(kind="np_str"),
    np.bytes_: lambda value: Leaf("np_bytes", np.frombuffer(value, np.uint8), {}),
}


def type_name(obj: Any) -> str:
    kind = type(obj)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


def advice(obj: Any) -> str:
    if isinstance(obj, (set, frozenset)):
        return "Store sorted(…) of it."
    if isinstance(obj, os.PathLike):
        return "Store str(…) of it."
    if hasattr(obj, "state_dict"):
        return "Store its state_dict()."
    if isinstance(obj, tuple):
        return "Store tuple(…) of it, or its _asdict()."
    if callable(obj):
        return "Store its name."
    return (
        "What can be stored: dict, list, tuple, str, bytes, bool, None, int, float, complex, "
        "NumPy scalars and arrays, Tensors."
    )


# --- names -------------------------------------------------------------------------------------


def member_name(key: str | int, where: str) -> str:
    """A dict key as the name of an HDF5 member; `member_key` is its inverse."""
    if type(key) is int:
        if key.bit_length() > _MAX_KEY_BITS:
            raise DTypeError(f"save: an int key in {where} has {key.bit_length()} bits")
        return f"[{key}]"
    assert isinstance(key, str)
    name = key.replace("%", "%25").replace("/", "%2F").replace("\0", "%00")
    if not name:
        name = "%"
    elif name[0] in "[.":  # "[" begins an int key, and "." is HDF5's name for the group itself
        name = f"%{ord(name[0]):02X}{name[1:]}"
    try:
        length = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        raise DTypeError(f"save: the key {key!r} in {where} is not valid Unicode text") from None
    if length > _MAX_NAME:
        raise DTypeError(f"save: the key {key[:40]!r}… in {where} is over {_MAX_NAME} bytes long")
    return name


def member_key(name: str) -> str | int:
    if name.startswith("["):
        return int(name[1:-1])
    return "" if name == "%" else unquote(name)
