"""Functions of each element, by PyTorch's names; operands broadcast and promote as there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.dtypes import result_type
from dlframe.errors import ArgumentError, DTypeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "add",
    "addcdiv",
    "addcmul",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "ceil",
    "clamp",
    "clip",
    "clone",
    "cos",
    "cosh",
    "div",
    "divide",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "fix",
    "floor",
    "floor_divide",
    "fmod",
    "lerp",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "maximum",
    "minimum",
    "mul",
    "multiply",
    "neg",
    "negative",
    "positive",
    "pow",
    "reciprocal",
    "relu",
    "remainder",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "sub",
    "subtract",
    "tan",
    "tanh",
    "true_divide",
    "trunc",
    "where",
]

Number = int | float | bool

# --- arithmetic --------------------------------------------------------------------------------


def add(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input + alpha · other.

    >>> dl.add(dl.tensor([1, 2]), 10, alpha=2)
    tensor([21, 22])
    """
    return ops.add(input, other if alpha == 1 else ops.multiply(_tensor(other), alpha))


def sub(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input - alpha · other.

    >>> dl.sub(dl.tensor([1, 2]), 1)
    tensor([0, 1])
    """
    return ops.subtract(input, other if alpha == 1 else ops.multiply(_tensor(other), alpha))


def mul(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input · other.

    >>> dl.mul(dl.tensor([1.0, 2.0]), dl.tensor([[3.0], [4.0]]))
    tensor([[3., 6.],
            [4., 8.]])
    """
    return ops.multiply(input, other)


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
        return ops.divide(input, other)
    if rounding_mode == "floor":
        return ops.floor_divide(input, other)
    if rounding_mode == "trunc":
        return ops.trunc_divide(input, other)
    raise ArgumentError(
        f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}"
    )


def true_divide(dividend: Tensor | Number, divisor: Tensor | Number) -> Tensor:
    """`div` without rounding.

    >>> dl.true_divide(dl.tensor([1, 2]), 4)
    tensor([0.2500, 0.5000])
    """
    return ops.divide(dividend, divisor)


def floor_divide(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """⌊input / other⌋; its gradient is zero.

    >>> dl.floor_divide(dl.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    return ops.floor_divide(input, other)


def remainder(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input - other · ⌊input / other⌋: Python's ``%``, with the sign of `other`.

    >>> dl.remainder(dl.tensor([-3.0, 3.5]), 2)
    tensor([1.0000, 1.5000])
    """
    return ops.remainder(input, other)


def fmod(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """The remainder of the division rounded towards zero, with the sign of `input`.

    >>> dl.fmod(dl.tensor([-3.0, 3.5]), 2)
    tensor([-1.0000,  1.5000])
    """
    return ops.fmod(input, other)


def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """input to the power of `exponent`.

    >>> dl.pow(dl.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    return ops.power(input, exponent)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value · tensor1 · tensor2.

    >>> dl.addcmul(dl.tensor([1.0]), dl.tensor([2.0]), dl.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    return ops.add(input, ops.multiply(ops.multiply(tensor1, tensor2), value))


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value · tensor1 / tensor2.

    >>> dl.addcdiv(dl.tensor([1.0]), dl.tensor([3.0]), dl.tensor([2.0]), value=2)
    tensor([4.])
    """
    return ops.add(input, ops.multiply(ops.divide(tensor1, tensor2), value))


def lerp(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """input + weight · (end - input): `input` for weight 0, `end` for weight 1.

    >>> dl.lerp(dl.tensor([0.0, 10.0]), dl.tensor([1.0, 20.0]), 0.25)
    tensor([ 0.2500, 12.5000])
    """
    return ops.add(input, ops.multiply(weight, ops.subtract(end, input)))


def neg(input: Tensor) -> Tensor:
    """-input.

    >>> dl.neg(dl.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return ops.negative(input)


def positive(input: Tensor) -> Tensor:
    """input itself.

    >>> dl.positive(dl.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """
    return ops.positive(input)


def abs(input: Tensor) -> Tensor:
    """|input|; the gradient at 0 is 0.

    >>> dl.abs(dl.tensor([-1.0, 2.0]))
    tensor([1., 2.])
    """
    return ops.absolute(input)


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1; 0 for nan.

    >>> dl.sign(dl.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    return ops.sign(input)


def square(input: Tensor) -> Tensor:
    """input².

    >>> dl.square(dl.tensor([-1.0, 2.0]))
    tensor([1., 4.])
    """
    return ops.square(input)


def reciprocal(input: Tensor) -> Tensor:
    """1 / input.

    >>> dl.reciprocal(dl.tensor([2.0, 4.0]))
    tensor([0.5000, 0.2500])
    """
    return ops.reciprocal(input)


def sqrt(input: Tensor) -> Tensor:
    """√input; the gradient at 0 is ∞.

    >>> dl.sqrt(dl.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return ops.sqrt(input)


def rsqrt(input: Tensor) -> Tensor:
    """1 / √input.

    >>> dl.rsqrt(dl.tensor([4.0, 16.0]))
    tensor([0.5000, 0.2500])
    """
    return ops.rsqrt(input)


def clone(input: Tensor) -> Tensor:
    """A copy; its gradient goes to `input`.

    >>> x = dl.tensor([1.0])
    >>> dl.clone(x) is x
    False
    """
    return ops.copy(input)


# --- exponentials and logarithms ---------------------------------------------------------------


def exp(input: Tensor) -> Tensor:
    """e to the power of `input`.

    >>> dl.exp(dl.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return ops.exp(input)


def exp2(input: Tensor) -> Tensor:
    """2 to the power of `input`.

    >>> dl.exp2(dl.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """
    return ops.exp2(input)


def expm1(input: Tensor) -> Tensor:
    """eˣ - 1, exact for small x.

    >>> dl.expm1(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return ops.expm1(input)


def log(input: Tensor) -> Tensor:
    """The natural logarithm: -∞ for 0, nan below.

    >>> dl.log(dl.tensor([1.0, 2.0]))
    tensor([0.0000, 0.6931])
    """
    return ops.log(input)


def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2.

    >>> dl.log2(dl.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return ops.log2(input)


def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10.

    >>> dl.log10(dl.tensor([1.0, 100.0]))
    tensor([0., 2.])
    """
    return ops.log10(input)


def log1p(input: Tensor) -> Tensor:
    """ln(1 + x), exact for small x.

    >>> dl.log1p(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    return ops.log1p(input)


def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """ln(eˣ + eʸ), without overflow.

    >>> dl.logaddexp(dl.tensor([1000.0]), dl.tensor([1000.0]))
    tensor([1000.6932])
    """
    return ops.logaddexp(input, other)


# --- trigonometric and hyperbolic functions ----------------------------------------------------


def sin(input: Tensor) -> Tensor:
    """The sine of angles in radians.

    >>> dl.sin(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return ops.sin(input)


def cos(input: Tensor) -> Tensor:
    """The cosine of angles in radians.

    >>> dl.cos(dl.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return ops.cos(input)


def tan(input: Tensor) -> Tensor:
    """The tangent of angles in radians.

    >>> dl.tan(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return ops.tan(input)


def asin(input: Tensor) -> Tensor:
    """The angle in [-π/2, π/2] with that sine.

    >>> dl.asin(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return ops.arcsin(input)


def acos(input: Tensor) -> Tensor:
    """The angle in [0, π] with that cosine.

    >>> dl.acos(dl.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return ops.arccos(input)


def atan(input: Tensor) -> Tensor:
    """The angle in (-π/2, π/2) with that tangent.

    >>> dl.atan(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return ops.arctan(input)


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (x = other, y = input), in [-π, π].

    >>> dl.atan2(dl.tensor([1.0, -1.0]), dl.tensor([-1.0, -1.0]))
    tensor([ 2.3562, -2.3562])
    """
    return ops.arctan2(input, other)


def sinh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / 2.

    >>> dl.sinh(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return ops.sinh(input)


def cosh(input: Tensor) -> Tensor:
    """(eˣ + e⁻ˣ) / 2.

    >>> dl.cosh(dl.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return ops.cosh(input)


def tanh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / (eˣ + e⁻ˣ), in (-1, 1).

    >>> dl.tanh(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return ops.tanh(input)


def asinh(input: Tensor) -> Tensor:
    """The inverse of sinh.

    >>> dl.asinh(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return ops.arcsinh(input)


def acosh(input: Tensor) -> Tensor:
    """The inverse of cosh; nan below 1.

    >>> dl.acosh(dl.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return ops.arccosh(input)


def atanh(input: Tensor) -> Tensor:
    """The inverse of tanh; nan outside [-1, 1].

    >>> dl.atanh(dl.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return ops.arctanh(input)


# --- rounding ----------------------------------------------------------------------------------


def floor(input: Tensor) -> Tensor:
    """The largest integer not above.

    >>> dl.floor(dl.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    return ops.floor(input)


def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below.

    >>> dl.ceil(dl.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """
    return ops.ceil(input)


def trunc(input: Tensor) -> Tensor:
    """The integer part, towards zero.

    >>> dl.trunc(dl.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """
    return ops.trunc(input)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with that many decimals; halves go to the even neighbour.

    >>> dl.round(dl.tensor([0.5, 1.5, 2.5]))
    tensor([0., 2., 2.])
    >>> dl.round(dl.tensor([0.1234]), decimals=2)
    tensor([0.1200])
    """
    if not decimals:
        return ops.rint(input)
    if decimals > 0:
        return ops.divide(ops.rint(ops.multiply(input, 10.0**decimals)), 10.0**decimals)
    return ops.multiply(ops.rint(ops.divide(input, 10.0**-decimals)), 10.0**-decimals)


# --- choices -----------------------------------------------------------------------------------


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements, nan if one is nan; equal ones get half the gradient each.

    >>> dl.maximum(dl.tensor([1.0, 5.0]), dl.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """
    return ops.maximum(input, other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements, nan if one is nan; equal ones get half the gradient each.

    >>> dl.minimum(dl.tensor([1.0, 5.0]), dl.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return ops.minimum(input, other)


def clamp(
    input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None
) -> Tensor:
    """`input` held between `min` and `max`, numbers or tensors; where min > max the result is max.

    Raises:
        ArgumentError: neither bound is given.

    >>> dl.clamp(dl.tensor([-2.0, 0.5, 3.0]), min=-1, max=1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise ArgumentError("clamp: At least one of 'min' or 'max' must not be None")
    return ops.clip(input, min, max)


def where(
    condition: Tensor, input: Tensor | Number | None = None, other: Tensor | Number | None = None
) -> Any:
    """`input` where the condition holds, else `other`; with the condition alone, where it holds.

    Raises:
        DTypeError: the condition is not bool.

    >>> x = dl.tensor([-1.0, 2.0])
    >>> dl.where(x > 0, x, 0.0)
    tensor([0., 2.])
    >>> dl.where(x > 0)
    (tensor([1]),)
    """
    if input is None or other is None:
        return tuple(wrap(places) for places in np.nonzero(condition.array))
    if condition.dtype.kind != "b":
        raise DTypeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{condition.dtype}; "
            "compare it, or convert it with .bool()"
        )
    if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
        input = _tensor(input)
    return ops.where(condition, input, other)


# --- activations -------------------------------------------------------------------------------


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ), in (0, 1).

    >>> dl.sigmoid(dl.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return ops.sigmoid(input)


def relu(input: Tensor) -> Tensor:
    """max(x, 0); the gradient at 0 is 0.

    >>> dl.relu(dl.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return ops.relu(input)


def erf(input: Tensor) -> Tensor:
    """The error function: 2/√π ∫₀ˣ e^(-t²) dt.

    >>> dl.erf(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return ops.erf(input)


def _tensor(x: Any) -> Any:
    """A number as a 0-d tensor of the dtype that PyTorch gives it."""
    if isinstance(x, TensorBase):
        return x
    return wrap(np.asarray(x, result_type(x)))


# PyTorch's second names.
absolute, negative, subtract, multiply, divide, clip = abs, neg, sub, mul, div, clamp
arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
fix = trunc
