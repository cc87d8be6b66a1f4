"""Normalization: of rows, as in LayerNorm, and of planes, as in BatchNorm and its relatives.

A row has a mean of its own, and each of its columns a weight. A plane is the part of an array, such
as one channel of one image, in which mean and weight are constant; the mean may go over several
planes. The loops give sums for each plane, and what goes over planes is computed by NumPy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dlframe.kernels import Kernel
from dlframe.ops import normalization as plain
from dlframe.ops.sums import add

from dlframe_numba.compiling import loop
from dlframe_numba.mathematics import F
from dlframe_numba.sharing import in_parts, in_slices

__all__ = ["moments", "normalize"]

_CHUNK = 32  # rows whose gradients of the weight are added one by one
_LONG = 1 << 16  # numbers in a row or plane, at most, that are added as they are
_SMALL = 16  # numbers in a plane, at least, for which a loop over planes pays

# --- rows --------------------------------------------------------------------------------------


@in_slices("weight", "bias")
def _rows(out, mean, rstd, x, weight, bias, eps, centre):
    rows, n = x.shape
    for i in range(rows):
        total = F(0)
        if centre:
            for j in range(n):
                total += x[i, j]
        mu = total / F(n)
        squares = F(0)
        for j in range(n):
            squares += (x[i, j] - mu) * (x[i, j] - mu)
        r = F(1) / np.sqrt(squares / F(n) + eps)
        mean[i], rstd[i] = mu, r
        for j in range(n):
            out[i, j] = (x[i, j] - mu) * r * weight[j] + bias[j]


@loop
def _some_rows_slope(dx, dw, db, g, x, mean, rstd, weight, centre):
    """dw and db have a row for each chunk."""
    rows, n = x.shape
    for i in range(rows):
        chunk = i // _CHUNK
        mu, r = mean[i], rstd[i]
        sum_h = F(0)
        sum_hx = F(0)
        for j in range(n):
            h = g[i, j] * weight[j]
            xhat = (x[i, j] - mu) * r
            sum_h += h
            sum_hx += h * xhat
            dw[chunk, j] += g[i, j] * xhat
            db[chunk, j] += g[i, j]
        sum_h = sum_h / F(n) if centre else F(0)
        sum_hx /= F(n)
        for j in range(n):
            xhat = (x[i, j] - mu) * r
            dx[i, j] = (g[i, j] * weight[j] - sum_h - xhat * sum_hx) * r


@in_parts
def _rows_slope(first, last, number, dx, dw, db, g, x, mean, rstd, weight, centre):
    """Chunks of rows from `first` to `last`."""
    a, b = first * _CHUNK, min(len(x), last * _CHUNK)
    w, v = dw[first:last], db[first:last]
    _some_rows_slope(dx[a:b], w, v, g[a:b], x[a:b], mean[a:b], rstd[a:b], weight, centre)


def _normalize_rows(
    x: Any, weight: Any, bias: Any, axes: Any, over: Any, eps: float, centre: bool
) -> Any:
    blocks = plain._blocks(x, axes, over)
    if blocks is None or len(blocks.shape) != 2 or blocks.axes != (1,) or blocks.over != (0,):
        return NotImplemented
    n = blocks.shape[1]
    if n > _LONG:
        return NotImplemented
    wide, out = x.reshape(blocks.shape), np.empty(x.shape, np.float32)
    wide_out = out.reshape(blocks.shape)
    mean, rstd = np.empty((2, len(wide)), np.float32)
    w, b = _filled(weight, n, 1), _filled(bias, n, 0)
    _rows(len(wide), 2 * n, wide_out, mean, rstd, wide, w, b, np.float32(eps), centre)
    parts = [[mean[part, None] if centre else 0.0, rstd[part, None]] for part in blocks.parts]
    return out, (blocks, parts)


def _rows_back(
    g: Any, needs: Any, x: Any, weight: Any, blocks: Any, parts: Any, centre: bool
) -> Any:
    rows, n = blocks.shape
    if n > _LONG or (weight is None and needs[1]):
        return NotImplemented
    wide, wide_g = x.reshape(blocks.shape), g.reshape(blocks.shape)
    dx = np.empty(x.shape, np.float32)
    wide_dx = dx.reshape(blocks.shape)
    rstd = np.concatenate([each[1] for each in parts]).reshape(-1)
    mean = np.concatenate([each[0] for each in parts]).reshape(-1) if centre else 0 * rstd
    w = _filled(weight, n, 1)
    dw, db = np.zeros((2, -(-rows // _CHUNK), n), np.float32)
    _rows_slope(len(dw), 4 * n * _CHUNK, wide_dx, dw, db, wide_g, wide, mean, rstd, w, centre)
    shape = () if weight is None else weight.shape
    return (
        dx if needs[0] else None,
        add(dw, 0).reshape(shape) if needs[1] else None,
        add(db, 0).reshape(shape or x.shape[-1:]) if needs[2] else None,
    )


def _filled(x: Any, n: int, value: float) -> Any:
    """A weight or a bias as a row, which may be written to."""
    if x is None:
        return np.full(n, value, np.float32)
    return np.array(x, np.float32).reshape(-1)


# --- planes ------------------------------------------------------------------------------------


@in_slices()
def _plane_moments(mean, squares, x):
    planes, n = x.shape
    for i in range(planes):
        total = F(0)
        for j in range(n):
            total += x[i, j]
        mu = total / F(n)
        found = F(0)
        for j in range(n):
            found += (x[i, j] - mu) * (x[i, j] - mu)
        mean[i], squares[i] = mu, found


@in_slices()
def _plane_lines(out, x, mean, scale, shift):
    planes, n = x.shape
    for i in range(planes):
        for j in range(n):
            out[i, j] = (x[i, j] - mean[i]) * scale[i] + shift[i]


@in_slices()
def _plane_products(sum_g, sum_gx, g, x, mean):
    planes, n = x.shape
    for i in range(planes):
        total = F(0)
        product = F(0)
        for j in range(n):
            total += g[i, j]
            product += g[i, j] * (x[i, j] - mean[i])
        sum_g[i], sum_gx[i] = total, product


@in_slices()
def _plane_slopes(dx, g, x, mean, scale, factor, shift):
    planes, n = x.shape
    for i in range(planes):
        for j in range(n):
            dx[i, j] = g[i, j] * scale[i] + (x[i, j] - mean[i]) * factor[i] + shift[i]


class _Planes:
    """How an array falls into planes: along which of its axes, and along which the mean goes."""

    def __init__(self, shape: Any, axes: Any, over: Any) -> None:
        self.shape = shape
        k = len(shape)
        while k and k - 1 in axes and k - 1 in over:
            k -= 1
        self.lead, self.size = shape[:k], math.prod(shape[k:])
        self.axes = tuple([a for a in axes if a < k])  # along which the mean goes over planes
        self.tail = (1,) * (len(shape) - k)
        self.kept = tuple([1 if i in over else n for i, n in enumerate(self.lead)])
        self.count = math.prod([shape[a] for a in axes])
        self.fit = _SMALL <= self.size <= _LONG and math.prod(shape) > 0

    def matrix(self, x: Any) -> Any:
        """A row for each plane."""
        return x.reshape(-1, self.size)

    def each(self, x: Any) -> Any:
        """A number of `x`, which broadcasts to the planes, for each of them."""
        return np.array(np.broadcast_to(x, self.lead), np.float32).reshape(-1)

    def moments(self, x: Any) -> tuple[Any, Any]:
        """Mean and mean square of the difference from it, along the axes of the planes."""
        planes = self.matrix(x)
        mean, squares = np.empty((2, len(planes)), np.float32)
        _plane_moments(len(planes), self.size, mean, squares, planes)
        own = mean.reshape(self.lead).astype(np.float64)
        total = squares.reshape(self.lead).astype(np.float64)
        if not self.axes:
            return own, total / self.size
        n = self.count / self.size
        common = own.sum(axis=self.axes, keepdims=True) / n
        apart = own - common
        spread = (total + self.size * apart * apart).sum(axis=self.axes, keepdims=True)
        return common, spread / self.count

    def outer(self, x: Any) -> Any:
        """As many axes as the array has."""
        return x.astype(np.float32).reshape(*x.shape, *self.tail)


def _moments(x: Any, axes: Any, centre: bool = True, out: Any = None) -> Any:
    if not centre or out is not None or not _is_known(x):
        return NotImplemented
    planes = _Planes(x.shape, axes, axes)
    if not planes.fit:
        return NotImplemented
    mean, var = planes.moments(x)
    return planes.outer(mean), planes.outer(var), None


def _normalize_planes(
    x: Any, weight: Any, bias: Any, axes: Any, over: Any, eps: float, stats: Any
) -> Any:
    planes = _Planes(x.shape, axes, over)
    if not planes.fit:
        return NotImplemented
    if stats is None:
        mean, var = planes.moments(x)
        mean, var = planes.outer(mean), planes.outer(var)
    else:
        mean, var, _ = stats
        if mean.dtype != np.float32:
            return NotImplemented
    rstd = 1 / np.sqrt(var + eps)
    lead = len(planes.lead)
    own_mean, scale = mean.reshape(mean.shape[:lead]), rstd.reshape(mean.shape[:lead])
    if weight is not None:
        scale = scale * weight.reshape(planes.kept)
    shift = 0.0 if bias is None else bias.reshape(planes.kept)
    out = np.empty(x.shape, np.float32)
    arrays = planes.matrix(out), planes.matrix(x), *map(planes.each, (own_mean, scale, shift))
    _plane_lines(len(arrays[0]), planes.size, *arrays)
    blocks = plain._blocks(x, axes, over) if stats is None else None
    if blocks is None:
        return out, (None, [[mean, rstd]])
    shape = [1 if i in blocks.axes else n for i, n in enumerate(blocks.shape)]
    mean, rstd = mean.reshape(shape), rstd.reshape(shape)
    return out, (blocks, [[mean[part], rstd[part]] for part in blocks.parts])


def _planes_back(
    g: Any, needs: Any, x: Any, weight: Any, residuals: Any, axes: Any, over: Any
) -> Any:
    planes = _Planes(x.shape, axes, over)
    if not planes.fit:
        return NotImplemented
    _, parts = residuals
    lead = len(planes.lead)
    shape = tuple([1 if i in axes else n for i, n in enumerate(planes.lead)])
    mean, rstd = (
        np.concatenate([each[k].reshape(-1) for each in parts]).reshape(shape) for k in (0, 1)
    )
    wide_x, wide_g, own_mean = planes.matrix(x), planes.matrix(g), planes.each(mean)
    sums = np.empty((2, len(wide_x)), np.float32)
    _plane_products(len(wide_x), planes.size, *sums, wide_g, wide_x, own_mean)
    sum_g, sum_gx = sums.reshape(2, *planes.lead).astype(np.float64)
    # first along the axes in which the weight is constant, as in the plain gradients
    inner = tuple([a for a in planes.axes if a in over])
    sum_g, sum_gx = (x.sum(axis=inner, keepdims=True) for x in (sum_g, sum_gx))
    outer = tuple([a for a in over if a < lead])
    left = [n for i, n in enumerate(planes.lead) if i not in over]
    dx = dw = db = None
    if needs[2]:
        db = sum_g.sum(axis=outer).reshape(left).astype(np.float32)
    if needs[1]:
        dw = (sum_gx * rstd).sum(axis=outer).reshape(left).astype(np.float32)
    if needs[0]:
        scale = rstd if weight is None else rstd * weight.reshape(planes.kept)
        factor = (sum_gx * scale).sum(axis=planes.axes, keepdims=True) * rstd * rstd
        shift = (sum_g * scale).sum(axis=planes.axes, keepdims=True)
        dx = np.empty(x.shape, np.float32)
        given = (scale, factor / -planes.count, shift / -planes.count)
        arrays = planes.matrix(dx), wide_g, wide_x, own_mean, *map(planes.each, given)
        _plane_slopes(len(wide_x), planes.size, *arrays)
    return dx, dw, db


# --- the operation -----------------------------------------------------------------------------


def _is_known(*arrays: Any) -> bool:
    return all(
        x is None or (x.dtype == np.float32 and x.flags.c_contiguous and x.flags.writeable)
        for x in arrays
    )


def _fast_forward(
    x: Any,
    weight: Any = None,
    bias: Any = None,
    *,
    axes: Any,
    over: Any,
    eps: float,
    centre: bool = True,
    stats: Any = None,
) -> Any:
    if not _is_known(x) or not x.size:
        return NotImplemented
    if any(p is not None and p.dtype != np.float32 for p in (weight, bias)):
        return NotImplemented
    if stats is None:
        found = _normalize_rows(x, weight, bias, axes, over, eps, centre)
        if found is not NotImplemented:
            return found
    return _normalize_planes(x, weight, bias, axes, over, eps, stats) if centre else NotImplemented


def _forward(x: Any, weight: Any = None, bias: Any = None, **options: Any) -> Any:
    found = _fast_forward(x, weight, bias, **options)
    return found if found is NotImplemented else found[0]


def _fast_backward(
    g: Any,
    needs: Any,
    x: Any,
    weight: Any,
    residuals: Any,
    *,
    axes: Any,
    over: Any,
    centre: bool,
) -> Any:
    if not (needs[0] or needs[1]) or x is None or not _is_known(x, g):
        return NotImplemented
    if weight is not None and weight.dtype != np.float32:
        return NotImplemented
    blocks, parts = residuals
    if blocks is not None and blocks.axes == (1,) and blocks.over == (0,):
        return _rows_back(g, needs, x, weight, blocks, parts, centre)
    if not centre:
        return NotImplemented
    return _planes_back(g, needs, x, weight, residuals, axes, over)


normalize = Kernel(forward=_forward, fast_forward=_fast_forward, fast_backward=_fast_backward)
moments = Kernel(forward=_moments)
