"""The special functions that PyTorch has at its top level; `dlframe.special` has all of them."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

import numpy as np

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.errors import ArgumentError
from dlframe.ops.calling import wrap
from dlframe.tensor.arguments import checked, floats_of

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "digamma",
    "erf",
    "erf_",
    "erfc",
    "erfc_",
    "erfinv",
    "i0",
    "i0_",
    "igamma",
    "igammac",
    "lgamma",
    "mvlgamma",
    "polygamma",
]


def erf(input: Tensor) -> Tensor:
    """The error function: 2/√π ∫₀ˣ e^(-t²) dt.

    >>> dl.erf(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return ops.erf(input)


erf_ = in_place_form(erf, ops.erf)


def erfc(input: Tensor) -> Tensor:
    """1 - erf(input), exact where that is small.

    >>> dl.erfc(dl.tensor([0.0, 4.0]))
    tensor([1.0000e+00, 1.5417e-08])
    """
    return ops.erfc(input)


erfc_ = in_place_form(erfc, ops.erfc)


def erfinv(input: Tensor) -> Tensor:
    """The inverse of `erf`: ±∞ at ±1, nan outside.

    >>> dl.erfinv(dl.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """
    return ops.erfinv(input)


erfinv_ = in_place_form(erfinv, ops.erfinv)


def lgamma(input: Tensor) -> Tensor:
    """ln |Γ(input)|; Γ(n) = (n - 1)! for whole numbers.

    >>> dl.lgamma(dl.tensor([1.0, 4.0]))
    tensor([0.0000, 1.7918])
    """
    return ops.lgamma(input)


lgamma_ = in_place_form(lgamma, ops.lgamma)


def digamma(input: Tensor) -> Tensor:
    """Γ'(x) / Γ(x), the derivative of `lgamma`.

    >>> dl.digamma(dl.tensor([1.0, 0.5]))
    tensor([-0.5772, -1.9635])
    """
    return ops.digamma(input)


digamma_ = in_place_form(digamma, ops.digamma)


def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of `digamma`.

    Raises:
        ArgumentError: `n` is negative.

    >>> dl.polygamma(1, dl.tensor([1.0, 0.5]))
    tensor([1.6449, 4.9348])
    """
    n = operator.index(n)
    if n < 0:
        raise ArgumentError(f"polygamma(n, x) does not support negative n, got {n}")
    return ops.polygamma(floats_of(input), n=n)


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the gamma function of p dimensions; p = 1 is `lgamma`.

    p (p - 1) / 4 · ln π + Σ lgamma(input - i/2) over i = 0 … p - 1; ∞ or meaningless for
    input ≤ (p - 1) / 2.

    Raises:
        ArgumentError: `p` is below 1.

    >>> dl.mvlgamma(dl.tensor([2.0, 3.0]), 2)
    tensor([0.4516, 1.5502])
    """
    p = operator.index(p)
    if p < 1:
        raise ArgumentError(f"mvlgamma: p has to be greater than or equal to 1, got {p}")
    x = floats_of(input)
    steps = np.arange(p, dtype=x.dtype) * -0.5
    terms = ops.lgamma(ops.add(ops.reshape(x, shape=(*x.shape, 1)), wrap(steps)))
    return ops.add(ops.sum(terms, axis=-1), p * (p - 1) / 4 * math.log(math.pi))


mvlgamma_ = in_place_form(mvlgamma)


def igamma(input: Tensor, other: Tensor) -> Tensor:
    """P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt, a = `input`, x = `other`: from 0 up to 1.

    Only `other` has a gradient.

    >>> dl.igamma(dl.tensor([1.0]), dl.tensor([2.0]))
    tensor([0.8647])
    """
    return checked("igamma", ops.igamma(input, other), input, other)


igamma_ = in_place_form(igamma, ops.igamma)


def igammac(input: Tensor, other: Tensor) -> Tensor:
    """1 - `igamma`, exact where that is small.

    Only `other` has a gradient.

    >>> dl.igammac(dl.tensor([1.0]), dl.tensor([20.0]))
    tensor([2.0612e-09])
    """
    return checked("igammac", ops.igammac(input, other), input, other)


igammac_ = in_place_form(igammac, ops.igammac)


def i0(input: Tensor) -> Tensor:
    """The modified Bessel function I₀, the even solution of x² y'' + x y' = x² y with y(0) = 1.

    >>> dl.i0(dl.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    return ops.i0(input)


i0_ = in_place_form(i0, ops.i0)
