"""A page to draw on, in the house style of `dlframe.viz`, and the marks that drawings share."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.viz import style
from dlframe.viz.style import BLUE, HAIRLINE, INK, MUTED, ORANGE, PAPER

__all__ = ["BLUE", "HAIRLINE", "INK", "LOOKS", "MUTED", "ORANGE", "PAPER", "PINK", "TEAL"]
__all__ += ["arrow", "axes_page", "cells", "frame", "lines", "note", "plain_page", "zero_axes"]

PINK, TEAL = "#b8336a", "#2e8b57"

# Lines that a grey copy still tells apart: dark and light, full and broken.
LOOKS: list[dict[str, Any]] = [
    {"color": BLUE, "linestyle": "solid"},
    {"color": ORANGE, "linestyle": (0, (5, 1.6))},
    {"color": PINK, "linestyle": (0, (1.2, 1.2))},
    {"color": TEAL, "linestyle": (0, (6, 1.5, 1.2, 1.5))},
    {"color": INK, "linestyle": (0, (3, 1, 1, 1, 1, 1))},
]


def axes_page(
    columns: int, rows: int, width: float, height: float, title: str | None = None
) -> tuple[Any, Any]:
    """A figure with a grid of plots, `width` × `height` inches without the title."""
    figure = style.new_figure(width, height, title)
    style.lay_out(figure, height)
    return figure, figure.subplots(rows, columns, squeeze=False)


def plain_page(width: float, height: float, title: str | None = None) -> tuple[Any, Any]:
    """A figure to draw freely on: one unit is an inch, and y runs down."""
    figure = style.new_figure(width, height, title)
    return figure, style.canvas_in_inches(figure, height)


def zero_axes(axes: Any) -> None:
    """Thin lines through zero."""
    axes.axhline(0, color=HAIRLINE, zorder=0, lw=1)
    axes.axvline(0, color=HAIRLINE, zorder=0, lw=1)


def lines(axes: Any, x: Any, curves: dict[str, Any]) -> None:
    """Several curves over `x`, told apart, with a legend."""
    for look, (name, y) in zip(LOOKS, curves.items(), strict=False):
        axes.plot(x, y, label=name, **look)
    axes.legend()


def cells(
    axes: Any,
    values: Any,
    left: float,
    top: float,
    side: float = 0.34,
    *,
    shades: Any = None,
    text: str = "{:g}",
    edges: dict[tuple[int, int], str] | None = None,
) -> tuple[float, float]:
    """A matrix as a grid of squares with numbers; returns its right and bottom end.

    `shades` are colours per cell (None: white); `edges` draws a thick frame around some cells.
    """
    from matplotlib.patches import Rectangle

    values = np.atleast_2d(np.asarray(values))
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            x, y = left + j * side, top + i * side
            shade = PAPER if shades is None else shades[i][j]
            axes.add_patch(Rectangle((x, y), side, side, facecolor=shade, edgecolor=MUTED, lw=0.7))
            if text:
                label = text.format(value) if not isinstance(value, str) else value
                axes.text(
                    *(x + side / 2, y + side / 2, label),
                    ha="center", va="center", size=8, color=ink_on(shade),
                )  # fmt: skip
    for (i, j), colour in (edges or {}).items():
        place = (left + j * side, top + i * side)
        axes.add_patch(Rectangle(place, side, side, fill=False, edgecolor=colour, lw=2, zorder=3))
    return left + values.shape[1] * side, top + values.shape[0] * side


def ink_on(shade: str) -> str:
    """Black or white, whichever can be read on this colour."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(shade)
    return PAPER if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else INK


def frame(
    axes: Any, left: float, top: float, width: float, height: float, colour: str = INK
) -> None:
    """A thick frame around a region."""
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((left, top), width, height, fill=False, edgecolor=colour, lw=2.2, zorder=4)
    )


def arrow(
    axes: Any, start: tuple[float, float], end: tuple[float, float], bend: float = 0.0, **look: Any
) -> None:
    """An arrow from one point to another."""
    style_of_arrow = {"arrowstyle": "-|>", "color": MUTED, "lw": 1.2, "shrinkA": 2, "shrinkB": 2}
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops=style_of_arrow | {"connectionstyle": f"arc3,rad={bend}"} | look,
    )


def note(axes: Any, x: float, y: float, text: str, **look: Any) -> None:
    """A line of text, its middle at (x, y) unless told otherwise."""
    axes.text(x, y, text, **({"ha": "center", "va": "center", "size": 9, "color": INK} | look))
