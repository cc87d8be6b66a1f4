"""Means without nan, quantiles, medians and covariances, made of other operations.

PyTorch and NumPy have functions of the same names that differ slightly; this is their common part.
`axis` is an integer, a tuple of them, or None for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.ops.elementwise import clip, divide, lerp, multiply, sqrt, subtract, where
from dlframe.ops.indexing import take_along_axis
from dlframe.ops.linalg import matmul
from dlframe.ops.op import cast
from dlframe.ops.record import Array, to_array
from dlframe.ops.reduction import Axis, axes_of, kept_shape, sum
from dlframe.ops.shape import diagonal, pad, reshape, squeeze, swapaxes, transpose
from dlframe.ops.sorting import argsort

__all__ = [
    "correlation",
    "count_present",
    "covariance",
    "degrees_of_freedom",
    "median",
    "nanmean",
    "quantiles",
    "without_nan",
]

Shape = tuple[int, ...]


# --- ignoring nan ------------------------------------------------------------------------------


def without_nan(x: Any, value: float = 0.0) -> Any:
    """`x` with `value` instead of nan."""
    if x.dtype.kind != "f":
        return x
    nans = np.isnan(to_array(x))
    return where(nans, value, x) if nans.any() else x


def count_present(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The number of elements that are not nan, in the dtype of `x`."""
    counts: Array = (~np.isnan(to_array(x))).sum(axis=axis, keepdims=keepdims)
    return counts.astype(x.dtype)


def nanmean(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of the elements that are not nan; nan if there are none."""
    total = sum(without_nan(x), axis=axis, keepdims=keepdims)
    return total / count_present(x, axis=axis, keepdims=keepdims)


# --- elements by their rank --------------------------------------------------------------------


def quantiles(
    x: Any,
    ranks_of: Callable[[Array], Any],
    *,
    fractions: Shape,
    axis: Axis = None,
    keepdims: bool = False,
    skip_nan: bool = False,
    weight: float | None = None,
) -> Any:
    """The elements at some ranks in order, along new first axes of shape `fractions`.

    The result is nan if any element is; with `skip_nan`, only if all elements are.

    Args:
        ranks_of: a function from numbers of elements (…, 1) to ranks (…, q), counted from 0.
        weight: of the upper neighbour, if a rank is not whole; by default the fractional part of
            the rank. With 0.0 the result is the lower neighbour.
    """
    rows, shape = rows_of(x, axis, keepdims)
    if not rows.shape[-1] and skip_nan:  # nan, as of nan alone
        rows = _with_nan(rows)
    n = rows.shape[-1]
    nans = np.isnan(to_array(rows))
    missing = nans.sum(axis=-1, keepdims=True)  # sorting puts nan last
    ranks = ranks_of(np.maximum(n - missing, 1) if skip_nan else np.full_like(missing, n))
    if not skip_nan and nans.any():
        ranks = where(missing > 0, float(n - 1), ranks)
    out = reshape(_at_ranks(rows, ranks, weight), shape=(*shape, *fractions))
    k, total = len(shape), len(shape) + len(fractions)
    return transpose(out, axes=(*range(k, total), *range(k))) if fractions else out


def _with_nan(rows: Any) -> Any:
    return pad(rows, pad_width=((0, 0),) * (len(rows.shape) - 1) + ((0, 1),), value=math.nan)


def rows_of(x: Any, axis: Axis, keepdims: bool) -> tuple[Any, Shape]:
    """`x` with the reduced axes as one last axis, and the shape of a result."""
    n = len(x.shape)
    reduced = axes_of(axis, n)
    others = [i for i in range(n) if i not in reduced]
    left, size = tuple(x.shape[i] for i in others), math.prod(x.shape[i] for i in reduced)
    shape = kept_shape(x.shape, axis) if keepdims else left
    if others:
        x = transpose(x, axes=(*others, *reduced))
    return reshape(x, shape=(*left, size)), shape


def _at_ranks(rows: Any, ranks: Any, weight: float | None) -> Any:
    """The elements of `rows` at those ranks, interpolated between the two nearest whole ranks."""
    order, exact = argsort(to_array(rows), axis=-1), to_array(ranks)
    below = _ranked(rows, order, np.floor(exact))
    if weight == 0.0:
        return below
    above = _ranked(rows, order, np.ceil(exact))
    if weight is not None:
        return lerp(below, above, weight)
    return lerp(below, above, cast(subtract(ranks, np.floor(exact)), dtype=rows.dtype))


def _ranked(rows: Any, order: Array, ranks: Array) -> Any:
    places = np.take_along_axis(order, ranks.astype(np.int64), -1)
    # in C order, whatever the order of `rows` is: the result has that of the places
    return take_along_axis(rows, np.ascontiguousarray(places), axis=-1)


def median(x: Any, *, axis: Axis = None, keepdims: bool = False, skip_nan: bool = False) -> Any:
    """The middle element, or the mean of the two middle elements; nan as in `quantiles`.

    This is NumPy's median. PyTorch's is the lower of the two, an element with an index.
    """
    rows, shape = rows_of(x, axis, keepdims)
    if not rows.shape[-1]:  # the median of no elements is nan
        rows = _with_nan(rows)
    values = to_array(rows)
    present = np.sum(~np.isnan(values), axis=-1)
    n = rows.shape[-1]
    low, high = np.maximum(present - 1, 0) // 2, present // 2
    if not skip_nan:
        low, high = (np.where(present < n, n - 1, rank) for rank in (low, high))
    order = argsort(values, axis=-1)
    lower, upper = (_ranked(rows, order, rank[..., None]) for rank in (low, high))
    return reshape((lower + upper) / 2, shape=shape)


# --- covariances -------------------------------------------------------------------------------


def covariance(x: Any, freedom: Any, weights: Any = None) -> Any:
    """Σw (x - mean)(y - mean) / freedom of the rows of a matrix; for a single row its variance."""
    d = x
    for _ in range(2):  # again, for what the rounding of a mean far from 0 left
        if weights is None:
            mean = divide(sum(d, axis=1, keepdims=True), float(x.shape[1]))
        else:
            mean = divide(sum(d * weights, axis=1, keepdims=True), sum(weights))
        d = subtract(d, mean)
    left = d if weights is None else multiply(d, weights)
    return squeeze(divide(matmul(left, swapaxes(d, axis1=0, axis2=1)), freedom))


def degrees_of_freedom(
    n: int, correction: float, weights: Any = None, importances: Any = None
) -> Any:
    """The divisor of a covariance of n observations: Σw - correction · Σ(w · importance) / Σw.

    It is 0 if it would be negative, and nan if the fraction is 0/0. Without importances it is 1.
    """
    total = float(n) if weights is None else sum(weights)
    lost = 1.0 if importances is None else sum(weights * importances) / total
    freedom = total - correction * lost
    return 0.0 if float(to_array(freedom)) <= 0 else freedom


def correlation(c: Any) -> Any:
    """The correlations of given covariances: cov(x, y) / √(var x · var y), in [-1, 1]."""
    if not c.shape:
        return c / c  # 1, or nan
    deviation = sqrt(diagonal(c, offset=0, axis1=0, axis2=1))
    c = c / reshape(deviation, shape=(-1, 1)) / reshape(deviation, shape=(1, -1))
    return clip(c, -1.0, 1.0)
