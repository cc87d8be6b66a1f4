"""The way that is always right: call a function once per example, and stack the results.

It is all that ordinary operations know of batches: a forward or a rule that turns out not to work
on a whole batch (it wants raw memory, it branches on a value, it writes into a buffer that has no
batch dimension) has raised `LoopNeeded`, and is run again here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlframe.errors import VmapError
from dlframe.ops.record import TensorBase


class LoopNeeded(VmapError):
    """Something was asked of a batch that only single examples can answer."""


class ValueNeeded(LoopNeeded):
    """A single number was asked of a batch, as a program does that goes different ways."""


class WriteNeeded(LoopNeeded):
    """A batch was to be written into an array without a batch dimension."""


class BatchedBase:
    """The fields of a batched array: all examples along axis 0, and which `vmap` it belongs to.

    The number of the `vmap` grows with the depth of nesting. `physical` is an ndarray, or a batched
    array of an outer `vmap`.
    """

    __slots__ = ("level", "physical")

    physical: Any
    level: int

    @property
    def levels(self) -> tuple[int, ...]:
        """The numbers of all `vmap`s that it is in, the innermost first."""
        inner = self.physical
        return (self.level, *(inner.levels if isinstance(inner, BatchedBase) else ()))

    def remade(self, physical: Any) -> Any:
        """Another batched array of the same `vmap`."""
        new = object.__new__(type(self))
        new.physical, new.level = physical, self.level
        return new


def batched_in(value: Any) -> Iterator[BatchedBase]:
    """The batched arrays in nested tuples, lists, dicts and slices."""
    if isinstance(value, BatchedBase):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from batched_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from batched_in(item)


def one_by_one(
    function: Callable[..., Any],
    args: Any,
    kwargs: Any | None = None,
    error: Exception | None = None,
) -> Any:
    """``function(*args, **kwargs)`` for each example of the innermost `vmap`, stacked.

    `error` is what the call without a loop has raised; it is raised again where there is no batch.
    (C code makes a ValueError or TypeError of LoopNeeded in places.)

    First all arrays get the batch dimension (a stride of 0 costs nothing): a function that failed
    only since a plain array met a batched one works then, for all examples at once.
    """
    kwargs = kwargs or {}
    found = list(batched_in((args, kwargs)))
    if not found:
        raise error or LoopNeeded("vmap: a batched array was met where none was passed in")
    model = max(found, key=lambda x: x.level)
    size = model.physical.shape[0]
    try:
        full_args, full_kwargs = (_all_batched(value, model, size) for value in (args, kwargs))
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


def one_example(array: Any) -> Any:
    """The array itself, or the first example of a batch."""
    while isinstance(array, BatchedBase):
        array = array.physical[0, ...]
    return array


def all_examples(array: Any) -> Any:
    """The array itself, or all examples of a batch: for checks that every value must pass."""
    while isinstance(array, BatchedBase):
        array = array.physical
    return array


def _all_batched(value: Any, model: BatchedBase, size: int) -> Any:
    if isinstance(value, np.ndarray) and not (
        isinstance(value, BatchedBase) and value.level == model.level
    ):
        return model.remade(np.broadcast_to(value, (size, *value.shape)))
    if type(value) in (tuple, list):  # not an index or a shape: those have no arrays
        return type(value)(_all_batched(item, model, size) for item in value)
    return value


def _of_no_example(function: Any, args: Any, kwargs: Any, model: BatchedBase) -> Any:
    """For an empty batch: the shapes that an example of zeros leads to."""

    def zero(value: Any) -> Any:
        if isinstance(value, BatchedBase) and value.level == model.level:
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


__all__ = [
    "BatchedBase",
    "LoopNeeded",
    "ValueNeeded",
    "WriteNeeded",
    "all_examples",
    "batched_in",
    "example",
    "one_by_one",
    "one_example",
    "stacked",
]
