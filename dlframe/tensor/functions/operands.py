"""What the operands of a function may be: tensors and numbers, checked when nothing else worked."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import ops
from dlframe.dtypes import float64, get_default_dtype, result_type
from dlframe.errors import DTypeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase
from dlframe.tensor.functions.arguments import to_dtype

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
        raise no_operand(name, other if isinstance(input, (TensorBase, int, float)) else input)
    dtype = get_default_dtype() if out.dtype.kind == "f" else out.dtype
    return wrap(np.asarray(out, dtype))  # of two numbers


def tensor_of(x: Any) -> Any:
    """A number as a 0-d tensor of the dtype that PyTorch gives it."""
    return x if isinstance(x, TensorBase) else wrap(np.asarray(x, result_type(x)))


def pair_of(name: str, input: Any, other: Any) -> tuple[Any, Any]:
    """Both as tensors, for the functions of floats where one of them may be a number.

    Raises:
        TypeError: both are numbers, or one is something else.
    """
    for x in (input, other):
        if not isinstance(x, (TensorBase, int, float)):
            raise no_operand(name, x)
    if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
        raise TypeError(f"{name}(): one of the two arguments must be a tensor")
    dtype = result_type(input, other)  # a number counts less than a tensor without dimensions
    if dtype.kind != "f":
        dtype = get_default_dtype()
    pair = [x if isinstance(x, TensorBase) else wrap(np.asarray(x, dtype)) for x in (input, other)]
    return pair[0], pair[1]


def no_operand(name: str, x: object) -> TypeError:
    """The error for an operand that is neither a tensor nor a number."""
    return TypeError(
        f"{name}(): operands must be tensors or numbers, not {type(x).__name__}; "
        "make a tensor with dl.tensor(...)"
    )


def floats_of(x: Any) -> Any:
    """Integers and bools as the default float dtype."""
    return x if x.dtype.kind == "f" else wrap(x.array.astype(get_default_dtype()))


def doubled(x: Any) -> Any:
    """A tensor in float64; numbers are that already."""
    if isinstance(x, (int, float)) or x.dtype == float64:
        return x
    return ops.cast(x, dtype=float64) if x.dtype.kind == "f" else wrap(x.array.astype(float64))


def scaled_into(ufunc: np.ufunc) -> Any:
    """`ufunc` into given memory, with a factor `alpha` for its second operand."""

    def into(x: Any, other: Any, *, alpha: Any = 1.0, out: Any) -> Any:
        return ufunc(x, other if alpha == 1.0 else other * alpha, out=out)

    return into


def scaled(name: str, input: Any, other: Any, alpha: Any, argument: str = "alpha") -> Any:
    """alpha · other, for the functions that take such a factor as their `argument`.

    Raises:
        DTypeError: that would make floats of integers.
    """
    if alpha == 1:
        return other
    dtype = result_type(input, other)
    if dtype.kind == "b" and isinstance(alpha, int):
        alpha = bool(alpha)  # bools stay bools
    if isinstance(alpha, float) and dtype.kind != "f":
        raise DTypeError(
            f"{name}: For integral input tensors, argument {argument} must not be a floating "
            f"point number; got {alpha}"
        )
    return ops.multiply(to_dtype(tensor_of(other), dtype), alpha)
