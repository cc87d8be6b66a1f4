"""Reads a pickle of arrays and plain types without executing it; `pytorch` adds tensors."""

from __future__ import annotations

import io
import math
import pickle
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from dlframe.base.printable import error_text, printable
from dlframe.errors import FileFormatError

# Python's version of the unpickler is used, since that in C reserves memory for every number of a
# memo that a pickle names, and compares dicts' keys of any depth, which can overflow the stack.
_Unpickler: Any = pickle._Unpickler  # it has a method per opcode

# The instructions of values, lists, tuples and dicts; others make objects of any class.
_OPCODES = [
    "PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "NONE", "NEWTRUE", "NEWFALSE", "INT",
    "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING",
    "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "EMPTY_LIST", "EMPTY_TUPLE",
    "EMPTY_DICT", "LIST", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "DICT", "APPEND", "APPENDS",
    "SETITEM", "SETITEMS", "GET", "BINGET", "LONG_BINGET", "PUT", "BINPUT", "LONG_BINPUT",
    "MEMOIZE", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD",
]  # fmt: skip


class Dtype:
    """A dtype of numbers or texts in the making; a real one would trust its state."""

    def __init__(self, name: Any, align: Any = False, copy: Any = False) -> None:
        if isinstance(name, bytes):  # a text of Python 2
            name = name.decode("ascii")
        if not isinstance(name, str) or not re.fullmatch(r"[biufSU]\d{1,9}", name):
            raise refused(f"the dtype {name!r}")
        self.dtype: Any = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        _, order, sub_dtype, names, fields, *_ = state
        if (sub_dtype, names, fields) != (None, None, None):
            raise refused("an array of records")
        order = order.decode("ascii") if isinstance(order, bytes) else order
        if order not in ("<", ">", "|", "="):
            raise refused(f"the order of bytes {order!r}")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for the class ndarray, which can be named but not called."""


def _checked(data: Any, dtype: Any, shape: Any) -> bytes:
    """The bytes of an array, as many as its shape wants."""
    if isinstance(data, str):
        data = data.encode("latin-1")
    is_shape = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not isinstance(dtype, Dtype) or not is_shape or not isinstance(data, (bytes, bytearray)):
        raise FileFormatError("the pickle has an array that is not made of dtype, shape and bytes")
    if math.prod(shape) * dtype.dtype.itemsize != len(data):
        raise FileFormatError(f"the pickle has {len(data)} bytes for an array of shape {shape}")
    return bytes(data)


def _empty(cls: Any, shape: Any, kind: Any) -> np.ndarray[Any, Any]:
    """An array whose state follows."""
    if cls is not _Array:
        raise refused("an array of another class")
    return np.empty(0, np.uint8)


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray[Any, Any]:
    """An array from its bytes, as NumPy pickles it with protocol 5."""
    data = _checked(buffer, dtype, shape)
    return np.ndarray(shape, dtype.dtype, bytearray(data), order="F" if order == "F" else "C")


def _encode(text: Any, encoding: Any = None) -> bytes:
    """The bytes that Python 3 writes as a text for Python 2."""
    if encoding != "latin1":
        raise refused(f"the encoding {encoding!r}")
    return str(text).encode("latin-1")


# A pickle is a program that may call any function it can name. These are all the names that an
# array or a string in a pickle needs; each of them only builds a value.
ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _empty,
    ("numpy._core.multiarray", "_reconstruct"): _empty,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
}
CALLABLES = (Dtype, _empty, _from_buffer, _encode)


class PlainUnpickler(_Unpickler):  # type: ignore[misc] # Any
    """An unpickler that refuses all classes and functions except those that build arrays."""

    admitted: Mapping[tuple[str, str], Any] = ADMITTED
    callables: Collection[Any] = CALLABLES
    dicts: Collection[type] = (dict,)

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self.admitted[module, name]
        except KeyError:
            raise self.refusal(module, name) from None

    def refusal(self, module: str, name: str) -> FileFormatError:
        """The error for a name that is not admitted."""
        return refused(f"{module}.{name}")

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        if not any(self.stack[-1] is one for one in self.callables):
            raise refused("a call of something else than arrays need")
        if type(arguments) is not tuple:
            raise refused("a call without a tuple of arguments")
        self.stack[-1] = self.stack[-1](*arguments)

    def load_build(self) -> None:
        state = self.stack.pop()
        self.built(self.stack[-1], state)

    def built(self, value: Any, state: Any) -> Any:
        """The array or dtype, after its state was set."""
        if isinstance(value, np.ndarray):
            _, shape, dtype, is_fortran, data = state
            data = _checked(data, dtype, shape)
            complete: Any = (1, shape, dtype.dtype, bool(is_fortran), data)
            value.__setstate__(complete)
        elif isinstance(value, Dtype):
            value.__setstate__(state)
        else:
            raise refused("the state of an object")
        return value

    def load_bytearray8(self) -> None:
        # Python's own takes the memory before it looks whether the bytes are there
        self.stack.append(bytearray(self.read(int.from_bytes(self.read(8), "little"))))

    def load_setitem(self) -> None:
        self.set_items([self.stack.pop(-2), self.stack.pop()])

    def load_setitems(self) -> None:
        self.set_items(self.pop_mark())

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.stack.append({})
        self.set_items(items)

    def set_items(self, items: list[Any]) -> None:
        """Put keys and values, one after the other, into the dict on top."""
        target = self.stack[-1]
        if type(target) not in self.dicts:
            raise refused("entries of something that is no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.check_key(key, target)
            target[key] = value

    def check_key(self, key: Any, target: Any) -> None:
        """Raise FileFormatError for a key of a dict that may do harm when it is hashed."""
        if type(key) not in (str, bytes, int):
            raise refused("a dict with keys that are no texts")

    def load_other(self) -> None:
        raise refused("an object of another kind")

    dispatch = (
        dict.fromkeys(_Unpickler.dispatch, load_other)
        | {  # as the class above has it
            code: method
            for code, method in _Unpickler.dispatch.items()
            if code in {getattr(pickle, name)[0] for name in _OPCODES}
        }
        | {
            pickle.REDUCE[0]: load_reduce,
            pickle.BUILD[0]: load_build,
            pickle.BYTEARRAY8[0]: load_bytearray8,
            pickle.SETITEM[0]: load_setitem,
            pickle.SETITEMS[0]: load_setitems,
            pickle.DICT[0]: load_dict,
        }
    )


def load_plain(content: bytes, encoding: str = "ASCII") -> Any:
    """The value in a pickle of arrays, dicts, lists, strings and numbers.

    Arrays have plain dtypes (numbers, texts, truth values), and keys are texts or numbers. Raises
    FileFormatError for a damaged pickle, and for anything else in it before it is called.

    >>> load_plain(pickle.dumps({"a": np.arange(3)}))
    {'a': array([0, 1, 2])}
    """
    try:
        return PlainUnpickler(io.BytesIO(content), encoding=encoding).load()
    except FileFormatError:
        raise
    except Exception as error:
        raise FileFormatError(
            f"the pickle cannot be read: {printable(error_text(error), longest=200)}"
        ) from error


def refused(what: str) -> FileFormatError:
    """The error for an instruction that is not executed."""
    return FileFormatError(
        f"the pickle asks for {printable(what, longest=100)}, which a file of arrays does not "
        "need; it may be an attack and was not executed"
    )
