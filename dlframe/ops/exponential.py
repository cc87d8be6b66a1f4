"""Exponentials, logarithms, and products with a logarithm, which are 0 where a factor is 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.elementwise import where
from dlframe.ops.op import elementwise, op, printed_as
from dlframe.ops.record import Array

__all__ = [
    "entr",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logit",
    "sigmoid",
    "xlog1py",
    "xlogy",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

_LN2, _LN10 = math.log(2), math.log(10)


def logistic(x: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    e = -x
    memory = into(e)
    e = np.exp(e, out=memory)  # overflows to ∞ for very negative x, and 1/∞ = 0 is correct
    e += 1
    return np.reciprocal(e, out=memory)


def into(x: Any) -> Any:
    """`x` for use as `out=`, which avoids new memory; None for NumPy's scalars."""
    return x if type(x) is np.ndarray else None


exp = elementwise(np.exp, floats=True, latex="e^x", x=lambda g, out: g * out)
exp2 = elementwise(np.exp2, floats=True, latex="2^x", x=lambda g, out: g * (out * _LN2))
expm1 = elementwise(np.expm1, floats=True, latex="e^x - 1", x=lambda g, out: g * (out + 1.0))
log = elementwise(np.log, floats=True, latex=r"\ln x", x=lambda g, x: g / x)
log2 = elementwise(np.log2, floats=True, latex=r"\log_2 x", x=lambda g, x: g / (x * _LN2))
log10 = elementwise(np.log10, floats=True, latex=r"\log_{10} x", x=lambda g, x: g / (x * _LN10))
log1p = elementwise(np.log1p, floats=True, latex=r"\ln(1 + x)", x=lambda g, x: g / (x + 1.0))
sigmoid = elementwise(
    logistic,
    name="sigmoid",
    floats=True,
    latex=r"\sigma(x) = \frac{1}{1 + e^{-x}}",
    x=lambda g, out: g * (out * (1.0 - out)),
)
# d ln(eˣ + eʸ)/dx = eˣ / (eˣ + eʸ) = σ(x - y)
logaddexp = elementwise(
    np.logaddexp,
    floats=True,
    latex=r"\ln(e^x + e^y)",
    x=lambda g, x, y: g * sigmoid(x - y),
    y=lambda g, x, y: g * sigmoid(y - x),
)
# d log₂(2ˣ + 2ʸ)/dx = 2ˣ / (2ˣ + 2ʸ) = σ((x - y) ln 2)
logaddexp2 = elementwise(
    np.logaddexp2,
    floats=True,
    latex=r"\log_2(2^x + 2^y)",
    x=lambda g, x, y: g * sigmoid((x - y) * _LN2),
    y=lambda g, x, y: g * sigmoid((y - x) * _LN2),
)


@op(order="K", latex=r"\ln \frac{x}{1 - x}")
def logit(x: Array, *, eps: float | None = None) -> Any:
    """ln(x / (1 - x)), the inverse of the sigmoid; `x` is first limited to [eps, 1 - eps]."""
    if eps is not None:
        x = np.where(x < eps, eps, np.minimum(x, 1.0 - eps))  # in this order where eps > 1/2
    return np.log(x / (1.0 - x))


@logit.vjp("x", latex=r"\frac{g}{x (1 - x)}")
def _(g, x, *, eps):
    # d ln(x / (1 - x)) = 1 / (x (1 - x)); nan outside [0, 1], and 0 where x was limited
    low, high, outside = (0.0, 1.0, math.nan) if eps is None else (eps, 1.0 - eps, 0.0)
    return where((x >= low) * (x <= high), g / (x * (1.0 - x)), outside)


# --- products with a logarithm -----------------------------------------------------------------


def _of_number(function: np.ufunc, y: Any) -> Any:
    """function(y); for a Python number again a Python number, so that float32 is kept."""
    return float(function(y)) if isinstance(y, float) else function(y)


def _xlogy(x: Any, y: Any) -> Any:
    """x ln y, and 0 where x = 0, unless y is nan."""
    return np.where((x == 0.0) & ~np.isnan(y), 0.0, x * _of_number(np.log, y))


def _xlog1py(x: Any, y: Any) -> Any:
    """x ln(1 + y), and 0 where x = 0, unless y is nan."""
    return np.where((x == 0.0) & ~np.isnan(y), 0.0, x * _of_number(np.log1p, y))


def _entr(x: Any) -> Any:
    """-x ln x: 0 at 0, -∞ below."""
    return np.where(x > 0, -x * np.log(x), np.where(x == 0, 0.0, np.where(x < 0, -np.inf, x)))


# d x ln y / dx = ln y; where x = 0 and the logarithm is -∞ or nan, 0 as the value is
xlogy = elementwise(
    _xlogy,
    name="xlogy",
    floats=True,
    latex=r"x \ln y",
    x=printed_as(r"g \ln y")(
        lambda g, x, y: where((x == 0.0) * (y <= 0.0), 0.0, g * _of_number(np.log, y))
    ),
    y=lambda g, x, y: g * (x / y),
)
xlog1py = elementwise(
    _xlog1py,
    name="xlog1py",
    floats=True,
    latex=r"x \ln(1 + y)",
    x=printed_as(r"g \ln(1 + y)")(
        lambda g, x, y: where((x == 0.0) * (y <= -1.0), 0.0, g * _of_number(np.log1p, y))
    ),
    y=lambda g, x, y: g * (x / (y + 1.0)),
)
# d -x ln x = -ln x - 1
entr = elementwise(
    _entr, name="entr", floats=True, latex=r"-x \ln x", x=lambda g, x: g * (-np.log(x) - 1.0)
)
