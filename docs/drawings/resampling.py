"""Interpolation and grids: a small image in another size, and turned."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import dlframe as dl
from dlframe.nn import functional as F
from dlframe.viz.style import blue_scale
from drawings.page import INK, LOOKS, MUTED, ORANGE, axes_page, note


def _shown(axes: Any, image: Any, title: str, low: float = 0.0, high: float = 1.0) -> None:
    axes.imshow(image, cmap=blue_scale(), vmin=low, vmax=high, interpolation="nearest")
    axes.set_title(title, fontsize=9)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(MUTED)


def _letter() -> Any:
    """A letter F of 7 by 7 pixels."""
    rows = ("       ", " ##### ", " #     ", " ####  ", " #     ", " #     ", "       ")
    return dl.tensor([[[[float(c == "#") for c in row] for row in rows]]])


def interpolation() -> Any:
    """The same small image, made larger and smaller in each mode."""
    figure, grid = axes_page(4, 2, 7.4, 4.0)
    image = _letter()
    panels = [("x  (7, 7)", image), *(
        (f"{mode}, size=28", F.interpolate(image, 28, mode=mode))
        for mode in ("nearest", "bilinear", "bicubic")
    )]  # fmt: skip
    stripes = dl.tensor(np.tile(np.arange(24) % 3 == 0, (24, 1)), dtype=dl.float32)[None, None]
    panels += [
        ("stripes  (24, 24)", stripes),
        ("bilinear, size=10", F.interpolate(stripes, 10, mode="bilinear")),
        ("with antialias=True", F.interpolate(stripes, 10, mode="bilinear", antialias=True)),
        ("area, size=10", F.interpolate(stripes, 10, mode="area")),
    ]
    for axes, (title, picture) in zip(grid.flat, panels, strict=True):
        _shown(axes, picture[0, 0].numpy(), title)
    return figure


def curves() -> Any:
    """Five numbers as a curve, in each mode, with and without aligned corners."""
    figure, grid = axes_page(2, 1, 7.4, 2.9)
    values = [1.0, 3.0, 2.0, 2.5, 0.5]
    n, fine = len(values), 200
    x = dl.tensor(values)[None, None]
    column = x[..., None]
    for axes, corners in zip(grid[0], (False, True), strict=True):
        modes: dict[str, Any] = {
            "linear": F.interpolate(x, fine, mode="linear", align_corners=corners),
            "bicubic": F.interpolate(column, (fine, 1), mode="bicubic", align_corners=corners),
        }
        if not corners:
            modes = {"nearest": F.interpolate(x, fine)} | modes
        edge = 0.0 if corners else 0.5
        step = (n - 1 + 2 * edge) / (fine - 1 if corners else fine)
        places = (np.arange(fine) + (0 if corners else 0.5)) * step - edge
        for look, (name, y) in zip(LOOKS, modes.items(), strict=False):
            axes.plot(places, y.flatten().numpy(), label=name, **look)
        axes.plot(range(n), values, "o", color=INK, ms=6, zorder=4)
        axes.set(xlim=(-0.6, n - 0.4), ylim=(0, 3.9), xlabel="place")
        axes.set_title(f"align_corners={corners}")
        axes.legend(loc="upper right", fontsize=8)
    return figure


def kernels() -> Any:
    """The weight of a number by its distance, in each mode."""
    figure, grid = axes_page(1, 1, 5.2, 2.5)
    axes = grid[0, 0]
    t = np.linspace(-2.5, 2.5, 501)
    unit = dl.zeros(1, 1, 7, 1)
    unit[0, 0, 3] = 1.0
    fine = 7 * 100
    places = (np.arange(fine) + 0.5) / 100 - 0.5 - 3
    for look, mode in zip(LOOKS, ("nearest", "bilinear", "bicubic"), strict=False):
        y = F.interpolate(unit, (fine, 1), mode=mode).flatten().numpy()
        near = abs(places) <= t[-1]
        axes.plot(places[near], y[near], label=mode, **look)
    axes.axhline(0, color=MUTED, lw=0.8)
    axes.set(xlabel="distance from the number", title="weight", xlim=(t[0], t[-1]))
    axes.legend(loc="upper right")
    return figure


def grids() -> Any:
    """A turned grid over an image, and what is read there, by each kind of padding."""
    figure, grid = axes_page(4, 1, 7.6, 2.2)
    image = _letter()
    angle = math.radians(30)
    turn = dl.tensor(
        [[[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]]]
    )
    points = F.affine_grid(turn, (1, 1, 7, 7), align_corners=False)
    _shown(grid[0, 0], image[0, 0].numpy(), "x, and the grid")
    places = (points[0].numpy() + 1) * 3.5 - 0.5
    grid[0, 0].plot(places[..., 0], places[..., 1], ".", color=ORANGE, ms=5)
    grid[0, 0].plot(*places[0, 0], "s", color=ORANGE, ms=6)
    grid[0, 0].set(xlim=(-2, 8), ylim=(8, -2))
    large = F.affine_grid(turn, (1, 1, 40, 40), align_corners=False)
    for axes, padding in zip(grid[0, 1:], ("zeros", "border", "reflection"), strict=True):
        lighter = image * 0.8 + 0.2
        seen = F.grid_sample(lighter, large, "bilinear", padding, align_corners=False)
        _shown(axes, seen[0, 0].numpy(), f'"{padding}"')
    note(grid[0, 0], -1.9, 7.6, "■ first point", ha="left", size=7.5, color=ORANGE)
    return figure


PICTURES = {
    "interpolation": interpolation,
    "interpolation-curves": curves,
    "interpolation-weights": kernels,
    "grid-sample": grids,
}
