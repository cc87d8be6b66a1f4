"""Pooling: one number for each window, over any number of spatial dimensions.

Windows at even places are gone through offset by offset, as in `dlframe.ops.offsets`. Sizes are
tuples with one number per spatial dimension; `padding` has a pair (before, after) each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.indexing import put_at
from dlframe.ops.offsets import Pairs, Sizes, meetings_of
from dlframe.ops.op import op, plain
from dlframe.ops.record import Array, unwrapped

__all__ = [
    "max_pool",
    "max_within",
    "spread_windows",
    "sum_windows",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


# --- maxima of even windows --------------------------------------------------------------------


@op(latex=r"\max_k x_{s i + k}")
def max_pool(x, *, windows, kernel, stride, padding, dilation):
    """The largest element of each window; the gradient goes to the first of equal ones."""
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    best = np.full((*x.shape[:2], *windows), lowest, x.dtype)
    for _, window, inside in meetings_of(x.shape[2:], windows, kernel, stride, padding, dilation):
        np.maximum(best[window], x[inside], out=best[window])
    return best


@max_pool.vjp("x", latex=r"\sum_{s i + k = j} g_i [x_j = z_i]")
def _(g, x, *, windows, kernel, stride, padding, dilation):
    x = unwrapped(x)
    options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    places = _winners(x, max_pool(x, windows=windows, **options), **options)
    return put_at(g, index=places, size=(x.size,)).reshape(x.shape)


@max_pool.fast_forward
def _(x, *, windows, **options):
    # where the maxima are is kept, and not what they are: the result may be overwritten
    best = max_pool(x, windows=windows, **options)
    return best, (x.shape, _offsets_of(x, best, **options))


@max_pool.fast_backward
def _(g, needs, residuals, *, kernel, stride, padding, dilation):
    shape, number = residuals
    places = _places(shape, number, kernel, stride, padding, dilation)
    dx = np.zeros(math.prod(shape), g.dtype)
    np.add.at(dx, places.reshape(-1), g.reshape(-1))
    return (dx.reshape(shape),)


def _winners(
    x: Array, best: Array, *, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Array:
    """The places in the flattened `x` of the maxima `best`: the first of equals, the last NaN."""
    number = _offsets_of(x, best, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    return _places(x.shape, number, kernel, stride, padding, dilation)


def _winners_in_planes(x: Array, best: Array, **options: Any) -> Any:
    """The same in each flattened plane."""
    places = _winners(x, best, **options)
    return places % math.prod(x.shape[2:])


winners = plain(_winners_in_planes, name="winners", latex=r"\mathrm{argmax}_k x_{s i + k}")


def _offsets_of(
    x: Array, best: Array, *, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Array:
    """The number of the offset, in each window, at which its maximum is."""
    windows = best.shape[2:]
    meetings = meetings_of(x.shape[2:], windows, kernel, stride, padding, dilation)
    # count for each window the offsets before the first maximum
    number = np.zeros(best.shape, np.min_scalar_type(len(meetings)))
    searching = np.ones(best.shape, np.bool)
    for _, window, inside in meetings:
        searching[window] &= x[inside] != best[window]
        number += searching
    if searching.any():  # NaN differs from itself
        for k, (_, window, inside) in enumerate(meetings):
            number[window][searching[window] & np.isnan(x[inside])] = k
    return number


def _places(
    shape: Sizes, number: Array, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Array:
    # place = start of the image + start of the window in it + offset in the window
    starts, shifts = np.arange(math.prod(shape[:2])).reshape(shape[:2]), np.zeros((), np.int64)
    for axis, (n, k, s, (before, _), d) in enumerate(
        zip(number.shape[2:], kernel, stride, padding, dilation, strict=True), 2
    ):
        starts = np.add.outer(starts * shape[axis], np.arange(n) * s - before)
        shifts = np.add.outer(shifts * shape[axis], np.arange(k) * d)
    starts += shifts.reshape(-1)[number]
    return starts


# --- maxima of uneven windows ------------------------------------------------------------------


@op(latex=r"\max_k x_{p_{ik}}")
def max_within(x, *, ranges):
    """The largest element of each window; the windows may differ in size and overlap at will.

    `ranges` has an array for each spatial dimension, of shape (windows, k): the places along it
    that each window covers, in order. A shorter window names its last place several times. With
    shape (N, C, windows, k) each plane has windows of its own.
    """
    return _max_within(x, ranges=ranges)[0]


@max_within.vjp("x", latex=r"\sum_i g_i [x_j = z_i]")
def _(g, x, *, ranges):
    return _put(g, places_within(unwrapped(x), ranges), x.shape)


@max_within.fast_forward
def _max_within(x, *, ranges):
    best, places = _maxima_within(x, ranges)
    return best, (x.shape, places)


@max_within.fast_backward
def _(g, needs, residuals):
    shape, places = residuals
    return (_put(g, places, shape),)


def _put(g: Any, places: Array, shape: Sizes) -> Any:
    planes, size = math.prod(shape[:2]), math.prod(shape[2:])
    flat = places.reshape(planes, math.prod(places.shape[2:])) + np.arange(planes)[:, None] * size
    index = flat.reshape(g.shape)
    return put_at(g, index=index, size=(planes * size,)).reshape(shape)


def places_within(x: Array, ranges: tuple[Array, ...]) -> Array:
    """The places of the maxima in each flattened plane: the first of equals, the last NaN."""
    return _maxima_within(x, ranges)[1]


def _maxima_within(x: Array, ranges: tuple[Array, ...]) -> tuple[Array, Array]:
    """The maxima, and their places in each flattened plane.

    The maximum of a box is the largest of its rows' maxima: one axis is done after another, the
    last one first. That axis becomes the first one, so that whole rows are taken and compared.
    """
    planes, width = math.prod(x.shape[:2]), 1
    best: Any = x.reshape(planes, *x.shape[2:])
    places: Any = None
    for windows in reversed(ranges):
        best = np.ascontiguousarray(np.moveaxis(best, -1, 1))
        n, rest = best.shape[1], best.shape[2:]
        first = np.arange(planes).reshape(-1, 1, 1) * n  # the first row of each plane
        rows = first + windows.reshape(math.prod(windows.shape[:-2]), *windows.shape[-2:])
        best, row = _largest_rows(best.reshape(planes * n, math.prod(rest)), rows)
        place = row - first
        if places is not None:
            before = np.ascontiguousarray(np.moveaxis(places, -1, 1))
            place *= width
            place += np.take(before, row * best.shape[2] + np.arange(best.shape[2]))
        best, places = (v.reshape(planes, windows.shape[-2], *rest) for v in (best, place))
        width *= n
    shape = (*x.shape[:2], *best.shape[1:])
    return best.reshape(shape), places.reshape(shape)


def _largest_rows(x: Array, rows: Array) -> tuple[Array, Array]:
    """The maxima of the rows of `x` that each window names, and the row of each maximum."""
    *_, k = rows.shape
    best = x[rows[..., 0]]
    number = np.zeros(best.shape, np.min_scalar_type(k))
    nan = bool(np.isnan(x).any())
    for j in range(1, k):
        other = x[rows[..., j]]
        later = other > best
        if nan:
            later |= np.isnan(other)
        np.maximum(best, other, out=best)
        np.maximum(number, later * number.dtype.type(j), out=number)
    start = np.arange(rows.size // k).reshape(*rows.shape[:2], 1) * k
    return best, np.take(rows, start + number)


# --- sums of even windows ----------------------------------------------------------------------


@op(latex=r"\sum_k x_{s i + k}")
def sum_windows(x, *, windows, kernel, stride, padding):
    """The sum of each window, with zeros outside the edges: average pooling before its division."""
    total = np.zeros((*x.shape[:2], *windows), x.dtype)
    for _, window, inside in meetings_of(
        x.shape[2:], windows, kernel, stride, padding, _undilated(kernel)
    ):
        total[window] += x[inside]
    return total


@sum_windows.vjp("x", latex=r"\sum_{s i + k = j} g_i")
def _(g, shape, *, windows, kernel, stride, padding):
    return spread_windows(
        g, size=shape[2:], windows=windows, kernel=kernel, stride=stride, padding=padding
    )


@op(latex=r"\sum_{s i + k = j} x_i")
def spread_windows(x, *, size, windows, kernel, stride, padding):
    """Add each value to all places of its window; the adjoint of sum_windows."""
    total = np.zeros((*x.shape[:2], *size), x.dtype)
    for _, window, inside in meetings_of(
        size, windows, kernel, stride, padding, _undilated(kernel)
    ):
        total[inside] += x[window]
    return total


@spread_windows.vjp("x", latex=r"\sum_k g_{s i + k}")
def _(g, *, size, windows, kernel, stride, padding):
    return sum_windows(g, windows=windows, kernel=kernel, stride=stride, padding=padding)


def _undilated(kernel: Sizes) -> Sizes:
    return (1,) * len(kernel)
