"""An explanation as plain text, the formulas in LaTeX."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import kernels
from dlframe.autograd.describing import describe
from dlframe.ops.record import Array
from dlframe.viz.explain.formulas import formula_of
from dlframe.viz.explain.graph import Step, Value
from dlframe.viz.explain.modules import Row
from dlframe.viz.explain.notation import symbol

if TYPE_CHECKING:
    from dlframe.viz.explain.explanation import Explanation

WIDTH = 100
HOW_TO_KEEP = "with dl.autograd.keep_values():"


def text_of(it: Explanation) -> str:
    """The whole text: modules if `depth` was given, otherwise steps."""
    steps = f"{it.total} step{'s' * (it.total != 1)}"
    leaves = "1 leaf" if len(it.leaves) == 1 else f"{len(it.leaves)} leaves"
    lines = [f"{it.name}: {steps}, {leaves}"]
    if it.depth is not None:
        lines += ["", *_module_lines(it)]
        return "\n".join(lines)
    lines += ["", "Leaves", *(line for leaf in it.leaves for line in _leaf(leaf, it.max_elements))]
    if it.steps:
        lines += ["", "Forward"]
        lines += _with_gap(it, _forward)
        lines += ["", f"Backward: g is the gradient of {it.name} with respect to z"]
        lines += _with_gap(it, _backward, reverse=True)
        lines += ["", "Gradients of the leaves"]
        lines += [line for leaf in it.leaves for line in _leaf_gradient(leaf, it.max_elements)]
    return "\n".join([*lines, *remarks(it)])


def remarks(it: Explanation) -> list[str]:
    """Which values are missing, and how to get them."""
    lines = []
    if not it.total:
        lines = ["No operation was recorded: a leaf, or made of values that do not require grad."]
    elif it.freed:
        lines += [
            "The graph was freed by a backward pass. To see its gradients, explain it before",
            f"backward(), call backward(retain_graph=True), or compute it in `{HOW_TO_KEEP}`.",
        ]
    elif it.stopped:
        lines = [
            "Values were written to since, so that not all gradients can be computed any more:",
            *textwrap.wrap(it.stopped, WIDTH),
            "Explain the value before that, before the optimizer's step for instance.",
        ]
    elif not it.complete:
        lines += [
            "A graph keeps only the values that its rules need. To see all of them, with modules",
            f"and lines of the program, compute it in `{HOW_TO_KEEP}`.",
        ]
    for owner, names in kernels.in_use(step.op.name for step in it.steps).items():
        text = f"Compiled by {owner}, with the formulas shown: {', '.join(names)}."
        lines += textwrap.wrap(text, WIDTH)
    return ["", *lines] if lines else []


def numbers(array: Any, most: int, prefix: str = "") -> str:
    """A small array number by number, further lines moved right by `prefix`; else statistics."""
    array = np.asarray(array)
    if array.size > most:
        return describe(array)
    if array.ndim == 0:
        return number(array[()])
    texts = [number(value) for value in array.reshape(-1)]
    rows = array.size // max(array.shape[-1], 1)
    width = max(map(len, texts), default=0) if rows > 1 else 0  # columns stand below each other
    return np.array2string(
        array,
        separator=", ",
        prefix=" " * len(prefix),
        max_line_width=WIDTH,
        threshold=most + 1,
        formatter={"all": lambda value: number(value).rjust(width)},
    )


def number(value: Any) -> str:
    """The number with four digits; -0 is 0."""
    return f"{value + 0.0:.4g}" if isinstance(value, (float, np.floating)) else str(value)


def call_of(step: Step) -> str:
    """The call as it could be written: "linear(x, weight=w, bias=b)"."""
    parts = []
    for operand in step.operands:
        plain = operand.label == operand.name or operand.name.partition("_")[0] in _PLAIN
        parts.append(operand.label if plain else f"{operand.name}={operand.label}")
    defaults = getattr(step.op, "options", {})
    for name, value in step.options.items():
        text = _index_text(value) if name == "index" else _option_text(value)
        if len(text) < 24 and value is not None and text != repr(defaults.get(name)):
            parts.append(f"{name}={text}")
    if len(parts) > 12:
        parts[6:-5] = ["…"]
    return f"{step.op.name}({', '.join(parts)})"


def _option_text(value: Any) -> str:
    return str(value.tolist()) if isinstance(value, np.ndarray) and value.size < 9 else repr(value)


def _index_text(index: Any) -> str:
    """An index as it stands between brackets: [..., 0:4]."""
    parts = index if isinstance(index, tuple) else (index,)
    return f"[{', '.join(map(_part_text, parts))}]"


def _part_text(part: Any) -> str:
    if isinstance(part, slice):
        ends = [part.start, part.stop] + ([] if part.step is None else [part.step])
        return ":".join("" if end is None else str(end) for end in ends)
    return "..." if part is Ellipsis else _option_text(part)


_PLAIN = {"a", "arrays", "b", "x", "y"}  # inputs that are printed without their names


def whereabouts(step: Step) -> str:
    """Module and line, if they were noted."""
    note = step.note
    if note is None:
        return ""
    parts = [] if note.path is None else [str(note.path)]
    if note.backward_of is not None:
        parts.append(f"backward of {note.backward_of.name}")
    if note.place is not None:
        parts.append(note.place.short)
    return ", ".join(parts)


# --- sections ----------------------------------------------------------------------------------


def _with_gap(it: Explanation, section: Any, *, reverse: bool = False) -> Iterator[str]:
    """The lines of each step; where steps were left out, how many."""
    before = None
    for step in reversed(it.steps) if reverse else it.steps:
        if before is not None and abs(step.number - before) > 1:
            yield f"  … {abs(step.number - before) - 1:,} steps left out …"
        yield from section(step, it)
        before = step.number


def _lines(prefix: str, array: Any, most: int) -> list[str]:
    """`prefix` and the array; below the formula in it if both together are too wide."""
    text = numbers(array, most, prefix)
    left, formula, _ = prefix.rpartition(" = ")
    if formula and " = " in left and ("\n" in text or len(prefix + text) > WIDTH):
        below = " " * (left.index(" = ") + 1) + "= "
        return [left, *(below + numbers(array, most, below)).split("\n")]
    return (prefix + text).split("\n")


def _leaf(leaf: Value, most: int) -> list[str]:
    lines = _lines(f"  {leaf.name} = ", leaf.array, most)
    if leaf.overwritten:
        lines[-1] += f"   (written to since: {leaf.overwritten})"
    return lines


def _forward(step: Step, it: Explanation) -> list[str]:
    head = f"{step.number:>{_width(it)}}  {step.result.name} = {call_of(step)}"
    lines = [head]
    where = whereabouts(step)
    if where:
        lines = (
            [f"{head:<58}  # {where}"] if len(head) + len(where) < 96 else [head, f"{_IN}# {where}"]
        )
    formula = formula_of(step.op)
    if formula:
        lines.append(f"{_IN}z = {formula.value}")
    if step.value is not None:
        return lines + _lines(f"{_IN}z = ", step.value, it.max_elements)
    if step.result.overwritten:
        return [*lines, f"{_IN}z was written to since: {step.result.overwritten}"]
    if step.result.shape is not None:
        return [*lines, f"{_IN}z has the shape {list(step.result.shape)}; it was not kept"]
    return lines


def _backward(step: Step, it: Explanation) -> list[str]:
    head = f"{step.number:>{_width(it)}}  {step.result.name}: g"
    if step.gradient is not None:
        lines = _lines(f"{head} = ", step.gradient, it.max_elements)
    else:
        lines = [f"{head} of its several results" if step.several else f"{head} is not known"]
    formula = formula_of(step.op)
    for operand in step.operands:
        if operand.value is None or not operand.value.needs_grad:
            continue
        rule = formula.gradient(operand.name) if formula else None
        left = f"{_IN}to {operand.value.name}: \\bar{{{symbol(operand.name)}}}"
        left += f" = {rule}" if rule else ""
        if operand.share is None:
            lines.append(left)
        else:
            lines += _lines(f"{left} = ", operand.share, it.max_elements)
    return lines


_IN = " " * 7  # the indentation of the lines of a step


def _width(it: Explanation) -> int:
    """How wide the numbers of steps are, with their margin."""
    return max(3, len(str(it.total)) + 2)


def _leaf_gradient(leaf: Value, most: int) -> list[str]:
    if not leaf.needs_grad:
        return []
    lines = []
    if leaf.gradient is not None:
        lines = _lines(f"  {leaf.name}: ", leaf.gradient, most)
    elif leaf.grad is None:
        lines = [f"  {leaf.name}: not known"]
    if leaf.grad is not None:
        same = leaf.gradient is not None and np.allclose(leaf.grad, leaf.gradient, equal_nan=True)
        if not same:
            lines += _lines(f"  {leaf.name}.grad = ", leaf.grad, most)
    return lines


# --- modules -----------------------------------------------------------------------------------


def module_table(rows: list[Row]) -> list[list[str]]:
    """The table's cells, the head first."""
    head = ["Module", "Output", "mean", "std", "|gradient|", "Parameters", "|their gradient|"]
    return [head, *[_cells(row) for row in rows]]


def _cells(row: Row) -> list[str]:
    last = row.path.rpartition(".")[2]
    name = "  " * row.depth + (last if last == row.kind else f"{last} ({row.kind})")
    out: Array | None = row.output
    floats = out is not None and out.dtype.kind == "f" and out.size > 0
    wide = out.astype(np.float64) if floats and out is not None else np.zeros(1)
    eps = float(np.finfo(out.dtype).eps) if floats and out is not None else 0.0
    return [
        name,
        "" if out is None else str(list(out.shape)),
        f"{_mean(wide, eps):.3g}" if floats else "",
        f"{wide.std():.3g}" if floats else "",
        "" if row.gradient_norm is None else f"{row.gradient_norm:.3g}",
        f"{row.parameter_count:,}" if row.parameters else "",
        "" if row.parameter_gradient_norm is None else f"{row.parameter_gradient_norm:.3g}",
    ]


def _mean(values: Array, eps: float) -> float:
    """The mean; 0 if it is not above the rounding errors of the elements, of relative size `eps`.

    The mean of a batch-normalized output, for instance, is 0 on one processor and 1e-8 on another.
    """
    mean = float(values.mean())
    noise = 8 * eps * float(np.abs(values).max())
    return 0.0 if abs(mean) < noise else mean


def _module_lines(it: Explanation) -> list[str]:
    if not it.rows:
        return [f"No modules were noted. Compute the value in `{HOW_TO_KEEP}`."]
    table = module_table(it.rows)
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    lines = []
    for cells in table:
        left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
        lines.append("  ".join([*left, *right]).rstrip())
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]
