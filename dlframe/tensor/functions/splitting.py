"""Functions that return pieces of tensors: views, unless their name says copy."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from dlframe.ops.record import TensorBase
from dlframe.tensor.arguments import checked_dim, numpy_names

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "chunk",
    "dsplit",
    "hsplit",
    "narrow",
    "narrow_copy",
    "select",
    "split",
    "split_with_sizes",
    "tensor_split",
    "unbind",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "vsplit",
]

Tensors = tuple[Any, ...]


# --- one piece ---------------------------------------------------------------------------------


@numpy_names
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """`length` elements from `start` on along a dimension; a view.

    >>> dl.narrow(dl.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    if not input.ndim:
        raise ShapeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise ArgumentError(f"narrow(): length must be non-negative, got {length}")
    dim = checked_dim(dim, input.ndim)
    n, start = input.shape[dim], int(start)
    if not -n <= start <= n:
        raise DimensionError(
            f"narrow: start out of range (expected to be in range of [{-n}, {n}], but got {start})"
        )
    start += n if start < 0 else 0
    if start + length > n:
        raise ShapeError(
            f"narrow: start ({start}) + length ({length}) exceeds dimension size ({n})."
        )
    return ops.part_of(input, dim, start, start + length)


@numpy_names
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`narrow` as a copy.

    >>> dl.narrow_copy(dl.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    return ops.contiguous(narrow(input, dim, start, length))


@numpy_names
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at `index` along a dimension, without that dimension; a view.

    >>> dl.select(dl.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    dim, index = _dim_of("select", input, dim), operator.index(index)
    n = input.shape[dim]
    if not -n <= index < n:
        raise DimensionError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at "
            f"dimension {dim}"
        )
    return ops.take_at(input, index=(*(slice(None),) * dim, index))


def _dim_of(name: str, input: Tensor, dim: int) -> int:
    if not input.ndim:
        raise DimensionError(f"{name}() cannot be applied to a 0-dim tensor.")
    return checked_dim(dim, input.ndim)


# --- all pieces --------------------------------------------------------------------------------


@numpy_names
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> Tensors:
    """Pieces of that size (the last may be smaller), or of those sizes; views.

    >>> dl.split(dl.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> dl.split(dl.arange(5), [1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    return _of_one_call("SplitBackward0", unsafe_split(tensor, split_size_or_sections, dim))


@numpy_names
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> Tensors:
    """`split` into pieces of the given sizes.

    >>> dl.split_with_sizes(dl.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    pieces = unsafe_split_with_sizes(input, split_sizes, dim)
    return _of_one_call("SplitWithSizesBackward0", pieces)


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> Tensors:
    """At most that many pieces of equal size (the last may be smaller); views.

    >>> dl.chunk(dl.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    return _of_one_call("SplitBackward0", unsafe_chunk(input, chunks, dim))


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> Tensors:
    """The slices along a dimension, without that dimension; views.

    >>> dl.unbind(dl.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    pieces = ops.unstack(input, axis=_dim_of("unbind", input, dim))
    return _of_one_call("UnbindBackward0", pieces)


def _of_one_call(name: str, pieces: Tensors) -> Tensors:
    """Marks the views of one call: as in PyTorch, those with a graph refuse in-place writes."""
    for piece in pieces:
        if piece.view_of is not None:
            piece.view_of.several = name
    return pieces


@numpy_names
def unsafe_split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> Tensors:
    """`split` whose pieces may be written to in place, independently of each other.

    >>> dl.unsafe_split(dl.arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """
    size = split_size_or_sections
    if not isinstance(size, int):
        return unsafe_split_with_sizes(tensor, size, dim)
    dim = _splittable("split", tensor, dim)
    n = tensor.shape[dim]
    if size < 0 or (size == 0 and n):
        raise ArgumentError(f"split expects split_size be positive, but got split_size={size}")
    return ops.split_at(tensor, cuts=tuple(range(size, n, size)) if n else (), axis=dim)


@numpy_names
def unsafe_split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> Tensors:
    """`split_with_sizes` whose pieces may be written to in place.

    >>> dl.unsafe_split_with_sizes(dl.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    dim = _splittable("split", input, dim)
    n, parts = input.shape[dim], [operator.index(size) for size in split_sizes]
    if sum(parts) != n or min(parts, default=0) < 0:
        raise ShapeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
            f"dimension {dim}), but got split_sizes={parts}"
        )
    cuts = tuple(itertools.accumulate(parts[:-1]))
    return ops.split_at(input, cuts=cuts, axis=dim) if parts else ()


@numpy_names
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> Tensors:
    """`chunk` whose pieces may be written to in place.

    >>> dl.unsafe_chunk(dl.arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """
    if chunks <= 0:
        raise ArgumentError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = _splittable("chunk", input, dim)
    size = -(-input.shape[dim] // chunks)
    if not size:
        return tuple([ops.part_of(input, dim, 0, 0) for _ in range(chunks)])
    return unsafe_split(input, size, dim)


def _splittable(name: str, input: Tensor, dim: int) -> int:
    if not input.ndim:
        raise ShapeError(f"{name} expects at least a 1-dimensional tensor")
    return checked_dim(dim, input.ndim)


# --- NumPy's ways to split ---------------------------------------------------------------------


@numpy_names
def tensor_split(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | Tensor | None = None,
    dim: int = 0,
    *,
    indices: Sequence[int] | Tensor | None = None,
    sections: int | Tensor | None = None,
) -> Tensors:
    """That many pieces of sizes that differ by at most one, or the pieces between indices; views.

    >>> dl.tensor_split(dl.arange(5), 3)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> dl.tensor_split(dl.arange(5), (1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    where = _where(indices_or_sections, indices, sections)
    if isinstance(where, TensorBase):
        cuts = where.array
        if cuts.dtype != np.int64 or cuts.ndim > 1:
            raise DTypeError(
                "tensor_split expected tensor_indices_or_sections to have dtype of long and at "
                f"most one dimension, got {cuts.dtype} of shape {list(cuts.shape)}"
            )
        where = cuts.tolist()
    if not input.ndim:
        raise ShapeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = checked_dim(dim, input.ndim)
    if not isinstance(where, int):
        return ops.split_between(input, map(operator.index, where), axis=dim)
    if where <= 0:
        raise ArgumentError(f"number of sections must be larger than 0, got {where}")
    return ops.split_between(input, ops.equal_cuts(input.shape[dim], where), axis=dim)


def _where(*given: Any) -> Any:
    """The first argument that was given; PyTorch also accepts each under its own name."""
    return next((value for value in given if value is not None), ())


def hsplit(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | None = None,
    *,
    indices: Sequence[int] | None = None,
    sections: int | None = None,
) -> Tensors:
    """Equal parts, or the parts between indices, along the columns (of a vector, the elements).

    >>> [x.shape for x in dl.hsplit(dl.zeros(2, 4), (1, 3))]
    [(2, 1), (2, 2), (2, 1)]
    """
    where = _where(indices_or_sections, indices, sections)
    return _split_equally("hsplit", input, where, 0 if input.ndim == 1 else 1, 1)


def vsplit(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | None = None,
    *,
    indices: Sequence[int] | None = None,
    sections: int | None = None,
) -> Tensors:
    """Equal parts, or the parts between indices, along the rows.

    >>> [x.shape for x in dl.vsplit(dl.zeros(4, 2), 2)]
    [(2, 2), (2, 2)]
    """
    where = _where(indices_or_sections, indices, sections)
    return _split_equally("vsplit", input, where, 0, 2)


def dsplit(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | None = None,
    *,
    indices: Sequence[int] | None = None,
    sections: int | None = None,
) -> Tensors:
    """Equal parts, or the parts between indices, along the third dimension.

    >>> [x.shape for x in dl.dsplit(dl.zeros(1, 1, 4), 2)]
    [(1, 1, 2), (1, 1, 2)]
    """
    where = _where(indices_or_sections, indices, sections)
    return _split_equally("dsplit", input, where, 2, 3)


def _split_equally(name: str, input: Tensor, where: Any, dim: int, least: int) -> Tensors:
    if input.ndim < least:
        raise ShapeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
            f"with {input.ndim} dimensions!"
        )
    if isinstance(where, int) and (where <= 0 or input.shape[dim] % where):
        raise ShapeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{input.shape[dim]} is not divisible by the split_size {where}!"
        )
    return tensor_split(input, where, dim)
