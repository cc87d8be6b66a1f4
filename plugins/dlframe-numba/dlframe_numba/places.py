"""Where the numbers of a convolution lie in memory: padded copies of images, and shifts in them.

The direct kernels copy a few images into a room of their own in which they have their padding, and
an offset of the window is a shift: for a place p of the result, the element at offset k is at
p + shift(k). With a stride s, the elements at s i + a are an image of their own for each `a` (a
phase), so that neighbours of the result read neighbours. A row's padding after it is also the
padding before the next row. Sizes have three dimensions; missing ones are 1.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Axis", "Plan", "axis_of", "plan_of", "runs_of"]

Array = np.ndarray[Any, np.dtype[Any]]
Sizes = tuple[int, ...]


class Axis(NamedTuple):
    """One spatial dimension of the room."""

    size: int  # of the result
    stride: int
    pitch: int  # from a row to the next
    length: int  # a row with all of its padding
    shifts: Sizes  # by offset of the window
    phase_of: Sizes  # the same
    copies: tuple[tuple[int, int, int], ...]  # by phase: where to, how many, where from


@lru_cache(1024)
def axis_of(n: int, size: int, stride: int, offsets: Sizes) -> Axis:
    """The axis on which the result i reads the elements i · stride + offset, of `n`."""
    parts = [divmod(offset, stride) for offset in offsets]
    phases = sorted({a for _, a in parts})
    lead = -min(q for q, _ in parts)
    reach = max(q for q, _ in parts) + lead
    length = size + reach
    ends = [lead + -((a - n) // stride) for a in phases]  # after the last element of each
    shared = max(0, min(lead, length - max(ends), reach))
    first = max(0, lead)
    copies = tuple(
        (first, max(0, min(length, end) - first), (first - lead) * stride + a)
        for a, end in zip(phases, ends, strict=True)
    )
    return Axis(
        size, stride, length - shared, length, tuple([q + lead for q, _ in parts]),
        tuple([phases.index(a) for _, a in parts]), copies,
    )  # fmt: skip


class Plan(NamedTuple):
    """The room for a few samples: [phase][channel][sample][three dimensions]."""

    shifts: Array  # by offset of the window
    copies: Array  # by phase: three numbers for each dimension
    sizes: Array  # strides of the input, pitches of rows and planes, and of the rest of the room
    places: int  # of the result of one sample
    sample: int  # places from a sample to the next
    channel: int
    numbers: int  # in the whole room


def plan_of(axes: tuple[Axis, ...], channels: int, samples: int, lanes: int) -> Plan:
    """The places in a room with these axes."""
    depth, height, width = axes
    pitches = (height.pitch * width.pitch, width.pitch, 1)
    sample = depth.pitch * pitches[0]
    places = 1 + sum((a.size - 1) * p for a, p in zip(axes, pitches, strict=True))
    whole = 1 + sum((a.length - 1) * p for a, p in zip(axes, pitches, strict=True))
    channel = -(-((samples - 1) * sample + max(whole, places)) // lanes) * lanes
    if channel % 256 == 0:  # channels at such distances push each other out of the cache
        channel += lanes
    phase = channels * channel
    counts = [len(a.copies) for a in axes]
    shifts = [
        ((d * counts[1] + h) * counts[2] + w) * phase + i * pitches[0] + j * pitches[1] + k
        for (d, i), (h, j), (w, k) in product(
            *(zip(a.phase_of, a.shifts, strict=True) for a in axes)
        )
    ]
    copies = [[n for part in parts for n in part] for parts in product(*(a.copies for a in axes))]
    sizes = [*(a.stride for a in axes), *pitches[:2], sample, channel, phase]
    numbers = math.prod(counts) * phase + 16 * lanes  # a last tile reads beyond
    return Plan(
        np.array(shifts), np.array(copies), np.array(sizes), places, sample, channel, numbers
    )


def runs_of(
    axes: tuple[Axis, ...],
    plan: Plan,
    samples: int,
    out: tuple[Sizes, Sizes],
    span: int,
    lanes: int,
) -> tuple[Array, Array]:
    """The parts of each vector of results that are neighbours in the array of results, too.

    Args:
        out: steps in the array from a sample, a plane, a row and an element to the next; and how
            many planes, rows and elements there are.

    Returns:
        For each vector, its first run; and for each run its sample, where it goes (if it began with
        the vector), and its first and last lane.
    """
    steps, counts = out
    n, i, j, k = np.ix_(*(range(count) for count in (samples, *counts)))
    sizes = plan.sample, axes[1].pitch * axes[2].pitch, axes[2].pitch
    position = (n * sizes[0] + i * sizes[1] + j * sizes[2] + k).ravel()
    target = (n * steps[0] + i * steps[1] + j * steps[2] + k * steps[3]).ravel()
    starts = np.flatnonzero(
        np.r_[True, (np.diff(position) != 1) | (np.diff(target) != steps[3])]
        | (position % lanes == 0)
        | (np.arange(len(position)) % math.prod(counts) == 0)  # the next sample may not be there
    )
    lengths = np.diff(np.r_[starts, len(position)])
    vector, begin = np.divmod(position[starts], lanes)
    whole = -(-((samples - 1) * plan.sample + plan.places) // span) * (span // lanes)
    table = [
        starts // math.prod(counts), target[starts] - begin * steps[3], begin, begin + lengths
    ]  # fmt: skip
    return np.searchsorted(vector, np.arange(whole + 1)), np.stack(table, axis=1)
