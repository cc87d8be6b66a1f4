"""Distances between points, which are the rows of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.elementwise import where
from dlframe.ops.linalg import matmul, product
from dlframe.ops.networks import add_rows
from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.reduction import sum
from dlframe.ops.steps import zeros_like
from dlframe.ops.sums import add

__all__ = ["cdist", "euclidean_distances", "pdist"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


# --- distances ---------------------------------------------------------------------------------


@op(broadcasts=True, latex=r"\left\Vert x_i - y_j \right\Vert_p")
def cdist(x: Array, y: Array, *, p: float = 2.0) -> Any:
    """(Σ |x_i − y_j|^p)^(1/p) of every row i of `x` and every row j of `y`."""
    # a few rows of x at a time, since the array of all differences would be very large
    rows = max(1, 2**18 // max(1, y.size))
    starts = range(0, max(1, x.shape[-2]), rows)
    parts = [_norm(_differences(x[..., i : i + rows, :], y), p) for i in starts]
    return np.concatenate(parts, axis=-2) if len(parts) > 1 else parts[0]


def _differences(x: Any, y: Any) -> Any:
    return x[..., :, None, :] - y[..., None, :, :]


def _norm(d: Array, p: float) -> Any:
    size = np.abs(d)
    if p == 0:
        return (size != 0).sum(axis=-1).astype(d.dtype)
    if p == 1:
        return _sum_of_rows(size)
    if p == 2:
        return np.sqrt(_sum_of_rows(size * size))
    if p == math.inf:
        return size.max(axis=-1, initial=0)
    return _sum_of_rows(size**p) ** (1 / p)


def _sum_of_rows(x: Array) -> Any:
    """`x.sum(axis=-1)`, several times as fast for short rows."""
    return x @ np.ones(x.shape[-1], x.dtype)


@cdist.vjp(
    "x",
    latex=r"\sum_j g_{ij} \cdot \mathrm{sign}(x_i - y_j)"
    r" \left(\frac{|x_i - y_j|}{z_{ij}}\right)^{p-1}",
)
def _(g, x, y, out, *, p):
    # with d = x_i - y_j: the derivative with respect to d, summed over all rows j
    return sum(g[..., None] * _slope(_differences(x, y), out[..., None], p), axis=-2)


@cdist.vjp(
    "y",
    latex=r"-\sum_i g_{ij} \cdot \mathrm{sign}(x_i - y_j)"
    r" \left(\frac{|x_i - y_j|}{z_{ij}}\right)^{p-1}",
)
def _(g, x, y, out, *, p):
    # ∂d/∂y = -1, and the sum is over all rows i
    return sum(-g[..., None] * _slope(_differences(x, y), out[..., None], p), axis=-3)


def _slope(d: Any, out: Any, p: float) -> Any:
    # ∂‖d‖/∂d = sign(d) (|d| / ‖d‖)^(p-1); 0 where d is 0, also instead of 0/0
    if p == 0:
        return zeros_like(d)
    if p == 1:
        return np.sign(d)
    if p == math.inf:
        return np.sign(d) * (np.abs(d) == out)
    return np.sign(d) * (_not_zero(np.abs(d)) / _not_zero(out)) ** (p - 1)


def _not_zero(x: Any) -> Any:
    return where(x == 0.0, 1.0, x)


@op(broadcasts=True, latex=r"\left\Vert x_i - y_j \right\Vert_2")
def euclidean_distances(x: Array, y: Array) -> Any:
    """‖x_i − y_j‖ = √(‖x_i‖² − 2 x_i·y_j + ‖y_j‖²): one product, but inexact for near points."""
    x_norm, y_norm = (add(v * v, -1, True) for v in (x, y))
    left = np.concatenate([-2.0 * x, x_norm, np.ones_like(x_norm)], axis=-1)
    right = np.concatenate([y, np.ones_like(y_norm), y_norm], axis=-1)
    return np.sqrt(np.maximum(product(left, right.swapaxes(-1, -2)), 0))


@euclidean_distances.vjp("x", latex=r"\sum_j g_{ij} \frac{x_i - y_j}{z_{ij}}")
def _(g, x, y, out):
    # ∂‖x − y‖/∂x = (x − y) / ‖x − y‖, and 0 where that is 0/0
    ratio = g * (out != 0.0) / _not_zero(out)
    return x * sum(ratio, axis=-1, keepdims=True) - matmul(ratio, y)


@euclidean_distances.vjp("y", latex=r"\sum_i g_{ij} \frac{y_j - x_i}{z_{ij}}")
def _(g, x, y, out):
    # as for x, with the roles of rows and columns exchanged
    ratio = (g * (out != 0.0) / _not_zero(out)).swapaxes(-1, -2)
    return y * sum(ratio, axis=-1, keepdims=True) - matmul(ratio, x)


# --- of all pairs within a set -----------------------------------------------------------------


@op(latex=r"\left\Vert x_i - x_j \right\Vert_p, \quad i < j")
def pdist(x: Array, *, p: float = 2.0) -> Any:
    """(Σ |x_i − x_j|^p)^(1/p) of all rows i < j: `cdist(x, x)` above its diagonal."""
    if p == 2 and x.dtype == np.float32 and len(x) > 8:
        found = _euclidean_by_products(x)
        if found is not None:
            return found
    parts = []
    for i, stop in _blocks(x):
        square = _norm(_differences(x[i:stop], x[i:]), p)
        parts.append(square[_pairs(stop - i, len(x) - i)])
    return np.concatenate(parts)


def _blocks(x: Array) -> list[tuple[int, int]]:
    """Rows to take at a time: differences that fit the cache, of which few are not needed."""
    rows = max(1, min(2**16 // max(1, x.size), len(x) // 8))
    return [(i, min(i + rows, len(x))) for i in range(0, max(1, len(x)), rows)]


def _pairs(rows: int, columns: int) -> Array:
    """Which elements of the matrix lie above its diagonal."""
    return ~np.tri(rows, columns, dtype=bool)


def _euclidean_by_products(x: Array) -> Any:
    """√(‖x_i‖² − 2 x_i·x_j + ‖x_j‖²) in float64, which keeps the digits of float32; or None.

    Where the points are so near that digits would be lost, they are subtracted. None asks for the
    differences of all: points that are not finite, or too many near ones.
    """
    wide = x.astype(np.float64)
    wide -= add(wide, 0) / len(x)
    norms = _sum_of_rows(wide * wide)
    if not np.isfinite(norms).all():
        return None
    sums = norms[:, None] + norms
    squares = wide @ wide.T
    squares *= -2
    squares += sums
    above = _pairs(len(x), len(x))
    i, j = np.nonzero((squares < 1e-7 * sums) & above)
    if i.size > squares.size / 10:
        return None
    difference = x[i].astype(np.float64) - x[j]
    squares[i, j] = _sum_of_rows(difference * difference)
    return np.sqrt(squares[above]).astype(np.float32)


@pdist.vjp(
    "x",
    latex=r"\sum_j g_{ij} \cdot \mathrm{sign}(x_i - x_j)"
    r" \left(\frac{|x_i - x_j|}{z_{ij}}\right)^{p-1}",
)
def _(g, x, out, *, p):
    # with d = x_i - x_j, i < j: the derivative with respect to d goes to x_i, its negative to x_j
    i, j = np.triu_indices(x.shape[0], 1)
    slope = g[:, None] * _slope(x[i] - x[j], out[:, None], p)
    return add_rows(slope, index=i, rows=x.shape[0]) - add_rows(slope, index=j, rows=x.shape[0])


@pdist.fast_backward
def _(g, needs, x, out, *, p):
    n = len(x)
    above = _pairs(n, n)
    gradients, distances = np.zeros((n, n), x.dtype), np.zeros((n, n), x.dtype)
    gradients[above], distances[above] = g, out
    if p == 2:  # d / ‖d‖, summed as in `euclidean_distances`; 0 where that is 0/0
        ratio = (gradients / _not_zero(distances)).astype(np.float64)
        ratio += ratio.T
        wide = x.astype(np.float64)
        return ((add(ratio, -1, True) * wide - ratio @ wide).astype(x.dtype),)
    found = np.zeros_like(x)
    for i, stop in _blocks(x):
        rows, columns = slice(i, stop), slice(i, None)
        slope = _slope(_differences(x[rows], x[columns]), distances[rows, columns, None], p)
        slope *= gradients[rows, columns, None]
        found[rows] += add(slope, 1)
        found[columns] -= add(slope, 0)
    return (found,)
