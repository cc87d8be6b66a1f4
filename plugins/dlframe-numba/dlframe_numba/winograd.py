"""Convolutions with 3 x 3 kernels by Winograd's F(2 x 2, 3 x 3), with 16 multiplications for 36.

Of 4 x 4 elements d of a channel come 2 x 2 elements of the result; the next four elements begin two
rows or columns later [1]::

    y = Aᵀ (Σ_c (G w_c Gᵀ) · (Bᵀ d_c B)) A

with products element by element, so over all places and channels they are 16 products of
matrices. Gradients of the weight follow by transposing the formula::

    dw = Gᵀ (Σ (A g Aᵀ) · (Bᵀ d B)) G

Sums are taken in another order than by definition, and an element that is very large beside its
neighbours costs them digits. Infinite ones become nan: the callers look for that.

[1] Lavin, Gray: Fast Algorithms for Convolutional Neural Networks, CVPR 2016, eq. 8 to 10.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from dlframe_numba.building import aligned, lanes_of
from dlframe_numba.channels import channels_first, channels_last
from dlframe_numba.compiling import loop, part
from dlframe_numba.sharing import shared
from dlframe_numba.tiles import add_tile, numbers, outer, save_tile, spread, zeros
from dlframe_numba.vectors import add, doubt, load, save, subtract

__all__ = ["convolved", "weight_gradient"]

Array = np.ndarray[Any, np.dtype[Any]]
Pair = tuple[int, int]

MANY = 48  # pieces of 2 x 2 that are computed together, so that their 16 matrices stay in the cache
ROWS = 8  # of a tile: places of numbers that fit into a processor's registers for addresses

_G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
_GG = np.kron(_G, _G)  # of w as a column of nine numbers it gives G w Gᵀ as one of sixteen

# --- the three small transforms ----------------------------------------------------------------


@part
def _by_b(values):
    """Bᵀ times four vectors."""
    a, b, c, d = values
    return subtract(a, c), add(b, c), subtract(c, b), subtract(b, d)


@part
def _by_a(values):
    """Aᵀ times four vectors."""
    a, b, c, d = values
    return add(add(a, b), c), subtract(subtract(b, c), d)


@part
def _to_a(a, b):
    """A (a, b)."""
    return a, add(a, b), subtract(a, b), subtract(subtract(b, b), b)


@part
def _load4(x, at, step):
    return load(x, at), load(x, at + step), load(x, at + 2 * step), load(x, at + 3 * step)


@part
def _save4(values, out, at, step):
    save(values[0], out, at)
    save(values[1], out, at + step)
    save(values[2], out, at + 2 * step)
    save(values[3], out, at + 3 * step)


@loop
def _windows(x, places, first, count, row, deep, u, lanes):
    """u[e, p] = Bᵀ d B, of the 4 x 4 pixels d at places[first + p]."""
    step = MANY * deep
    for p in range(count):
        for c in range(0, deep, lanes):
            at, to = places[first + p] + c, p * deep + c
            a = _by_b(_load4(x, at, row))
            b = _by_b(_load4(x, at + deep, row))
            c_ = _by_b(_load4(x, at + 2 * deep, row))
            d = _by_b(_load4(x, at + 3 * deep, row))
            _save4(_by_b((a[0], b[0], c_[0], d[0])), u, to, step)
            _save4(_by_b((a[1], b[1], c_[1], d[1])), u, to + 4 * step, step)
            _save4(_by_b((a[2], b[2], c_[2], d[2])), u, to + 8 * step, step)
            _save4(_by_b((a[3], b[3], c_[3], d[3])), u, to + 12 * step, step)


@loop
def _gradients(g, places, first, count, row, deep, u, lanes):
    """u[e, p] = A g Aᵀ, of the 2 x 2 pixels g at places[first + p]."""
    step = MANY * deep
    for p in range(count):
        for c in range(0, deep, lanes):
            at, to = places[first + p] + c, p * deep + c
            a = _to_a(load(g, at), load(g, at + row))
            b = _to_a(load(g, at + deep), load(g, at + deep + row))
            _save4(_to_a(a[0], b[0]), u, to, step)
            _save4(_to_a(a[1], b[1]), u, to + 4 * step, step)
            _save4(_to_a(a[2], b[2]), u, to + 8 * step, step)
            _save4(_to_a(a[3], b[3]), u, to + 12 * step, step)


@loop
def _results(m, places, first, count, row, deep, bias, y, fault, lanes):
    """The 2 x 2 pixels of y at places[first + p] = Aᵀ m[:, p] A + bias."""
    step = MANY * deep
    faults = load(fault, 0)
    for p in range(count):
        for c in range(0, deep, lanes):
            at, to = p * deep + c, places[first + p] + c
            a = _by_a(_load4(m, at, 4 * step))
            b = _by_a(_load4(m, at + step, 4 * step))
            c_ = _by_a(_load4(m, at + 2 * step, 4 * step))
            d = _by_a(_load4(m, at + 3 * step, 4 * step))
            y00, y01 = _by_a((a[0], b[0], c_[0], d[0]))
            y10, y11 = _by_a((a[1], b[1], c_[1], d[1]))
            each = load(bias, c)
            save(add(y00, each), y, to)
            save(add(y01, each), y, to + deep)
            save(add(y10, each), y, to + row)
            save(add(y11, each), y, to + row + deep)
            faults = doubt(faults, add(add(y00, y01), add(y10, y11)))
    save(faults, fault, 0)


# --- products ----------------------------------------------------------------------------------


@cache
def _convolver(columns: int) -> Any:
    count_of = ROWS * columns

    @loop
    def convolve(
        x, channels, height, width, top, left, w, bias, out, outputs, out_height, out_width,
        begin, end, block, high, wide, places, deep_y, places_y, starts, pixels, u, m, y, fault,
        lanes,
    ):  # fmt: skip
        """The samples from `begin` to `end`, of which `block` are in `pixels` together."""
        deep, tiles = len(pixels) // (block * high * wide), len(places) // block
        for n in range(begin, end, block):
            count = min(block, end - n)
            for k in range(count):
                channels_last(
                    x, (n + k) * channels * height * width, height, width, channels,
                    pixels[k * high * wide * deep :], top, left, high, wide, deep, lanes,
                )  # fmt: skip
            for t in range(0, count * tiles, MANY):
                some = min(MANY, count * tiles - t)
                _windows(pixels, places, t, some, wide * deep, deep, u, lanes)
                # m[e, p, o] = Σ_c u[e, p, c] · w[e, c, o]
                for e in range(16):
                    for p in range(0, MANY, ROWS):
                        rows = numbers(starts, p, ROWS)
                        for o in range(0, deep_y, columns * lanes):
                            tile, at = zeros(u, count_of), e * channels * deep_y + o
                            for c in range(e * MANY * deep, e * MANY * deep + channels):
                                tile = spread(tile, u, rows, c, w, at)
                                at += deep_y
                            save_tile(tile, m, (e * MANY + p) * deep_y + o, deep_y, columns)
                row = (wide - 2) * deep_y
                _results(m, places_y, t, some, row, deep_y, bias, y, fault, lanes)
            for k in range(count):
                channels_first(
                    y[k * (high - 2) * (wide - 2) * deep_y :], wide - 2, deep_y, outputs,
                    out_height, out_width, out, (n + k) * outputs * out_height * out_width, lanes,
                )  # fmt: skip

    return convolve


@cache
def _weigher(columns: int) -> Any:
    count_of = ROWS * columns

    @loop
    def weigh(
        x, channels, height, width, top, left, g, outputs, out_height, out_width,
        begin, end, block, high, wide, places, deep_y, places_y, pixels, u, v, y, total, lanes,
    ):  # fmt: skip
        deep, tiles = len(pixels) // (block * high * wide), len(places) // block
        for n in range(begin, end, block):
            count = min(block, end - n)
            for k in range(count):
                channels_last(
                    x, (n + k) * channels * height * width, height, width, channels,
                    pixels[k * high * wide * deep :], top, left, high, wide, deep, lanes,
                )  # fmt: skip
                channels_last(
                    g, (n + k) * outputs * out_height * out_width, out_height, out_width, outputs,
                    y[k * (high - 2) * (wide - 2) * deep_y :], 0, 0, high - 2, wide - 2, deep_y,
                    lanes,
                )  # fmt: skip
            for t in range(0, count * tiles, MANY):
                some = min(MANY, count * tiles - t)
                _windows(pixels, places, t, some, wide * deep, deep, u, lanes)
                _gradients(y, places_y, t, some, (wide - 2) * deep_y, deep_y, v, lanes)
                # total[e, c, o] += Σ_p u[e, p, c] · v[e, p, o]
                for e in range(16):
                    for c in range(0, deep, ROWS):
                        for o in range(0, deep_y, columns * lanes):
                            tile = zeros(u, count_of)
                            iu, iv = e * MANY * deep + c, e * MANY * deep_y + o
                            for _ in range(some):
                                tile = outer(tile, u, iu, v, iv, ROWS)
                                iu += deep
                                iv += deep_y
                            add_tile(tile, total, (e * deep + c) * deep_y + o, deep_y, columns)

    return weigh


# --- both --------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    columns: int  # vectors of outputs in a tile
    deep: int  # the channels of pixels of the input in memory
    deep_y: int
    high: int  # the size of the input that is read
    wide: int
    block: int  # samples at a time: small images have too few pieces
    places: Array  # of the pieces among the pixels
    places_y: Array
    starts: Array


@lru_cache(256)
def _plan(size: Pair, channels: int, outputs: int, samples: int, lanes: int) -> _Plan:
    columns = 1 if outputs <= lanes else 2
    deep, deep_y = _up(channels, max(lanes, ROWS)), _up(outputs, columns * lanes)
    half = tuple(-(-n // 2) for n in size)
    block = min(samples, max(1, 2 * MANY // math.prod(half)))
    high, wide = (2 * n + 2 for n in half)
    n, i, j = np.ix_(*(range(count) for count in (block, *half)))
    places = ((n * high + 2 * i) * wide + 2 * j) * deep
    places_y = ((n * (high - 2) + 2 * i) * (wide - 2) + 2 * j) * deep_y
    starts = np.arange(MANY) * deep
    return _Plan(columns, deep, deep_y, high, wide, block, places.ravel(), places_y.ravel(), starts)


def _up(n: int, step: int) -> int:
    return -(-n // step) * step


def _room(plan: _Plan, dtype: Any) -> tuple[Array, Array, Array, Array]:
    """Pixels and pieces of the input, then pieces and pixels of the output."""
    sizes = (
        plan.block * plan.high * plan.wide * plan.deep,
        16 * MANY * plan.deep,
        16 * MANY * plan.deep_y,
        plan.block * (plan.high - 2) * (plan.wide - 2) * plan.deep_y,
    )
    pixels, u, v, y = (aligned(size, dtype) for size in sizes)
    return pixels, u, v, y


def convolved(x: Array, weight: Array, bias: Array | None, size: Pair, start: Pair) -> Any:
    """The convolution of (N, C, H, W) with (O, C, 3, 3), or None if anything became nan.

    Args:
        size: height and width of the result.
        start: how many zeros are before the first row and column of `x`.
    """
    (samples, channels, *shape), outputs = x.shape, len(weight)
    lanes = lanes_of(x.dtype)
    plan = _plan(size, channels, outputs, samples, lanes)
    w = np.zeros((16, channels, plan.deep_y), x.dtype)
    turned = _GG.astype(x.dtype) @ weight.reshape(-1, 9).T
    w[..., :outputs] = turned.reshape(16, outputs, channels).swapaxes(1, 2)
    added = np.zeros(plan.deep_y, x.dtype)
    if bias is not None:
        added[:outputs] = bias
    out = np.empty((samples, outputs, *size), x.dtype)
    convolve, faults = _convolver(plan.columns), []

    def task(begin: int, end: int) -> None:
        pixels, u, m, y = _room(plan, x.dtype)
        fault = aligned(lanes, x.dtype)
        faults.append(fault)
        convolve(
            x.reshape(-1), channels, *shape, *start, w.reshape(-1), added, out.reshape(-1),
            outputs, *size, begin, end, plan.block, plan.high, plan.wide, plan.places,
            plan.deep_y, plan.places_y, plan.starts, pixels, u, m, y, fault, lanes,
        )  # fmt: skip

    shared(task, samples, channels * outputs * math.prod(size) / 16)
    return out if np.isfinite(faults).all() else None


def weight_gradient(x: Array, g: Array, start: Pair) -> Any:
    """The gradient (O, C, 3, 3) of the weight, or None if anything became nan."""
    (samples, channels, *shape), (_, outputs, *size) = x.shape, g.shape
    lanes = lanes_of(x.dtype)
    plan = _plan(tuple(size), channels, outputs, samples, lanes)
    weigh = _weigher(plan.columns)
    # sums over as many samples at a time as do not depend on the number of threads
    blocks = -(-samples // plan.block)
    groups = min(8, blocks)
    ends = [min(samples, blocks * i // groups * plan.block) for i in range(groups + 1)]
    totals = [aligned(16 * plan.deep * plan.deep_y, x.dtype) for _ in range(groups)]

    def task(begin: int, end: int) -> None:
        pixels, u, v, y = _room(plan, x.dtype)
        for i in range(begin, end):
            weigh(
                x.reshape(-1), channels, *shape, *start, g.reshape(-1), outputs, *size,
                ends[i], ends[i + 1], plan.block, plan.high, plan.wide, plan.places, plan.deep_y,
                plan.places_y, pixels, u, v, y, totals[i], lanes,
            )  # fmt: skip

    shared(task, groups, samples / groups * channels * outputs * math.prod(size) / 16)
    total = totals[0]
    for other in totals[1:]:
        total += other
    w = _GG.T.astype(x.dtype) @ total.reshape(16, -1)
    w = w.reshape(9, plan.deep, plan.deep_y)[:, :channels, :outputs].transpose(2, 1, 0)
    w = np.ascontiguousarray(w).reshape(outputs, channels, 3, 3)
    return w if np.isfinite(w).all() else None
