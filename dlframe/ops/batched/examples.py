"""Operations on single examples of a batch, for rules on tensors that cannot take a batch.

They only move numbers, so the gradient of each is moved back by another: `pick_example` and
`place_example` are each other's derivative, and so are `show_batch` and `hide_batch`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from dlframe.base import nests
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
def pick_example(x, *, i, like):
    """The i-th example of the batch `x`."""
    return example(x, like.level, i)


@pick_example.vjp("x")
def _(g, i, like):
    return place_example(g, i=i, like=like)


@op(latex="x [j = i]")
def place_example(x, *, i, like):
    """A batch of zeros with `x` as its i-th example."""
    out = np.zeros_like(x, shape=(like.physical.shape[0], *x.shape))
    out[i] = x
    return like.remade(out)


@place_example.vjp("x")
def _(g, i, like):
    return pick_example(g, i=i, like=like)


@op(latex=r"(x_1, x_2, \ldots)")
def join_examples(*examples, like):
    """The batch of these examples."""
    return like.remade(np.stack(examples))


@join_examples.vjp("*examples", latex="g_i")
def _(g, examples, like):
    return [pick_example(g, i=i, like=like) for i in range(len(examples))]


@op(latex="x")
def show_batch(x, *, like):
    """All examples of the batch `x`, along axis 0."""
    return with_batch(like, x)


@show_batch.vjp("x")
def _(g, like):
    return hide_batch(g, like=like)


@op(latex="x")
def hide_batch(x, *, like):
    """The batch whose examples lie along axis 0 of `x`."""
    return like.remade(x)


@hide_batch.vjp("x")
def _(g, like):
    return show_batch(g, like=like)


def tensors_hold_batch(args: Sequence[Any]) -> bool:
    """Whether there is a batch in `args`, also as the values of a tensor."""
    return holds_batch(_arrays(args))


def recorded_one_by_one(rule: Callable[..., Any], args: Sequence[Any]) -> Any:
    """`one_by_one` for tensors: its operations are recorded."""
    like = innermost_in(_arrays(args))
    like = like.remade(like.physical[:, ...])
    results = [
        _of_example(rule, nests.map_leaves(partial(_picked, i=i, like=like), args))
        for i in range(like.physical.shape[0])
    ]
    return column_by_column(lambda column: _joined(column, like), results)


def _joined(results: list[Any], like: BatchedBase) -> Any:
    first = results[0]
    return join_examples(*results, like=like) if isinstance(first, TensorBase) else first


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


def _picked(x: Any, i: int, like: BatchedBase) -> Any:
    if not isinstance(x, TensorBase):
        return example(x, like.level, i)
    if x.needs_grad or is_of(like, x.array):
        # shared inputs too, since each example gives them another gradient
        return pick_example(x, i=i, like=like)
    return x
