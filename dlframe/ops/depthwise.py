"""Convolutions with one kernel per channel, by shifts of whole images."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dlframe.ops.convolving import parts_of
from dlframe.ops.fourier import convolved_by_fft, gathered_by_fft
from dlframe.ops.offsets import Pairs, Sizes
from dlframe.ops.record import Array


def fits(channels: int, outputs: int, groups: int, stride: Sizes) -> bool:
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


def convolved(x: Array, weight: Array, out: Sizes, padding: Pairs, dilation: Sizes) -> Array:
    kernel, inner = weight.shape[2:], list(range(3, 2 + len(out)))
    y = np.empty((*x.shape[:2], *out), np.result_type(x, weight))
    if convolved_by_fft(x, weight, None, y, (1,) * len(out), padding, dilation, x.shape[1]):
        return y
    inside: Any = (..., *(slice(n) for n in out))
    for part in parts_of(slice(0, len(x)), math.prod(x.shape[1:])):
        total = _gaps(x[part], out, padding, x.shape[2:])
        row = total.reshape(*total.shape[:2], -1)
        for k, shift in enumerate(_shifts(x[part], kernel, out, padding, dilation)):
            row[..., : shift.shape[-1]] += np.einsum(
                shift, [0, 1, *inner, 2], weight[:, 0, ..., k], [1, *inner], [0, 1, 2]
            )
        y[part] = total[inside]
    return y


def weight_gradient(x: Array, y: Array, kernel: Sizes, padding: Pairs, dilation: Sizes) -> Array:
    out = y.shape[2:]
    inner = list(range(3, 2 + len(out)))
    inside: Any = (..., *(slice(n) for n in out))
    found = gathered_by_fft(x, y, kernel, (1,) * len(out), padding, dilation, x.shape[1])
    if found is not None:
        return found
    weight = np.zeros((x.shape[1], 1, *kernel), np.result_type(x, y))
    for part in parts_of(slice(0, len(x)), math.prod(x.shape[1:])):
        g = _gaps(y[part], out, padding, x.shape[2:])
        g[inside] = y[part]
        row = g.reshape(*g.shape[:2], -1)
        for k, shift in enumerate(_shifts(x[part], kernel, out, padding, dilation)):
            weight[:, 0, ..., k] += np.einsum(
                shift, [0, 1, *inner, 2], row[..., : shift.shape[-1]], [0, 1, 2], [1, *inner]
            )
    return weight
