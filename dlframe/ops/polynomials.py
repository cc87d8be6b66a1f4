"""Orthogonal polynomials, by their three-term recurrences.

Each family is p₀ = 1, pₖ₊₁ = (a x + b) pₖ - c pₖ₋₁ with p₋₁ = 0 and numbers a, b, c that depend on
k (Abramowitz and Stegun, Handbook of Mathematical Functions, table 22.7). The derivative comes from
the same recurrence, on arrays and tensors, so that all orders exist; PyTorch has no derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.ops.elementwise import where
from dlframe.ops.op import OpFunction, op
from dlframe.ops.record import unwrapped
from dlframe.ops.steps import zeros_like

__all__ = [
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
]

Coefficients = Callable[[int], tuple[float, float, float]]


def _polynomials(
    name: str, latex: tuple[str, str], meaning: str, coefficients: Coefficients
) -> OpFunction:
    """The operation p(x, n) of a family, for degrees `n` that broadcast against `x`.

    `latex` is the formula of p, and that of the gradient with respect to x.
    """

    def forward(x: Any, n: Any) -> Any:
        return _run(x, n, coefficients)[0]

    forward.__name__, forward.__doc__ = name, meaning
    operation = op(broadcasts=True, order="K", latex=latex[0])(forward)
    operation.vjp("x", latex=latex[1])(lambda g, x, n: g * _run(x, n, coefficients)[1])
    return operation


def _run(x: Any, n: Any, coefficients: Coefficients) -> tuple[Any, Any]:
    """The values and the slopes of degree `n`; both are 0 for n < 0."""
    degrees = np.trunc(unwrapped(n))
    zero = zeros_like(x)
    before, p = zero, zero + 1.0
    slope_before = slope = zero
    value_n = slope_n = where(degrees < 0, 0.0, zero)  # of the shape of both
    for k in range(int(degrees.max()) + 1 if degrees.size else 0):
        here = degrees == k
        value_n, slope_n = where(here, p, value_n), where(here, slope, slope_n)
        a, b, c = coefficients(k)
        factor = a * x + b
        # d (a x + b) p = a p + (a x + b) p'
        slope_before, slope = slope, a * p + factor * slope - c * slope_before
        before, p = p, factor * p - c * before
    return value_n, slope_n


chebyshev_polynomial_t = _polynomials(
    "chebyshev_polynomial_t",
    ("T_n(x)", "g n U_{n-1}(x)"),
    "Chebyshev's polynomial of the first kind: Tₙ(cos θ) = cos nθ.",
    lambda k: (2.0 if k else 1.0, 0.0, 1.0),
)
chebyshev_polynomial_u = _polynomials(
    "chebyshev_polynomial_u",
    ("U_n(x)", "g U_n'(x)"),
    "Chebyshev's polynomial of the second kind: Uₙ(cos θ) = sin (n+1)θ / sin θ.",
    lambda k: (2.0, 0.0, 1.0),
)
chebyshev_polynomial_v = _polynomials(
    "chebyshev_polynomial_v",
    ("V_n(x)", "g V_n'(x)"),
    "Chebyshev's polynomial of the third kind: Vₙ(cos θ) = cos (n+½)θ / cos ½θ.",
    lambda k: (2.0, 0.0 if k else -1.0, 1.0),
)
chebyshev_polynomial_w = _polynomials(
    "chebyshev_polynomial_w",
    ("W_n(x)", "g W_n'(x)"),
    "Chebyshev's polynomial of the fourth kind: Wₙ(cos θ) = sin (n+½)θ / sin ½θ.",
    lambda k: (2.0, 0.0 if k else 1.0, 1.0),
)
hermite_polynomial_h = _polynomials(
    "hermite_polynomial_h",
    ("H_n(x)", "2 n g H_{n-1}(x)"),
    "Hermite's polynomial of physics: Hₙ₊₁ = 2x Hₙ - 2n Hₙ₋₁.",
    lambda k: (2.0, 0.0, 2.0 * k),
)
hermite_polynomial_he = _polynomials(
    "hermite_polynomial_he",
    ("He_n(x)", "g n He_{n-1}(x)"),
    "Hermite's polynomial of statistics: Heₙ₊₁ = x Heₙ - n Heₙ₋₁.",
    lambda k: (1.0, 0.0, float(k)),
)
laguerre_polynomial_l = _polynomials(
    "laguerre_polynomial_l",
    ("L_n(x)", "g L_n'(x)"),
    "Laguerre's polynomial: (n+1) Lₙ₊₁ = (2n+1-x) Lₙ - n Lₙ₋₁.",
    lambda k: (-1.0 / (k + 1), (2.0 * k + 1) / (k + 1), k / (k + 1)),
)
legendre_polynomial_p = _polynomials(
    "legendre_polynomial_p",
    ("P_n(x)", "g P_n'(x)"),
    "Legendre's polynomial: (n+1) Pₙ₊₁ = (2n+1) x Pₙ - n Pₙ₋₁.",
    lambda k: ((2.0 * k + 1) / (k + 1), 0.0, k / (k + 1)),
)
