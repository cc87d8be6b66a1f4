"""Cross entropy of a linear layer, some rows at a time, without the matrix of all logits.

With C classes and N rows the logits are N · C numbers, and so are their gradients. For a
vocabulary of 50,000 words they are what fills the memory. What backward needs of a row is one
number, log Σ exp(logits); the logits themselves are computed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlframe.ops.losses import picked, target_weights
from dlframe.ops.networks import linear, softmax
from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.reduction import sum
from dlframe.ops.sums import add

__all__ = ["linear_cross_entropy"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


@op(
    latex=r"-\frac{1}{n} \sum_k \ln \frac{e^{y_{k t_k}}}{\sum_j e^{y_{k j}}},"
    r" \quad y = X W^\top + b"
)
def linear_cross_entropy(
    x, weight, bias=None, *, target, class_weight=None, ignore_index=-100, reduction="mean", rows=1
):
    """cross_entropy(x Wᵀ + b) for x (N, in), W (C, in) and classes (N,), `rows` rows at a time."""
    return _forward(
        x,
        weight,
        bias,
        target=target,
        class_weight=class_weight,
        ignore_index=ignore_index,
        reduction=reduction,
        rows=rows,
    )[0]


@linear_cross_entropy.fast_forward
def _forward(
    x, weight, bias=None, *, target, class_weight=None, ignore_index=-100, reduction="mean", rows=1
):
    wide = np.result_type(x.dtype, np.float32)  # float16 is added up in float32
    valid, safe, w = picked(target, class_weight, ignore_index, wide)
    loss, log_total = np.empty((2, len(x)), wide)
    for part, logits in _parts(x, weight, bias, rows, wide):
        largest = logits.max(axis=1)
        chosen = logits[np.arange(len(logits)), safe[part]]
        logits -= largest[:, None]
        np.exp(logits, out=logits)
        log_total[part] = np.log(add(logits, 1)) + largest
        loss[part] = np.where(valid[part], (log_total[part] - chosen) * w[part], 0)
    if reduction != "none":
        loss = add(loss) / add(w) if reduction == "mean" else add(loss)
    return loss.astype(x.dtype), log_total


def _parts(
    x: Array, weight: Array, bias: Array | None, rows: int, wide: Any
) -> Iterator[tuple[slice, Array]]:
    """The logits of a few rows at a time."""
    weight = weight.astype(wide, copy=False)
    bias = None if bias is None else bias.astype(wide, copy=False)
    for start in range(0, len(x), rows):
        part = slice(start, start + rows)
        yield part, linear(x[part].astype(wide, copy=False), weight, bias)


def _of_logits(g, x, weight, bias, target, class_weight, ignore_index, reduction):
    """The gradient with respect to the logits, as in `cross_entropy`: softmax minus target."""
    logits = linear(x, weight, bias)
    q = target_weights(
        logits.shape, x.dtype, target, class_weight, ignore_index, 0.0, reduction
    )  # fmt: skip
    slope = softmax(logits, axis=1) * sum(q, axis=1, keepdims=True) - q
    return slope * (g.reshape((-1, 1)) if g.ndim else g)


@linear_cross_entropy.vjp(
    "x", latex=r"D W, \quad D = \frac{g}{n} (\mathrm{softmax}(y) - [i = t_k])"
)
def _(g, x, weight, bias, *, target, class_weight, ignore_index, reduction):
    return _of_logits(g, x, weight, bias, target, class_weight, ignore_index, reduction) @ weight


@linear_cross_entropy.vjp("weight", latex=r"D^\top X")
def _(g, x, weight, bias, *, target, class_weight, ignore_index, reduction):
    slope = _of_logits(g, x, weight, bias, target, class_weight, ignore_index, reduction)
    return slope.swapaxes(0, 1) @ x


@linear_cross_entropy.vjp("bias", latex=r"\sum_k D_k")
def _(g, x, weight, bias, *, target, class_weight, ignore_index, reduction):
    slope = _of_logits(g, x, weight, bias, target, class_weight, ignore_index, reduction)
    return sum(slope, axis=0)


@linear_cross_entropy.fast_backward
def _(g, needs, x, weight, bias, residuals, *, target, class_weight, ignore_index, reduction, rows):
    wide = residuals.dtype
    valid, safe, w = picked(target, class_weight, ignore_index, wide)
    share = w * g / add(w) if reduction == "mean" and valid.any() else w * g
    dx = np.empty(x.shape, wide) if needs[0] else None
    dw = np.zeros(weight.shape, wide) if needs[1] else None
    db = np.zeros(len(weight), wide) if needs[2] else None
    for part, slope in _parts(x, weight, bias, rows, wide):
        slope -= residuals[part, None]
        np.exp(slope, out=slope)  # the softmax
        slope *= share[part, None]
        slope[np.arange(len(slope)), safe[part]] -= share[part]
        if dx is not None:
            dx[part] = slope @ weight.astype(wide, copy=False)
        if dw is not None:
            dw += slope.T @ x[part].astype(wide, copy=False)
        if db is not None:
            db += add(slope, 0)
    return tuple(d if d is None else d.astype(x.dtype, copy=False) for d in (dx, dw, db))
