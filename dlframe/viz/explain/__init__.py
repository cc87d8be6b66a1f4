"""`explain`: the graph behind a value, step by step, with formulas, values and gradients.

`explanation` collects, `graph` knows what a bare graph still knows, `names` finds what values are
called, `modules` sums up; `text`, `markdown` and `dlframe.viz.graph` show it; `formulas` asks
every operation for its formula, in the letters of `notation`, and `printing` reads rules.
"""

from __future__ import annotations

from dlframe.viz.explain.explanation import Explanation, explain
from dlframe.viz.explain.graph import Step, Value
from dlframe.viz.explain.modules import Row

__all__ = ["Explanation", "Row", "Step", "Value", "explain"]
