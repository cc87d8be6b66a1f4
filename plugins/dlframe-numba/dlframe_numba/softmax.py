"""Softmax, its logarithm, and the cross entropy, row by row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dlframe.kernels import Kernel

from dlframe_numba.compiling import loop
from dlframe_numba.mathematics import F, exp
from dlframe_numba.sharing import in_slices

__all__ = ["cross_entropy", "log_softmax", "softmax"]

# --- rows --------------------------------------------------------------------------------------


@in_slices()
def _softmax(out, x):
    rows, n = x.shape
    for i in range(rows):
        top = F(-np.inf)
        for j in range(n):
            top = x[i, j] if x[i, j] > top else top
        total = F(0)
        for j in range(n):
            e = exp(x[i, j] - top)
            out[i, j] = e
            total += e
        for j in range(n):
            out[i, j] /= total


@in_slices()
def _softmax_slope(dx, g, out):
    # out · (g - Σ g out)
    rows, n = g.shape
    for i in range(rows):
        total = F(0)
        for j in range(n):
            total += g[i, j] * out[i, j]
        for j in range(n):
            dx[i, j] = out[i, j] * (g[i, j] - total)


@in_slices()
def _log_softmax(out, x):
    rows, n = x.shape
    for i in range(rows):
        top = F(-np.inf)
        for j in range(n):
            top = x[i, j] if x[i, j] > top else top
        total = F(0)
        for j in range(n):
            total += exp(x[i, j] - top)
        log = F(math.log(total))
        for j in range(n):
            out[i, j] = x[i, j] - top - log


@in_slices()
def _log_softmax_slope(dx, g, out):
    # g - e^out Σ g
    rows, n = g.shape
    for i in range(rows):
        total = F(0)
        for j in range(n):
            total += g[i, j]
        for j in range(n):
            dx[i, j] = g[i, j] - exp(out[i, j]) * total


def _by_rows(function: Any, axis: int, *inputs: Any) -> Any:
    """`function(out, *inputs)` on matrices whose rows lie along the last axis."""
    first = inputs[0]
    if first.dtype != np.float32 or not first.ndim or axis not in (-1, first.ndim - 1):
        return NotImplemented
    for x in inputs:
        if x.dtype != np.float32 or x.shape != first.shape or not x.flags.c_contiguous:
            return NotImplemented
        if not x.flags.writeable:
            return NotImplemented
    n = first.shape[-1]
    if not first.size or n > _LONG:
        return NotImplemented
    out = np.empty(first.shape, np.float32)
    rows = [x.reshape(-1, n) for x in (out, *inputs)]
    function(len(rows[0]), 3 * n, *rows)
    return out


_LONG = 1 << 16
"""The longest rows that are added up as they are; longer ones go by parts, as in dlframe's sums."""


def _softmax_back(g: Any, needs: Any, out: Any, *, axis: int) -> Any:
    dx = _by_rows(_softmax_slope, axis, g, out)
    return dx if dx is NotImplemented else (dx,)


def _log_softmax_back(g: Any, needs: Any, out: Any, *, axis: int) -> Any:
    dx = _by_rows(_log_softmax_slope, axis, g, out)
    return dx if dx is NotImplemented else (dx,)


softmax = Kernel(
    forward=lambda x, *, axis=-1: _by_rows(_softmax, axis, x),
    fast_backward=_softmax_back,
)
log_softmax = Kernel(
    forward=lambda x, *, axis=-1: _by_rows(_log_softmax, axis, x),
    fast_backward=_log_softmax_back,
    smallest=512,
)

# --- cross entropy -----------------------------------------------------------------------------


@loop
def _mean_of_targets(logp, target):
    total = 0.0
    for i in range(len(target)):
        total -= logp[i, target[i]]
    return total / len(target)


@in_slices()
def _cross_entropy_slope(dx, logp, target, g):
    # (softmax - one-hot target) g
    rows, n = logp.shape
    for i in range(rows):
        for j in range(n):
            dx[i, j] = exp(logp[i, j]) * g
        dx[i, target[i]] -= g


def _usual(
    x: Any, target: Any, weight: Any, ignore_index: int, label_smoothing: float, reduction: str
) -> bool:
    """Whether it is the mean over the rows of a matrix, each of which has a class."""
    if label_smoothing or weight is not None or reduction != "mean" or x.ndim != 2 or not x.size:
        return False
    if x.dtype != np.float32 or not (x.flags.c_contiguous and x.flags.writeable):
        return False
    if target.dtype != np.int64 or target.shape != x.shape[:1]:
        return False
    lowest = target.min()
    if lowest < 0 or target.max() >= x.shape[1]:
        return False
    return ignore_index < 0 or not (target == ignore_index).any()


def _in_order(target: Any) -> Any:
    """The targets in memory that is in order and not read-only."""
    return target if target.flags.c_contiguous and target.flags.writeable else np.array(target)


def _cross_entropy(
    x: Any,
    *,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    if not _usual(x, target, weight, ignore_index, label_smoothing, reduction):
        return NotImplemented
    logp = _by_rows(_log_softmax, 1, x)
    if logp is NotImplemented:
        return NotImplemented
    return np.float32(_mean_of_targets(logp, _in_order(target))), logp


def _cross_entropy_back(
    g: Any,
    needs: Any,
    residuals: Any,
    *,
    target: Any,
    weight: Any,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> Any:
    logp = residuals
    if not _usual(logp, target, weight, ignore_index, label_smoothing, reduction):
        return NotImplemented
    if not np.isfinite(g):
        return NotImplemented
    dx = np.empty(logp.shape, np.float32)
    target = _in_order(target)
    scale = np.float32(g / len(logp))
    _cross_entropy_slope(len(logp), 2 * logp.shape[1], dx, logp, target, scale)
    return (dx,)


def _cross_entropy_value(x: Any, **options: Any) -> Any:
    found = _cross_entropy(x, **options)
    return found if found is NotImplemented else found[0]


cross_entropy = Kernel(
    forward=_cross_entropy_value,
    fast_forward=_cross_entropy,
    fast_backward=_cross_entropy_back,
    smallest=64,
)
