"""Draws the graph behind a value: operations, values and gradients."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.tensor import Tensor
from dlframe.viz import style
from dlframe.viz.boxes import Label, Line, draw_box, draw_edges, moved, route, size_of
from dlframe.viz.explain import Explanation, Step, Value, explain
from dlframe.viz.explain.formulas import formula_of
from dlframe.viz.explain.notation import symbol
from dlframe.viz.explain.text import call_of, number, numbers, whereabouts
from dlframe.viz.graph_layout import Layout, lay_out, layer_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 80  # steps in a picture
MOST_NUMBERS = 12  # of an array that is written out
LONGEST = 44  # characters of a line
LEGEND = "values go down, gradients (orange) come back up"
LEAF, CONSTANT = "#eaf1f9", "#f4f5f7"
GRADIENT = "#c25e00"  # orange, dark enough for text


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
    if isinstance(value, Module):
        raise TypeError(
            "graph: this is a module, and a graph belongs to a value, such as model(x) or a loss; "
            "viz.architecture(model, input_size) draws the module's layers"
        )
    if not isinstance(value, (Tensor, Explanation)):
        raise TypeError(
            f"graph: expected a Tensor or what `explain` gave; got {type(value).__name__}"
        )
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
        sizes = [size_of(lines) for lines in boxes]
        layout = lay_out(sizes, edges, layers, down=0.62 if gradients else 0.4)
        labels = _labels(layout, sizes, rules) if gradients else []
        left, right = _margins(layout, labels)
        width = max(layout.width + left + right, 4.3 if title else 2.6)
        height = layout.height + 2 * style.MARGIN
        figure = style.new_figure(width, height, title, LEGEND if gradients and title else None)
        axes = style.canvas_in_inches(figure, height)
        offset = (left + (width - layout.width - left - right) / 2, style.MARGIN)
        draw_edges(axes, layout, sizes, labels, offset)
        for item, lines, size, centre in zip(values, boxes, sizes, layout.centres, strict=True):
            is_constant = item.is_leaf and not item.needs_grad
            shade = CONSTANT if is_constant else LEAF if item.is_leaf else style.PAPER
            draw_box(
                axes, lines, size, moved(centre, offset), shade=shade, strong=item is values[-1],
                dashed=is_constant,
            )  # fmt: skip
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


def _labels(
    layout: Layout, sizes: list[tuple[float, float]], rules: dict[tuple[int, int], str]
) -> list[Label]:
    """The labels of edges, in the middle of the gap below the box that gets the gradient.

    Where edges fan out or come together, labels are put on the outer side so that they do not
    overlap, and above or below the middle, where the bend leaves room.
    """
    labels = []
    for edge, rule in rules.items():
        (x0, y0), (x1, y1), *_ = route(layout, sizes, edge)
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
