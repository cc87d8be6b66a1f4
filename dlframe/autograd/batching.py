"""Turns tensors into batches of tensors and back, without losing the graph; the base of `vmap`.

`Batch.enter` hides one dimension of a tensor, and `Batch.leave` shows it again. In between, every
operation records its node as usual, with batched arrays in it, and its rules work on the whole
batch. `leave` makes one node of all that, whose gradient is a backward pass through the nodes
inside. A tensor that came from outside without a batch dimension (a weight that all examples
share) gets the sum of its gradients over the batch:

    yᵢ = f(xᵢ, w)  ⇒  dxᵢ = gᵢ · ∂f/∂x (xᵢ, w),   dw = Σᵢ gᵢ · ∂f/∂w (xᵢ, w).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from dlframe.autograd.engine import run_backward
from dlframe.ops import record
from dlframe.ops.batched import BatchedBase
from dlframe.ops.batched import rules as _rules  # noqa: F401 - NumPy's functions on batches
from dlframe.ops.batched.array import BatchedArray
from dlframe.ops.batched.examples import hide_batch, show_batch
from dlframe.ops.calling import output_of, wrap
from dlframe.ops.definition import NodeOp
from dlframe.ops.record import Node, TensorBase, clock, grad_mode, walk
from dlframe.ops.reduction import sum as sum_op
from dlframe.ops.shape import transpose
from dlframe.ops.sums import add

_levels = itertools.count(1)

# The present batches, by level, each with the `randomness` of its vmap.
_active: ContextVar[dict[int, tuple[Batch, str]] | None] = ContextVar("batches", default=None)


class Batch:
    """One batch of examples: its level, its size, and the tensors that entered it."""

    def __init__(self, size: int, outer: Batch | None = None):
        self.size = size
        self.level: int = next(_levels) if outer is None else outer.level
        self.start: int = next(clock) if outer is None else outer.start
        # entry node -> where the gradient goes on outside, and which dimension was hidden
        self.entries: dict[Node, tuple[Any, int]] = {} if outer is None else dict(outer.entries)

    def holds(self, x: Any) -> bool:
        """Whether the tensor `x` is one of this batch."""
        array: Any = x.array
        return isinstance(array, BatchedArray) and array.level == self.level

    def batched(self, array: Any, dim: int = 0) -> Any:
        """`array` with its dimension `dim` hidden."""
        return BatchedArray(np.moveaxis(array, dim, 0) if dim else array, self.level)

    def physical(self, array: Any) -> Any:
        """All examples along axis 0; an array that is the same for all is repeated (no copy)."""
        if isinstance(array, BatchedArray) and array.level == self.level:
            return array.physical
        return np.broadcast_to(array, (self.size, *array.shape))

    def enter(self, x: Any, dim: int) -> Any:
        """The tensor `x` as a batch of tensors along `dim`."""
        array = self.batched(x.array, dim)
        if not x.needs_grad:
            return wrap(array)
        if not isinstance(array.physical, BatchedBase):
            array.physical = array.physical.view()
            array.physical.flags.writeable = False  # a write would not reach the graph of x
        return self.linked(array, record.target_of(x), dim)

    def linked(self, array: Any, target: Any, dim: int) -> Any:
        """A batched tensor whose gradient goes on to `target`, outside."""
        node = entry_node()
        self.entries[node] = (target, dim)
        tensor = wrap(array)
        tensor.node, tensor.needs_grad = node, True
        return tensor

    def leave(self, tensors: Sequence[Any], dims: Sequence[int]) -> list[Any]:
        """The tensors with the batch as their dimension `dims`, by one node of the outer graph."""
        arrays = [
            np.moveaxis(self.physical(x.array), 0, dim) if dim else self.physical(x.array)
            for x, dim in zip(tensors, dims, strict=True)
        ]
        results = [wrap(a) for a in arrays]
        # tensors that need no gradient get no node; the others share one node
        linked = [i for i, x in enumerate(tensors) if x.needs_grad]
        if linked and grad_mode.get():
            node = _leaving_node(self, [tensors[i] for i in linked], [dims[i] for i in linked])
            for k, i in enumerate(linked):
                if node.outputs is not None:
                    results[i] = output_of(node, k, arrays[i])
                else:
                    results[i].node, results[i].needs_grad = node, True
        return results


@contextmanager
def under_way(batch: Batch, randomness: str) -> Iterator[None]:
    """Let `map_by` know of a batch."""
    token = _active.set({**(_active.get() or {}), batch.level: (batch, randomness)})
    try:
        yield
    finally:
        _active.reset(token)


class VmapInfo(NamedTuple):
    """The properties of the batch, for the `vmap` method of a Function."""

    batch_size: int
    randomness: str


def map_by(rule: Callable[..., Any], args: Sequence[Any]) -> tuple[Any] | None:
    """The result of `rule(info, in_dims, *args)` for whole batches; None if `args` has none.

    The arguments leave their batch, and the results enter it again.
    """
    arrays: list[Any] = [x.array for x in args if isinstance(x, TensorBase)]
    found = [a for a in arrays if isinstance(a, BatchedArray)]
    if not found:
        return None
    like = max(found, key=lambda a: a.level)
    batch, randomness = (_active.get() or {})[like.level]
    # a shared argument that needs a gradient is repeated, since each example gives it another one
    inside = [isinstance(x, TensorBase) and (batch.holds(x) or x.needs_grad) for x in args]
    whole = [
        show_batch(x, like=like) if batched else x for x, batched in zip(args, inside, strict=True)
    ]
    info = VmapInfo(batch.size, randomness)
    out, out_dims = rule(info, tuple([0 if batched else None for batched in inside]), *whole)
    if not isinstance(out, tuple):
        return (_hidden(out, out_dims, like),)
    dims = out_dims if isinstance(out_dims, tuple) else (out_dims,) * len(out)
    return (tuple([_hidden(x, dim, like) for x, dim in zip(out, dims, strict=True)]),)


def _hidden(x: Any, dim: int | None, like: Any) -> Any:
    if dim is None:
        return x
    dims = list(range(x.array.ndim))
    return hide_batch(transpose(x, axes=(dims.pop(dim), *dims)), like=like)


# --- the nodes at both ends --------------------------------------------------------------------


class _Entry(NodeOp):
    """The op of a node where a tensor enters a batch; it passes its gradient on."""

    name, grad_name = "enter_batch", "BatchBackward0"
    simple, keeps = True, False
    inputs, kept = ("x",), ((),)
    rules = (lambda g: g,)

    @staticmethod
    def by_rules(g: Any, targets: Any, args: Any) -> tuple[Any]:
        return (g,)


_ENTRY = _Entry()


def entry_node() -> Node:
    """A node that passes its gradient to no other; it can be found as an input."""
    return Node(_ENTRY, (None,), ((),))


class _Leaving(NodeOp):
    """The op of a node where results leave a batch."""

    name, grad_name = "vmap", "VmapBackward"
    kept = (("inside",),)

    def __init__(self, batch: Batch, dims: Sequence[int], borders: list[Any]):
        self.batch, self.dims, self.borders = batch, dims, borders

    def joint(self, g: Any, roots: list[Any]) -> list[Any]:
        """Go back through the nodes inside, with all gradients of the batch at once."""
        given = g if isinstance(g, tuple) else (g,)
        recorded = any(isinstance(gi, TensorBase) for gi in given)
        batch = Batch(0, outer=self.batch)
        batch.size = self.batch.size
        starts, targets = [], []
        for gi, root, dim in zip(given, roots, self.dims, strict=True):
            if gi is not None:
                targets.append(root)
                starts.append(batch.enter(gi, dim) if recorded else batch.batched(gi, dim))
        found = run_backward(
            targets,
            starts,
            retain_graph=True,
            create_graph=recorded,
            inputs=self.borders,
            stop=True,  # the pass outside continues beyond the border
        )
        grads = [found.get(border) for border in self.borders]
        outside = _recorded_outside if recorded else _plain_outside
        return outside(batch, self.borders, grads)


def _leaving_node(batch: Batch, tensors: list[Any], dims: list[int]) -> Node:
    roots = [record.target_of(x) for x in tensors]
    # the graph inside ends at entries, and at nodes that are older than the batch
    _, borders = walk(roots, lambda node: node.seq > batch.start and node not in batch.entries)
    targets = [batch.entries[b][0] if b in batch.entries else b for b in borders]
    several = len(tensors) > 1
    outputs = tuple([(x.array.shape, x.array.dtype) for x in tensors]) if several else None
    return Node(_Leaving(batch, dims, borders), targets, ((roots,),), outputs=outputs)


def _plain_outside(batch: Batch, borders: list[Any], grads: list[Any]) -> list[Any]:
    """Arrays of gradients in the form that the outer graph expects."""
    results: list[Any] = []
    for border, g in zip(borders, grads, strict=True):
        if g is None:
            results.append(None)
            continue
        p = batch.physical(g)
        if border in batch.entries:
            dim = batch.entries[border][1]
            results.append(np.moveaxis(p, 0, dim) if dim else p)
        else:
            results.append(add(p, 0))
    return results


def _recorded_outside(batch: Batch, borders: list[Any], grads: list[Any]) -> list[Any]:
    """The same for tensors whose own graph is inside the batch; they leave it too."""
    there = [i for i, g in enumerate(grads) if g is not None]
    entered = [borders[i] in batch.entries for i in there]
    dims = [batch.entries[borders[i]][1] if e else 0 for i, e in zip(there, entered, strict=True)]
    token = grad_mode.set(True)
    try:
        left = batch.leave([_tensor(grads[i]) for i in there], dims)
        results: list[Any] = [None] * len(grads)
        for i, x, e in zip(there, left, entered, strict=True):
            results[i] = x if e else sum_op(x, axis=0)
    finally:
        grad_mode.reset(token)
    return results


def _tensor(g: Any) -> Any:
    """A tensor; a rule may return an array if its gradient does not depend on anything."""
    return g if isinstance(g, TensorBase) else wrap(g)


def batched_gradients(
    targets: list[Any],
    gradients: list[Any],
    inputs: Sequence[Any],
    *,
    retain_graph: bool,
    create_graph: bool,
) -> list[Any]:
    """One backward pass with many gradients: dimension 0 of `gradients` counts them.

    Args:
        targets: the nodes to start from.
        gradients: tensors, each of the shape (n, *shape of the result).
        inputs: the targets whose gradients are wanted.
        retain_graph: keep what the nodes hold, for another pass.
        create_graph: record the pass.

    Returns:
        Per input a tensor with n in front; None for what no gradient reached.
    """
    batch = Batch(gradients[0].array.shape[0] if gradients else 0)
    starts = [batch.enter(g, 0) if create_graph else batch.batched(g.array) for g in gradients]
    found = run_backward(
        targets, starts, retain_graph=retain_graph, create_graph=create_graph, inputs=inputs
    )
    got = [found.get(target) for target in inputs]
    there = [g for g in got if g is not None]
    if create_graph:
        left = iter(batch.leave([_tensor(g) for g in there], [0] * len(there)))
    else:
        left = iter([wrap(batch.physical(g)) for g in there])
    return [None if g is None else next(left) for g in got]


__all__ = ["Batch", "batched_gradients", "entry_node", "map_by", "under_way"]
