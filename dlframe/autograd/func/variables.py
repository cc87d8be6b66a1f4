"""The variables of one derivative, and the backward passes to them.

Each call wraps the inputs in variables of its own, so that calls can be nested. For a derivative
inside another one, the variables of the outer one are part of the graph, and the outer one records
the inner derivative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlframe.autograd.backward import run_at_end
from dlframe.autograd.batching import entry_node
from dlframe.autograd.engine import run_backward
from dlframe.base import nests
from dlframe.errors import DTypeError
from dlframe.ops import record
from dlframe.ops.calling import wrap
from dlframe.ops.op import cast
from dlframe.ops.record import Node, TensorBase, walk

_ENTRY = entry_node().op


class Variables:
    """The inputs of one derivative; each has a node between it and its earlier graph."""

    def __init__(self, values: Any, by: str):
        leaves, self.tree = nests.flatten(values)
        self.leaves = [variable(x, by) for x in leaves]
        self.nodes: list[Node] = [x.node for x in self.leaves]

    def nested(self) -> Any:
        """The variables, in the containers of the inputs."""
        return nests.unflatten(self.leaves, self.tree)

    def reach_outside(self, tensors: Iterable[Any]) -> bool:
        """Whether `tensors` depend on a variable of an outer derivative."""
        own = set(self.nodes)
        nodes, leaves = walk(record.target_of(x) for x in tensors if x.needs_grad)
        return bool(leaves) or any(
            node.op is _ENTRY and node not in own and node.targets[0] is None
            for node in nodes  # such a node is a variable of an outer derivative
        )


def variable(x: Any, by: str) -> Any:
    """The tensor `x` as the result of a new node, whose input is the earlier node of `x`."""
    if not isinstance(x, TensorBase):
        raise TypeError(f"{by}: Expected all inputs to be Tensors, got {type(x).__name__}")
    if x.array.dtype.kind != "f":
        raise DTypeError(
            f"{by}: only Tensors of floating point dtype can be differentiated by, got "
            f"{x.array.dtype}"
        )
    own = wrap(x.array)
    node = entry_node()
    if x.needs_grad:
        node.targets = (record.target_of(x),)
    own.node, own.needs_grad = node, True
    return own


def outward(value: Any, variables: Variables, outer: bool) -> Any:
    """The results for the caller, with a graph only if it leads beyond the variables."""

    def released(x: Any) -> Any:
        plain = not isinstance(x, TensorBase) or not x.needs_grad
        return x if plain or (outer and variables.reach_outside([x])) else x.detach()

    return nests.map_leaves(released, value)


def gradients_of(
    outputs: Sequence[Any],
    nodes: Sequence[Any],
    starts: Sequence[Any],
    *,
    create_graph: bool,
    retain_graph: bool = True,
) -> list[Any]:
    """For each node a tensor or None; outputs that are None or have no graph are ignored.

    A start of None means ones.
    """
    pairs = [
        (y, _start(y, g))
        for y, g in zip(outputs, starts, strict=True)
        if y is not None and y.needs_grad
    ]
    found = run_backward(
        [record.target_of(y) for y, _ in pairs],
        [g if create_graph else g.array for _, g in pairs],
        retain_graph=retain_graph,
        create_graph=create_graph,
        inputs=nodes,
    )
    run_at_end()
    got = [found.get(node) for node in nodes]
    return [g if g is None or isinstance(g, TensorBase) else wrap(g) for g in got]


def _start(y: Any, g: Any) -> Any:
    if g is None:
        return wrap(np.ones_like(y.array))
    return g if g.array.dtype == y.array.dtype else cast(g, dtype=y.array.dtype)


def zeros_of(x: Any) -> Any:
    """Zeros of the shape and dtype of `x`, its gradient if no result depends on it."""
    return wrap(np.zeros_like(x.array))


def or_zeros(gradients: Sequence[Any], like: Sequence[Any]) -> list[Any]:
    """The gradients, with zeros for missing ones."""
    return [zeros_of(x) if g is None else g for g, x in zip(gradients, like, strict=True)]


__all__ = ["Variables", "gradients_of", "or_zeros", "outward", "variable", "zeros_of"]
