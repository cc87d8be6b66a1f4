"""An explanation as Markdown, for notebooks and pages, and as LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.viz.explain.formulas import formula_of
from dlframe.viz.explain.graph import Step
from dlframe.viz.explain.notation import symbol
from dlframe.viz.explain.text import (
    call_of,
    module_table,
    number,
    numbers,
    remarks,
    whereabouts,
)

if TYPE_CHECKING:
    from dlframe.viz.explain.explanation import Explanation


def markdown_of(it: Explanation) -> str:
    """Modules as a table; steps as two tables, forward and backward."""
    lines = [f"**{_plain(it.name)}**: {it.total} steps", ""]
    if it.depth is not None and it.rows:
        lines += _table(module_table(it.rows))
        return "\n".join(lines)
    lines += _table(
        [["Leaf", "Value", "Gradient"]]
        + [
            [_code(leaf.name), _code(leaf.array, it), _code(leaf.gradient, it)]
            for leaf in it.leaves
        ]
    )
    if it.steps:
        lines += ["", "Forward:", ""]
        lines += _table(
            [["", "Step", "$z$", "Value", "Where"], *(_forward(s, it) for s in it.steps)]
        )
        lines += ["", f"Backward, $g$ being the gradient of `{it.name}` with respect to $z$:", ""]
        rows = [row for step in reversed(it.steps) for row in _backward(step, it)]
        lines += _table([["", "$g$ of", "$g$", "to", "by the rule", "Share"], *rows])
    return "\n".join([*lines, *remarks(it)])


def _forward(step: Step, it: Explanation) -> list[str]:
    formula = formula_of(step.op)
    return [
        str(step.number),
        _code(f"{step.result.name} = {call_of(step)}"),
        f"${formula.value}$" if formula else "",
        _code(step.value, it),
        _plain(whereabouts(step)),
    ]


def _backward(step: Step, it: Explanation) -> list[list[str]]:
    """A row per input that gets a share."""
    formula = formula_of(step.op)
    rows: list[list[str]] = []
    for operand in step.operands:
        if operand.value is None or not operand.value.needs_grad:
            continue
        first = not rows
        rule = formula.gradient(operand.name) if formula else None
        bar = rf"\bar{{{symbol(operand.name)}}}"
        rows.append(
            [
                str(step.number) if first else "",
                _code(step.result.name) if first else "",
                _code(step.gradient, it) if first else "",
                _code(operand.value.name),
                f"${bar} = {rule}$" if rule else f"${bar}$",
                _code(operand.share, it),
            ]
        )
    return rows


def _table(rows: list[list[str]]) -> list[str]:
    """Rows of cells, the head first."""
    lines = [f"| {' | '.join(cell.replace('|', _BAR) for cell in row)} |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]


_BAR = r"\vert "  # in a table a bar ends the cell, also within a formula


def _code(value: Any, it: Explanation | None = None) -> str:
    """A name or an array in the type of code; nothing for nothing."""
    if value is None:
        return ""
    text = value if it is None else " ".join(numbers(value, it.max_elements).split())
    return f"`{text}`"


def _plain(text: str) -> str:
    """`text` without what Markdown would take as its own."""
    return re.sub(r"([_*`|<>])", r"\\\1", text)


# --- LaTeX -------------------------------------------------------------------------------------


def latex_of(it: Explanation) -> str:
    """An `aligned` block: forward, then backward, with the numbers of small arrays."""
    lines = []
    for step in it.steps:
        formula = formula_of(step.op)
        parts = [
            _name(step.result.name),
            rf"\mathrm{{{_escaped(step.op.name)}}}({_operands(step)})",
        ]
        parts += [formula.value] if formula else []
        parts += [_matrix(step.value)] if _is_small(step.value, it) else []
        lines.append(_aligned(parts))
    for step in reversed(it.steps):
        formula = formula_of(step.op)
        for operand in step.operands:
            if operand.value is None or not operand.value.needs_grad:
                continue
            parts = [rf"\overline{{{_name(operand.value.name)}}}_{{{step.number}}}"]
            rule = formula.gradient(operand.name) if formula else None
            parts += [rule] if rule else []
            parts += [_matrix(operand.share)] if _is_small(operand.share, it) else []
            lines.append(_aligned(parts))
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _aligned(parts: list[str]) -> str:
    return parts[0] + (" &= " + " = ".join(parts[1:]) if parts[1:] else "")


def _operands(step: Step) -> str:
    return ", ".join(
        _name(operand.label) if operand.value is not None else operand.label.replace("…", r"\ldots")
        for operand in step.operands
    )


def _name(name: str) -> str:
    """A letter stays one, v12 is v with an index, all else is upright."""
    match = re.fullmatch(r"([a-zA-Z])(\d*)", name)
    if match:
        return f"{match[1]}_{{{match[2]}}}" if match[2] else match[1]
    return rf"\mathrm{{{_escaped(name)}}}"


def _escaped(name: str) -> str:
    return name.replace("_", r"\_").replace("#", r"\#")


def _is_small(array: Any, it: Explanation) -> bool:
    return array is not None and np.size(array) <= it.max_elements and np.ndim(array) <= 2


def _matrix(array: Any) -> str:
    """A number, a row or a matrix."""
    if np.ndim(array) == 0:
        return number(np.asarray(array)[()])
    rows = [" & ".join(number(v) for v in row) for row in np.atleast_2d(array)]
    return r"\begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix}"
