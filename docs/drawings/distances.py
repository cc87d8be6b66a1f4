"""Level lines of distances in the plane."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import dlframe as dl
from dlframe.nn import functional as F
from drawings.page import INK, MUTED, axes_page


def _plane() -> tuple[Any, Any, Any]:
    line = np.linspace(-2, 2, 161)
    across, up = np.meshgrid(line, line)
    return across, up, dl.tensor(np.stack([across, up], -1).reshape(-1, 2))


def _levels(axes: Any, title: str, values: Any, levels: Any, point: tuple[float, float]) -> None:
    across, up, _ = _plane()
    drawn = axes.contour(across, up, values.numpy().reshape(across.shape), levels, cmap="cividis_r")
    axes.clabel(drawn, fontsize=7, colors=INK)
    axes.plot(*point, "o", color=INK, ms=5)
    axes.plot(0, 0, "+", color=MUTED, ms=7)
    axes.set(aspect="equal", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    axes.set_title(title)


def levels() -> Any:
    """The distance to one point, by four norms, and the cosine."""
    figure, grid = axes_page(5, 1, 10.4, 2.3)
    _, _, plane = _plane()
    point = dl.tensor([0.5, 0.5], dtype=dl.float64)
    for axes, p in zip(grid[0], (0.5, 1.0, 2.0, math.inf), strict=False):
        name = "∞" if p == math.inf else f"{p:g}"
        distance = F.pairwise_distance(plane, point, p, eps=0.0)
        _levels(axes, f"p = {name}", distance, [0.5, 1.0, 1.5, 2.0], (0.5, 0.5))
    cosine = F.cosine_similarity(plane, point, dim=-1)
    _levels(grid[0, 4], "cosine", cosine, [-0.9, -0.5, 0.0, 0.5, 0.9], (0.5, 0.5))
    return figure


PICTURES = {"distances": levels}
