"""The dtypes, the default dtype, and PyTorch's rules of type promotion.

A dlframe dtype *is* a NumPy dtype, so ``dl.float32 == np.float32`` and arrays need no translation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.errors import DTypeError

DType = np.dtype[Any]

float16 = half = np.dtype("float16")
float32 = float = np.dtype("float32")
float64 = double = np.dtype("float64")
uint8 = np.dtype("uint8")
uint16 = np.dtype("uint16")
uint32 = np.dtype("uint32")
uint64 = np.dtype("uint64")
int8 = np.dtype("int8")
int16 = short = np.dtype("int16")
int32 = int = np.dtype("int32")
int64 = long = np.dtype("int64")
bool = np.dtype("bool")

# bool < integers < floats: a higher category always wins, whatever the widths.
_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}

_default = float32


def get_default_dtype() -> DType:
    """The dtype that Python floats become: float32 unless `set_default_dtype` changed it."""
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Make `dtype` (a floating-point dtype) the one that Python floats become.

    >>> import dlframe as dl
    >>> dl.set_default_dtype(dl.float64)
    >>> dl.tensor(1.5).dtype
    dtype('float64')
    >>> dl.set_default_dtype(dl.float32)
    """
    global _default
    dtype = as_dtype(dtype)
    if dtype.kind != "f":
        raise DTypeError(
            f"set_default_dtype: only floating-point dtypes can be default, got {dtype}"
        )
    _default = dtype


def as_dtype(dtype: Any) -> DType:
    """A NumPy dtype for what a user may pass: a dtype, a NumPy scalar type, a name, a Python type.

    Python's ``float`` means the default dtype and ``int`` means int64, as in PyTorch.
    """
    if isinstance(dtype, np.dtype):
        found: DType = dtype
    elif dtype is type(0.0):
        found = _default
    else:
        try:
            found = np.dtype(dtype)
        except TypeError:
            raise DTypeError(
                f"{dtype!r} is not a dtype; try dl.float32, dl.int64 or dl.bool"
            ) from None
    if found.kind not in _CATEGORY:
        raise DTypeError(
            f"dtype {found} is not supported; dlframe has bool, integer and float tensors"
        )
    return np.dtype(
        found.char
    )  # the one instance of its kind: an unpickled dtype is equal, not identical


def promote_types(a: Any, b: Any) -> DType:
    """The smallest dtype that both go into, by PyTorch's table: a float wins over any integer.

    >>> promote_types(int64, float16)
    dtype('float16')
    >>> promote_types(uint8, int8)
    dtype('int16')
    """
    a, b = as_dtype(a), as_dtype(b)
    if _CATEGORY[a.kind] == _CATEGORY[b.kind]:
        return np.promote_types(a, b)
    return a if _CATEGORY[a.kind] > _CATEGORY[b.kind] else b


def result_type(*operands: Any) -> DType:
    """The dtype of an operation between arrays and Python scalars, as PyTorch computes it.

    Arrays with dimensions decide; a 0-d array changes the result only if its category (bool,
    integer, float) is higher, and a Python scalar only if it is higher still.

    >>> result_type(np.ones(3, "float32"), np.float64(2))
    dtype('float32')
    >>> result_type(np.ones(3, "int64"), 2.5)
    dtype('float32')
    """
    found: list[DType | None] = [None, None, None]  # with dimensions, 0-d, Python scalars
    for x in operands:
        level, dtype = _level_and_dtype(x)
        previous = found[level]
        found[level] = dtype if previous is None else promote_types(previous, dtype)
    result: DType | None = None
    for candidate in found:
        if candidate is None:
            continue
        if result is None or _CATEGORY[candidate.kind] > _CATEGORY[result.kind]:
            result = candidate
    if result is None:
        raise DTypeError("result_type: at least one operand is needed")
    return result


def _level_and_dtype(x: Any) -> tuple[Any, DType]:
    if isinstance(x, type(True)):
        return 2, bool
    if isinstance(x, type(0)):
        return 2, int64
    if isinstance(x, type(0.0)) and not isinstance(x, np.generic):
        return 2, _default
    a = np.asarray(x)
    return (0 if a.ndim else 1), as_dtype(a.dtype)


def can_cast(source: Any, target: Any) -> Any:
    """Whether PyTorch casts `source` to `target` without being told: never to a lower category."""
    source, target = as_dtype(source), as_dtype(target)
    signed_to_unsigned = source.kind == "i" and target.kind == "u"
    return _CATEGORY[source.kind] <= _CATEGORY[target.kind] and not signed_to_unsigned


finfo = np.finfo
iinfo = np.iinfo
