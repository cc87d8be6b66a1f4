"""Activation functions; relu'(0) = 0, as in PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.ops.elementwise import where
from dlframe.ops.erf import erf
from dlframe.ops.exponential import sigmoid
from dlframe.ops.op import elementwise, op
from dlframe.ops.record import Array

__all__ = ["elu", "gelu", "leaky_relu", "relu", "silu", "softplus"]


def _relu(x: Any) -> Any:
    """max(x, 0)."""
    return np.maximum(x, 0)


def _silu(x: Any) -> Any:
    """x σ(x), also called swish."""
    return x * sigmoid(x)


def _silu_x(g: Any, x: Any) -> Any:
    # d x σ(x) = σ + x σ (1 - σ)
    s = sigmoid(x)
    return g * (s * (1.0 + x * (1.0 - s)))


relu = elementwise(_relu, name="relu", x=lambda g, out: g * (out != 0))
silu = elementwise(_silu, name="silu", x=_silu_x)


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
