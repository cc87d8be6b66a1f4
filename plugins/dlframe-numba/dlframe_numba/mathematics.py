"""Functions of one float32, written so that the compiler computes eight or sixteen at a time.

The standard library's are called number by number. Those here have no branches, only choices
between computed values, and are exact to about one unit in the last place.
"""

from __future__ import annotations

import math

import numpy as np

from dlframe_numba.compiling import formula

__all__ = ["erf", "exp", "expm1", "sigmoid", "tanh"]

F = np.float32
I = np.int32  # noqa: E741 - beside F

_LOG2_E = F(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = F(0.693359375), F(-2.12194440e-4)  # few bits, so n · high is exact


@formula
def exp(x):
    """eˣ = 2ⁿ eʳ with |r| ≤ ½ ln 2 (the coefficients are those of Cephes' expf).

    Numbers below 1.2e-38 become 0.
    """
    y = min(max(x, F(-87.33654)), F(88.72283))
    n = np.floor(y * _LOG2_E + F(0.5))
    r = y - n * _LN2_HIGH
    r = r - n * _LN2_LOW
    p = F(1.9875691500e-4)
    p = p * r + F(1.3981999507e-3)
    p = p * r + F(8.3334519073e-3)
    p = p * r + F(4.1665795894e-2)
    p = p * r + F(1.6666665459e-1)
    p = p * r + F(5.0000001201e-1)
    p = p * r * r + r + F(1)
    # times 2ⁿ: n is added to the exponent among the bits
    out = I(F(p).view(np.int32) + (I(n) << I(23))).view(np.float32)
    out = F(0) if x < F(-87.33654) else out
    out = F(np.inf) if x > F(88.72283) else out
    return out if x == x else x


@formula
def expm1(x):
    """eˣ - 1: by a polynomial near 0, where the difference would lose digits."""
    p = F(1.9875691500e-4)
    p = p * x + F(1.3981999507e-3)
    p = p * x + F(8.3334519073e-3)
    p = p * x + F(4.1665795894e-2)
    p = p * x + F(1.6666665459e-1)
    p = p * x + F(5.0000001201e-1)
    near = p * x * x + x
    return near if abs(x) < F(0.34657) else exp(x) - F(1)


@formula
def sigmoid(x):
    """1 / (1 + e⁻ˣ)."""
    return F(1) / (F(1) + exp(-x))


@formula
def tanh(x):
    """tanh x: a polynomial near 0 (Cephes' tanhf), else 1 - 2 / (e²ˣ + 1)."""
    square = x * x
    p = F(-5.70498872745e-3)
    p = p * square + F(2.06390887954e-2)
    p = p * square + F(-5.37397155531e-2)
    p = p * square + F(1.33314422036e-1)
    p = p * square + F(-3.33332819422e-1)
    near = p * square * x + x
    size = min(abs(x), F(20))
    far = math.copysign(F(1) - F(2) / (exp(size + size) + F(1)), x)
    return near if size < F(0.625) else far


@formula
def erf(x):
    """erf x: an odd rational function where it is not ±1 (the coefficients are those of XLA)."""
    y = min(max(x, F(-3.7439211627767994)), F(3.7439211627767994))
    square = y * y
    p = F(0.00022905065861350646)
    p = p * square + F(0.0034082910107109506)
    p = p * square + F(0.050955695062380861)
    p = p * square + F(0.18520832239976145)
    p = p * square + F(1.128379143519084)
    q = F(-1.1791602954361697e-7)
    q = q * square + F(0.000023547966471313185)
    q = q * square + F(0.0010179625278914885)
    q = q * square + F(0.014070470171167667)
    q = q * square + F(0.11098505178285362)
    q = q * square + F(0.49746925110067538)
    q = q * square + F(1)
    return math.copysign(F(1), x) if abs(x) > F(3.7439211) else y * p / q
