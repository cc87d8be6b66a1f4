"""Every operation's formula and those of its gradients, in LaTeX.

One table per family of operations; `notation` says what the letters mean. A test fails for an
operation that has none.
"""

from __future__ import annotations

from typing import Any

from dlframe.viz.explain.formulas import (
    algebra,
    elementary,
    networks,
    plain,
    shape,
    special,
)
from dlframe.viz.explain.formulas.notation import Formula, symbol

TABLE: dict[str, Formula] = {
    **elementary.TABLE,
    **special.TABLE,
    **shape.TABLE,
    **plain.TABLE,
    **algebra.TABLE,
    **networks.TABLE,
}


def formula_of(op: Any) -> Formula | None:
    """What an operation says of itself; None for one that has no formula."""
    old = TABLE.get(op.name)
    value = getattr(op, "latex", None)
    if value is None:
        return old
    return Formula(value, {**(old.gradients if old else {}), **op.gradient_latex})


__all__ = ["TABLE", "Formula", "formula_of", "symbol"]
