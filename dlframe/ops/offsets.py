"""Where the windows of a convolution or of pooling meet their input, offset by offset.

The elements of all windows at one offset are one strided slice of the input, so a loop over the
offsets inside the window (k² of them) does what would take a loop over the windows.

Sizes are tuples with one number per spatial dimension; `padding` has a pair (before, after) each.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from dlframe.ops.record import Array

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]
Meeting = tuple[Sizes, tuple[Any, ...], tuple[Any, ...]]


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


def kernel_first(columns: Array, count: int, first: int) -> Array:
    """A view in which the offset in the window is the first index."""
    axes = range(columns.ndim)
    return columns.transpose(*axes[first : first + count], *axes[:first], *axes[first + count :])
