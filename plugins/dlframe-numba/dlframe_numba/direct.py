"""Convolutions by their definition: for a tile of outputs and places, sums that stay in registers.

The input is copied with its padding (`dlframe_numba.places`). For eight outputs o and three vectors
of places p (or 6 and 4 ...), the loops over channels and offsets compute ::

    y[o, p] = b[o] + Σ_c Σ_k w[o, c, k] · x[c, p + shift(k)]

A vector of x is read once for all outputs of the tile, and a weight once for all of its places.
The gradient of the input is a convolution, too: with a stride s, one for each of the s phases of
its places.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from dlframe_numba.building import BYTES, aligned, lanes_of
from dlframe_numba.channels import channels_last
from dlframe_numba.compiling import loop
from dlframe_numba.places import Axis, Plan, Sizes, axis_of, plan_of, runs_of
from dlframe_numba.sharing import shared
from dlframe_numba.tiles import add_tile, filled, numbers, outer, save_tile, spread, zeros
from dlframe_numba.vectors import even_run, run

__all__ = ["convolved", "input_gradient", "weight_gradient"]

Array = np.ndarray[Any, np.dtype[Any]]
Pairs = tuple[tuple[int, int], ...]

# Outputs in a tile, and its vectors of places: as many sums as there are registers, nearly.
TILES = {8: 3, 6: 4, 4: 6, 1: 8} if BYTES != 32 else {4: 3, 1: 8}
ROWS = 8
_FEW = 512  # places: smaller images are done several at a time


@loop
def _copied(x, first, count, channels, shape, copies, sizes, room, lanes):
    """Copy samples into the room; its zeros stay."""
    high, wide = shape[1], shape[2]
    plane = shape[0] * high * wide
    for f in range(len(copies)):
        d, i_count, d_from, h, j_count, h_from, w, k_count, w_from = copies[f]
        step = sizes[2]
        for n in range(count):
            for c in range(channels):
                start = ((first + n) * channels + c) * plane + w_from
                base = f * sizes[7] + c * sizes[6] + n * sizes[5] + w
                for i in range(i_count):
                    for j in range(j_count):
                        to = base + (d + i) * sizes[3] + (h + j) * sizes[4]
                        row = (d_from + i * sizes[0]) * high + h_from + j * sizes[1]
                        at = start + row * wide
                        if step == 1:
                            for k in range(0, k_count, lanes):
                                run(x, at + k, room, to + k, 0, k_count - k)
                        elif step == 2:
                            for k in range(0, k_count, lanes):
                                even_run(x, at + 2 * k, room, to + k, k_count - k)
                        else:
                            for k in range(k_count):
                                room[to + k] = x[at + k * step]


@cache
def _convolver(rows: int) -> Any:
    columns = TILES[rows]

    @loop
    def convolve(
        x, channels, groups, shape, begin, end, block, copies, sizes, shifts, tasks, w, bias,
        outputs, places, first, runs, out, out_places, step, room, tile_room, lanes,
    ):  # fmt: skip
        """The samples from `begin` to `end`, of which `block` are in the room together.

        `tasks` has for each phase of the result where its part of `shifts` begins and ends, and
        where those of `w` and `first` begin.
        """
        inputs, span = channels // groups, columns * lanes
        per_group = outputs // groups
        blocks = (per_group + rows - 1) // rows
        for n in range(begin, end, block):
            count = min(block, end - n)
            _copied(x, n, count, channels, shape, copies, sizes, room, lanes)
            vectors = ((count - 1) * sizes[5] + places + span - 1) // span * columns
            for f in range(len(tasks)):
                offsets, offsets_end, iw0, v0 = tasks[f]
                for g in range(groups):
                    for v in range(0, vectors, columns):
                        for b in range(blocks):
                            o = g * blocks + b
                            tile = filled(bias, o * rows, rows, columns)
                            iw = iw0 + o * inputs * (offsets_end - offsets) * rows
                            ix = g * inputs * sizes[6] + v * lanes
                            for _ in range(inputs):
                                for k in range(offsets, offsets_end):
                                    tile = outer(tile, w, iw, room, ix + shifts[k], rows)
                                    iw += rows
                                ix += sizes[6]
                            save_tile(tile, tile_room, 0, span, columns)
                            some = min(rows, per_group - b * rows)
                            base = (n * outputs + g * per_group + b * rows) * out_places
                            for j in range(columns):
                                for s in range(first[v0 + v + j], first[v0 + v + j + 1]):
                                    sample, to, low, high = runs[s]
                                    if sample >= count:
                                        break
                                    at = j * lanes
                                    to += base
                                    for _ in range(some):
                                        if step == 1:
                                            run(tile_room, at, out, to, low, high)
                                        else:
                                            for lane in range(low, high):
                                                out[to + lane * step] = tile_room[at + lane]
                                        at += span
                                        to += out_places

    return convolve


@cache
def _weigher(columns: int) -> Any:
    count = ROWS * columns

    @loop
    def weigh(
        x, channels, groups, shape, g, outputs, begin, end, copies, sizes, pairs, lines, length,
        deep, room, last, total, lanes,
    ):  # fmt: skip
        """total[group, pair, o] += Σ_p room[pairs[pair] + p] · g[o, p], of samples one by one.

        `lines` has the places in the room at which the rows of the result begin.
        """
        inputs, per_group, places = channels // groups, outputs // groups, len(lines) * length
        for n in range(begin, end):
            _copied(x, n, 1, channels, shape, copies, sizes, room, lanes)
            for group in range(groups):
                channels_last(
                    g, (n * outputs + group * per_group) * places, 1, places, per_group,
                    last, 0, 0, 1, places, deep, lanes,
                )  # fmt: skip
                for o in range(0, deep, columns * lanes):
                    for q in range(0, len(pairs), ROWS):
                        starts = numbers(pairs, q, ROWS)
                        tile = zeros(total, count)
                        at, base = o, group * inputs * sizes[6]
                        for i in range(len(lines)):
                            for p in range(base + lines[i], base + lines[i] + length):
                                tile = spread(tile, room, starts, p, last, at)
                                at += deep
                        to = (group * len(pairs) + q) * deep + o
                        add_tile(tile, total, to, deep, columns)

    return weigh


# --- plans -------------------------------------------------------------------------------------


class _Tasks(NamedTuple):
    """What a convolution needs beside its arrays; the same for all of one shape."""

    plan: Plan
    block: int
    table: Array
    offsets: Array  # which offsets of the window there are, phase after phase
    shifts: Array
    first: Array
    runs: Array
    step: int


def _three(values: Any, missing: Any) -> Any:
    return (missing,) * (3 - len(values)) + tuple(values)


def _rows_for(outputs: int) -> int:
    """How many outputs a tile should have: little is lost at the last one, and it is large."""
    return min(TILES, key=lambda r: (-(-outputs // r) * (r if r > 1 else 2), -r))


def _block(axes: tuple[Axis, ...], channels: int, samples: int, lanes: int) -> tuple[int, Plan]:
    sample = plan_of(axes, channels, 1, lanes).sample
    block = max(1, min(samples, _FEW // sample))
    return block, plan_of(axes, channels, block, lanes)


@lru_cache(256)
def _forward_tasks(
    shape: Sizes, size: Sizes, kernel: Sizes, stride: Sizes, start: Sizes, dilation: Sizes,
    samples: int, channels: int, outputs: int, rows: int, lanes: int,
) -> _Tasks:  # fmt: skip
    axes = tuple([
        axis_of(n, m, s, tuple([d * i - a for i in range(k)]))
        for n, m, k, s, a, d in zip(shape, size, kernel, stride, start, dilation, strict=True)
    ])  # fmt: skip
    block, plan = _block(axes, channels, samples, lanes)
    steps = (outputs * math.prod(size), size[1] * size[2], size[2], 1)
    first, runs = runs_of(axes, plan, block, (steps, size), TILES[rows] * lanes, lanes)
    count = len(plan.shifts)
    table = np.array([[0, count, 0, 0]])
    return _Tasks(plan, block, table, np.arange(count), plan.shifts, first, runs, 1)


@lru_cache(256)
def _adjoint_tasks(
    shape: Sizes, size: Sizes, kernel: Sizes, stride: Sizes, start: Sizes, dilation: Sizes,
    samples: int, channels: int, outputs: int, rows: int, lanes: int,
) -> _Tasks:  # fmt: skip
    """`shape` is that of the windows, which are read, and `size` that of the result.

    A place j = s m + a of the result has the window i at offset k if s i + d k - start = j, that is
    i = m + (a + start - d k) / s, where s divides this.
    """
    found, axes = [], []
    for n, m, k, s, b, d in zip(shape, size, kernel, stride, start, dilation, strict=True):
        phases: list[list[tuple[int, int]]] = [[] for _ in range(s)]
        for i in range(k):
            for a in range(s):
                if (a + b - d * i) % s == 0:
                    phases[a].append((i, (a + b - d * i) // s))
        every = sorted({shift for phase in phases for _, shift in phase})
        axes.append(axis_of(n, -(-m // s), 1, tuple(every)))
        found.append([[(i, every.index(shift)) for i, shift in phase] for phase in phases])
    block, plan = _block(tuple(axes), channels, samples, lanes)
    counts = [len(axis.shifts) for axis in axes]
    whole = (outputs * math.prod(size), size[1] * size[2], size[2], 1)
    span, table, offsets, shifts, firsts, runs = TILES[rows] * lanes, [], [], [], [], []
    vectors, weights = 0, 0
    for phase in product(*(range(s) for s in stride)):
        here = tuple([max(0, -((a - m) // s)) for a, m, s in zip(phase, size, stride, strict=True)])
        if not math.prod(here):
            continue
        choices = list(product(*(axis[a] for axis, a in zip(found, phase, strict=True))))
        table.append([len(offsets), len(offsets) + len(choices), weights, vectors])
        for (d, i), (h, j), (w, k) in choices:
            offsets.append((d * kernel[1] + h) * kernel[2] + w)
            shifts.append(plan.shifts[(i * counts[1] + j) * counts[2] + k])
        steps = (whole[0], *(n * s for n, s in zip(whole[1:], stride, strict=True)))
        first, some = runs_of(tuple(axes), plan, block, (steps, here), span, lanes)
        some[:, 1] += sum(a * n for a, n in zip(phase, whole[1:], strict=True))
        firsts.append(first + sum(map(len, runs)))
        runs.append(some)
        vectors += len(first)
        weights += len(choices)
    return _Tasks(
        plan, block, np.array(table), np.array(offsets, np.int64), np.array(shifts, np.int64),
        np.concatenate(firsts), np.concatenate(runs), stride[2],
    )  # fmt: skip


def _in_tiles(weight: Array, groups: int, rows: int) -> Array:
    """(groups · O, C, K) as a row [group][tile][C][K][outputs of a tile], filled up with zeros."""
    each = len(weight) // groups
    tiles = -(-each // rows)
    w = np.zeros((groups, tiles * rows, *weight.shape[1:]), weight.dtype)
    w[:, :each] = weight.reshape(groups, each, *weight.shape[1:])
    w = w.reshape(groups, tiles, rows, *weight.shape[1:])
    return np.ascontiguousarray(np.moveaxis(w, 2, -1)).reshape(-1)


# --- the three operations ----------------------------------------------------------------------


def _run(
    tasks: _Tasks, x: Array, weight: Array, bias: Array | None, size: Sizes, groups: int, rows: int
) -> Array:
    """`weight` has the shape (outputs, channels of a group, offsets)."""
    (samples, channels), outputs, lanes = x.shape[:2], len(weight), lanes_of(x.dtype)
    parts = [_in_tiles(weight[..., tasks.offsets[a:b]], groups, rows) for a, b, *_ in tasks.table]
    table = tasks.table.copy()
    table[:, 2] = np.cumsum([0, *map(len, parts)])[:-1]
    w = parts[0] if len(parts) == 1 else np.concatenate(parts)
    each = np.zeros(outputs, x.dtype) if bias is None else bias
    each = _in_tiles(each.reshape(-1, 1, 1), groups, rows)
    out = np.empty((samples, outputs, *size), x.dtype)
    plan, convolve, shape = tasks.plan, _convolver(rows), np.array(_three(x.shape[2:], 1))

    def task(begin: int, end: int) -> None:
        convolve(
            x.reshape(-1), channels, groups, shape, begin, end, tasks.block, plan.copies,
            plan.sizes, tasks.shifts, table, w, each, outputs, plan.places, tasks.first,
            tasks.runs, out.reshape(-1), math.prod(size), tasks.step,
            aligned(plan.numbers, x.dtype), aligned(rows * TILES[rows] * lanes, x.dtype), lanes,
        )  # fmt: skip

    shared(task, samples, weight.size * math.prod(size) / 16)
    return out


def convolved(
    x: Array, weight: Array, bias: Array | None, size: Sizes, stride: Sizes, padding: Pairs,
    dilation: Sizes, groups: int,
) -> Array:  # fmt: skip
    """The convolution of (N, C, …) with (O, C / groups, …); `size` is that of the result."""
    rows = _rows_for(len(weight) // groups)
    tasks = _forward_tasks(
        _three(x.shape[2:], 1), _three(size, 1), _three(weight.shape[2:], 1), _three(stride, 1),
        _three([a for a, _ in padding], 0), _three(dilation, 1), *x.shape[:2], len(weight), rows,
        lanes_of(x.dtype),
    )  # fmt: skip
    columns = weight.reshape(*weight.shape[:2], -1)
    return _run(tasks, x, columns, bias, size, groups, rows)


def input_gradient(
    y: Array, weight: Array, bias: Array | None, size: Sizes, stride: Sizes, padding: Pairs,
    dilation: Sizes, groups: int,
) -> Array:  # fmt: skip
    """The adjoint: from (N, O, …) to (N, C, …), with `size` the last dimensions of the result."""
    channels = weight.shape[1] * groups
    rows = _rows_for(weight.shape[1])
    tasks = _adjoint_tasks(
        _three(y.shape[2:], 1), _three(size, 1), _three(weight.shape[2:], 1), _three(stride, 1),
        _three([a for a, _ in padding], 0), _three(dilation, 1), *y.shape[:2], channels, rows,
        lanes_of(y.dtype),
    )  # fmt: skip
    columns = weight.reshape(groups, len(weight) // groups, weight.shape[1], -1).swapaxes(1, 2)
    columns = columns.reshape(channels, len(weight) // groups, -1)
    return _run(tasks, y, columns, bias, size, groups, rows)


@lru_cache(256)
def _weight_plan(
    shape: Sizes, size: Sizes, kernel: Sizes, stride: Sizes, start: Sizes, dilation: Sizes,
    channels: int, inputs: int, lanes: int,
) -> tuple[Plan, Array, Array]:  # fmt: skip
    axes = tuple([
        axis_of(n, m, s, tuple([d * i - a for i in range(k)]))
        for n, m, k, s, a, d in zip(shape, size, kernel, stride, start, dilation, strict=True)
    ])  # fmt: skip
    plan = plan_of(axes, channels, 1, lanes)
    pairs = np.add.outer(np.arange(inputs) * plan.channel, plan.shifts).ravel()
    pairs = np.r_[pairs, np.full(-len(pairs) % ROWS, pairs[-1])]
    i, j = np.ix_(range(size[0]), range(size[1]))
    lines = (i * axes[1].pitch * axes[2].pitch + j * axes[2].pitch).ravel()
    return plan, pairs, lines


def weight_gradient(
    x: Array, g: Array, kernel: Sizes, stride: Sizes, padding: Pairs, dilation: Sizes, groups: int
) -> Array:
    """The gradient (O, C / groups, …) of the weight, from the input and the result's gradient."""
    (samples, channels), outputs, lanes = x.shape[:2], g.shape[1], lanes_of(x.dtype)
    inputs, per_group, size = channels // groups, outputs // groups, _three(g.shape[2:], 1)
    shape = _three(x.shape[2:], 1)
    plan, pairs, lines = _weight_plan(
        shape, size, _three(kernel, 1), _three(stride, 1), _three([a for a, _ in padding], 0),
        _three(dilation, 1), channels, inputs, lanes,
    )  # fmt: skip
    columns = 1 if per_group <= lanes else 2
    deep = -(-per_group // (columns * lanes)) * columns * lanes
    # the sums of so many samples at a time do not depend on the number of threads
    blocks = min(8, samples)
    totals = [aligned(groups * len(pairs) * deep, x.dtype) for _ in range(blocks)]
    weigh, sizes = _weigher(columns), np.array(shape)

    def task(begin: int, end: int) -> None:
        room, last = aligned(plan.numbers, x.dtype), aligned(math.prod(size) * deep, x.dtype)
        for i in range(begin, end):
            weigh(
                x.reshape(-1), channels, groups, sizes, g.reshape(-1), outputs,
                samples * i // blocks, samples * (i + 1) // blocks, plan.copies, plan.sizes,
                pairs, lines, size[2], deep, room, last, totals[i], lanes,
            )  # fmt: skip

    shared(task, blocks, samples / blocks * outputs * len(pairs) * math.prod(size) / 16)
    total = totals[0]
    for other in totals[1:]:
        total += other
    offsets = inputs * math.prod(kernel)
    weight = total.reshape(groups, len(pairs), deep)[:, :offsets, :per_group].swapaxes(1, 2)
    return np.ascontiguousarray(weight).reshape(outputs, inputs, *kernel)
