"""Operations of networks as one node each: softmax, linear, normalization, embedding.

Each has its formula once, as a rule for gradients of any order. Some also have a `fast_backward`,
which keeps intermediate results of the forward and gives the same first-order gradients (a
generated test compares them).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.errors import DTypeError, ShapeError
from dlframe.ops.indexing import add_to_rows
from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.reduction import sum
from dlframe.ops.sums import add, add_products, ones

__all__ = [
    "add_rows",
    "linear",
    "log_softmax",
    "normalize",
    "softmax",
    "take_rows",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

_maximum: Any = np.maximum.reduce  # what `x.max` calls through a layer of Python


@op(latex=r"\frac{e^{x_i}}{\sum_j e^{x_j}}")
def softmax(x, *, axis=-1):
    """exp(xᵢ) / Σⱼ exp(xⱼ) along `axis`."""
    e = x - _maximum(x, axis=axis, keepdims=True, initial=-np.inf)  # the largest is 0: no overflow
    np.exp(e, out=e)
    e /= add(e, axis, True)
    return e


@softmax.vjp("x", latex=r"z_i \left(g_i - \sum_j g_j z_j\right)")
def _(g, out, *, axis):
    # ∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ - yⱼ), so dx = y · (g - Σ g y)
    return out * (g - sum(g * out, axis=axis, keepdims=True))


@op(latex=r"x_i - \ln \sum_j e^{x_j}")
def log_softmax(x, *, axis=-1):
    """xᵢ - log Σⱼ exp(xⱼ) along `axis`."""
    out = x - _maximum(x, axis=axis, keepdims=True, initial=-np.inf)  # the largest is 0
    out -= np.log(add(np.exp(out), axis, True))
    return out


@log_softmax.vjp("x", latex=r"g_i - e^{z_i} \sum_j g_j")
def _(g, out, *, axis):
    # dx = g - softmax(x) · Σ g, and softmax(x) = exp(out)
    return g - np.exp(out) * sum(g, axis=axis, keepdims=True)


# --- linear ------------------------------------------------------------------------------------


@op(latex=r"X W^\top + b")
def linear(x, weight, bias=None):
    """y = x Wᵀ + b, for x of shape (*, in) and weight of shape (out, in)."""
    if x.dtype is not weight.dtype and x.dtype != weight.dtype:
        raise DTypeError(
            f"linear: expected x and weight to have the same dtype, got {x.dtype} and "
            f"{weight.dtype}; convert one of them with .to(dtype)"
        )
    try:
        if x.ndim == 2:
            out = x.dot(weight.T)  # faster than @ for small matrices
        elif x.ndim > 2:  # one large product instead of one per leading index
            rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
            out = rows.dot(weight.T).reshape(*x.shape[:-1], len(weight))
        else:
            out = x @ weight.T
    except (ValueError, TypeError):
        raise _linear_error(x, weight) from None
    if bias is not None:
        if bias.shape != weight.shape[:1]:
            raise ShapeError(
                f"linear: bias must have shape {list(weight.shape[:1])}, one number per output, "
                f"got {list(bias.shape)}"
            )
        out += bias
    return out


def _linear_error(x: Array, weight: Array) -> ShapeError:
    shapes = f"x{list(x.shape)} and weight{list(weight.shape)}"
    if x.ndim == 0 or weight.ndim != 2:
        return ShapeError(
            f"linear: x needs at least one dimension, and weight two: (out, in); got {shapes}"
        )
    advice = f"Make in_features {x.shape[-1]}, or give it {weight.shape[1]} features"
    if x.ndim > 2:
        advice = "After a convolution, add nn.Flatten() before it"
    return ShapeError(
        f"linear: mat1 and mat2 shapes cannot be multiplied: x has {x.shape[-1]} features, the "
        f"weight expects {weight.shape[1]}; got {shapes}. {advice}."
    )


@linear.vjp("x", latex="G W")
def _(g, weight):
    # yᵢ = Σⱼ xⱼ Wᵢⱼ  ⇒  dxⱼ = Σᵢ gᵢ Wᵢⱼ
    return g @ weight


@linear.vjp("weight", latex=r"G^\top X")
def _(g, x):
    # dWᵢⱼ = Σₙ gₙᵢ xₙⱼ, over all leading indices n
    rows = math.prod(g.shape[:-1])
    return g.reshape((rows, g.shape[-1])).swapaxes(0, 1) @ x.reshape((rows, x.shape[-1]))


@linear.vjp("bias", latex=r"\sum_n g_n")
def _(g):
    return sum(g.reshape((math.prod(g.shape[:-1]), g.shape[-1])), axis=0)


@linear.fast_backward
def _(g, needs, x, weight):
    rows = g if g.ndim == 2 else g.reshape(math.prod(g.shape[:-1]), g.shape[-1])
    dx = dw = None
    if needs[0]:
        dx = rows.dot(weight)
        if g.ndim != 2:
            dx = dx.reshape(*g.shape[:-1], weight.shape[1])
    if needs[1]:
        dw = rows.T.dot(x if x.ndim == 2 else x.reshape(len(rows), x.shape[-1]))
    db = None
    if needs[2]:
        db = ones(len(rows), rows.dtype).dot(rows) if len(rows) <= 128 else add(rows, 0)
    return dx, dw, db


# --- embedding ---------------------------------------------------------------------------------


@op(latex=r"x_{\mathrm{index}}")
def take_rows(x, *, index, skip=None, counts=None):
    """x[index]; row `skip` gets no gradient, and each row i its own divided by counts[i]."""
    return x[index]


@take_rows.vjp("x", latex=r"\sum_{\mathrm{index} = i} g")
def _(g, shape, *, index, skip, counts):
    if counts is not None:
        g = g / counts[index].astype(g.dtype).reshape(index.shape + (1,) * (len(shape) - 1))
    return add_rows(g, index=index, rows=shape[0], skip=skip)


@op(latex=r"\sum_{\mathrm{index} = i} x")
def add_rows(x, *, index, rows, skip=None):
    """The adjoint of take_rows: zeros to which x[i] was added in row index[i]."""
    flat = index.reshape(-1)
    values = x.reshape(flat.size, math.prod(x.shape[index.ndim :]))
    if skip is not None:
        keep = flat != skip
        flat, values = flat[keep], values[keep]
    out = np.zeros((rows, values.shape[1]), x.dtype)
    add_to_rows(out, flat, values)
    return out.reshape(rows, *x.shape[index.ndim :])


@add_rows.vjp("x", latex=r"g_{\mathrm{index}}")
def _(g, *, index, skip):
    rows = take_rows(g, index=index, skip=skip)
    if skip is None:
        return rows
    keep = (index != skip).reshape(index.shape + (1,) * (g.ndim - 1))
    return rows * keep.astype(g.dtype)


# --- normalization -----------------------------------------------------------------------------


@op(latex=r"W \hat{x} + b, \quad \hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}")
def normalize(x, weight=None, bias=None, *, axes, over, eps, stats=None):
    """(x - μ) / √(σ² + eps) · weight + bias, with mean μ and biased variance σ² over `axes`.

    weight and bias vary along all axes except those of `over`. BatchNorm, LayerNorm, GroupNorm and
    InstanceNorm differ only in `axes` and `over`. `stats` is the result of `moments`, if the caller
    needed μ and σ² too; the array x - μ in it is overwritten.
    """
    return _normalize(x, weight, bias, axes=axes, over=over, eps=eps, stats=stats)[0]


@normalize.fast_forward
def _normalize(x, weight, bias, *, axes, over, eps, stats=None):
    mean, var, out = moments(x, axes) if stats is None else stats
    rstd = 1 / np.sqrt(var + eps)
    if weight is not None and over == axes:
        out *= rstd * weight.reshape(_kept(x, over))  # one number per mean: one pass
    else:
        out *= rstd
        if weight is not None:
            out *= weight.reshape(_kept(x, over))
    if bias is not None:
        out += bias.reshape(_kept(x, over))
    return out, (mean, rstd)


def moments(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """μ and σ² over `axes`, and x - μ. σ² is computed from x - μ, as E[x²] - μ² loses digits."""
    count = _count(x, axes)
    mean = add(x, axes, True) / count
    centred = x - mean
    return mean, add_products(centred, centred, axes) / count, centred


def _count(x: Any, axes: tuple[int, ...]) -> int:
    """The count of numbers in a mean over `axes`, at least 1, so that a mean of none is 0."""
    shape: tuple[int, ...] = x.shape
    return max(1, math.prod(shape[i] for i in axes))


def _kept(x: Any, over: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of `x` with 1 along the axes `over`."""
    return tuple(1 if i in over else n for i, n in enumerate(x.shape))


def _standardized(x, axes, eps):
    """x̂ and 1/√(σ² + eps), by operations that work on tensors too."""
    n = 1 / _count(x, axes)
    centred = x - sum(x, axis=axes, keepdims=True) * n
    rstd = (sum(centred * centred, axis=axes, keepdims=True) * n + eps) ** -0.5
    return centred * rstd, rstd


@normalize.vjp(
    "x",
    latex=r"\frac{1}{\sqrt{\sigma^2 + \varepsilon}} \left(g W - \frac{1}{n} \sum g W"
    r" - \frac{\hat{x}}{n} \sum g W \hat{x}\right)",
)
def _(g, x, weight, *, axes, over, eps):
    # with h = g · weight: dx = rstd · (h - mean(h) - x̂ · mean(h x̂)); arXiv:1502.03167, section 3
    xhat, rstd = _standardized(x, axes, eps)
    h = g if weight is None else g * weight.reshape(_kept(x, over))
    n = 1 / _count(x, axes)
    mean_h = sum(h, axis=axes, keepdims=True) * n
    mean_hx = sum(h * xhat, axis=axes, keepdims=True) * n
    return (h - mean_h - xhat * mean_hx) * rstd


@normalize.vjp("weight", latex=r"\sum g \hat{x}")
def _(g, x, *, axes, over, eps):
    xhat, _ = _standardized(x, axes, eps)
    return sum(g * xhat, axis=over)


@normalize.vjp("bias", latex=r"\sum g")
def _(g, *, over):
    return sum(g, axis=over)


@normalize.fast_backward
def _(g, needs, x, weight, residuals, *, axes, over):
    db = add(g, over) if needs[2] else None
    if not (needs[0] or needs[1]):
        return None, None, db
    mean, rstd = residuals
    xhat = x - mean
    xhat *= rstd
    dw = add_products(g, xhat, over) if needs[1] else None
    dx = _normalize_input(g, xhat, rstd, weight, dw, db, axes, over) if needs[0] else None
    return dx, dw if dw is None else _squeezed(dw, over), db


def _squeezed(x: Array, over: tuple[int, ...]) -> Array:
    """`x` without its axes `over`, which have size 1."""
    return x.reshape([n for i, n in enumerate(x.shape) if i not in over])


def _normalize_input(g, xhat, rstd, weight, dw, db, axes, over):
    """dx as in the rule, written into `xhat`."""
    h, scale = g, rstd
    if weight is not None and over == axes:  # a factor of each mean
        scale = rstd * weight.reshape(rstd.shape)
    elif weight is not None:
        h, dw, db = g * weight.reshape(_kept(g, over)), None, None
    n = 1 / _count(g, axes)
    sum_hx = dw if dw is not None and over == axes else add_products(h, xhat, axes)
    sum_h = db.reshape(_kept(g, axes)) if db is not None and over == axes else None
    if sum_h is None:
        sum_h = add(h, axes, True)
    dx = np.multiply(xhat, sum_hx * -n, out=xhat)
    dx += h
    dx -= sum_h * n
    dx *= scale
    return dx
