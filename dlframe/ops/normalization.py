"""Normalization: one formula for batches, layers, groups, instances, and roots of mean squares."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from dlframe import kernels
from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.reduction import sum
from dlframe.ops.sums import add, add_products, add_weighted, row_sums

__all__ = ["normalize"]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Axes = tuple[int, ...]

_BLOCK = 262144  # numbers in a block: a few arrays of them fit the caches of a processor


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
    """The result; and the blocks, with the mean and 1 / √(σ² + eps) of each."""
    blocks = _blocks(x, axes, over) if stats is None else None
    if blocks is None:
        out, *found = _normalized(x, weight, bias, axes, over, eps, centre, stats)
        return out, (None, [found])
    out = np.empty(x.shape, x.dtype)
    wide, wide_out, moments_of = x.reshape(blocks.shape), out.reshape(blocks.shape), []
    options = blocks.axes, blocks.over, eps, centre, None
    for part in blocks.parts:
        found = _normalized(wide[part], weight, bias, *options, out=wide_out[part])
        moments_of.append(found[1:])
    return out, (blocks, moments_of)


def _normalized(x, weight, bias, axes, over, eps, centre, stats, out=None):
    mean, var, centred = moments(x, axes, centre, out) if stats is None else stats
    if centred is None:
        centred = np.subtract(x, mean, out=out)
    scale = rstd = 1 / np.sqrt(var + eps)
    if out is None:
        out = centred if centre else np.empty_like(x)
    if weight is not None:
        scale = _scale(rstd, weight, x, axes, over)
    np.multiply(centred, scale, out=out)
    if bias is not None:
        out += bias.reshape(_kept(x, over))
    return out, mean, rstd


def _scale(rstd, weight, x, axes, over):
    """rstd · weight."""
    if _is_rows(x, axes, over):
        return np.dot(rstd, weight.reshape(1, -1))  # BLAS takes half the time
    return rstd * weight.reshape(_kept(x, over))


def _is_rows(x, axes, over):
    """Whether `x` is a matrix of rows, each with a mean, and each column with a weight."""
    return type(x) is np.ndarray and x.ndim == 2 and axes == (1,) and over == (0,)


class _Blocks(NamedTuple):
    """Parts of an array that are normalized one after the other, and its shape for that."""

    shape: tuple[int, ...]
    axes: Axes
    over: Axes
    parts: list[slice]  # along the first axis


def _blocks(x: Array, axes: Axes, over: Axes) -> _Blocks | None:
    """Blocks that stay in a processor's caches with all that is computed from them.

    None where the mean goes over the first axis, or the weight varies in another way than in the
    usual layers.
    """
    if type(x) is not np.ndarray or not x.size:
        return None
    return _blocks_of(x.shape, axes, over)


@lru_cache(maxsize=1024)
def _blocks_of(shape: tuple[int, ...], axes: Axes, over: Axes) -> _Blocks | None:
    kinds = [(i in axes, i in over) for i in range(len(shape))]
    order = [kind for kind, _ in groupby(kinds)]
    if order[:1] != [(False, True)] or not (shared(axes, over) or order[1:] == [(True, False)]):
        return None
    joined = [list(group) for _, group in groupby(range(len(shape)), key=kinds.__getitem__)]
    sizes = tuple([math.prod([shape[i] for i in group]) for group in joined])
    step = max(1, _BLOCK // math.prod(sizes[1:]))
    return _Blocks(
        shape=sizes,
        axes=tuple([k for k, group in enumerate(joined) if group[0] in axes]),
        over=tuple([k for k, group in enumerate(joined) if group[0] in over]),
        parts=[slice(a, a + step) for a in range(0, sizes[0], step)],
    )


@kernels.replaceable("moments")
def moments(
    x: Array, axes: Axes, centre: bool = True, out: Array | None = None
) -> tuple[Any, Array, Array]:
    """μ and σ² over `axes`, and x - μ. σ² is computed from x - μ, as E[x²] - μ² loses digits.

    A kernel may give None for x - μ.
    """
    count = _count(x, axes)
    if x.ndim == 2 and axes == (1,) and x.flags.c_contiguous:
        mean = row_sums(x) / count if centre else 0.0
        centred = np.subtract(x, mean, out=out) if centre else x
        return mean, row_sums(centred, centred) / count, centred
    if not centre:
        return 0.0, add_products(x, x, axes) / count, x
    mean = add(x, axes, True) / count
    centred = np.subtract(x, mean, out=out)
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
    blocks, moments_of = residuals
    if blocks is None:
        mean, rstd = moments_of[0]
        return _gradients(g, needs, x, mean, rstd, weight, axes, over, centre)
    wide, wide_g = x.reshape(blocks.shape), g.reshape(blocks.shape)
    dx: Any = np.empty(x.shape, x.dtype) if needs[0] else None
    wide_dx = None if dx is None else dx.reshape(blocks.shape)
    options = weight, blocks.axes, blocks.over, centre
    found = []
    for part, (mean, rstd) in zip(blocks.parts, moments_of, strict=True):
        out = None if wide_dx is None else wide_dx[part]
        given = wide_g[part], needs, wide[part], mean, rstd
        found.append(_gradients(*given, *options, out)[1:])
    shape = [n for i, n in enumerate(x.shape) if i not in over]
    return dx, *[_total(parts, shape) for parts in zip(*found, strict=True)]


def _total(parts, shape):
    """The sum of the blocks' gradients of a weight; None if it needs none."""
    if parts[0] is None:
        return None
    return (parts[0] if len(parts) == 1 else add(np.stack(parts), 0)).reshape(shape)


def _gradients(g, needs, x, mean, rstd, weight, axes, over, centre, out: Any = None):
    centred = x - mean if centre else x
    if _is_rows(x, axes, over):
        return _by_rows(g, needs, centred, rstd, weight, centre, out)
    if shared(axes, over):
        return _by_shared(g, needs, centred, rstd, weight, axes, over, centre, out)
    return _by_elements(g, needs, centred * rstd, rstd, weight, axes, over, centre)


def _by_rows(g, needs, centred, rstd, weight, centre, out):
    """Each row has its mean, and each column its weight, as in LayerNorm."""
    products = g * centred  # not yet divided by σ
    weight = None if weight is None else weight.reshape(-1)
    dx = dw = db = None
    if needs[2]:
        db = add(g, 0)
    if needs[1]:
        dw = add_weighted(products, rstd[:, 0])
    if needs[0]:
        n = 1 / g.shape[1]
        if weight is None:
            dx = np.multiply(g, rstd, out=out)
        else:
            dx = np.dot(rstd, weight[None], out=out)
            dx *= g
        factor = row_sums(products, weight) * rstd * rstd * rstd * -n
        dx += np.multiply(centred, factor, out=products)
        if centre:
            dx -= row_sums(g, weight) * rstd * n
    return dx, dw, db


def _by_shared(g, needs, centred, rstd, weight, axes, over, centre, out):
    """Where mean and weight have axes in common, the sums along these serve all gradients."""
    inner = shared(axes, over)
    scale = rstd if weight is None else rstd * weight.reshape(_kept(g, over))
    sum_g = add(g, inner, True) if needs[2] or (needs[0] and centre) else None
    sum_gx = add_products(g, centred, inner)  # not yet divided by σ
    dx = dw = db = None
    if needs[2]:
        db = _added(sum_g, over, inner)
    if needs[1]:
        dw = _added(sum_gx * rstd, over, inner)
    if needs[0]:
        n = 1 / _count(g, axes)
        outer = tuple([a for a in axes if a not in inner])
        dx = np.multiply(g, scale, out=out)
        factor = add(sum_gx * scale, outer, True) * rstd * rstd * -n
        rest = np.multiply(centred, factor, out=centred if centre else None)
        if centre:
            rest -= add(sum_g * scale, outer, True) * n
        dx += rest
    return dx, dw, db


def _by_elements(g, needs, xhat, rstd, weight, axes, over, centre):
    """Where the weight varies along all axes of the mean."""
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
