"""Calls a function once per example, and stacks the results, which is always possible.

If a forward or a rule cannot work
on a whole batch (it needs raw memory, branches on a value, or writes into a buffer without a
batch dimension), it raises `LoopNeeded`, and is run again here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.base import nests
from dlframe.errors import VmapError
from dlframe.ops.batched.base import (
    BATCH_ERRORS,
    BatchedBase,
    LoopNeeded,
    holds_batch,
    innermost_in,
    is_of,
    with_batch,
)
from dlframe.ops.record import TensorBase


def one_by_one(function: Callable[..., Any], args: Any, kwargs: Any | None = None) -> Any:
    """`function(*args, **kwargs)` for each example of the innermost `vmap`, stacked.

    First all arrays get the batch dimension (a stride of 0 needs no copy). A function that
    failed only because of a plain array then works for all examples at once.
    """
    kwargs = kwargs or {}
    like = innermost_in((args, kwargs))
    size = like.physical.shape[0]

    def batched(x: Any) -> Any:
        return like.remade(with_batch(like, x)) if isinstance(x, np.ndarray) else x

    try:
        return function(*nests.map_leaves(batched, args), **kwargs)
    except BATCH_ERRORS:
        pass
    if size == 0:
        return _of_no_example(function, args, kwargs, like)
    results = [
        _call(function, example(args, like.level, i), example(kwargs, like.level, i))
        for i in range(size)
    ]
    return stacked(results, like)


def _call(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """One example, which may be a batch of an outer `vmap`."""
    try:
        return function(*args, **kwargs)
    except BATCH_ERRORS:
        if not holds_batch(args, kwargs):
            raise
        return one_by_one(function, args, kwargs)


def example(value: Any, level: int, i: int) -> Any:
    """The i-th example of every batched array of this level in `value`; everything else as is."""

    def picked(x: Any) -> Any:
        return x.physical[i, ...] if isinstance(x, BatchedBase) and x.level == level else x

    return nests.map_leaves(picked, value)


def _of_no_example(function: Any, args: Any, kwargs: Any, like: BatchedBase) -> Any:
    """For an empty batch: empty results of the shapes that an example of zeros gives."""

    def zero(x: Any) -> Any:
        return np.zeros(x.physical.shape[1:], x.physical.dtype) if is_of(like, x) else x

    def emptied(x: Any) -> Any:
        if isinstance(x, (np.ndarray, np.generic)):
            return like.remade(np.zeros((0, *x.shape), x.dtype))
        return x

    args, kwargs = nests.map_leaves(zero, (args, kwargs))
    return nests.map_leaves(emptied, function(*args, **kwargs))


def stacked(results: list[Any], like: BatchedBase) -> Any:
    """One result with a batch dimension, from one per example."""
    return column_by_column(lambda column: _stacked(column, like), results)


def column_by_column(join: Callable[[list[Any]], Any], results: list[Any]) -> Any:
    """One nest from one per example; `join` joins the values of all examples at one place."""
    examples = [nests.flatten(result) for result in results]
    tree = examples[0][1]
    if any(other != tree for _, other in examples):
        raise VmapError("vmap: examples gave different numbers of results")
    columns = zip(*[values for values, _ in examples], strict=True)
    return nests.unflatten([join(list(column)) for column in columns], tree)


def _stacked(results: list[Any], like: BatchedBase) -> Any:
    first = results[0]
    if isinstance(first, (np.ndarray, np.generic)):
        if any(r.shape != first.shape for r in results):
            shapes = sorted({r.shape for r in results})
            raise VmapError(
                "vmap: examples gave results of different shapes "
                f"({', '.join(str(list(s)) for s in shapes)}), which do not stack; an operation "
                "whose shape depends on values cannot be vmapped"
            )
        return like.remade(np.stack(results))
    if isinstance(first, TensorBase):
        raise VmapError("vmap: a rule returned a tensor for arrays")
    if any(r != first for r in results):
        raise LoopNeeded(
            f"vmap: examples gave different Python values ({first!r} and others), which cannot be "
            "batched; compute with tensors instead"
        )
    return first


__all__ = ["column_by_column", "example", "one_by_one", "stacked"]
