"""Orthogonal polynomials of degree n, by their recurrences; 0 for n < 0. All have gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.dtypes import get_default_dtype, result_type
from dlframe.tensor.arguments import Number, pair_of, to_dtype

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]


def chebyshev_polynomial_t(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev's polynomial of the first kind, Tₙ(cos θ) = cos nθ.

    >>> dl.special.chebyshev_polynomial_t(dl.tensor([0.5, 2.0]), 3)
    tensor([-1., 26.])
    """
    return _evaluated(ops.chebyshev_polynomial_t, input, n)


def chebyshev_polynomial_u(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev's polynomial of the second kind, Uₙ(cos θ) = sin (n+1)θ / sin θ.

    >>> dl.special.chebyshev_polynomial_u(dl.tensor([0.5, 2.0]), 3)
    tensor([-1., 56.])
    """
    return _evaluated(ops.chebyshev_polynomial_u, input, n)


def chebyshev_polynomial_v(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev's polynomial of the third kind, Vₙ(cos θ) = cos (n+½)θ / cos ½θ.

    >>> dl.special.chebyshev_polynomial_v(dl.tensor([0.5, 2.0]), 3)
    tensor([-1., 41.])
    """
    return _evaluated(ops.chebyshev_polynomial_v, input, n)


def chebyshev_polynomial_w(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Chebyshev's polynomial of the fourth kind, Wₙ(cos θ) = sin (n+½)θ / sin ½θ.

    >>> dl.special.chebyshev_polynomial_w(dl.tensor([0.5, 2.0]), 3)
    tensor([-1., 71.])
    """
    return _evaluated(ops.chebyshev_polynomial_w, input, n)


def hermite_polynomial_h(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Hermite's polynomial of physics: H₀ = 1, H₁ = 2x, Hₙ₊₁ = 2x Hₙ - 2n Hₙ₋₁.

    >>> dl.special.hermite_polynomial_h(dl.tensor([0.5, 2.0]), 3)
    tensor([-5., 40.])
    """
    return _evaluated(ops.hermite_polynomial_h, input, n)


def hermite_polynomial_he(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Hermite's polynomial of statistics: He₀ = 1, He₁ = x, Heₙ₊₁ = x Heₙ - n Heₙ₋₁.

    >>> dl.special.hermite_polynomial_he(dl.tensor([0.5, 2.0]), 3)
    tensor([-1.3750,  2.0000])
    """
    return _evaluated(ops.hermite_polynomial_he, input, n)


def laguerre_polynomial_l(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Laguerre's polynomial: L₀ = 1, L₁ = 1 - x, (n+1) Lₙ₊₁ = (2n+1-x) Lₙ - n Lₙ₋₁.

    >>> dl.special.laguerre_polynomial_l(dl.tensor([0.5, 2.0]), 3)
    tensor([-0.1458, -0.3333])
    """
    return _evaluated(ops.laguerre_polynomial_l, input, n)


def legendre_polynomial_p(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """Legendre's polynomial: P₀ = 1, P₁ = x, (n+1) Pₙ₊₁ = (2n+1) x Pₙ - n Pₙ₋₁.

    >>> dl.special.legendre_polynomial_p(dl.tensor([0.5, 2.0]), 3)
    tensor([-0.4375, 17.0000])
    """
    return _evaluated(ops.legendre_polynomial_p, input, n)


def shifted_chebyshev_polynomial_t(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """`chebyshev_polynomial_t` of 2x - 1: for x in [0, 1] instead of [-1, 1].

    >>> dl.special.shifted_chebyshev_polynomial_t(dl.tensor([0.5, 2.0]), 3)
    tensor([-0., 99.])
    """
    return _evaluated(ops.chebyshev_polynomial_t, _shifted(input), n)


def shifted_chebyshev_polynomial_u(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """`chebyshev_polynomial_u` of 2x - 1: for x in [0, 1] instead of [-1, 1].

    >>> dl.special.shifted_chebyshev_polynomial_u(dl.tensor([0.5, 2.0]), 3)
    tensor([ -0., 204.])
    """
    return _evaluated(ops.chebyshev_polynomial_u, _shifted(input), n)


def shifted_chebyshev_polynomial_v(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """`chebyshev_polynomial_v` of 2x - 1: for x in [0, 1] instead of [-1, 1].

    >>> dl.special.shifted_chebyshev_polynomial_v(dl.tensor([0.5, 2.0]), 3)
    tensor([  1., 169.])
    """
    return _evaluated(ops.chebyshev_polynomial_v, _shifted(input), n)


def shifted_chebyshev_polynomial_w(input: Tensor | Number, n: Tensor | Number) -> Tensor:
    """`chebyshev_polynomial_w` of 2x - 1: for x in [0, 1] instead of [-1, 1].

    >>> dl.special.shifted_chebyshev_polynomial_w(dl.tensor([0.5, 2.0]), 3)
    tensor([ -1., 239.])
    """
    return _evaluated(ops.chebyshev_polynomial_w, _shifted(input), n)


def _evaluated(polynomial: Any, input: Any, n: Any) -> Any:
    """The value for each element of `input` and of `n`, which broadcast and promote."""
    x, n = pair_of(polynomial.definition.name, input, n)
    dtype = result_type(x.array, n.array)
    return polynomial(to_dtype(x, dtype if dtype.kind == "f" else get_default_dtype()), n)


def _shifted(x: Any) -> Any:
    return 2.0 * x - 1.0
