"""The gradients of one node; rules are called only here.

A node's op goes from the gradient of its result to those of its inputs in one of three ways: by a
rule for each input, by one function for all of them, or, for first-order gradients, through its
fast door (`dlframe.ops.definition.NodeOp`). Without `create_graph` all of it runs on arrays. With
it the same rules run on tensors, so that their own operations are recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlframe.ops import record
from dlframe.ops.batched import BATCH_ERRORS, LoopNeeded, holds_batch, one_by_one
from dlframe.ops.batched.examples import recorded_one_by_one, tensors_hold_batch
from dlframe.ops.broadcast import sum_to
from dlframe.ops.calling import output_of, wrap
from dlframe.ops.record import Node


def gradients_of(node: Node, targets: Sequence[Any], g: Any, create_graph: bool) -> Sequence[Any]:
    """One gradient (or None) per input of `node`; `in_shape` brings them into the inputs' shapes.

    Args:
        node: the node, with the values that its op kept.
        targets: for each input the place to which its gradient goes, or None if none is wanted.
        g: the gradient of the result; for several results a tuple, with None for missing ones.
        create_graph: `g` is a tensor, and so are the results.
    """
    op = node.op
    if node.outputs is not None and op.materialize:
        g = tuple(
            [
                np.zeros(*meta) if gi is None and meta is not None else gi
                for gi, meta in zip(g, node.outputs, strict=True)
            ]
        )
    if op.fast is not None and not create_graph and not op.has_no_residuals(node):
        try:
            return op.fast(g, [target is not None for target in targets], *node.args)
        except LoopNeeded:
            # it may write into buffers that cannot hold a batch; the rules do not
            record.check_kept(node)
    if op.together is not None:  # each of its rules keeps the same
        return _called(op.together, g, _kept_by_rule(node, 0, create_graph), create_graph)
    if op.joint is None:
        return [
            None
            if target is None or rule is None
            else _called(rule, g, _kept_by_rule(node, i, create_graph), create_graph)
            for i, (target, rule) in enumerate(zip(targets, op.rules, strict=True))
        ]
    kept = _joint_tensors(node) if create_graph else node.args[0]
    if op.variadic is None or create_graph:
        return op.joint(g, *kept)  # a separate pass, which handles batches itself
    return _called(op.joint, g, kept, create_graph)


def _called(rule: Any, g: Any, kept: Sequence[Any], create_graph: bool) -> Any:
    """`rule(g, *kept)`, for each example of a batch if the rule cannot take it as a whole."""
    try:
        return rule(g, *kept)
    except BATCH_ERRORS:
        if create_graph:
            if tensors_hold_batch((g, *kept)):
                return recorded_one_by_one(rule, (g, *kept))
        elif holds_batch(g, kept):
            return one_by_one(rule, (g, *kept))
        raise


def in_shape(grads: Sequence[Any], shapes: Sequence[Any]) -> list[Any]:
    """`grads`, summed over the dimensions along which their inputs were broadcast."""
    return [
        gi if gi is None or gi.shape == shape else sum_to(gi, shape=shape)
        for gi, shape in zip(grads, shapes, strict=True)
    ]


# --- what a node kept --------------------------------------------------------------------------


def _kept_by_rule(node: Node, i: int, create_graph: bool) -> Sequence[Any]:
    op, names = node.op, node.op.kept[i]
    if op.fast is None:
        kept = node.args[i]
    else:
        at_hand = dict(zip(op.fast_kept, node.args, strict=True))
        kept = [at_hand[name] for name in names]
    if not create_graph:
        return kept
    return [_as_tensor(node, name, value) for name, value in zip(names, kept, strict=True)]


def _joint_tensors(node: Node) -> list[Any]:
    values = []
    for name, value in zip(node.op.kept[0], node.args[0], strict=True):
        if name == node.op.variadic:
            values.append(tuple(_linked(t, v) for t, v in zip(node.targets, value, strict=True)))
        else:
            values.append(_as_tensor(node, name, value))
    return values


def _as_tensor(node: Node, name: str, value: Any) -> Any:
    if name == "out":
        if node.outputs is not None:
            return tuple([output_of(node, i, a) for i, a in enumerate(value)])
        return _linked(node, value)
    if name in node.op.inputs:
        return _linked(node.targets[node.op.inputs.index(name)], value)
    return value


def _linked(target: Any, array: Any) -> Any:
    """A tensor around `array` whose gradient goes to `target`."""
    if target is None or not isinstance(array, np.ndarray):
        return array
    if target.__class__ is not Node:
        return target
    tensor = wrap(array)
    tensor.node, tensor.needs_grad = target, True
    return tensor


__all__ = ["gradients_of", "in_shape"]
