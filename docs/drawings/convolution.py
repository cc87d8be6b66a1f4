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
    note(axes, left + 2.5 * SIDE, top + 5 * SIDE + 0.2, "grey: copies overlap", color=INK)
    return figure


PICTURES = {"conv-transpose": transposed}
