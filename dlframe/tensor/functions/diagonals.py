"""Triangles and diagonals of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.autograd.inplace import in_place_form
from dlframe.errors import ArgumentError, ShapeError
from dlframe.tensor.arguments import checked_dim

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["diag", "diag_embed", "diagflat", "diagonal", "tril", "triu"]


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of each matrix up to a diagonal; zeros above.

    >>> dl.tril(dl.tensor([[1, 2], [3, 4]]))
    tensor([[1, 0],
            [3, 4]])
    """
    _require_matrix("tril", input)
    return ops.tril(input, k=diagonal)


tril_ = in_place_form(tril)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of each matrix from a diagonal on; zeros below.

    >>> dl.triu(dl.tensor([[1, 2], [3, 4]]))
    tensor([[1, 2],
            [0, 4]])
    """
    _require_matrix("triu", input)
    return ops.triu(input, k=diagonal)


triu_ = in_place_form(triu)


def _require_matrix(name: str, input: Tensor) -> None:
    if input.ndim < 2:
        raise ShapeError(
            f"{name}: input tensor must have at least 2 dimensions, got {list(input.shape)}"
        )


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of the matrices in two dimensions, as the last dimension; a view.

    >>> dl.diagonal(dl.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    axis1, axis2 = checked_dim(dim1, input.ndim), checked_dim(dim2, input.ndim)
    if axis1 == axis2:
        raise ArgumentError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return ops.diagonal(input, offset=offset, axis1=axis1, axis2=axis2)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A vector as the diagonal of a square matrix, or the diagonal of a matrix as a vector.

    >>> dl.diag(dl.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        raise ShapeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return ops.copy(ops.diagonal(input, offset=diagonal))


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The last dimension as the diagonals of square matrices in two new dimensions.

    >>> dl.diag_embed(dl.tensor([[1, 2], [3, 4]])).shape
    (2, 2, 2)
    """
    n = input.ndim + 1
    axis1, axis2 = checked_dim(dim1, n), checked_dim(dim2, n)
    if n == 1:
        checked_dim(-2, 1)  # a number has no dimension that could be a diagonal
    if axis1 == axis2:
        raise ArgumentError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    width = input.shape[-1] + abs(offset)
    others = iter(input.shape[:-1])
    size = tuple([width if i in (axis1, axis2) else next(others) for i in range(n)])
    return ops.put_diagonal(input, size=size, offset=offset, axis1=axis1, axis2=axis2)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """All elements on the diagonal of a square matrix.

    >>> dl.diagflat(dl.tensor([[1, 2]]), 1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])
    """
    return diag_embed(ops.ravel(input), offset)
