"""`explain`: the graph behind a value, step by step, with formulas, values and gradients.

`explanation` collects the steps, `graph` reads the recorded graph, `names` finds the names of
values, and `modules` sums up modules. `text`, `markdown` and `dlframe.viz.graph` show the result.
`formulas` returns the formula of an operation, by `notation`; `printing` reads rules.
"""

from __future__ import annotations

from dlframe.viz.explain.explanation import Explanation, explain
from dlframe.viz.explain.graph import Step, Value
from dlframe.viz.explain.modules import Row

__all__ = ["Explanation", "Row", "Step", "Value", "explain"]
