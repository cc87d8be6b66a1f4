"""The error function, and the normal distribution with its inverse and its logarithm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlframe.ops.op import elementwise, printed_as
from dlframe.ops.record import Array
from dlframe.ops.scipy_special import from_scipy

__all__ = ["erf", "erfc", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri"]

_2_BY_ROOT_PI = 2 / math.sqrt(math.pi)
_ROOT_2PI = math.sqrt(2 * math.pi)


def _bell(x: Any) -> Any:
    # d erf = 2/√π e^(-x²)
    return _2_BY_ROOT_PI * np.exp(-(x * x))


_exact = from_scipy("erf", "The error function: 2/√π ∫₀ˣ e^(-t²) dt.")

# artanh(erf x) / x by rising powers of x²: fitted so that the largest relative error of erf is
# least (Lawson's weighted least squares). It is 7e-8, and with rounding 3e-7. The sum is positive
# for every x, also where x² is infinite.
_POWERS = (
    1.1283792471967757, 0.10276986402955256, -0.00019528794078271555, -0.0006148384434993666,
    8.459666797831258e-05, -4.794622426916291e-06, 2.757774900898823e-08, 5.421542770457642e-09,
)  # fmt: skip


def _erf(x: Any) -> Any:
    """The error function: 2/√π ∫₀ˣ e^(-t²) dt."""
    # SciPy computes float32 in float64, one element after the other
    return erf_of_float32(x) if x.dtype == np.float32 and x.size > 4096 else _exact(x)


def erf_of_float32(x: Array, powers: Sequence[float] = _POWERS) -> Any:
    """tanh(x p(x²)): NumPy computes several tanh at once; the error is at most 2e-7."""
    with np.errstate(over="ignore"):  # of an x whose erf is ±1
        squares = x * x
        out = squares * powers[-1]
        for power in powers[-2:0:-1]:
            out += power
            out *= squares
        out += powers[0]
        out *= x
    return np.tanh(out, out=out)


def scaled(factor: float) -> list[float]:
    """The coefficients with which `erf_of_float32` gives erf(factor · x)."""
    return [power * factor ** (2 * k + 1) for k, power in enumerate(_POWERS)]


erf = elementwise(
    _erf,
    name="erf",
    floats=True,
    latex=r"\frac{2}{\sqrt{\pi}} \int_0^x e^{-t^2} dt",
    x=lambda g, x: g * _bell(x),
)
erfc = elementwise(
    from_scipy("erfc", "1 - erf(x), exact for large x."),
    floats=True,
    latex=r"\frac{2}{\sqrt{\pi}} \int_x^\infty e^{-t^2} dt",
    x=lambda g, x: -g * _bell(x),
)
# d e^(x²) erfc(x) = 2x erfcx(x) - 2/√π
erfcx = elementwise(
    from_scipy("erfcx", "e^(x²) erfc(x), which does not underflow."),
    floats=True,
    latex=r"e^{x^2} \cdot \mathrm{erfc}(x)",
    x=lambda g, out, x: g * (2.0 * (x * out) - _2_BY_ROOT_PI),
)
# the derivative of an inverse: 1 / erf'(erfinv(x)); from x, so that the result may be overwritten
erfinv: Any = elementwise(
    from_scipy("erfinv", "The inverse of erf: ±∞ at ±1, nan outside."),
    floats=True,
    latex=r"\mathrm{erf}^{-1}(x)",
    x=printed_as(r"g \frac{\sqrt{\pi}}{2} e^{z^2}")(
        lambda g, x: g * (np.exp(np.square(erfinv(x))) / _2_BY_ROOT_PI)
    ),
)

# the density of the normal distribution is e^(-x²/2) / √(2π)
ndtr = elementwise(
    from_scipy("ndtr", "Φ(x), the probability that a standard normal variable is below x."),
    floats=True,
    latex=r"\Phi(x)",
    x=lambda g, x: g * (np.exp(-0.5 * (x * x)) / _ROOT_2PI),
)
# d ln Φ(x) = φ(x) / Φ(x), and erfcx(-x/√2) = 2 Φ(x) e^(x²/2): nothing underflows
log_ndtr = elementwise(
    from_scipy("log_ndtr", "ln Φ(x), exact where Φ(x) is too small for a float."),
    floats=True,
    latex=r"\ln \Phi(x)",
    x=printed_as(r"g \frac{1}{\sqrt{2 \pi}} e^{-x^2 / 2 - z}")(
        lambda g, x: g * (math.sqrt(2 / math.pi) / erfcx(x * -math.sqrt(0.5)))
    ),
)
ndtri = elementwise(
    from_scipy("ndtri", "The inverse of Φ: -∞ at 0, ∞ at 1, nan outside."),
    floats=True,
    latex=r"\Phi^{-1}(x)",
    x=lambda g, out: g * (_ROOT_2PI * np.exp(0.5 * (out * out))),
)
