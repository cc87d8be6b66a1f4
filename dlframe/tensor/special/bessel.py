"""Bessel functions of order 0 and 1, and Airy's function Ai; all have gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.tensor.functions import i0

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "airy_ai",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "spherical_bessel_j0",
]


def bessel_j0(input: Tensor) -> Tensor:
    """The Bessel function J₀: x² y'' + x y' + x² y = 0, y(0) = 1.

    >>> dl.special.bessel_j0(dl.tensor([0.5, 2.0]))
    tensor([0.9385, 0.2239])
    """
    return ops.bessel_j0(input)


def bessel_j1(input: Tensor) -> Tensor:
    """The Bessel function J₁: -J₀'.

    >>> dl.special.bessel_j1(dl.tensor([0.5, 2.0]))
    tensor([0.2423, 0.5767])
    """
    return ops.bessel_j1(input)


def bessel_y0(input: Tensor) -> Tensor:
    """The Bessel function Y₀, the second solution beside J₀; nan below 0.

    >>> dl.special.bessel_y0(dl.tensor([0.5, 2.0]))
    tensor([-0.4445,  0.5104])
    """
    return ops.bessel_y0(input)


def bessel_y1(input: Tensor) -> Tensor:
    """The Bessel function Y₁: -Y₀'.

    >>> dl.special.bessel_y1(dl.tensor([0.5, 2.0]))
    tensor([-1.4715, -0.1070])
    """
    return ops.bessel_y1(input)


def i0e(input: Tensor) -> Tensor:
    """e^-|x| I₀(x), which does not overflow.

    >>> dl.special.i0e(dl.tensor([0.5, 2.0]))
    tensor([0.6450, 0.3085])
    """
    return ops.i0e(input)


def i1(input: Tensor) -> Tensor:
    """The modified Bessel function I₁: I₀'.

    >>> dl.special.i1(dl.tensor([0.5, 2.0]))
    tensor([0.2579, 1.5906])
    """
    return ops.i1(input)


def i1e(input: Tensor) -> Tensor:
    """e^-|x| I₁(x), which does not overflow.

    >>> dl.special.i1e(dl.tensor([0.5, 2.0]))
    tensor([0.1564, 0.2153])
    """
    return ops.i1e(input)


def modified_bessel_k0(input: Tensor) -> Tensor:
    """The modified Bessel function K₀, which falls as e⁻ˣ; nan below 0.

    >>> dl.special.modified_bessel_k0(dl.tensor([0.5, 2.0]))
    tensor([0.9244, 0.1139])
    """
    return ops.modified_bessel_k0(input)


def modified_bessel_k1(input: Tensor) -> Tensor:
    """The modified Bessel function K₁: -K₀'.

    >>> dl.special.modified_bessel_k1(dl.tensor([0.5, 2.0]))
    tensor([1.6564, 0.1399])
    """
    return ops.modified_bessel_k1(input)


def scaled_modified_bessel_k0(input: Tensor) -> Tensor:
    """eˣ K₀(x), which does not underflow.

    >>> dl.special.scaled_modified_bessel_k0(dl.tensor([0.5, 2.0]))
    tensor([1.5241, 0.8416])
    """
    return ops.scaled_modified_bessel_k0(input)


def scaled_modified_bessel_k1(input: Tensor) -> Tensor:
    """eˣ K₁(x), which does not underflow.

    >>> dl.special.scaled_modified_bessel_k1(dl.tensor([0.5, 2.0]))
    tensor([2.7310, 1.0335])
    """
    return ops.scaled_modified_bessel_k1(input)


def spherical_bessel_j0(input: Tensor) -> Tensor:
    """The spherical Bessel function j₀: sin x / x, and 1 at 0.

    >>> dl.special.spherical_bessel_j0(dl.tensor([0.5, 2.0]))
    tensor([0.9589, 0.4546])
    """
    return ops.spherical_bessel_j0(input)


def airy_ai(input: Tensor) -> Tensor:
    """Airy's function Ai: the solution of y'' = x y that vanishes for x → ∞.

    >>> dl.special.airy_ai(dl.tensor([0.5, 2.0]))
    tensor([0.2317, 0.0349])
    """
    return ops.airy_ai(input)


# The same under a longer name.
modified_bessel_i0, modified_bessel_i1 = i0, i1
