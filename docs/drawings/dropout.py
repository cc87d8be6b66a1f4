"""What each kind of dropout sets to zero, and what stays the same in the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from drawings.layers import PALE_BLUE, PALE_ORANGE, SIDE
from drawings.page import INK, LOOKS, MUTED, arrow, axes_page, cells, note, plain_page

GREY = "#c9ced6"


def dropout() -> Any:
    """Two passes in training, one in evaluation."""
    x = np.arange(1, 9).reshape(2, 4) / 2
    layer = nn.Dropout(0.5)
    dl.manual_seed(8)
    tensor = dl.tensor(x, dtype=dl.float32)
    first, second = layer(tensor).numpy(), layer(tensor).numpy()
    last = layer.eval()(tensor).numpy()
    figure, axes = plain_page(7.2, 1.5)
    left = 0.25
    titles = ("x", "training: one pass", "training: the next", "evaluation")
    for title, values in zip(titles, (x, first, second, last), strict=True):
        tint = [[PALE_BLUE if v else "#e4e7eb" for v in row] for row in values]
        cells(axes, values, left, 0.5, SIDE, shades=tint)
        note(axes, left + 2 * SIDE, 0.3, title)
        left += 4 * SIDE + 0.43
    return figure


def kinds() -> Any:
    """One input under four masks: two samples with three channels of four places."""
    x = dl.tensor(np.arange(24).reshape(2, 3, 4) % 4 * 0.5 + 0.5, dtype=dl.float32)
    layers = [nn.Dropout(0.4), nn.Dropout1d(0.4), nn.AlphaDropout(0.4), nn.FeatureAlphaDropout(0.4)]
    figure, axes = plain_page(7.9, 3.4)
    side = 0.4
    left = 0.45
    for layer in layers:
        dl.manual_seed(2)
        y = layer(x).numpy()
        dl.manual_seed(2)
        kept = layer(dl.zeros(2, 3, 4) + 5).numpy() > 2  # what is dropped is 0, or negative
        for k in range(2):
            tint = [[PALE_BLUE if v else GREY for v in row] for row in kept[k]]
            values = y[k].round(1) + 0.0
            cells(axes, values, left, 0.5 + k * 1.32, side, shades=tint, text="{:.1f}")
        note(axes, left + 2 * side, 0.25, f"{type(layer).__name__}(0.4)", weight="bold")
        left += 4 * side + 0.28
    for k in range(2):
        note(axes, 0.22, 1.1 + k * 1.32, f"sample {k}", color=MUTED, rotation=90)
    note(axes, 3.9, 3.25, "rows: channels; grey: dropped", color=MUTED)
    return figure


def spread() -> Any:
    """The standard deviation of the values, layer by layer, in a deep network of SELU."""
    figure, grid = axes_page(1, 1, 6.4, 2.5)
    axes = grid[0, 0]
    drops = {
        "no dropout": nn.Identity(),
        "AlphaDropout(0.1)": nn.AlphaDropout(0.1),
        "Dropout(0.1)": nn.Dropout(0.1),
    }
    dl.manual_seed(1)
    weights = [dl.randn(256, 256) / 16 for _ in range(30)]
    x = dl.randn(400, 256)
    for look, (name, drop) in zip(LOOKS, drops.items(), strict=False):
        y, found = x, []
        for weight in weights:
            y = drop(_selu(y @ weight))
            found.append(y.std().item())
        axes.plot(range(1, 31), found, label=name, **look)
    axes.set(xlabel="layer", ylabel="standard deviation")
    axes.legend()
    return figure


def _selu(x: Any) -> Any:
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * nn.functional.elu(x, alpha)


def drop_connect() -> Any:
    """Dropout takes units away, DropConnect connections."""
    figure, axes = plain_page(7.2, 2.5)
    weight = dl.ones(4, 5)
    dl.manual_seed(3)
    units = (nn.Dropout(0.4)(dl.ones(1, 5)).numpy() > 0) & np.ones((4, 5), bool)
    layer = nn.DropConnect(nn.Linear(5, 4, bias=False), 0.4)
    layer.module.load_state_dict({"weight": weight.numpy()})
    connections = np.stack([_weights(layer, i) for i in range(5)], axis=1) > 0
    for left, title, kept in ((0.9, "Dropout", units), (4.4, "DropConnect", connections)):
        for i in range(5):
            for o in range(4):
                if kept[o, i]:
                    start, end = (left + i * 0.42, 1.85), (left + 0.21 + o * 0.42, 0.75)
                    arrow(axes, start, end, color=INK, lw=0.9, shrinkA=5, shrinkB=5)
        for i in range(5):
            alive = kept[:, i].any()
            _unit(axes, left + i * 0.42, 1.85, PALE_BLUE if alive or title != "Dropout" else GREY)
        for o in range(4):
            _unit(axes, left + 0.21 + o * 0.42, 0.75, PALE_ORANGE)
        note(axes, left + 0.84, 0.3, title, weight="bold")
        note(axes, left + 0.84, 2.25, "x", color=MUTED)
        note(axes, left + 2.0, 0.75, "y", color=MUTED)
    return figure


def _weights(layer: Any, i: int) -> Any:
    """The weights from input i in one thinned module; the same seed gives the same mask."""
    dl.manual_seed(5)
    return layer(dl.eye(5)[i]).detach().numpy()


def _unit(axes: Any, x: float, y: float, colour: str) -> None:
    axes.plot(x, y, "o", ms=11, mfc=colour, mec=INK, mew=0.9, zorder=3)


PICTURES = {
    "dropout": dropout,
    "dropout-kinds": kinds,
    "dropout-spread": spread,
    "drop-connect": drop_connect,
}
