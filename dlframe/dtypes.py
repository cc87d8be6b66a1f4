"""The dtypes, the default dtype, and PyTorch's rules of type promotion.

A dlframe dtype *is* a NumPy dtype, so `dl.float32 == np.float32` and arrays need no translation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.errors import DTypeError

DType = np.dtype[Any]
dtype = np.dtype  # for `isinstance(x, dl.dtype)`, and in annotations

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

_OWN = {
    own: own
    for own in (
        bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64, float16, float32, float64
    )
}  # fmt: skip


def get_default_dtype() -> DType:
    """The dtype of tensors made from Python floats: float32, or as `set_default_dtype` set it."""
    return _default


def set_default_dtype(d: Any) -> None:
    """Set the dtype of tensors made from Python floats to `d`, a floating-point dtype.

    >>> import dlframe as dl
    >>> dl.set_default_dtype(dl.float64)
    >>> dl.tensor(1.5).dtype
    dtype('float64')
    >>> dl.set_default_dtype(dl.float32)
    """
    global _default
    d = as_dtype(d)
    if d.kind != "f":
        raise DTypeError(f"set_default_dtype: only floating-point dtypes can be default, got {d}")
    _default = d


def as_dtype(dtype: Any) -> DType:
    """The NumPy dtype for a dtype, a NumPy scalar type, a name or a Python type.

    Python's `float` means float64 and `int` means int64, as in PyTorch.
    """
    try:
        found: DType = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"{dtype!r} is not a dtype; try dl.float32, dl.int64 or dl.bool") from None
    own = _OWN.get(found)  # NumPy's own instance; an unpickled one is equal but not the same
    if own is not None and dtype is not None:
        return own
    if dtype is None or found.kind not in _CATEGORY or found.itemsize > 8:
        raise DTypeError(
            f"dtype {dtype} is not supported; dlframe has bool, integer and float tensors"
        )
    return np.dtype(found.name)  # in this machine's order of bytes


def promote_types(type1: Any, type2: Any) -> DType:
    """The smallest dtype that can hold both, by PyTorch's table: a float wins over any integer.

    >>> promote_types(int64, float16)
    dtype('float16')
    >>> promote_types(uint8, int8)
    dtype('int16')
    """
    a, b = as_dtype(type1), as_dtype(type2)
    if _CATEGORY[a.kind] == _CATEGORY[b.kind]:
        common: DType = np.promote_types(a, b)
        if common.kind == "f" and a.kind != "f":
            raise DTypeError(f"promote_types: no integer dtype holds both {a} and {b}")
        return common
    return a if _CATEGORY[a.kind] > _CATEGORY[b.kind] else b


def result_type(*operands: Any) -> DType:
    """The dtype of an operation between tensors (or arrays) and scalars, as PyTorch computes it.

    Tensors with dimensions decide; a 0-d tensor changes the result only if its category (bool,
    integer, float) is higher, and a scalar of Python or NumPy only if it is higher still.

    >>> import dlframe as dl
    >>> dl.result_type(dl.ones(3), dl.tensor(2.0, dtype=dl.float64))
    dtype('float32')
    >>> dl.result_type(dl.tensor([1, 2]), 2.5)
    dtype('float32')
    """
    found: list[DType | None] = [None, None, None]  # with dimensions, 0-d, Python scalars
    for x in operands:
        level, dtype = _level_and_dtype(x)
        previous = found[level]
        found[level] = dtype if previous is None else promote_types(previous, dtype)
    candidates = [dtype for dtype in found if dtype is not None]
    if not candidates:
        raise DTypeError("result_type: at least one operand is needed")
    return max(candidates, key=lambda dtype: _CATEGORY[dtype.kind])  # of equals, the first


def _level_and_dtype(x: Any) -> tuple[Any, DType]:
    """0, 1 or 2 for dimensions, 0-d and scalar, and the dtype."""
    a = getattr(x, "array", x)
    if not isinstance(a, np.ndarray):
        a = np.asarray(a)
    if hasattr(x, "ndim") and not isinstance(x, np.generic):
        return (0 if a.ndim else 1), as_dtype(a.dtype)
    as_dtype(a.dtype)  # raises for values that are not numbers
    return 2, {"b": bool, "f": _default}.get(a.dtype.kind, int64)


def can_cast(from_: Any, to: Any) -> Any:
    """Whether PyTorch casts one dtype to the other implicitly; never to a lower category.

    >>> can_cast(float64, float16), can_cast(float16, int64)
    (True, False)
    """
    source, target = as_dtype(from_), as_dtype(to)
    return _CATEGORY[source.kind] <= _CATEGORY[target.kind]


class finfo:
    """The limits of a floating-point dtype, by default of the default dtype, as Python floats.

    `bits`, `eps` (from 1 to the next number), `max`, `min` = -max, `tiny` and
    `smallest_normal`, `resolution` and `dtype`.

    Raises:
        DTypeError: not a floating-point dtype.

    >>> finfo(float32).eps
    1.1920928955078125e-07
    >>> finfo(float16)
    finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, smallest_normal=6.10352e-05, \
tiny=6.10352e-05, dtype=float16)
    """

    def __init__(self, type: Any = None):
        dtype = _default if type is None else as_dtype(type)
        if dtype.kind != "f":
            raise DTypeError(f"finfo requires a floating point dtype, got {dtype}; use iinfo")
        limits = np.finfo(dtype)
        self.dtype, self.bits = dtype.name, limits.bits
        self.eps, self.resolution = limits.eps.item(), 10.0**-limits.precision
        self.min, self.max = limits.min.item(), limits.max.item()
        self.tiny = self.smallest_normal = limits.smallest_normal.item()

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        numbers = ", ".join(f"{name}={getattr(self, name):g}" for name in names)
        return f"finfo({numbers}, dtype={self.dtype})"


class iinfo:
    """The limits of an integer dtype: `bits`, `min`, `max` and `dtype`.

    Raises:
        DTypeError: not an integer dtype.

    >>> iinfo(int8)
    iinfo(min=-128, max=127, dtype=int8)
    """

    def __init__(self, type: Any):
        dtype = as_dtype(type)
        if dtype.kind not in "iu":
            raise DTypeError(f"iinfo requires an integer dtype, got {dtype}; use finfo for floats")
        limits = np.iinfo(dtype)
        self.dtype, self.bits = dtype.name, limits.bits
        self.min, self.max = limits.min, limits.max

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
