"""Operations of networks as one node each: softmax, linear, embedding.

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
from dlframe.ops.products import dot, two_dots
from dlframe.ops.record import Array
from dlframe.ops.reduction import sum
from dlframe.ops.sums import add, ones

__all__ = [
    "add_rows",
    "linear",
    "log_softmax",
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


@op(order="", latex=r"X W^\top + b")
def linear(x, weight, bias=None):
    """y = x Wᵀ + b, for x of shape (*, in) and weight of shape (out, in)."""
    if x.dtype is not weight.dtype and x.dtype != weight.dtype:
        raise DTypeError(
            f"linear: expected x and weight to have the same dtype, got {x.dtype} and "
            f"{weight.dtype}; convert one of them with .to(dtype)"
        )
    try:
        if x.ndim == 2:
            out = dot(x, weight.T)
        elif x.ndim > 2:  # one large product instead of one per leading index
            rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
            out = dot(rows, weight.T).reshape(*x.shape[:-1], len(weight))
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
    if x.ndim == 1 and weight.shape[1] == 1:
        advice = "If x has one number for each sample, add a dimension: x[:, None]"
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
    flat = g.ndim == 2
    rows = g if flat else g.reshape(math.prod(g.shape[:-1]), g.shape[-1])
    if needs[1] and not flat:
        x = x.reshape(len(rows), x.shape[-1])
    dx: Any = None
    dw = db = None
    if needs[0] and needs[1]:
        dx, dw = two_dots(rows, weight, rows.T, x)
    elif needs[0]:
        dx = dot(rows, weight)
    elif needs[1]:
        dw = dot(rows.T, x)
    if needs[0] and not flat:
        dx = dx.reshape(*g.shape[:-1], weight.shape[1])
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
