"""Pooling and unpooling: which numbers a window reads, and where its result goes."""

from __future__ import annotations

from typing import Any

import numpy as np

import dlframe as dl
from dlframe import nn
from drawings.layers import PALE_BLUE, PALE_ORANGE, PALE_PINK, PALE_TEAL, SIDE
from drawings.page import (
    BLUE,
    INK,
    LOOKS,
    MUTED,
    ORANGE,
    PAPER,
    PINK,
    TEAL,
    arrow,
    axes_page,
    cells,
    note,
    plain_page,
)


def pooling() -> Any:
    """The same image under three kinds of pooling."""
    image = np.array([[1, 3, 2, 0], [5, 4, 1, 1], [0, 2, 8, 6], [1, 1, 7, 3]])
    x = dl.tensor(image, dtype=dl.float32)[None]
    tints = [PALE_BLUE, PALE_ORANGE, PALE_PINK, PALE_TEAL]
    quarter = [[tints[2 * (i // 2) + j // 2] for j in range(4)] for i in range(4)]
    small = [tints[:2], tints[2:]]
    figure, axes = plain_page(7.2, 2.1)
    top = 0.5
    cells(axes, image, 0.25, top, SIDE, shades=quarter)
    note(axes, 0.25 + 2 * SIDE, top - 0.2, "x  (1, 4, 4)")
    left = 2.35
    for layer in (nn.MaxPool2d(2), nn.AvgPool2d(2)):
        y = layer(x).numpy()[0]
        cells(axes, y, left + 0.25, top + SIDE, SIDE + 0.1, shades=small)
        note(axes, left + 0.25 + SIDE, top + SIDE - 0.2, f"{type(layer).__name__}(2)")
        left += 1.6
    y = nn.AdaptiveAvgPool2d(1)(x).numpy()[0]
    cells(axes, y, left + 0.6, top + SIDE + 0.2, SIDE + 0.2)
    note(axes, left + 0.85, top + SIDE - 0.2, "AdaptiveAvgPool2d(1)")
    return figure


def max_pool_gradient() -> Any:
    """Where the gradient of a maximum and of a mean goes."""
    image = np.array([[1, 3, 2, 0], [5, 4, 1, 1], [0, 2, 8, 6], [1, 1, 7, 3]])
    figure, axes = plain_page(5.6, 2.25)
    left = 0.3
    for layer in (nn.MaxPool2d(2), nn.AvgPool2d(2)):
        x = dl.tensor(image, dtype=dl.float32, requires_grad=True)
        layer(x[None]).sum().backward()
        g = x.grad.numpy()
        tint = [[PALE_ORANGE if v == 1 else "#fdf3e5" if v else PAPER for v in row] for row in g]
        cells(axes, g, left, 0.5, SIDE + 0.04, shades=tint)
        note(axes, left + 2 * SIDE, 0.3, f"dΣy/dx of {type(layer).__name__}(2)", size=9)
        left += 2.7
    return figure


def windows() -> Any:
    """Which elements of a signal each output reads, with stride, padding and ceil_mode."""
    figure, axes = plain_page(7.2, 3.0)
    side, left = 0.27, 0.35
    settings = [
        ("kernel_size=2", (2, None, 0, 1, False)),
        ("kernel_size=3, stride=2, padding=1", (3, 2, 1, 1, False)),
        ("kernel_size=2, stride=3, ceil_mode=True", (2, 3, 0, 1, True)),
        ("kernel_size=2, stride=1, dilation=3", (2, 1, 0, 3, False)),
    ]
    for column, (name, (k, stride, padding, dilation, ceil)) in enumerate(settings):
        x0, y0 = left + (column % 2) * 3.5, 0.5 + (column // 2) * 1.5
        signal = dl.arange(7.0)[None]
        pool = nn.functional.max_pool1d
        count = pool(signal, k, stride, padding, dilation, ceil).shape[-1]
        note(axes, x0, y0 - 0.28, name, ha="left", size=9.5, weight="bold")
        start = x0 + padding * side
        tint = [[PALE_BLUE] * 7]
        cells(axes, np.zeros((1, 7)), start, y0, side, shades=tint, text="")
        for end in range(padding):
            for place in (-1 - end, 7 + end):
                cells(axes, [["-∞"]], start + place * side, y0, side, text="{}")
        for i in range(count):
            look = LOOKS[i % 4]["color"]
            for j in range(k):
                place = i * (stride or k) - padding + j * dilation
                if -padding <= place < 7 + padding:
                    x = start + (place + 0.5) * side
                    axes.plot(x, y0 + side + 0.12 + 0.13 * i, "s", color=look, ms=4.5)
    return figure


def adaptive() -> Any:
    """The ranges of adaptive pooling, which overlap where the sizes do not divide."""
    figure, axes = plain_page(7.2, 2.5)
    side, n = 0.36, 8
    x = dl.tensor([[3.0, 1, 4, 1, 5, 9, 2, 6]])
    for column, out in enumerate((4, 3, 5)):
        left, top = 0.3, 0.45 + 0.68 * column
        means = nn.AdaptiveAvgPool1d(out)(x).numpy()[0]
        cells(axes, x.numpy(), left, top, side, shades=[[PALE_BLUE] * n])
        for i in range(out):
            first, end = i * n // out, -(-(i + 1) * n // out)
            y = top + side + 0.07 + 0.09 * (i % 2)
            axes.plot(
                [left + (first + 0.12) * side, left + (end - 0.12) * side], [y, y],
                color=LOOKS[i % 2]["color"], lw=3, solid_capstyle="butt",
            )  # fmt: skip
        arrow(
            axes, (left + n * side + 0.15, top + side / 2), (left + n * side + 0.7, top + side / 2)
        )
        start = left + n * side + 0.8
        tints = [[(PALE_BLUE, PALE_ORANGE)[i % 2] for i in range(out)]]
        cells(axes, means[None], start, top, side, shades=tints, text="{:.2g}")
        note(axes, start, top + side + 0.2, f"output_size={out}", ha="left", size=8.5)
    note(axes, 0.3, 0.2, "x, and the range of each output below it", ha="left", color=MUTED)
    return figure


def lp() -> Any:
    """The p-norm between the mean and the maximum, and how it shares its gradient."""
    figure, grid = axes_page(2, 1, 7.2, 2.6)
    p = np.linspace(1, 12, 45)
    values = dl.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=dl.float64, requires_grad=True)
    norms, shares = [], []
    for power in p:
        y = nn.LPPool1d(power, 4)(values)
        (g,) = dl.autograd.grad(y.sum(), [values])
        norms.append(y.item())
        shares.append(g.numpy()[0])
    axes = grid[0, 0]
    axes.plot(p, norms, **LOOKS[0], label="LPPool1d(p, 4)")
    axes.axhline(4, **LOOKS[1], label="maximum")
    axes.axhline(10, **LOOKS[2], label="sum")
    axes.set(xlabel="p", title="of the window 1, 2, 3, 4", ylim=(0, 10.8))
    axes.legend(loc="center right", bbox_to_anchor=(1, 0.68))
    for i, share in enumerate(np.transpose(shares)):
        grid[0, 1].plot(p, share, **LOOKS[i], label=f"x = {i + 1}")
    grid[0, 1].set(xlabel="p", title="gradient by each element")
    grid[0, 1].legend(loc="center right")
    return figure


def unpooling() -> Any:
    """Maxima go back to where they stood; the rest is 0."""
    image = np.array([[1, 3, 2, 0], [5, 4, 1, 1], [0, 2, 8, 6], [1, 1, 7, 3]])
    x = dl.tensor(image, dtype=dl.float32)[None]
    values, places = nn.MaxPool2d(2, return_indices=True)(x)
    back = nn.MaxUnpool2d(2)(values, places).numpy()[0]
    four = (PALE_BLUE, PALE_ORANGE, PALE_PINK, PALE_TEAL)
    tints = dict(zip(places.flatten().tolist(), four, strict=True))
    full = [[tints.get(4 * i + j, PAPER) for j in range(4)] for i in range(4)]
    small = np.array(list(tints.values()), dtype=object).reshape(2, 2)
    figure, axes = plain_page(7.2, 2.1)
    top, side = 0.5, SIDE
    right, _ = cells(axes, image, 0.25, top, side, shades=full)
    note(axes, 0.25 + 2 * side, top - 0.2, "x  (1, 4, 4)")
    arrow(axes, (right + 0.08, top + 2 * side), (right + 0.55, top + 2 * side))
    left = right + 0.65
    right, _ = cells(axes, values.numpy()[0], left, top + side, side, shades=small)
    note(axes, left + side, top + side - 0.2, "values")
    left = right + 0.35
    right, _ = cells(axes, places.numpy()[0], left, top + side, side, shades=small)
    note(axes, left + side, top + side - 0.2, "indices")
    arrow(axes, (right + 0.08, top + 2 * side), (right + 0.55, top + 2 * side))
    left = right + 0.65
    cells(axes, back, left, top, side, shades=full)
    note(axes, left + 2 * side, top - 0.2, "MaxUnpool2d(2)(values, indices)")
    return figure


def fractional() -> Any:
    """Where the windows of one row start, for several random numbers."""
    figure, axes = plain_page(7.2, 2.9)
    side, n, out = 0.36, 12, 8
    x = dl.arange(float(n)).expand(1, n, n)
    left, top = 1.3, 0.55
    cells(axes, np.arange(n)[None], left, top, side, shades=[[PALE_BLUE] * n])
    note(
        axes,
        left,
        top - 0.25,
        f"x, and {out} windows of 2 elements",
        ha="left",
        color=MUTED,
    )
    colours = (BLUE, ORANGE, PINK, TEAL)
    for row, u in enumerate((0.05, 0.35, 0.65, 0.95)):
        samples = dl.full((1, 1, 2), u)
        pooled = nn.functional.fractional_max_pool2d(x, 2, output_size=out, _random_samples=samples)
        starts = pooled[0, 0].numpy() - 1  # the windows' larger elements are their last
        y = top + side + 0.35 + 0.42 * row
        note(axes, left - 0.15, y, f"u = {u}", ha="right", color=INK)
        for k, start in enumerate(starts):
            edge = left + (start + 0.08) * side
            level = y + 0.07 * (2 * (k % 2) - 1)
            axes.plot([edge, edge + 1.84 * side], [level, level], color=colours[k % 2], lw=3.5,
                      solid_capstyle="butt")  # fmt: skip
    return figure


PICTURES = {
    "pooling": pooling,
    "pooling-gradient": max_pool_gradient,
    "pooling-windows": windows,
    "pooling-adaptive": adaptive,
    "pooling-norms": lp,
    "pooling-fractional": fractional,
    "unpooling": unpooling,
}
