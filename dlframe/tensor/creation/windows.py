"""Windows under PyTorch's older names; `dlframe.signal.windows` uses the same formulas.

A periodic window of N values is the symmetric one of N + 1 values without its last value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, DTypeError, needs
from dlframe.ops.record import Array
from dlframe.tensor import Tensor
from dlframe.tensor.creation.constants import float_dtype
from dlframe.tensor.devices import check_placement

__all__ = [
    "bartlett_window",
    "blackman_window",
    "hamming_window",
    "hann_window",
    "kaiser_window",
]

BLACKMAN = (0.42, 0.5, 0.08)


# --- the formulas, in float64 ------------------------------------------------------------------


def places(n: int, periodic: bool) -> Array:
    """0 … n - 1 as fractions of the window's length, from 0 to 1 (just below if periodic)."""
    return np.arange(n) / max(n if periodic else n - 1, 1)


def cosine_sum(n: int, periodic: bool, weights: Sequence[float]) -> Array:
    """Σᵢ (-1)ⁱ wᵢ cos(2π i t) at the places t; one value is 1."""
    if n == 1:
        return np.ones(1)
    t = places(n, periodic)
    out = np.zeros(n)
    for i, w in enumerate(weights):
        out += (-1) ** i * w * np.cos(2 * math.pi * i * t)
    return out


def triangle(n: int, periodic: bool) -> Array:
    """1 - |2t - 1| at the places t; one value is 1."""
    return np.ones(1) if n == 1 else 1 - np.abs(2 * places(n, periodic) - 1)


def bessel(n: int, periodic: bool, beta: float) -> Array:
    """I₀(β √(1 - (2t - 1)²)) / I₀(β) at the places t (Kaiser and Schafer, 1980); one value is 1."""
    with needs("scipy"):
        from scipy.special import i0e  # on first use: `import dlframe` does not load SciPy

    if n == 1:
        return np.ones(1)
    root = beta * np.sqrt(np.maximum(1 - (2 * places(n, periodic) - 1) ** 2, 0))
    out: Array = i0e(root) / i0e(beta) * np.exp(root - beta)  # i0e(x) = I₀(x) exp(-x)
    return out


# --- PyTorch's older functions -----------------------------------------------------------------


def _checked_length(name: str, n: Any, dtype: Any) -> int:
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"{name}(): window_length must be an integer, got {type(n).__name__}")
    if n < 0:
        raise ArgumentError(f"{name} requires non-negative window_length, got window_length={n}")
    if float_dtype(dtype).kind != "f":
        raise DTypeError(f"{name} expects floating point dtypes, got: {float_dtype(dtype)}")
    return int(n)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A triangle: 1 - |2i / (N - 1) - 1|, with N = window_length + 1 if periodic.

    >>> dl.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    check_placement(device, layout, pin_memory)
    n = _checked_length("bartlett_window", window_length, dtype)
    return Tensor(triangle(n, periodic).astype(float_dtype(dtype)), requires_grad)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """0.42 - 0.5 cos(2πi / (N - 1)) + 0.08 cos(4πi / (N - 1)), N = window_length + 1 if periodic.

    >>> dl.blackman_window(5, periodic=False).round(decimals=2).abs()
    tensor([0.0000, 0.3400, 1.0000, 0.3400, 0.0000])
    """
    check_placement(device, layout, pin_memory)
    n = _checked_length("blackman_window", window_length, dtype)
    return Tensor(cosine_sum(n, periodic, BLACKMAN).astype(float_dtype(dtype)), requires_grad)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """α - β cos(2πi / (N - 1)), with N = window_length + 1 if periodic.

    >>> dl.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    check_placement(device, layout, pin_memory)
    n = _checked_length("hamming_window", window_length, dtype)
    return Tensor(cosine_sum(n, periodic, (alpha, beta)).astype(float_dtype(dtype)), requires_grad)


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """½ - ½ cos(2πi / (N - 1)), with N = window_length + 1 if periodic.

    >>> dl.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    check_placement(device, layout, pin_memory)
    n = _checked_length("hann_window", window_length, dtype)
    return Tensor(cosine_sum(n, periodic, (0.5, 0.5)).astype(float_dtype(dtype)), requires_grad)


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """I₀(β √(1 - (2i / (N - 1) - 1)²)) / I₀(β), with N = window_length + 1 if periodic.

    >>> dl.kaiser_window(3, periodic=False, beta=2.0)
    tensor([0.4387, 1.0000, 0.4387])
    """
    check_placement(device, layout, pin_memory)
    n = _checked_length("kaiser_window", window_length, dtype)
    return Tensor(bessel(n, periodic, beta).astype(float_dtype(dtype)), requires_grad)
