"""Schematics of convolutions, padding and rearrangements: what moves where."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from drawings.layers import PALE_BLUE, PALE_ORANGE, PALE_PINK, PALE_TEAL, SIDE
from drawings.page import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    PINK,
    TEAL,
    arrow,
    cells,
    frame,
    note,
    plain_page,
)

TINTS = [PALE_BLUE, PALE_ORANGE, PALE_PINK, PALE_TEAL]
FRAMES = [BLUE, ORANGE, PINK, TEAL]


def transposed() -> Any:
    """Each element of the input lays a copy of the kernel into the output."""
    x = np.array([[1.0, 2.0], [3.0, 0.0]])
    kernel = np.array([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2, bias=False)
    layer.load_state_dict({"weight": kernel[None, None]})
    y = layer(dl.tensor(x, dtype=dl.float32)[None]).detach().numpy()[0]
    figure, axes = plain_page(7.2, 2.65)
    top, middle = 0.55, 0.55 + 1.5 * SIDE
    right, _ = cells(axes, x, 0.4, middle, SIDE, shades=[TINTS[:2], TINTS[2:]])
    note(axes, 0.4 + SIDE, middle - 0.2, "x  (1, 2, 2)")
    note(axes, right + 0.45, middle + SIDE, "times", color=MUTED)
    left = right + 0.9
    right, _ = cells(axes, kernel, left, middle - SIDE / 2, SIDE)
    note(axes, left + 1.5 * SIDE, middle - SIDE / 2 - 0.2, "kernel  (1, 1, 3, 3)")
    note(axes, right + 0.6, middle + SIDE - 0.12, "laid down", color=MUTED)
    note(axes, right + 0.6, middle + SIDE + 0.1, "2 apart, added", color=MUTED)
    left = right + 1.25
    copies = np.zeros((5, 5), int)
    colours = np.full((5, 5), PAPER, dtype=object)
    for n, (i, j) in enumerate(np.ndindex(2, 2)):
        at = (slice(2 * i, 2 * i + 3), slice(2 * j, 2 * j + 3))
        copies[at] += 1
        colours[at] = TINTS[n]
    colours[copies > 1] = "#d8d8d8"
    cells(axes, y, left, top, SIDE, shades=colours)
    for n, (i, j) in enumerate(np.ndindex(2, 2)):
        inset = 0.025 * (n + 1)
        frame(
            axes,
            left + 2 * j * SIDE + inset, top + 2 * i * SIDE + inset,
            3 * SIDE - 2 * inset, 3 * SIDE - 2 * inset, FRAMES[n],
        )  # fmt: skip
    note(axes, left + 2.5 * SIDE, top - 0.2, "y  (1, 5, 5)")
    note(
        axes, left + 2.5 * SIDE, top + 5 * SIDE + 0.2, "one frame per copy; grey: added", color=INK
    )
    return figure


def along_a_sequence() -> Any:
    """A kernel of three steps, and three causal layers whose dilation doubles."""
    x = np.array([1.0, 2, 4, 7, 7, 6, 4])
    layer = nn.Conv1d(1, 1, 3, bias=False)
    layer.load_state_dict({"weight": np.array([[[-1.0, 0, 1]]])})
    y = layer(dl.tensor(x, dtype=dl.float32)[None]).detach().numpy()
    figure, axes = plain_page(7.2, 2.55)
    left, top = 0.3, 0.6
    shades = [[PALE_ORANGE if 1 <= i <= 3 else PAPER for i in range(7)]]
    cells(axes, x, left, top, SIDE, shades=shades)
    note(axes, left + 3.5 * SIDE, top - 0.2, "x  (1, 7)")
    cells(axes, [[-1, 0, 1]], left + SIDE, top + 0.62, SIDE)
    frame(axes, left + SIDE, top + 0.62, 3 * SIDE, SIDE, ORANGE)
    note(axes, left + 4.3 * SIDE, top + 0.62 + SIDE / 2, "kernel", ha="left", color=MUTED)
    cells(axes, y, left + SIDE, top + 1.24, SIDE, shades=[[PAPER, PALE_ORANGE] + [PAPER] * 3])
    note(axes, left + 3.5 * SIDE, top + 1.24 + SIDE + 0.2, "y  (1, 5): differences of two steps")
    left, step, rows = 3.55, 0.43, [2.05, 1.55, 1.05, 0.55]
    reads = [{7}]
    for dilation in (4, 2, 1):
        reads.append({i - d for i in reads[-1] for d in (0, dilation)})
    for level, height in enumerate(rows):
        for i in range(8):
            used = i in reads[3 - level]
            axes.plot(
                left + i * step, height, "o", ms=9, zorder=3, mec=ORANGE if used else MUTED,
                mfc=PALE_ORANGE if used else PAPER, mew=1.6 if used else 0.8,
            )  # fmt: skip
        if level:
            dilation = 2 ** (level - 1)
            for i in reads[3 - level]:
                for d in (0, dilation):
                    axes.plot(
                        [left + i * step, left + (i - d) * step], [height, rows[level - 1]],
                        color=ORANGE, lw=1.2, zorder=2,
                    )  # fmt: skip
            note(axes, 7.12, height + 0.25, f"d={dilation}", size=8.5, color=MUTED, ha="right")
    note(axes, left + 3.5 * step, 0.2, "causal, kernel 2: three layers see 8 steps")
    note(axes, left + 3.5 * step, 2.35, "time", size=8.5, color=MUTED)
    return figure


def paddings() -> Any:
    """The same image, continued in four ways."""
    x = np.arange(1.0, 10).reshape(3, 3)
    layers = [
        ("ZeroPad2d(2)", nn.ZeroPad2d(2)),
        ("ReflectionPad2d(2)", nn.ReflectionPad2d(2)),
        ("ReplicationPad2d(2)", nn.ReplicationPad2d(2)),
        ("CircularPad2d(2)", nn.CircularPad2d(2)),
    ]
    figure, axes = plain_page(7.4, 2.25)
    side, left = 0.235, 0.2
    inside = np.full((3, 3), PAPER, dtype=object)
    inside[:] = [
        ["#bcd3ec", "#cfe0f2", "#e2edf8"], ["#fbd9ab", "#fbe3c6", "#fdf0e0"],
        ["#efbfd3", "#f3d3e0", "#f9e7ef"],
    ]  # fmt: skip
    for name, layer in layers:
        padded = layer(dl.tensor(x)[None]).numpy()[0].astype(int)
        shades = [[PAPER if v == 0 else inside.flat[v - 1] for v in row] for row in padded]
        cells(axes, padded, left, 0.5, side, shades=shades)
        frame(axes, left + 2 * side, 0.5 + 2 * side, 3 * side, 3 * side)
        note(axes, left + 3.5 * side, 0.3, name)
        left += 7 * side + 0.17
    return figure


def unfolded() -> Any:
    """The windows of an image become columns."""
    x = np.arange(1.0, 13).reshape(3, 4)
    columns = nn.Unfold(2)(dl.tensor(x)[None]).numpy()
    figure, axes = plain_page(7.2, 2.2)
    top, left = 0.55, 0.6
    shades = np.full((3, 4), PAPER, dtype=object)
    shades[:2, :2], shades[1:, 2:] = PALE_ORANGE, PALE_BLUE
    right, _ = cells(axes, x, left, top, SIDE, shades=shades)
    frame(axes, left, top, 2 * SIDE, 2 * SIDE, ORANGE)
    frame(axes, left + 2 * SIDE, top + SIDE, 2 * SIDE, 2 * SIDE, BLUE)
    note(axes, left + 2 * SIDE, top - 0.2, "x  (1, 3, 4)")
    start = right + 1.5
    arrow(axes, (right + 0.1, top + 0.4), (start - 0.1, top + 0.4), color=INK)
    note(axes, (right + start) / 2, top + 0.22, "Unfold(2)")
    arrow(axes, (start - 0.1, top + 0.95), (right + 0.1, top + 0.95), color=INK)
    note(axes, (right + start) / 2, top + 1.15, "Fold((3, 4), 2)")
    note(axes, (right + start) / 2, top + 1.37, "adds what overlaps", size=8.5, color=MUTED)
    tint = [[PALE_ORANGE, PAPER, PAPER, PAPER, PAPER, PALE_BLUE]] * 4
    cells(axes, columns, start, top - SIDE / 2, SIDE, shades=tint)
    frame(axes, start, top - SIDE / 2, SIDE, 4 * SIDE, ORANGE)
    frame(axes, start + 5 * SIDE, top - SIDE / 2, SIDE, 4 * SIDE, BLUE)
    note(axes, start + 3 * SIDE, top + 3.5 * SIDE + 0.2, "(4, 6): a column for each window")
    return figure


def folded() -> Any:
    """Columns go back to their windows, and add up where these overlap."""
    x = np.array([[1.0, 10], [2, 20], [3, 30], [4, 40]])
    y = nn.Fold((2, 3), 2)(dl.tensor(x)).numpy()[0]
    figure, axes = plain_page(6.6, 2.3)
    top, left = 0.6, 0.5
    cells(axes, x, left, top, SIDE, shades=[[PALE_ORANGE, PALE_BLUE]] * 4)
    note(axes, left + SIDE, top - 0.2, "x  (4, 2)")
    for column, colour, pale, place, name in (
        (0, ORANGE, PALE_ORANGE, top - 0.06, "first window"),
        (1, BLUE, PALE_BLUE, top + 0.9, "second window"),
    ):
        part = np.full((2, 3), "", dtype=object)
        part[:, column : column + 2] = x[:, column].astype(int).astype(str).reshape(2, 2)
        tint = [[pale if cell else PAPER for cell in row] for row in part]
        cells(axes, part, 2.3, place, SIDE, shades=tint, text="{}")
        frame(axes, 2.3 + column * SIDE, place, 2 * SIDE, 2 * SIDE, colour)
        arrow(axes, (left + 2 * SIDE + 0.05, top + 2 * SIDE), (2.25, place + SIDE), color=colour)
        note(axes, 2.3 + 3 * SIDE + 0.1, place + SIDE, name, size=8.5, ha="left", color=MUTED)
    note(axes, 4.55, top + 2 * SIDE, "=", size=14)
    tint = [[PALE_ORANGE, "#d8d8d8", PALE_BLUE]] * 2
    cells(axes, y, 4.85, top + SIDE, SIDE, shades=tint)
    note(axes, 4.85 + 1.5 * SIDE, top + SIDE - 0.2, "y  (1, 2, 3)")
    note(axes, 4.85 + 1.5 * SIDE, top + 3 * SIDE + 0.2, "grey: two were added", color=MUTED)
    return figure


def shuffled() -> Any:
    """Four channels become one of four times the pixels; channels of two groups, in turn."""
    x = np.arange(16.0).reshape(4, 2, 2)
    y = nn.PixelShuffle(2)(dl.tensor(x)).numpy()[0]
    figure, axes = plain_page(7.2, 2.35)
    top, side = 0.6, 0.3
    for c in range(4):
        place = (0.3 + (c % 2) * 0.85, top + (c // 2) * 0.8)
        cells(axes, x[c], *place, side, shades=[[TINTS[c]] * 2] * 2)
    note(axes, 1.02, top - 0.2, "x  (4, 2, 2)")
    arrow(axes, (2.0, top + 0.5), (2.75, top + 0.5), color=INK)
    arrow(axes, (2.75, top + 0.8), (2.0, top + 0.8), color=INK)
    note(axes, 2.37, top + 1.02, "Pixel-", size=8.5)
    note(axes, 2.37, top + 1.2, "Unshuffle(2)", size=8.5)
    colours = [[TINTS[2 * (i % 2) + j % 2] for j in range(4)] for i in range(4)]
    cells(axes, y, 2.85, top + 0.1, side, shades=colours)
    note(axes, 2.85 + 2 * side, top - 0.2, "PixelShuffle(2)")
    note(axes, 2.85 + 2 * side, top + 0.3 + 4 * side, "(1, 4, 4)")
    order = nn.ChannelShuffle(2)(dl.arange(6.0).reshape(1, 6, 1)).numpy().reshape(-1).astype(int)
    left = 4.75
    cells(axes, np.arange(6)[None], left, top + 0.1, SIDE,
          shades=[[PALE_BLUE] * 3 + [PALE_ORANGE] * 3])  # fmt: skip
    cells(axes, order[None], left, top + 1.1, SIDE,
          shades=[[PALE_BLUE if c < 3 else PALE_ORANGE for c in order]])  # fmt: skip
    for place, c in enumerate(order):
        middles = [left + (i + 0.5) * SIDE for i in (c, place)]
        arrow(axes, (middles[0], top + 0.12 + SIDE), (middles[1], top + 1.08),
              color=BLUE if c < 3 else ORANGE)  # fmt: skip
    note(axes, left + 3 * SIDE, top - 0.2, "ChannelShuffle(2) of 6 channels")
    return figure


PICTURES = {
    "conv1d": along_a_sequence,
    "conv-transpose": transposed,
    "padding-modes": paddings,
    "unfold": unfolded,
    "fold": folded,
    "shuffle": shuffled,
}
