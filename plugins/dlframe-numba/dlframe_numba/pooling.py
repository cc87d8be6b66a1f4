"""Maxima and sums of even windows, plane by plane, and their gradients.

Maxima are those of a vector of neighbouring windows, in registers, offset after offset. Sums are
added in the order of dlframe itself, to the last bit.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
from dlframe.kernels import Kernel

from dlframe_numba.building import lanes_of
from dlframe_numba.comparing import (
    constant,
    contest,
    load_bytes,
    load_even,
    load_run,
    load_steps,
    save_bytes,
    save_pairs,
    save_run,
    where_equal,
)
from dlframe_numba.compiling import loop, part
from dlframe_numba.sharing import in_parts
from dlframe_numba.vectors import add

__all__ = ["max_pool", "spread_windows", "sum_windows"]

Array = np.ndarray[Any, np.dtype[Any]]

# --- loops -------------------------------------------------------------------------------------


@loop
def _ends(windows, stride, offset, n):
    """The windows i for which i · stride + offset is in 0 … n - 1: first, and after the last."""
    begin = max(0, -(offset // stride))
    return begin, max(begin, min(windows, (n - 1 - offset) // stride + 1))


@part
def _some(x, at, step, begin, end):
    if step == 1:
        value = load_run(x, at, begin, end)
    elif step == 2:
        value = load_even(x, at, begin, end)
    else:
        value = load_steps(x, at, step, begin, end)
    return value


@in_parts
def _maxima(first, last, number, x, shape, out, numbers, windows, offsets, stride, lanes):
    """Planes from `first` to `last`; `offsets` has the three places of each offset of a window."""
    depth, height, width = shape
    rows, columns, step = windows[0] * windows[1], windows[2], stride[2]
    lowest, none = constant(x, -np.inf), constant(x, len(offsets))
    for plane in range(first, last):
        for row in range(rows):
            d, h = row // windows[1] * stride[0], row % windows[1] * stride[1]
            to = (plane * rows + row) * columns
            for j0 in range(0, columns, lanes):
                best, which = lowest, none
                for k in range(len(offsets)):
                    i, j = d + offsets[k, 0], h + offsets[k, 1]
                    if 0 <= i < depth and 0 <= j < height:
                        shift = offsets[k, 2] + j0 * step
                        begin, end = _ends(min(lanes, columns - j0), step, shift, width)
                        at = ((plane * depth + i) * height + j) * width + shift
                        value = _some(x, at, step, begin, end)
                        number = constant(x, k)
                        best, which = contest(best, which, value, number, begin, end, none)
                save_run(best, out, to + j0, columns - j0)
                if len(numbers):
                    save_bytes(which, numbers, to + j0, columns - j0)


@in_parts
def _to_maxima(first, last, number, g, numbers, windows, offsets, kernel, stride, dx, shape, lanes):
    """dx = g at the place of each maximum."""
    depth, height, width = shape
    size, rows, columns = depth * height * width, windows[0] * windows[1], windows[2]
    zero = constant(g, 0.0)
    # windows of two columns side by side: what two columns get lies side by side, too
    pairs = kernel[2] == stride[2] == 2 and offsets[0, 2] == 0 and offsets[-1, 2] == 1
    pairs = pairs and 2 * columns <= width
    # and rows that no two windows have
    pairs = pairs and offsets[-1, 0] - offsets[0, 0] < stride[0]
    pairs = pairs and offsets[-1, 1] - offsets[0, 1] < stride[1]
    for plane in range(first, last):
        base = plane * size
        for i in range(0, size, lanes):
            save_run(zero, dx, base + i, size - i)
        for row in range(rows):
            d, h = row // windows[1] * stride[0], row % windows[1] * stride[1]
            at = (plane * rows + row) * columns
            if pairs:
                for k in range(0, len(offsets), 2):
                    i, j = d + offsets[k, 0], h + offsets[k, 1]
                    if 0 <= i < depth and 0 <= j < height:
                        to = base + (i * height + j) * width
                        left, right = constant(g, k), constant(g, k + 1)
                        for j0 in range(0, columns, lanes):
                            value = load_run(g, at + j0, 0, columns - j0)
                            which = load_bytes(g, numbers, at + j0, columns - j0)
                            a, b = where_equal(value, which, left), where_equal(value, which, right)
                            save_pairs(a, b, dx, to + 2 * j0, columns - j0)
                continue
            start = base + (d * height + h) * width
            for j in range(columns):
                k = numbers[at + j]
                if k < len(offsets):
                    shift = (offsets[k, 0] * height + offsets[k, 1]) * width + offsets[k, 2]
                    dx[start + shift + j * stride[2]] += g[at + j]


@in_parts
def _sums(first, last, number, x, shape, out, windows, offsets, stride, lanes):
    depth, height, width = shape
    rows, columns, step = windows[0] * windows[1], windows[2], stride[2]
    zero = constant(x, 0.0)
    for plane in range(first, last):
        for row in range(rows):
            d, h = row // windows[1] * stride[0], row % windows[1] * stride[1]
            to = (plane * rows + row) * columns
            for j0 in range(0, columns, lanes):
                total = zero
                for k in range(len(offsets)):
                    i, j = d + offsets[k, 0], h + offsets[k, 1]
                    if 0 <= i < depth and 0 <= j < height:
                        shift = offsets[k, 2] + j0 * step
                        begin, end = _ends(min(lanes, columns - j0), step, shift, width)
                        at = ((plane * depth + i) * height + j) * width + shift
                        total = add(total, _some(x, at, step, begin, end))
                save_run(total, out, to + j0, columns - j0)


@in_parts
def _pairs(first, last, number, y, windows, out, shape, kernel, lanes):
    """Windows of two columns side by side, and rows and planes that do not meet, either."""
    depth, height, width = shape
    size, rows, columns = depth * height * width, windows[0] * windows[1], windows[2]
    zero = constant(y, 0.0)
    for plane in range(first, last):
        base = plane * size
        for i in range(0, size, lanes):
            save_run(zero, out, base + i, size - i)
        for row in range(rows):
            at = (plane * rows + row) * columns
            for d in range(kernel[0]):
                for h in range(kernel[1]):
                    i = row // windows[1] * kernel[0] + d
                    j = row % windows[1] * kernel[1] + h
                    to = base + (i * height + j) * width
                    for j0 in range(0, columns, lanes):
                        value = load_run(y, at + j0, 0, columns - j0)
                        save_pairs(value, value, out, to + 2 * j0, columns - j0)


# --- operations --------------------------------------------------------------------------------


def _three(values: Any, missing: int) -> Array:
    return np.array((missing,) * (3 - len(values)) + tuple(values), np.int64)


def _offsets(kernel: Any, padding: Any, dilation: Any) -> Array:
    """By offset in the window: its three places relative to those of the window's number."""
    ranges = [
        [i * d - a for i in range(k)]
        for k, (a, _), d in zip(kernel, padding, dilation, strict=True)
    ]
    return np.array(list(product(*([[0]] * (3 - len(kernel))), *ranges)), np.int64)


def _known(x: Array, kernel: Any) -> bool:
    # the numbers of offsets are kept in bytes
    return x.dtype.char in "fd" and len(kernel) <= 3 and math.prod(kernel) < 256 and x.size > 0


def _plain(x: Array) -> Array:
    """`x` in order, as one row; writable, since numba compiles everything twice otherwise."""
    x = np.ascontiguousarray(x).reshape(-1)
    return x if x.flags.writeable else x.copy()


def _pooled(
    x: Array, windows: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, keep: bool
) -> tuple[Array, Array]:
    """The maxima, and (if they are kept) the numbers of the offsets at which they are."""
    offsets, count = _offsets(kernel, padding, dilation), math.prod(x.shape[:2])
    best = np.empty((*x.shape[:2], *windows), x.dtype)
    number = np.empty(best.shape if keep else 0, np.min_scalar_type(len(offsets)))
    shape, windows, stride = _three(x.shape[2:], 1), _three(windows, 1), _three(stride, 1)
    arrays = _plain(x), shape, best.reshape(-1), number.reshape(-1), windows, offsets, stride

    lanes = lanes_of(x.dtype)
    work = best.size // count * len(offsets) / 4
    _maxima(count, work, *arrays, lanes)
    return best, number


def _max_pool(
    x: Any, *, windows: Any, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> Any:
    if not _known(x, kernel) or min(windows) < 1:
        return NotImplemented
    return _pooled(x, windows, kernel, stride, padding, dilation, keep=False)[0]


def _max_pool_kept(
    x: Any, *, windows: Any, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> Any:
    if not _known(x, kernel) or min(windows) < 1:
        return NotImplemented
    best, number = _pooled(x, windows, kernel, stride, padding, dilation, keep=True)
    return best, (x.shape, number)


def _max_pool_gradient(
    g: Any, needs: Any, residuals: Any, *, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> Any:
    shape, number = residuals
    if not _known(g, kernel):
        return NotImplemented
    dx, offsets = np.empty(shape, g.dtype), _offsets(kernel, padding, dilation)
    arrays = (
        _plain(g), _plain(number), _three(number.shape[2:], 1), offsets, _three(kernel, 1),
        _three(stride, 1), dx.reshape(-1), _three(shape[2:], 1),
    )  # fmt: skip
    count = math.prod(shape[:2])
    lanes = lanes_of(g.dtype)
    _to_maxima(count, dx.size / count / 4, *arrays, lanes)
    return (dx,)


max_pool = Kernel(forward=_max_pool, fast_forward=_max_pool_kept, fast_backward=_max_pool_gradient)


def _sum_windows(x: Any, *, windows: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    if not _known(x, kernel) or min(windows) < 1:
        return NotImplemented
    out = np.empty((*x.shape[:2], *windows), x.dtype)
    offsets, count = _offsets(kernel, padding, (1,) * len(kernel)), math.prod(x.shape[:2])
    arrays = (
        _plain(x), _three(x.shape[2:], 1), out.reshape(-1), _three(windows, 1), offsets,
        _three(stride, 1),
    )  # fmt: skip
    lanes, work = lanes_of(x.dtype), out.size // count * len(offsets) / 4
    _sums(count, work, *arrays, lanes)
    return out


sum_windows = Kernel(forward=_sum_windows)


def _spread_windows(
    x: Any, *, size: Any, windows: Any, kernel: Any, stride: Any, padding: Any
) -> Any:
    meet = tuple(kernel) != tuple(stride) or kernel[-1] != 2 or any(map(any, padding))
    inside = all(n * k <= m for n, k, m in zip(windows, kernel, size, strict=True))
    if meet or not inside or not _known(x, kernel):
        return NotImplemented
    out, count = np.empty((*x.shape[:2], *size), x.dtype), math.prod(x.shape[:2])
    arrays = (
        _plain(x), _three(windows, 1), out.reshape(-1), _three(size, 1), _three(kernel, 1)
    )  # fmt: skip
    lanes = lanes_of(x.dtype)
    _pairs(count, out.size / count / 4, *arrays, lanes)
    return out


spread_windows = Kernel(forward=_spread_windows)
