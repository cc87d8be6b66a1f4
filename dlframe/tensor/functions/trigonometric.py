"""Trigonometric and hyperbolic functions, by PyTorch's names; angles are radians."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.tensor.functions.operands import checked

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "acos",
    "acosh",
    "angle",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "deg2rad",
    "rad2deg",
    "sin",
    "sinc",
    "sinh",
    "tan",
    "tanh",
]


def sin(input: Tensor) -> Tensor:
    """The sine of angles in radians.

    >>> dl.sin(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return ops.sin(input)


def cos(input: Tensor) -> Tensor:
    """The cosine of angles in radians.

    >>> dl.cos(dl.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return ops.cos(input)


def tan(input: Tensor) -> Tensor:
    """The tangent of angles in radians.

    >>> dl.tan(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return ops.tan(input)


def asin(input: Tensor) -> Tensor:
    """The angle in [-π/2, π/2] with that sine.

    >>> dl.asin(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return ops.arcsin(input)


def acos(input: Tensor) -> Tensor:
    """The angle in [0, π] with that cosine.

    >>> dl.acos(dl.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return ops.arccos(input)


def atan(input: Tensor) -> Tensor:
    """The angle in (-π/2, π/2) with that tangent.

    >>> dl.atan(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return ops.arctan(input)


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (x = other, y = input), in [-π, π]; at the origin 0.

    >>> dl.atan2(dl.tensor([1.0, -1.0]), dl.tensor([-1.0, -1.0]))
    tensor([ 2.3562, -2.3562])
    """
    return checked("atan2", ops.arctan2(input, other), input, other)


def sinh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / 2.

    >>> dl.sinh(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return ops.sinh(input)


def cosh(input: Tensor) -> Tensor:
    """(eˣ + e⁻ˣ) / 2.

    >>> dl.cosh(dl.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return ops.cosh(input)


def tanh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / (eˣ + e⁻ˣ), in (-1, 1).

    >>> dl.tanh(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return ops.tanh(input)


def asinh(input: Tensor) -> Tensor:
    """The inverse of sinh.

    >>> dl.asinh(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return ops.arcsinh(input)


def acosh(input: Tensor) -> Tensor:
    """The inverse of cosh; nan below 1.

    >>> dl.acosh(dl.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return ops.arccosh(input)


def atanh(input: Tensor) -> Tensor:
    """The inverse of tanh; nan outside [-1, 1].

    >>> dl.atanh(dl.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return ops.arctanh(input)


def sinc(input: Tensor) -> Tensor:
    """sin(πx) / (πx), and 1 at 0.

    >>> dl.sinc(dl.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    return ops.sinc(input)


def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians: input · π/180.

    >>> dl.deg2rad(dl.tensor([180.0, 90.0]))
    tensor([3.1416, 1.5708])
    """
    return ops.multiply(input, math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees: input · 180/π.

    >>> dl.rad2deg(dl.tensor([3.141592653589793]))
    tensor([180.])
    """
    return ops.multiply(input, 180 / math.pi)


def angle(input: Tensor) -> Tensor:
    """The angle of a real number in the complex plane: 0, or π below 0; the gradient is 0.

    >>> dl.angle(dl.tensor([-2.0, 3.0]))
    tensor([3.1416, 0.0000])
    """
    return ops.angle(input)


# PyTorch's second names.
arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
