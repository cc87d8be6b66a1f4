"""Steps: signs and whole numbers. Their derivative is zero wherever there is one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import DTypeError
from dlframe.ops.op import cast, elementwise, op, plain, stands_for
from dlframe.ops.record import Array

__all__ = [
    "angle",
    "ceil",
    "floor",
    "frac",
    "frexp",
    "heaviside",
    "rint",
    "sign",
    "trunc",
    "zeros_like",
]


def _zeros_like(x: Any) -> Any:
    """Zeros of the same shape and dtype."""
    return np.zeros(x.shape, x.dtype)


zeros_like = plain(_zeros_like, name="zeros_like")


def zero_gradient(g: Any) -> Any:
    """The rule of a step: no small change of the input changes the result."""
    return zeros_like(g)


@stands_for(np.sign)  # which is nan for nan
def _sign(x: Any) -> Any:
    """-1, 0 or 1; 0 for nan."""
    if x.dtype.kind == "b":
        return x.copy()
    above, below = (x > 0).view(np.int8), (x < 0).view(np.int8)  # bools have no difference
    return (above - below).astype(x.dtype)  # unlike np.sign 0 for nan, as in PyTorch


def _whole(function: np.ufunc) -> Any:
    """`function`, which leaves integers as they are."""

    @stands_for(function, same_for="f")
    def whole(x: Any) -> Any:
        if x.dtype.kind == "b":
            raise DTypeError(
                f"{function.__name__}: not implemented for bool tensors; convert with .float()"
            )
        return function(x) if x.dtype.kind == "f" else x.copy()

    return whole


def _frac(x: Any) -> Any:
    """x without its whole part: x - trunc(x)."""
    if x.dtype.kind != "f":
        raise DTypeError(f"frac: not implemented for {x.dtype}; the fraction of integers is 0")
    return x - np.trunc(x)


def _heaviside(x: Any, y: Any) -> Any:
    """0 where x < 0, 1 where x > 0, `y` where x = 0; 0 for nan."""
    return np.where(x == 0, y, x > 0).astype(x.dtype)


def _angle(x: Any) -> Any:
    """The angle of a real number as a complex one: 0, or π below 0; nan for nan."""
    return np.where(x < 0, math.pi, np.where(np.isnan(x), x, 0.0)).astype(x.dtype)


sign = elementwise(_sign, x=zero_gradient)
floor = elementwise(_whole(np.floor), x=zero_gradient)
ceil = elementwise(_whole(np.ceil), x=zero_gradient)
trunc = elementwise(_whole(np.trunc), x=zero_gradient)
rint = elementwise(_whole(np.rint), x=zero_gradient)  # halves to the even neighbour
frac = elementwise(_frac, name="frac", x=lambda g: g)  # the whole part stays as it is
heaviside = elementwise(
    _heaviside, name="heaviside", x=zero_gradient, y=lambda g, x: g * (x == 0.0)
)
angle = elementwise(_angle, name="angle", floats=True, x=zero_gradient)


@op
def frexp(x: Array) -> Any:
    """x = mantissa · 2^exponent, where ½ ≤ |mantissa| < 1, and the exponent is an int32."""
    return np.frexp(x)


@frexp.vjp("x")
def _(g: Any, x: Any) -> Any:
    # mantissa = x · 2^-exponent, and the exponent is a step
    return g[0] * np.exp2(-cast(frexp(x)[1], dtype=x.dtype))
