"""Draws the graph behind a value: operations, values and gradients."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.viz import style
from dlframe.viz.explain import Explanation, Step, Value, explain
from dlframe.viz.explain.formulas import formula_of
from dlframe.viz.explain.notation import symbol
from dlframe.viz.explain.text import call_of, number, numbers, whereabouts
from dlframe.viz.graph_layout import Layout, lay_out, layer_all

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 80  # steps in a picture
MOST_NUMBERS = 12  # of an array that is written out
LONGEST = 44  # characters of a line
LEGEND = "values go down, gradients (orange) come back up"
LEAF, CONSTANT = "#eaf1f9", "#f4f5f7"
GRADIENT = "#c25e00"  # orange, dark enough for text
PAD = 0.09  # inches between a box and what is in it


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


def graph(
    value: Any,
    *,
    title: str | None = None,
    gradients: bool = True,
    places: bool = True,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw how a value was computed: `value` is a tensor, or the result of `tensor.explain()`.

    The leaves are at the top and the value at the bottom. Each box shows an operation, its formula
    and its result. Orange text shows the gradient of the result and, on each edge, the rule that
    gives the gradient of the operand. With `explain(depth=…)` the boxes are modules.

    Args:
        title: a heading.
        gradients: whether gradients and rules are shown.
        places: whether modules and lines of the program are shown, if they were recorded.
        path: where to save the picture, if anywhere.

    Raises:
        ArgumentError: there are more steps than a picture can show.

    >>> x = dl.tensor(3.0, requires_grad=True)
    >>> figure = graph(x.square())
    >>> [text.get_text() for text in figure.axes[0].texts][1:3]
    ['x', '  = 3']
    """
    it = value if isinstance(value, Explanation) else explain(value)
    if it.depth is not None and it.rows:
        from dlframe.viz.graph_modules import draw_modules

        return draw_modules(it, title=title, path=path)
    if it.total > MOST:
        raise ArgumentError(
            f"graph: {it.total} steps are more than a picture can show ({MOST}); "
            "explain(depth=1) has modules instead of operations"
        )
    with style.house_style():
        values = [*it.leaves, *(step.result for step in it.steps)]
        steps = {id(step.result): step for step in it.steps}
        boxes = [_lines(item, steps.get(id(item)), gradients, places) for item in values]
        edges, rules = _edges(values, it.steps)
        layers = layer_all(len(values), edges, lambda i: id(values[i]) not in steps)
        sizes = [_size(lines) for lines in boxes]
        layout = lay_out(sizes, edges, layers, down=0.62 if gradients else 0.4)
        labels = _labels(layout, sizes, rules) if gradients else []
        left, right = _margins(layout, labels)
        width = max(layout.width + left + right, 4.3 if title else 2.6)
        height = layout.height + 2 * style.MARGIN
        figure = style.new_figure(width, height, title, LEGEND if gradients and title else None)
        axes = style.canvas_in_inches(figure, height)
        offset = (left + (width - layout.width - left - right) / 2, style.MARGIN)
        _draw_edges(axes, layout, sizes, labels, offset)
        for item, lines, size, centre in zip(values, boxes, sizes, layout.centres, strict=True):
            last = item is values[-1]
            _draw_box(axes, item, lines, size, _moved(centre, offset), is_last=last)
        return style.finish(figure, path)


# --- what stands in a box ----------------------------------------------------------------------


def _lines(value: Value, step: Step | None, gradients: bool, places: bool) -> list[Line]:
    if step is None:
        lines = [Line(value.name, style.LABEL_SIZE, style.INK, "bold")]
    else:
        head = f"{value.name} = {call_of(step)}"
        if len(head) > LONGEST:  # the edges show the operands
            head = f"{value.name} = {step.op.name}"
        lines = [Line(head, style.SUBTITLE_SIZE, style.BLUE, "bold")]
        formula = formula_of(step.op)
        if formula:
            lines.append(Line(f"$z = {formula.value}$", style.LABEL_SIZE, math=True))
    lines += _numbers(value.array, "z = " if step else "  = ", style.INK)
    if value.array is None and value.shape is not None:
        lines.append(Line(f"shape {list(value.shape)}", colour=style.MUTED))
    where = whereabouts(step) if step and places else ""
    if gradients and value.needs_grad:
        lines += _numbers(value.gradient, "g = ", GRADIENT)
    if where:
        lines.append(Line(style.shortened(where, LONGEST), 7.0, style.MUTED))
    return lines


def _numbers(array: Any, before: str, colour: str) -> list[Line]:
    """The numbers of a small array; the shape, mean and deviation of a larger one."""
    if array is None:
        return []
    if np.size(array) <= MOST_NUMBERS:
        text = before + numbers(array, MOST_NUMBERS, before)
        lines = text.split("\n")
        if len(lines) <= 6 and max(map(len, lines)) <= LONGEST:
            return [Line(line, 7.5, colour, mono=True) for line in lines]
    text = f"{before.strip()} {list(np.shape(array))}"
    if array.dtype.kind == "f" and array.size:
        wide = array.astype(np.float64)
        text += f"  {number(float(wide.mean()))} ± {number(float(wide.std()))}"
    return [Line(text, 7.5, colour)]


def _extent(line: Line) -> tuple[float, float]:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    family = "monospace" if line.mono else "sans-serif"
    font = FontProperties(family=family, size=line.size, weight=line.weight)
    width, height, _ = text_to_path.get_text_width_height_descent(line.text, font, ismath=line.math)
    if line.mono:
        width *= 1.07  # on a screen each letter begins at a whole pixel, so texts are wider
    return float(width) / 72, float(height) / 72


def _size(lines: Sequence[Line]) -> tuple[float, float]:
    return (
        max(line.width for line in lines) + 2 * PAD,
        sum(line.height for line in lines) + 1.4 * PAD,
    )


# --- edges -------------------------------------------------------------------------------------


def _edges(
    values: list[Value], steps: list[Step]
) -> tuple[list[tuple[int, int]], dict[tuple[int, int], str]]:
    """Pairs of boxes, and for each pair the rule that computes the gradient."""
    place = {id(value): i for i, value in enumerate(values)}
    edges: dict[tuple[int, int], None] = {}
    rules: dict[tuple[int, int], str] = {}
    for step in steps:
        formula = formula_of(step.op)
        for operand in step.operands:
            if operand.value is None or id(operand.value) not in place:
                continue
            edge = (place[id(operand.value)], place[id(step.result)])
            edges[edge] = None
            rule = formula.gradient(operand.name) if formula else None
            if rule and operand.value.needs_grad:
                text = rf"\bar{{{symbol(operand.name)}}} = {rule}"
                rules[edge] = f"{rules[edge]},  {text}" if edge in rules else text
    return list(edges), rules


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


def _labels(
    layout: Layout, sizes: list[tuple[float, float]], rules: dict[tuple[int, int], str]
) -> list[Label]:
    """The labels of edges, in the middle of the gap below the box that gets the gradient.

    Where edges fan out or come together, labels are put on the outer side so that they do not
    overlap, and above or below the middle, where the bend leaves room.
    """
    labels = []
    for edge, rule in rules.items():
        (x0, y0), (x1, y1), *_ = _route(layout, sizes, edge)
        fans_out = sum(i == edge[0] for i, _ in layout.routes) > 1
        joins = sum(j == edge[1] for _, j in layout.routes) > 1
        slope = max(-1.0, min(1.0, (x1 - x0) / 0.8))
        outside = fans_out or joins
        rightwards = slope >= 0 if fans_out or not joins else slope <= 0.2
        side = "left" if rightwards or not outside else "right"
        raised = abs(slope) if fans_out or not joins else -abs(slope)
        if not outside:
            raised = slope
        line = Line(f"${rule}$", style.SUBTITLE_SIZE, GRADIENT, math=True)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2 - 0.1 * raised
        labels.append(Label(line, x + (0.08 if side == "left" else -0.08), y, side))
    return labels


def _margins(layout: Layout, labels: list[Label]) -> tuple[float, float]:
    """The room at both sides, also for labels outside the boxes."""
    left = min([0.0, *(label.ends[0] for label in labels)])
    right = max([layout.width, *(label.ends[1] for label in labels)])
    return style.MARGIN - left, right - layout.width + style.MARGIN


def _route(
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


def _draw_edges(
    axes: Axes,
    layout: Layout,
    sizes: list[tuple[float, float]],
    labels: list[Label],
    offset: tuple[float, float],
) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    for edge in layout.routes:
        points = [_moved(point, offset) for point in _route(layout, sizes, edge)]
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
            *_moved((label.x, label.y), offset), line.text, size=line.size, color=line.colour,
            parse_math=True, ha=label.side, va="center_baseline", zorder=4,
        )  # fmt: skip


def _moved(point: tuple[float, float], by: tuple[float, float]) -> tuple[float, float]:
    return point[0] + by[0], point[1] + by[1]


# --- boxes -------------------------------------------------------------------------------------


def _draw_box(
    axes: Axes,
    value: Value,
    lines: list[Line],
    size: tuple[float, float],
    centre: tuple[float, float],
    *,
    is_last: bool,
) -> None:
    from matplotlib.patches import FancyBboxPatch

    (width, height), (x, y) = size, centre
    shade = style.PAPER
    if value.is_leaf:
        shade = LEAF if value.needs_grad else CONSTANT
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=shade,
            edgecolor=style.BLUE if is_last else style.MUTED,
            lw=1.8 if is_last else 0.9,
            linestyle=(0, (3, 2)) if value.is_leaf and not value.needs_grad else "solid",
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
