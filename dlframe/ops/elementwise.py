"""Arithmetic, and choices between elements: a forward, and a rule for each input.

The rules follow PyTorch where a derivative does not exist: |x|'(0) = 0, √'(0) = ∞, and where two
inputs of `maximum` are equal each gets half of the gradient. Other elementwise operations have
files by theme: `exponential`, `trigonometric`, `steps`, `comparison`, `activation`, and the special
functions in `erf`, `gamma`, `bessel`, `polynomials`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, DTypeError
from dlframe.ops.memory import copied
from dlframe.ops.op import elementwise, op, printed_as, stands_for
from dlframe.ops.record import Array
from dlframe.ops.steps import sign, zero_gradient, zeros_like

__all__ = [
    "abs",
    "absolute",
    "add",
    "clip",
    "contiguous",
    "copy",
    "copysign",
    "divide",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "lerp",
    "maximum",
    "minimum",
    "multiply",
    "nan_to_num",
    "negative",
    "nextafter",
    "ordered",
    "positive",
    "power",
    "reciprocal",
    "remainder",
    "rsqrt",
    "sqrt",
    "square",
    "subtract",
    "trunc_divide",
    "where",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


# --- arithmetic --------------------------------------------------------------------------------


@stands_for(np.power)  # which rounds differently
def _power(x: Any, y: Any) -> Any:
    """x to the power of y."""
    out = x**y  # the operator has fast cases for squares and roots, np.power does not
    return _not_of_bools("power", x, out)


def _not_of_bools(name: str, x: Any, out: Any) -> Any:
    """`out`, unless it is int8 because NumPy got two bools."""
    if out.dtype.char == "b" and np.asarray(x).dtype.kind == "b":
        raise DTypeError(
            f"{name}: not implemented for bool tensors; convert with .int() or .float()"
        )
    return out


@printed_as("g y x^{y-1}")
def _power_x(g, x, y):
    # d x^y / dx = y x^(y-1); for y = 0 that is 0, also where x = 0
    if isinstance(y, float):
        return g * (y * x ** (y - 1.0)) if y else zeros_like(g)
    return where(y == 0.0, 0.0, g * (y * x ** (y - 1.0)))


@printed_as(r"g z \ln x")
def _power_y(g, out, x, y):
    # d x^y / dy = x^y ln x; 0^y stays 0 for y ≥ 0, although ln 0 = -∞
    if isinstance(x, float):
        return g * (out * math.log(x)) if x > 0 else where(y >= 0.0, 0.0, g * (out * _log(x)))
    return where((x == 0.0) * (y >= 0.0), 0.0, g * (out * np.log(x)))


def _log(x: float) -> float:
    return -math.inf if x == 0 else math.nan


def _whole_divisor(function: Any) -> Any:
    """`function`, but a division of integers by zero raises instead of giving 0."""

    @stands_for(function, same_for="f")
    def checked(x: Any, y: Any) -> Any:
        if np.asarray(y).dtype.kind != "f" and not np.all(y) and np.result_type(x, y).kind != "f":
            raise ArgumentError(
                f"{function.__name__}: ZeroDivisionError: integers were divided by zero; floats "
                "would give inf or nan"
            )
        return _not_of_bools(function.__name__, x, function(x, y))

    return checked


def _trunc_divide(x: Any, y: Any) -> Any:
    """x / y, rounded towards zero."""
    floats = np.result_type(x, y).kind == "f"
    return np.trunc(x / y) if floats else (x - np.fmod(x, y)) // y


_trunc_divide.__name__ = "trunc_divide"


@stands_for(np.square, same_for="f")
def _square(x: Any) -> Any:
    """x²; for bools as int64."""
    return np.square(x) if x.dtype.kind != "b" else x.astype(np.int64)


def _copy(x: Any) -> Any:
    """A copy, with memory of its own."""
    return copied(x)


def _rsqrt(x: Any) -> Any:
    """1 / √x."""
    return 1 / np.sqrt(x)


def _remainder_y(g, x, y):
    # x mod y = x - y ⌊x/y⌋, and the whole quotient does not change with small changes
    return -g * floor_divide(x, y)


def _nextafter_x(g, x, y):
    # if x changes, its neighbour changes by the same, except where x equals y
    return where(x == y, 0.0, g)


@printed_as(r"g \cdot \mathrm{sign}(x) \cdot \mathrm{sign}(y)")
def _copysign_x(g, out, x):
    # x with the sign of y is ±x; at 0 the derivative is 0
    return where(x == 0.0, 0.0, g * (out / x))


add = elementwise(np.add, latex="x + y", x=lambda g: g, y=lambda g: g)
subtract = elementwise(np.subtract, latex="x - y", x=lambda g: g, y=lambda g: -g)
multiply = elementwise(np.multiply, latex="x y", x=lambda g, y: g * y, y=lambda g, x: g * x)
# d(x/y)/dy = -x/y²; the quotient itself is not kept, so that it may be overwritten
divide = elementwise(
    np.divide,
    floats=True,
    latex=r"\frac{x}{y}",
    x=lambda g, y: g / y,
    y=lambda g, x, y: -g * ((x / y) / y),
)
power = elementwise(_power, latex="x^y", x=_power_x, y=_power_y)
remainder = elementwise(
    _whole_divisor(np.remainder),
    latex=r"x - y \left\lfloor \frac{x}{y} \right\rfloor",
    x=lambda g: g,
    y=_remainder_y,
)
fmod = elementwise(
    _whole_divisor(np.fmod),
    latex=r"x - y \cdot \mathrm{trunc}\left(\frac{x}{y}\right)",
    x=lambda g: g,
    y=lambda g, x, y: -g * np.trunc(x / y),
)
floor_divide = elementwise(
    _whole_divisor(np.floor_divide),
    latex=r"\left\lfloor \frac{x}{y} \right\rfloor",
    x=zero_gradient,
    y=zero_gradient,
)
trunc_divide = elementwise(
    _whole_divisor(_trunc_divide),
    latex=r"\mathrm{trunc}\left(\frac{x}{y}\right)",
    x=zero_gradient,
    y=zero_gradient,
)

copy = elementwise(_copy, name="copy", latex="x", x=lambda g: g)
negative = elementwise(np.negative, latex="-x", x=lambda g: -g)
positive = elementwise(np.positive, latex="x", x=lambda g: g)
absolute = abs = elementwise(np.absolute, latex="|x|", x=lambda g, x: g * sign(x))
square = elementwise(_square, latex="x^2", x=lambda g, x: g * (2.0 * x))
reciprocal = elementwise(
    np.reciprocal, floats=True, latex=r"\frac{1}{x}", x=lambda g, out: -g * (out * out)
)
sqrt = elementwise(np.sqrt, floats=True, latex=r"\sqrt{x}", x=lambda g, out: g / (2.0 * out))
rsqrt = elementwise(
    _rsqrt,
    name="rsqrt",
    floats=True,
    latex=r"\frac{1}{\sqrt{x}}",
    x=lambda g, out: g * (-0.5 * (out * out * out)),
)
copysign = elementwise(
    np.copysign,
    floats=True,
    latex=r"|x| \mathrm{sign}(y)",
    x=_copysign_x,
    y=zero_gradient,
)
nextafter = elementwise(
    np.nextafter,
    latex=r"x + |\varepsilon(x)| \cdot \mathrm{sign}(y - x)",
    x=_nextafter_x,
    y=zero_gradient,
)


@op(latex="x")
def contiguous(x: Array) -> Any:
    """A copy with its elements in order in memory."""
    return x.copy("C")


@contiguous.vjp("x")
def _(g):
    return g


def ordered(x: Any) -> Any:
    """The tensor itself if its elements are in order in memory, otherwise a copy."""
    return x if x.array.flags.c_contiguous else contiguous(x)


@op(order="K", broadcasts=True, promotes=("x", "y", "weight"), latex="x + W (y - x)")
def lerp(x: Any, y: Any, weight: Any) -> Any:
    """x + weight (y - x), computed from the nearer end, so that both ends are met exactly."""
    half = x.dtype == np.float16
    if half:  # three roundings to 11 bits would lose too much
        x, y = x.astype(np.float32), y.astype(np.float32)
    step = y - x
    out = np.where(np.abs(weight) < 0.5, x + weight * step, y - step * (1.0 - weight))
    return out.astype(np.float16) if half else out


@lerp.vjp("x")
def _(g, weight):
    return g * (1.0 - weight)


@lerp.vjp("y")
def _(g, weight):
    return g * weight


@lerp.vjp("weight")
def _(g, x, y):
    return g * (y - x)


# --- choices -----------------------------------------------------------------------------------


@op(order="K", broadcasts=True, promotes=("x", "y"), latex="c x + (1 - c) y")
def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition holds, else `y`."""
    if type(condition) is np.ndarray and condition.dtype == bool and condition.size > 4096:
        dtype = np.result_type(x, y)
        if dtype.kind == "f" and type(x) in _VALUES and type(y) in _VALUES:
            return where_by_bits(condition, np.asarray(x, dtype), np.asarray(y, dtype))
    return np.where(condition, x, y)


_VALUES = (np.ndarray, float, int)


def where_by_bits(condition: Array, x: Array, y: Array) -> Any:
    """The same without a branch for each element, which a processor would often guess wrong."""
    integer = np.dtype(f"i{x.dtype.itemsize}")
    a, b = x.view(integer), y.view(integer)
    holds = condition.view(np.int8)
    if not a.ndim and a == 0:  # all bits where the condition does not hold: 0 or -1
        return _and(b, (holds - np.int8(1)).astype(integer)).view(x.dtype)
    mask = np.negative(holds).astype(integer)  # and here where it does
    if not b.ndim and b == 0:
        return _and(a, mask).view(x.dtype)
    out = (a ^ b) & mask
    out ^= b
    return out.view(x.dtype)


def _and(bits: Array, mask: Array) -> Array:
    """`bits & mask`, in the memory of the mask if it has room for the result."""
    out = mask if bits.shape == mask.shape else None
    result: Array = np.bitwise_and(bits, mask, out=out)
    return result


@where.vjp("x", latex="g c")
def _(g, condition):
    return where(
        condition, g, 0.0
    )  # not g * condition: the gradient may be infinite where it does not count


@where.vjp("y", latex="g (1 - c)")
def _(g, condition):
    return where(condition, 0.0, g)


def _shared(g, x, other, loses):
    """The gradient of one operand: all of it where it is chosen, half where both are equal."""
    return where(x == other, 0.5 * g, where(loses, 0.0, g))


maximum = elementwise(
    np.maximum,
    latex=r"\max(x, y)",
    x=printed_as(r"g ([x > y] + \frac{1}{2} [x = y])")(lambda g, x, y: _shared(g, x, y, x < y)),
    y=printed_as(r"g ([y > x] + \frac{1}{2} [y = x])")(lambda g, x, y: _shared(g, y, x, y < x)),
)
minimum = elementwise(
    np.minimum,
    latex=r"\min(x, y)",
    x=printed_as(r"g ([x < y] + \frac{1}{2} [x = y])")(lambda g, x, y: _shared(g, x, y, x > y)),
    y=printed_as(r"g ([y < x] + \frac{1}{2} [y = x])")(lambda g, x, y: _shared(g, y, x, y > x)),
)


# the operand that is not nan; of equal operands the first, as in PyTorch
fmax = elementwise(
    np.fmax,
    latex=r"\max(x, y)",
    x=printed_as(r"g [x \geq y]")(
        lambda g, x, y: where(np.logical_or(x >= y, np.isnan(y)), g, 0.0)
    ),
    y=printed_as("g [x < y]")(lambda g, x, y: where(np.logical_or(x >= y, np.isnan(y)), 0.0, g)),
)
fmin = elementwise(
    np.fmin,
    latex=r"\min(x, y)",
    x=printed_as(r"g [x \leq y]")(
        lambda g, x, y: where(np.logical_or(x <= y, np.isnan(y)), g, 0.0)
    ),
    y=printed_as("g [x > y]")(lambda g, x, y: where(np.logical_or(x <= y, np.isnan(y)), 0.0, g)),
)


@op(
    order="K",
    broadcasts=True,
    promotes=("x", "min", "max"),
    latex=r"\min(\max(x, x_{\min}), x_{\max})",
)
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """`x` limited to [min, max]; where min > max the result is max."""
    if min is not None:
        x = np.maximum(x, min)
    return x if max is None else np.minimum(x, max)


@clip.vjp("x", latex=r"g [x_{\min} \leq x \leq x_{\max}]")
def _(g, x, min, max):
    if min is not None:
        g = where(x >= min, g, 0.0)
    return g if max is None else where(x <= max, g, 0.0)


@clip.vjp("min", latex=r"g [x < x_{\min} < x_{\max}]")
def _(g, x, min, max):
    g = where(x < min, g, 0.0)
    return g if max is None else where(min < max, g, 0.0)


@clip.vjp("max", latex=r"g [\max(x, x_{\min}) > x_{\max}]")
def _(g, x, min, max):
    outside = x > max
    return where(outside if min is None else np.logical_or(outside, max < min), g, 0.0)


@op(order="K", latex=r"x [|x| < \infty]")
def nan_to_num(
    x: Array, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """`x` with numbers instead of nan and infinities, by default 0 and the largest numbers."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


@nan_to_num.vjp("x", latex=r"g [|x| < \infty]")
def _(g, x):
    return where(np.isfinite(x), g, 0.0)
