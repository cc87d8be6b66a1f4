"""`explain`: how a value was computed, and how its gradient is computed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from dlframe.autograd.describing import values_of
from dlframe.ops import record
from dlframe.ops.record import Node
from dlframe.ops.watching import note_of
from dlframe.viz.explain import graph
from dlframe.viz.explain.graph import Operand, Step, Value
from dlframe.viz.explain.modules import Row, rows_of
from dlframe.viz.explain.names import Names, name_all


@dataclass
class Explanation:
    """The steps behind a value. Printing it prints them; a notebook shows it with formulas set.

    Fields:
        name: the name of the value.
        steps: the operations in order, or some of them.
        leaves: the tensors from which they start.
        total: the number of all operations.
        rows: with `depth`, the modules.
    """

    name: str
    steps: list[Step]
    leaves: list[Value]
    total: int
    depth: int | None = None
    rows: list[Row] = field(default_factory=list)
    max_elements: int = 24
    complete: bool = True  # whether all results are known
    freed: bool = False  # whether backward has released values that a rule needs
    stopped: str = ""  # another reason why a rule cannot run

    def text(self) -> str:
        """Plain text, the formulas in LaTeX."""
        from dlframe.viz.explain.text import text_of

        return text_of(self)

    def markdown(self) -> str:
        """Markdown with formulas between dollars, for notebooks and pages."""
        from dlframe.viz.explain.markdown import markdown_of

        return markdown_of(self)

    def latex(self) -> str:
        """The formulas as one aligned block of LaTeX (package amsmath)."""
        from dlframe.viz.explain.markdown import latex_of

        return latex_of(self)

    def draw(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Any:
        """A picture of the graph as a matplotlib Figure, saved to `path` if given.

        The same as `dlframe.viz.graph`, which lists the options.
        """
        from dlframe.viz.graph import (
            graph,  # with matplotlib, which an explanation in text does not need
        )

        return graph(self, path=path, **options)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__  # so that the prompt shows it

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def explain(
    tensor: Any, *, depth: int | None = None, max_steps: int = 100, max_elements: int = 24
) -> Explanation:
    r"""How `tensor` was computed, step by step, and how its gradient is computed.

    Each step shows the formula, the operands, the value, the gradient, and that of each input:
    small arrays number by number, larger ones as statistics. The gradients come from a separate
    backward pass that starts with ones. It changes neither `.grad` nor the graph.

    A graph keeps only the values that its rules need. Computed within
    `with dl.autograd.keep_values():` it keeps all of them, with modules and lines of the program,
    and can be explained after `backward()` too.

    Args:
        tensor: the value, a loss for instance.
        depth: show modules instead of operations: those called at the top (0), their parts (1) …
            Needs `keep_values`.
        max_steps: of more steps, the first and the last are shown.
        max_elements: larger arrays are shown as statistics.

    >>> import dlframe as dl
    >>> x = dl.tensor(3.0, requires_grad=True)
    >>> y = x.square()
    >>> print(y.explain())
    y: 1 step, 1 leaf
    <BLANKLINE>
    Leaves
      x = 3
    <BLANKLINE>
    Forward
      1  y = square(x)
           z = x^2
           z = 9
    <BLANKLINE>
    Backward: g is the gradient of y with respect to z
      1  y: g = 1
           to x: \bar{x} = 2 g x = 6
    <BLANKLINE>
    Gradients of the leaves
      x: 6
    """
    root = record.target_of(tensor) if tensor.needs_grad else tensor
    nodes, leaves = graph.collect(root)
    shown = _chosen(nodes, max_steps)
    constants = graph.constants(shown)
    names = name_all(nodes, leaves, constants, _callers_frame())
    found = _Found(tensor, root, nodes, {id(node) for node in shown}, by_module=depth is not None)
    values = _values(shown, leaves, names, found)
    for array in constants:
        values[id(array)] = Value(
            names[id(array)], values_of(array), array.shape, is_leaf=True, needs_grad=False
        )
    steps = [_step(nodes, node, values, found) for node in shown]
    operands = [operand.value for step in steps for operand in step.operands]
    inputs = {id(v): v for v in [*operands, values.get(id(root))] if v is not None and v.is_leaf}
    return Explanation(
        name=names.get(id(root), "the value"),
        steps=steps,
        leaves=list(inputs.values()),
        total=len(nodes),
        depth=depth,
        rows=[] if depth is None else rows_of(nodes, found.gradient, depth),
        max_elements=max_elements,
        complete=all(step.value is not None or step.several for step in steps),
        freed="" in found.stops,
        stopped=next(filter(None, found.stops), ""),
    )


def _callers_frame() -> FrameType | None:
    """The frame in which `explain` was asked for, past dlframe's own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("dlframe."):
        if frame.f_code.co_filename.startswith("<doctest"):  # an example in a docstring of ours
            break
        frame = frame.f_back
    return frame


def _chosen(nodes: list[Node], most: int) -> list[Node]:
    """All nodes, or the first and last ones if there are more than `most`."""
    if len(nodes) <= most:
        return nodes
    first = most // 2
    return nodes[:first] + nodes[len(nodes) - (most - first) :]


class _Found:
    """Values, gradients and shares, by the id of node or leaf."""

    def __init__(
        self, tensor: Any, root: Any, nodes: list[Node], wanted: set[int], *, by_module: bool
    ) -> None:
        self.known = graph.known_values(nodes)
        if id(root) not in self.known:
            self.known[id(root)] = (tensor.array, record.last_mutation())
        self.gradient: dict[int, Any] = {}
        self.shares: dict[int, list[Any] | None] = {}
        self.stops: list[str] = []
        if not tensor.needs_grad:
            return
        start = np.ones_like(tensor.array)
        for target, g, shares in graph.gradients(root, start, nodes, wanted, self.stops):
            note = note_of(target) if by_module else None
            if target.__class__ is not Node or id(target) in wanted or (note and note.outputs):
                self.gradient[id(target)] = values_of(g)
                self.shares[id(target)] = shares and [values_of(share) for share in shares]


def _values(
    shown: list[Node], leaves: Sequence[Any], names: Names, found: _Found
) -> dict[int, Value]:
    values = {id(leaf): _leaf(leaf, names, found) for leaf in leaves}
    for node in shown:
        for target in (node, *node.targets):
            if target is not None and id(target) not in values:
                values[id(target)] = _result(target, names, found)
    return values


def _leaf(leaf: Any, names: Names, found: _Found) -> Value:
    array, since = found.known.get(id(leaf), (leaf.array, record.last_mutation()))
    changed = record.changed_since(array, since)
    return Value(
        names[id(leaf)],
        leaf.array,
        leaf.array.shape,
        found.gradient.get(id(leaf)),
        grad=None if leaf.grad is None else leaf.grad.array,
        is_leaf=True,
        needs_grad=leaf.needs_grad,
        overwritten=changed.by if changed else "",
    )


def _result(node: Node, names: Names, found: _Found) -> Value:
    g = found.gradient.get(id(node))
    g = None if isinstance(g, tuple) else g  # of several results
    value = Value(names[id(node)], gradient=g)
    if id(node) in found.known:
        array, since = found.known[id(node)]
        changed = record.changed_since(array, since)
        array = values_of(array)
        value.array, value.overwritten = (array, "") if changed is None else (None, changed.by)
        value.shape = array.shape
    elif node.outputs is None:
        value.shape = None if g is None else np.shape(g)
    return value


def _step(nodes: list[Node], node: Node, values: dict[int, Value], found: _Found) -> Step:
    note, op = note_of(node), node.op
    shares = found.shares.get(id(node))
    kept = graph.kept_inputs(node)
    operands = []
    for i, target in enumerate(node.targets):
        constant = kept.get(i, graph.UNKNOWN)
        if i < op.hidden or (target is None and constant is None):
            continue  # an optional input that was left out
        value = values.get(id(constant if target is None else target))
        share = shares[i] if shares and i < len(shares) else None
        if isinstance(share, tuple):  # one part per result, and this step has one of them
            share = next((part for part in share if part is not None), None)
        operands.append(Operand(_input_name(op, i), value, constant, share))
    options = dict(note.options) if note else {}
    several = node.outputs is not None
    return Step(_number(nodes, node), op, values[id(node)], operands, options, note, several)


def _number(nodes: list[Node], node: Node) -> int:
    """The node's place in the order, from 1."""
    low, high = 0, len(nodes)
    while low < high:
        middle = (low + high) // 2
        if nodes[middle].seq < node.seq:
            low = middle + 1
        else:
            high = middle
    return low + 1


def _input_name(op: Any, i: int) -> str:
    if op.variadic or i >= len(op.inputs):
        return f"{op.variadic or 'x'}_{i + 1}"
    return str(op.inputs[i])


__all__ = ["Explanation", "explain"]
