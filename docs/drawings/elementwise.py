"""Sheets of elementwise and special functions: each with its derivative, by autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import dlframe as dl
from drawings.curves import value_and_slope
from drawings.page import LOOKS, axes_page, zero_axes

# title, function, from, to, and the lowest and highest y that is shown
Panel = tuple[str, Callable[[Any], Any], float, float, float, float]

special = dl.special
one = dl.tensor(1.0, dtype=dl.float64)

POWERS: list[Panel] = [
    ("exp", dl.exp, -3, 2, -0.5, 5),
    ("exp2", dl.exp2, -3, 2, -0.5, 5),
    ("expm1", dl.expm1, -3, 2, -1.5, 4),
    ("log", dl.log, 0, 4, -3, 4),
    ("log2", dl.log2, 0, 4, -3, 4),
    ("log1p", dl.log1p, -1, 3, -3, 4),
    ("sqrt", dl.sqrt, 0, 4, -0.5, 3),
    ("rsqrt", dl.rsqrt, 0, 4, -3, 3),
    ("reciprocal", dl.reciprocal, -3, 3, -4, 4),
    ("square", dl.square, -2, 2, -4, 4),
    ("sigmoid", dl.sigmoid, -5, 5, -0.1, 1.1),
    ("logit", dl.logit, 0, 1, -5, 9),
    ("logaddexp(x, 0)", lambda x: dl.logaddexp(x, 0 * one), -4, 4, -0.5, 4),
    ("hypot(x, 1)", lambda x: dl.hypot(x, one), -3, 3, -1.2, 3.2),
    ("xlogy(x, x)", lambda x: dl.xlogy(x, x), 0, 2, -1.5, 2),
    ("special.entr", special.entr, 0, 2, -2, 2),
]
ANGLES: list[Panel] = [
    ("sin", dl.sin, -6, 6, -1.4, 1.4),
    ("cos", dl.cos, -6, 6, -1.4, 1.4),
    ("tan", dl.tan, -4.5, 4.5, -5, 6),
    ("sinc", dl.sinc, -4, 4, -1.5, 1.5),
    ("asin", dl.asin, -1, 1, -2, 4),
    ("acos", dl.acos, -1, 1, -4, 3.5),
    ("atan", dl.atan, -5, 5, -1.6, 1.6),
    ("atan2(x, 1)", lambda x: dl.atan2(x, one), -5, 5, -1.6, 1.6),
    ("atan2(1, x)", lambda x: dl.atan2(one, x), -5, 5, -1.3, 3.3),
    ("sinh", dl.sinh, -2.5, 2.5, -6, 6),
    ("cosh", dl.cosh, -2.5, 2.5, -6, 6),
    ("tanh", dl.tanh, -3, 3, -1.2, 1.2),
    ("asinh", dl.asinh, -5, 5, -2.5, 2.5),
    ("acosh", dl.acosh, 1, 5, -0.5, 4),
    ("atanh", dl.atanh, -1, 1, -3, 4),
    ("angle", dl.angle, -2, 2, -0.5, 3.6),
]
STEPS: list[Panel] = [
    ("abs", dl.abs, -3, 3, -1.4, 3),
    ("sign", dl.sign, -3, 3, -1.4, 1.4),
    ("floor", dl.floor, -3, 3, -3.3, 3),
    ("ceil", dl.ceil, -3, 3, -3, 3.3),
    ("trunc", dl.trunc, -3, 3, -3, 3),
    ("round", dl.round, -3, 3, -3.3, 3.3),
    ("frac", dl.frac, -3, 3, -1.2, 1.2),
    ("remainder(x, 2)", lambda x: dl.remainder(x, 2), -5, 5, -0.3, 2.2),
    ("fmod(x, 2)", lambda x: dl.fmod(x, 2), -5, 5, -2.2, 2.2),
    ("clamp(x, -1, 1)", lambda x: dl.clamp(x, -1, 1), -3, 3, -1.3, 1.3),
    ("maximum(x, 1)", lambda x: dl.maximum(x, one), -3, 3, -0.3, 3),
    ("copysign(x, -1)", lambda x: dl.copysign(x, -1), -3, 3, -3.2, 1.4),
]
SPECIAL: list[Panel] = [
    ("erf", dl.erf, -3, 3, -1.3, 1.3),
    ("erfc", dl.erfc, -3, 3, -1.3, 2.2),
    ("special.erfcx", special.erfcx, -1, 4, -3, 4),
    ("erfinv", dl.erfinv, -1, 1, -3, 4),
    ("special.ndtr", special.ndtr, -4, 4, -0.1, 1.1),
    ("special.log_ndtr", special.log_ndtr, -4, 4, -8, 5),
    ("special.ndtri", special.ndtri, 0, 1, -3, 9),
    ("lgamma", dl.lgamma, -3.5, 4, -5, 5),
    ("digamma", dl.digamma, -3.5, 4, -6, 14),
    ("polygamma(1, x)", lambda x: dl.polygamma(1, x), 0, 4, -8, 8),
    ("igamma(2, x)", lambda x: dl.igamma(2 * one, x), 0, 8, -0.1, 1.1),
    ("special.zeta(2, x)", lambda x: special.zeta(2, x), 0, 4, -8, 8),
]
BESSEL: list[Panel] = [
    ("bessel_j0", special.bessel_j0, -12, 12, -1, 1.2),
    ("bessel_j1", special.bessel_j1, -12, 12, -1, 1.2),
    ("bessel_y0", special.bessel_y0, 0, 12, -1.2, 1.2),
    ("bessel_y1", special.bessel_y1, 0, 12, -1.2, 1.2),
    ("i0", dl.i0, -3, 3, -4, 5),
    ("i1", special.i1, -3, 3, -4, 5),
    ("modified_bessel_k0", special.modified_bessel_k0, 0, 3, -3, 3),
    ("modified_bessel_k1", special.modified_bessel_k1, 0, 3, -5, 4),
    ("i0e", special.i0e, -6, 6, -0.7, 1.1),
    ("i1e", special.i1e, -6, 6, -0.4, 0.6),
    ("spherical_bessel_j0", special.spherical_bessel_j0, -12, 12, -0.6, 1.2),
    ("airy_ai", special.airy_ai, -10, 3, -1.1, 1.1),
]


def _sheet(panels: list[Panel]) -> Any:
    """Four panels in a row: the function (full), and its derivative (broken)."""
    rows = -(-len(panels) // 4)
    figure, grid = axes_page(4, rows, 8.6, 1.55 * rows + 0.3)
    for axes, (title, function, low, high, bottom, top) in zip(grid.flat, panels, strict=True):
        x = np.linspace(low, high, 1202)[1:-1]  # the ends may be poles
        zero_axes(axes)
        for y, look in zip(value_and_slope(function, x), LOOKS, strict=False):
            axes.plot(x, _broken(y, bottom, top), lw=1.4, **look)
        axes.set_title(title, size=9)
        axes.tick_params(labelsize=7)
        axes.set(xlim=(low, high), ylim=(bottom, top))
    return figure


def _broken(y: Any, bottom: float, top: float) -> Any:
    """`y` with a gap at each jump, so that no line is drawn through a pole."""
    y = np.array(y)
    far = (y < 2 * bottom - top) | (y > 2 * top - bottom)
    y[far] = np.nan
    y[1:][np.abs(np.diff(y)) > 0.12 * (top - bottom)] = np.nan
    return y


FAMILIES = [
    ("chebyshev_polynomial_t", -1, 1, -1.1, 1.1),
    ("chebyshev_polynomial_u", -1, 1, -3, 3),
    ("chebyshev_polynomial_v", -1, 1, -3, 3),
    ("chebyshev_polynomial_w", -1, 1, -3, 3),
    ("hermite_polynomial_h", -2, 2, -30, 30),
    ("hermite_polynomial_he", -3, 3, -10, 10),
    ("laguerre_polynomial_l", 0, 6, -4, 4),
    ("legendre_polynomial_p", -1, 1, -1.1, 1.1),
]


def _polynomials() -> Any:
    """Each family: the degrees 1 (full), 2 (dashed), 3 (dotted), 4 (dashes and dots)."""
    figure, grid = axes_page(4, 2, 8.6, 3.9)
    for axes, (name, low, high, bottom, top) in zip(grid.flat, FAMILIES, strict=True):
        x = np.linspace(low, high, 401)
        zero_axes(axes)
        for n, look in zip(range(1, 5), LOOKS, strict=False):
            y = getattr(special, name)(dl.tensor(x), n).numpy()
            axes.plot(x, y, lw=1.4, **look)
        axes.set_title(name.replace("_polynomial", ""), size=9)
        axes.tick_params(labelsize=7)
        axes.set(xlim=(low, high), ylim=(bottom, top))
    return figure


def sheets() -> dict[str, Any]:
    """All sheets."""
    panels = {
        "-powers": POWERS,
        "-angles": ANGLES,
        "-steps": STEPS,
        "-special": SPECIAL,
        "-bessel": BESSEL,
    }
    found = {name: _sheet(rows) for name, rows in panels.items()}
    return {**found, "-polynomials": _polynomials()}


PICTURES = {"elementwise": sheets}
