"""Comparisons, logic and bits; these operations have no gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.dtypes import result_type
from dlframe.errors import DTypeError
from dlframe.ops.calling import explained
from dlframe.ops.op import OpFunction, plain, stands_for

__all__ = [
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "equal",
    "gcd",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "lcm",
    "left_shift",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "right_shift",
    "signbit",
]


ndarray = np.ndarray


_BITWISE = (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift)


def _no_bits(ufunc: np.ufunc, *operands: Any) -> DTypeError:
    dtypes = " and ".join(str(np.asarray(x).dtype) for x in operands)
    return DTypeError(
        f"{ufunc.__name__}: not implemented for {dtypes}; only integers and bools have bits"
    )


def _of_one_dtype(ufunc: np.ufunc, latex: str, *, bools: bool = True) -> OpFunction:
    """`ufunc` of operands that are first brought to PyTorch's common dtype.

    NumPy would use the wider dtype, and then 0.1 in float32 would differ from 0.1 in float64.
    """

    @stands_for(ufunc, same_for="fiub")
    def compare(x: Any, y: Any) -> Any:
        if type(x) is ndarray and type(y) is ndarray and x.dtype is not y.dtype:
            dtype = result_type(x, y)
            x, y = x.astype(dtype, copy=False), y.astype(dtype, copy=False)
        try:
            out = ufunc(x, y)
        except OverflowError:  # a number outside the dtype's range wraps around, as in arithmetic
            dtype = result_type(x, y)
            out = ufunc(np.asarray(x).astype(dtype), np.asarray(y).astype(dtype))
        except (ValueError, TypeError) as error:
            if ufunc in _BITWISE and "f" in (np.asarray(x).dtype.kind, np.asarray(y).dtype.kind):
                raise _no_bits(ufunc, x, y) from None
            raise explained(operation.definition, x, y, error) from None
        if not bools and out.dtype.char == "b" and np.result_type(x, y).kind == "b":
            raise DTypeError(f"{ufunc.__name__}: not implemented for bool tensors; use .int()")
        return out

    operation = plain(compare, order="K", latex=latex)
    return operation


equal = _of_one_dtype(np.equal, "[x = y]")
not_equal = _of_one_dtype(np.not_equal, r"[x \neq y]")
less = _of_one_dtype(np.less, "[x < y]")
less_equal = _of_one_dtype(np.less_equal, r"[x \leq y]")
greater = _of_one_dtype(np.greater, "[x > y]")
greater_equal = _of_one_dtype(np.greater_equal, r"[x \geq y]")

logical_and = plain(np.logical_and, latex=r"x \wedge y")
logical_or = plain(np.logical_or, latex=r"x \vee y")
logical_xor = plain(np.logical_xor, latex=r"x \oplus y")
logical_not = plain(np.logical_not, latex=r"\neg x")

isnan = plain(np.isnan, latex=r"[x \neq x]")
isinf = plain(np.isinf, latex=r"[|x| = \infty]")
isfinite = plain(np.isfinite, latex=r"[|x| < \infty]")
signbit = plain(np.signbit, latex=r"[\mathrm{copysign}(1, x) < 0]")


def _isposinf(x: Any) -> Any:
    """Whether an element is ∞."""
    return x == np.inf


def _isneginf(x: Any) -> Any:
    """Whether an element is -∞."""
    return x == -np.inf


isposinf = plain(_isposinf, name="isposinf", order="K", latex=r"[x = \infty]")
isneginf = plain(_isneginf, name="isneginf", order="K", latex=r"[x = -\infty]")


@stands_for(np.bitwise_not, same_for="iub")
def _flipped(x: Any) -> Any:
    """All bits flipped; "not" of bools."""
    if np.asarray(x).dtype.kind == "f":
        raise _no_bits(np.bitwise_not, x)
    return np.bitwise_not(x)


bitwise_and = _of_one_dtype(np.bitwise_and, r"x \wedge y")
bitwise_or = _of_one_dtype(np.bitwise_or, r"x \vee y")
bitwise_xor = _of_one_dtype(np.bitwise_xor, r"x \oplus y")
bitwise_not = plain(_flipped, name="bitwise_not", order="K", latex=r"\neg x")
left_shift = _of_one_dtype(np.left_shift, r"x \cdot 2^y", bools=False)
right_shift = _of_one_dtype(np.right_shift, r"\lfloor x \cdot 2^{-y} \rfloor", bools=False)
gcd = _of_one_dtype(np.gcd, r"\gcd(x, y)", bools=False)
lcm = _of_one_dtype(np.lcm, r"\frac{|x y|}{\max(\gcd(x, y), 1)}", bools=False)
