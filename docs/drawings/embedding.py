"""Tables of vectors: rows looked up, and bags of rows added up."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from drawings.layers import PALE_BLUE, PALE_ORANGE, PALE_TEAL, SIDE
from drawings.page import MUTED, PAPER, arrow, cells, note, plain_page


def embedding() -> Any:
    """Rows of the weight, looked up by number."""
    dl.manual_seed(1)
    layer = nn.Embedding(6, 4)
    weight = layer.weight.detach().numpy().round(1) + 0.0
    numbers = [4, 1, 4]
    figure, axes = plain_page(6.6, 3.05)
    top = 0.5
    tints = {4: PALE_ORANGE, 1: PALE_BLUE}
    colours = [[tints.get(i, PAPER)] * 4 for i in range(6)]
    cells(
        axes,
        np.array([[4], [1], [4]]),
        0.35,
        top + 1.5 * SIDE,
        SIDE,
        shades=[[tints[i]] for i in numbers],
    )
    note(axes, 0.35 + SIDE / 2, top + 1.5 * SIDE - 0.2, "x  (3)")
    left = 2.0
    right, _ = cells(axes, weight, left, top, SIDE + 0.05, shades=colours, text="{:.1f}")
    note(axes, left + 2.3 * SIDE, top - 0.2, "weight  (6, 4)")
    for i in range(6):
        note(axes, left - 0.15, top + (i + 0.5) * (SIDE + 0.05), str(i), color=MUTED, size=8)
    out = right + 0.9
    cells(
        axes, weight[numbers], out, top + 1.5 * SIDE, SIDE + 0.05,
        shades=[[tints[i]] * 4 for i in numbers], text="{:.1f}",
    )  # fmt: skip
    note(axes, out + 2.3 * SIDE, top + 1.5 * SIDE - 0.2, "y  (3, 4)")
    arrow(axes, (0.35 + SIDE + 0.05, 1.5), (left - 0.3, 1.5))
    arrow(axes, (right + 0.1, 1.5), (out - 0.1, 1.5))
    return figure


def bag() -> Any:
    """An embedding bag: rows are gathered, then added up bag by bag."""
    weight = np.array([[1, 0, 2], [0, 3, 1], [2, 2, 0], [1, 1, 1], [4, 0, 0]])
    numbers, offsets = [1, 3, 0, 4, 3], [0, 2]
    table = dl.tensor(weight, dtype=dl.float32)
    index, starts = dl.tensor(numbers), dl.tensor(offsets)
    rows = nn.Embedding.from_pretrained(table)(index).numpy()
    bags = {
        mode: nn.EmbeddingBag.from_pretrained(table, mode=mode)(index, starts).numpy()
        for mode in ("sum", "mean", "max")
    }
    figure, axes = plain_page(7.4, 3.05)
    top, tints = 0.55, [PALE_ORANGE] * 2 + [PALE_BLUE] * 3
    used = [PALE_TEAL if i in numbers else PAPER for i in range(5)]
    cells(axes, np.array([numbers]).T, 0.3, top, SIDE, shades=[[t] for t in tints])
    note(axes, 0.3 + SIDE / 2, top - 0.2, "x")
    note(axes, 0.9, top + SIDE, "bag 0", color=MUTED, size=8)
    note(axes, 0.9, top + 3.5 * SIDE, "bag 1", color=MUTED, size=8)
    right, _ = cells(axes, weight, 1.55, top, SIDE, shades=[[u] * 3 for u in used])
    note(axes, 1.55 + 1.5 * SIDE, top - 0.2, "weight  (5, 3)")
    for i in range(5):
        note(axes, 1.42, top + (i + 0.5) * SIDE, str(i), color=MUTED, size=8)
    arrow(axes, (right + 0.08, top + 2.5 * SIDE), (right + 0.72, top + 2.5 * SIDE))
    note(axes, right + 0.4, top + 2.5 * SIDE - 0.16, "gather", color=MUTED, size=8)
    left = right + 0.8
    right, _ = cells(axes, rows, left, top, SIDE, shades=[[t] * 3 for t in tints], text="{:g}")
    note(axes, left + 1.5 * SIDE, top - 0.2, "weight[x]  (5, 3)")
    left = right + 0.95
    for place, (mode, values) in enumerate(bags.items()):
        y = top - 0.12 + place * 0.82
        arrow(axes, (right + 0.08, top + 2.5 * SIDE), (left - 0.08, y + SIDE))
        look = [[PALE_ORANGE] * 3, [PALE_BLUE] * 3]
        cells(axes, values.round(2), left, y, SIDE, shades=look, text="{:.3g}")
        note(axes, left + 3 * SIDE + 0.35, y + SIDE, mode, weight="bold")
    note(axes, 2.4, 2.75, "offsets = [0, 2]: where each bag begins", color=MUTED)
    return figure


PICTURES = {"embedding": embedding, "embedding-bag": bag}
