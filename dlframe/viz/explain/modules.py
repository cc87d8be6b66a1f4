"""A large graph module by module: outputs, their gradients, and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlframe.ops.record import Array, Node
from dlframe.ops.watching import Output, note_of


@dataclass
class Row:
    """One call of a module."""

    path: str
    kind: str
    depth: int
    output: Array | None
    gradient: Array | None  # with respect to the output
    parameters: dict[str, Any]  # by name: its own, and its parts' where these have no row
    parameter_gradients: dict[str, Array]

    @property
    def parameter_count(self) -> int:
        """The number of elements of the module's parameters."""
        return sum(parameter.array.size for parameter in self.parameters.values())

    @property
    def gradient_norm(self) -> float | None:
        """The length of the gradient with respect to the output."""
        return None if self.gradient is None else norm([self.gradient])

    @property
    def parameter_gradient_norm(self) -> float | None:
        """The length of the gradient with respect to all parameters of the row."""
        arrays = list(self.parameter_gradients.values())
        return norm(arrays) if arrays else None


def norm(arrays: list[Array]) -> float:
    """The Euclidean length of all numbers together."""
    squares = sum(float(np.square(a, dtype=np.float64).sum()) for a in arrays)
    return float(np.sqrt(squares))


def rows_of(nodes: list[Node], gradients: dict[int, Any], depth: int) -> list[Row]:
    """A row per call of a module down to `depth`, callers before their parts."""
    rows: list[Row] = []
    for node in nodes:
        note = note_of(node)
        # a module's output is noted after those of its parts, so reverse the order
        outputs = reversed(note.outputs if note else [])
        rows += [
            _row(output, node, gradients, depth) for output in outputs if output.depth <= depth
        ]
    return _callers_first(rows)


def _row(output: Output, node: Node, gradients: dict[int, Any], depth: int) -> Row:
    note = note_of(node)
    module = output.module()
    named = {} if module is None else dict(module.named_parameters(recurse=output.depth == depth))
    g = gradients.get(id(node))
    return Row(
        output.path,
        output.kind,
        output.depth,
        note.result if note else None,
        None if isinstance(g, tuple) else g,
        named,
        {name: gradients[id(p)] for name, p in named.items() if id(p) in gradients},
    )


def _callers_first(rows: list[Row]) -> list[Row]:
    """Rows come in the order of their outputs: a caller's last. Put it before its parts."""
    ordered: list[Row] = []
    for row in rows:
        place = len(ordered)
        while place > 0 and ordered[place - 1].path.startswith(f"{row.path}."):
            place -= 1
        ordered.insert(place, row)
    return ordered
