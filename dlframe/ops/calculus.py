"""Derivatives of functions that are given by samples, made of other operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.ops.indexing import take_at
from dlframe.ops.shape import concatenate, reshape

__all__ = ["part_of", "sampled_derivative"]


def part_of(x: Any, axis: int, start: int | None, end: int | None) -> Any:
    """The slice from `start` to `end` along an axis counted from the front."""
    return take_at(x, index=(*(slice(None),) * axis, slice(start, end)))


def sampled_derivative(f: Any, spacing: Any, *, axis: int, edge_order: int = 1) -> Any:
    """The derivative along an axis, of samples at a distance `spacing`, or at such coordinates.

    Inside, the weights of three neighbours at distances h and k that are exact for parabolas
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
