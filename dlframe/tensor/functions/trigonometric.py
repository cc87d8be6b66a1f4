"""Trigonometric and hyperbolic functions, by PyTorch's names; angles are radians."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.tensor.arguments import checked

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "acos",
    "acos_",
    "acosh",
    "acosh_",
    "angle",
    "arccos",
    "arccos_",
    "arccosh",
    "arccosh_",
    "arcsin",
    "arcsin_",
    "arcsinh",
    "arcsinh_",
    "arctan",
    "arctan2",
    "arctan_",
    "arctanh",
    "arctanh_",
    "asin",
    "asin_",
    "asinh",
    "asinh_",
    "atan",
    "atan2",
    "atan_",
    "atanh",
    "atanh_",
    "cos",
    "cos_",
    "cosh",
    "cosh_",
    "deg2rad",
    "deg2rad_",
    "rad2deg",
    "rad2deg_",
    "sin",
    "sin_",
    "sinc",
    "sinc_",
    "sinh",
    "sinh_",
    "tan",
    "tan_",
    "tanh",
    "tanh_",
]


def sin(input: Tensor) -> Tensor:
    """The sine of angles in radians.

    >>> dl.sin(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return ops.sin(input)


sin_ = in_place_form(sin, ops.sin)


def cos(input: Tensor) -> Tensor:
    """The cosine of angles in radians.

    >>> dl.cos(dl.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return ops.cos(input)


cos_ = in_place_form(cos, ops.cos)


def tan(input: Tensor) -> Tensor:
    """The tangent of angles in radians.

    >>> dl.tan(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return ops.tan(input)


tan_ = in_place_form(tan, ops.tan)


def asin(input: Tensor) -> Tensor:
    """The angle in [-π/2, π/2] with that sine.

    >>> dl.asin(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return ops.arcsin(input)


asin_ = in_place_form(asin, ops.arcsin)


def acos(input: Tensor) -> Tensor:
    """The angle in [0, π] with that cosine.

    >>> dl.acos(dl.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return ops.arccos(input)


acos_ = in_place_form(acos, ops.arccos)


def atan(input: Tensor) -> Tensor:
    """The angle in (-π/2, π/2) with that tangent.

    >>> dl.atan(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return ops.arctan(input)


atan_ = in_place_form(atan, ops.arctan)


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (x = other, y = input), in [-π, π]; at the origin 0.

    >>> dl.atan2(dl.tensor([1.0, -1.0]), dl.tensor([-1.0, -1.0]))
    tensor([ 2.3562, -2.3562])
    """
    return checked("atan2", ops.arctan2(input, other), input, other)


atan2_ = in_place_form(atan2, ops.arctan2)


def sinh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / 2.

    >>> dl.sinh(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return ops.sinh(input)


sinh_ = in_place_form(sinh, ops.sinh)


def cosh(input: Tensor) -> Tensor:
    """(eˣ + e⁻ˣ) / 2.

    >>> dl.cosh(dl.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return ops.cosh(input)


cosh_ = in_place_form(cosh, ops.cosh)


def tanh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / (eˣ + e⁻ˣ), in (-1, 1).

    >>> dl.tanh(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return ops.tanh(input)


tanh_ = in_place_form(tanh, ops.tanh)


def asinh(input: Tensor) -> Tensor:
    """The inverse of sinh.

    >>> dl.asinh(dl.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return ops.arcsinh(input)


asinh_ = in_place_form(asinh, ops.arcsinh)


def acosh(input: Tensor) -> Tensor:
    """The inverse of cosh; nan below 1.

    >>> dl.acosh(dl.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return ops.arccosh(input)


acosh_ = in_place_form(acosh, ops.arccosh)


def atanh(input: Tensor) -> Tensor:
    """The inverse of tanh; nan outside [-1, 1].

    >>> dl.atanh(dl.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """
    return ops.arctanh(input)


atanh_ = in_place_form(atanh, ops.arctanh)


def sinc(input: Tensor) -> Tensor:
    """sin(πx) / (πx), and 1 at 0.

    >>> dl.sinc(dl.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    return ops.sinc(input)


sinc_ = in_place_form(sinc, ops.sinc)


def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians: input · π/180.

    >>> dl.deg2rad(dl.tensor([180.0, 90.0]))
    tensor([3.1416, 1.5708])
    """
    return ops.multiply(input, math.pi / 180)


deg2rad_ = in_place_form(deg2rad)


def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees: input · 180/π.

    >>> dl.rad2deg(dl.tensor([3.141592653589793]))
    tensor([180.])
    """
    return ops.multiply(input, 180 / math.pi)


rad2deg_ = in_place_form(rad2deg)


def angle(input: Tensor) -> Tensor:
    """The angle of a real number in the complex plane: 0, or π below 0; the gradient is 0.

    >>> dl.angle(dl.tensor([-2.0, 3.0]))
    tensor([3.1416, 0.0000])
    """
    return ops.angle(input)


# PyTorch's second names.
arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh
arcsin_, arccos_, arctan_, arctan2_ = asin_, acos_, atan_, atan2_
arcsinh_, arccosh_, arctanh_ = asinh_, acosh_, atanh_
