"""The base class of batched arrays, and the errors they raise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlframe.base import nests
from dlframe.errors import VmapError


class LoopNeeded(VmapError):
    """An operation is possible only for single examples, not for a batch."""


class ValueNeeded(LoopNeeded):
    """A single number of a batch was needed, as for a branch of the program."""


class WriteNeeded(LoopNeeded):
    """A batch was to be written into an array without a batch dimension."""


# The errors of a formula that cannot work on whole batches; C code turns LoopNeeded into a
# ValueError or TypeError in some places.
BATCH_ERRORS = (LoopNeeded, ValueError, TypeError)


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
        """The numbers of all its `vmap`s, the innermost first."""
        inner = self.physical
        return (self.level, *(inner.levels if isinstance(inner, BatchedBase) else ()))

    def remade(self, physical: Any) -> Any:
        """Another batched array of the same `vmap`."""
        new = object.__new__(type(self))
        new.physical, new.level = physical, self.level
        return new


def batched_in(value: Any) -> Iterator[BatchedBase]:
    """The batched arrays in nested tuples, lists and dicts."""
    return (x for x in nests.leaves(value) if isinstance(x, BatchedBase))


def holds_batch(*values: Any) -> bool:
    """Whether nested `values` contain a batched array, so that a loop over examples may help."""
    return any(True for _ in batched_in(values))


def innermost_in(value: Any) -> BatchedBase:
    """The batched array of the innermost `vmap` in `value`.

    Raises:
        LoopNeeded: there is none.
    """
    like = max(batched_in(value), key=lambda x: x.level, default=None)
    if like is None:
        raise LoopNeeded("vmap: a batched array was met where none was passed in")
    return like


def is_of(like: BatchedBase, x: Any) -> bool:
    """Whether `x` is a batched array of the same `vmap` as `like`."""
    return isinstance(x, BatchedBase) and x.level == like.level


def with_batch(like: BatchedBase, x: Any) -> Any:
    """All examples along axis 0; an array that they share is repeated (no copy)."""
    if is_of(like, x):
        return x.physical
    return np.broadcast_to(x, (like.physical.shape[0], *np.shape(x)))


def lifted(x: Any, ndim: int, like: BatchedBase) -> Any:
    """`x` with its batch dimension (if it has one) in front of `ndim` others.

    Sizes of 1 are inserted between them, or leading ones removed, as in NumPy's broadcasting.
    """
    if not is_of(like, x):
        return x
    p = x.physical
    missing = ndim - (p.ndim - 1)
    if missing == 0:
        return p
    return p.reshape(p.shape[0], *(1,) * missing, *p.shape[1 + max(-missing, 0) :])


def one_example(array: Any) -> Any:
    """The array itself, or the first example of a batch."""
    while isinstance(array, BatchedBase):
        array = array.physical[0, ...]
    return array


def all_examples(array: Any) -> Any:
    """The array itself, or all examples of a batch, for checks of all values."""
    while isinstance(array, BatchedBase):
        array = array.physical
    return array


__all__ = [
    "BATCH_ERRORS",
    "BatchedBase",
    "LoopNeeded",
    "ValueNeeded",
    "WriteNeeded",
    "all_examples",
    "batched_in",
    "holds_batch",
    "innermost_in",
    "is_of",
    "lifted",
    "one_example",
    "with_batch",
]
