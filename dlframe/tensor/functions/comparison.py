"""Comparisons, tests for nan and infinities, logic and bits; none of them has a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.errors import ArgumentError, DTypeError
from dlframe.ops.calling import wrap
from dlframe.ops.memory import in_common_order, like_first
from dlframe.ops.record import TensorBase, to_array
from dlframe.tensor.arguments import checked, no_operand

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "eq",
    "equal",
    "gcd",
    "gcd_",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "is_floating_point",
    "is_nonzero",
    "is_tensor",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "lcm",
    "lcm_",
    "le",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
    "not_equal",
    "signbit",
]

Number = int | float | bool

# --- kinds -------------------------------------------------------------------------------------


def is_tensor(obj: object) -> bool:
    """Whether `obj` is a tensor.

    >>> dl.is_tensor(dl.ones(2)), dl.is_tensor([1.0, 1.0])
    (True, False)
    """
    return isinstance(obj, TensorBase)


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floats.

    >>> dl.is_floating_point(dl.ones(2)), dl.is_floating_point(dl.tensor([1, 2]))
    (True, False)
    """
    if not isinstance(input, TensorBase):
        raise TypeError(f"is_floating_point: input must be a Tensor, not {type(input).__name__}")
    return input.dtype.kind == "f"


# --- comparisons -------------------------------------------------------------------------------


def eq(input: Tensor, other: Tensor | Number) -> Tensor:
    """input = other, per element.

    >>> dl.eq(dl.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    return ops.equal(input, other)


eq_ = in_place_form(eq, ops.equal)


def ne(input: Tensor, other: Tensor | Number) -> Tensor:
    """input ≠ other, per element.

    >>> dl.ne(dl.tensor([1, 2]), 2)
    tensor([ True, False])
    """
    return ops.not_equal(input, other)


ne_ = in_place_form(ne, ops.not_equal)


def lt(input: Tensor, other: Tensor | Number) -> Tensor:
    """input < other, per element.

    >>> dl.lt(dl.tensor([1, 2]), 2)
    tensor([ True, False])
    """
    return ops.less(input, other)


lt_ = in_place_form(lt, ops.less)


def le(input: Tensor, other: Tensor | Number) -> Tensor:
    """input ≤ other, per element.

    >>> dl.le(dl.tensor([1, 2]), 1)
    tensor([ True, False])
    """
    return ops.less_equal(input, other)


le_ = in_place_form(le, ops.less_equal)


def gt(input: Tensor, other: Tensor | Number) -> Tensor:
    """input > other, per element.

    >>> dl.gt(dl.tensor([1, 2]), 1)
    tensor([False,  True])
    """
    return ops.greater(input, other)


gt_ = in_place_form(gt, ops.greater)


def ge(input: Tensor, other: Tensor | Number) -> Tensor:
    """input ≥ other, per element.

    >>> dl.ge(dl.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    return ops.greater_equal(input, other)


ge_ = in_place_form(ge, ops.greater_equal)


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape and the same elements.

    >>> dl.equal(dl.tensor([1, 2]), dl.tensor([1, 2]))
    True
    """
    return np.array_equal(to_array(input), to_array(other))


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """|input - other| ≤ atol + rtol · |other|, per element; infinities are close if equal.

    >>> dl.isclose(dl.tensor([1.0, 2.0]), dl.tensor([1.000001, 2.1]))
    tensor([ True, False])
    """
    a, b = to_array(input), to_array(other)
    if a.dtype != b.dtype:
        raise DTypeError(f"isclose: both tensors need one dtype, got {a.dtype} and {b.dtype}")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise ArgumentError(f"isclose: {name} must be greater than or equal to zero: {value}")
    return wrap(in_common_order(np.isclose(a, b, rtol, atol, equal_nan), (a, b)))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether all elements are close, see `isclose`.

    >>> dl.allclose(dl.tensor([1.0]), dl.tensor([1.000001]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def isnan(input: Tensor) -> Tensor:
    """Whether an element is nan.

    >>> dl.isnan(dl.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return ops.isnan(input)


def isinf(input: Tensor) -> Tensor:
    """Whether an element is ∞ or -∞.

    >>> dl.isinf(dl.tensor([1.0, -float("inf")]))
    tensor([False,  True])
    """
    return ops.isinf(input)


def isfinite(input: Tensor) -> Tensor:
    """Whether an element is neither nan nor infinite.

    >>> dl.isfinite(dl.tensor([1.0, float("nan")]))
    tensor([ True, False])
    """
    return ops.isfinite(input)


def isposinf(input: Tensor) -> Tensor:
    """Whether an element is ∞.

    >>> dl.isposinf(dl.tensor([1.0, float("inf")]))
    tensor([False,  True])
    """
    return ops.isposinf(input)


def isneginf(input: Tensor) -> Tensor:
    """Whether an element is -∞.

    >>> dl.isneginf(dl.tensor([1.0, -float("inf")]))
    tensor([False,  True])
    """
    return ops.isneginf(input)


def isreal(input: Tensor) -> Tensor:
    """Whether an element is real: always, since there are no complex tensors.

    >>> dl.isreal(dl.tensor([1.0, 2.0]))
    tensor([True, True])
    """
    return wrap(like_first(np.ones(input.shape, np.bool_), (input.array,)))


def signbit(input: Tensor) -> Tensor:
    """Whether the sign is minus, also for -0.

    >>> dl.signbit(dl.tensor([-0.0, 0.0]))
    tensor([ True, False])
    """
    return ops.signbit(input)


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is nonzero.

    Raises:
        ShapeError: there are several elements, or none.

    >>> dl.is_nonzero(dl.tensor([0.0])), dl.is_nonzero(dl.tensor(3))
    (False, True)
    """
    return bool(input)


# --- logic and bits ----------------------------------------------------------------------------


def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Whether both are nonzero.

    >>> dl.logical_and(dl.tensor([0, 1, 2]), dl.tensor([1, 0, 1]))
    tensor([False, False,  True])
    """
    return _logical("logical_and", input, other)


logical_and_ = in_place_form(logical_and, ops.logical_and)


def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Whether one or both are nonzero.

    >>> dl.logical_or(dl.tensor([0, 1, 0]), dl.tensor([1, 1, 0]))
    tensor([ True,  True, False])
    """
    return _logical("logical_or", input, other)


logical_or_ = in_place_form(logical_or, ops.logical_or)


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Whether exactly one is nonzero.

    >>> dl.logical_xor(dl.tensor([0, 1, 0]), dl.tensor([1, 1, 0]))
    tensor([ True, False, False])
    """
    return _logical("logical_xor", input, other)


logical_xor_ = in_place_form(logical_xor, ops.logical_xor)


def logical_not(input: Tensor) -> Tensor:
    """Whether the element is zero.

    >>> dl.logical_not(dl.tensor([0, 1, 2]))
    tensor([ True, False, False])
    """
    return ops.logical_not(input)


logical_not_ = in_place_form(logical_not, ops.logical_not)


def _logical(name: str, input: Any, other: Any) -> Any:
    for x in (input, other):  # NumPy takes anything that can be true
        if not isinstance(x, (TensorBase, int, float)):
            raise no_operand(name, x)
    return getattr(ops, name)(input, other)


def bitwise_and(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """The bits set in both integers; "and" of bools.

    >>> dl.bitwise_and(dl.tensor([6]), 3)
    tensor([2])
    """
    return ops.bitwise_and(input, other)


bitwise_and_ = in_place_form(bitwise_and, ops.bitwise_and)


def bitwise_or(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """The bits set in one integer or both; "or" of bools.

    >>> dl.bitwise_or(dl.tensor([6]), 3)
    tensor([7])
    """
    return ops.bitwise_or(input, other)


bitwise_or_ = in_place_form(bitwise_or, ops.bitwise_or)


def bitwise_xor(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """The bits set in exactly one integer.

    >>> dl.bitwise_xor(dl.tensor([6]), 3)
    tensor([5])
    """
    return ops.bitwise_xor(input, other)


bitwise_xor_ = in_place_form(bitwise_xor, ops.bitwise_xor)


def bitwise_not(input: Tensor) -> Tensor:
    """All bits flipped; "not" of bools.

    >>> dl.bitwise_not(dl.tensor([0, 5]))
    tensor([-1, -6])
    """
    return ops.bitwise_not(input)


bitwise_not_ = in_place_form(bitwise_not, ops.bitwise_not)


def bitwise_left_shift(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input · 2^other, for integers.

    >>> dl.bitwise_left_shift(dl.tensor([1, 3]), 2)
    tensor([ 4, 12])
    """
    return ops.left_shift(input, other)


bitwise_left_shift_ = in_place_form(bitwise_left_shift, ops.left_shift)


def bitwise_right_shift(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """⌊input / 2^other⌋, for integers.

    >>> dl.bitwise_right_shift(dl.tensor([4, 13]), 2)
    tensor([1, 3])
    """
    return ops.right_shift(input, other)


bitwise_right_shift_ = in_place_form(bitwise_right_shift, ops.right_shift)


def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of two integers, positive; |n| for 0 and n.

    >>> dl.gcd(dl.tensor([12, -8]), dl.tensor([18, 0]))
    tensor([6, 8])
    """
    return checked("gcd", ops.gcd(input, other), input, other)


gcd_ = in_place_form(gcd, ops.gcd)


def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of two integers, positive; 0 if one is 0.

    >>> dl.lcm(dl.tensor([4, 0]), dl.tensor([6, 5]))
    tensor([12,  0])
    """
    return checked("lcm", ops.lcm(input, other), input, other)


lcm_ = in_place_form(lcm, ops.lcm)


# PyTorch's second names.
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
