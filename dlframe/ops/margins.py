"""Losses of margins: how far the right answer should be ahead, as one operation each.

`target` is -1 or 1 for a score of its own, or the number of the right class.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.ops.exponential import sigmoid
from dlframe.ops.indexing import take_along_axis
from dlframe.ops.losses import reduced, share
from dlframe.ops.op import op
from dlframe.ops.record import Array, unwrapped
from dlframe.ops.reduction import sum
from dlframe.ops.sums import add

__all__ = ["hinge_loss", "multi_margin_loss", "multilabel_margin_loss", "soft_margin_loss"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


# --- a score and its sign ----------------------------------------------------------------------


@op(order="K", latex=r"\frac{1}{n} \sum \max(0, m - t x)^p")
def hinge_loss(x, *, target, margin=1.0, p=1, reduction="mean"):
    """max(0, margin - t x)^p with targets t of -1 and 1, reduced (Cortes & Vapnik 1995)."""
    slack = np.maximum(margin - target * x, 0)
    return reduced(slack if p == 1 else slack**p, reduction)


@hinge_loss.vjp("x", latex=r"-\frac{g}{n} p t (m - t x)^{p-1} [t x < m]")
def _(g, x, *, target, margin, p, reduction):
    slack = margin - target * x
    inside = (slack > 0) * -target
    slope = inside if p == 1 else inside * p * slack ** (p - 1)
    return slope * share(g, x.shape, reduction)


@op(order="K", latex=r"\frac{1}{n} \sum \ln(1 + e^{-t x})")
def soft_margin_loss(x, *, target, reduction="mean"):
    """ln(1 + e^(-t x)) with targets t of -1 and 1, reduced."""
    return reduced(np.logaddexp(0, -target * x), reduction)  # no e^(-t x) that could overflow


@soft_margin_loss.vjp("x", latex=r"-\frac{g}{n} t \sigma(-t x)")
def _(g, x, *, target, reduction):
    return sigmoid(-target * x) * -target * share(g, x.shape, reduction)


# --- classes -----------------------------------------------------------------------------------


@op(
    latex=r"\frac{1}{n C} \sum_k \sum_{j \ne t_k} \max(0, m - x_{k t_k} + x_{k j})^p",
)
def multi_margin_loss(x, *, target, weight=None, margin=1.0, p=1, reduction="mean"):
    """w_t / C · Σ_{j≠t} max(0, margin - x_t + x_j)^p for classes t (Weston & Watkins 1999)."""
    slack = np.maximum(_behind(x, target) + margin, 0)
    wrong = _wrong(x.shape, x.dtype, target)
    values = add((slack if p == 1 else slack**p) * wrong, -1)
    return reduced(values * _per_row(x, target, weight), reduction)


@multi_margin_loss.vjp("x", latex=r"\frac{g}{n C} \left(d_{k i} - [i = t_k] \sum_j d_{k j}\right)")
def _(g, x, *, target, weight, margin, p, reduction):
    # a wrong class j within the margin has d_j = p slack^(p-1), the right one -Σ d_j
    slack = _behind(x, target) + margin
    wrong = _wrong(x.shape, x.dtype, target)
    slope = (slack > 0) * wrong
    slope = slope if p == 1 else slope * slack * 2
    slope = slope - sum(slope, axis=-1, keepdims=True) * (1 - wrong)
    g = share(g, target.shape, reduction) * _per_row(x, target, weight)
    return slope * (g.reshape((*g.shape, 1)) if g.ndim else g)


def _behind(x: Any, target: Array) -> Any:
    """x_j - x_t: how far class j is ahead of the right one; of arrays and of tensors."""
    return x - take_along_axis(x, target[..., None], axis=-1)


def _wrong(shape: tuple[int, ...], dtype: Any, target: Array) -> Array:
    """1 for each class, and 0 for the right one."""
    wrong = np.ones(shape, dtype)
    np.put_along_axis(wrong, target[..., None], 0, axis=-1)
    return wrong


def _per_row(x: Any, target: Array, weight: Array | None) -> Any:
    """w_t / C."""
    classes = x.shape[-1]
    if weight is None:
        return np.asarray(1 / classes, x.dtype)
    return weight.astype(x.dtype, copy=False)[target] / classes


@op(
    latex=r"\frac{1}{n C} \sum_k \sum_{j \in t_k} \sum_{i \notin t_k}"
    r" \max(0, 1 - x_{k j} + x_{k i})"
)
def multilabel_margin_loss(x, *, labels, listed, reduction="mean"):
    """Σ_j Σ_i max(0, 1 - x_j + x_i) / C over labels j of an example and all i that are none.

    `labels` is (N, L), of which those count for which `listed` is True.
    """
    return _of_pairs(x, labels=labels, listed=listed, reduction=reduction)[0]


@multilabel_margin_loss.fast_forward
def _of_pairs(x, *, labels, listed, reduction="mean"):
    slack, counted = _slack_of_pairs(x, labels, listed)
    slack = np.maximum(slack, 0) * counted
    return reduced(add(add(slack, -1), -1) / x.shape[-1], reduction), slack > 0


@multilabel_margin_loss.vjp(
    "x",
    latex=r"\frac{g}{n C} \left([i \notin t_k] \sum_j d_{k j i}"
    r" - [i \in t_k] \sum_j d_{k i j}\right)",
)
def _(g, x, *, labels, listed, reduction):
    # a pair of a label j and an i that is none, within the margin, has d = 1
    slack, counted = _slack_of_pairs(unwrapped(x), labels, listed)
    return _slope_of_pairs(g, (slack > 0) * counted, labels, reduction)


@multilabel_margin_loss.fast_backward
def _(g, needs, residuals, *, labels, reduction):
    return (_slope_of_pairs(g, residuals.astype(g.dtype), labels, reduction),)


def _slope_of_pairs(g, inside, labels, reduction):
    slope = add(inside, -2)
    rows = np.arange(0, slope.size, slope.shape[-1]).reshape((*slope.shape[:-1], 1))
    np.subtract.at(slope.reshape(-1), labels + rows, add(inside, -1))
    slope /= inside.shape[-1]
    g = share(g, slope.shape[:-1], reduction)
    return slope * (g.reshape((*g.shape, 1)) if g.ndim else g)


def _slack_of_pairs(x: Array, labels: Array, listed: Array) -> tuple[Array, Array]:
    """1 - x_j + x_i for all labels j and classes i, and 1 for the pairs that count: (N, L, C)."""
    chosen = np.take_along_axis(x, labels, axis=-1)
    none = np.ones((*x.shape[:-1], x.shape[-1] + 1), x.dtype)  # with a place for what is not listed
    np.put_along_axis(none, np.where(listed, labels, -1), 0, axis=-1)
    slack = 1 - chosen[..., :, None] + x[..., None, :]
    return slack, none[..., None, :-1] * listed[..., :, None]
