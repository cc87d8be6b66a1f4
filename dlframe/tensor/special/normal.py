"""The error function, the normal distribution, entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.tensor.functions import erf, erfc, erfinv

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "log_ndtr",
    "ndtr",
    "ndtri",
]


def erfcx(input: Tensor) -> Tensor:
    """e^(x²) erfc(x), which stays a float where erfc does not.

    >>> dl.special.erfcx(dl.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0056])
    """
    return ops.erfcx(input)


def ndtr(input: Tensor) -> Tensor:
    """Φ(x), the probability that a standard normal variable is below x: (1 + erf(x/√2)) / 2.

    >>> dl.special.ndtr(dl.tensor([0.0, 1.96]))
    tensor([0.5000, 0.9750])
    """
    return ops.ndtr(input)


def ndtri(input: Tensor) -> Tensor:
    """The inverse of Φ: -∞ at 0, ∞ at 1, nan outside.

    >>> dl.special.ndtri(dl.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """
    return ops.ndtri(input)


def log_ndtr(input: Tensor) -> Tensor:
    """ln Φ(x), also where Φ(x) is too small for a float.

    >>> dl.special.log_ndtr(dl.tensor([0.0, -100.0]))
    tensor([-6.9315e-01, -5.0055e+03])
    """
    return ops.log_ndtr(input)


def entr(input: Tensor) -> Tensor:
    """The entropy's term -x ln x: 0 at 0, -∞ below.

    >>> dl.special.entr(dl.tensor([0.0, 0.5]))
    tensor([0.0000, 0.3466])
    """
    return ops.entr(input)
