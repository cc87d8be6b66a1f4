"""The way that is always right: call a function once per example, and stack the results.

It is all that ordinary operations know of batches: a forward or a rule that turns out not to work
on a whole batch (it wants raw memory, it branches on a value, it writes into a buffer that has no
batch dimension) has raised `LoopNeeded`, and is run again here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.errors import VmapError
from dlframe.ops.batched.base import BatchedBase, LoopNeeded, innermost_in, is_of, with_batch
from dlframe.ops.record import TensorBase


def one_by_one(
    function: Callable[..., Any],
    args: Any,
    kwargs: Any | None = None,
    error: Exception | None = None,
) -> Any:
    """`function(*args, **kwargs)` for each example of the innermost `vmap`, stacked.

    `error` is what the call without a loop has raised; it is raised again where there is no batch.
    (C code makes a ValueError or TypeError of LoopNeeded in places.)

    First all arrays get the batch dimension (a stride of 0 costs nothing): a function that failed
    only since a plain array met a batched one works then, for all examples at once.
    """
    kwargs = kwargs or {}
    model = innermost_in((args, kwargs), error)
    size = model.physical.shape[0]
    try:
        full_args, full_kwargs = _all_batched(args, model), _all_batched(kwargs, model)
        return function(*full_args, **full_kwargs)
    except (LoopNeeded, ValueError, TypeError):
        pass
    if size == 0:
        return _of_no_example(function, args, kwargs, model)
    results = [
        _call(function, example(args, model.level, i), example(kwargs, model.level, i))
        for i in range(size)
    ]
    return stacked(results, model)


def _call(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """One example, which may be a batch of an outer `vmap`."""
    try:
        return function(*args, **kwargs)
    except (LoopNeeded, ValueError, TypeError) as error:
        return one_by_one(function, args, kwargs, error)


def example(value: Any, level: int, i: int) -> Any:
    """The i-th example of every batched array of this level in `value`; everything else as is."""
    if isinstance(value, BatchedBase):
        return value.physical[i, ...] if value.level == level else value
    if isinstance(value, (tuple, list)):
        return _rebuilt(value, [example(item, level, i) for item in value])
    if isinstance(value, dict):
        return {key: example(item, level, i) for key, item in value.items()}
    return value


def _all_batched(value: Any, model: BatchedBase) -> Any:
    if isinstance(value, np.ndarray):
        return model.remade(with_batch(model, value))
    if type(value) in (tuple, list):  # not an index or a shape: those have no arrays
        return type(value)(_all_batched(item, model) for item in value)
    return value


def _of_no_example(function: Any, args: Any, kwargs: Any, model: BatchedBase) -> Any:
    """For an empty batch: the shapes that an example of zeros leads to."""

    def zero(value: Any) -> Any:
        if is_of(model, value):
            return np.zeros(value.physical.shape[1:], value.physical.dtype)
        if isinstance(value, (tuple, list)):
            return _rebuilt(value, [zero(item) for item in value])
        if isinstance(value, dict):
            return {key: zero(item) for key, item in value.items()}
        return value

    def emptied(out: Any) -> Any:
        if isinstance(out, (np.ndarray, np.generic)):
            return model.remade(np.zeros((0, *out.shape), out.dtype))
        if isinstance(out, (tuple, list)):
            return _rebuilt(out, [emptied(item) for item in out])
        return out

    return emptied(function(*zero(args), **zero(kwargs)))


def stacked(results: list[Any], model: BatchedBase) -> Any:
    """One result with a batch dimension, from one per example."""
    first = results[0]
    if isinstance(first, (np.ndarray, np.generic)):
        if any(r.shape != first.shape for r in results):
            shapes = sorted({r.shape for r in results})
            raise VmapError(
                "vmap: examples gave results of different shapes "
                f"({', '.join(str(list(s)) for s in shapes)}), which do not stack; an operation "
                "whose shape depends on values cannot be vmapped"
            )
        return model.remade(np.stack(results))
    if isinstance(first, TensorBase):
        raise VmapError("vmap: a rule returned a tensor for arrays")
    if isinstance(first, (tuple, list)):
        if any(len(r) != len(first) for r in results):
            raise VmapError("vmap: examples gave different numbers of results")
        columns = [stacked(list(column), model) for column in zip(*results, strict=True)]
        return _rebuilt(first, columns)
    if any(r != first for r in results):
        raise LoopNeeded(
            f"vmap: examples gave different Python values ({first!r} and others), which cannot be "
            "batched; compute with tensors instead"
        )
    return first


def _rebuilt(like: Any, items: list[Any]) -> Any:
    """`items` in a sequence of the type of `like`, also where that is a namedtuple."""
    return type(like)(*items) if hasattr(like, "_fields") else type(like)(items)


__all__ = ["example", "one_by_one", "stacked"]
