"""The error function and its relatives: the normal distribution, its inverse, its logarithm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.op import elementwise
from dlframe.ops.scipy_special import from_scipy

__all__ = ["erf", "erfc", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri"]

_2_BY_ROOT_PI = 2 / math.sqrt(math.pi)
_ROOT_2PI = math.sqrt(2 * math.pi)


def _bell(x: Any) -> Any:
    # d erf = 2/√π e^(-x²)
    return _2_BY_ROOT_PI * np.exp(-(x * x))


erf = elementwise(
    from_scipy("erf", "The error function: 2/√π ∫₀ˣ e^(-t²) dt."),
    floats=True,
    x=lambda g, x: g * _bell(x),
)
erfc = elementwise(
    from_scipy("erfc", "1 - erf(x), exact for large x."), floats=True, x=lambda g, x: -g * _bell(x)
)
# d e^(x²) erfc(x) = 2x erfcx(x) - 2/√π
erfcx = elementwise(
    from_scipy("erfcx", "e^(x²) erfc(x), which does not underflow."),
    floats=True,
    x=lambda g, out, x: g * (2.0 * (x * out) - _2_BY_ROOT_PI),
)
# the derivative of an inverse: 1 / erf'(erfinv(x))
erfinv = elementwise(
    from_scipy("erfinv", "The inverse of erf: ±∞ at ±1, nan outside."),
    floats=True,
    x=lambda g, out: g * (np.exp(out * out) / _2_BY_ROOT_PI),
)

# the density of the normal distribution is e^(-x²/2) / √(2π)
ndtr = elementwise(
    from_scipy("ndtr", "Φ(x), the probability that a standard normal variable is below x."),
    floats=True,
    x=lambda g, x: g * (np.exp(-0.5 * (x * x)) / _ROOT_2PI),
)
# d ln Φ(x) = φ(x) / Φ(x), and erfcx(-x/√2) = 2 Φ(x) e^(x²/2): nothing underflows
log_ndtr = elementwise(
    from_scipy("log_ndtr", "ln Φ(x), exact where Φ(x) is too small for a float."),
    floats=True,
    x=lambda g, x: g * (math.sqrt(2 / math.pi) / erfcx(x * -math.sqrt(0.5))),
)
ndtri = elementwise(
    from_scipy("ndtri", "The inverse of Φ: -∞ at 0, ∞ at 1, nan outside."),
    floats=True,
    x=lambda g, out: g * (_ROOT_2PI * np.exp(0.5 * (out * out))),
)
