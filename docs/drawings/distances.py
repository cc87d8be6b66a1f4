"""Level lines of distances in the plane."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import dlframe as dl
from dlframe.nn import functional as F
from drawings.page import BLUE, INK, MUTED, ORANGE, arrow, axes_page


def _plane() -> tuple[Any, Any, Any]:
    line = np.linspace(-2, 2, 161)
    across, up = np.meshgrid(line, line)
    return across, up, dl.tensor(np.stack([across, up], -1).reshape(-1, 2))


def _levels(axes: Any, title: str, values: Any, levels: Any, labelled: Any = None) -> None:
    across, up, _ = _plane()
    drawn = axes.contour(across, up, values.numpy().reshape(across.shape), levels, cmap="cividis_r")
    axes.clabel(drawn, labelled or levels, fontsize=7, colors=INK)
    axes.plot(0.5, 0.5, "o", color=INK, ms=5)
    axes.plot(0, 0, "+", color=MUTED, ms=7)
    axes.set(aspect="equal", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    axes.set_title(title)


def levels() -> Any:
    """The distance to one point, by four norms, and the cosine."""
    figure, grid = axes_page(3, 2, 7.2, 4.9)
    panels = grid.ravel()
    _, _, plane = _plane()
    point = dl.tensor([0.5, 0.5], dtype=dl.float64)
    for axes, p in zip(panels, (0.5, 1.0, 2.0, math.inf), strict=False):
        name = "∞" if p == math.inf else f"{p:g}"
        distance = F.pairwise_distance(plane, point, p, eps=0.0)
        labelled = [2.0] if p < 1 else None  # the other lines are too near to each other
        _levels(axes, f"p = {name}", distance, [0.5, 1.0, 1.5, 2.0], labelled)
    cosine = F.cosine_similarity(plane, point, dim=-1)
    _levels(panels[4], "cosine", cosine, [-0.9, -0.5, 0.0, 0.5, 0.9])
    # the last place: where the gradient of the Euclidean distance and of the cosine points
    pulled(panels[5])
    return figure


def pulled(axes: Any) -> None:
    """Where x goes to come nearer: straight by the distance, around the origin by the cosine."""
    goal = dl.tensor([0.5, 0.5], dtype=dl.float64)
    for angle in np.linspace(0.4, 2 * math.pi + 0.4, 6, endpoint=False):
        x = dl.tensor([1.4 * math.cos(angle), 1.4 * math.sin(angle)], dtype=dl.float64)
        x.requires_grad_()
        (by_length,) = dl.autograd.grad(F.pairwise_distance(x, goal), [x])
        (by_angle,) = dl.autograd.grad(F.cosine_similarity(x, goal, dim=0), [x])
        start = x.detach().numpy()
        for way, colour in ((-0.8 * by_length.numpy(), BLUE), (1.3 * by_angle.numpy(), ORANGE)):
            arrow(axes, tuple(start), tuple(start + way), color=colour, shrinkA=0, shrinkB=0)
        axes.plot(*start, "o", color=MUTED, ms=3)
    axes.plot(0.5, 0.5, "o", color=INK, ms=5)
    axes.plot(0, 0, "+", color=MUTED, ms=7)
    axes.plot([], [], color=BLUE, label="p = 2")
    axes.plot([], [], color=ORANGE, label="cosine")
    axes.legend(loc="lower center", fontsize=7.5, ncols=2)
    axes.set(aspect="equal", xlim=(-2, 2), ylim=(-2.6, 2), xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    axes.set_title("where x goes")


PICTURES = {"distances": levels}
