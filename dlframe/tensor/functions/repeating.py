"""Functions that repeat elements or reorder them along dimensions; the results are copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import Array, to_array
from dlframe.tensor.arguments import (
    checked_dim,
    checked_dims,
    numpy_names,
    require_tensor,
    sizes,
)

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile"]


def repeat(input: Tensor, repeats: Sequence[int]) -> Tensor:
    """Copies of the whole tensor, side by side; one number of copies for each dimension.

    >>> dl.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    counts = sizes((repeats,))
    if len(counts) < input.ndim:
        raise ShapeError(
            f"repeat: Number of dimensions of repeat dims {list(counts)} can not be smaller than "
            f"number of dimensions of tensor {list(input.shape)}"
        )
    if any(n < 0 for n in counts):
        raise ArgumentError(f"Trying to create tensor with negative dimension: {list(counts)}")
    return ops.tile(input, reps=counts)


def tile(input: Tensor, dims: Sequence[int]) -> Tensor:
    """`repeat` where missing counts in front are 1.

    >>> dl.tile(dl.tensor([[1], [2]]), (2,))
    tensor([[1, 1],
            [2, 2]])
    """
    counts = sizes((dims,))
    return repeat(input, (1,) * (input.ndim - len(counts)) + counts)


@numpy_names
def repeat_interleave(
    input: Tensor,
    repeats: int | Tensor | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each element repeated next to itself, along `dim` or in the flattened tensor.

    Args:
        input: any tensor. Without `repeats` it holds the counts: each i occurs input[i] times.
        repeats: how many times, one number for all or one for each element along `dim`.
        dim: along which dimension; None flattens.
        output_size: the size of the result along `dim`, which must be right.

    >>> dl.repeat_interleave(dl.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    >>> dl.repeat_interleave(dl.tensor([1, 2]), dl.tensor([1, 3]))
    tensor([1, 2, 2, 2])
    >>> dl.repeat_interleave(dl.tensor([1, 0, 2]))
    tensor([0, 2, 2])
    """
    if repeats is None:
        counts = _counts(input)
        _check_total(counts, len(counts), output_size)
        return wrap(np.repeat(np.arange(len(counts)).astype(counts.dtype), counts))
    require_tensor("repeat_interleave", "'input' (position 1)", input)
    if dim is None:
        input, dim = ops.ravel(input), 0
    dim = _dim_of(input, dim)
    n = input.shape[dim]
    counts = _counts(repeats)
    if counts.size not in (1, n):
        raise ShapeError(
            "repeat_interleave: repeats must have the same size as input along dim, but got "
            f"repeats.size(0) = {counts.size} and input.size({dim}) = {n}"
        )
    _check_total(counts, n, output_size)
    return ops.repeat(input, counts, axis=dim)


def _counts(repeats: Any) -> Array:
    counts = to_array(repeats)
    if counts.dtype not in (np.int64, np.int32):
        raise DTypeError(f"repeats has to be Long or Int tensor, got {counts.dtype}")
    if counts.ndim > 1:
        raise ShapeError(
            f"repeat_interleave: repeats must be 0-dim or 1-dim tensor, got {list(counts.shape)}"
        )
    if (counts < 0).any():
        raise ArgumentError(f"repeats can not be negative, got {counts.min()}")
    return counts


def _check_total(counts: Array, n: int, output_size: int | None) -> None:
    total = int(counts.sum()) * (n if counts.size == 1 else 1)
    if output_size is not None and output_size != total and counts.size:
        raise ArgumentError(
            f"repeat_interleave: allocated size does not match required size: output_size is "
            f"{output_size}, the counts add up to {total}"
        )


def _dim_of(input: Tensor, dim: int) -> int:
    if not input.ndim:
        raise DimensionError(f"Dimension specified as {dim} but tensor has no dimensions")
    return checked_dim(dim, input.ndim)


# --- another order -----------------------------------------------------------------------------


def flip(input: Tensor, dims: int | Sequence[int]) -> Tensor:
    """The elements in reverse order along `dims`; a copy.

    >>> dl.flip(dl.tensor([[1, 2], [3, 4]]), (1,))
    tensor([[2, 1],
            [4, 3]])
    """
    axes = checked_dims((dims,) if isinstance(dims, int) else dims, input.ndim)
    return ops.flip(input, axis=axes) if input.ndim else ops.copy(input)


def fliplr(input: Tensor) -> Tensor:
    """The columns in reverse order; a copy.

    >>> dl.fliplr(dl.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if input.ndim < 2:
        raise ShapeError(f"fliplr: Input must be >= 2-d. Got shape {list(input.shape)}")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order; a copy.

    >>> dl.flipud(dl.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if input.ndim < 1:
        raise ShapeError("flipud: Input must be >= 1-d. Got a number")
    return flip(input, 0)


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned `k` times by 90° in the plane of two dimensions, from the first towards the second.

    >>> dl.rot90(dl.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    if len(dims) != 2:
        raise ShapeError(f"rot90: expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise ShapeError(f"rot90: expected total dims >= 2, but got total dims = {input.ndim}")
    first, second = (checked_dim(dim, input.ndim) for dim in dims)
    if first == second:
        raise ArgumentError(
            f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    return ops.rot90(input, k=k, axes=(first, second))


def roll(
    input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None
) -> Tensor:
    """The elements moved on by `shifts` along `dims`; the last ones come in at the front.

    Without `dims` they move as one vector.

    >>> dl.roll(dl.tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
    """
    shift = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    axes = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not axes and len(shift) == 1:
        return ops.roll(input, shift=shift[0])
    if len(axes) != len(shift):
        raise ShapeError(
            f"roll: shifts and dimensions must align. shifts: {len(shift)}, dims:{len(axes)}"
        )
    axes = tuple(_dim_of(input, dim) for dim in axes)
    return ops.roll(input, shift=shift, axis=axes)
