"""Single examples of a batch as operations, for rules on tensors that no batch can go through.

They only move numbers, so each one's gradient is moved back by another: `pick_example` and
`place_example` are each other's derivative, and so are `show_batch` and `hide_batch`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from dlframe import nests
from dlframe.ops.batched.base import (
    BATCH_ERRORS,
    BatchedBase,
    holds_batch,
    innermost_in,
    is_of,
    with_batch,
)
from dlframe.ops.batched.loop import column_by_column, example
from dlframe.ops.op import op
from dlframe.ops.record import TensorBase, unwrapped

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"


@op(latex="x_i")
def pick_example(x, *, i, model):
    """The i-th example of the batch `x`."""
    return example(x, model.level, i)


@pick_example.vjp("x")
def _(g, i, model):
    return place_example(g, i=i, model=model)


@op(latex="x [j = i]")
def place_example(x, *, i, model):
    """A batch of zeros but for `x` as its i-th example."""
    out = np.zeros_like(x, shape=(model.physical.shape[0], *x.shape))
    out[i] = x
    return model.remade(out)


@place_example.vjp("x")
def _(g, i, model):
    return pick_example(g, i=i, model=model)


@op(latex=r"(x_1, x_2, \ldots)")
def join_examples(*examples, model):
    """The batch of these examples."""
    return model.remade(np.stack(examples))


@join_examples.vjp("*examples", latex="g_i")
def _(g, examples, model):
    return [pick_example(g, i=i, model=model) for i in range(len(examples))]


@op(latex="x")
def show_batch(x, *, model):
    """All examples of the batch `x`, along axis 0."""
    return with_batch(model, x)


@show_batch.vjp("x")
def _(g, model):
    return hide_batch(g, model=model)


@op(latex="x")
def hide_batch(x, *, model):
    """The batch whose examples lie along axis 0 of `x`."""
    return model.remade(x)


@hide_batch.vjp("x")
def _(g, model):
    return show_batch(g, model=model)


def tensors_hold_batch(args: Sequence[Any]) -> bool:
    """Whether there is a batch in `args`, also as the values of a tensor."""
    return holds_batch(_arrays(args))


def recorded_one_by_one(rule: Callable[..., Any], args: Sequence[Any]) -> Any:
    """`one_by_one` for tensors: what it does is recorded."""
    model = innermost_in(_arrays(args))
    model = model.remade(model.physical[:, ...])
    results = [
        _of_example(rule, nests.map_leaves(partial(_picked, i=i, model=model), args))
        for i in range(model.physical.shape[0])
    ]
    return column_by_column(lambda column: _joined(column, model), results)


def _joined(results: list[Any], model: BatchedBase) -> Any:
    first = results[0]
    return join_examples(*results, model=model) if isinstance(first, TensorBase) else first


def _of_example(rule: Callable[..., Any], args: Sequence[Any]) -> Any:
    """One example, which may be a batch of an outer `vmap`."""
    try:
        return rule(*args)
    except BATCH_ERRORS:
        if not tensors_hold_batch(args):
            raise
        return recorded_one_by_one(rule, args)


def _arrays(args: Any) -> list[Any]:
    return [unwrapped(x) for x in nests.leaves(args)]


def _picked(x: Any, i: int, model: BatchedBase) -> Any:
    if not isinstance(x, TensorBase):
        return example(x, model.level, i)
    if x.needs_grad or is_of(model, x.array):
        # also what all share: its gradient is that of one example, and not the same for all
        return pick_example(x, i=i, model=model)
    return x
