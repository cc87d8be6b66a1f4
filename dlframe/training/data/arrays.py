"""Arrays of other kinds, brought into the form of ours: frames, sparse matrices, lists, …"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np

from dlframe.data import DataLoader, Dataset
from dlframe.errors import ArgumentError, DTypeError
from dlframe.nn import Module
from dlframe.tensor import Tensor, to_array
from dlframe.training.data.batches import Batches

_ENCODE = "classes, y = np.unique(y, return_inverse=True); then classes[i] is the name of class i"


def is_sparse(value: Any) -> bool:
    """Whether it is a sparse matrix or array of SciPy."""
    return hasattr(value, "tocsr") and hasattr(value, "toarray")


def is_array(value: Any) -> bool:
    """Whether it is one array of samples: of NumPy, pandas or SciPy, a Tensor, lists of numbers."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        return True
    if isinstance(value, (Module, Dataset, DataLoader, Mapping, Batches, str, type)):
        return False
    if is_sparse(value) or hasattr(value, "to_numpy"):
        return True
    if isinstance(value, (list, tuple)):
        return _is_numbers(value)
    return hasattr(value, "__array__")


def refuse_zeros(weight: Any, what: str) -> None:
    """Raise ArgumentError for weights all of which are 0, with which nothing can be learned."""
    if not is_array(weight):
        return
    array = to_array(plain_array(weight, "sample_weight"))
    if array.size and array.dtype.kind in "biuf" and not array.any():
        raise ArgumentError(
            f"{what}: all weights are 0, so that no sample counts; give some a weight above 0"
        )


def _is_numbers(value: Any) -> bool:
    """Whether it is a list of numbers or strings, or of such lists; a tuple of lists is a pair."""
    if isinstance(value, tuple) and value and isinstance(value[0], (list, tuple)):
        return False
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, (Number, str))


def is_nest(value: Any) -> bool:
    """Whether it is a tuple, list or dict of arrays, and not one array."""
    if isinstance(value, Batches):
        return False
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, (tuple, list)) and not _is_numbers(value):
        parts = list(value)
    else:
        return False
    return bool(parts) and all(is_array(part) or is_nest(part) for part in parts)


def plain_array(value: Any, what: str) -> Any:
    """An ndarray of a number type in this machine's byte order, a Tensor, or a CSR matrix.

    Nothing is copied that can be used as it is. Raises DTypeError for strings, objects and dates,
    and for lists whose rows differ in length; `what` names the data there.

    >>> plain_array([[1, 2], [3, 4]], "x").dtype, plain_array(np.zeros(2, ">f8"), "x").dtype.str[1:]
    (dtype('int64'), 'f8')
    """
    if isinstance(value, Tensor):
        return value
    if is_sparse(value):
        return value.tocsr()
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DTypeError(
            f"{what}: the rows are of different lengths; an array needs equal ones. Pad them, or "
            "give batches of your own: a data set with a collate_fn"
        ) from error
    if array.dtype == object:
        array = _of_objects(array, what)
    kind = array.dtype.kind
    if kind in "biuf":
        if array.dtype.itemsize > 8:  # long double
            return array.astype(np.float64)
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    raise _refused(array, what)


def _of_objects(array: np.ndarray[Any, Any], what: str) -> np.ndarray[Any, Any]:
    """The numbers of an array of Python objects, such as a frame of mixed columns gives."""
    first = array.flat[0] if array.size else 0
    if isinstance(first, (Number, np.generic)) and not isinstance(first, complex):
        try:
            if all(isinstance(one, (int, np.integer)) for one in array.flat):
                return array.astype(np.int64)
            return array.astype(np.float64)
        except OverflowError:
            raise DTypeError(
                f"{what}: {max(array.flat, key=abs)} is too large for a number of 64 bits"
            ) from None
        except (TypeError, ValueError):
            bad = next(
                one
                for one in array.flat
                if isinstance(one, complex) or not isinstance(one, (Number, np.generic))
            )
            raise DTypeError(
                f"{what}: not all values are real numbers; one is {bad!r} ({type(bad).__name__})"
            ) from None
    raise _refused(array, what)


def _refused(array: np.ndarray[Any, Any], what: str) -> DTypeError:
    first = array.flat[0] if array.size else None
    if array.dtype.kind in "US" or isinstance(first, (str, bytes)):
        advice = f"Labels can be numbered: {_ENCODE}"
        if what.endswith(("x", "]")):
            advice = "Leave such columns out, or give each category a column of 0 and 1"
        return DTypeError(f"{what}: strings are no numbers; the first is {first!r}. {advice}")
    if array.dtype == object:
        return DTypeError(
            f"{what}: an array of objects ({type(first).__name__}) is no array of numbers; make "
            "one of them, such as with np.stack, or x.astype(np.float32)"
        )
    return DTypeError(f"{what}: dtype {array.dtype} is none that a model or loss can compute with")


def as_tensor(value: Any, what: str) -> Any:
    """A Tensor of an array of any kind; what is no array is given back."""
    if isinstance(value, Tensor):
        return value
    if not is_array(value):
        return value
    array = plain_array(value, what)
    if is_sparse(array):
        array = array.toarray()
    return array if isinstance(array, Tensor) else Tensor(array)


def mapped(function: Any, value: Any, what: str) -> Any:
    """A nest of the same form with each array replaced."""
    if isinstance(value, Mapping):
        return {key: mapped(function, part, f"{what}[{key!r}]") for key, part in value.items()}
    if isinstance(value, (list, tuple)) and not _is_numbers(value):
        return [mapped(function, part, f"{what}[{i}]") for i, part in enumerate(value)]
    return function(value, what)
