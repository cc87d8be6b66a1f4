"""What an operation costs: its multiplications, each with its addition.

Only the operations that multiply matrices have a line here; in a network nearly all work is theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dlframe import ops
from dlframe.ops.watching import Call
from dlframe.tensor import to_array

Shape = tuple[int, ...]


def _contraction(shapes: list[Shape], options: dict[str, Any]) -> int:
    # one product for every combination of the indices
    sizes: dict[str, int] = {}
    for letters, shape in zip(options["inputs"], shapes[:-1], strict=True):
        sizes.update(zip(letters, shape, strict=True))
    return math.prod(sizes.values())


def _recurrent(states: int) -> Callable[[list[Shape], dict[str, Any]], int]:
    """Each row of the input is a step of a sequence, which meets each weight once."""

    def cost(shapes: list[Shape], _: dict[str, Any]) -> int:
        weights = [s for s in shapes[1 + states : -1 - states] if len(s) == 2]
        return math.prod(shapes[0][:-1]) * sum(math.prod(s) for s in weights)

    return cost


# Per operation: its cost, from the shapes of inputs and result, and the options.
_COSTS: dict[Any, Callable[[list[Shape], dict[str, Any]], int]] = {
    ops.matmul.definition: lambda s, _: math.prod(s[2]) * s[0][-1],
    ops.addmm.definition: lambda s, _: math.prod(s[3]) * s[1][-1],
    ops.linear.definition: lambda s, _: math.prod(s[-1]) * s[1][-1],
    ops.contract.definition: _contraction,
    # each number of the output is one dot product with one kernel
    ops.convolution.definition: lambda s, _: math.prod(s[-1]) * math.prod(s[1][1:]),
    ops.convolution_input.definition: lambda s, _: math.prod(s[0]) * math.prod(s[1][1:]),
    ops.convolution_weight.definition: lambda s, _: math.prod(s[1]) * math.prod(s[2][1:]),
    ops.rnn_layer.definition: _recurrent(1),
    ops.gru_layer.definition: _recurrent(1),
    ops.lstm_layer.definition: _recurrent(2),
}


def multiply_adds(call: Call) -> int | None:
    """The number for one call of an operation; None if it multiplies no matrices."""
    cost = _COSTS.get(call.definition)
    if cost is None:
        return None
    arrays = [to_array(x) for x in (*call.inputs, *call.outputs) if x is not None]
    return int(cost([a.shape for a in arrays], call.options))
