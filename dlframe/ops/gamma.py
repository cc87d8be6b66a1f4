"""The gamma function's logarithm and its derivatives, incomplete gamma functions, Hurwitz' zeta."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np

from dlframe.errors import GradientError
from dlframe.ops.op import elementwise, op, printed_as
from dlframe.ops.record import Array
from dlframe.ops.scipy_special import from_scipy

__all__ = ["digamma", "igamma", "igammac", "lgamma", "polygamma", "zeta"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


@op(order="K", latex=r"\psi^{(n)}(x)")
def polygamma(x: Array, *, n: int) -> Any:
    """The n-th derivative of digamma: (-1)ⁿ⁺¹ n! ζ(n + 1, x)."""
    if n == 0:
        return _digamma(x)
    # in float64: n! is soon too large for the other floats, and ζ too small
    wide = x.astype(np.float64)
    sign, series = (-1.0) ** (n + 1), _zeta(float(n + 1), wide)
    if n <= 170:
        return (sign * math.gamma(n + 1.0) * series).astype(x.dtype)
    # 171! is too large for a float, but its logarithm is not
    return (sign * np.exp(math.lgamma(n + 1.0) + np.log(series))).astype(x.dtype)


@polygamma.vjp("x", latex=r"g \psi^{(n + 1)}(x)")
def _(g, x, *, n):
    # one derivative more
    return g * polygamma(x, n=n + 1)


_digamma = from_scipy("digamma", "The derivative of ln Γ(x), Γ'(x) / Γ(x).", scipy_name="psi")
_zeta = from_scipy("zeta", "Hurwitz' zeta function: Σ 1 / (k + q)ˣ over k = 0, 1, 2, …")

digamma = elementwise(
    _digamma,
    floats=True,
    latex=r"\psi(x) = \frac{d}{dx} \ln |\Gamma(x)|",
    x=lambda g, x: g * polygamma(x, n=1),
)
_gammaln = from_scipy("gammaln", "ln |Γ(x)|.")


def _lgamma(x: Any) -> Any:
    """ln |Γ(x)|."""
    return np.where(x == -np.inf, np.inf, _gammaln(x)).astype(x.dtype, copy=False)  # as in C


lgamma = elementwise(
    _lgamma, name="lgamma", floats=True, latex=r"\ln |\Gamma(x)|", x=lambda g, x: g * digamma(x)
)


def _not_by_first(name: str, argument: str) -> Any:
    """The rule of an input with respect to which the derivative has no closed form."""

    def rule(g: Any) -> NoReturn:
        raise GradientError(
            f"{name}: the derivative for '{argument}' is not implemented, here as in PyTorch; "
            f"detach() the {argument} if its gradient is not wanted"
        )

    return rule


@printed_as(r"g \frac{x^{a - 1} e^{-x}}{\Gamma(a)}")
def _gamma_density(g, a, x):
    # d P(a, x)/dx = x^(a-1) e^-x / Γ(a)
    return g * np.exp((a - 1.0) * np.log(x) - x - lgamma(a))


igamma = elementwise(
    from_scipy("igamma", "P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt.", scipy_name="gammainc"),
    floats=True,
    latex=r"\frac{1}{\Gamma(a)} \int_0^x t^{a - 1} e^{-t} dt",
    a=printed_as(r"g \frac{\partial z}{\partial a}")(_not_by_first("igamma", "input")),
    x=_gamma_density,
)
igammac = elementwise(
    from_scipy("igammac", "Q(a, x) = 1 - P(a, x), exact for large x.", scipy_name="gammaincc"),
    floats=True,
    latex=r"\frac{1}{\Gamma(a)} \int_x^\infty t^{a - 1} e^{-t} dt",
    a=printed_as(r"g \frac{\partial z}{\partial a}")(_not_by_first("igammac", "input")),
    x=lambda g, a, x: -_gamma_density(g, a, x),
)


def _zeta_q(g, x, q):
    # d Σ (k + q)^-x / dq = -x Σ (k + q)^-(x + 1)
    return -g * (x * zeta(x + 1.0, q))


zeta = elementwise(
    _zeta,
    floats=True,
    latex=r"\zeta(x, q) = \sum_{k=0}^\infty \frac{1}{(k + q)^x}",
    x=printed_as(r"g \frac{\partial z}{\partial x}")(_not_by_first("zeta", "input")),
    q=_zeta_q,
)
