"""Normalization: one formula for batches, layers, groups, instances, and roots of mean squares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.reduction import sum
from dlframe.ops.sums import add, add_products

__all__ = ["normalize"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Axes = tuple[int, ...]


@op(latex=r"W \hat{x} + b, \quad \hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}")
def normalize(x, weight=None, bias=None, *, axes, over, eps, centre=True, stats=None):
    """(x - μ) / √(σ² + eps) · weight + bias, with mean μ and biased variance σ² over `axes`.

    weight and bias vary along all axes except those of `over`. BatchNorm, LayerNorm, GroupNorm and
    InstanceNorm differ only in `axes` and `over`. RMSNorm does not centre: μ is 0, and σ² the mean
    of the squares. `stats` is the result of `moments`, if the caller needed μ and σ² too; the array
    x - μ in it is overwritten.
    """
    return _normalize(x, weight, bias, axes=axes, over=over, eps=eps, centre=centre, stats=stats)[0]


@normalize.fast_forward
def _normalize(x, weight, bias, *, axes, over, eps, centre=True, stats=None):
    mean, var, centred = moments(x, axes, centre) if stats is None else stats
    scale = rstd = 1 / np.sqrt(var + eps)
    out = centred if centre else np.empty_like(x)
    if weight is not None:
        weight = weight.reshape(_kept(x, over))
        if shared(axes, over):  # fewer factors than numbers: one pass
            scale, weight = rstd * weight, None
    np.multiply(centred, scale, out=out)
    if weight is not None:
        out *= weight
    if bias is not None:
        out += bias.reshape(_kept(x, over))
    return out, (mean, rstd)


def moments(x: Array, axes: Axes, centre: bool = True) -> tuple[Any, Array, Array]:
    """μ and σ² over `axes`, and x - μ. σ² is computed from x - μ, as E[x²] - μ² loses digits."""
    count = _count(x, axes)
    if not centre:
        return 0.0, add_products(x, x, axes) / count, x
    mean = add(x, axes, True) / count
    centred = x - mean
    return mean, add_products(centred, centred, axes) / count, centred


def shared(axes: Axes, over: Axes) -> Axes:
    """The axes along which mean, weight and bias are all constant."""
    return tuple([a for a in axes if a in over])


def _count(x: Any, axes: Axes) -> int:
    """The count of numbers in a mean over `axes`, at least 1, so that a mean of none is 0."""
    shape: tuple[int, ...] = x.shape
    return max(1, math.prod(shape[i] for i in axes))


def _kept(x: Any, over: Axes) -> tuple[int, ...]:
    """The shape of `x` with 1 along the axes `over`."""
    return tuple(1 if i in over else n for i, n in enumerate(x.shape))


# --- gradients ---------------------------------------------------------------------------------


def _standardized(x, axes, eps, centre):
    """x̂ and 1/√(σ² + eps), by operations that work on tensors too."""
    n = 1 / _count(x, axes)
    centred = x - sum(x, axis=axes, keepdims=True) * n if centre else x
    rstd = (sum(centred * centred, axis=axes, keepdims=True) * n + eps) ** -0.5
    return centred * rstd, rstd


@normalize.vjp(
    "x",
    latex=r"\frac{1}{\sqrt{\sigma^2 + \varepsilon}} \left(g W - \frac{1}{n} \sum g W"
    r" - \frac{\hat{x}}{n} \sum g W \hat{x}\right)",
)
def _(g, x, weight, *, axes, over, eps, centre):
    # with h = g · weight: dx = rstd · (h - mean(h) - x̂ · mean(h x̂)); arXiv:1502.03167, section 3
    xhat, rstd = _standardized(x, axes, eps, centre)
    h = g if weight is None else g * weight.reshape(_kept(x, over))
    n = 1 / _count(x, axes)
    mean_hx = sum(h * xhat, axis=axes, keepdims=True) * n
    if centre:
        h = h - sum(h, axis=axes, keepdims=True) * n
    return (h - xhat * mean_hx) * rstd


@normalize.vjp("weight", latex=r"\sum g \hat{x}")
def _(g, x, *, axes, over, eps, centre):
    xhat, _ = _standardized(x, axes, eps, centre)
    return sum(g * xhat, axis=over)


@normalize.vjp("bias", latex=r"\sum g")
def _(g, *, over):
    return sum(g, axis=over)


@normalize.fast_backward
def _(g, needs, x, weight, residuals, *, axes, over, centre):
    if not (needs[0] or needs[1]):
        return None, None, add(g, over) if needs[2] else None
    mean, rstd = residuals
    xhat = x - mean if centre else x.copy()
    gradients = _by_shared if shared(axes, over) else _by_elements
    return gradients(g, needs, xhat, rstd, weight, axes, over, centre)


def _by_shared(g, needs, xhat, rstd, weight, axes, over, centre):
    """Where mean and weight have axes in common, the sums along these serve all gradients."""
    inner = shared(axes, over)
    scale = rstd if weight is None else rstd * weight.reshape(_kept(g, over))
    sum_g = add(g, inner, True) if needs[2] or (needs[0] and centre) else None
    sum_gx = add_products(g, xhat, inner)  # not yet divided by σ
    dx = dw = db = None
    if needs[2]:
        db = _added(sum_g, over, inner)
    if needs[1]:
        dw = _added(sum_gx * rstd, over, inner)
    if needs[0]:
        n = 1 / _count(g, axes)
        outer = tuple([a for a in axes if a not in inner])
        dx = xhat
        dx *= add(sum_gx * scale, outer, True) * rstd * rstd * -n
        if centre:
            dx -= add(sum_g * scale, outer, True) * n
        dx += g * scale
    return dx, dw, db


def _by_elements(g, needs, xhat, rstd, weight, axes, over, centre):
    """Where the weight varies along all axes of the mean."""
    xhat *= rstd
    db = _added(g, over) if needs[2] else None
    dw = _squeezed(add_products(g, xhat, over), over) if needs[1] else None
    dx = None
    if needs[0]:
        h = g if weight is None else g * weight.reshape(_kept(g, over))
        n = 1 / _count(g, axes)
        dx = np.multiply(xhat, add_products(h, xhat, axes) * -n, out=xhat)
        dx += h
        if centre:
            dx -= add(h, axes, True) * n
        dx *= rstd
    return dx, dw, db


def _added(x: Any, axes: Axes, done: Axes = ()) -> Array:
    """The sum along `axes`, of which those `done` have size 1 already."""
    return _squeezed(add(x, tuple([a for a in axes if a not in done]), True), axes)


def _squeezed(x: Array, over: Axes) -> Array:
    """`x` without its axes `over`, which have size 1."""
    return x.reshape([n for i, n in enumerate(x.shape) if i not in over])
