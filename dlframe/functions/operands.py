"""What the operands of a function may be: tensors and numbers, checked when nothing else worked."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import ops
from dlframe.dtypes import float64, get_default_dtype, result_type
from dlframe.errors import DTypeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase

__all__: list[str] = []

Number = int | float | bool


def checked(name: str, out: Any, input: Any, other: Any) -> Any:
    """`out`, what an operation made of two operands, if it could make anything of them.

    Raises:
        TypeError: an operand is neither a tensor nor a number.
    """
    if isinstance(out, TensorBase):
        return out
    if out is NotImplemented:
        wrong = other if isinstance(input, (TensorBase, int, float)) else input
        raise TypeError(
            f"{name}(): operands must be tensors or numbers, not {type(wrong).__name__}; "
            "make a tensor with dl.tensor(...)"
        )
    dtype = get_default_dtype() if out.dtype.kind == "f" else out.dtype
    return wrap(np.asarray(out, dtype))  # of two numbers


def tensor_of(x: Any) -> Any:
    """A number as a 0-d tensor of the dtype that PyTorch gives it."""
    return x if isinstance(x, TensorBase) else wrap(np.asarray(x, result_type(x)))


def floats_of(x: Any) -> Any:
    """Integers and bools as the default float dtype."""
    return x if x.dtype.kind == "f" else wrap(x.array.astype(get_default_dtype()))


def doubled(x: Any) -> Any:
    """A tensor in float64; numbers are that already."""
    if isinstance(x, (int, float)) or x.dtype == float64:
        return x
    return ops.cast(x, dtype=float64) if x.dtype.kind == "f" else wrap(x.array.astype(float64))


def scaled(name: str, input: Any, other: Any, alpha: Any) -> Any:
    """alpha · other, for the functions that take such a factor.

    Raises:
        DTypeError: that would make floats of integers.
    """
    if alpha == 1:
        return other
    if isinstance(alpha, float) and result_type(input, other).kind != "f":
        raise DTypeError(
            f"{name}: For integral input tensors, argument alpha must not be a floating point "
            f"number; got {alpha}"
        )
    return ops.multiply(tensor_of(other), alpha)
