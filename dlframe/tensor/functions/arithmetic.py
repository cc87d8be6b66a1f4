"""Arithmetic, powers and roots, by PyTorch's names; operands broadcast and promote as there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.dtypes import float64, result_type
from dlframe.errors import ArgumentError, DTypeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase
from dlframe.tensor.arguments import Number, checked, doubled, require_floats, scaled, scaled_into

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "abs",
    "abs_",
    "absolute",
    "add",
    "addcdiv",
    "addcmul",
    "clone",
    "copysign",
    "div",
    "divide",
    "float_power",
    "floor_divide",
    "fmod",
    "hypot",
    "ldexp",
    "ldexp_",
    "lerp",
    "mul",
    "multiply",
    "neg",
    "neg_",
    "negative",
    "negative_",
    "nextafter",
    "positive",
    "pow",
    "reciprocal",
    "reciprocal_",
    "remainder",
    "rsqrt",
    "rsqrt_",
    "rsub",
    "sqrt",
    "sqrt_",
    "square",
    "square_",
    "sub",
    "subtract",
    "true_divide",
]


def add(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input + alpha · other.

    Raises:
        DTypeError: `alpha` is a fraction, and the operands are integers.

    >>> dl.add(dl.tensor([1, 2]), 10, alpha=2)
    tensor([21, 22])
    """
    return checked("add", ops.add(input, scaled("add", input, other, alpha)), input, other)


add_ = in_place_form(add, into=scaled_into(np.add))


def sub(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input - alpha · other.

    Raises:
        DTypeError: `alpha` is a fraction, and the operands are integers; or they are bools.

    >>> dl.sub(dl.tensor([1, 2]), 1)
    tensor([0, 1])
    """
    return checked("sub", ops.subtract(input, scaled("sub", input, other, alpha)), input, other)


sub_ = in_place_form(sub, into=scaled_into(np.subtract))


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """other - alpha · input: `sub` with the operands exchanged.

    >>> dl.rsub(dl.tensor([1, 2]), 10)
    tensor([9, 8])
    """
    return sub(other, input, alpha=alpha)


def mul(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input · other.

    >>> dl.mul(dl.tensor([1.0, 2.0]), dl.tensor([[3.0], [4.0]]))
    tensor([[3., 6.],
            [4., 8.]])
    """
    return checked("mul", ops.multiply(input, other), input, other)


mul_ = in_place_form(mul, ops.multiply)


def div(
    input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str | None = None
) -> Tensor:
    """input / other, also of integers; `rounding_mode` is None, "trunc" (to zero) or "floor".

    >>> dl.div(dl.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    >>> dl.div(dl.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if rounding_mode is None:
        return checked("div", ops.divide(input, other), input, other)
    if rounding_mode == "floor":
        return checked("div", ops.floor_divide(input, other), input, other)
    if rounding_mode == "trunc":
        return checked("div", ops.trunc_divide(input, other), input, other)
    raise ArgumentError(
        f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}"
    )


div_ = in_place_form(div, ops.divide)


def true_divide(dividend: Tensor | Number, divisor: Tensor | Number) -> Tensor:
    """`div` without rounding.

    >>> dl.true_divide(dl.tensor([1, 2]), 4)
    tensor([0.2500, 0.5000])
    """
    return checked("true_divide", ops.divide(dividend, divisor), dividend, divisor)


def floor_divide(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """⌊input / other⌋; its gradient is zero.

    >>> dl.floor_divide(dl.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    return checked("floor_divide", ops.floor_divide(input, other), input, other)


floor_divide_ = in_place_form(floor_divide, ops.floor_divide)


def remainder(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input - other · ⌊input / other⌋: Python's `%`, with the sign of `other`.

    >>> dl.remainder(dl.tensor([-3.0, 3.5]), 2)
    tensor([1.0000, 1.5000])
    """
    return checked("remainder", ops.remainder(input, other), input, other)


remainder_ = in_place_form(remainder, ops.remainder)


def fmod(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """The remainder of the division rounded towards zero, with the sign of `input`.

    >>> dl.fmod(dl.tensor([-3.0, 3.5]), 2)
    tensor([-1.0000,  1.5000])
    """
    return checked("fmod", ops.fmod(input, other), input, other)


fmod_ = in_place_form(fmod, ops.fmod)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value · tensor1 · tensor2.

    >>> dl.addcmul(dl.tensor([1.0]), dl.tensor([2.0]), dl.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    product = ops.multiply(tensor1, tensor2)
    return ops.add(input, scaled("addcmul", input, product, value, "value"))


addcmul_ = in_place_form(addcmul)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value · tensor1 / tensor2.

    Raises:
        DTypeError: both `tensor1` and `tensor2` are integers.

    >>> dl.addcdiv(dl.tensor([1.0]), dl.tensor([3.0]), dl.tensor([2.0]), value=2)
    tensor([4.])
    """
    if tensor1.dtype.kind != "f" and tensor2.dtype.kind != "f":
        raise DTypeError(
            "addcdiv: Integer division with addcdiv is not supported; convert with .float(), or "
            "round with div(rounding_mode=...)"
        )
    quotient = ops.divide(tensor1, tensor2)
    return ops.add(input, scaled("addcdiv", input, quotient, value, "value"))


addcdiv_ = in_place_form(addcdiv)


def lerp(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """input + weight · (end - input): `input` for weight 0, `end` for weight 1, both exactly.

    Raises:
        DTypeError: integers, or two different dtypes.

    >>> dl.lerp(dl.tensor([0.0, 10.0]), dl.tensor([1.0, 20.0]), 0.25)
    tensor([ 0.2500, 12.5000])
    """
    require_floats("lerp", input)
    if input.dtype != end.dtype:
        raise DTypeError(f"lerp: expected dtype {input.dtype} for `end` but got dtype {end.dtype}")
    return ops.lerp(input, end, weight)


lerp_ = in_place_form(lerp)


def neg(input: Tensor) -> Tensor:
    """-input.

    >>> dl.neg(dl.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return ops.negative(input)


neg_ = in_place_form(neg, ops.negative)


def positive(input: Tensor) -> Tensor:
    """input itself.

    >>> dl.positive(dl.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """
    return input


def abs(input: Tensor) -> Tensor:
    """|input|; the gradient at 0 is 0.

    >>> dl.abs(dl.tensor([-1.0, 2.0]))
    tensor([1., 2.])
    """
    if input.dtype.kind == "b":
        raise DTypeError("abs: not implemented for bool tensors; they have no sign")
    return ops.absolute(input)


abs_ = in_place_form(abs, ops.absolute)


def copysign(input: Tensor, other: Tensor | Number) -> Tensor:
    """|input| with the sign of `other`, where -0 is negative; the gradient at 0 is 0.

    >>> dl.copysign(dl.tensor([1.0, -2.0]), -1)
    tensor([-1., -2.])
    """
    return checked("copysign", ops.copysign(input, other), input, other)


copysign_ = in_place_form(copysign, ops.copysign)


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next float after `input` in the direction of `other`.

    >>> dl.nextafter(dl.tensor([1.0]), dl.tensor([2.0])) - 1
    tensor([1.1921e-07])
    """
    if result_type(input, other).kind != "f":
        require_floats("nextafter", input)
    return checked("nextafter", ops.nextafter(input, other), input, other)


nextafter_ = in_place_form(nextafter, ops.nextafter)


# --- powers and roots --------------------------------------------------------------------------


def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """input to the power of `exponent`.

    >>> dl.pow(dl.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    out = checked("pow", ops.power(input, exponent), input, exponent)
    return out if isinstance(input, TensorBase) else ops.ordered(out)


pow_ = in_place_form(pow, ops.power)


def float_power(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """input to the power of `exponent`, in float64.

    >>> dl.float_power(dl.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=dlframe.float64)
    """
    base, power = (doubled(x) for x in (input, exponent))
    out = checked("float_power", ops.power(base, power), input, exponent)
    return out if isinstance(input, TensorBase) else ops.ordered(out)


_float_power_ = in_place_form(float_power)


def float_power_(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """`float_power` in place, for float64 only."""
    if input.dtype != float64:
        raise DTypeError(
            f"the base given to float_power_ has dtype {input.dtype} but the operation's result "
            "requires dtype float64; convert with .double(), or use pow_"
        )
    return _float_power_(input, exponent)


def square(input: Tensor) -> Tensor:
    """input².

    >>> dl.square(dl.tensor([-1.0, 2.0]))
    tensor([1., 4.])
    """
    return ops.square(input)


square_ = in_place_form(square, ops.square)


def reciprocal(input: Tensor) -> Tensor:
    """1 / input.

    >>> dl.reciprocal(dl.tensor([2.0, 4.0]))
    tensor([0.5000, 0.2500])
    """
    return ops.reciprocal(input)


reciprocal_ = in_place_form(reciprocal, ops.reciprocal)


def sqrt(input: Tensor) -> Tensor:
    """√input; the gradient at 0 is ∞.

    >>> dl.sqrt(dl.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return ops.sqrt(input)


sqrt_ = in_place_form(sqrt, ops.sqrt)


def rsqrt(input: Tensor) -> Tensor:
    """1 / √input.

    >>> dl.rsqrt(dl.tensor([4.0, 16.0]))
    tensor([0.5000, 0.2500])
    """
    return ops.rsqrt(input)


rsqrt_ = in_place_form(rsqrt, ops.rsqrt)


def hypot(input: Tensor, other: Tensor) -> Tensor:
    """√(input² + other²), without overflow.

    >>> dl.hypot(dl.tensor([3.0]), dl.tensor([4.0]))
    tensor([5.])
    """
    return checked("hypot", ops.hypot(input, other), input, other)


hypot_ = in_place_form(hypot, ops.hypot)


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input · 2^other.

    >>> dl.ldexp(dl.tensor([1.0, 3.0]), dl.tensor([2, -1]))
    tensor([4.0000, 1.5000])
    """
    whole = input.dtype.kind == "f" and other.dtype.kind != "f"
    two = wrap(np.asarray(2, input.dtype)) if whole else 2.0  # 2^other in the dtype of the floats
    return checked("ldexp", ops.multiply(input, ops.power(two, other)), input, other)


ldexp_ = in_place_form(ldexp)


# --- copies ------------------------------------------------------------------------------------


def clone(input: Tensor) -> Tensor:
    """A copy; its gradient goes to `input`.

    >>> x = dl.tensor([1.0])
    >>> dl.clone(x) is x
    False
    """
    return ops.copy(input)


# PyTorch's second names.
absolute, negative, subtract, multiply, divide = abs, neg, sub, mul, div
negative_ = neg_
