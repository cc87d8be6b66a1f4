"""Draws a large graph: its modules in the order of calls, and the sizes of their gradients."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from dlframe.viz import style
from dlframe.viz.explain import Explanation, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIGH = 0.36  # inches of a row
BARS = 2.1  # inches of the longest bar
OUTPUT, PARAMETERS = style.ORANGE, style.BLUE


def draw_modules(
    it: Explanation, *, title: str | None = None, path: str | os.PathLike[str] | None = None
) -> Figure:
    """Draw a row per module: its name, its output's shape, and the norms of two gradients as bars.

    The bars are logarithmic, since a gradient that vanishes differs by powers of ten.
    """
    with style.house_style():
        names = [_name(row) for row in it.rows]
        shapes = ["" if row.output is None else str(list(row.output.shape)) for row in it.rows]
        wide = max(style.text_width(n, style.LABEL_SIZE, "bold") for n in names) + 0.2
        shape = max(style.text_width(s, style.SMALL_SIZE) for s in shapes) + 0.3
        start = style.MARGIN + wide + shape
        width = max(start + BARS + 0.5, start + 3.6)
        height = (len(it.rows) + 1.4) * HIGH + 2 * style.MARGIN
        figure = style.new_figure(width, height, title)
        axes = style.canvas_in_inches(figure, height)
        norms = [n for row in it.rows for n in _norms(row) if n]
        scale = _Scale(norms)
        _draw_head(axes, start, scale)
        for number, row in enumerate(it.rows):
            y = style.MARGIN + (number + 1.9) * HIGH
            _draw_row(axes, row, y, (style.MARGIN, style.MARGIN + wide, start), scale)
        return style.finish(figure, path)


def _name(row: Row) -> str:
    last = row.path.rpartition(".")[2]
    return "    " * row.depth + (row.kind if last == row.kind else f"{last}  {row.kind}")


def _norms(row: Row) -> tuple[float | None, float | None]:
    return row.gradient_norm, row.parameter_gradient_norm


class _Scale:
    """Lengths of bars, by powers of ten."""

    def __init__(self, norms: list[float]) -> None:
        finite = [n for n in norms if math.isfinite(n)] or [1.0]
        self.low = math.floor(math.log10(min(finite)) - 0.3)
        self.high = max(math.ceil(math.log10(max(finite))), self.low + 1)

    def __call__(self, norm: float) -> float:
        if not norm or not math.isfinite(norm):
            return 0.0
        return (math.log10(norm) - self.low) / (self.high - self.low) * BARS


def _draw_head(axes: Axes, start: float, scale: _Scale) -> None:
    y = style.MARGIN + HIGH * 0.25
    axes.text(start, y, "length of the gradient", size=style.SMALL_SIZE, color=style.MUTED,
              va="center")  # fmt: skip
    x = start + style.text_width("length of the gradient ", style.SMALL_SIZE) + 0.05
    for text, colour in (("of the output", OUTPUT), ("of the parameters", PARAMETERS)):
        axes.text(x, y, text, size=style.SMALL_SIZE, color=colour, weight="bold", va="center")
        x += style.text_width(text, style.SMALL_SIZE, "bold") + 0.12
    every = math.ceil((scale.high - scale.low) / 5)
    for power in range(scale.low, scale.high + 1, every):
        x = start + (power - scale.low) / (scale.high - scale.low) * BARS
        axes.text(x, style.MARGIN + HIGH * 0.95, f"$10^{{{power}}}$", size=7, color=style.MUTED,
                  ha="center", va="center", parse_math=True)  # fmt: skip


def _draw_row(
    axes: Axes, row: Row, y: float, columns: tuple[float, float, float], scale: _Scale
) -> None:
    from matplotlib.patches import Rectangle

    name, shape, start = columns
    axes.plot([name, start + BARS], [y - HIGH / 2] * 2, color=style.HAIRLINE, lw=0.7)
    indent = 0.16 * row.depth
    axes.text(name + indent, y, _name(row).strip(), size=style.LABEL_SIZE, va="center",
              weight="bold" if row.depth == 0 else "normal")  # fmt: skip
    if row.output is not None:
        axes.text(shape, y, str(list(row.output.shape)), size=style.SMALL_SIZE,
                  color=style.MUTED, va="center")  # fmt: skip
    for norm, colour, top in zip(_norms(row), (OUTPUT, PARAMETERS), (-0.11, 0.02), strict=True):
        if norm is None:
            continue
        length = max(scale(norm), 0.015)
        axes.add_patch(Rectangle((start, y + top), length, 0.09, color=colour, lw=0))
        axes.text(start + length + 0.05, y + top + 0.045, f"{norm:.2g}", size=6.5,
                  color=style.MUTED, va="center_baseline")  # fmt: skip
