"""The formulas of an operation and of its gradients, which are written beside the operation."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from dlframe.viz.explain.printing import printed

__all__ = ["Formula", "formula_of", "where_is"]


class Formula(NamedTuple):
    """LaTeX of an operation's value, and of the gradient with respect to each input."""

    value: str
    gradients: dict[str, str]

    def gradient(self, name: str) -> str | None:
        """The gradient of the input `name`; those of `*xs`, numbered, share one formula."""
        stem, _, number = name.rpartition("_")
        if name not in self.gradients and number.isdigit():
            name = stem
        return self.gradients.get(name)


def formula_of(op: Any) -> Formula | None:
    """The formulas beside an operation and its rules; None for an operation that has none.

    For rules without one, the formula is printed from the source, once.
    """
    value: str | None = getattr(op, "latex", None)
    if value is None:
        return None
    written: dict[str, str] = op.gradient_latex
    for name, rule in zip(op.inputs, op.rules):
        if rule is not None and name not in written:
            latex = printed(rule)
            if latex is not None:
                written[name] = latex
    return Formula(value, written)


def where_is(op: Any) -> str:
    """The file and the name of an operation, as in "`dlframe/ops/networks.py`, softmax".

    The documentation of a layer shows it, to lead to the formula.
    """
    for module in [m for name, m in sys.modules.items() if name.startswith("dlframe.ops.")]:
        for name in getattr(module, "__all__", ()):
            found: Any = getattr(getattr(module, name), "definition", None)
            if found is op and name == op.name:
                return f"`{module.__name__.replace('.', '/')}.py`, {name}"
    return f"`{op.forward.__module__.replace('.', '/')}.py`, {op.name}"
