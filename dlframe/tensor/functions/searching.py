"""Functions that find elements: nonzero ones, those of a set, a value's place in an order."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.dtypes import result_type
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.memory import in_order
from dlframe.ops.record import Array, TensorBase, to_array

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "argwhere",
    "bucketize",
    "isin",
    "nonzero",
    "nonzero_static",
    "searchsorted",
    "unravel_index",
]


# --- not zero ----------------------------------------------------------------------------------


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where elements are not zero: a row of indices each, or `as_tuple` a vector per dimension.

    >>> dl.nonzero(dl.tensor([[0, 1], [2, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    if as_tuple:
        return tuple(map(wrap, in_order(np.nonzero(np.atleast_1d(input.array)))))
    return ops.nonzero(input)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first `size` rows of `nonzero`; where there are fewer, rows of `fill_value` follow.

    >>> dl.nonzero_static(dl.tensor([0, 1, 2]), size=3)
    tensor([[ 1],
            [ 2],
            [-1]])
    """
    if size < 0:
        raise ArgumentError(f"nonzero_static: 'size' must be an non-negative integer, got {size}")
    found = np.argwhere(input.array)[:size]
    rows = np.full((size, input.array.ndim), fill_value, np.int64)
    rows[: len(found)] = found
    return wrap(rows)


def argwhere(input: Tensor) -> Tensor:
    """`nonzero` under NumPy's name.

    >>> dl.argwhere(dl.tensor([0, 1]))
    tensor([[1]])
    """
    return ops.nonzero(input)


def unravel_index(indices: Tensor, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """The coordinates of places counted through a tensor of `shape`: one tensor a dimension.

    Raises:
        TypeError: the indices are not integers.
        ValueError: a negative size.

    >>> dl.unravel_index(dl.tensor([5, 11]), (3, 4))
    (tensor([1, 2]), tensor([1, 3]))
    """
    if not isinstance(indices, TensorBase) or indices.array.dtype.kind not in "iu":
        raise DTypeError(
            "unravel_index(): expected 'indices' to be a tensor of integer dtype, but got "
            f"{getattr(indices, 'dtype', type(indices).__name__)}"
        )
    sizes = [operator.index(n) for n in ([shape] if isinstance(shape, int) else shape)]
    if any(n < 0 for n in sizes):
        raise ArgumentError(
            f"unravel_index(): 'shape' cannot have negative values, but got {tuple(sizes)}"
        )
    steps = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    places = indices.array.astype(np.int64, copy=False)
    return tuple(wrap(places // step % n) for step, n in zip(steps, sizes, strict=True))


# --- in an order -------------------------------------------------------------------------------


def searchsorted(
    sorted_sequence: Tensor,
    values: Tensor | float,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where to put `values` into the last dimension of `sorted_sequence` so that it stays sorted.

    The first place i with `sequence[i] >= value`; with `right=True` (or `side="right"`) with
    `sequence[i] > value`. One sequence serves values of any shape; several sequences of shape
    (*, n) serve values of shape (*, m). `sorter` has the indices that sort the sequence.

    Raises:
        ShapeError: the leading dimensions of sequences and values differ.
        ArgumentError: `side` and `right` contradict each other.

    >>> dl.searchsorted(dl.tensor([1, 3, 5]), dl.tensor([3, 4, 9]))
    tensor([1, 2, 3])
    >>> dl.searchsorted(dl.tensor([[1, 3], [2, 4]]), dl.tensor([[3], [1]]), right=True)
    tensor([[2],
            [0]])
    """
    if side not in (None, "left", "right"):
        raise ArgumentError(f"searchsorted(): side can only be 'left' or 'right' but got {side!r}")
    if side == "left" and right:
        raise ArgumentError(
            "searchsorted(): side and right can't be set to opposites, got side of left while "
            "right was True"
        )
    sequence, wanted = sorted_sequence.array, to_array(values)
    _check_search(sequence, wanted)
    if sorter is not None:
        sequence = _in_order(sequence, sorter.array)
    to_the: Any = "right" if right or side == "right" else "left"
    kind = np.int32 if out_int32 else np.int64
    if sequence.ndim == 1:
        return wrap(np.searchsorted(sequence, wanted, to_the).astype(kind))
    count = math.prod(sequence.shape[:-1])  # -1 would be ambiguous if a size is 0
    rows = sequence.reshape(count, sequence.shape[-1])
    out = np.empty(wanted.shape, kind)
    per_row = (count, wanted.shape[-1])
    for row, looked_for, found in zip(
        rows, wanted.reshape(per_row), out.reshape(per_row), strict=True
    ):
        found[:] = np.searchsorted(row, looked_for, to_the)
    return wrap(out)


def _check_search(sequence: Array, wanted: Array) -> None:
    if not sequence.ndim:
        raise ShapeError(
            "searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if sequence.dtype.kind == wanted.dtype.kind == "b":
        raise DTypeError("searchsorted(): not implemented for bool; convert with .int()")
    if sequence.ndim > 1 and sequence.shape[:-1] != wanted.shape[:-1]:
        raise ShapeError(
            "searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions "
            "of boundaries tensor and input value tensor must match, but we got boundaries tensor "
            f"{list(sequence.shape)} and input value tensor {list(wanted.shape)}"
        )


def _in_order(sequence: Array, sorter: Array) -> Array:
    if sorter.shape != sequence.shape:
        raise ShapeError(
            "searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
            f"{list(sequence.shape)} and got sorter tensor {list(sorter.shape)}"
        )
    if sorter.dtype != np.int64:
        raise DTypeError(
            f"searchsorted(): sorter must be a tensor of long dtype but got dtype {sorter.dtype}"
        )
    if sorter.size and not 0 <= sorter.min() <= sorter.max() < sequence.shape[-1]:
        raise ArgumentError("searchsorted(): sorter index out of range")
    return np.take_along_axis(sequence, sorter, -1)


def bucketize(
    input: Tensor | float, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The bucket that each value falls into: i with boundaries[i-1] < value ≤ boundaries[i].

    With `right=True` boundaries[i-1] ≤ value < boundaries[i].

    >>> dl.bucketize(dl.tensor([1.0, 3.0, 7.0]), dl.tensor([1.0, 3.0, 5.0]))
    tensor([0, 1, 3])
    """
    if boundaries.ndim != 1:
        raise ShapeError(
            f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def isin(
    elements: Tensor | float,
    test_elements: Tensor | float,
    *,
    assume_unique: bool = False,
    invert: bool = False,
) -> Tensor:
    """Which `elements` are among the `test_elements`; with `invert`, which are not.

    `assume_unique` promises that neither has an element twice; the result is the same without.

    >>> dl.isin(dl.tensor([[1, 2], [3, 4]]), dl.tensor([2, 3]))
    tensor([[False,  True],
            [ True, False]])
    """
    given = (elements, test_elements)
    if not all(isinstance(x, TensorBase | float | int) for x in given) or not any(
        isinstance(x, TensorBase) for x in given
    ):
        kinds = [type(x).__name__ for x in given]
        raise TypeError(f"isin: pass two tensors, or a tensor and a number; got {kinds}")
    # in one dtype: 0.1 as float32 differs from 0.1 as float64
    dtype = result_type(*given)
    x, among = (np.asarray(getattr(v, "array", v)) for v in given)
    if "b" in (x.dtype.kind, among.dtype.kind):
        raise DTypeError("Unsupported input type encountered for isin(): bool; use .int()")
    return wrap(np.isin(x.astype(dtype), among.astype(dtype), invert=invert))
