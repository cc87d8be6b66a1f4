"""Sliding windows: convolution, over any number of spatial dimensions.

All functions loop over the offsets inside the window (k² of them), not over the windows: the
elements of all windows at one offset are one strided slice of the input (`meetings_of`).
A convolution copies them into columns, along one axis after the other (k copies per axis instead of
k²), and is then a matrix product. Its gradients are two more operations of the same kind, and the
three are each other's derivatives. Pooling
(`dlframe.ops.pooling`) adds the slices, or takes their maximum.

Sizes are tuples with one number per spatial dimension; `padding` has a pair (before, after) each.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

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


class Axis(NamedTuple):
    """The windows along one axis."""

    windows: int
    offsets: list[tuple[slice, slice]]  # for each offset, the windows with an element, and where


Meeting = tuple[Sizes, tuple[Any, ...], tuple[Any, ...]]

# Columns are made for as many samples at once as give at most this many numbers, to fit the cache.
_CHUNK = 1 << 18

# Products of matrices with at most this many multiplications OpenBLAS does without copying them
# into an order of its own first, which takes a third of the time of a product with few rows.
_SMALL = 1_000_000


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
    """y[n, o, i] = b[o] + Σ_{c, k} W[o, c, k] · x[n, c, i · stride + k · dilation - padding].

    With the windows of x as columns, and the kernels as rows, it is one matrix product per sample.
    """
    size = output_sizes(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    before = tuple(a for a, _ in padding)
    return _convolved(x, weight, bias, size, stride, before, dilation, groups)


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
    padding = j. There are two ways: the columns of x from one product, added up, or the columns of
    y copied for others. To add takes twice as long as to copy.
    """
    outputs, channels = weight.shape[0], weight.shape[1] * groups
    before = tuple(a for a, _ in padding)
    copied = outputs * math.prod(size) // math.prod(stride)  # for each element of the kernel
    if 2 * channels * math.prod(y.shape[2:]) < copied:
        return _overlapped(y, weight, bias, size, stride, before, dilation, groups)
    return _interleaved(y, weight, bias, size, stride, before, dilation, groups)


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
        return _depthwise_weight(x, y, kernel, padding, dilation)
    before = tuple(a for a, _ in padding)
    meetings = _meetings(x.shape[2:], kernel, out, stride, before, dilation)
    rows = channels // groups * math.prod(kernel)
    total = np.zeros((groups, rows, outputs // groups), np.result_type(x, y))
    buffers: dict[int, Array] = {}
    for part in _parts(n, groups * rows * places):
        # the sum is over the samples too, so the channels come first in both factors
        columns = _columns(x[part].swapaxes(0, 1), meetings, buffers, first=1)
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


def _convolved(
    x: Array,
    weight: Array,
    bias: Array | None,
    size: Sizes,
    stride: Sizes,
    before: Sizes,
    dilation: Sizes,
    groups: int,
) -> Array:
    """`convolution`, for a result of this size; `before` may be negative."""
    n, outputs, kernel = x.shape[0], weight.shape[0], weight.shape[2:]
    if bias is not None:
        bias = bias.reshape((-1,) + (1,) * len(size))
    if _is_depthwise(x.shape[1], outputs, groups, stride):
        out = _depthwise(x, weight, size, before, dilation)
        return out if bias is None else out + bias
    rows, places = math.prod(weight.shape[1:]), math.prod(size)
    turns = _turns(rows, outputs // groups, kernel, stride)
    meetings = _meetings(x.shape[2:], kernel, size, stride, before, dilation, turns)
    jump = dilation[0] * math.prod(size[1:])
    rows //= turns
    matrices = weight.reshape(groups, outputs // groups, weight.shape[1], turns, -1)
    matrices = np.moveaxis(matrices, 3, 0).reshape(turns, groups, outputs // groups, rows)
    out = np.empty((n, outputs, *size), np.result_type(x, weight))
    y = out.reshape(n, groups, outputs // groups, places)
    buffers: dict[int, Array] = {}
    for part in _parts(n, groups * rows * places):
        columns = _columns(x[part], meetings, buffers)
        _multiply(matrices, columns.reshape(len(columns), groups, rows, -1), jump, y[part])
        if bias is not None:
            out[part] += bias  # while the part is in the cache
    return out


def _turns(rows: int, outputs: int, kernel: Sizes, stride: Sizes) -> int:
    """In how many products a convolution is computed: one, or one per offset along the first axis.

    With stride 1, the windows at one such offset are a shift in memory of those at another. So no
    columns need be copied for this axis, but results be added, which is shorter for few outputs.
    """
    n = kernel[0]
    shorter = 4 * n * outputs < 3 * rows and rows >= 48 * n
    return n if shorter and len(kernel) > 1 and stride[0] == 1 else 1


def _multiply(matrices: Array, columns: Array, jump: int, out: Array) -> None:
    """Σ matrices[t] @ columns[..., t · jump :], in blocks so small that BLAS does not copy them."""
    places = out.shape[-1]
    width = _SMALL // max(matrices[0, 0].size, 1) // 16 * 16
    if width < 32:
        width = max(places, 1)
    first, *others = matrices
    for i in range(0, places, width):
        block = out[..., i : i + width]
        end = i + block.shape[-1]
        np.matmul(first, columns[..., i:end], out=block)
        for turn, matrix in enumerate(others, 1):
            block += matrix @ columns[..., i + turn * jump : end + turn * jump]


def _overlapped(
    y: Array,
    weight: Array,
    bias: Array | None,
    size: Sizes,
    stride: Sizes,
    before: Sizes,
    dilation: Sizes,
    groups: int,
) -> Array:
    """The adjoint, by steps in reverse: columns, then added to the places they came from."""
    outputs, channels, *kernel = weight.shape
    meetings = _meetings(size, tuple(kernel), y.shape[2:], stride, before, dilation)
    matrix = weight.reshape(groups, outputs // groups, -1).swapaxes(1, 2).copy()
    rows, places = matrix.shape[1], math.prod(y.shape[2:])
    x = np.empty((len(y), groups * channels, *size), np.result_type(y, weight))
    for part in _parts(len(y), groups * rows * places, 2 * _CHUNK):
        # samples are last in memory, so that long runs of numbers are added; longer runs are
        # faster, so the chunks are larger here
        g = np.moveaxis(y[part], 0, -1)
        columns = matrix @ g.reshape(groups, outputs // groups, -1)
        columns = columns.reshape(groups * channels, *kernel, *g.shape[1:])
        x[part] = np.moveaxis(_added(columns, size, meetings), -1, 0)
        if bias is not None:
            x[part] += bias.reshape((-1,) + (1,) * len(size))
    return x


def _interleaved(
    y: Array,
    weight: Array,
    bias: Array | None,
    size: Sizes,
    stride: Sizes,
    before: Sizes,
    dilation: Sizes,
    groups: int,
) -> Array:
    """The adjoint, by ordinary convolutions of y.

    The places j with the same remainder after division by the stride meet the same elements k of
    the kernel, and i goes up by one from each of them to the next: they are a convolution of y
    with these elements in reverse.
    """
    outputs, channels, *kernel = weight.shape
    turned = weight.reshape(groups, outputs // groups, channels, *kernel).swapaxes(1, 2)
    turned = turned.reshape(groups * channels, outputs // groups, *kernel)
    x = np.empty((len(y), groups * channels, *size), np.result_type(y, weight))
    axes = [
        [_remainder(n, k, s, d, a, first) for first in range(min(s, n))]
        for n, k, s, d, a in zip(size, kernel, stride, dilation, before, strict=True)
    ]
    ones = (1,) * len(size)
    for parts in product(*axes):
        places, taps, margins, steps = zip(*parts, strict=True)
        sizes = tuple(len(range(n)[s]) for s, n in zip(places, size, strict=True))
        if 0 in turned[..., *taps].shape:  # places that no element meets
            x[..., *places] = 0 if bias is None else bias.reshape(-1, *ones)
            continue
        part = _convolved(y, turned[..., *taps], bias, sizes, ones, margins, steps, groups)
        if sizes == size:
            return part
        x[..., *places] = part
    return x


def _remainder(
    size: int, kernel: int, stride: int, dilation: int, before: int, first: int
) -> tuple[slice, slice, int, int]:
    """What the convolution is that gives the places first, first + stride ...

    Returns:
        These places, the elements of the kernel that meet them in reverse, and the zeros before y
        and the dilation with which they do.
    """
    common = math.gcd(stride, dilation)
    step, places = stride // common, slice(first, size, stride)
    for k in range(min(step, kernel)):
        if (first + before - k * dilation) % stride == 0:
            last = range(k, kernel, step)[-1]
            margin = (last * dilation - before - first) // stride
            return places, slice(last, k - 1 if k else None, -step), margin, dilation // common
    return places, slice(0, 0), 0, 1


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


def _depthwise(x: Array, weight: Array, out: Sizes, before: Sizes, dilation: Sizes) -> Array:
    kernel, inner = weight.shape[2:], list(range(3, 2 + len(out)))
    x, padding = _cut(x, kernel, out, before, dilation)
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


def _cut(
    x: Array, kernel: Sizes, out: Sizes, before: Sizes, dilation: Sizes
) -> tuple[Array, Pairs]:
    """The part of x that the windows reach, and the padding around it."""
    inside: Any = []
    padding = []
    for n, k, count, a, d in zip(x.shape[2:], kernel, out, before, dilation, strict=True):
        end = count + d * (k - 1) - a
        inside.append(slice(max(0, -a), max(0, min(n, end))))
        padding.append((max(0, a), max(0, end - n)))
    return x[..., *inside], tuple(padding)


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


def _meetings(
    size: Sizes,
    kernel: Sizes,
    out: Sizes,
    stride: Sizes,
    before: Sizes,
    dilation: Sizes,
    turns: int = 1,
) -> list[Axis]:
    """For each axis and each offset along it, the windows with an element there, and its places.

    With several turns, the first axis has no windows but only its padding.
    """
    axes = [
        Axis(windows, [_meeting(n, windows, s, i * d - a) for i in range(k)])
        for n, k, windows, s, a, d in zip(size, kernel, out, stride, before, dilation, strict=True)
    ]
    if turns > 1:
        length = out[0] + dilation[0] * (turns - 1)
        axes[0] = Axis(length, [_meeting(size[0], length, 1, -before[0])])
    return axes


def _columns(x: Array, axes: list[Axis], buffers: dict[int, Array], first: int = 2) -> Array:
    """The windows of `x`, with zeros in the padding; the axes from `first` on are the kernel's.

    The windows are made along one axis after the other, the last one first: the copies along the
    others are of long runs of numbers. `buffers` has the results of the call before, in which the
    zeros are at the right places already.
    """
    # along an axis without windows first, when there are few numbers
    for axis in sorted(range(len(axes)), key=lambda i: (len(axes[i].offsets) > 1, -i)):
        inner: Any = (slice(None),) * (len(axes) - 1 - axis)
        at = x.ndim - len(inner) - 1
        windows, offsets = axes[axis]
        if len(offsets) == 1 and offsets[0][0] == slice(0, windows):
            # a kernel of one element, which takes no padding
            x = np.expand_dims(x[..., offsets[0][1], *inner], first)
            continue
        shape = (*x.shape[:first], len(offsets), *x.shape[first:at], windows, *x.shape[at + 1 :])
        buffer = buffers.get(axis)
        if buffer is None or buffer.shape != shape:
            buffer = buffers[axis] = np.zeros(shape, x.dtype)
        by_offset = np.moveaxis(buffer, first, 0)
        for target, (there, inside) in zip(by_offset, offsets, strict=True):
            target[..., there, *inner] = x[..., inside, *inner]
        x = buffer
    return x


def _added(columns: Array, size: Sizes, axes: list[Axis]) -> Array:
    """The adjoint of `_columns`: each number is added to the place that it was copied from.

    From (C, *kernel, *windows, N) to (C, *size, N).
    """
    for axis, (_, offsets) in enumerate(axes):
        inner: Any = (slice(None),) * (len(size) - axis)
        at = columns.ndim - len(inner) - 1
        shape = (len(columns), *columns.shape[2:at], size[axis], *columns.shape[at + 1 :])
        total = np.zeros(shape, columns.dtype)
        by_offset = columns.swapaxes(0, 1)
        for source, (windows, inside) in zip(by_offset, offsets, strict=True):
            total[..., inside, *inner] += source[..., windows, *inner]
        columns = total
    return columns


def kernel_first(columns: Array, count: int, first: int) -> Array:
    """A view in which the offset in the window is the first index."""
    axes = range(columns.ndim)
    return columns.transpose(*axes[first : first + count], *axes[:first], *axes[first + count :])
