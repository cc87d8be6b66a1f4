"""NumPy's quantiles, covariances and different elements on tensors, with NumPy's arguments."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError
from dlframe.ops.numpy_api.reduction import Axis, checked_axis
from dlframe.ops.numpy_api.support import array_like, floating, rule_for
from dlframe.ops.record import Array, to_array

# --- quantiles ---------------------------------------------------------------------------------

_quantile: Any = np.quantile  # Any: its type lists every method by name

# They take elements as they are; the others interpolate.
_OF_ELEMENTS = {"inverted_cdf", "closest_observation", "lower", "higher", "nearest"}


@rule_for("quantile")
def quantile(
    a: Any, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False
) -> Any:
    """By each of NumPy's methods; nan where there is any."""
    return _quantiles(a, q, axis, method, keepdims, skip_nan=False)


def _quantiles(a: Any, q: Any, axis: Axis, method: str, keepdims: bool, *, skip_nan: bool) -> Any:
    a, q = floating(a), to_array(q)

    def ranks_of(counts: Array) -> Array:
        ranks = np.empty((*counts.shape[:-1], q.size))
        for n in np.unique(counts):  # the quantiles of 0, 1 … n - 1 are the ranks
            found = _quantile(np.arange(float(n)), q.reshape(-1), method=method)
            ranks[counts[..., 0] == n] = found
        return ranks

    return ops.quantiles(
        a,
        ranks_of,
        fractions=q.shape,
        axis=checked_axis(axis, a),
        keepdims=keepdims,
        skip_nan=skip_nan,
        weight=0.0 if method in _OF_ELEMENTS else None,
    )


@rule_for("percentile")
def percentile(
    a: Any, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False
) -> Any:
    return quantile(a, to_array(q) / 100, axis, method=method, keepdims=keepdims)


@rule_for("nanquantile")
def nanquantile(
    a: Any, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False
) -> Any:
    """`quantile` of the elements that are not nan; nan where there are none."""
    return _quantiles(a, q, axis, method, keepdims, skip_nan=True)


@rule_for("nanpercentile")
def nanpercentile(
    a: Any, q: Any, axis: Axis = None, *, method: Any = "linear", keepdims: bool = False
) -> Any:
    return nanquantile(a, to_array(q) / 100, axis, method=method, keepdims=keepdims)


@rule_for("median")
def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    a = floating(a)
    return ops.median(a, axis=checked_axis(axis, a), keepdims=keepdims)


@rule_for("nanmedian")
def nanmedian(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    a = floating(a)
    return ops.median(a, axis=checked_axis(axis, a), keepdims=keepdims, skip_nan=True)


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
    given = [floating(array_like(w, x)) for w in (fweights, aweights) if w is not None]
    weights = functools.reduce(operator.mul, given) if given else None
    importances = None if aweights is None else given[-1]
    freedom = ops.degrees_of_freedom(x.shape[1], ddof, weights, importances)
    return ops.covariance(x, freedom, weights)


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
    return ops.correlation(cov(x, y, rowvar, dtype=dtype))


# --- different elements ------------------------------------------------------------------------


@rule_for("unique")
def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None, *, equal_nan: bool = True,
) -> Any:  # fmt: skip
    """The gradient goes to the first of equal elements."""
    found = ops.unique(
        array_like(ar),
        axis=axis,
        return_index=return_index,
        return_inverse=return_inverse,
        return_counts=return_counts,
        equal_nan=equal_nan,
    )
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
    return _with_values(np.unique_counts(to_array(x)), x)


@rule_for("unique_inverse")
def unique_inverse(x: Any, /) -> Any:
    return _with_values(np.unique_inverse(to_array(x)), x)


@rule_for("unique_all")
def unique_all(x: Any, /) -> Any:
    return _with_values(np.unique_all(to_array(x)), x)
