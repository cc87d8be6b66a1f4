"""What an operation costs: its multiplications, each with its addition.

Only the operations that multiply matrices have a line here; in a network nearly all work is theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from dlframe import ops
from dlframe.ops.watching import Call
from dlframe.tensor import to_array

Shape = tuple[int, ...]


def _contraction(out: Shape, *shapes: Shape, inputs: Any, **_: Any) -> int:
    # one product for every combination of the indices
    sizes: dict[str, int] = {}
    for letters, shape in zip(inputs, shapes, strict=True):
        sizes.update(zip(letters, shape, strict=True))
    return prod(sizes.values())


def _recurrence(steps: int, *weights: Shape | None) -> int:
    return steps * sum(prod(weight) for weight in weights if weight is not None)


# Per operation: its cost, from the shapes of the result and of the inputs (None for one that was
# left out), and from its options.
_COSTS: dict[Any, Callable[..., int]] = {
    ops.matmul: lambda out, x, y: prod(out) * x[-1],
    ops.addmm: lambda out, z, x, y, **_: prod(out) * x[-1],
    ops.linear: lambda out, x, weight, *_: prod(out) * weight[-1],
    ops.contract: _contraction,
    # each number of the output is one dot product with one kernel
    ops.convolution: lambda out, x, weight, *_, **__: prod(out) * prod(weight[1:]),
    ops.convolution_input: lambda out, y, weight, *_, **__: prod(y) * prod(weight[1:]),
    ops.convolution_weight: lambda out, x, y, **_: prod(y) * prod(out[1:]),
    ops.rnn_layer: lambda out, x, h, a, b, *_, **__: _recurrence(prod(x[:-1]), a, b),
    ops.gru_layer: lambda out, x, h, a, b, *_, **__: _recurrence(prod(x[:-1]), a, b),
    ops.lstm_layer: lambda out, x, h, c, a, b, *rest, **_: _recurrence(
        prod(x[:-1]), a, b, *rest[2:3]
    ),
    # the scores, and the mean of the values
    ops.attention_weights: lambda out, query, *_, **__: prod(out) * query[-1],
    ops.attention: lambda out, query, key, *_, **__: (
        prod(out) // out[-1] * key[-2] * (query[-1] + out[-1]) if prod(out) else 0
    ),
}
_BY_DEFINITION = {function.definition: cost for function, cost in _COSTS.items()}


def multiply_adds(call: Call) -> int | None:
    """The number for one call of an operation; None if it multiplies no matrices."""
    cost = _BY_DEFINITION.get(call.definition)
    if cost is None:
        return None
    shapes = [None if x is None else to_array(x).shape for x in call.inputs]
    return cost(to_array(call.outputs[0]).shape, *shapes, **call.options)
