"""Images with the channels last in memory, and back: (N, C, H, W) and (N, H, W, C).

Where all channels of a pixel are next to each other, a vector has several channels, and an image
may have any width. Squares of numbers are turned in registers on the way.
"""

from __future__ import annotations

from dlframe_numba.compiling import loop
from dlframe_numba.vectors import turn

__all__ = ["channels_first", "channels_last"]


@loop
def channels_last(x, plane, height, width, channels, out, top, left, high, wide, deep, lanes):
    """out[top + i, left + j, c] = x[c, i, j], for the pixels that `out` (high, wide, deep) has.

    Args:
        x: its image begins at `plane`.
        deep: a multiple of `lanes`; from `channels` on there are zeros.
    """
    first, low = max(0, -top), max(0, -left)
    last, high_end = min(height, high - top), min(width, wide - left)
    for c in range(0, channels, lanes):
        at = plane + c * height * width
        for i in range(first, last):
            for j in range(low, high_end, lanes):
                to = ((top + i) * wide + left + j) * deep + c
                turn(
                    x, at + i * width + j, height * width, channels - c, high_end - j,
                    out, to, deep, lanes,
                )  # fmt: skip


@loop
def channels_first(x, wide, deep, channels, height, width, out, plane, lanes):
    """out[c, i, j] = x[i, j, c]; x has the shape (…, wide, deep), and `out` begins at `plane`."""
    for c in range(0, channels, lanes):
        to = plane + c * height * width
        for i in range(height):
            for j in range(0, width, lanes):
                turn(
                    x, (i * wide + j) * deep + c, deep, width - j, channels - c,
                    out, to + i * width + j, height * width, width - j,
                )  # fmt: skip
