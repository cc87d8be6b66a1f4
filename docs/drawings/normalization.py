"""Which numbers each normalization takes together, and what that does to them."""

from __future__ import annotations

from typing import Any

import dlframe as dl
from dlframe import nn
from drawings.layers import PALE_BLUE, PALE_ORANGE, SIDE
from drawings.page import INK, LOOKS, MUTED, ORANGE, PAPER, axes_page, cells, note, plain_page

SAMPLES, CHANNELS, PLACES = 4, 6, 5
LAYERS = {
    "BatchNorm": nn.BatchNorm1d(CHANNELS),
    "LayerNorm, RMSNorm": nn.LayerNorm((CHANNELS, PLACES)),
    "InstanceNorm": nn.InstanceNorm1d(CHANNELS),
    "GroupNorm (2 groups)": nn.GroupNorm(2, CHANNELS),
}


def together(layer: Any) -> Any:
    """True for the elements of x on which one element of the output depends."""
    dl.manual_seed(0)
    x = dl.randn(SAMPLES, CHANNELS, PLACES, requires_grad=True)
    layer(x)[0, -1, 0].backward()
    return x.grad.numpy() != 0


def normalization() -> Any:
    """The cube of samples, channels and places: what is normalized together with one element."""
    figure, axes = plain_page(7.6, 2.35)
    left = 0.3
    for name, layer in LAYERS.items():
        cube(axes, together(layer), left, 0.85)
        note(axes, left + 0.72, 0.2, name, weight="bold")
        left += 1.85
    left = 0.3
    note(axes, left + 3 * EDGE, 0.85 + PLACES * EDGE + 0.14, "C", color=MUTED)
    note(axes, left - 0.12, 0.85 + 2.5 * EDGE, "H, W", color=MUTED, rotation=90)
    note(axes, left + 0.12, 0.58, "N", color=MUTED)
    note(axes, 3.8, 2.22, "dark: what shares a mean and a variance with the corner", color=MUTED)
    return figure


EDGE = 0.19
SLANT = (0.105, -0.085)  # the step to the sample behind


def cube(axes: Any, chosen: Any, left: float, top: float) -> None:
    """Three faces of a cube: (C, HW) in front, (C, N) above, (N, HW) on the right."""
    n, c, p = chosen.shape
    dx, dy = SLANT
    right, across, down = left + c * EDGE, (EDGE, 0.0), (0.0, EDGE)
    for i in range(c):
        for k in range(p):
            cell(axes, (left + i * EDGE, top + k * EDGE), across, down, chosen[0, i, k])
        for j in range(n):
            corner = (left + i * EDGE + j * dx, top + j * dy)
            cell(axes, corner, across, SLANT, chosen[j, i, 0])
    for j in range(n):
        for k in range(p):
            cell(axes, (right + j * dx, top + k * EDGE + j * dy), SLANT, down, chosen[j, -1, k])


def cell(axes: Any, corner: Any, one: Any, other: Any, chosen: bool) -> None:
    """A parallelogram."""
    from matplotlib.patches import Polygon

    steps = [(0, 0), (1, 0), (1, 1), (0, 1)]
    points = [
        (corner[0] + a * one[0] + b * other[0], corner[1] + a * one[1] + b * other[1])
        for a, b in steps
    ]
    look = {"facecolor": ORANGE, "edgecolor": INK} if chosen else {"facecolor": PAPER}
    axes.add_patch(Polygon(points, **({"edgecolor": MUTED, "lw": 0.6} | look)))


def means() -> Any:
    """The means of each sample and channel, before and after."""
    dl.manual_seed(4)
    samples, channels = dl.tensor([[0.0], [3.0], [1.0]]), dl.tensor([0.0, 2.0, 6.0, 8.0])
    x = dl.randn(3, 4, 200) + (samples + channels)[:, :, None]
    layers = {
        "x": nn.Identity(),
        "BatchNorm": nn.BatchNorm1d(4),
        "LayerNorm": nn.LayerNorm((4, 200)),
        "RMSNorm": nn.RMSNorm((4, 200)),
        "GroupNorm(2, 4)": nn.GroupNorm(2, 4),
        "InstanceNorm": nn.InstanceNorm1d(4),
    }
    figure, axes = plain_page(7.4, 3.75)
    for place, (name, layer) in enumerate(layers.items()):
        y = layer(x).detach().numpy().mean(2).round(1) + 0.0
        left, top = 0.4 + (place % 3) * 2.4, 0.5 + (place // 3) * 1.9
        tint = [[PAPER if abs(v) < 0.05 else shade(v) for v in row] for row in y]
        cells(axes, y, left, top, SIDE + 0.06, shades=tint, text="{:.1f}")
        note(axes, left + 2 * (SIDE + 0.06), top - 0.2, name, weight="bold")
    note(axes, 0.4 + 2 * (SIDE + 0.06), 0.5 + 3 * (SIDE + 0.06) + 0.14, "channels →", color=MUTED)
    note(axes, 0.24, 0.5 + 1.5 * (SIDE + 0.06), "← samples", color=MUTED, rotation=90)
    return figure


def lengths() -> Any:
    """A sample with an offset, with what layer normalization and RMSNorm make of it."""
    x = dl.tensor([3.0, 4.0, 2.0, 6.0, 5.0, 1.0])
    panels = {"x": x, "LayerNorm(6)(x)": nn.LayerNorm(6)(x), "RMSNorm(6)(x)": nn.RMSNorm(6)(x)}
    figure, grid = axes_page(3, 1, 7.2, 2.3)
    for axes, (name, values) in zip(grid[0], panels.items(), strict=True):
        shown = values.detach().numpy()
        axes.bar(range(6), shown, color=LOOKS[0]["color"], width=0.7)
        axes.axhline(0, color=MUTED, lw=0.8)
        axes.axhline(shown.mean(), color=ORANGE, ls=(0, (5, 1.6)), lw=1.6, label="mean")
        axes.set_title(name)
        axes.set(xlabel="feature", xticks=range(6))
    for axes in grid[0, 1:]:
        axes.set_ylim(-1.7, 2.1)
    grid[0, 1].legend(loc="upper left")
    return figure


def shade(value: float) -> str:
    """Blue for negative numbers, orange for positive ones."""
    return PALE_BLUE if value < 0 else PALE_ORANGE


def batch_norm() -> Any:
    """Two features of one batch, before and after."""
    dl.manual_seed(3)
    x = dl.randn(400, 2) * dl.tensor([0.5, 2.0]) + dl.tensor([3.0, -2.0])
    y = nn.BatchNorm1d(2)(x).detach()
    figure, grid = axes_page(2, 1, 7.0, 2.5)
    for axes, values, title in zip(grid[0], (x, y), ("x", "BatchNorm1d(2)(x)"), strict=True):
        for k, look in zip(range(2), LOOKS, strict=False):
            axes.hist(
                values[:, k].numpy(), bins=40, range=(-9, 6), histtype="step", lw=1.8,
                color=look["color"], linestyle=look["linestyle"], label=f"feature {k}",
            )  # fmt: skip
        axes.set_title(title)
        axes.set(yticks=[], xlabel="value", xlim=(-9, 6))
        axes.spines["left"].set_visible(False)
    grid[0, 0].legend(loc="upper left")
    return figure


def local_response() -> Any:
    """Channels that hold each other down."""
    x = dl.zeros(1, 24, 1)
    x[0, 4, 0], x[0, 12:17, 0] = 4.0, dl.tensor([3.0, 4.0, 4.5, 4.0, 3.0])
    x = x + 0.5
    y = nn.LocalResponseNorm(5, alpha=0.5)(x)
    figure, grid = axes_page(1, 1, 6.0, 2.2)
    axes = grid[0, 0]
    for values, look, name in zip((x, y), LOOKS, ("x", "LocalResponseNorm(5)(x)"), strict=False):
        axes.step(range(24), values[0, :, 0].numpy(), where="mid", label=name, **look)
    axes.set(xlabel="channel", ylabel="value", ylim=(0, 6.4))
    axes.legend(loc="upper left", ncols=2)
    return figure


PICTURES = {
    "normalization": normalization,
    "normalization-means": means,
    "normalization-rms": lengths,
    "batch-norm": batch_norm,
    "local-response": local_response,
}
