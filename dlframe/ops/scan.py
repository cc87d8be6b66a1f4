"""Operations whose results run along an axis: sums, products, extremes of all elements so far.

All of them need `linear_scan`, the recurrence y[i] = b[i] + a[i]·y[i-1]. The gradients
of a running product that contains zeros, and of a running logsumexp, are such recurrences, read
backwards. It needs no division, and its own gradient is such a recurrence too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.ops.broadcast import broadcast_to
from dlframe.ops.calling import wrap
from dlframe.ops.elementwise import where
from dlframe.ops.op import cast, op, plain
from dlframe.ops.record import Array, TensorBase
from dlframe.ops.shape import concatenate, flip, roll

__all__ = [
    "cummax_indices",
    "cummin_indices",
    "cumprod",
    "cumsum",
    "linear_scan",
    "logcumsumexp",
    "vander",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


def _accumulated(ufunc: np.ufunc, x: Array, axis: int) -> Array:
    """All intermediate results of `ufunc`, integers as int64.

    As in PyTorch, float32 is carried in float64 and float16 in float32, and each result is rounded.
    """
    if x.dtype.kind != "f":
        return ufunc.accumulate(x, axis, np.int64)
    if x.dtype == np.float64:
        return ufunc.accumulate(x, axis)
    if x.size <= _PART or not issubclass(type(x), np.ndarray):  # or a batch of vmap
        return ufunc.accumulate(_wide(x), axis).astype(x.dtype)
    out = np.empty(x.shape, x.dtype)
    _accumulate_parts(ufunc, x, axis % x.ndim, out)
    return out


_PART = 8192  # numbers that stay in the cache, also when they are wide
_LONG = 256  # numbers for which a call per row is faster than NumPy's loop over columns


def _wide(x: Array) -> Array:
    return x.astype(np.float64 if x.dtype == np.float32 else np.float32)


def _accumulate_parts(ufunc: np.ufunc, x: Array, axis: int, out: Array) -> None:
    """Write the intermediate results into `out`, without wide copies of all of `x`."""
    row = x.size // len(x)
    step = max(1, _PART // row)
    carried: Any = None
    if axis and step == 1:
        for given, results in zip(x, out, strict=True):
            _accumulate_parts(ufunc, given, axis - 1, results)
    elif axis:
        for i in range(0, len(x), step):
            out[i : i + step] = ufunc.accumulate(_wide(x[i : i + step]), axis)
    elif row >= _LONG:
        for given, results in zip(x, out, strict=True):
            carried = _wide(given) if carried is None else ufunc(carried, _wide(given))
            results[...] = carried
    else:
        for i in range(0, len(x), step):
            part = _wide(x[i : i + step])
            if carried is not None:
                part[0] = ufunc(carried[-1], part[0])
            carried = out[i : i + step] = ufunc.accumulate(part, axis)


def before(x: Any, axis: int, first: float) -> Any:
    """The element before each place, and `first` at the first place."""
    n = x.shape[axis]
    if not n:
        return x
    start = np.arange(n).reshape(n, *(1,) * (len(x.shape) - 1 - axis % len(x.shape))) == 0
    return where(start, first, roll(x, shift=1, axis=axis))


# --- sums --------------------------------------------------------------------------------------


@op(latex=r"\sum_{j \leq i} x_j")
def cumsum(x: Array, *, axis: int) -> Any:
    """The sums of all elements up to each one; for bools and integers as int64."""
    return _accumulated(np.add, x, axis)


@cumsum.vjp("x", latex=r"\sum_{j \geq i} g_j")
def _(g, *, axis):
    return _sum_from_here(g, axis)


def _sum_from_here(g: Any, axis: int) -> Any:
    # an element is part of its own sum and of all later ones
    return flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis)


# --- the recurrence ----------------------------------------------------------------------------


@op(latex="b_i + a_i z_{i-1}")
def linear_scan(b: Array, a: Array, *, axis: int) -> Any:
    """y[i] = b[i] + a[i]·y[i-1] along an axis, beginning with y[0] = b[0]."""
    y, factor = (np.moveaxis(v, axis, 0).astype(np.float64) for v in (b, a))
    # Twice the distance at each step: y[i] then holds the last 1, 2, 4 … terms, and factor[i] is
    # the product of as many a's. The right sides are complete before they are written.
    step = 1
    while step < len(y):
        y[step:] = y[step:] + factor[step:] * y[:-step]
        factor[step:] = factor[step:] * factor[:-step]
        step *= 2
    return np.moveaxis(y, 0, axis).astype(b.dtype)


@linear_scan.vjp("b", latex=r"g_i + a_{i+1} \bar{b}_{i+1}")
def _(g, a, *, axis):
    return scan_back(g, a, axis)


@linear_scan.vjp("a", latex=r"\bar{b}_i z_{i-1}")
def _(g, out, a, *, axis):
    # a[i] is multiplied by y[i-1], and y[i] influences all later results
    return scan_back(g, a, axis) * before(out, axis, 0.0)


def scan_back(g: Any, a: Any, axis: int) -> Any:
    """z[i] = g[i] + a[i+1]·z[i+1]: the recurrence from the end, the adjoint of `linear_scan`."""
    # read backwards, the factor of place i is that of its neighbour; the first one is not used
    a = roll(flip(a, axis=axis), shift=1, axis=axis)
    return flip(linear_scan(flip(g, axis=axis), a, axis=axis), axis=axis)


# --- products ----------------------------------------------------------------------------------


@op(latex=r"\prod_{j \leq i} x_j")
def cumprod(x: Array, *, axis: int) -> Any:
    """The products of all elements up to each one; for bools and integers as int64."""
    return _accumulated(np.multiply, x, axis)


@cumprod.vjp("x", latex=r"\sum_{j \geq i} g_j \prod_{k \leq j, k \neq i} x_k")
def _(g, out, x, *, axis):
    if not (x == 0.0).any():
        # d out[k] / d x[i] = out[k] / x[i] for k ≥ i
        return _sum_from_here(g * out, axis) / x
    # without dividing: out[i-1] · (g[i] + x[i+1] g[i+1] + x[i+1] x[i+2] g[i+2] + …)
    return before(out, axis, 1.0) * scan_back(g, x, axis)


def products_of_others(x: Any, axis: int | None) -> Any:
    """For each element the product of all others along `axis`, without dividing."""
    rows, along = (x.reshape((-1,)), 0) if axis is None else (x, axis)
    back = flip(rows, axis=along)
    left, right = (before(cumprod(r, axis=along), along, 1.0) for r in (rows, back))
    return (left * flip(right, axis=along)).reshape(x.shape)


def vander(x: Any, *, n: int, increasing: bool = False) -> Any:
    """Vandermonde's matrix: `n` powers of each element along a new last axis, the highest first.

    They are computed by multiplication, which is right for 0 too. Integers become int64.
    """
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.int64)
    ones: Any = np.ones((*x.shape, min(n, 1)), dtype)
    if isinstance(x, TensorBase):
        ones = wrap(ones)
    if n < 2:  # no power depends on x
        return ones
    x = cast(x, dtype=dtype) if x.dtype != dtype else x
    repeated = broadcast_to(x.reshape((*x.shape, 1)), shape=(*x.shape, n - 1))
    rising = concatenate(ones, cumprod(repeated, axis=-1), axis=-1)
    return rising if increasing else flip(rising, axis=-1)


# --- logarithms of sums ------------------------------------------------------------------------


@op(latex=r"\ln \sum_{j \leq i} e^{x_j}")
def logcumsumexp(x: Array, *, axis: int) -> Any:
    """ln Σ eˣ of all elements up to each one, without overflow."""
    return _accumulated(np.logaddexp, x, axis)


@logcumsumexp.vjp("x", latex=r"\sum_{j \geq i} g_j e^{x_i - z_j}")
def _(g, out, x, dtype, *, axis):
    # in float64, since the errors of all factors e^(out[i] - out[i+1]) add up
    g, out, x = (cast(v, dtype=np.float64) for v in (g, out, x))
    # Σ g[k] e^(x[i] - out[k]) over k ≥ i, as e^(x[i] - out[i]) · z[i] with
    # z[i] = g[i] + e^(out[i] - out[i+1]) z[i+1]: out never falls, so no power overflows
    last = roll(out, shift=1, axis=axis)
    decay = where(last == out, 1.0, np.exp(last - out))  # the difference of infinities is nan
    return cast(np.exp(x - out) * scan_back(g, decay, axis), dtype=dtype)


# --- extremes ----------------------------------------------------------------------------------


def _cummax_indices(x: Array, *, axis: int) -> Any:
    """The index of the largest element so far: the last of equal ones; nan is the largest."""
    return _latest(x, np.maximum.accumulate(x, axis), axis)


def _cummin_indices(x: Array, *, axis: int) -> Any:
    """The index of the smallest element so far: the last of equal ones; nan is the smallest."""
    return _latest(x, np.minimum.accumulate(x, axis), axis)


def _latest(x: Array, extreme: Array, axis: int) -> Array:
    """For each place the latest place at which `x` was the extreme so far."""
    n = x.shape[axis]
    places = np.arange(n).reshape(n, *(1,) * (x.ndim - 1 - axis % x.ndim))
    return np.maximum.accumulate(np.where((x == extreme) | np.isnan(x), places, 0), axis)


cummax_indices = plain(
    _cummax_indices, name="cummax_indices", latex=r"\mathrm{argmax}_{j \leq i} x_j"
)
cummin_indices = plain(
    _cummin_indices, name="cummin_indices", latex=r"\mathrm{argmin}_{j \leq i} x_j"
)
