"""The backward pass: walk the recorded nodes once, newest first, and hand on each one's gradients.

A node's result can only have been used by newer nodes, so the newest node that has a gradient
waiting has received all of it. A heap ordered by creation is therefore all the bookkeeping there
is: no recursion, no counting of uses. What a node kept is released as soon as it is done.

Without `create_graph` the rules run on raw arrays. With it the *same* rules run on tensors, so
their own operations are recorded, and the result can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import Any

import numpy as np

from dlframe.autograd.hooks import HookedOp
from dlframe.errors import GradientError
from dlframe.ops import record
from dlframe.ops.batched import LoopNeeded, one_by_one
from dlframe.ops.batched.examples import recorded_one_by_one
from dlframe.ops.broadcast import sum_to
from dlframe.ops.calling import output_of, wrap
from dlframe.ops.record import Node, TensorBase, grad_mode
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
        stop: do not go on beyond `inputs`, where one of them leads to another.
    """
    wanted = set(inputs or ())
    useful = None if inputs is None else _leading_to(roots, wanted)
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
    last_mutation = record.last_mutation()
    looked_at = bool(watched and watchers())

    while heap:
        node = heappop(heap)[1]
        g = pending.pop(node)
        if node.hooks is not None:
            g = _run_hooks(node.hooks, g, create_graph)
        targets = node.targets
        if useful is not None:
            if node in wanted:
                found[node] = g
                if stop:
                    continue
            targets = [target if target in useful else None for target in targets]
            if all(target is None for target in targets):
                continue  # nothing wanted lies beyond: what it kept stays for others
        args = node.args
        if args is None:
            raise GradientError(
                f"{node.op.name}: Trying to backward through the graph a second time, but what it "
                "kept was freed by the first backward. Pass retain_graph=True to that first call, "
                "or compute the forward again."
            )
        if node.seq < last_mutation:
            _check_kept(node)
        op, shapes, grads = node.op, node.shapes, None
        if looked_at:
            compute = partial(all_gradients, node, targets, g, create_graph)
            grads = watched_gradients(node, g, compute)
        elif create_graph or not op.simple:
            grads = all_gradients(node, targets, g, create_graph)
        i = -1
        for target in targets:
            i += 1
            if target is None:
                continue
            try:  # costs nothing unless it is taken
                gi = op.rules[i](g, *args[i]) if grads is None else grads[i]
            except (LoopNeeded, ValueError, TypeError) as error:
                gi = one_by_one(op.rules[i], (g, *args[i]), error=error)
            if gi is None:
                continue
            if shapes is not None and gi.shape != shapes[i]:
                gi = sum_to(gi, shape=shapes[i])
            if target not in pending:
                pending[target] = gi
                if target.__class__ is Node:
                    heappush(heap, (-target.seq, target))
            elif target in owned:
                try:
                    pending[target] += gi
                except LoopNeeded:  # a batch does not go into what was allocated without one
                    pending[target] = pending[target] + gi
            else:
                pending[target] = total = pending[target] + gi
                if not create_graph and total.__class__ is np.ndarray:
                    owned.add(target)
        if op.keeps and not retain_graph:
            node.args = None
        if owned:
            owned.discard(node)
    for leaf, g in pending.items():
        found[leaf] = g if leaf.hooks is None else _run_hooks(leaf.hooks, g, create_graph)
    return found


def _check_kept(node: Node) -> None:
    try:
        record.check_kept(node)
    except GradientError as error:
        point_to_forward(error, node)
        raise


def _leading_to(roots: Iterable[Any], wanted: set[Any]) -> set[Any]:
    """All targets reachable from `roots` from which something wanted can be reached."""
    nodes: dict[Any, None] = {}
    stack = list(roots)
    useful = set(wanted)
    while stack:
        node = stack.pop()
        if node.__class__ is Node and node not in nodes:
            nodes[node] = None
            stack.extend(t for t in node.targets if t is not None)
    for node in sorted(nodes, key=lambda n: n.seq):  # oldest first: targets before their users
        if any(t in useful for t in node.targets):
            useful.add(node)
    return useful


def all_gradients(node: Node, targets: Sequence[Any], g: Any, create_graph: bool) -> Any:
    """One gradient (or None) per input, for nodes that the plain loop does not cover."""
    op = node.op
    if op.__class__ is HookedOp:
        return _hooked_gradients(node, targets, g, create_graph)
    if node.outputs is not None and op.materialize:
        g = tuple(
            [
                np.zeros(*meta) if gi is None and meta is not None else gi
                for gi, meta in zip(g, node.outputs, strict=True)
            ]
        )
    if op.fast is not None and not create_graph and not _came_by_loop(node):
        try:
            return op.fast(g, [target is not None for target in targets], *node.args)
        except LoopNeeded:
            pass  # the fast door may write into buffers, which have no batch; the rules do not
    if op.joint is not None:
        kept = node.args[0]
        if create_graph:
            return op.joint(g, *_joint_tensors(node, kept))
        try:
            return op.joint(g, *kept)
        except (LoopNeeded, ValueError, TypeError) as error:
            if op.variadic is None:
                raise  # a pass of its own, and not a rule that could be called per example
            return one_by_one(op.joint, (g, *kept), error=error)
    grads: list[Any] = []
    for i, (target, rule) in enumerate(zip(targets, op.rules, strict=True)):
        if target is None or rule is None:
            grads.append(None)
            continue
        names = op.kept[i]
        if op.fast is None:
            kept = node.args[i]
        else:
            at_hand = dict(zip(op.fast_kept, node.args, strict=True))
            kept = [at_hand[name] for name in names]
        if create_graph:
            kept = [_as_tensor(node, name, value) for name, value in zip(names, kept, strict=True)]
        try:
            grads.append(rule(g, *kept))
        except (LoopNeeded, ValueError, TypeError) as error:
            again = recorded_one_by_one if create_graph else one_by_one
            grads.append(again(rule, (g, *kept), error=error))
    return grads


def _came_by_loop(node: Node) -> bool:
    """Whether the forward went example by example, and left nothing for the fast door."""
    at = node.op.residuals_at
    return at is not None and node.args[at] is LoopNeeded


def _hooked_gradients(node: Node, targets: Sequence[Any], g: Any, create_graph: bool) -> Any:
    """The gradients of a node with hooks that want to see them."""
    hooked = node.op
    node.op = hooked.op
    try:
        if create_graph or not node.op.simple:
            grads = list(all_gradients(node, targets, g, create_graph))
        else:
            pairs = zip(targets, node.op.rules, node.args, strict=True)
            grads = [None if target is None else rule(g, *kept) for target, rule, kept in pairs]
    finally:
        node.op = hooked
    if node.shapes is not None:
        grads = [
            sum_to(gi, shape=shape) if gi is not None and gi.shape != shape else gi
            for gi, shape in zip(grads, node.shapes, strict=True)
        ]
    token = grad_mode.set(create_graph)
    try:
        return hooked.run(g, grads)
    finally:
        grad_mode.reset(token)


def _joint_tensors(node: Node, kept: Any) -> list[Any]:
    values = []
    for name, value in zip(node.op.kept[0], kept, strict=True):
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


def _run_hooks(hooks: dict[int, Any], g: Any, create_graph: bool) -> Any:
    """Let each hook see the gradient, and replace it if the hook returns another one."""
    for hook in list(hooks.values()):
        tensor = g if isinstance(g, TensorBase) else wrap(g)
        token = grad_mode.set(create_graph)
        try:
            changed = hook(tensor)
        finally:
            grad_mode.reset(token)
        if changed is not None:
            _check_replacement(changed, tensor.array)
            g = changed if create_graph else changed.array
    return g


def _check_replacement(changed: Any, g: Any) -> None:
    if not isinstance(changed, TensorBase):
        raise TypeError(
            f"a gradient hook returned {type(changed).__name__}; it must return a tensor, or None "
            "to leave the gradient unchanged"
        )
    new = changed.array
    if (new.shape, new.dtype) != (g.shape, g.dtype):
        raise GradientError(
            f"a gradient hook returned shape {list(new.shape)} and dtype {new.dtype} for a "
            f"gradient of shape {list(g.shape)} and dtype {g.dtype}; it must not change them"
        )
