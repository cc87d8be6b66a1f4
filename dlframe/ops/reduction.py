"""Operations that reduce along axes: sums, means, variances, extremes, products.

`axis` is an integer, a tuple of them, or None for all; `keepdims` keeps reduced axes, with
size 1. float16 is added up in float32, as in PyTorch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.broadcast import broadcast_to
from dlframe.ops.elementwise import where
from dlframe.ops.exponential import into
from dlframe.ops.op import cast, op, plain
from dlframe.ops.record import Array
from dlframe.ops.scan import products_of_others
from dlframe.ops.sums import add

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "logsumexp",
    "mean",
    "norm",
    "prod",
    "shared",
    "std",
    "sum",
    "var",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Axis = int | tuple[int, ...] | None
Shape = tuple[int, ...]

# The functions that methods of arrays call through a layer of Python.
_add_integers: Any = np.add.reduce
_multiply: Any = np.multiply.reduce
_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce
_or: Any = np.logical_or.reduce
_and: Any = np.logical_and.reduce


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes meant by `axis`, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    return tuple([a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)) if ndim])


def kept_shape(shape: Shape, axis: Axis) -> Shape:
    """`shape` with the reduced axes of size 1."""
    kept = list(shape)
    for a in axes_of(axis, len(shape)):
        kept[a] = 1
    return tuple(kept)


def count_of(shape: Shape, axis: Axis) -> int:
    """The number of elements in each result."""
    if axis is None or not shape:
        return math.prod(shape)
    return math.prod([shape[a] for a in axis]) if isinstance(axis, tuple) else shape[axis]


def _spread(g: Any, shape: Shape, axis: Axis, keepdims: bool) -> Any:
    """The gradient of a sum: the same for each element that was added."""
    if axis is not None and not keepdims:
        g = g.reshape(kept_shape(shape, axis))
    return broadcast_to(g, shape=shape)


def _wide(x: Array) -> Array:
    """`x`, in float32 instead of float16."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


# --- sums --------------------------------------------------------------------------------------


@op(latex=r"\sum x_i")
def sum(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum; for bools and integers as int64."""
    dtype = x.dtype
    if dtype.char in "fd":  # first, since most sums have one of these dtypes
        return add(x, axis, keepdims)
    if dtype.kind != "f":
        return _add_integers(x, axis=axis, dtype=np.int64, keepdims=keepdims)
    return add(_wide(x), axis, keepdims).astype(dtype)


@sum.vjp("x", latex="g")
def _(g, shape, *, axis, keepdims):
    return _spread(g, shape, axis, keepdims)


@op(latex=r"\frac{1}{n} \sum x_i")
def mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean; nan if there are no elements."""
    out = _mean(_wide(x), axis, keepdims)
    return out if out.dtype is x.dtype else out.astype(x.dtype, copy=False)


def _mean(x: Array, axis: Axis, keepdims: bool) -> Any:
    return add(x, axis, keepdims) / count_of(x.shape, axis)


@mean.vjp("x", latex=r"\frac{g}{n}")
def _(g, shape, *, axis, keepdims):
    return _spread(g / float(count_of(shape, axis)), shape, axis, keepdims)


@op(latex=r"\frac{1}{n - c} \sum (x_i - \mu)^2, \quad \mu = \frac{1}{n} \sum x_i")
def var(x: Array, *, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """Σ(x - mean)² / (n - correction); nan or ∞ if the divisor is not positive."""
    return _var(x, axis, keepdims, correction).astype(x.dtype, copy=False)


def _var(x: Array, axis: Axis, keepdims: bool, correction: float) -> Any:
    few = x.size <= 4096
    x = x.astype(np.float64) if few else _wide(x)
    d = x - _mean(x, axis, keepdims=True)
    rest = 0.0 if few else add(d, axis, keepdims)  # what the rounding of the mean left
    total = add(np.square(d, out=into(d)), axis, keepdims)
    if not few:
        total = np.abs(total - rest * rest / count_of(x.shape, axis))
    return total / _freedom(x.shape, axis, correction)


def _freedom(shape: Shape, axis: Axis, correction: float) -> float:
    return max(count_of(shape, axis) - float(correction), 0.0)


def _spread_around_mean(g: Any, x: Any, axis: Axis, correction: float, keepdims: bool) -> Any:
    """(x - mean) / (n - correction) · g; if the divisor is 0, ∞, and nan at the mean."""
    d = x - mean(x, axis=axis, keepdims=True)
    freedom = _freedom(x.shape, axis, correction)
    if freedom:
        return _spread(g / freedom, x.shape, axis, keepdims) * d
    return _spread(g, x.shape, axis, keepdims) * where(
        d == 0.0, math.nan, np.absolute(d) * math.inf
    )


@var.vjp("x", latex=r"g \frac{2 (x_i - \mu)}{n - c}")
def _(g, x, *, axis, keepdims, correction):
    # d var = 2 (x - mean) / (n - correction); the mean's own part sums to zero
    return _spread_around_mean(g * 2.0, x, axis, correction, keepdims)


@op(latex=r"\sqrt{\frac{1}{n - c} \sum (x_i - \mu)^2}, \quad \mu = \frac{1}{n} \sum x_i")
def std(x: Array, *, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> Any:
    """√var."""
    return np.sqrt(_var(x, axis, keepdims, correction)).astype(x.dtype, copy=False)


@std.vjp("x", latex=r"g \frac{x_i - \mu}{(n - c) z}")
def _(g, out, x, *, axis, keepdims, correction):
    # d√v = dv / 2√v = (x - mean) / ((n - correction) √v), and 0 where all values are equal
    scale = where(out == 0.0, 0.0, g / out)
    return _spread_around_mean(scale, x, axis, correction, keepdims)


@op(latex=r"\ln \sum e^{x_i}")
def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """ln Σ eˣ, computed relative to the largest x so that nothing overflows."""
    wide = _wide(x)
    top = _maximum(wide, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    d = wide - top
    out = np.log(add(np.exp(d, out=into(d)), axis, True)) + top
    out = out.astype(x.dtype, copy=False)
    return out if keepdims else out.reshape(_reduced(x.shape, axis))


@logsumexp.vjp("x", latex="g e^{x_i - z}")
def _(g, out, x, shape, *, axis):
    # d ln Σ eˣ = eˣ / Σ eˣ = e^(x - out)
    kept = kept_shape(shape, axis)
    return g.reshape(kept) * np.exp(x - out.reshape(kept))


def _reduced(shape: Shape, axis: Axis) -> Shape:
    axes = axes_of(axis, len(shape))
    return tuple([n for i, n in enumerate(shape) if i not in axes])


@op(latex=r"\sqrt{\sum x_i^2}")
def norm(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """√Σx², the Euclidean norm."""
    wide = _wide(x)
    return np.sqrt(add(wide * wide, axis, keepdims)).astype(x.dtype, copy=False)


@norm.vjp("x", latex=r"g \frac{x_i}{z}")
def _(g, out, x, shape, *, axis, keepdims):
    # d‖x‖ = x / ‖x‖, and 0 at the origin, in every derivative
    return _spread(g / where(out == 0.0, math.inf, out), shape, axis, keepdims) * x


# --- extremes ----------------------------------------------------------------------------------


@op(latex=r"\max x_i")
def amax(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element; equal ones share the gradient."""
    return _extreme(_maximum, x, axis, keepdims, -math.inf)


@op(latex=r"\min x_i")
def amin(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element; equal ones share the gradient."""
    return _extreme(_minimum, x, axis, keepdims, math.inf)


def _extreme(reduce: Any, x: Array, axis: Axis, keepdims: bool, initial: float) -> Any:
    if x.dtype.kind == "f" and x.size:
        # along the last axis NumPy is three times faster with an initial value
        return reduce(x, axis=axis, keepdims=keepdims, initial=initial)
    return reduce(x, axis=axis, keepdims=keepdims)


@amax.vjp("x", latex=r"\frac{g [x_i = z]}{\sum [x_j = z]}")
@amin.vjp("x", latex=r"\frac{g [x_i = z]}{\sum [x_j = z]}")
def _(g, out, x, shape, dtype, *, axis):
    # d max = 1 at the largest element; 1/k at each of k equal ones
    kept = kept_shape(shape, axis)
    return g.reshape(kept) * _evenly(x == out.reshape(kept), axis, dtype)


def _evenly(chosen: Any, axis: Axis, dtype: Any) -> Any:
    """1/k at the k chosen elements."""
    chosen = cast(chosen, dtype=dtype)
    return chosen / sum(chosen, axis=axis, keepdims=True)


@op(latex="x_k")
def shared(x: Array, *, place: int) -> Any:
    """The element at `place`, counted in order; all equal elements share its gradient."""
    return x.reshape(-1)[place]


@shared.vjp("x", latex=r"\frac{g [x_i = z]}{\sum [x_j = z]}")
def _(g, out, x):
    chosen = x == out
    if not chosen.any():  # nan equals nothing
        chosen = np.isnan(x)
    return where(chosen, g / float(chosen.sum()), 0.0)  # 0 · ∞ would be nan


def _argmax(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the largest element; the first one of equal elements."""
    return x.argmax(axis=axis, keepdims=keepdims)


def _argmin(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the smallest element; the first one of equal elements."""
    return x.argmin(axis=axis, keepdims=keepdims)


def _any(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether some element is not zero."""
    return _or(x, axis=axis, keepdims=keepdims)


def _all(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether no element is zero."""
    return _and(x, axis=axis, keepdims=keepdims)


def _count_nonzero(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """How many elements are not zero."""
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims))


argmax = plain(_argmax, name="argmax", latex=r"\mathrm{argmax}_i x_i")
argmin = plain(_argmin, name="argmin", latex=r"\mathrm{argmin}_i x_i")
any = plain(_any, name="any", latex=r"\exists i: x_i \neq 0")
all = plain(_all, name="all", latex=r"\forall i: x_i \neq 0")
count_nonzero = plain(_count_nonzero, name="count_nonzero", latex=r"\sum [x_i \neq 0]")


# --- products ----------------------------------------------------------------------------------


@op(latex=r"\prod x_i")
def prod(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """The product; for bools and integers as int64."""
    if x.dtype.kind != "f":
        x = x.astype(np.int64, copy=False)
    if x.size > 1024:  # for fewer elements folding is not worthwhile
        if axis is None and not keepdims:
            x, axis = x.reshape(-1), 0
        if axis is not None and axis % x.ndim == x.ndim - 1:
            x = _folded(x)
    return _multiply(x, axis=axis, keepdims=keepdims)


_FEW = 32  # factors that are multiplied one after the other


def _folded(x: Array) -> Array:
    """The product along the last axis: its halves are multiplied again and again, as whole arrays.

    NumPy multiplies along a contiguous axis one by one, and each product waits for the one before.
    """
    while (n := x.shape[-1]) > _FEW:
        half = n // 2
        product = x[..., :half] * x[..., half : 2 * half]
        if n % 2:
            product[..., 0] *= x[..., -1]
        x = product
    return x


@prod.vjp("x", latex=r"g \prod_{j \neq i} x_j")
def _(g, out, x, shape, *, axis):
    # d Πx = the product of all others, which is Πx / x unless some x is 0
    kept = kept_shape(shape, axis)
    others = products_of_others(x, axis) if (x == 0.0).any() else out.reshape(kept) / x
    return g.reshape(kept) * others
