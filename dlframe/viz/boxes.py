"""Boxes with lines of text, and arrows between them, placed by `graph_layout`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from dlframe.viz import style
from dlframe.viz.graph_layout import Layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAD = 0.09  # inches between a box and what is in it


# --- text --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of text in a box."""

    text: str
    size: float = style.SMALL_SIZE
    colour: str = style.INK
    weight: str = "normal"
    math: bool = False
    mono: bool = False

    @property
    def width(self) -> float:
        """Inches."""
        return _extent(self)[0]

    @property
    def height(self) -> float:
        """Inches, with the space to the next line; a fraction is higher than a word."""
        return max(self.size * 1.4 / 72, _extent(self)[1] + self.size * 0.35 / 72)


def _extent(line: Line) -> tuple[float, float]:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    family = "monospace" if line.mono else "sans-serif"
    font = FontProperties(family=family, size=line.size, weight=line.weight)
    width, height, _ = text_to_path.get_text_width_height_descent(line.text, font, ismath=line.math)
    if line.mono:
        width *= 1.07  # on a screen each letter begins at a whole pixel, so texts are wider
    return float(width) / 72, float(height) / 72


def size_of(lines: Sequence[Line]) -> tuple[float, float]:
    """Width and height of a box with these lines."""
    return (
        max(line.width for line in lines) + 2 * PAD,
        sum(line.height for line in lines) + 1.4 * PAD,
    )


# --- arrows ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Label:
    """A rule beside its edge."""

    line: Line
    x: float
    y: float
    side: str  # the end at which the text is fixed: "left" or "right"

    @property
    def ends(self) -> tuple[float, float]:
        """The x of its left and of its right end."""
        width = self.line.width + 0.05
        return (self.x - width, self.x) if self.side == "right" else (self.x, self.x + width)


def route(
    layout: Layout, sizes: list[tuple[float, float]], edge: tuple[int, int]
) -> list[tuple[float, float]]:
    """From the lower end of the upper box to the upper end of the lower one."""
    points = list(layout.routes[edge])
    i, j = edge
    points[0] = (points[0][0], points[0][1] + sizes[i][1] / 2)
    # edges from the side end next to the middle, so that they can be told apart
    (x, y), (width, height) = points[-1], sizes[j]
    aside = max(-0.3 * width, min(0.3 * width, (points[-2][0] - x) * 0.5))
    points[-1] = (x + aside, y - height / 2)
    return points


def draw_edges(
    axes: Axes,
    layout: Layout,
    sizes: list[tuple[float, float]],
    labels: list[Label],
    offset: tuple[float, float],
) -> None:
    """Draw an arrow for each edge, and the labels."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    for edge in layout.routes:
        points = [moved(point, offset) for point in route(layout, sizes, edge)]
        codes, corners = [Path.MOVETO], [points[0]]
        for (x0, y0), (x1, y1) in pairwise(points):
            middle = (y0 + y1) / 2  # the curve is vertical at both ends
            corners += [(x0, middle), (x1, middle), (x1, y1)]
            codes += [Path.CURVE4] * 3
        axes.add_patch(
            FancyArrowPatch(
                path=Path(corners, codes),
                arrowstyle="-|>,head_length=4,head_width=2",
                color=style.MUTED,
                lw=1.0,
                fill=False,
                zorder=1,
            )
        )
    for label in labels:
        line = label.line
        axes.text(
            *moved((label.x, label.y), offset), line.text, size=line.size, color=line.colour,
            parse_math=True, ha=label.side, va="center_baseline", zorder=4,
        )  # fmt: skip


def moved(point: tuple[float, float], by: tuple[float, float]) -> tuple[float, float]:
    """The point, moved by a pair of distances."""
    return point[0] + by[0], point[1] + by[1]


# --- boxes -------------------------------------------------------------------------------------


def draw_box(
    axes: Axes,
    lines: list[Line],
    size: tuple[float, float],
    centre: tuple[float, float],
    *,
    shade: str = style.PAPER,
    strong: bool = False,
    dashed: bool = False,
) -> None:
    """A box with its lines of text; a strong one has a thick blue edge."""
    from matplotlib.patches import FancyBboxPatch

    (width, height), (x, y) = size, centre
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=shade,
            edgecolor=style.BLUE if strong else style.MUTED,
            lw=1.8 if strong else 0.9,
            linestyle=(0, (3, 2)) if dashed else "solid",
            zorder=2,
        )
    )
    top = y - height / 2 + 0.7 * PAD
    # the rows of an array are aligned at the left, and all of them together are centred
    block = max((line.width for line in lines if line.mono), default=0.0)
    for line in lines:
        axes.text(
            x - block / 2 if line.mono else x,
            top + line.height / 2,
            line.text,
            size=line.size,
            color=line.colour,
            weight=line.weight,
            parse_math=line.math,
            family="monospace" if line.mono else None,
            ha="left" if line.mono else "center",
            va="center",
            zorder=3,
        )
        top += line.height
