"""NumPy's quantiles, covariances and different elements on tensors, with NumPy's arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError
from dlframe.ops.numpy_api.reduction import Axis, rows_of
from dlframe.ops.numpy_api.support import array_like, floating, plain, rule_for, to_dtype
from dlframe.ops.record import Array

# --- quantiles ---------------------------------------------------------------------------------


@rule_for("quantile")
def quantile(
    a: Any, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False
) -> Any:
    """By each of NumPy's methods; nan where there is any."""
    a = floating(a)
    rows, shape = rows_of(a, axis, keepdims)
    n = rows.shape[-1]
    places = np.broadcast_to(_places(n, q, method), (*rows.shape[:-1], np.size(q)))
    out = _between(rows, places)
    broken = np.isnan(plain(rows)).any(axis=-1, keepdims=True)
    return _with_fractions_first(ops.where(broken, math.nan, out), q, shape)


@rule_for("percentile")
def percentile(
    a: Any, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False
) -> Any:
    return quantile(a, plain(q) / 100, axis, method=method, keepdims=keepdims)


@rule_for("nanquantile")
def nanquantile(
    a: Any, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False
) -> Any:
    """`quantile` of the elements that are not nan; nan where there are none."""
    a = floating(a)
    rows, shape = rows_of(a, axis, keepdims)
    counts = np.sum(~np.isnan(plain(rows)), axis=-1)
    places = np.zeros((*counts.shape, np.size(q)))
    for n in np.unique(counts[counts > 0]):  # sorted, nan is behind the first n
        places[counts == n] = _places(int(n), q, method)
    out = ops.where(counts[..., None] == 0, math.nan, _between(rows, places))
    return _with_fractions_first(out, q, shape)


@rule_for("nanpercentile")
def nanpercentile(
    a: Any, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False
) -> Any:
    return nanquantile(a, plain(q) / 100, axis, method=method, keepdims=keepdims)


@rule_for("nanmedian")
def nanmedian(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    return nanquantile(a, 0.5, axis, keepdims=keepdims)


def _places(n: int, q: Any, method: Any) -> Array:
    """Where the quantiles of n elements in order are: the quantiles of 0, 1 … n - 1."""
    found: Array = np.quantile(np.arange(float(n)), plain(q).reshape(-1), method=method)
    return found


def _between(rows: Any, places: Array) -> Any:
    """The elements of `rows` that are at those places in order, interpolated."""
    order = ops.argsort(plain(rows), axis=-1)
    below, above = (
        ops.take_along_axis(
            rows, np.take_along_axis(order, f(places).astype(np.int64), -1), axis=-1
        )
        for f in (np.floor, np.ceil)
    )
    return ops.lerp(below, above, (places - np.floor(places)).astype(rows.dtype))


def _with_fractions_first(out: Any, q: Any, shape: tuple[int, ...]) -> Any:
    """(…, q) as (q, …), in the shape of `q` and of the reduced array."""
    n = len(out.shape)
    out = ops.transpose(out, axes=(n - 1, *range(n - 1)))
    return ops.reshape(out, shape=(*np.shape(plain(q)), *shape))


# --- covariance --------------------------------------------------------------------------------


@rule_for("cov")
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    """Σw (x - mean)(y - mean) / (Σw - ddof) of the rows, or else the columns."""
    x = _variables(m, y, rowvar, dtype)
    if ddof is None:
        ddof = 0 if bias else 1
    given = [array_like(w, x) for w in (fweights, aweights) if w is not None]
    if not given:
        total: Any = float(x.shape[1])
        d = x - ops.mean(x, axis=1, keepdims=True)
        weighted, lost = d, 1.0
    else:
        w = given[0] if len(given) == 1 else given[0] * given[1]
        w = floating(w)
        total = ops.sum(w)
        d = x - ops.sum(x * w, axis=1, keepdims=True) / total
        weighted, lost = d * w, 1.0 if aweights is None else ops.sum(w * given[-1]) / total
    products = ops.matmul(weighted, ops.swapaxes(d, axis1=0, axis2=1))
    freedom = total - ddof * lost
    if float(plain(freedom)) <= 0:
        freedom = 0.0
    return ops.squeeze(products / freedom)


def _variables(m: Any, y: Any, rowvar: bool, dtype: Any) -> Any:
    """The variables as the rows of one matrix."""
    found = []
    for x in (m, y):
        if x is None:
            continue
        x = floating(x, dtype)
        if len(x.shape) > 2:
            raise ArgumentError(f"np.cov: at most two dimensions, got shape {list(x.shape)}")
        if len(x.shape) < 2:
            x = ops.reshape(x, shape=(1, -1))
        elif not rowvar:
            x = ops.swapaxes(x, axis1=0, axis2=1)
        found.append(x)
    return found[0] if len(found) == 1 else ops.concatenate(*found, axis=0)


@rule_for("corrcoef")
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.shape:
        return c / c  # 1, or nan
    deviation = ops.sqrt(ops.diagonal(c, offset=0, axis1=0, axis2=1))
    c = c / ops.reshape(deviation, shape=(-1, 1)) / ops.reshape(deviation, shape=(1, -1))
    return ops.clip(c, -1.0, 1.0)


# --- different elements ------------------------------------------------------------------------

_unique: Any = np.unique  # whose overloads take True and False, and no bool


@rule_for("unique")
def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None, *, equal_nan: bool = True,
) -> Any:  # fmt: skip
    """The gradient goes to the first of equal elements."""
    ar = to_dtype(ar)
    _, first, *rest = _unique(
        plain(ar), True, return_inverse, return_counts, axis, equal_nan=equal_nan
    )
    source, along = (ops.ravel(ar), 0) if axis is None else (ar, axis)
    found = [ops.take(source, first, axis=along), *([first] if return_index else []), *rest]
    return found[0] if len(found) == 1 else tuple(found)


@rule_for("unique_values")
def unique_values(x: Any, /) -> Any:
    """They come in order, as they need not in NumPy."""
    return unique(x, equal_nan=False)


def _with_values(result: Any, x: Any) -> Any:
    """NumPy's named tuple with the values taken out of `x`."""
    return result._replace(values=unique(x, equal_nan=False))


@rule_for("unique_counts")
def unique_counts(x: Any, /) -> Any:
    return _with_values(np.unique_counts(plain(x)), x)


@rule_for("unique_inverse")
def unique_inverse(x: Any, /) -> Any:
    return _with_values(np.unique_inverse(plain(x)), x)


@rule_for("unique_all")
def unique_all(x: Any, /) -> Any:
    return _with_values(np.unique_all(plain(x)), x)
