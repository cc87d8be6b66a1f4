"""Tensors from data: numbers, sequences, arrays, and the memory of other libraries."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from dlframe.base import nests
from dlframe.base.quiet import quiet
from dlframe.dtypes import DType, as_dtype, get_default_dtype, promote_types
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.record import Array, TensorBase, to_array
from dlframe.tensor import Tensor
from dlframe.tensor.devices import check_device, check_placement

__all__ = [
    "as_tensor",
    "asarray",
    "from_dlpack",
    "from_numpy",
    "frombuffer",
    "scalar_tensor",
    "tensor",
]


_NUMBERS = {bool, int, float}


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with a copy of `data`: numbers, nested sequences, arrays or tensors.

    Python floats become the default dtype, ints int64, bools bool; arrays keep their dtype.

    Raises:
        ShapeError: rows of different lengths.
        DTypeError: `data` does not consist of numbers.

    >>> dl.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    check_placement(device, None, pin_memory)
    return Tensor(np.array(values_of(data, dtype)), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, without a copy where that is possible.

    >>> a = np.zeros(2)
    >>> dl.as_tensor(a).numpy() is a
    True
    """
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return Tensor(values_of(data, dtype))


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """`obj` as a leaf tensor, which shares its memory if possible.

    Args:
        obj: a tensor, an array, an object with a buffer, a number or nested sequences.
        dtype: of the result, by default that of `obj`.
        device: the CPU.
        copy: True copies always, False raises if a copy is needed, None copies if needed.
        requires_grad: of the result; by default False, but a tensor then keeps its graph.

    >>> a = np.zeros(2)
    >>> dl.asarray(a).numpy() is a
    True
    """
    check_device(device)
    if isinstance(obj, Tensor):
        out: Tensor = obj if dtype is None else obj.to(dtype)
        if copy:
            out = out.clone() if out is obj else out
        elif copy is False and out is not obj:
            raise ArgumentError("asarray: can't alias tensor with another dtype; pass copy=True")
        if requires_grad is False and out.requires_grad:
            return out.detach()
        return out.requires_grad_() if requires_grad else out
    source = obj
    if not isinstance(obj, (np.ndarray, np.generic)) and _has_buffer(obj):
        source = np.frombuffer(obj, dtype=np.uint8 if dtype is None else as_dtype(dtype))
    values = values_of(source, dtype)
    shares = isinstance(source, np.ndarray) and np.may_share_memory(values, source)
    if copy is False and not shares:
        raise ArgumentError(f"asarray: can't alias {type(obj).__name__} data; pass copy=None")
    return Tensor(values.copy() if copy and shares else values, bool(requires_grad))


def _has_buffer(obj: Any) -> bool:
    return isinstance(obj, (bytes, bytearray, memoryview))


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A vector in the memory of an object with a buffer, such as a bytearray.

    >>> dl.frombuffer(bytearray([1, 2, 3]), dtype=dl.uint8, offset=1)
    tensor([2, 3], dtype=dlframe.uint8)
    """
    size = memoryview(buffer).nbytes
    kind = as_dtype(dtype)
    if not size or not count:
        raise ArgumentError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ArgumentError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({size} bytes) minus 1"
        )
    if count < 0 and (size - offset) % kind.itemsize:
        raise ArgumentError(
            f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({kind.itemsize})"
        )
    if count > 0 and offset + count * kind.itemsize > size:
        raise ArgumentError(
            f"requested buffer length ({count} * {kind.itemsize} bytes) after offset ({offset} "
            f"bytes) must not be greater than actual buffer length ({size} bytes)"
        )
    return Tensor(np.frombuffer(buffer, kind, count, offset), requires_grad)


def scalar_tensor(
    s: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A number as a 0-d tensor, by default of the default dtype.

    >>> dl.scalar_tensor(3)
    tensor(3.)
    """
    check_placement(device, layout, pin_memory)
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return Tensor(np.array(values_of(s, kind)), requires_grad)


def from_numpy(ndarray: Array) -> Tensor:
    """A tensor that shares the memory of an array.

    Of an array of a subclass (`np.matrix`, `np.memmap`, masked) it takes the elements alone, and
    not its ways to compute.

    >>> dl.from_numpy(np.arange(3.0))
    tensor([0., 1., 2.], dtype=dlframe.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(
            f"expected np.ndarray (got {type(ndarray).__name__}); use dl.tensor for other data"
        )
    if not ndarray.dtype.isnative:
        raise ArgumentError(
            "from_numpy: given numpy array has byte order different from the native byte order, so "
            "no tensor can share its memory; use dl.tensor, which copies"
        )
    return Tensor(np.asarray(ndarray))


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's array on the CPU, through DLPack.

    `copy=True` copies always, `copy=False` raises if a copy is needed.

    >>> dl.from_dlpack(np.arange(3))
    tensor([0, 1, 2])
    """
    check_device(device)
    return Tensor(np.from_dlpack(ext_tensor, copy=copy))


@quiet
def values_of(data: Any, dtype: Any) -> Array:
    """`data` as an array in the dtype that PyTorch would infer."""
    target = None if dtype is None else as_dtype(dtype)
    if isinstance(data, (TensorBase, np.ndarray, np.generic)):
        array = to_array(data)
        return array if target is None else array.astype(target, copy=False)
    if isinstance(data, (list, tuple)) and not _types(data) <= _NUMBERS:
        data = nests.map_leaves(_number, data)
    try:
        array = np.array(data)
    except ValueError as error:
        raise ShapeError(
            "tensor: the nested sequences have different lengths, so they do not form a tensor "
            f"({error}); pad them to one length, or keep them in a list"
        ) from None
    _check_numbers(array, data)
    if target is None:
        target = _inferred(array, data)
    elif target.kind in "iu":
        if array.dtype.kind == "f":
            array = _exact(array, data)
        _check_range(array, target)
    return array.astype(target, copy=False)


def _exact(array: Array, data: Any) -> Array:
    """The integers of which NumPy made floats, and so rounded them: above 2⁶³, or beside floats."""
    if not array.size or not 2**53 <= np.abs(array).max() < np.inf:
        return array
    return np.array([int(x) for x in np.array(data, dtype=object).flat], object).reshape(
        array.shape
    )


def _types(data: Iterable[Any]) -> set[type]:
    """The types of the numbers in nested sequences, found row by row, which is fast."""
    found = set(map(type, data))
    if found <= _NUMBERS:
        return found
    for row in data:
        found |= _types(row) if isinstance(row, (list, tuple)) else {type(row)}
    return found - {list, tuple}


def _number(x: Any) -> Any:
    """The number in a tensor of one element; anything else as it is."""
    if not isinstance(x, TensorBase):
        return x
    if x.array.size != 1:
        raise ShapeError(
            "tensor: only one element tensors can be converted to Python scalars, and the "
            f"sequence holds one of shape {list(x.array.shape)}; use dl.stack()"
        )
    return x.array.reshape(())[()]


def _check_numbers(array: Array, data: Any) -> None:
    if array.dtype.kind == "O" and all(isinstance(v, int) for v in array.flat):
        raise ArgumentError("tensor: Overflow: an integer does not fit into int64")
    if array.dtype.kind not in "buif":
        raise DTypeError(
            f"tensor: cannot make a tensor of {type(data).__name__} data (NumPy's dtype for it is "
            f"{array.dtype})"
        )


def _inferred(array: Array, data: Any) -> DType:
    """The dtype of nested sequences: NumPy's numbers keep theirs, Python's follow PyTorch."""
    if array.dtype.kind == "b" or not array.size:
        return array.dtype if array.dtype.kind == "b" else get_default_dtype()
    kinds = _types(data) if isinstance(data, (list, tuple)) else set(map(type, _leaves(data)))
    if kinds <= _NUMBERS:
        # above 2**63 NumPy takes uint64, and beside smaller numbers float64
        if array.dtype.kind == "u" or (array.dtype.kind == "f" and float not in kinds):
            raise ArgumentError("tensor: Overflow: an integer does not fit into int64")
        return get_default_dtype() if array.dtype.kind == "f" else array.dtype
    python = {bool: np.bool_, int: np.int64, float: get_default_dtype()}
    dtypes = {as_dtype(python.get(type(x)) or x.dtype) for x in _leaves(data)}
    return functools.reduce(promote_types, dtypes)


def _leaves(data: Any) -> Iterator[Any]:
    if isinstance(data, Iterable) and not isinstance(data, np.ndarray):
        for item in data:
            yield from _leaves(item)
    else:
        yield data


def _check_range(array: Array, dtype: DType) -> None:
    """Raise if a Python number does not fit; -1 in uint8 is 255, as in PyTorch."""
    if not array.size:
        return
    limit = np.iinfo(dtype)
    most = limit.max
    lowest = limit.min if array.dtype.kind == "O" else -most - 1
    # compared as they are, since 2**63 - 1 is no float64; large floats are integers by now
    if not (lowest <= array.min() and array.max() <= most):
        raise ArgumentError(
            f"tensor: values from {array.min()} to {array.max()} cannot be converted to type "
            f"{dtype} without overflow"
        )
