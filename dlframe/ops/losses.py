"""Losses as one operation each, the reduction included.

`reduction` is `"mean"` (over all elements; for classes over the weights of the targets),
`"sum"` or `"none"`. The public functions, in `dlframe.nn.functional`, check shapes and labels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.activation import softplus
from dlframe.ops.elementwise import where
from dlframe.ops.exponential import sigmoid
from dlframe.ops.networks import log_softmax, softmax
from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.reduction import mean, sum
from dlframe.ops.sums import add, dot

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "nll_loss",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


def reduced(values: Any, reduction: str) -> Any:
    """The losses of all elements, their mean or their sum; `values` is an array or a tensor."""
    if reduction == "none":
        return values
    return mean(values) if reduction == "mean" else sum(values)


def share(g: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """The gradient of each element, before the chain rule: g, or g / n for a mean."""
    return g / math.prod(shape) if reduction == "mean" else g


@op(order="K", latex=r"\frac{1}{n} \sum (x_i - y_i)^2")
def mse_loss(x, y, *, reduction="mean"):
    """(x - y)², reduced."""
    d = x - y
    return reduced(d * d, reduction)


@mse_loss.vjp("x", latex=r"\frac{2}{n} g (x_i - y_i)")
def _(g, x, y, *, reduction):
    return (x - y) * (2 * share(g, x.shape, reduction))


@mse_loss.vjp("y", latex=r"-\frac{2}{n} g (x_i - y_i)")
def _(g, x, y, *, reduction):
    return (y - x) * (2 * share(g, x.shape, reduction))


@mse_loss.fast_forward
def _(x, y, *, reduction="mean"):
    d = x - y
    if reduction == "none":
        return d * d, d
    flat = d.reshape(-1)
    total = dot(flat, flat)  # Σ d² without the array d²
    return (total / d.size if reduction == "mean" else total), d


@mse_loss.fast_backward
def _(g, needs, residuals, *, reduction):
    dx = residuals * (2 * share(g, residuals.shape, reduction))
    return dx, -dx if needs[1] else None


@op(order="K", latex=r"\frac{1}{n} \sum |x_i - y_i|")
def l1_loss(x, y, *, reduction="mean"):
    """|x - y|, reduced."""
    return reduced(np.abs(x - y), reduction)


@l1_loss.vjp("x", latex=r"\frac{g}{n} \cdot \mathrm{sign}(x_i - y_i)")
def _(g, x, y, *, reduction):
    return np.sign(x - y) * share(g, x.shape, reduction)


@l1_loss.vjp("y", latex=r"-\frac{g}{n} \cdot \mathrm{sign}(x_i - y_i)")
def _(g, x, y, *, reduction):
    return np.sign(y - x) * share(g, x.shape, reduction)


@l1_loss.fast_forward
def _(x, y, *, reduction="mean"):
    d = x - y
    return reduced(np.abs(d), reduction), d


@l1_loss.fast_backward
def _(g, needs, residuals, *, reduction):
    dx = np.sign(residuals) * share(g, residuals.shape, reduction)
    return dx, -dx if needs[1] else None


@op(
    order="K",
    latex=r"\frac{1}{n} \sum \left(|d_i| m_i - \frac{1}{2} m_i^2\right), \quad d = x - y,"
    r" \quad m = \min(|d|, \delta)",
)
def huber_loss(x, y, *, delta=1.0, reduction="mean"):
    """d²/2 where |d| ≤ delta, else delta (|d| - delta/2), for d = x - y; reduced."""
    size = np.abs(x - y)
    return reduced(
        np.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta)), reduction
    )


@huber_loss.vjp("x", latex=r"\frac{g}{n} \min(\max(x_i - y_i, -\delta), \delta)")
def _(g, x, y, *, delta, reduction):
    # the derivative is d, limited to ±delta
    return np.minimum(np.maximum(x - y, -delta), delta) * share(g, x.shape, reduction)


@huber_loss.vjp("y", latex=r"-\frac{g}{n} \min(\max(x_i - y_i, -\delta), \delta)")
def _(g, x, y, *, delta, reduction):
    return np.minimum(np.maximum(y - x, -delta), delta) * share(g, x.shape, reduction)


# --- binary cross entropy ----------------------------------------------------------------------


@op(order="K", latex=r"-\frac{1}{n} \sum W (y \ln x + (1 - y) \ln(1 - x))")
def binary_cross_entropy(x, y, weight=None, *, reduction="mean"):
    """-w (y log x + (1 - y) log(1 - x)), reduced; logarithms below -100 count as -100."""
    # with numbers as limits, `clip` is twice as fast as `np.maximum`
    values = (y - 1) * np.log1p(-x).clip(-100, math.inf) - y * np.log(x).clip(-100, math.inf)
    return reduced(values if weight is None else values * weight, reduction)


@binary_cross_entropy.vjp("x", latex=r"\frac{g}{n} W \frac{x - y}{x (1 - x)}")
def _(g, x, y, weight, *, reduction):
    # (x - y) / (x (1 - x)), the denominator kept above 1e-12 as PyTorch does
    slope = (x - y) / np.maximum(x * (1 - x), 1e-12)
    return slope * _weighted(share(g, x.shape, reduction), weight)


@binary_cross_entropy.vjp("y", latex=r"\frac{g}{n} W (\ln(1 - x) - \ln x)")
def _(g, x, y, weight, *, reduction):
    slope = np.log1p(-x) - np.log(x)
    return slope * _weighted(share(g, x.shape, reduction), weight)


def _weighted(g: Any, weight: Any) -> Any:
    return g if weight is None else g * weight


@op(order="K", latex=r"-\frac{1}{n} \sum W (p y \ln \sigma(x) + (1 - y) \ln(1 - \sigma(x)))")
def binary_cross_entropy_with_logits(x, y, weight=None, pos_weight=None, *, reduction="mean"):
    """-w (p y log σ(x) + (1 - y) log(1 - σ(x))), reduced, without overflow for any x.

    With a = 1 + (p - 1) y it equals (1 - y) x + a log(1 + exp(-x)).
    """
    cost = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0)  # log(1 + exp(-x))
    values = (1 - y) * x + (cost if pos_weight is None else (1 + (pos_weight - 1) * y) * cost)
    return reduced(values if weight is None else values * weight, reduction)


@binary_cross_entropy_with_logits.vjp(
    "x", latex=r"\frac{g}{n} W ((1 - y) \sigma(x) - p y (1 - \sigma(x)))"
)
def _(g, x, y, weight, pos_weight, *, reduction):
    # (1 - y) - a (1 - σ(x)); without pos_weight that is σ(x) - y
    s = sigmoid(x)
    slope = s - y if pos_weight is None else (1 - y) - (1 + (pos_weight - 1) * y) * (1 - s)
    return slope * _weighted(share(g, x.shape, reduction), weight)


@binary_cross_entropy_with_logits.vjp(
    "y", latex=r"\frac{g}{n} W (\ln(1 - \sigma(x)) - p \ln \sigma(x))"
)
def _(g, x, weight, pos_weight, *, reduction):
    slope = -x if pos_weight is None else (pos_weight - 1) * softplus(-x) - x
    return slope * _weighted(share(g, x.shape, reduction), weight)


# --- classes -----------------------------------------------------------------------------------


@op(latex=r"-\frac{1}{n} \sum_k \ln \frac{e^{x_{k t_k}}}{\sum_j e^{x_{k j}}}")
def cross_entropy(
    x, *, target, weight=None, ignore_index=-100, label_smoothing=0.0, reduction="mean"
):
    """-Σ_c q_c log softmax(x)_c for class indices as targets; classes are axis 1 (0 of a vector).

    q is the smoothed one-hot target times the class weights: w_t (1 - ε) at the target t, plus
    w_c ε / C everywhere. The mean divides by Σ w_t over the targets that are not `ignore_index`.
    """
    return _cross_entropy(
        x,
        target=target,
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )[0]


@cross_entropy.fast_forward
def _cross_entropy(
    x, *, target, weight=None, ignore_index=-100, label_smoothing=0.0, reduction="mean"
):
    logp = log_softmax(x, axis=_class_axis(x))
    loss = nll(logp, target, weight, ignore_index, label_smoothing, reduction)
    return loss, logp


@cross_entropy.vjp(
    "x", latex=r"\frac{g}{n} \left(\frac{e^{x_{k i}}}{\sum_j e^{x_{k j}}} - [i = t_k]\right)"
)
def _(g, x, *, target, weight, ignore_index, label_smoothing, reduction):
    # d/dx of -Σ q_c log p_c is p Σ q_c - q
    axis = _class_axis(x)
    q = target_weights(x.shape, x.dtype, target, weight, ignore_index, label_smoothing, reduction)
    slope = softmax(x, axis=axis) * sum(q, axis=axis, keepdims=True) - q
    return _of_counted(slope * _per_class(g, axis), target, ignore_index, axis)


@cross_entropy.fast_backward
def _(g, needs, residuals, *, target, weight, ignore_index, label_smoothing, reduction):
    p = np.exp(residuals)
    axis = _class_axis(p)
    g = _per_class(g, axis)
    options = target, weight, ignore_index, label_smoothing, reduction
    if is_plain_mean(p, *options):
        p[np.arange(len(p)), target] -= 1
        p *= g / len(p)
        return (p,)
    q = target_weights(p.shape, p.dtype, *options)
    p *= add(q, axis, True)
    p -= q
    return (_of_counted(p * g, target, ignore_index, axis),)


def _of_counted(slope: Any, target: Array, ignore_index: int, axis: int) -> Any:
    """The gradient, and exactly 0 where a target is ignored, also of an infinite one."""
    valid = target != ignore_index
    return slope if valid.all() else where(np.expand_dims(valid, axis), slope, 0.0)


@op(latex=r"-\frac{1}{n} \sum_k x_{k t_k}")
def nll_loss(x, *, target, weight=None, ignore_index=-100, reduction="mean"):
    """-w_t x_t for log-probabilities x and class indices t, reduced as in cross_entropy."""
    return nll(x, target, weight, ignore_index, 0.0, reduction)


@nll_loss.vjp("x", latex=r"-\frac{g}{n} [i = t_k]")
def _(g, shape, dtype, *, target, weight, ignore_index, reduction):
    q = target_weights(shape, dtype, target, weight, ignore_index, 0.0, reduction)
    slope = _per_class(g, 1 if len(shape) > 1 else 0) * -q
    return where(q == 0, 0.0, slope)  # 0 · ∞ would be nan


def _class_axis(x: Any) -> int:
    return 1 if x.ndim > 1 else 0


def _per_class(g: Any, axis: int) -> Any:
    """g with a class axis of size 1, so that it broadcasts; a reduced g is not changed."""
    if g.ndim == 0:
        return g
    return g.reshape((*g.shape[:axis], 1, *g.shape[axis:]))


def _expanded_weight(weight: Array | None, ndim: int, classes: int, dtype: Any) -> Array:
    w = np.ones(classes, dtype) if weight is None else weight.astype(dtype, copy=False)
    return w.reshape((classes,) + (1,) * (ndim - 2)) if ndim > 1 else w


def picked(
    target: Array, weight: Array | None, ignore_index: int, dtype: Any
) -> tuple[Array, Array, Array]:
    """Which targets count, the targets (0 where they do not), and the weight of each."""
    valid = target != ignore_index
    safe = target * valid
    w = valid.astype(dtype) if weight is None else weight.astype(dtype, copy=False)[safe] * valid
    return valid, safe, w


def is_plain_mean(x, target, weight, ignore_index, label_smoothing, reduction):
    """Whether it is the usual case: the mean over the rows of a matrix, which all count alike."""
    return (
        x.ndim == 2
        and len(x) > 0
        and reduction == "mean"
        and weight is None
        and not label_smoothing
        and type(x) is np.ndarray is type(target)
        and not (target == ignore_index).any()
    )


def nll(logp, target, weight, ignore_index, label_smoothing, reduction):
    """The value of the losses over classes, on plain arrays."""
    if is_plain_mean(logp, target, weight, ignore_index, label_smoothing, reduction):
        return -add(logp[np.arange(len(target)), target]) / len(target)
    axis = _class_axis(logp)
    valid, safe, w = picked(target, weight, ignore_index, logp.dtype)
    values = -np.take_along_axis(logp, np.expand_dims(safe, axis), axis=axis).squeeze(axis) * w
    if label_smoothing:
        classes = logp.shape[axis]
        smooth = add(logp * _expanded_weight(weight, logp.ndim, classes, logp.dtype), axis)
        values = (1 - label_smoothing) * values - label_smoothing / max(classes, 1) * smooth
    if not valid.all():
        values = np.where(valid, values, np.zeros((), values.dtype))  # 0 · ∞ would be nan
    if reduction == "none":
        return values
    if reduction == "sum":
        return add(values)
    total = add(w)
    return add(values) / np.where(total == 0, np.nan, total)  # nan where no target counts


def target_weights(shape, dtype, target, weight, ignore_index, label_smoothing, reduction):
    """q of cross_entropy as an array of the logits' shape, divided by Σ w_t for a mean."""
    axis = 1 if len(shape) > 1 else 0
    classes = shape[axis]
    valid, safe, w = picked(target, weight, ignore_index, dtype)
    total = add(w) if reduction == "mean" else 1
    w = np.where(valid, w / total, 0)  # nan at the targets if all of them weigh 0
    q = np.zeros(shape, dtype)
    np.put_along_axis(q, np.expand_dims(safe, axis), np.expand_dims(w, axis), axis=axis)
    if label_smoothing:
        q *= 1 - label_smoothing
        smooth = label_smoothing / classes * _expanded_weight(weight, len(shape), classes, dtype)
        q += np.where(np.expand_dims(valid, axis), smooth / total, 0)
    return q
