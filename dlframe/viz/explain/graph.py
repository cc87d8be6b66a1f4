"""The steps behind a value, in order, with the values that are known of each.

A node keeps only the values that its rules need. But a result that is kept
is the operand of one node and the result of another; leaves have their values; and a separate
backward pass gives every result's gradient, and with it the shape. `keep_values` provides
the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlframe.autograd.rules import gradients_of, in_shape
from dlframe.base.quiet import silence
from dlframe.errors import GradientError
from dlframe.ops import record
from dlframe.ops.record import Array, Node, TensorBase
from dlframe.ops.watching import Note, Output, note_of

UNKNOWN: Any = object()  # stands for a value that was not kept
_NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)


@dataclass
class Value:
    """A leaf, or the result of a step."""

    name: str
    array: Array | None = None
    shape: tuple[int, ...] | None = None
    gradient: Array | None = None
    grad: Array | None = None  # a leaf's .grad, which adds up over backward passes
    is_leaf: bool = False
    needs_grad: bool = True
    overwritten: str = ""  # what wrote to its memory since


@dataclass
class Operand:
    """An input of a step: a value of the graph, a constant array, or a number."""

    name: str  # its name in the op
    value: Value | None  # None for a number, and for an unknown value
    constant: Any = UNKNOWN
    share: Array | None = None  # what this step adds to the value's gradient

    @property
    def label(self) -> str:
        """Its text: the value's name, the number itself, or … for an unknown value."""
        if self.value is not None:
            return self.value.name
        return f"{self.constant:g}" if isinstance(self.constant, _NUMBERS) else "…"


@dataclass
class Step:
    """One operation: its operands, its result, and where it was called."""

    number: int
    op: Any
    result: Value
    operands: list[Operand]
    options: dict[str, Any] = field(default_factory=dict)
    note: Note | None = None
    several: bool = False  # whether the operation has several results, each with a step of its own

    @property
    def value(self) -> Array | None:
        """The result, if it was kept."""
        return self.result.array

    @property
    def gradient(self) -> Array | None:
        """The gradient of the explained value with respect to the result."""
        return self.result.gradient

    @property
    def outputs(self) -> list[Output]:
        """The modules whose output the result is."""
        return self.note.outputs if self.note else []


def collect(root: Any) -> tuple[list[Node], list[Any]]:
    """The nodes behind the target `root`, oldest first, and the leaves in the order of use."""
    leaves: dict[int, Any] = {}
    ordered, _ = record.walk([root])
    for node in ordered:
        for target in node.targets:
            if target is not None and target.__class__ is not Node:
                leaves.setdefault(id(target), target)
    if isinstance(root, TensorBase):
        leaves[id(root)] = root
    return ordered, list(leaves.values())


def constants(nodes: Iterable[Node]) -> list[Array]:
    """The arrays that nodes keep but that are not part of the graph, such as data."""
    found: dict[int, Array] = {}
    for node in nodes:
        for i, value in kept_inputs(node).items():
            known = i >= len(node.targets) or node.targets[i] is not None
            if not known and isinstance(value, np.ndarray) and value.ndim:
                found.setdefault(id(value), value)
    return list(found.values())


def known_values(nodes: Iterable[Node]) -> dict[int, tuple[Array, int]]:
    """By id of node or leaf: its array, and the time after which a write makes it invalid."""
    known: dict[int, tuple[Array, int]] = {}
    for node in nodes:
        note = note_of(node)
        if note is not None and isinstance(note.result, np.ndarray):
            known[id(node)] = (note.result, node.seq)
        for i, value in kept_inputs(node).items():
            if node.targets[i] is not None and isinstance(value, np.ndarray):
                known.setdefault(id(node.targets[i]), (value, node.seq))
        out = _kept_by_name(node).get("out")
        if isinstance(out, np.ndarray):
            known.setdefault(id(node), (out, node.seq))
    return known


def kept_inputs(node: Node) -> dict[int, Any]:
    """The inputs that `node`, or its note, still keeps, by their numbers."""
    note = note_of(node)
    if note is not None and note.inputs is not None:
        return dict(enumerate(note.inputs))
    kept = _kept_by_name(node)
    if node.op.variadic:
        return dict(enumerate(kept.get(node.op.variadic, ())))
    return {i: kept[name] for i, name in enumerate(node.op.inputs) if name in kept}


def _kept_by_name(node: Node) -> dict[str, Any]:
    if node.args is None:
        return {}
    return {
        name: value
        for names, values in node.op.kept_by(node)
        for name, value in zip(names, values, strict=False)
    }


# --- the separate backward pass ----------------------------------------------------------------


class Stopped(Exception):
    """The rules of a node cannot run any more; says why, or nothing if the graph was freed."""


def gradients(
    root: Any, start: Array, nodes: list[Node], wanted: set[int], stops: list[str]
) -> Iterator[tuple[Any, Any, list[Any] | None]]:
    """(target, gradient, shares of the inputs) of each node from the newest on, then of leaves.

    Nothing is accumulated, no hook is called, no graph is freed. Shares are made for all nodes, but
    returned only for nodes whose id is in `wanted`. They are None if a rule cannot run any more;
    the reason is added to `stops`.
    """
    pending: dict[Any, Any] = {root: start}
    for node in reversed(nodes):
        g = pending.pop(node, None)
        if g is None:
            continue
        shares: list[Any] | None = None
        try:
            shares = _shares(node, g)
        except Stopped as stop:
            stops.append(str(stop))
        yield node, g, shares if id(node) in wanted else None
        for target, share in zip(node.targets, shares or (), strict=False):
            if target is not None and share is not None:
                pending[target] = pending[target] + share if target in pending else share
    for leaf, g in pending.items():
        yield leaf, g, None


def _shares(node: Node, g: Any) -> list[Any]:
    """The results of the rules of `node` for `g`, per input (or None)."""
    if node.op.passes_gradients:
        parts = g if isinstance(g, tuple) else (g,)
        return [None] * (len(node.targets) - len(parts)) + list(parts)
    note = note_of(node)
    args = node.args if node.args is not None else note and note.args
    if args is None:
        raise Stopped
    again = Node(node.op, node.targets, args, shapes=node.shapes, outputs=node.outputs)
    again.seq = node.seq
    try:
        record.check_kept(again)
    except GradientError as error:  # an array that it kept was overwritten
        raise Stopped(str(error)) from None
    try:
        with silence():
            shares = gradients_of(again, again.targets, g, create_graph=False)
    except GradientError:  # a Function, which lets its own tensors be freed
        raise Stopped from None
    return list(shares) if node.shapes is None else in_shape(shares, node.shapes)
