"""Copies of what the functions of the same name without `_copy` return as views.

Writing into a copy leaves the tensor that it came from alone. Gradients flow as through the view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.dtypes import dtype as DType
from dlframe.tensor.arguments import numpy_names
from dlframe.tensor.functions import axes, diagonals, reshaping, splitting, views

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "alias_copy",
    "as_strided_copy",
    "detach_copy",
    "diagonal_copy",
    "expand_copy",
    "permute_copy",
    "select_copy",
    "slice_copy",
    "split_copy",
    "split_with_sizes_copy",
    "squeeze_copy",
    "t_copy",
    "transpose_copy",
    "unbind_copy",
    "unfold_copy",
    "unsqueeze_copy",
    "view_copy",
]


def _copy(view: Any) -> Any:
    """A copy that lies in order in memory."""
    return ops.contiguous(view)


# --- of all elements ---------------------------------------------------------------------------


def alias_copy(input: Tensor) -> Tensor:
    """A copy, as `clone`.

    >>> dl.alias_copy(dl.tensor([1.0]))
    tensor([1.])
    """
    return _copy(input)


def detach_copy(input: Tensor) -> Tensor:
    """A copy without history.

    >>> dl.detach_copy(dl.ones(1, requires_grad=True)).requires_grad
    False
    """
    return _copy(input.detach())


def expand_copy(input: Tensor, size: Sequence[int], *, implicit: bool = False) -> Tensor:
    """`Tensor.expand` as a copy; `implicit` has no meaning here.

    >>> dl.expand_copy(dl.tensor([[1], [2]]), (2, 3))
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    return _copy(reshaping.expand(input, size))


def view_copy(input: Tensor, size: Sequence[int] | DType) -> Tensor:
    """`Tensor.view` as a copy: another shape, or the bytes read as another dtype.

    >>> dl.view_copy(dl.arange(4), (2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return _copy(input.view(size))


# --- in another order --------------------------------------------------------------------------


def permute_copy(input: Tensor, dims: Sequence[int]) -> Tensor:
    """`permute` as a copy.

    >>> dl.permute_copy(dl.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return _copy(axes.permute(input, dims))


def transpose_copy(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` as a copy.

    >>> dl.transpose_copy(dl.tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([[1, 3],
            [2, 4]])
    """
    return _copy(axes.transpose(input, dim0, dim1))


def t_copy(input: Tensor) -> Tensor:
    """`t` as a copy.

    >>> dl.t_copy(dl.zeros(2, 3)).shape
    (3, 2)
    """
    return _copy(axes.t(input))


@numpy_names
def squeeze_copy(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """`squeeze` as a copy.

    >>> dl.squeeze_copy(dl.zeros(2, 1, 3)).shape
    (2, 3)
    """
    return _copy(reshaping.squeeze(input, dim))


@numpy_names
def unsqueeze_copy(input: Tensor, dim: int) -> Tensor:
    """`unsqueeze` as a copy.

    >>> dl.unsqueeze_copy(dl.tensor([1, 2]), 1).shape
    (2, 1)
    """
    return _copy(reshaping.unsqueeze(input, dim))


# --- of some elements --------------------------------------------------------------------------


def as_strided_copy(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """`as_strided` as a copy.

    >>> dl.as_strided_copy(dl.arange(6), (2, 2), (1, 2), 1)
    tensor([[1, 3],
            [2, 4]])
    """
    return _copy(views.as_strided(input, size, stride, storage_offset))


def diagonal_copy(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """`diagonal` as a copy.

    >>> dl.diagonal_copy(dl.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return _copy(diagonals.diagonal(input, offset, dim1, dim2))


@numpy_names
def select_copy(input: Tensor, dim: int, index: int) -> Tensor:
    """`select` as a copy.

    >>> dl.select_copy(dl.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    return _copy(splitting.select(input, dim, index))


@numpy_names
def slice_copy(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """The elements from `start` to `end` along a dimension, with steps, as a copy.

    >>> dl.slice_copy(dl.arange(6), 0, 1, 6, 2)
    tensor([1, 3, 5])
    """
    return _copy(ops.take_at(input, index=views.slice_index(input, dim, start, end, step)))


def unfold_copy(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """`Tensor.unfold` as a copy.

    >>> dl.unfold_copy(dl.arange(4), 0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    return _copy(views.unfold(input, dimension, size, step))


# --- in pieces ---------------------------------------------------------------------------------


@numpy_names
def split_copy(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split` as copies.

    >>> dl.split_copy(dl.arange(5), 3)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    return tuple(map(_copy, splitting.unsafe_split(input, split_size, dim)))


@numpy_names
def split_with_sizes_copy(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """`split_with_sizes` as copies.

    >>> dl.split_with_sizes_copy(dl.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    return tuple(map(_copy, splitting.unsafe_split_with_sizes(input, split_sizes, dim)))


@numpy_names
def unbind_copy(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """`unbind` as copies.

    >>> dl.unbind_copy(dl.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    return tuple(map(_copy, splitting.unbind(input, dim)))
