"""NumPy's sums, means, extremes and running results on tensors, with NumPy's arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dlframe import ops
from dlframe.ops.numpy_api.support import (
    array_like,
    floating,
    in_dtype,
    rule_for,
)
from dlframe.ops.record import to_array

Axis = int | tuple[int, ...] | None


# --- sums and means ----------------------------------------------------------------------------


@rule_for("sum")
def sum(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return ops.sum(in_dtype(a, dtype), axis=axis, keepdims=keepdims)


@rule_for("prod")
def prod(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    a = in_dtype(a, dtype)
    if not isinstance(axis, tuple):
        return ops.prod(a, axis=axis, keepdims=keepdims)
    shape = np.sum(np.broadcast_to(0, a.shape), axis=axis, keepdims=keepdims).shape
    for one in axis:  # the op takes one axis
        a = ops.prod(a, axis=one, keepdims=True)
    return ops.reshape(a, shape=shape)


@rule_for("mean")
def mean(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    a = floating(a, dtype)
    return ops.mean(a, axis=checked_axis(axis, a), keepdims=keepdims)


@rule_for("var")
def var(
    a: Any, axis: Axis = None, dtype: Any = None, *, ddof: float | None = None,
    keepdims: bool = False, correction: float | None = None,
) -> Any:  # fmt: skip
    a, axis = floating(a, dtype), checked_axis(axis, a)
    return ops.var(a, axis=axis, keepdims=keepdims, correction=ddof or correction or 0)


@rule_for("std")
def std(
    a: Any, axis: Axis = None, dtype: Any = None, *, ddof: float | None = None,
    keepdims: bool = False, correction: float | None = None,
) -> Any:  # fmt: skip
    a, axis = floating(a, dtype), checked_axis(axis, a)
    return ops.std(a, axis=axis, keepdims=keepdims, correction=ddof or correction or 0)


@rule_for("average")
def average(a: Any, axis: Axis = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    a = floating(a)
    axis = checked_axis(axis, a)
    if weights is None:
        return ops.mean(a, axis=axis, keepdims=keepdims)
    weights = floating(array_like(weights, a))
    if weights.shape != a.shape:  # one weight for each place along the axis
        along = [1] * len(a.shape)
        for i, one in enumerate(axis if isinstance(axis, tuple) else (axis,)):
            along[one or 0] = weights.shape[i]
        weights = ops.reshape(weights, shape=tuple(along))
    weights = ops.broadcast_to(weights, shape=a.shape)
    total = ops.sum(weights, axis=axis, keepdims=keepdims)
    if (to_array(total) == 0).any():
        raise ZeroDivisionError("np.average: the weights sum to zero, can't be normalized")
    return ops.sum(a * weights, axis=axis, keepdims=keepdims) / total


@rule_for("bincount")
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often, or with which sum of weights, each number occurs."""
    x = to_array(x)
    counts = np.bincount(x, minlength=minlength)
    return (
        counts if weights is None else ops.put_at(array_like(weights), index=x, size=counts.shape)
    )


# --- extremes and order ------------------------------------------------------------------------


@rule_for("max", "amax")
def max(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    return ops.amax(array_like(a), axis=axis, keepdims=keepdims)


@rule_for("min", "amin")
def min(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    return ops.amin(array_like(a), axis=axis, keepdims=keepdims)


@rule_for("ptp")
def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


@rule_for("sort")
def sort(
    a: Any, axis: int | None = -1, *, kind: str | None = None, stable: bool | None = None
) -> Any:
    """Sorted along an axis, equal elements in their order."""
    a = array_like(a)
    if axis is None:
        a, axis = ops.ravel(a), 0
    axis = normalize_axis_index(axis, len(a.shape))
    return ops.take_along_axis(a, ops.argsort(to_array(a), axis=axis), axis=axis)


def checked_axis(axis: Axis, a: Any) -> Axis:
    """`axis` counted from the front.

    Raises:
        AxisError: there is no such axis.
    """
    return None if axis is None else normalize_axis_tuple(axis, len(a.shape))


# --- ignoring nan ------------------------------------------------------------------------------


@rule_for("nansum")
def nansum(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return sum(ops.without_nan(in_dtype(a, dtype)), axis, keepdims=keepdims)


@rule_for("nanprod")
def nanprod(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return prod(ops.without_nan(in_dtype(a, dtype), 1.0), axis, keepdims=keepdims)


@rule_for("nancumsum")
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return cumsum(ops.without_nan(in_dtype(a, dtype)), axis)


@rule_for("nancumprod")
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return cumprod(ops.without_nan(in_dtype(a, dtype), 1.0), axis)


@rule_for("nanmean")
def nanmean(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    a = floating(a, dtype)
    return ops.nanmean(a, axis=axis, keepdims=keepdims)


@rule_for("nanvar")
def nanvar(
    a: Any, axis: Axis = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False
) -> Any:
    a = floating(a, dtype)
    d = a - ops.nanmean(a, axis=axis, keepdims=True)
    absent = np.isnan(to_array(a))  # of `d` infinite elements are nan, too, and count
    d = ops.where(absent, 0.0, d) if absent.any() else d
    freedom = ops.count_present(a, axis=axis, keepdims=keepdims) - float(ddof)
    freedom = np.where(freedom > 0, freedom, math.nan).astype(a.dtype)
    return ops.sum(d * d, axis=axis, keepdims=keepdims) / freedom


@rule_for("nanstd")
def nanstd(
    a: Any, axis: Axis = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False
) -> Any:
    return ops.sqrt(nanvar(a, axis, dtype, ddof=ddof, keepdims=keepdims))


@rule_for("nanmax")
def nanmax(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    a = array_like(a)
    out = ops.amax(ops.without_nan(a, -math.inf), axis=axis, keepdims=keepdims)
    return _nan_where_all(a, out, axis, keepdims)


@rule_for("nanmin")
def nanmin(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    a = array_like(a)
    out = ops.amin(ops.without_nan(a, math.inf), axis=axis, keepdims=keepdims)
    return _nan_where_all(a, out, axis, keepdims)


def _nan_where_all(a: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    if a.dtype.kind != "f":
        return out
    return ops.where(np.isnan(to_array(a)).all(axis=axis, keepdims=keepdims), math.nan, out)


# --- running sums ------------------------------------------------------------------------------


def _running(op: Any, a: Any, axis: int | None) -> Any:
    if axis is None or not a.shape:
        a = ops.ravel(a)
    return op(a, axis=0 if axis is None else normalize_axis_index(axis, len(a.shape)))


@rule_for("cumsum")
def cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return _running(ops.cumsum, in_dtype(a, dtype), axis)


@rule_for("cumprod")
def cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return _running(ops.cumprod, in_dtype(a, dtype), axis)


@rule_for("cumulative_sum")
def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    return _cumulative(ops.cumsum, in_dtype(x, dtype), axis, 0 if include_initial else None)


@rule_for("cumulative_prod")
def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    return _cumulative(ops.cumprod, in_dtype(x, dtype), axis, 1 if include_initial else None)


def _cumulative(op: Any, x: Any, axis: int | None, initial: int | None) -> Any:
    if not x.shape:
        x = ops.ravel(x)
    if axis is None and len(x.shape) != 1:
        raise ValueError(
            "For arrays which have more than one dimension ``axis`` argument is required."
        )
    out = op(x, axis=axis or 0)
    if initial is None:
        return out
    shape = list(x.shape)
    shape[axis or 0] = 1
    return ops.concatenate(np.full(shape, initial, out.dtype), out, axis=axis or 0)
