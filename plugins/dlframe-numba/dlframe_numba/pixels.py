"""Convolutions on images with the channels last: for small images, and windows that are far apart.

A tile has eight places and one or two vectors of outputs; the loops over offsets and channels
compute ::

    y[p, o] = b[o] + Σ_k Σ_c x[place(p) + shift(k), c] · w[k, c, o]

The places may be anywhere, so a stride costs nothing, and an image of any size has no gaps.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from dlframe_numba.building import aligned, lanes_of
from dlframe_numba.channels import channels_first, channels_last
from dlframe_numba.compiling import loop
from dlframe_numba.sharing import shared
from dlframe_numba.tiles import numbers, repeated, save_rows, spread

__all__ = ["convolved", "input_gradient"]

Array = np.ndarray[Any, np.dtype[Any]]
Pair = tuple[int, int]

ROWS = 8  # of a tile: more places do not fit into a processor's registers for addresses


@cache
def _convolver(columns: int) -> Any:
    @loop
    def convolve(
        x, channels, shape, pixels, sizes, w, bias, y, out, outputs, out_shape, begin, end,
        tasks, offsets, places, targets, lanes,
    ):  # fmt: skip
        """The samples from `begin` to `end`, one by one.

        `tasks` has for each phase of the result its first and last offset, and place.
        """
        top, left, high, wide, deep = sizes
        plane, out_plane = shape[0] * shape[1], out_shape[0] * out_shape[1]
        step = columns * lanes
        for n in range(begin, end):
            channels_last(
                x, n * channels * plane, shape[0], shape[1], channels,
                pixels, top, left, high, wide, deep, lanes,
            )  # fmt: skip
            for f in range(len(tasks)):
                k0, k1, p0, p1 = tasks[f]
                for o in range(0, len(bias), step):
                    first = (o * len(offsets) + k0 * step) * channels
                    for p in range(p0, p1, ROWS):
                        starts, iw = numbers(places, p, ROWS), first
                        tile = repeated(bias, o, ROWS, columns)
                        for k in range(k0, k1):
                            for c in range(offsets[k], offsets[k] + channels):
                                tile = spread(tile, pixels, starts, c, w, iw)
                                iw += step
                        save_rows(tile, y, numbers(targets, p, ROWS), o)
            channels_first(
                y, out_shape[1], len(bias), outputs, out_shape[0], out_shape[1],
                out, n * outputs * out_plane, lanes,
            )  # fmt: skip

    return convolve


# --- plans -------------------------------------------------------------------------------------


class _Line(NamedTuple):
    """One dimension: for each phase of the result, its places, those they read, and the offsets."""

    lead: int
    length: int
    phases: tuple[tuple[range, range, tuple[tuple[int, int], ...]], ...]


class _Plan(NamedTuple):
    sizes: Array
    tasks: Array
    which: Array  # of the offsets in the window, phase after phase
    offsets: Array
    places: Array
    targets: Array
    deep_y: int


def _line(size: int, kernel: int, stride: int, start: int, dilation: int) -> _Line:
    """For a convolution: the result i reads the elements i · stride + k · dilation - start."""
    length = (size - 1) * stride + (kernel - 1) * dilation + 1
    shifts = tuple([(k, k * dilation) for k in range(kernel)])
    return _Line(start, length, ((range(size), range(0, size * stride, stride), shifts),))


def _line_back(size: int, kernel: int, stride: int, start: int, dilation: int) -> _Line:
    """For its adjoint, see `direct`: the place stride · m + a reads m + (a + start - d k) / s."""
    found = []
    for a in range(min(stride, size)):
        some = [(k, a + start - dilation * k) for k in range(kernel)]
        shifts = [(k, n // stride) for k, n in some if n % stride == 0]
        found.append((range(a, size, stride), shifts))
    every = [shift for _, shifts in found for _, shift in shifts] or [0]
    lead, rows = -min(every), -(-size // stride)
    return _Line(
        lead,
        rows + max(every) + lead,
        tuple(
            [
                (places, range(len(places)), tuple([(k, shift + lead) for k, shift in shifts]))
                for places, shifts in found
            ]
        ),
    )


@lru_cache(256)
def _plan(
    back: bool, size: Pair, kernel: Pair, stride: Pair, start: Pair, dilation: Pair,
    channels: int, outputs: int, lanes: int,
) -> _Plan:  # fmt: skip
    line = _line_back if back else _line
    high, wide = (
        line(*values) for values in zip(size, kernel, stride, start, dilation, strict=True)
    )
    deep, step = -(-channels // lanes) * lanes, _columns_for(outputs, lanes) * lanes
    deep_y = -(-outputs // step) * step
    tasks, which, offsets, places, targets = [], [], [], [], []
    for (rows, read, i_shifts), (columns, read_columns, j_shifts) in product(
        high.phases, wide.phases
    ):
        here = [len(offsets), 0, len(places), 0]
        for (k, i), (m, j) in product(i_shifts, j_shifts):
            which.append(k * kernel[1] + m)
            offsets.append((i * wide.length + j) * deep)
        places += [(i * wide.length + j) * deep for i, j in product(read, read_columns)]
        targets += [(i * size[1] + j) * deep_y for i, j in product(rows, columns)]
        more = -len(places) % ROWS  # a last tile that is not full computes a place several times
        places += places[-1:] * more
        targets += targets[-1:] * more
        tasks.append([here[0], len(offsets), here[2], len(places)])
    sizes = [high.lead, wide.lead, high.length, wide.length, deep]
    tables = (
        np.array(table, np.int64) for table in (sizes, tasks, which, offsets, places, targets)
    )
    return _Plan(*tables, deep_y)


def _columns_for(outputs: int, lanes: int) -> int:
    return 1 if outputs <= lanes else 2


# --- both --------------------------------------------------------------------------------------


def _run(plan: _Plan, x: Array, weight: Array, bias: Array | None, size: Any) -> Array:
    """`weight` has the shape (offsets, channels, outputs)."""
    (samples, channels), outputs, lanes = x.shape[:2], weight.shape[2], lanes_of(x.dtype)
    columns = _columns_for(outputs, lanes)
    w = np.zeros((len(plan.which), channels, plan.deep_y), x.dtype)
    w[..., :outputs] = weight[plan.which]
    blocks = plan.deep_y // (columns * lanes)
    w = w.reshape(-1, blocks, columns * lanes).swapaxes(0, 1)
    w = np.ascontiguousarray(w).reshape(-1)
    added = np.zeros(plan.deep_y, x.dtype)
    if bias is not None:
        added[:outputs] = bias
    out = np.empty((samples, outputs, *size), x.dtype)
    shape, out_shape = (np.array(_two(values, 1)) for values in (x.shape[2:], size))
    convolve = _convolver(columns)

    def task(begin: int, end: int) -> None:
        pixels = aligned(math.prod(plan.sizes[2:].tolist()), x.dtype)
        y = aligned(math.prod(size) * plan.deep_y, x.dtype)
        convolve(
            x.reshape(-1), channels, shape, pixels, plan.sizes, w, added, y, out.reshape(-1),
            outputs, out_shape, begin, end, plan.tasks, plan.offsets, plan.places, plan.targets,
            lanes,
        )  # fmt: skip

    shared(task, samples, weight.size * math.prod(x.shape[2:]) / 16)
    return out


def _two(values: Any, missing: Any) -> Any:
    return (missing,) * (2 - len(values)) + tuple(values)


def convolved(
    x: Array, weight: Array, bias: Array | None, size: Any, stride: Any, padding: Any, dilation: Any
) -> Array:
    """The convolution of (N, C, …) with (O, C, …), in one or two dimensions."""
    plan = _plan(
        False, _two(size, 1), _two(weight.shape[2:], 1), _two(stride, 1),
        _two([a for a, _ in padding], 0), _two(dilation, 1), x.shape[1], len(weight),
        lanes_of(x.dtype),
    )  # fmt: skip
    columns = weight.reshape(*weight.shape[:2], -1).transpose(2, 1, 0)
    return _run(plan, x, columns, bias, size)


def input_gradient(
    y: Array, weight: Array, bias: Array | None, size: Any, stride: Any, padding: Any, dilation: Any
) -> Array:
    """The adjoint: from (N, O, …) to (N, C, …), with `size` the last dimensions of the result."""
    plan = _plan(
        True, _two(size, 1), _two(weight.shape[2:], 1), _two(stride, 1),
        _two([a for a, _ in padding], 0), _two(dilation, 1), y.shape[1], weight.shape[1],
        lanes_of(y.dtype),
    )  # fmt: skip
    columns = weight.reshape(*weight.shape[:2], -1).transpose(2, 0, 1)
    return _run(plan, y, columns, bias, size)
