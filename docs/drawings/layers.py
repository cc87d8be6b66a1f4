"""Schematics of layers: small numbers in squares, computed by the layers themselves."""

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
    PAPER,
    PINK,
    arrow,
    cells,
    frame,
    note,
    plain_page,
)

PALE_BLUE, PALE_ORANGE, PALE_PINK, PALE_TEAL = "#d5e3f3", "#fbe3c6", "#f3d3e0", "#d3ecdc"
SIDE = 0.34


def shades(values: Any, low: float | None = None, high: float | None = None) -> list[list[str]]:
    """A blue for each value, ever darker."""
    array = np.atleast_2d(values).astype(float)
    low = array.min() if low is None else low
    high = array.max() if high is None else high
    scaled = (array - low) / max(high - low, 1e-9)
    return [[to_hex(colour) for colour in row] for row in blue_scale()(0.75 * scaled)]


def linear() -> Any:
    """y = x Wᵀ + b with its shapes."""
    x = np.array([[1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 3.0, 1.0]])
    weight = np.array([[1.0, 0.0, 2.0, -1.0], [0.0, 1.0, 0.0, 1.0], [1.0, 1.0, -1.0, 0.0]])
    bias = np.array([0.0, 1.0, 2.0])
    layer = nn.Linear(4, 3)
    layer.load_state_dict({"weight": weight, "bias": bias})
    y = layer(dl.tensor(x, dtype=dl.float32)).detach().numpy()
    figure, axes = plain_page(7.2, 2.35)
    top = 0.62
    colours = [PAPER, PALE_BLUE, PAPER]
    row = [[PAPER] * 4, [PALE_ORANGE] * 4]
    right, _ = cells(axes, x, 0.25, top, SIDE, shades=row)
    note(axes, 0.25 + 2 * SIDE, top - 0.2, "x  (N, in)")
    note(axes, right + 0.25, top + SIDE, "·", size=16)
    left = right + 0.5
    right, _ = cells(axes, weight.T, left, top, SIDE, shades=[colours] * 4)
    note(axes, left + 1.5 * SIDE, top - 0.2, "Wᵀ  (in, out)")
    note(axes, right + 0.25, top + SIDE, "+", size=14)
    left = right + 0.5
    right, _ = cells(axes, bias, left, top, SIDE, shades=[colours])
    note(axes, left + 1.5 * SIDE, top - 0.2, "b  (out)")
    note(axes, right + 0.25, top + SIDE, "=", size=14)
    left = right + 0.5
    cells(axes, y, left, top, SIDE, edges={(1, 1): INK})
    note(axes, left + 1.5 * SIDE, top - 0.2, "y  (N, out)")
    sums = "0·0 + 1·1 + 3·0 + 1·1, and the bias 1"
    note(axes, left + 1.5 * SIDE, top + 2 * SIDE + 0.38, sums, size=8.5, color=MUTED)
    middle = left + 1.5 * SIDE
    arrow(axes, (middle, top + 2 * SIDE + 0.32), (middle, top + 2 * SIDE - 0.02), color=INK)
    return figure


def convolution() -> Any:
    """One output of a convolution is the sum of products of a patch and the kernel."""
    image = np.zeros((6, 6))
    image[1:5, 3] = [1, 2, 2, 1]
    image[1, 2:4] = 1
    kernel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    layer = nn.Conv2d(1, 1, 3, bias=False)
    layer.load_state_dict({"weight": kernel.reshape(1, 1, 3, 3)})
    out = layer(dl.tensor(image, dtype=dl.float32)[None]).detach().numpy()[0]
    figure, axes = plain_page(7.2, 2.95)
    top = 0.55
    cells(axes, image, 0.25, top, SIDE, shades=shades(image, 0, 3))
    frame(axes, 0.25 + SIDE, top + SIDE, 3 * SIDE, 3 * SIDE, ORANGE)
    note(axes, 0.25 + 3 * SIDE, top - 0.2, "x  (1, 6, 6)")
    left = 3.0
    middle = top + 1.5 * SIDE
    tint = [[PALE_PINK if v < 0 else PALE_TEAL if v > 0 else PAPER for v in r] for r in kernel]
    right, _ = cells(axes, kernel, left, middle, SIDE, shades=tint)
    frame(axes, left, middle, 3 * SIDE, 3 * SIDE, ORANGE)
    note(axes, left + 1.5 * SIDE, middle - 0.2, "kernel  (1, 1, 3, 3)")
    arrow(axes, (0.25 + 4 * SIDE, top + 2.5 * SIDE), (left - 0.05, top + 3 * SIDE), color=ORANGE)
    note(axes, left + 1.5 * SIDE, middle + 3 * SIDE + 0.28, "products, added up", color=MUTED)
    left = right + 1.05
    cells(axes, out, left, top + SIDE, SIDE, shades=shades(abs(out)), edges={(1, 1): ORANGE})
    arrow(axes, (right + 0.02, top + 3 * SIDE), (left - 0.03, top + 2.5 * SIDE), color=ORANGE)
    note(axes, left + 2 * SIDE, top + SIDE - 0.2, "y  (1, 4, 4)")
    return figure


def convolution_options() -> Any:
    """Which elements a kernel reads, with stride, padding and dilation."""
    figure, axes = plain_page(7.4, 2.85)
    settings = [
        ("stride=2", 6, 3, 2, 0, 1),
        ("padding=1", 4, 3, 1, 1, 1),
        ("dilation=2", 6, 3, 1, 0, 2),
    ]
    side = 0.3
    left = 0.3
    for name, size, k, stride, padding, dilation in settings:
        grid = size + 2 * padding
        out = nn.Conv2d(1, 1, k, stride, padding, dilation)(dl.zeros(1, 1, size, size)).shape[-1]
        inside = slice(padding, grid - padding)
        colours = np.full((grid, grid), PAPER, dtype=object)
        colours[inside, inside] = PALE_BLUE
        top = 0.62
        cells(axes, np.zeros((grid, grid)), left, top, side, shades=colours, text="")
        for place, colour in ((0, ORANGE), (1, PINK)):
            for i in range(k):
                for j in range(k):
                    x = left + (place * stride + j * dilation + 0.5) * side
                    y = top + (i * dilation + 0.5) * side
                    marker = "o" if colour == ORANGE else "x"
                    axes.plot(
                        x + (0.05 if place else -0.05), y, marker, color=colour, ms=5, mew=1.6
                    )
        note(axes, left + grid * side / 2, top - 0.42, name, weight="bold", size=10)
        note(axes, left + grid * side / 2, top - 0.16, f"{size}×{size} → {out}×{out}", size=9)
        left += grid * side + 0.62
    note(
        axes, 3.7, 2.68,
        "● what the first output reads    × what the second reads    white: padding",
        size=9, color=MUTED,
    )  # fmt: skip
    return figure


def graph() -> Any:
    """The nodes of (x * w + x).tanh().sum(), and the order in which backward visits them."""
    x = dl.tensor([1.0, 2.0], requires_grad=True)
    w = dl.tensor([3.0, 4.0], requires_grad=True)
    a = x * w
    b = a + x
    c = b.tanh()
    d = c.sum()
    names = [t.grad_fn.name().removesuffix("Backward0") for t in (a, b, c, d)]
    figure, axes = plain_page(7.4, 2.75)
    places = {"x": (0.7, 0.75), "w": (0.7, 2.0), "a": (2.3, 1.5), "b": (3.9, 1.05)}
    places |= {"c": (5.4, 1.05), "d": (6.8, 1.05)}
    for (start, end), bend in {
        ("x", "a"): 0, ("w", "a"): 0, ("a", "b"): 0, ("x", "b"): -0.15, ("b", "c"): 0, ("c", "d"): 0
    }.items():  # fmt: skip
        # drawn as the graph points: from a result to what it was computed from
        arrow(axes, places[end], places[start], -bend, shrinkA=36, shrinkB=36)
    for name in ("x", "w"):
        _bubble(axes, *places[name], name, "leaf: .grad", PALE_BLUE)
    kept = ("keeps x, w", "keeps nothing", "keeps the result", "keeps the shape")
    for order, (name, label, what) in enumerate(zip("abcd", names, kept, strict=True)):
        _bubble(axes, *places[name], label, what, PALE_ORANGE)
        x_, y_ = places[name]
        note(
            axes,
            x_,
            y_ - 0.4,
            ("4th", "3rd", "2nd", "1st")[order],
            size=8.5,
            color=PINK,
            weight="bold",
        )
    note(axes, 3.7, 2.55, "y = (x * w + x).tanh().sum(): backward pops the newest node first.")
    return figure


def _bubble(axes: Any, x: float, y: float, name: str, what: str, colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x - 0.36, y - 0.15), 0.72, 0.3, boxstyle="round,pad=0.05",
            facecolor=colour, edgecolor=INK, lw=1, zorder=3,
        )
    )  # fmt: skip
    note(axes, x, y, name, size=9.5, weight="bold", zorder=4)
    note(axes, x, y + 0.34, what, size=8, color=MUTED)


PICTURES = {
    "linear": linear,
    "conv2d": convolution,
    "conv2d-options": convolution_options,
    "graph": graph,
}
