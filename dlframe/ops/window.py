"""Sliding windows: convolution and pooling, over any number of spatial dimensions.

All functions loop over the offsets inside the window (k² of them), not over the windows: for one
offset, the elements of all windows at that offset are one strided slice of the input (`_meetings`).
A convolution copies these slices into columns and is then one matrix product. Its gradients are two
more operations of the same kind, and the three are each other's derivatives. Pooling adds the
slices, or takes their maximum.

Sizes are tuples with one number per spatial dimension; `padding` has a pair (before, after) each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from dlframe.ops.indexing import put_at
from dlframe.ops.op import op
from dlframe.ops.record import Array, unwrapped
from dlframe.ops.reduction import sum

__all__ = [
    "convolution",
    "convolution_input",
    "convolution_weight",
    "max_pool",
    "spread_windows",
    "sum_windows",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
Meeting = tuple[Sizes, tuple[Any, ...], tuple[Any, ...]]

# Columns are made for as many samples at once as give at most this many numbers, to fit the cache.
_CHUNK = 1 << 18


def output_sizes(
    size: Sizes, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Sizes:
    """⌊(n + before + after - dilation (k - 1) - 1) / stride⌋ + 1, per spatial dimension."""
    return tuple(
        (n + p[0] + p[1] - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def _meetings(
    size: Sizes, windows: Sizes, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> list[Meeting]:
    """For each offset in the window, the windows with an element of the input there, and which one.

    Returns:
        Triples (offset, index into the windows, index into the input). The rest is padding.
    """
    axes = []
    for n, count, k, s, (before, _), d in zip(
        size, windows, kernel, stride, padding, dilation, strict=True
    ):
        axes.append([(i, *_meeting(n, count, s, i * d - before)) for i in range(k)])
    return [
        (tuple(p[0] for p in parts), (..., *(p[1] for p in parts)), (..., *(p[2] for p in parts)))
        for parts in product(*axes)
    ]


def _meeting(n: int, windows: int, stride: int, offset: int) -> tuple[slice, slice]:
    """The windows i for which i · stride + offset is in 0 … n - 1, and these places."""
    first = max(0, -(offset // stride))
    end = min(windows, (n - 1 - offset) // stride + 1)
    if end <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, end), slice(
        first * stride + offset, (end - 1) * stride + offset + 1, stride
    )


# --- convolution -------------------------------------------------------------------------------


@op(latex=r"\sum_k W_k x_{s i + k} + b")
def convolution(x, weight, bias=None, *, stride, padding, dilation, groups):
    """y[n, o, i] = b[o] + Σ_{c, k} W[o, c, k] · x[n, c, i · stride + k · dilation - padding].

    With the windows of x as columns, and the kernels as rows, it is one matrix product per sample.
    """
    n, outputs, kernel = x.shape[0], weight.shape[0], weight.shape[2:]
    size = output_sizes(x.shape[2:], kernel, stride, padding, dilation)
    meetings = _meetings(x.shape[2:], size, kernel, stride, padding, dilation)
    matrix = weight.reshape(groups, outputs // groups, -1)
    rows, places = matrix.shape[2], math.prod(size)
    out = np.empty((n, outputs, *size), np.result_type(x, weight))
    y = out.reshape(n, groups, outputs // groups, places)
    columns = None
    for part in _parts(n, groups * rows * places):
        columns = _columns(x[part], kernel, size, meetings, columns)
        np.matmul(matrix, columns.reshape(-1, groups, rows, places), out=y[part])
        if bias is not None:
            out[part] += bias.reshape((-1,) + (1,) * len(size))  # while the part is in the cache
    return out


@convolution.vjp("x", latex=r"\sum_{s i + k = j} W_k g_i")
def _(g, weight, shape, *, stride, padding, dilation, groups):
    return convolution_input(
        g, weight, size=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution.vjp("weight", latex=r"\sum_i g_i x_{s i + k}")
def _(g, x, shape, *, stride, padding, dilation, groups):
    return convolution_weight(
        x, g, kernel=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution.vjp("bias", latex=r"\sum_i g_i")
def _(g):
    return sum(g, axis=(0, *range(2, g.ndim)))


@op(latex=r"\sum_{s i + k = j} W_k y_i")
def convolution_input(y, weight, *, size, stride, padding, dilation, groups):
    """The adjoint of a convolution in its input: a transposed convolution, linear in y and weight.

    The transposed matrix gives columns, whose elements are added to the places they came from.
    """
    n, outputs, kernel, out = y.shape[0], y.shape[1], weight.shape[2:], y.shape[2:]
    channels, places = weight.shape[1] * groups, math.prod(out)
    meetings = _meetings(size, out, kernel, stride, padding, dilation)
    matrix = weight.reshape(groups, outputs // groups, -1).swapaxes(1, 2)
    x = np.empty((n, channels, *size), np.result_type(y, weight))
    for part in _parts(n, groups * matrix.shape[1] * places, 4 * _CHUNK):
        # samples are last in memory, so that long runs of numbers are added; longer runs are
        # faster, so the chunks are larger here
        samples = len(y[part])
        g = np.moveaxis(y[part], 0, -1).reshape(groups, outputs // groups, places * samples)
        columns = np.moveaxis((matrix @ g).reshape(channels, *kernel, *out, samples), -1, 0)
        total = np.moveaxis(np.zeros((channels, *size, samples), x.dtype), -1, 0)
        at = _kernel_first(columns, len(kernel), 2)
        for offset, windows, inside in meetings:
            total[inside] += at[offset][windows]
        x[part] = total
    return x


@convolution_input.vjp("y", latex=r"\sum_k W_k g_{s i + k}")
def _(g, weight, *, stride, padding, dilation, groups):
    return convolution(g, weight, stride=stride, padding=padding, dilation=dilation, groups=groups)


@convolution_input.vjp("weight", latex=r"\sum_i y_i g_{s i + k}")
def _(g, y, shape, *, stride, padding, dilation, groups):
    return convolution_weight(
        g, y, kernel=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@op(latex=r"\sum_i y_i x_{s i + k}")
def convolution_weight(x, y, *, kernel, stride, padding, dilation, groups):
    """The adjoint of a convolution in its weight, linear in x and in y."""
    n, outputs, out = y.shape[0], y.shape[1], y.shape[2:]
    channels, places = x.shape[1], math.prod(out)
    meetings = _meetings(x.shape[2:], out, kernel, stride, padding, dilation)
    rows = channels // groups * math.prod(kernel)
    total = np.zeros((groups, rows, outputs // groups), np.result_type(x, y))
    columns = None
    for part in _parts(n, groups * rows * places):
        # the sum is over the samples too, so the channels come first in both factors
        columns = _columns(x[part].swapaxes(0, 1), kernel, out, meetings, columns, first=1)
        g = y[part].swapaxes(0, 1).reshape(groups, outputs // groups, -1)
        total += columns.reshape(groups, rows, g.shape[2]) @ g.swapaxes(1, 2)
    return total.swapaxes(1, 2).reshape(outputs, channels // groups, *kernel)


@convolution_weight.vjp("x", latex=r"\sum_{s i + k = j} g_k y_i")
def _(g, y, shape, *, stride, padding, dilation, groups):
    return convolution_input(
        y, g, size=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution_weight.vjp("y", latex=r"\sum_k g_k x_{s i + k}")
def _(g, x, *, stride, padding, dilation, groups):
    return convolution(x, g, stride=stride, padding=padding, dilation=dilation, groups=groups)


def _parts(samples: int, numbers_per_sample: int, chunk: int = _CHUNK) -> Iterator[slice]:
    step = max(1, chunk // max(numbers_per_sample, 1))
    return (slice(i, i + step) for i in range(0, samples, step))


def _columns(
    x: Array,
    kernel: Sizes,
    out: Sizes,
    meetings: list[Meeting],
    buffer: Array | None,
    first: int = 2,
) -> Array:
    """The windows of `x`, with zeros in the padding; the axes from `first` on are the kernel's.

    `buffer` is the result of the call before, which has its zeros at the right places already.
    """
    if len(meetings) == 1 and x.shape[2:] == out and x[meetings[0][2]].shape == x.shape:
        return x  # a kernel of one element, which takes each element once
    shape = (*x.shape[:first], *kernel, *x.shape[first:2], *out)
    if buffer is None or buffer.shape != shape:
        buffer = np.zeros(shape, x.dtype)
    at = _kernel_first(buffer, len(kernel), first)
    for offset, windows, inside in meetings:
        at[offset][windows] = x[inside]
    return buffer


def _kernel_first(columns: Array, count: int, first: int) -> Array:
    """A view in which the offset in the window is the first index."""
    axes = range(columns.ndim)
    return columns.transpose(*axes[first : first + count], *axes[:first], *axes[first + count :])


# --- pooling -----------------------------------------------------------------------------------


@op(latex=r"\max_k x_{s i + k}")
def max_pool(x, *, windows, kernel, stride, padding, dilation):
    """The largest element of each window; the gradient goes to the first of equal ones."""
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    best = np.full((*x.shape[:2], *windows), lowest, x.dtype)
    for _, window, inside in _meetings(x.shape[2:], windows, kernel, stride, padding, dilation):
        np.maximum(best[window], x[inside], out=best[window])
    return best


@max_pool.vjp("x", latex=r"\sum_{s i + k = j} g_i [x_j = z_i]")
def _(g, x, *, windows, kernel, stride, padding, dilation):
    x = unwrapped(x)
    options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    places = winners(x, max_pool(x, windows=windows, **options), **options)
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


def winners(
    x: Array, best: Array, *, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Array:
    """The places in the flattened `x` of the maxima `best`: the first of equals, the last NaN."""
    number = _offsets_of(x, best, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    return _places(x.shape, number, kernel, stride, padding, dilation)


def _offsets_of(
    x: Array, best: Array, *, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Array:
    """The number of the offset, in each window, at which its maximum is."""
    windows = best.shape[2:]
    meetings = _meetings(x.shape[2:], windows, kernel, stride, padding, dilation)
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


@op(latex=r"\sum_k x_{s i + k}")
def sum_windows(x, *, windows, kernel, stride, padding):
    """The sum of each window, with zeros outside the edges: average pooling before its division."""
    total = np.zeros((*x.shape[:2], *windows), x.dtype)
    for _, window, inside in _meetings(
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
    for _, window, inside in _meetings(size, windows, kernel, stride, padding, _undilated(kernel)):
        total[inside] += x[window]
    return total


@spread_windows.vjp("x", latex=r"\sum_k g_{s i + k}")
def _(g, *, size, windows, kernel, stride, padding):
    return sum_windows(g, windows=windows, kernel=kernel, stride=stride, padding=padding)


def _undilated(kernel: Sizes) -> Sizes:
    return (1,) * len(kernel)
