"""Sliding windows: convolution and pooling, over any number of spatial dimensions.

A convolution lays each window of the input out as a column and is then one matrix product; its gradients are
two more operations of the same kind, and the three of them are each other's derivatives. Pooling walks over
the offsets inside the window (k² of them, each one slice of the whole input), not over the windows.

Sizes are tuples with one number per spatial dimension; `padding` is one (before, after) pair for each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dlframe.ops.op import op
from dlframe.ops.record import Array, TensorBase

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]

# Columns are made for as many samples at once as fit into this many numbers, so that they stay in cache.
_CHUNK = 1 << 19


def output_sizes(
    size: Sizes, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Sizes:
    """⌊(n + before + after - dilation (k - 1) - 1) / stride⌋ + 1, per spatial dimension."""
    return tuple(
        (n + sum(p) - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def _padded(x: Array, padding: Pairs, value: float = 0) -> Array:
    """`x` with `value` around its spatial dimensions; negative padding crops (np.pad is several times slower)."""
    if not any(a or b for a, b in padding):
        return x
    crop = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape[2:], padding, strict=True)
    )
    x = x[(..., *crop)]
    padding = tuple((max(a, 0), max(b, 0)) for a, b in padding)
    shape = [n + a + b for n, (a, b) in zip(x.shape[2:], padding, strict=True)]
    out = (
        np.full((*x.shape[:2], *shape), value, x.dtype)
        if value
        else np.zeros((*x.shape[:2], *shape), x.dtype)
    )
    out[_inside(x.shape[2:], padding)] = x
    return out


def _inside(size: Sizes, padding: Pairs) -> tuple[Any, ...]:
    return (..., *(slice(a, a + n) for n, (a, _) in zip(size, padding, strict=True)))


def _at_offset(offset: Sizes, out: Sizes, stride: Sizes, dilation: Sizes) -> tuple[Any, ...]:
    """The slice of a padded input that holds, for every window at once, the element at `offset` in it."""
    parts = zip(offset, out, stride, dilation, strict=True)
    return (..., *(slice(o * d, o * d + (n - 1) * s + 1, s) for o, n, s, d in parts))


def _offsets(kernel: Sizes) -> Iterator[Sizes]:
    return product(*(range(k) for k in kernel))


# --- convolution ---------------------------------------------------------------------------------------


def _columns(
    x: Array, kernel: Sizes, stride: Sizes, dilation: Sizes, out: Sizes, groups: int
) -> Array:
    """The windows of a padded input as columns: (groups, C/groups · ∏kernel, N · ∏out)."""
    n, c = x.shape[:2]
    s = x.strides
    shape = (c, *kernel, n, *out)
    inner = tuple(step * d for step, d in zip(s[2:], dilation, strict=True))
    outer = tuple(step * t for step, t in zip(s[2:], stride, strict=True))
    windows = as_strided(x, shape, (s[1], *inner, s[0], *outer), writeable=False)
    return windows.reshape(groups, c // groups * math.prod(kernel), n * math.prod(out))


def _rows(g: Array, groups: int) -> Array:
    """Gradients of outputs with the channels first: (groups, O/groups, N · ∏out)."""
    return np.ascontiguousarray(g.swapaxes(0, 1)).reshape(groups, g.shape[1] // groups, -1)


def _chunks(samples: int, numbers_per_sample: int) -> Iterator[slice]:
    step = max(1, _CHUNK // max(numbers_per_sample, 1))
    return (slice(i, min(i + step, samples)) for i in range(0, samples, step))


@op
def convolution(x, weight, bias=None, *, stride, padding, dilation, groups):
    """y[n, o, i] = b[o] + Σ_{c, k} W[o, c, k] · x[n, c, i · stride + k · dilation - padding]."""
    kernel = weight.shape[2:]
    size = output_sizes(x.shape[2:], kernel, stride, padding, dilation)
    x = _padded(x, padding)
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1)
    out = np.empty((x.shape[0], weight.shape[0], *size), np.result_type(x, weight))
    for part in _chunks(x.shape[0], weight[0].size * groups * math.prod(size)):
        y = matrix @ _columns(x[part], kernel, stride, dilation, size, groups)
        out[part] = y.reshape(weight.shape[0], -1, *size).swapaxes(0, 1)
    if bias is not None:
        out += bias.reshape((-1,) + (1,) * len(size))
    return out


@convolution.vjp("x")
def _(g, weight, shape, *, stride, padding, dilation, groups):
    return convolution_input(
        g, weight, size=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution.vjp("weight")
def _(g, x, shape, *, stride, padding, dilation, groups):
    return convolution_weight(
        x, g, kernel=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution.vjp("bias")
def _(g):
    return g.sum(axis=(0, *range(2, g.ndim)))


@op
def convolution_input(y, weight, *, size, stride, padding, dilation, groups):
    """The adjoint of a convolution in its input (a transposed convolution), linear in y and in weight."""
    kernel, out = weight.shape[2:], y.shape[2:]
    n, c = y.shape[0], weight.shape[1] * groups
    padded = tuple(s + a + b for s, (a, b) in zip(size, padding, strict=True))
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1).swapaxes(1, 2)
    x = np.empty((n, c, *size), np.result_type(y, weight))
    for part in _chunks(n, weight[0].size * groups * math.prod(out)):
        columns = (matrix @ _rows(y[part], groups)).reshape(c, *kernel, -1, *out)
        total = np.zeros((c, columns.shape[len(kernel) + 1], *padded), x.dtype)
        for offset in _offsets(kernel):
            total[_at_offset(offset, out, stride, dilation)] += columns[(slice(None), *offset)]
        x[part] = total[_inside(size, padding)].swapaxes(0, 1)
    return x


@convolution_input.vjp("y")
def _(g, weight, *, stride, padding, dilation, groups):
    return convolution(g, weight, stride=stride, padding=padding, dilation=dilation, groups=groups)


@convolution_input.vjp("weight")
def _(g, y, shape, *, stride, padding, dilation, groups):
    return convolution_weight(
        g, y, kernel=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@op
def convolution_weight(x, y, *, kernel, stride, padding, dilation, groups):
    """The adjoint of a convolution in its weight, linear in x and in y."""
    out = y.shape[2:]
    x = _padded(x, padding)
    rows = y.shape[1] // groups, x.shape[1] // groups * math.prod(kernel)
    total = np.zeros((groups, *rows), np.result_type(x, y))
    for part in _chunks(x.shape[0], x.shape[1] * math.prod(kernel) * math.prod(out)):
        columns = _columns(x[part], kernel, stride, dilation, out, groups)
        total += _rows(y[part], groups) @ columns.swapaxes(1, 2)
    return total.reshape(y.shape[1], x.shape[1] // groups, *kernel)


@convolution_weight.vjp("x")
def _(g, y, shape, *, stride, padding, dilation, groups):
    return convolution_input(
        y, g, size=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@convolution_weight.vjp("y")
def _(g, x, *, stride, padding, dilation, groups):
    return convolution(x, g, stride=stride, padding=padding, dilation=dilation, groups=groups)


# --- pooling -------------------------------------------------------------------------------------------


def pool_padding(
    size: Sizes, windows: Sizes, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> Pairs:
    """The padding at which every window lies inside: with ceil_mode the last one may reach further."""
    reach = (
        (n - 1) * s + d * (k - 1) + 1 - length - before
        for n, s, d, k, length, (before, _) in zip(
            windows, stride, dilation, kernel, size, padding, strict=True
        )
    )
    return tuple((before, max(after, r)) for (before, after), r in zip(padding, reach, strict=True))


def winners(
    x: Array, *, windows: Sizes, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes
) -> tuple[Array, Array]:
    """The maximum of each window, and the number of the offset at which it stands (the first, or a NaN)."""
    padding = pool_padding(x.shape[2:], windows, kernel, stride, padding, dilation)
    padded = _padded(x, padding, -np.inf if x.dtype.kind == "f" else int(np.iinfo(x.dtype).min))
    best = winner = None
    for k, offset in enumerate(_offsets(kernel)):
        values = padded[_at_offset(offset, windows, stride, dilation)]
        if best is None:
            best, winner = (
                values.copy(),
                np.zeros(values.shape, np.min_scalar_type(math.prod(kernel))),
            )
            continue
        better = values > best
        if x.dtype.kind == "f":
            better |= np.isnan(values)
        np.copyto(best, values, where=better)
        winner[better] = k
    return best, winner


@op
def max_pool(x, *, windows, kernel, stride, padding, dilation):
    """The largest element of each window; the gradient goes to the first of equal ones."""
    return winners(x, windows=windows, kernel=kernel, stride=stride, padding=padding, dilation=dilation)[0]


@max_pool.fast_forward
def _(x, *, windows, kernel, stride, padding, dilation):
    return winners(x, windows=windows, kernel=kernel, stride=stride, padding=padding, dilation=dilation)


@max_pool.vjp("x")
def _(g, x, *, windows, kernel, stride, padding, dilation):
    values = x.array if isinstance(x, TensorBase) else x
    options = {
        "windows": windows,
        "kernel": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
    }
    _, winner = winners(values, **options)
    return put_winners(g, winner=winner, size=values.shape[2:], **options)


@max_pool.fast_backward
def _(g, needs, x, residuals, *, windows, kernel, stride, padding, dilation):
    return (
        put_winners(
            g,
            winner=residuals,
            size=x.shape[2:],
            windows=windows,
            kernel=kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
        ),
    )


@op
def put_winners(x, *, winner, size, windows, kernel, stride, padding, dilation):
    """Zeros, to which each value was added at the place its window's `winner` had."""
    padding = pool_padding(size, windows, kernel, stride, padding, dilation)
    padded = tuple(n + a + b for n, (a, b) in zip(size, padding, strict=True))
    total = np.zeros((*x.shape[:2], *padded), x.dtype)
    for k, offset in enumerate(_offsets(kernel)):
        total[_at_offset(offset, windows, stride, dilation)] += x * (winner == k)
    return total[_inside(size, padding)]


@put_winners.vjp("x")
def _(g, *, winner, size, windows, kernel, stride, padding, dilation):
    return take_winners(
        g,
        winner=winner,
        size=size,
        windows=windows,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )


@op
def take_winners(x, *, winner, size, windows, kernel, stride, padding, dilation):
    """For each window the element at the place of its `winner`: the adjoint of put_winners."""
    padded = _padded(x, pool_padding(size, windows, kernel, stride, padding, dilation))
    total = np.zeros(winner.shape, x.dtype)
    for k, offset in enumerate(_offsets(kernel)):
        total += padded[_at_offset(offset, windows, stride, dilation)] * (winner == k)
    return total


@take_winners.vjp("x")
def _(g, *, winner, size, windows, kernel, stride, padding, dilation):
    return put_winners(
        g,
        winner=winner,
        size=size,
        windows=windows,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )


@op
def sum_windows(x, *, windows, kernel, stride, padding):
    """The sum of each window, zeros beyond the edges: average pooling before its division."""
    ones = (1,) * len(kernel)
    padded = _padded(x, pool_padding(x.shape[2:], windows, kernel, stride, padding, ones))
    total = np.zeros((*x.shape[:2], *windows), x.dtype)
    for offset in _offsets(kernel):
        total += padded[_at_offset(offset, windows, stride, ones)]
    return total


@sum_windows.vjp("x")
def _(g, shape, *, windows, kernel, stride, padding):
    return spread_windows(g, size=shape[2:], windows=windows, kernel=kernel, stride=stride, padding=padding)


@op
def spread_windows(x, *, size, windows, kernel, stride, padding):
    """Each value added to all the places of its window: the adjoint of sum_windows."""
    ones = (1,) * len(kernel)
    padding = pool_padding(size, windows, kernel, stride, padding, ones)
    padded = tuple(n + a + b for n, (a, b) in zip(size, padding, strict=True))
    total = np.zeros((*x.shape[:2], *padded), x.dtype)
    for offset in _offsets(kernel):
        total[_at_offset(offset, windows, stride, ones)] += x
    return total[_inside(size, padding)]


@spread_windows.vjp("x")
def _(g, *, size, windows, kernel, stride, padding):
    return sum_windows(g, windows=windows, kernel=kernel, stride=stride, padding=padding)
