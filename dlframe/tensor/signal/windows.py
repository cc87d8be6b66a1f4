"""Windows of `M` values, as in `torch.signal.windows`, for float32 and float64.

A symmetric window (`sym=True`, for filters) begins and ends with the same value. A periodic one
(`sym=False`, for spectra) is the symmetric window of M + 1 values without its last value. The
largest value is 1. All windows are computed in float64 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.ops.record import Array
from dlframe.tensor import Tensor
from dlframe.tensor.creation.constants import float_dtype
from dlframe.tensor.creation.windows import BLACKMAN, bessel, cosine_sum, triangle
from dlframe.tensor.devices import check_placement

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]

NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)


def _check(name: str, M: int, dtype: Any, layout: Any, device: Any) -> None:
    check_placement(device, layout)
    if M < 0:
        raise ArgumentError(f"{name} requires non-negative window length, got M={M}")
    kind = float_dtype(dtype)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ArgumentError(f"{name} expects float32 or float64 dtypes, got: {kind}")


def _window(values: Array, dtype: Any, requires_grad: bool) -> Tensor:
    return Tensor(values.astype(float_dtype(dtype)), requires_grad)


def _middle(M: int, sym: bool) -> float:
    """The place of the largest value."""
    return (M if not sym and M > 1 else M - 1) / 2


# --- sums of cosines ---------------------------------------------------------------------------


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w[n] = Σᵢ (-1)ⁱ aᵢ cos(2π i n / (M - 1)).

    >>> dl.signal.windows.general_cosine(5, a=[0.5, 0.5])
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    _check("general_cosine", M, dtype, layout, device)
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    weights = list(a)
    if not weights and M > 1:
        raise ArgumentError("Coefficients cannot be empty")
    return _window(cosine_sum(M, not sym, weights), dtype, requires_grad)


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w[n] = α - (1 - α) cos(2πn / (M - 1)).

    >>> dl.signal.windows.general_hamming(3, alpha=0.6)
    tensor([0.2000, 1.0000, 0.2000])
    """
    _check("general_cosine", M, dtype, layout, device)
    return _window(cosine_sum(M, not sym, (alpha, 1 - alpha)), dtype, requires_grad)


def hamming(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w[n] = 0.54 - 0.46 cos(2πn / (M - 1)).

    >>> dl.signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    _check("general_cosine", M, dtype, layout, device)
    return _window(cosine_sum(M, not sym, (0.54, 0.46)), dtype, requires_grad)


def hann(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w[n] = ½ - ½ cos(2πn / (M - 1)) = sin²(πn / (M - 1)).

    >>> dl.signal.windows.hann(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    _check("general_cosine", M, dtype, layout, device)
    return _window(cosine_sum(M, not sym, (0.5, 0.5)), dtype, requires_grad)


def blackman(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w[n] = 0.42 - 0.5 cos(2πn / (M - 1)) + 0.08 cos(4πn / (M - 1)).

    >>> dl.signal.windows.blackman(5).round(decimals=2).abs()
    tensor([0.0000, 0.3400, 1.0000, 0.3400, 0.0000])
    """
    _check("blackman", M, dtype, layout, device)
    return _window(cosine_sum(M, not sym, BLACKMAN), dtype, requires_grad)


def nuttall(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The sum of cosines with 0.3635819, 0.4891775, 0.1365995 and 0.0106411 (Nuttall, 1981).

    >>> dl.signal.windows.nuttall(5)
    tensor([3.6280e-04, 2.2698e-01, 1.0000e+00, 2.2698e-01, 3.6280e-04])
    """
    _check("general_cosine", M, dtype, layout, device)
    return _window(cosine_sum(M, not sym, NUTTALL), dtype, requires_grad)


# --- other shapes ------------------------------------------------------------------------------


def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A triangle: w[n] = 1 - |2n / (M - 1) - 1|.

    >>> dl.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    _check("bartlett", M, dtype, layout, device)
    return _window(triangle(M, not sym), dtype, requires_grad)


def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Half a wave: w[n] = sin(π (n + ½) / M).

    >>> dl.signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    _check("cosine", M, dtype, layout, device)
    length = M + 1 if not sym and M > 1 else M
    return _window(np.sin(math.pi * (np.arange(M) + 0.5) / max(length, 1)), dtype, requires_grad)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w[n] = exp(-|n - center| / τ), around the middle; another `center` if not symmetric.

    >>> dl.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    _check("exponential", M, dtype, layout, device)
    if tau <= 0:
        raise ArgumentError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ArgumentError("Center must be None for symmetric windows")
    middle = _middle(M, sym) if center is None else center
    return _window(np.exp(-np.abs(np.arange(M) - middle) / tau), dtype, requires_grad)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w[n] = exp(-(n - (M - 1) / 2)² / 2σ²).

    >>> dl.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    _check("gaussian", M, dtype, layout, device)
    if std <= 0:
        raise ArgumentError(f"Standard deviation must be positive, got: {std} instead.")
    away = (np.arange(M) - _middle(M, sym)) / std
    return _window(np.exp(-(away**2) / 2), dtype, requires_grad)


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """w[n] = I₀(β √(1 - (2n / (M - 1) - 1)²)) / I₀(β), I₀ the modified Bessel function.

    >>> dl.signal.windows.kaiser(3, beta=2.0)
    tensor([0.4387, 1.0000, 0.4387])
    """
    _check("kaiser", M, dtype, layout, device)
    if beta < 0:
        raise ArgumentError(f"beta must be non-negative, got: {beta} instead.")
    return _window(bessel(M, not sym, beta), dtype, requires_grad)
