"""The backward pass: walk the recorded nodes once, newest first, and hand on each one's gradients.

A node's result can only have been used by newer nodes, so the newest node that has a gradient
waiting has received all of it. A heap ordered by creation is therefore all the bookkeeping there
is: no recursion, no counting of uses. What a node kept is released as soon as it is done.

How one node computes gradients is in `dlframe.autograd.rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import Any

import numpy as np

from dlframe.autograd.hooks import run_after_hooks, run_hooks
from dlframe.autograd.rules import gradients_of, in_shape
from dlframe.base.quiet import in_force, silence
from dlframe.errors import GradientError
from dlframe.ops import record
from dlframe.ops.batched import BATCH_ERRORS, holds_batch
from dlframe.ops.record import Node
from dlframe.ops.watching import point_to_forward, watched, watched_gradients, watchers


def run_backward(
    roots: Sequence[Any],
    gradients: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Any] | None = None,
    stop: bool = False,
) -> dict[Any, Any]:
    """Propagate `gradients` from the targets `roots`; returns what arrived, per leaf or input.

    Args:
        roots: nodes or leaves to start from.
        gradients: for each root its gradient; arrays, or tensors with `create_graph`.
        retain_graph: keep what the nodes hold, for another pass.
        create_graph: run the rules on tensors, so that the gradients have a graph of their own.
        inputs: only gradients of these targets are wanted; None means all leaves.
        stop: end at `inputs`, and do not even look beyond. Their hooks are not called: they
            belong to the pass that goes on from there.
    """
    if in_force():
        return _pass_back(roots, gradients, inputs, retain_graph, create_graph, stop)
    with silence():
        return _pass_back(roots, gradients, inputs, retain_graph, create_graph, stop)


def _pass_back(
    roots: Sequence[Any],
    gradients: Sequence[Any],
    inputs: Sequence[Any] | None,
    retain_graph: bool,
    create_graph: bool,
    stop: bool,
) -> dict[Any, Any]:
    wanted = set(inputs or ())
    useful = None if inputs is None else _leading_to(roots, wanted, stop)
    pending: dict[Any, Any] = {}  # target -> the gradient that has arrived so far
    owned: set[Any] = set()  # targets whose pending gradient is a sum that we allocated
    found: dict[Any, Any] = {}
    heap: list[tuple[int, Any]] = []
    for root, gradient in zip(roots, gradients, strict=True):
        if useful is not None and root not in useful:
            continue
        if root in pending:
            pending[root] = pending[root] + gradient
            continue
        pending[root] = gradient
        if root.__class__ is Node:
            heappush(heap, (-root.seq, root))
    observed = watched and watchers()
    compute = partial(watched_gradients, gradients_of) if observed else gradients_of
    at_once = not (observed or create_graph)  # then most nodes need nothing but their rules
    last_mutation = record.last_mutation()

    while heap:
        node = heappop(heap)[1]
        g = pending.pop(node)
        if owned:
            owned.discard(node)
        hooks, targets = node.hooks, node.targets
        if stop and node in wanted:
            found[node] = g
            continue
        if hooks is not None:
            g = run_hooks(hooks, g, create_graph)
        if useful is not None:
            if node in wanted:
                found[node] = g
            targets = [target if target in useful else None for target in targets]
            if all(target is None for target in targets):
                continue  # nothing wanted lies beyond; the node keeps its values for others
        if node.args is None:
            raise GradientError(
                f"{node.op.name}: Trying to backward through the graph a second time, but what "
                "it kept was freed by the first backward. Pass retain_graph=True to that first "
                "call, or compute the forward again; a state that is carried from one batch to "
                "the next, such as a hidden state, needs detach()."
            )
        if node.seq < last_mutation:
            _check_kept(node, create_graph)
        op = node.op
        try:
            if at_once and op.simple and node.outputs is None:
                grads = op.by_rules(g, targets, node.args)
            else:
                grads = compute(node, targets, g, create_graph)
        except BATCH_ERRORS:
            if not holds_batch(g, node.args):
                raise
            grads = compute(node, targets, g, create_graph)
        if node.shapes is not None:
            grads = in_shape(grads, node.shapes)
        if hooks is not None:
            grads = run_after_hooks(node, g, grads, create_graph)
        if op.keeps and not retain_graph:
            node.args = None
        i = -1  # counted by hand: zip() would cost as much as the rest of this loop
        for target in targets:
            i += 1
            if target is None or (gi := grads[i]) is None:
                continue
            if target not in pending:
                pending[target] = gi
                if target.__class__ is Node:
                    heappush(heap, (-target.seq, target))
            elif target in owned and gi.__class__ is np.ndarray:
                pending[target] += gi
            else:
                pending[target] = total = pending[target] + gi
                if total.__class__ is np.ndarray and not create_graph:
                    owned.add(target)
    for leaf, g in pending.items():
        hooks = None if stop else leaf.hooks
        found[leaf] = g if hooks is None else run_hooks(hooks, g, create_graph)
    return found


def _check_kept(node: Node, create_graph: bool) -> None:
    try:
        record.check_kept(node, first_order=not create_graph)
    except GradientError as error:
        point_to_forward(error, node)
        raise


def _leading_to(roots: Iterable[Any], wanted: set[Any], stop: bool) -> set[Any]:
    """The targets reachable from `roots` that lead to `wanted`; with `stop`, not through these."""
    useful = set(wanted)
    nodes, _ = record.walk(roots, lambda node: not stop or node not in wanted)
    for node in nodes:  # oldest first: targets before their users
        if any(t in useful for t in node.targets):
            useful.add(node)
    return useful
