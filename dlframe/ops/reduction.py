"""Operations that reduce or accumulate along axes: sums, extremes, variances, running sums.

``axis`` is an integer, a tuple of them, or None for all; ``keepdims`` keeps reduced axes, with
size 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.broadcast import broadcast_to
from dlframe.ops.elementwise import where
from dlframe.ops.op import cast, op, plain
from dlframe.ops.record import Array
from dlframe.ops.shape import flip

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "logsumexp",
    "mean",
    "norm",
    "prod",
    "std",
    "sum",
    "var",
]

Axis = int | tuple[int, ...] | None
Shape = tuple[int, ...]


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes meant by `axis`, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)) if ndim)


def kept_shape(shape: Shape, axis: Axis) -> Shape:
    """`shape` with the reduced axes of size 1."""
    axes = axes_of(axis, len(shape))
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def count_of(shape: Shape, axis: Axis) -> int:
    """How many elements go into each result."""
    return math.prod(shape[i] for i in axes_of(axis, len(shape)))


def _spread(g: Any, shape: Shape, axis: Axis, keepdims: bool) -> Any:
    """The gradient of a sum: the same for each element that was added."""
    if axis is not None and not keepdims:
        g = g.reshape(kept_shape(shape, axis))
    return broadcast_to(g, shape=shape)


# --- sums --------------------------------------------------------------------------------------


@op
def sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum; of bools and integers as int64."""
    return x.sum(axis=axis, keepdims=keepdims, dtype=None if x.dtype.kind == "f" else np.int64)


@sum.vjp("x")
def _(g: Any, shape: Shape, *, axis: Axis, keepdims: bool) -> Any:
    return _spread(g, shape, axis, keepdims)


@op
def mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean; of float16 computed in float32, whose sum does not overflow."""
    wide = np.float32 if x.dtype == np.float16 else None
    out = x.sum(axis=axis, keepdims=keepdims, dtype=wide) / count_of(x.shape, axis)
    return out.astype(x.dtype) if wide else out


@mean.vjp("x")
def _(g: Any, shape: Shape, *, axis: Axis, keepdims: bool) -> Any:
    return _spread(g / float(count_of(shape, axis)), shape, axis, keepdims)


def _centred(x: Any, axis: Axis) -> Any:
    return x - mean(x, axis=axis, keepdims=True)


def _freedom(shape: Shape, axis: Axis, correction: float) -> float:
    return max(count_of(shape, axis) - float(correction), 0.0)


@op
def var(x: Array, *, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """Σ(x - mean)² / (n - correction); nan where nothing is left to divide by."""
    d = _centred(x, axis)
    total = (d * d).sum(axis=axis, keepdims=keepdims)
    return np.divide(total, _freedom(x.shape, axis, correction), dtype=x.dtype)


@var.vjp("x")
def _(g: Any, x: Any, shape: Shape, *, axis: Axis, keepdims: bool, correction: float) -> Any:
    # d var = 2 (x - mean) / (n - correction); the mean's own part sums to zero
    scale = _quotient(2.0, _freedom(shape, axis, correction))
    return _spread(g * scale, shape, axis, keepdims) * _centred(x, axis)


@op
def std(x: Array, *, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """√var."""
    return np.sqrt(var(x, axis=axis, keepdims=keepdims, correction=correction))


@std.vjp("x")
def _(
    g: Any, out: Any, x: Any, shape: Shape, *, axis: Axis, keepdims: bool, correction: float
) -> Any:
    # d√v = dv / 2√v = (x - mean) / ((n - correction) √v), and 0 where all values are equal
    scale = where(out == 0.0, 0.0, g / out) * _quotient(1.0, _freedom(shape, axis, correction))
    return _spread(scale, shape, axis, keepdims) * _centred(x, axis)


def _quotient(a: float, b: float) -> float:
    return a / b if b else math.inf


@op
def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """ln Σ eˣ, computed around the largest x so that nothing overflows."""
    top = x.max(axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    out = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return out if keepdims else out.reshape(_reduced(x.shape, axis))


@logsumexp.vjp("x")
def _(g: Any, out: Any, x: Any, shape: Shape, *, axis: Axis, keepdims: bool) -> Any:
    # d ln Σ eˣ = eˣ / Σ eˣ = e^(x - out)
    kept = kept_shape(shape, axis)
    return g.reshape(kept) * np.exp(x - out.reshape(kept))


def _reduced(shape: Shape, axis: Axis) -> Shape:
    axes = axes_of(axis, len(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


@op
def norm(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """√Σx², the Euclidean norm."""
    return np.sqrt((x * x).sum(axis=axis, keepdims=keepdims))


@norm.vjp("x")
def _(g: Any, out: Any, x: Any, shape: Shape, *, axis: Axis, keepdims: bool) -> Any:
    # d‖x‖ = x / ‖x‖, and 0 at the origin
    return _spread(where(out == 0.0, 0.0, g / out), shape, axis, keepdims) * x


# --- extremes ----------------------------------------------------------------------------------


@op
def amax(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element; equal ones share the gradient."""
    return x.max(axis=axis, keepdims=keepdims)


@op
def amin(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element; equal ones share the gradient."""
    return x.min(axis=axis, keepdims=keepdims)


@amax.vjp("x")
@amin.vjp("x")
def _(g: Any, out: Any, x: Any, shape: Shape, dtype: Any, *, axis: Axis, keepdims: bool) -> Any:
    kept = kept_shape(shape, axis)
    chosen = cast(x == out.reshape(kept), dtype=dtype)
    return g.reshape(kept) * (chosen / chosen.sum(axis=axis, keepdims=True))


def _argmax(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the largest element is: the first of equal ones."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


def _argmin(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Where the smallest element is: the first of equal ones."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


def _any(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether some element is not zero."""
    return np.any(x, axis=axis, keepdims=keepdims)


def _all(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether no element is zero."""
    return np.all(x, axis=axis, keepdims=keepdims)


def _count_nonzero(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """How many elements are not zero."""
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims))


argmax = plain(_argmax, name="argmax")
argmin = plain(_argmin, name="argmin")
any = plain(_any, name="any")
all = plain(_all, name="all")
count_nonzero = plain(_count_nonzero, name="count_nonzero")


# --- products and running results --------------------------------------------------------------


@op
def prod(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """The product; of bools and integers as int64."""
    return x.prod(axis=axis, keepdims=keepdims, dtype=None if x.dtype.kind == "f" else np.int64)


@prod.vjp("x")
def _(g: Any, out: Any, x: Any, shape: Shape, *, axis: int | None, keepdims: bool) -> Any:
    kept = kept_shape(shape, axis)
    g = g.reshape(kept)
    if not _has_zeros(x):
        return g * (out.reshape(kept) / x)
    return g * _products_of_others(x, axis).reshape(shape)


def _products_of_others(x: Any, axis: int | None) -> Any:
    """For each element the product of all others along `axis`; without dividing, it may be 0."""
    rows = x.reshape((-1,)) if axis is None else x.swapaxes(axis, -1)
    others = prod(_each_left_out(rows), axis=-1)
    return others if axis is None else others.swapaxes(axis, -1)


def _each_left_out(rows: Any) -> Any:
    """For rows of n elements n × n: in the i-th copy the i-th element is 1."""
    n = rows.shape[-1]
    return where(np.eye(n, dtype=bool), 1.0, rows.reshape((*rows.shape[:-1], 1, n)))


def _has_zeros(x: Any) -> bool:
    return bool((x == 0.0).any())


@op
def cumsum(x: Array, *, axis: int) -> Any:
    """The sums of all elements up to each one; of bools and integers as int64."""
    return x.cumsum(axis=axis, dtype=None if x.dtype.kind == "f" else np.int64)


@cumsum.vjp("x")
def _(g: Any, *, axis: int) -> Any:
    return _sum_from_here(g, axis)


def _sum_from_here(g: Any, axis: int) -> Any:
    # an element is part of its own sum and of all later ones
    return flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis)


@op
def cumprod(x: Array, *, axis: int) -> Any:
    """The products of all elements up to each one; of bools and integers as int64."""
    return x.cumprod(axis=axis, dtype=None if x.dtype.kind == "f" else np.int64)


@cumprod.vjp("x")
def _(g: Any, out: Any, x: Any, *, axis: int) -> Any:
    if not _has_zeros(x):
        # d out[k] / d x[i] = out[k] / x[i] for k ≥ i
        return _sum_from_here(g * out, axis) / x
    rows, g = x.swapaxes(axis, -1), g.swapaxes(axis, -1)
    n = rows.shape[-1]
    slopes = where(np.tri(n, dtype=bool).T, cumprod(_each_left_out(rows), axis=-1), 0.0)  # [i, k]
    return (slopes * g.reshape((*g.shape[:-1], 1, n))).sum(axis=-1).swapaxes(axis, -1)
