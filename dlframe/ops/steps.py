"""Steps: signs and whole numbers. Their derivative is zero wherever it exists."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import DTypeError
from dlframe.ops.memory import copied
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
    "round_to",
    "sign",
    "trunc",
    "zeros_like",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


def _zeros_like(x: Any) -> Any:
    """Zeros of the same shape and dtype."""
    return np.zeros(x.shape, x.dtype)


zeros_like = plain(_zeros_like, name="zeros_like", order="like", latex="0")


def zero_gradient(g):
    """The rule of a step: a small change of the input does not change the result."""
    return zeros_like(g)


@stands_for(np.sign)  # which is nan for nan
def _sign(x: Any) -> Any:
    """-1, 0 or 1; 0 for nan."""
    if x.dtype.kind == "b":
        return copied(x)
    above, below = (x > 0).view(np.int8), (x < 0).view(np.int8)  # bools cannot be subtracted
    return (above - below).astype(x.dtype)  # unlike np.sign 0 for nan, as in PyTorch


def _whole(function: np.ufunc) -> Any:
    """`function`, which does not change integers."""

    @stands_for(function, same_for="f")
    def whole(x: Any) -> Any:
        if x.dtype.kind == "b":
            raise DTypeError(
                f"{function.__name__}: not implemented for bool tensors; convert with .float()"
            )
        return function(x) if x.dtype.kind == "f" else copied(x)

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
    """The angle of a real number in the complex plane: 0, or π below 0; nan for nan."""
    return np.where(x < 0, math.pi, np.where(np.isnan(x), x, 0.0)).astype(x.dtype)


sign = elementwise(_sign, latex=r"\mathrm{sign}(x)", x=zero_gradient)
floor = elementwise(_whole(np.floor), latex=r"\lfloor x \rfloor", x=zero_gradient)
ceil = elementwise(_whole(np.ceil), latex=r"\lceil x \rceil", x=zero_gradient)
trunc = elementwise(_whole(np.trunc), latex=r"\mathrm{trunc}(x)", x=zero_gradient)
# halves to the even neighbour
rint = elementwise(_whole(np.rint), latex=r"\mathrm{round}(x)", x=zero_gradient)


def round_to(x: Any, decimals: int) -> Any:
    """Floats rounded to that many decimals; negative `decimals` round to tens, hundreds …"""
    scale = 10.0 ** abs(decimals) if abs(decimals) <= 308 else math.inf
    return rint(x * scale) / scale if decimals > 0 else rint(x / scale) * scale


# the whole part does not change
frac = elementwise(_frac, name="frac", latex=r"x - \mathrm{trunc}(x)", x=lambda g: g)
heaviside = elementwise(
    _heaviside,
    name="heaviside",
    latex="[x > 0] + y [x = 0]",
    x=zero_gradient,
    y=lambda g, x: g * (x == 0.0),
)
angle = elementwise(_angle, name="angle", floats=True, latex=r"\pi [x < 0]", x=zero_gradient)


@op(order="K", latex=r"x \cdot 2^{-e}, \quad e = \lfloor \log_2 |x| \rfloor + 1")
def frexp(x: Array) -> Any:
    """x = mantissa · 2^exponent, where ½ ≤ |mantissa| < 1, and the exponent is an int32."""
    return np.frexp(x)


@frexp.vjp("x", latex=r"g \cdot 2^{-e}")
def _(g, x):
    # mantissa = x · 2^-exponent, and the exponent is a step
    return g[0] * np.exp2(-cast(frexp(x)[1], dtype=x.dtype))


@frexp.fast_forward
def _(x):
    out = np.frexp(x)
    return out, out[1]


@frexp.fast_backward
def _(g, needs, residuals):
    return (g[0] * np.exp2(-residuals.astype(g[0].dtype)),)
