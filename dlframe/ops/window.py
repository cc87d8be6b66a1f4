"""Sliding windows: convolution, over any number of spatial dimensions.

All functions loop over the offsets inside the window (k² of them), not over the windows: the
elements of all windows at one offset are one strided slice of the input (`meetings_of`).
A convolution copies these slices into columns and is then one matrix product. Its gradients are two
more operations of the same kind, and the three are each other's derivatives. Pooling
(`dlframe.ops.pooling`) adds the slices, or takes their maximum.

Sizes are tuples with one number per spatial dimension; `padding` has a pair (before, after) each.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.reduction import sum

__all__ = [
    "convolution",
    "convolution_input",
    "convolution_weight",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
Meeting = tuple[Sizes, tuple[Any, ...], tuple[Any, ...]]

# Columns are made for as many samples at once as give at most this many numbers, to fit the cache.
_CHUNK = 1 << 18
_TILE = 1_000_000  # multiplications
_RUN = 24  # numbers next to each other that are copied about as fast as others are added


def output_sizes(
    size: Sizes, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Sizes:
    """⌊(n + before + after - dilation (k - 1) - 1) / stride⌋ + 1, per spatial dimension."""
    return tuple(
        (n + p[0] + p[1] - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def meetings_of(
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
    """y[n, o, i] = b[o] + Σ_{c, k} W[o, c, k] · x[n, c, i · stride + k · dilation - padding]."""
    size = output_sizes(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    if _is_depthwise(x.shape[1], len(weight), groups, stride):
        out = _depthwise(x, weight, size, padding, dilation)
        return out if bias is None else out + bias.reshape((-1,) + (1,) * len(size))
    return _convolved(x, weight, bias, size, stride, padding, dilation, groups)


def _convolved(
    x: Array,
    weight: Array,
    bias: Array | None,
    size: Sizes,
    stride: Sizes,
    padding: Pairs,
    dilation: Sizes,
    groups: int,
) -> Array:
    """A convolution: the kernels as rows times the windows of x as columns, for each sample."""
    n, outputs, kernel = x.shape[0], weight.shape[0], weight.shape[2:]
    meetings = meetings_of(x.shape[2:], size, kernel, stride, padding, dilation)
    matrix = weight.reshape(groups, outputs // groups, -1)
    rows, places = matrix.shape[2], math.prod(size)
    out = np.empty((n, outputs, *size), np.result_type(x, weight))
    y = out.reshape(n, groups, outputs // groups, places)
    columns = None
    for part in _parts(n, groups * rows * places):
        columns = _columns(x[part], kernel, size, meetings, columns)
        _product(matrix, columns.reshape(len(columns), groups, rows, places), y[part])
        if bias is not None:
            out[part] += bias.reshape((-1,) + (1,) * len(size))  # while the part is in the cache
    return out


def _product(matrix: Array, columns: Array, out: Array) -> None:
    """`matrix @ columns`, written into `out`: in tiles of columns that suit a BLAS.

    For products of up to a million multiplications OpenBLAS has kernels that copy nothing. With few
    rows they are twice as fast as those for large ones.
    """
    count, tile = columns.shape[-1], _TILE // max(1, matrix.shape[-1] * matrix.shape[-2])
    tile = next((t for t in (256, 128, 64) if t <= tile and count % t == 0), count)
    if tile < count:
        columns, out = (
            x.reshape(*x.shape[:-1], count // tile, tile).swapaxes(-2, -3) for x in (columns, out)
        )
        matrix = matrix[..., None, :, :]
    np.matmul(matrix, columns, out=out)


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


@op(latex=r"\sum_{s i + k = j} W_k y_i + b")
def convolution_input(y, weight, bias=None, *, size, stride, padding, dilation, groups):
    """The adjoint of a convolution in its input: a transposed convolution, linear in y and weight.

    x[n, c, j] = b[c] + Σ W[o, c, k] · y[n, o, i] over all o, i, k with i · stride + k · dilation -
    padding = j. With stride 1 it is a convolution of y with the turned kernels. Otherwise the
    transposed matrix gives columns, whose elements are added to the places they came from.
    """
    n, outputs, kernel, out = y.shape[0], y.shape[1], weight.shape[2:], y.shape[2:]
    channels, places = weight.shape[1] * groups, math.prod(out)
    reach = tuple(d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
    margins = tuple(
        (r - a, n - k + a) for r, (a, _), n, k in zip(reach, padding, size, out, strict=True)
    )
    turns = set(stride) == {1} and min(map(min, margins)) >= 0
    if turns and np.isfinite(weight).all():  # times the zeros in the padding they would be nan
        turned = weight[(..., *(slice(None, None, -1),) * len(kernel))]
        if _is_depthwise(channels, outputs, groups, stride):
            x = _depthwise(y, turned, size, margins, dilation)
            return x if bias is None else x + bias.reshape((-1,) + (1,) * len(size))
        if channels * out[-1] >= _RUN * outputs:
            split = turned.reshape(groups, outputs // groups, channels // groups, *kernel)
            turned = split.swapaxes(1, 2).reshape(channels, outputs // groups, *kernel)
            return _convolved(y, turned, bias, size, stride, margins, dilation, groups)
    meetings = meetings_of(size, out, kernel, stride, padding, dilation)
    matrix = weight.reshape(groups, outputs // groups, -1).swapaxes(1, 2)
    x = np.empty((n, channels, *size), np.result_type(y, weight))
    for part in _parts(n, groups * matrix.shape[1] * places, 4 * _CHUNK):
        # samples are last in memory, so that long runs of numbers are added; longer runs are
        # faster, so the chunks are larger here
        samples = len(y[part])
        g = np.moveaxis(y[part], 0, -1).reshape(groups, outputs // groups, places * samples)
        columns = np.moveaxis((matrix @ g).reshape(channels, *kernel, *out, samples), -1, 0)
        total = np.moveaxis(np.zeros((channels, *size, samples), x.dtype), -1, 0)
        at = kernel_first(columns, len(kernel), 2)
        for offset, windows, inside in meetings:
            total[inside] += at[offset][windows]
        x[part] = total
        if bias is not None:
            x[part] += bias.reshape((-1,) + (1,) * len(size))
    return x


@convolution_input.vjp("y", latex=r"\sum_k W_k g_{s i + k}")
def _(g, weight, shape, *, stride, padding, dilation, groups):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _first(convolution(g, weight, **options), shape)


@convolution_input.vjp("weight", latex=r"\sum_i y_i g_{s i + k}")
def _(g, y, shape, *, stride, padding, dilation, groups):
    return convolution_weight(
        g, y, kernel=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution_input.vjp("bias", latex=r"\sum_j g_j")
def _(g):
    return sum(g, axis=(0, *range(2, g.ndim)))


@op(latex=r"\sum_i y_i x_{s i + k}")
def convolution_weight(x, y, *, kernel, stride, padding, dilation, groups):
    """The adjoint of a convolution in its weight, linear in x and in y."""
    n, outputs, out = y.shape[0], y.shape[1], y.shape[2:]
    channels, places = x.shape[1], math.prod(out)
    if _is_depthwise(channels, outputs, groups, stride):
        weight = _depthwise_weight(x, y, kernel, padding, dilation)
        if np.isfinite(weight).all():  # infinity times the zeros between two rows is nan
            return weight
    meetings = meetings_of(x.shape[2:], out, kernel, stride, padding, dilation)
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
def _(g, x, shape, *, stride, padding, dilation, groups):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _first(convolution(x, g, **options), shape)


def _first(windows, shape):
    """The windows that `shape` counts: a large output padding has room for more."""
    if windows.shape == shape:
        return windows
    return windows[(..., *(slice(n) for n in shape[2:]))]


# --- depthwise: one kernel per channel ---------------------------------------------------------


def _is_depthwise(channels: int, outputs: int, groups: int, stride: Sizes) -> bool:
    return 1 < groups == channels == outputs and set(stride) == {1}


def _shifts(x: Array, kernel: Sizes, out: Sizes, padding: Pairs, dilation: Sizes) -> list[Array]:
    """For each last offset of the kernel, views (N, C, *other offsets, places) of the padded x.

    With stride 1 a whole padded image is one row, and an offset a shift of it: long runs of
    numbers, at the cost of some places between the rows of the output that mean nothing.
    """
    # in order in memory: np.pad alone keeps an input's order by columns
    padded = np.ascontiguousarray(np.pad(x, ((0, 0), (0, 0), *padding)))
    steps = padded.strides[2:]
    length = builtins.sum((n - 1) * s for n, s in zip(out, steps, strict=True)) // x.itemsize + 1
    jumps = [d * s for d, s in zip(dilation, steps, strict=True)]
    shape = (*x.shape[:2], *kernel[:-1], length)
    strides = (*padded.strides[:2], *jumps[:-1], x.itemsize)
    return [
        as_strided(padded[..., k * dilation[-1] :], shape, strides, writeable=False)
        for k in range(kernel[-1])
    ]


def _gaps(like: Array, out: Sizes, padding: Pairs, size: Sizes) -> Array:
    """Zeros (N, C, *sizes), in which the output is the first part of each dimension but one."""
    padded = [n + a + b for n, (a, b) in zip(size, padding, strict=True)]
    return np.zeros((*like.shape[:2], out[0], *padded[1:]), like.dtype)


def _depthwise(x: Array, weight: Array, out: Sizes, padding: Pairs, dilation: Sizes) -> Array:
    kernel, inner = weight.shape[2:], list(range(3, 2 + len(out)))
    y = np.empty((*x.shape[:2], *out), np.result_type(x, weight))
    inside: Any = (..., *(slice(n) for n in out))
    for part in _parts(len(x), math.prod(x.shape[1:])):
        total = _gaps(x[part], out, padding, x.shape[2:])
        row = total.reshape(*total.shape[:2], -1)
        for k, shift in enumerate(_shifts(x[part], kernel, out, padding, dilation)):
            row[..., : shift.shape[-1]] += np.einsum(
                shift, [0, 1, *inner, 2], weight[:, 0, ..., k], [1, *inner], [0, 1, 2]
            )
        y[part] = total[inside]
    return y


def _depthwise_weight(x: Array, y: Array, kernel: Sizes, padding: Pairs, dilation: Sizes) -> Array:
    out = y.shape[2:]
    inner = list(range(3, 2 + len(out)))
    inside: Any = (..., *(slice(n) for n in out))
    weight = np.zeros((x.shape[1], 1, *kernel), np.result_type(x, y))
    for part in _parts(len(x), math.prod(x.shape[1:])):
        g = _gaps(y[part], out, padding, x.shape[2:])
        g[inside] = y[part]
        row = g.reshape(*g.shape[:2], -1)
        for k, shift in enumerate(_shifts(x[part], kernel, out, padding, dilation)):
            weight[:, 0, ..., k] += np.einsum(
                shift, [0, 1, *inner, 2], row[..., : shift.shape[-1]], [0, 1, 2], [1, *inner]
            )
    return weight


# --- columns -----------------------------------------------------------------------------------


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
    at = kernel_first(buffer, len(kernel), first)
    for offset, windows, inside in meetings:
        at[offset][windows] = x[inside]
    return buffer


def kernel_first(columns: Array, count: int, first: int) -> Array:
    """A view in which the offset in the window is the first index."""
    axes = range(columns.ndim)
    return columns.transpose(*axes[first : first + count], *axes[:first], *axes[first + count :])
