"""Activation functions; relu'(0) = 0, as in PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.ops.blocks import one_step
from dlframe.ops.elementwise import where, where_by_bits
from dlframe.ops.erf import erf, erf_of_float32, scaled
from dlframe.ops.exponential import into, logistic, sigmoid
from dlframe.ops.op import elementwise, op, printed_as
from dlframe.ops.record import Array
from dlframe.ops.shape import concatenate

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_sigmoid",
    "mish",
    "prelu",
    "relu",
    "selu",
    "silu",
    "softplus",
    "softshrink",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


# --- of straight lines -------------------------------------------------------------------------


@one_step
def _relu(x: Any, out: Any = None) -> Any:
    """max(x, 0)."""
    floats = type(x) is np.ndarray and x.dtype.kind == "f"
    return _at_least_0(x, out) if floats else np.maximum(x, 0, out=out)


def _at_least_0(x: Any, out: Any = None) -> Any:
    # a large array is up to three times as fast by `clip`, which knows that its limits are numbers
    return x.clip(0, math.inf, out=out) if x.size > 2048 else np.maximum(x, 0, out=out)


def _at_most_0(x: Any) -> Any:
    return x.clip(-math.inf, 0) if x.size > 2048 else np.minimum(x, 0)


_ZERO = {np.dtype(kind): np.zeros((), kind) for kind in "efd"}


def through_relu(g: Any, out: Any) -> Any:
    """g where `out` is not 0; else 0, even if g is infinite or nan, which a product would keep."""
    if type(g) is not np.ndarray or type(out) is not np.ndarray or g.dtype not in _ZERO:
        return where(out != 0, g, 0)
    return np.where(out != 0, g, 0) if g.size < 1500 else where_by_bits(out != 0, g, _ZERO[g.dtype])


relu = elementwise(
    _relu,
    name="relu",
    latex=r"\max(x, 0)",
    x=printed_as("g [x > 0]")(through_relu),
)


@op(order="K", by_element=True, latex=r"\max(x, 0) + \alpha \min(x, 0)")
def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Any:
    """x where x > 0, else negative_slope · x."""
    # where x > 0, x is the larger of both; for a slope above 1 it is the smaller one
    return (np.maximum if negative_slope <= 1 else np.minimum)(x, x * negative_slope)


@leaky_relu.vjp("x", latex=r"g ([x > 0] + \alpha [x \leq 0])")
def _(g, x, *, negative_slope):
    return where(x > 0, g, g * negative_slope)


@leaky_relu.fast_backward
def _(g, needs, x, *, negative_slope):
    return (g * where(x > 0, np.ones((), x.dtype), negative_slope),)


@op(order="K", broadcasts=True, latex=r"\max(x, 0) + W \min(x, 0)")
def prelu(x: Any, weight: Any) -> Any:
    """x where x > 0, else weight · x."""
    return where(x > 0, x, x * weight)


@prelu.vjp("x", latex=r"g ([x > 0] + W [x \leq 0])")
def _(g, x, weight):
    return where(x > 0, g, g * weight)


@prelu.vjp("weight", latex=r"g \min(x, 0)")
def _(g, x):
    return where(x > 0, 0.0, g * x)


@op(order="K", by_element=True, latex=r"\min(\max(x, x_{\min}), x_{\max})")
def hardtanh(x: Array, *, min: float = -1.0, max: float = 1.0) -> Any:
    """x limited to [min, max]; at the ends, unlike that of `clip`, the gradient is 0."""
    return x.clip(min, max)


@hardtanh.vjp("x", latex=r"g [x_{\min} < x < x_{\max}]")
def _(g, x, *, min, max):
    return where(np.logical_or(x <= min, x >= max), 0.0, g)


@op(order="K", by_element=True, latex=r"\frac{1}{6} \min(\max(x + 3, 0), 6)")
def hardsigmoid(x: Array) -> Any:
    """0 up to -3, 1 from 3 on, and a straight line between."""
    out = x + 3
    out = np.clip(out, 0, 6, out=into(out))
    out /= 6
    return out


@hardsigmoid.vjp("x", latex=r"\frac{g}{6} [-3 < x < 3]")
def _(g, x):
    return where((x > -3) * (x < 3), g / 6, 0.0)


@op(order="K", by_element=True, latex=r"\frac{x}{6} \min(\max(x + 3, 0), 6)")
def hardswish(x: Array) -> Any:
    """x · hardsigmoid(x)."""
    out = hardsigmoid(x)
    out *= x
    return out


@hardswish.vjp("x", latex=r"g ([x \geq 3] + (\frac{x}{3} + \frac{1}{2}) [-3 < x < 3])")
def _(g, x):
    # d x (x + 3)/6 = (2x + 3)/6; 0 below, and 1 above
    return where(x <= -3, 0.0, where(x < 3, g * (x / 3 + 0.5), g))


@hardswish.fast_backward
def _(g, needs, x):
    slope = x / 3
    slope += 0.5
    slope *= g
    return (where(x <= -3, 0.0, where(x < 3, slope, g)),)


@op(order="K", by_element=True, latex=r"x [|x| > \lambda]")
def hardshrink(x: Array, *, lambd: float = 0.5) -> Any:
    """x, and 0 where |x| ≤ lambd."""
    return where(np.abs(x) <= lambd, 0.0, x)


@op(order="K", by_element=True, latex=r"\mathrm{sign}(x) \max(|x| - \lambda, 0)")
def softshrink(x: Array, *, lambd: float = 0.5) -> Any:
    """x, nearer to zero by lambd, and 0 where |x| ≤ lambd."""
    return x - x.clip(-lambd, lambd)


@hardshrink.vjp("x", latex=r"g [|x| > \lambda]")
@softshrink.vjp("x", latex=r"g [|x| > \lambda]")
def _(g, x, *, lambd):
    return where(abs(x) <= lambd, 0.0, g)


# --- with exponentials -------------------------------------------------------------------------


@op(order="K", by_element=True, latex=r"x \sigma(x)")
def silu(x: Array) -> Any:
    """x σ(x), also called swish."""
    return x * logistic(x)


@silu.vjp("x")
def _(g, x):
    # d x σ(x) = σ + x σ (1 - σ)
    s = sigmoid(x)
    return g * (s * (1.0 + x * (1.0 - s)))


@silu.fast_forward
def _(x):
    s = logistic(x)
    return x * s, s


@silu.fast_backward
def _(g, needs, x, residuals):
    slope = 1 - residuals
    slope *= x
    slope += 1
    slope *= residuals
    slope *= g
    return (slope,)


@op(order="K", by_element=True, latex=r"\max(x, 0) + \alpha (e^{\min(x, 0)} - 1)")
def elu(x: Array, *, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha · (eˣ - 1)."""
    return _exponential_below_0(x, alpha, 1.0)


def _exponential_below_0(x: Any, alpha: float, length: float) -> Any:
    """x where x > 0, else alpha · (e^(x / length) - 1)."""
    out = _at_most_0(x)
    if length != 1:
        out /= length
    out = np.expm1(out, out=into(out))
    if alpha != 1:
        out *= alpha
    out += _at_least_0(x)
    return out


@elu.vjp("x", latex=r"g ([x > 0] + \alpha e^x [x \leq 0])")
def _(g, x, *, alpha):
    return where(x <= 0, g * (alpha * np.exp(where(x < 0, x, 0.0))), g)


@elu.fast_backward
def _(g, needs, x, *, alpha):
    slope = _exponential_slope(x, 1.0)
    if alpha != 1:
        slope = where(x <= 0, slope * alpha, 1.0)
    return (g * slope,)


def _exponential_slope(x: Any, length: float) -> Any:
    """e^(x / length) where x < 0, else 1, also where x is nan, as in the rules."""
    slope = where(x < 0, x, 0.0)
    if length != 1:
        slope /= length
    return np.exp(slope, out=into(slope))


@op(order="K", by_element=True, latex=r"\max(x, 0) + \alpha (e^{\min(x, 0) / \alpha} - 1)")
def celu(x: Array, *, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha · (e^(x / alpha) - 1)."""
    return _exponential_below_0(x, alpha, alpha)


@celu.vjp("x", latex=r"g ([x > 0] + e^{x / \alpha} [x \leq 0])")
def _(g, x, *, alpha):
    return where(x <= 0, g * np.exp(where(x < 0, x, 0.0) / alpha), g)


@celu.fast_backward
def _(g, needs, x, *, alpha):
    return (g * _exponential_slope(x, alpha),)


@op(order="K", by_element=True, latex=r"\lambda (\max(x, 0) + \alpha (e^{\min(x, 0)} - 1))")
def selu(x: Array, *, alpha: float = 1.6732632423543772, scale: float = 1.0507009873554805) -> Any:
    """scale · elu(x); with these numbers mean 0 and variance 1 of the inputs are kept."""
    out = _exponential_below_0(x, alpha, 1.0)
    out *= scale
    return out


@selu.vjp("x", latex=r"g \lambda ([x > 0] + \alpha e^x [x \leq 0])")
def _(g, x, *, alpha, scale):
    return where(x <= 0, g * (scale * alpha * np.exp(where(x < 0, x, 0.0))), g * scale)


@selu.fast_backward
def _(g, needs, x, *, alpha, scale):
    slope = _exponential_slope(x, 1.0)
    slope *= scale * alpha
    return (g * where(x <= 0, slope, scale),)


@op(order="K", by_element=True, latex=r"\frac{1}{\beta} \ln(1 + e^{\beta x})")
def softplus(x: Array, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """ln(1 + e^(βx)) / β, and x itself where βx > threshold."""
    z = x if beta == 1 else x * beta
    # ln(1 + eᶻ) = max(z, 0) + ln(1 + e^-|z|): nothing overflows
    soft = -np.abs(z)
    soft = np.exp(soft, out=into(soft))
    soft = np.log1p(soft, out=into(soft))
    soft += _at_least_0(z)
    if beta != 1:
        soft /= beta
    far = z > threshold
    return where(far, x, soft) if far.any() else soft


@softplus.vjp("x", latex=r"g \sigma(\beta x)")
def _(g, x, *, beta, threshold):
    # d ln(1 + eᶻ) = σ(z)
    z = x * beta
    return where(z > threshold, g, g * sigmoid(z))


@softplus.fast_backward
def _(g, needs, x, *, beta, threshold):
    z = x if beta == 1 else x * beta
    slope = g * sigmoid(z)
    far = z > threshold
    return (where(far, g, slope) if far.any() else slope,)


@op(latex=r"-\ln(1 + e^{-x})")
def log_sigmoid(x: Array) -> Any:
    """ln σ(x)."""
    # ln σ(x) = -ln(1 + e^-x) = min(x, 0) - ln(1 + e^-|x|): nothing overflows
    soft = -np.abs(x)
    soft = np.exp(soft, out=into(soft))
    soft = np.log1p(soft, out=into(soft))
    return np.subtract(_at_most_0(x), soft, out=into(soft))


@log_sigmoid.vjp("x", latex=r"g \sigma(-x)")
def _(g, x):
    # d ln σ = (1 - σ(x)) = σ(-x)
    return g * sigmoid(-x)


@op(order="K", by_element=True, latex=r"x \tanh(\ln(1 + e^x))")
def mish(x: Array) -> Any:
    """x tanh(softplus(x))."""
    return x * np.tanh(softplus(x))


@mish.vjp("x", latex=r"g (t + x \sigma(x) (1 - t^2)), \quad t = \tanh(\ln(1 + e^x))")
def _(g, x):
    # softplus'(x) = σ(x) and tanh' = 1 - tanh²
    t = np.tanh(softplus(x))
    return g * (t + x * sigmoid(x) * (1.0 - t * t))


@op(order="K", by_element=True, latex=r"x \Phi(x)")
def gelu(x: Array, *, approximate: str = "none") -> Any:
    """x Φ(x), for the normal distribution Φ or its approximation by tanh (arXiv:1606.08415)."""
    return x * _normal(x, approximate)


@gelu.vjp("x", latex=r"g (\Phi(x) + x \varphi(x))")
def _(g, x, *, approximate):
    return g * _gelu_slope(x, _normal(x, approximate), approximate)


@gelu.fast_forward
def _gelu_with_residual(x, *, approximate="none"):
    phi = _normal(x, approximate)  # kept, since erf costs more than the rest of the formula
    return x * phi, phi


@gelu.fast_backward
def _(g, needs, x, residuals, *, approximate):
    if approximate == "tanh":
        return (g * _gelu_slope(x, residuals, approximate),)
    slope = x * x  # as `_gelu_slope`, but in one array
    slope *= -0.5
    slope = np.exp(slope, out=into(slope))
    slope *= 1 / math.sqrt(2 * math.pi)
    slope *= x
    slope += residuals
    slope *= g
    return (slope,)


_ERF_OF_ROOT_HALF = scaled(math.sqrt(0.5))


def _normal(x: Any, approximate: str) -> Any:
    """Φ(x), the probability that a standard normal variable is below x."""
    if approximate == "none":
        if type(x) is np.ndarray and x.dtype == np.float32 and x.size > 4096:
            phi = erf_of_float32(x, _ERF_OF_ROOT_HALF)
            phi += 1
            phi *= 0.5
            return phi
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


# --- of two halves -----------------------------------------------------------------------------


@op(order="K", latex=r"a \sigma(b), \quad x = [a, b]")
def glu(x: Array, *, axis: int = -1) -> Any:
    """a σ(b), for the halves a and b of x along an axis."""
    values, gates = _halves(x, axis)
    out = logistic(gates)
    out *= values
    return out


@glu.vjp("x", latex=r"[g \sigma(b), \quad g a \sigma(b) (1 - \sigma(b))]")
def _(g, x, *, axis):
    # σ' = σ (1 - σ)
    values, gates = _halves(x, axis)
    s = sigmoid(gates)
    return concatenate(g * s, g * values * (s * (1.0 - s)), axis=axis)


@glu.fast_forward
def _(x, *, axis=-1):
    values, gates = _halves(x, axis)
    s = logistic(gates)
    return values * s, s


@glu.fast_backward
def _(g, needs, x, residuals, *, axis):
    found = np.empty_like(x)
    first, second = _halves(found, axis)
    np.multiply(g, residuals, out=first)
    np.subtract(1, residuals, out=second)
    second *= first
    second *= _halves(x, axis)[0]
    return (found,)


def _halves(x: Any, axis: int) -> tuple[Any, Any]:
    before, half = (slice(None),) * (axis % x.ndim), x.shape[axis] // 2
    return x[(*before, slice(None, half))], x[(*before, slice(half, None))]
