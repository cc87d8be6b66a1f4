"""Bessel functions of order 0 and 1, and Airy's function Ai.

The derivatives are those of Abramowitz and Stegun, Handbook of Mathematical Functions, 9.1.28,
9.6.27-28 and 10.4.1. PyTorch has derivatives only for i0, i0e, i1 and i1e.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.errors import needs
from dlframe.ops.elementwise import where
from dlframe.ops.op import OpFunction, elementwise, printed_as
from dlframe.ops.scipy_special import from_scipy
from dlframe.ops.steps import sign
from dlframe.ops.trigonometric import sinc_slope

__all__ = [
    "airy_ai",
    "airy_ai_slope",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "spherical_bessel_j0",
]


@printed_as(r"\frac{z}{x}")
def _over(out: Any, x: Any, curvature: float) -> Any:
    """out / x for J₁ (curvature -1) or I₁ (1); near 0 by its series, ½ ± x²/16 + x⁴/384."""
    near = abs(x) < 0.01
    x2 = x * x
    series = 0.5 + x2 * (curvature / 16 + x2 / 384)
    return where(near, series, out / where(near, 1.0, x))


# J₀' = -J₁, J₁' = J₀ - J₁/x, and so for Y
bessel_j0 = elementwise(
    from_scipy("bessel_j0", "The Bessel function J₀.", scipy_name="j0"),
    floats=True,
    latex="J_0(x)",
    x=lambda g, x: -g * bessel_j1(x),
)
bessel_j1: OpFunction = elementwise(
    from_scipy("bessel_j1", "The Bessel function J₁.", scipy_name="j1"),
    floats=True,
    latex="J_1(x)",
    x=lambda g, x, out: g * (bessel_j0(x) - _over(out, x, -1.0)),
)
bessel_y0 = elementwise(
    from_scipy("bessel_y0", "The Bessel function Y₀, for x > 0.", scipy_name="y0"),
    floats=True,
    latex="Y_0(x)",
    x=lambda g, x: -g * bessel_y1(x),
)
bessel_y1: OpFunction = elementwise(
    from_scipy("bessel_y1", "The Bessel function Y₁, for x > 0.", scipy_name="y1"),
    floats=True,
    latex="Y_1(x)",
    x=lambda g, x, out: g * (bessel_y0(x) - out / x),
)

# I₀' = I₁, I₁' = I₀ - I₁/x
i0 = elementwise(
    from_scipy("i0", "The modified Bessel function I₀."),
    floats=True,
    latex="I_0(x)",
    x=lambda g, x: g * i1(x),
)
i1: OpFunction = elementwise(
    from_scipy("i1", "The modified Bessel function I₁."),
    floats=True,
    latex="I_1(x)",
    x=lambda g, x, out: g * (i0(x) - _over(out, x, 1.0)),
)
# the factor e^-|x| adds the function itself times -sign(x)
i0e = elementwise(
    from_scipy("i0e", "e^-|x| I₀(x), which does not overflow."),
    floats=True,
    latex="e^{-|x|} I_0(x)",
    x=lambda g, x, out: g * (i1e(x) - sign(x) * out),
)
i1e: OpFunction = elementwise(
    from_scipy("i1e", "e^-|x| I₁(x), which does not overflow."),
    floats=True,
    latex="e^{-|x|} I_1(x)",
    x=lambda g, x, out: g * (i0e(x) - sign(x) * out - _scaled_over(out, x)),
)


@printed_as(r"\frac{z}{x}")
def _scaled_over(out: Any, x: Any) -> Any:
    """i1e(x) / x, from the series of I₁ near 0."""
    near = abs(x) < 0.01
    close = where(near, x, 0.0)
    return where(near, np.exp(-abs(close)) * _over(close, close, 1.0), out / where(near, 1.0, x))


# K₀' = -K₁, K₁' = -K₀ - K₁/x, and the factor eˣ adds the function itself
modified_bessel_k0 = elementwise(
    from_scipy("modified_bessel_k0", "The modified Bessel function K₀, x > 0.", scipy_name="k0"),
    floats=True,
    latex="K_0(x)",
    x=lambda g, x: -g * modified_bessel_k1(x),
)
modified_bessel_k1: OpFunction = elementwise(
    from_scipy("modified_bessel_k1", "The modified Bessel function K₁, x > 0.", scipy_name="k1"),
    floats=True,
    latex="K_1(x)",
    x=lambda g, x, out: -g * (modified_bessel_k0(x) + out / x),
)
scaled_modified_bessel_k0 = elementwise(
    from_scipy("scaled_modified_bessel_k0", "eˣ K₀(x), for x > 0.", scipy_name="k0e"),
    floats=True,
    latex="e^x K_0(x)",
    x=lambda g, x, out: g * (out - scaled_modified_bessel_k1(x)),
)
scaled_modified_bessel_k1: OpFunction = elementwise(
    from_scipy("scaled_modified_bessel_k1", "eˣ K₁(x), for x > 0.", scipy_name="k1e"),
    floats=True,
    latex="e^x K_1(x)",
    x=lambda g, x, out: g * (out - scaled_modified_bessel_k0(x) - out / x),
)


def _spherical_bessel_j0(x: Any) -> Any:
    """The spherical Bessel function j₀(x) = sin x / x, and 1 at 0."""
    out = np.where(x == 0, 1.0, np.sin(x) / x)
    return np.where(np.isinf(x), 0.0, out).astype(x.dtype, copy=False)


spherical_bessel_j0 = elementwise(
    _spherical_bessel_j0,
    name="spherical_bessel_j0",
    floats=True,
    latex=r"\frac{\sin x}{x}",
    x=printed_as(r"g \frac{\cos x - z}{x}")(lambda g, x: g * sinc_slope(x)),
)


def _airy(x: Any, which: int) -> Any:
    with needs("scipy"):
        from scipy import special  # on first use, as in `from_scipy`

    return np.asarray(special.airy(x)[which]).astype(x.dtype, copy=False)


def _airy_ai(x: Any) -> Any:
    """Airy's function Ai, the solution of y'' = x y that vanishes for x → ∞."""
    return _airy(x, 0)


def _airy_ai_slope(x: Any) -> Any:
    """Ai'."""
    return _airy(x, 1)


airy_ai = elementwise(
    _airy_ai,
    name="airy_ai",
    floats=True,
    latex=r"\mathrm{Ai}(x)",
    x=lambda g, x: g * airy_ai_slope(x),
)
# Ai'' = x Ai
airy_ai_slope: OpFunction = elementwise(
    _airy_ai_slope,
    name="airy_ai_slope",
    floats=True,
    latex=r"\mathrm{Ai}'(x)",
    x=lambda g, x: g * (x * airy_ai(x)),
)
