"""Elementwise operations: a forward and, per input, the derivative times the gradient.

The rules follow PyTorch where a derivative does not exist: relu'(0) = 0, |x|'(0) = 0, √'(0) = ∞,
and where two inputs of `maximum` are equal each gets half of the gradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, DTypeError
from dlframe.ops.op import elementwise, op, plain, summary
from dlframe.ops.record import Array

__all__ = [
    "abs",
    "absolute",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "ceil",
    "clip",
    "copy",
    "cos",
    "cosh",
    "divide",
    "elu",
    "equal",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "floor_divide",
    "fmod",
    "gelu",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "leaky_relu",
    "left_shift",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "not_equal",
    "positive",
    "power",
    "reciprocal",
    "relu",
    "remainder",
    "right_shift",
    "rint",
    "rsqrt",
    "sigmoid",
    "sign",
    "signbit",
    "silu",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "trunc_divide",
    "where",
    "zeros_like",
]

_LN2, _LN10 = math.log(2), math.log(10)


# --- arithmetic --------------------------------------------------------------------------------


def _power(x: Any, y: Any) -> Any:
    """x to the power of y."""
    out = x**y  # the operator knows squares and roots, np.power does not
    return _not_of_bools("power", x, out)


def _not_of_bools(name: str, x: Any, out: Any) -> Any:
    """`out`, unless it is what NumPy makes of two bools: int8."""
    if out.dtype.char == "b" and np.asarray(x).dtype.kind == "b":
        raise DTypeError(
            f"{name}: not implemented for bool tensors; convert with .int() or .float()"
        )
    return out


def _power_x(g: Any, x: Any, y: Any) -> Any:
    # d x^y / dx = y x^(y-1); for y = 0 that is 0, also where x = 0
    if isinstance(y, float):
        return g * (y * x ** (y - 1.0)) if y else zeros_like(g)
    return where(y == 0.0, 0.0, g * (y * x ** (y - 1.0)))


def _power_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    # d x^y / dy = x^y ln x; 0^y stays 0 for y ≥ 0, although ln 0 = -∞
    if isinstance(x, float):
        return g * (out * math.log(x)) if x > 0 else where(y >= 0.0, 0.0, g * (out * _log(x)))
    return where((x == 0.0) * (y >= 0.0), 0.0, g * (out * np.log(x)))


def _log(x: float) -> float:
    return -math.inf if x == 0 else math.nan


def _whole_divisor(function: Any) -> Any:
    """`function` as it is, but integers divided by zero raise instead of giving 0."""

    def checked(x: Any, y: Any) -> Any:
        if np.asarray(y).dtype.kind != "f" and not np.all(y) and np.result_type(x, y).kind != "f":
            raise RuntimeError(
                f"{function.__name__}: ZeroDivisionError: integers were divided by zero; floats "
                "would give inf or nan"
            )
        return _not_of_bools(function.__name__, x, function(x, y))

    checked.__name__, checked.__doc__ = function.__name__, summary(function)
    return checked


def _trunc_divide(x: Any, y: Any) -> Any:
    """x / y, rounded towards zero."""
    floats = np.result_type(x, y).kind == "f"
    return np.trunc(x / y) if floats else (x - np.fmod(x, y)) // y


_trunc_divide.__name__ = "trunc_divide"


def _square(x: Any) -> Any:
    """x², of bools as int64."""
    return np.square(x) if x.dtype.kind != "b" else x.astype(np.int64)


def _copy(x: Any) -> Any:
    """The same elements in memory of their own."""
    return x.copy()


def _rsqrt(x: Any) -> Any:
    """1 / √x."""
    return 1 / np.sqrt(x)


def _zeros_like(x: Any) -> Any:
    """Zeros of the same shape and dtype."""
    return np.zeros(x.shape, x.dtype)


zeros_like = plain(_zeros_like, name="zeros_like")


def _zero(g: Any) -> Any:
    return zeros_like(g)


add = elementwise(np.add, x=lambda g: g, y=lambda g: g)
subtract = elementwise(np.subtract, x=lambda g: g, y=lambda g: -g)
multiply = elementwise(np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
# d(x/y)/dy = -x/y², from the quotient that is there already
divide = elementwise(
    np.divide, floats=True, x=lambda g, y: g / y, y=lambda g, out, y: -g * (out / y)
)
power = elementwise(_power, name="power", x=_power_x, y=_power_y)
# x mod y = x - y ⌊x/y⌋, and the whole quotient does not change with small changes
remainder = elementwise(
    _whole_divisor(np.remainder),
    x=lambda g: g,
    y=lambda g, x, y: -g * np.floor(x / y),
)
fmod = elementwise(_whole_divisor(np.fmod), x=lambda g: g, y=lambda g, x, y: -g * np.trunc(x / y))
floor_divide = elementwise(_whole_divisor(np.floor_divide), x=_zero, y=_zero)
trunc_divide = elementwise(_whole_divisor(_trunc_divide), x=_zero, y=_zero)

copy = elementwise(_copy, name="copy", x=lambda g: g)
negative = elementwise(np.negative, x=lambda g: -g)
positive = elementwise(np.positive, x=lambda g: g)
absolute = abs = elementwise(np.absolute, x=lambda g, x: g * np.sign(x))
square = elementwise(_square, name="square", x=lambda g, x: g * (2.0 * x))
reciprocal = elementwise(np.reciprocal, floats=True, x=lambda g, out: -g * (out * out))
sqrt = elementwise(np.sqrt, floats=True, x=lambda g, out: g / (2.0 * out))
rsqrt = elementwise(
    _rsqrt,
    name="rsqrt",
    floats=True,
    x=lambda g, out: g * (-0.5 * (out * out * out)),
)


# --- exponentials and logarithms ---------------------------------------------------------------

exp = elementwise(np.exp, floats=True, x=lambda g, out: g * out)
exp2 = elementwise(np.exp2, floats=True, x=lambda g, out: g * (out * _LN2))
expm1 = elementwise(np.expm1, floats=True, x=lambda g, out: g * (out + 1.0))
log = elementwise(np.log, floats=True, x=lambda g, x: g / x)
log2 = elementwise(np.log2, floats=True, x=lambda g, x: g / (x * _LN2))
log10 = elementwise(np.log10, floats=True, x=lambda g, x: g / (x * _LN10))
log1p = elementwise(np.log1p, floats=True, x=lambda g, x: g / (x + 1.0))
# d ln(eˣ + eʸ)/dx = eˣ / (eˣ + eʸ)
logaddexp = elementwise(
    np.logaddexp,
    floats=True,
    x=lambda g, out, x: g * np.exp(x - out),
    y=lambda g, out, y: g * np.exp(y - out),
)


# --- trigonometric and hyperbolic functions ----------------------------------------------------

sin = elementwise(np.sin, floats=True, x=lambda g, x: g * np.cos(x))
cos = elementwise(np.cos, floats=True, x=lambda g, x: -g * np.sin(x))
tan = elementwise(np.tan, floats=True, x=lambda g, out: g * (out * out + 1.0))
arcsin = elementwise(np.arcsin, floats=True, x=lambda g, x: g / np.sqrt(1.0 - x * x))
arccos = elementwise(np.arccos, floats=True, x=lambda g, x: -g / np.sqrt(1.0 - x * x))
arctan = elementwise(np.arctan, floats=True, x=lambda g, x: g / (x * x + 1.0))
# the angle of (y, x) turns by (x dy - y dx) / r²
arctan2 = elementwise(
    np.arctan2,
    floats=True,
    x=lambda g, x, y: g * (y / (x * x + y * y)),
    y=lambda g, x, y: g * (-x / (x * x + y * y)),
)
sinh = elementwise(np.sinh, floats=True, x=lambda g, x: g * np.cosh(x))
cosh = elementwise(np.cosh, floats=True, x=lambda g, x: g * np.sinh(x))
tanh = elementwise(np.tanh, floats=True, x=lambda g, out: g * (1.0 - out * out))
arcsinh = elementwise(np.arcsinh, floats=True, x=lambda g, x: g / np.sqrt(x * x + 1.0))
arccosh = elementwise(np.arccosh, floats=True, x=lambda g, x: g / np.sqrt(x * x - 1.0))
arctanh = elementwise(np.arctanh, floats=True, x=lambda g, x: g / (1.0 - x * x))


# --- activations -------------------------------------------------------------------------------


def _relu(x: Any) -> Any:
    """max(x, 0)."""
    return np.maximum(x, 0)


def _sigmoid(x: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    e = np.exp(-x)  # overflows to ∞ for very negative x, and 1/∞ = 0 is right
    e += 1
    return 1 / e


def _silu(x: Any) -> Any:
    """x σ(x), also called swish."""
    return x * _sigmoid(x)


def _silu_x(g: Any, x: Any) -> Any:
    # d x σ(x) = σ + x σ (1 - σ)
    s = sigmoid(x)
    return g * (s * (1.0 + x * (1.0 - s)))


def _erf(x: Any) -> Any:
    """The error function, 2/√π ∫₀ˣ e^(-t²) dt."""
    from scipy import special  # on first use: scipy.special alone costs more than importing NumPy

    return np.asarray(special.erf(x)).astype(
        x.dtype, copy=False
    )  # scipy computes float16 in float32


relu = elementwise(_relu, name="relu", x=lambda g, out: g * (out != 0))
sigmoid = elementwise(
    _sigmoid, name="sigmoid", floats=True, x=lambda g, out: g * (out * (1.0 - out))
)
silu = elementwise(_silu, name="silu", x=_silu_x)
erf = elementwise(
    _erf,
    name="erf",
    floats=True,
    x=lambda g, x: g * (2 / math.sqrt(math.pi) * np.exp(-(x * x))),
)


@op
def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Any:
    """x where x > 0, else negative_slope · x."""
    return np.where(x > 0, x, x * negative_slope)


@leaky_relu.vjp("x")
def _(g: Any, x: Any, *, negative_slope: float) -> Any:
    return where(x > 0, g, g * negative_slope)


@op
def elu(x: Array, *, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha · (eˣ - 1)."""
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


@elu.vjp("x")
def _(g: Any, x: Any, *, alpha: float) -> Any:
    return where(x <= 0, g * (alpha * np.exp(np.minimum(x, 0.0))), g)


@op
def softplus(x: Array, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """ln(1 + e^(βx)) / β, and x itself where βx > threshold."""
    z = x * beta
    # ln(1 + eᶻ) = max(z, 0) + ln(1 + e^-|z|): nothing overflows
    soft = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta
    return np.where(z > threshold, x, soft)


@softplus.vjp("x")
def _(g: Any, x: Any, *, beta: float, threshold: float) -> Any:
    # d ln(1 + eᶻ) = σ(z)
    z = x * beta
    return where(z > threshold, g, g * sigmoid(z))


@op
def gelu(x: Array, *, approximate: str = "none") -> Any:
    """x Φ(x), for the normal distribution Φ or its approximation by tanh (arXiv:1606.08415)."""
    return x * _normal(x, approximate)


@gelu.vjp("x")
def _(g: Any, x: Any, *, approximate: str) -> Any:
    return g * _gelu_slope(x, _normal(x, approximate), approximate)


@gelu.fast_forward
def _gelu_with_residual(x: Array, *, approximate: str = "none") -> Any:
    phi = _normal(x, approximate)  # kept: erf costs more than everything else together
    return x * phi, phi


@gelu.fast_backward
def _(g: Any, needs: Any, x: Any, residuals: Any, *, approximate: str) -> Any:
    return (g * _gelu_slope(x, residuals, approximate),)


def _normal(x: Any, approximate: str) -> Any:
    """Φ(x), the probability that a standard normal variable is below x."""
    if approximate == "none":
        return 0.5 * (1.0 + erf(x * math.sqrt(0.5)))
    if approximate == "tanh":
        return 0.5 * (1.0 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))
    raise ArgumentError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


def _gelu_slope(x: Any, phi: Any, approximate: str) -> Any:
    # d x Φ = Φ + x Φ'
    if approximate == "tanh":
        # Φ = (1 + tanh u)/2, so Φ' = (1 - tanh² u)/2 · u' = 2 Φ (1 - Φ) u'
        inner = math.sqrt(2 / math.pi) * (1.0 + 3 * 0.044715 * (x * x))
        return phi + x * (2.0 * phi * (1.0 - phi)) * inner
    return phi + x * (np.exp(-0.5 * (x * x)) * (1 / math.sqrt(2 * math.pi)))


# --- steps: their derivative is zero almost everywhere -----------------------------------------


def _sign(x: Any) -> Any:
    """-1, 0 or 1; 0 for nan."""
    if x.dtype.kind == "b":
        return x.copy()
    return np.subtract(x > 0, x < 0, dtype=x.dtype)  # unlike np.sign 0 for nan, as in PyTorch


def _whole(function: np.ufunc) -> Any:
    """`function`, which leaves integers as they are."""

    def whole(x: Any) -> Any:
        if x.dtype.kind == "b":
            raise DTypeError(
                f"{function.__name__}: not implemented for bool tensors; convert with .float()"
            )
        return function(x) if x.dtype.kind == "f" else x.copy()

    whole.__name__, whole.__doc__ = function.__name__, summary(function)
    return whole


sign = elementwise(_sign, name="sign", x=_zero)
floor = elementwise(_whole(np.floor), x=_zero)
ceil = elementwise(_whole(np.ceil), x=_zero)
trunc = elementwise(_whole(np.trunc), x=_zero)
rint = elementwise(_whole(np.rint), x=_zero)  # halves to the even neighbour


# --- choices -----------------------------------------------------------------------------------


@op(broadcasts=True, promotes=("x", "y"))
def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition holds, else `y`."""
    return np.where(condition, x, y)


@where.vjp("x")
def _(g: Any, condition: Any) -> Any:
    return where(
        condition, g, 0.0
    )  # not g * condition: the gradient may be infinite where it does not count


@where.vjp("y")
def _(g: Any, condition: Any) -> Any:
    return where(condition, 0.0, g)


def _shared(g: Any, x: Any, other: Any, loses: Any) -> Any:
    """The gradient of the winner: all where it wins alone, half of it where both are equal."""
    return where(x == other, 0.5 * g, where(loses, 0.0, g))


maximum = elementwise(
    np.maximum,
    x=lambda g, x, y: _shared(g, x, y, x < y),
    y=lambda g, x, y: _shared(g, y, x, y < x),
)
minimum = elementwise(
    np.minimum,
    x=lambda g, x, y: _shared(g, x, y, x > y),
    y=lambda g, x, y: _shared(g, y, x, y > x),
)


@op(broadcasts=True, promotes=("x", "min", "max"))
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """`x` held between `min` and `max`; where min > max the result is max."""
    if min is not None:
        x = np.maximum(x, min)
    return x if max is None else np.minimum(x, max)


@clip.vjp("x")
def _(g: Any, x: Any, min: Any, max: Any) -> Any:
    if min is not None:
        g = where(x >= min, g, 0.0)
    return g if max is None else where(x <= max, g, 0.0)


@clip.vjp("min")
def _(g: Any, x: Any, min: Any, max: Any) -> Any:
    g = where(x < min, g, 0.0)
    return g if max is None else where(min < max, g, 0.0)


@clip.vjp("max")
def _(g: Any, x: Any, min: Any, max: Any) -> Any:
    outside = x > max
    return where(outside if min is None else np.logical_or(outside, max < min), g, 0.0)


# --- without gradient --------------------------------------------------------------------------

equal = plain(np.equal)
not_equal = plain(np.not_equal)
less = plain(np.less)
less_equal = plain(np.less_equal)
greater = plain(np.greater)
greater_equal = plain(np.greater_equal)

logical_and = plain(np.logical_and)
logical_or = plain(np.logical_or)
logical_xor = plain(np.logical_xor)
logical_not = plain(np.logical_not)

isnan = plain(np.isnan)
isinf = plain(np.isinf)
isfinite = plain(np.isfinite)
signbit = plain(np.signbit)

bitwise_and = plain(np.bitwise_and)
bitwise_or = plain(np.bitwise_or)
bitwise_xor = plain(np.bitwise_xor)
bitwise_not = plain(np.bitwise_not, name="bitwise_not")
left_shift = plain(np.left_shift)
right_shift = plain(np.right_shift)
