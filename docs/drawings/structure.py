"""Schematics of layers that combine two inputs, change a shape, or hold other modules."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import to_hex

import dlframe as dl
from dlframe import nn
from dlframe.viz.style import blue_scale
from drawings.page import (
    INK,
    MUTED,
    ORANGE,
    PINK,
    TEAL,
    arrow,
    cells,
    frame,
    note,
    plain_page,
)

SIDE = 0.34
PALE_BLUE, PALE_ORANGE, PALE_TEAL = "#d5e3f3", "#fbe3c6", "#d3ecdc"


def bilinear() -> Any:
    """One output is the sum over all pairs of features, each with its own weight."""
    x1, x2 = np.array([1.0, 2.0, 0.0]), np.array([2.0, 1.0])
    weight = np.array([[1.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
    layer = nn.Bilinear(3, 2, 1)
    layer.load_state_dict({"weight": weight[None], "bias": np.array([0.5])})
    y = layer(dl.tensor(x1).float(), dl.tensor(x2).float()).item()
    figure, axes = plain_page(7.2, 2.2)
    top, left = 0.75, 1.0
    cells(axes, x1[:, None], left - 0.6, top, SIDE, shades=[[PALE_ORANGE]] * 3)
    note(axes, left - 0.6 + SIDE / 2, top - 0.2, "x₁")
    cells(axes, x2, left, top - 0.5, SIDE, shades=[[PALE_TEAL] * 2])
    note(axes, left + 2 * SIDE + 0.2, top - 0.5 + SIDE / 2 + 0.04, "x₂")
    pairs = np.outer(x1, x2)
    right, bottom = cells(axes, pairs, left, top, SIDE, shades=[[PALE_BLUE] * 2] * 3)
    note(axes, left + SIDE, bottom + 0.22, "all products", size=9, color=MUTED)
    note(axes, right + 0.3, top + 1.5 * SIDE, "·", size=16)
    left = right + 0.6
    right, _ = cells(axes, weight, left, top, SIDE)
    note(axes, left + SIDE, top - 0.2, "A  (in₁, in₂)")
    note(axes, left + SIDE, bottom + 0.22, "one per output", size=9, color=MUTED)
    note(axes, right + 0.3, top + 1.5 * SIDE, "=", size=14)
    left = right + 0.6
    right, _ = cells(axes, pairs * weight, left, top, SIDE, shades=[[PALE_BLUE] * 2] * 3)
    note(axes, right + 0.75, top + 1.5 * SIDE, "added up, + b", size=9, color=MUTED)
    arrow(axes, (right + 0.05, top + 1.5 * SIDE + 0.18), (right + 1.5, top + 1.5 * SIDE + 0.18))
    cells(axes, [[y]], right + 1.55, top + SIDE, SIDE, edges={(0, 0): INK})
    note(axes, right + 1.55 + SIDE / 2, top + SIDE - 0.2, "y")
    return figure


def flattening() -> Any:
    """Flatten puts the rows of every channel one after another; Unflatten takes them apart."""
    x = dl.arange(12.0).reshape(1, 2, 2, 3)
    flat = nn.Flatten()(x)
    back = nn.Unflatten(1, (2, 2, 3))(flat)
    figure, axes = plain_page(7.2, 2.55)
    tints = [to_hex(c) for c in blue_scale()(np.linspace(0.05, 0.7, 4))]
    rows = [[tints[2 * c + r]] * 3 for c in range(2) for r in range(2)]
    for c in range(2):
        shades = rows[2 * c : 2 * c + 2]
        cells(axes, x[0, c].numpy(), 0.5 + 1.35 * c, 0.6, SIDE, shades=shades)
        note(axes, 0.5 + 1.35 * c + 1.5 * SIDE, 0.42, f"channel {c}", size=9)
        cells(axes, back[0, c].numpy(), 4.6 + 1.35 * c, 0.6, SIDE, shades=shades)
        note(axes, 4.6 + 1.35 * c + 1.5 * SIDE, 0.42, f"channel {c}", size=9)
    cells(axes, flat.numpy(), 1.55, 1.75, SIDE, shades=[[t for row in rows for t in row]])
    note(axes, 1.7, 0.16, "(N, 2, 2, 3)", size=9, color=MUTED)
    note(axes, 5.8, 0.16, "(N, 2, 2, 3)", size=9, color=MUTED)
    note(axes, 1.55 + 6 * SIDE, 2.36, "(N, 12)", size=9, color=MUTED)
    arrow(axes, (2.2, 1.32), (2.6, 1.7), color=ORANGE)
    note(axes, 1.85, 1.58, "Flatten", size=9)
    arrow(axes, (4.7, 1.7), (5.1, 1.32), color=ORANGE)
    note(axes, 5.6, 1.58, "Unflatten", size=9)
    return figure


class _Model(nn.Module):
    """Containers side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8))
        self.heads = nn.ModuleDict({"age": nn.Linear(8, 1), "kind": nn.Linear(8, 3)})
        self.scales = nn.ParameterList([nn.Parameter(dl.ones(8)) for _ in range(2)])


def containers() -> Any:
    """The parts of a model, and the names that follow for its parameters."""
    model = _Model()
    figure, axes = plain_page(7.4, 3.5)
    keys = list(model.state_dict())
    note(axes, 0.75, 0.3, "model", weight="bold")
    tops = {"body": 0.75, "heads": 1.85, "scales": 2.75}
    colours = {"body": ORANGE, "heads": TEAL, "scales": PINK}
    for name, part in model.named_children():
        top = tops[name]
        arrow(axes, (0.75, 0.42), (1.15, top + 0.15), bend=0.25)
        note(axes, 1.25, top + 0.17, f"{name}: {type(part).__name__}", size=9, ha="left")
        frame(axes, 1.18, top, 1.75, 0.3, colours[name])
        children = [f"{k}: {type(c).__name__}" for k, c in part.named_children()]
        children = children or [f"{k}: Parameter" for k, _ in part.named_parameters()]
        for i, text in enumerate(children):
            y = top + 0.15 + 0.28 * i
            arrow(axes, (2.95, top + 0.15), (3.3, y))
            note(axes, 3.35, y + 0.03, text, size=9, ha="left")
    for i, key in enumerate(keys):
        kind = key.partition(".")[0]
        note(axes, 5.45, 0.75 + 0.27 * i, key, size=9, ha="left", color=colours[kind])
    note(axes, 6.2, 0.42, "state_dict", weight="bold", size=10)
    return figure


PICTURES = {"bilinear": bilinear, "flatten": flattening, "containers": containers}
