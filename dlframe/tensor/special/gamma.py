"""The gamma function's logarithm and derivatives, incomplete gamma functions, zeta."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.tensor.arguments import Number, pair_of
from dlframe.tensor.functions import digamma, igamma, igammac, lgamma, mvlgamma, polygamma

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "digamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "multigammaln",
    "polygamma",
    "psi",
    "zeta",
]

# PyTorch's names in this module.
gammaln, psi, multigammaln = lgamma, digamma, mvlgamma
gammainc, gammaincc = igamma, igammac


def zeta(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """Hurwitz' zeta function: Σ 1 / (k + other)^input over k = 0, 1, 2, …

    For other = 1 it is Riemann's. Only `other` has a gradient.

    >>> dl.special.zeta(dl.tensor([2.0, 4.0]), 1)
    tensor([1.6449, 1.0823])
    """
    return ops.zeta(*pair_of("zeta", input, other))
