"""Reads a pickle of arrays and plain types without executing it."""

from __future__ import annotations

import _codecs
import io
import pickle
from typing import Any

import numpy as np
from numpy._core import multiarray

from dlframe.errors import FileFormatError


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: Any) -> Any:
    """An array from its bytes, as NumPy pickles it with protocol 5."""
    return np.frombuffer(buffer, dtype).reshape(shape, order=order)


# A pickle is a program that may call any function it can name. These are all the names that an
# array or a string in a pickle needs; each of them only builds a value.
_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): multiarray._reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): multiarray._reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _codecs.encode,
}


class PlainUnpickler(pickle.Unpickler):
    """An unpickler that refuses all classes and functions except those that build arrays."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise FileFormatError(
                f"the pickle asks for {module}.{name}, which a file of arrays does not need; it "
                "may be an attack and was not executed"
            ) from None


def load_plain(content: bytes, encoding: str = "ASCII") -> Any:
    """The value in a pickle of arrays, dicts, lists, strings and numbers.

    Raises FileFormatError for a damaged pickle, and for anything else in it before it is called.

    >>> load_plain(pickle.dumps({"a": np.arange(3)}))
    {'a': array([0, 1, 2])}
    """
    try:
        return PlainUnpickler(io.BytesIO(content), encoding=encoding).load()
    except FileFormatError:
        raise
    except Exception as error:
        raise FileFormatError(
            f"the pickle cannot be read: {type(error).__name__}: {error}"
        ) from error
