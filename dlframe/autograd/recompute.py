"""Activation checkpointing: keep the inputs of a part of a network, and compute the rest again.

Training a chain of n layers keeps n activations. If it is divided into √n segments that keep only
their inputs and are computed once more in backward, it keeps about 2√n, at the cost of one more
forward (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016).

The function first runs as usual. This shows where its graph begins: at its arguments, and at other
tensors that it used, such as parameters. One node with these as inputs replaces that graph.
Backward computes the graph again, with the same random numbers, and goes through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from dlframe import random
from dlframe.autograd.engine import run_backward
from dlframe.base import nests
from dlframe.base.quiet import users_own
from dlframe.errors import ArgumentError, GradientError
from dlframe.ops import record
from dlframe.ops.calling import output_of, wrap
from dlframe.ops.definition import NodeOp
from dlframe.ops.record import Node, TensorBase, clock, grad_mode, unwrapped, walk

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


class CheckpointError(GradientError):
    """The function did not do the same when it was computed again."""


def noop_context_fn() -> Contexts:
    """Two contexts that do nothing: the default `context_fn` of `checkpoint`."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, whose intermediate results are computed again for backward.

    Gradients of any order are the same as without a checkpoint. The function must do the same both
    times; its random numbers are the same, unless `preserve_rng_state` is False.

    Args:
        function: the function to compute, such as a module.
        args: its arguments, of any kind.
        use_reentrant: accepted; there is one implementation, which can do what PyTorch's
            `use_reentrant=False` can.
        context_fn: makes two context managers, around the first and the second computation.
        determinism_check: "default" compares what both computations keep, in number, shape and
            dtype; "none" does not.
        debug: accepted; errors always name the operation.
        early_stop: accepted; the function is computed again to its end.
        kwargs: its keyword arguments, and `preserve_rng_state=True`: whether the second
            computation gets the random numbers of the first.

    Raises:
        CheckpointError: in backward, if the second computation differs.
        GradientError: in backward, if an argument was changed in place after the call.

    >>> import dlframe as dl
    >>> from dlframe.utils.checkpoint import checkpoint
    >>> x = dl.tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda t: t.exp().sin().sum(), x, use_reentrant=False).backward()
    >>> bool((x.grad == x.exp().cos() * x.exp()).all())
    True
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if determinism_check not in ("default", "none"):
        raise ArgumentError(
            f"determinism_check should be one of ['default', 'none'] but got {determinism_check}"
        )
    before, again = context_fn()
    if not grad_mode.get():
        with before:
            return function(*args, **kwargs)
    state = random.get_rng_state() if preserve else None
    for x in _tensors((args, kwargs)):
        if x.needs_grad:
            record.target_of(x)  # of a view whose base was written to, it is made now: no inner one
    start = next(clock)
    with before:
        out = function(*args, **kwargs)
    leaves = list(_tensors(out))
    roots = [x for x in leaves if x.needs_grad]
    if not roots:
        return out
    part = _Part(function, args, kwargs, again, state, start)
    part.note(roots, start, determinism_check == "default")
    results = iter(_as_results(part, roots))
    by_id = {id(x): next(results) for x in roots}
    return _exchanged(out, by_id)


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """`input` through `functions` one after the other, in `segments` that are checkpointed.

    The last segment is not checkpointed, because backward begins with it.

    Args:
        functions: a list of functions or modules, or an `nn.Sequential`.
        segments: the number of parts.
        input: the argument of the first function.
        use_reentrant: see `checkpoint`.
        kwargs: `preserve_rng_state`, see `checkpoint`.

    >>> import dlframe as dl
    >>> from dlframe.utils.checkpoint import checkpoint_sequential
    >>> checkpoint_sequential([dl.sin, dl.cos, dl.exp], 2, dl.zeros(1, requires_grad=True))
    tensor([2.7183], grad_fn=<ExpBackward0>)
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ArgumentError(f"Unexpected keyword arguments: {','.join(kwargs)}")
    chain = list(functions.children() if hasattr(functions, "children") else functions)
    size = len(chain) // segments
    end = size * (segments - 1)
    for begin in range(0, end, size) if size else ():
        input = checkpoint(
            _in_turn(chain[begin : begin + size]),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )
    return _in_turn(chain[max(end, 0) :])(input)


def _in_turn(functions: Sequence[Any]) -> Callable[[Any], Any]:
    def forward(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return forward


# --- the node ----------------------------------------------------------------------------------


class _Part(NodeOp):
    """The op of a checkpointed part, which can compute it again."""

    name, grad_name = "checkpoint", "CheckpointFunctionBackward"
    kept = (("again",),)

    def __init__(self, function: Any, args: Any, kwargs: Any, context: Any, state: Any, start: int):
        self.call = (function, args, kwargs)
        self.context, self.state = context, state
        self.arguments = [
            (x, record.target_of(x) if x.needs_grad else None, start)
            for x in _tensors((args, kwargs))
        ]
        self.checked = False

    def note(self, roots: Sequence[Any], start: int, check: bool) -> None:
        """Remember where the graph of `roots` begins, and what it keeps."""
        self.borders, self.kept_arrays = _graph([record.target_of(x) for x in roots], start)
        self.checked = check
        self.outputs = [(x.array.shape, x.array.dtype) for x in roots]

    def joint(self, g: Any, _: Any) -> list[Any]:
        """Compute the part again, and go back through it."""
        given = g if isinstance(g, tuple) else (g,)
        recorded = any(isinstance(gi, TensorBase) for gi in given)
        self._check_arguments()
        roots = self._again()
        pairs = [(x, gi) for x, gi in zip(roots, given, strict=True) if gi is not None]
        found = run_backward(
            [record.target_of(x) for x, _ in pairs],
            [gi for _, gi in pairs],
            retain_graph=recorded,
            create_graph=recorded,
            inputs=self.borders,
            stop=True,  # the pass outside continues there
        )
        return [found.get(border) for border in self.borders]

    def _again(self) -> list[Any]:
        function, args, kwargs = self.call
        start = next(clock)
        token = grad_mode.set(True)
        try:
            with _random_numbers(self.state), self.context, users_own():
                out = function(*args, **kwargs)
        finally:
            grad_mode.reset(token)
        roots = [x for x in _tensors(out) if x.needs_grad]
        if self.checked:
            _compare(self.kept_arrays, _graph([record.target_of(x) for x in roots], start)[1])
        if [(x.array.shape, x.array.dtype) for x in roots] != self.outputs:
            raise CheckpointError(
                "torch.utils.checkpoint: the outputs of the recomputation have different metadata "
                f"than during the forward pass: {_shapes(self.outputs)}, and then "
                f"{_shapes([(x.array.shape, x.array.dtype) for x in roots])}"
            )
        return roots

    def _check_arguments(self) -> None:
        for x, target, seq in self.arguments:
            entry = record.changed_since(x.array, seq)
            if entry is not None:
                raise GradientError(
                    f"checkpoint: an argument of shape {list(x.array.shape)} was modified by an "
                    f"inplace operation ({entry.by}) after the forward; it is needed again"
                )
            if target is not None and record.target_of(x) is not target:
                raise GradientError(
                    f"checkpoint: an argument of shape {list(x.array.shape)} is the result of "
                    "another operation by now; pass a tensor that is not written to"
                )


def _as_results(part: _Part, roots: Sequence[Any]) -> list[Any]:
    """The same values as results of one node."""
    node = Node(part, list(part.borders), ((None,),))
    if len(roots) > 1:
        node.outputs = tuple(part.outputs)
        return [output_of(node, i, x.array) for i, x in enumerate(roots)]
    result = wrap(roots[0].array)
    result.node, result.needs_grad = node, True
    return [result]


# --- the graph that is replaced ----------------------------------------------------------------


def _graph(roots: Sequence[Any], start: int) -> tuple[list[Any], list[Any]]:
    """The inputs of the nodes made since `start`; op, shape and dtype of each array they keep."""
    nodes, borders = walk(roots, lambda node: node.seq > start)
    kept = [(node.op.name, a.shape, a.dtype) for node in nodes for a in _arrays(node.args)]
    return borders, kept


def _arrays(kept: Any) -> Iterator[Any]:
    for x in nests.leaves(kept):
        if isinstance(x, (np.ndarray, TensorBase)):
            yield unwrapped(x)


def _compare(first: list[Any], second: list[Any]) -> None:
    if len(first) != len(second):
        raise CheckpointError(
            "torch.utils.checkpoint: A different number of tensors was saved during the original "
            f"forward and recomputation.\nNumber of tensors saved during forward: {len(first)}\n"
            f"Number of tensors saved during recomputation: {len(second)}.\nThe function must do "
            "the same both times; determinism_check='none' leaves this check out."
        )
    for i, (one, two) in enumerate(zip(first, second, strict=True)):
        if one != two:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have "
                "different metadata than during the forward pass.\n"
                f"tensor at position {i}: kept by {one[0]} with shape {list(one[1])} and dtype "
                f"{one[2]}, recomputed for {two[0]} with shape {list(two[1])} and dtype {two[2]}"
            )


def _shapes(outputs: Sequence[Any]) -> str:
    return ", ".join(f"{list(shape)} {dtype}" for shape, dtype in outputs)


@contextmanager
def _random_numbers(state: Any) -> Iterator[None]:
    """Draw random numbers from `state` on in this block; afterwards restore the present state."""
    if state is None:
        yield
        return
    now = random.get_rng_state()
    random.set_rng_state(state)
    try:
        yield
    finally:
        random.set_rng_state(now)


# --- nested values -----------------------------------------------------------------------------


def _tensors(value: Any) -> Iterator[Any]:
    """The tensors in nested tuples, lists and dicts."""
    return (x for x in nests.leaves(value) if isinstance(x, TensorBase))


def _exchanged(value: Any, new: dict[int, Any]) -> Any:
    """`value` with other tensors instead of those in `new`, by id."""
    return nests.map_leaves(lambda x: new.get(id(x), x), value)


__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn"]
