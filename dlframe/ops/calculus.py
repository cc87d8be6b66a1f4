"""Differences, derivatives and integrals of sampled functions, made of other operations.

The axis is counted from the front.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.ops.comparison import logical_xor
from dlframe.ops.elementwise import subtract
from dlframe.ops.indexing import take_at
from dlframe.ops.reduction import sum
from dlframe.ops.shape import concatenate, reshape
from dlframe.ops.splitting import part_of

__all__ = ["diff", "pair_sums", "sampled_derivative", "trapezoid"]


# --- differences -------------------------------------------------------------------------------


def diff(x: Any, *, n: int = 1, axis: int) -> Any:
    """x[i + 1] - x[i] along an axis, `n` times; for bools, whether they differ."""
    minus = logical_xor if x.dtype == bool else subtract
    for _ in range(min(n, x.shape[axis])):
        x = minus(part_of(x, axis, 1, None), part_of(x, axis, None, -1))
    return x


# --- derivatives -------------------------------------------------------------------------------


def sampled_derivative(f: Any, spacing: Any, *, axis: int, edge_order: int = 1) -> Any:
    """The derivative along an axis, of samples at a distance `spacing`, or at such coordinates.

    Inside, three neighbours at distances h and k have weights that are exact for parabolas
    (Fornberg, 1988): -k/(h(h+k)), (k-h)/(hk) and h/(k(h+k)); at the ends one-sided differences.
    """
    n = f.shape[axis]
    if np.ndim(spacing):
        h = part_of(spacing, 0, 1, None) - part_of(spacing, 0, None, -1)
        along = (-1, *(1,) * (len(f.shape) - axis - 1))
        left, right = (reshape(x, shape=along) for x in (h[:-1], h[1:]))
        first, second, last, before = h[0], h[min(1, n - 2)], h[-1], h[max(-2, 1 - n)]
        inner = (
            part_of(f, axis, None, -2) * (-right / (left * (left + right)))
            + part_of(f, axis, 1, -1) * ((right - left) / (left * right))
            + part_of(f, axis, 2, None) * (left / (right * (left + right)))
        )
    else:
        first = second = last = before = spacing
        inner = (part_of(f, axis, 2, None) - part_of(f, axis, None, -2)) / spacing / 2
    if edge_order == 1:
        start = (part_of(f, axis, 1, 2) - part_of(f, axis, 0, 1)) / first
        end = (part_of(f, axis, n - 1, n) - part_of(f, axis, n - 2, n - 1)) / last
    else:
        start = _one_sided(f, axis, (0, 1, 2), first, second)
        end = -_one_sided(f, axis, (n - 1, n - 2, n - 3), last, before)
    return concatenate(start, inner, end, axis=axis)


def _one_sided(f: Any, axis: int, places: tuple[int, int, int], h: Any, k: Any) -> Any:
    """The derivative at the first of three places, which lie `h` and then `k` apart."""
    a, b, c = (part_of(f, axis, i, i + 1) for i in places)
    outer = h + k
    return a * (-(h + outer) / (h * outer)) + b * (outer / (h * k)) - c * (h / (k * outer))


# --- integrals ---------------------------------------------------------------------------------


def trapezoid(y: Any, widths: Any, *, axis: int) -> Any:
    """Σ (y[i] + y[i + 1]) / 2 · widths[i]; `widths` is one number, or broadcasts to the pairs."""
    if np.ndim(widths):
        return sum(pair_sums(y, axis) * widths, axis=axis) / 2.0
    # the inner samples count twice
    before = (slice(None),) * axis
    first, last = (take_at(y, index=(*before, i)) for i in (0, -1))
    return (sum(y, axis=axis) - (first + last) * 0.5) * widths


def pair_sums(y: Any, axis: int) -> Any:
    """y[i] + y[i + 1] along an axis."""
    return part_of(y, axis, None, -1) + part_of(y, axis, 1, None)
