"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.elementwise import where
from dlframe.ops.op import elementwise, printed_as

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "hypot",
    "sin",
    "sinc",
    "sinh",
    "tan",
    "tanh",
]

sin = elementwise(np.sin, floats=True, latex=r"\sin x", x=lambda g, x: g * np.cos(x))
cos = elementwise(np.cos, floats=True, latex=r"\cos x", x=lambda g, x: -g * np.sin(x))
tan = elementwise(np.tan, floats=True, latex=r"\tan x", x=lambda g, out: g * (out * out + 1.0))
arcsin = elementwise(
    np.arcsin, floats=True, latex=r"\arcsin x", x=lambda g, x: g / np.sqrt(1.0 - x * x)
)
arccos = elementwise(
    np.arccos, floats=True, latex=r"\arccos x", x=lambda g, x: -g / np.sqrt(1.0 - x * x)
)
arctan = elementwise(np.arctan, floats=True, latex=r"\arctan x", x=lambda g, x: g / (x * x + 1.0))
# the angle of (y, x) changes by (x dy - y dx) / r²
arctan2 = elementwise(
    np.arctan2,
    floats=True,
    latex=r"\arctan \frac{x}{y} + \pi \cdot \mathrm{sign}(x) [y < 0]",
    x=printed_as(r"g \frac{y}{x^2 + y^2}")(lambda g, x, y: _turn(g, y, x)),
    y=printed_as(r"-g \frac{x}{x^2 + y^2}")(lambda g, x, y: _turn(g, -x, y)),
)
sinh = elementwise(np.sinh, floats=True, latex=r"\sinh x", x=lambda g, x: g * np.cosh(x))
cosh = elementwise(np.cosh, floats=True, latex=r"\cosh x", x=lambda g, x: g * np.sinh(x))
tanh = elementwise(np.tanh, floats=True, latex=r"\tanh x", x=lambda g, out: g * (1.0 - out * out))
arcsinh = elementwise(
    np.arcsinh, floats=True, latex=r"\mathrm{arsinh}(x)", x=lambda g, x: g / np.sqrt(x * x + 1.0)
)
arccosh = elementwise(
    np.arccosh, floats=True, latex=r"\mathrm{arcosh}(x)", x=lambda g, x: g / np.sqrt(x * x - 1.0)
)
arctanh = elementwise(
    np.arctanh, floats=True, latex=r"\mathrm{artanh}(x)", x=lambda g, x: g / (1.0 - x * x)
)


def _turn(g: Any, along: Any, other: Any) -> Any:
    """g · along / r², and 0 at the origin, where no angle is defined."""
    r2 = along * along + other * other
    origin = r2 == 0.0
    return where(origin, 0.0, g * (along / where(origin, 1.0, r2)))


# d √(x² + y²) = (x dx + y dy) / √(x² + y²)
hypot = elementwise(
    np.hypot,
    floats=True,
    latex=r"\sqrt{x^2 + y^2}",
    x=lambda g, out, x: g * (x / out),
    y=lambda g, out, y: g * (y / out),
)


def _sinc(x: Any) -> Any:
    """sin(πx) / πx, and 1 at 0."""
    z = x * np.pi
    return np.where(z == 0, 1, np.sin(z) / z).astype(x.dtype, copy=False)


def sinc_slope(z: Any) -> Any:
    """The derivative of sin z / z, of an array or of a tensor."""
    # (cos z - sin z / z) / z loses digits near 0; the series there has the right derivatives too
    near = abs(z) < 0.1
    far = where(near, 1.0, z)
    z2 = z * z
    series = z * (-1 / 3 + z2 * (1 / 30 + z2 * (-1 / 840 + z2 / 45360)))
    return where(near, series, (np.cos(far) - np.sin(far) / far) / far)


sinc = elementwise(
    _sinc,
    name="sinc",
    floats=True,
    latex=r"\frac{\sin \pi x}{\pi x}",
    x=printed_as(r"g \frac{\cos \pi x - z}{x}")(
        lambda g, x: g * (math.pi * sinc_slope(math.pi * x))
    ),
)
