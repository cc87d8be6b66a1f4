"""Functions that reorder dimensions; the results are views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.errors import ShapeError
from dlframe.tensor.arguments import checked_dim, checked_dims

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "adjoint",
    "moveaxis",
    "movedim",
    "permute",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
]


def permute(input: Tensor, dims: Sequence[int]) -> Tensor:
    """The dimensions in the order `dims`; a view.

    >>> dl.permute(dl.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    ndim = input.array.ndim
    if len(dims) != ndim:
        raise ShapeError(
            "permute(): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {ndim} is not "
            f"equal to len(dims) = {len(dims)}"
        )
    return ops.transpose(input, axes=checked_dims(dims, ndim))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged; a view.

    >>> dl.transpose(dl.tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([[1, 3],
            [2, 4]])
    """
    ndim = input.array.ndim
    axis1, axis2 = checked_dim(dim0, ndim), checked_dim(dim1, ndim)
    if not ndim:
        return ops.reshape(input, shape=())
    return ops.swapaxes(input, axis1=axis1, axis2=axis2)


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under NumPy's name.

    >>> dl.swapaxes(dl.zeros(2, 3), 0, 1).shape
    (3, 2)
    """
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` under another name.

    >>> dl.swapdims(dl.zeros(2, 3), 0, 1).shape
    (3, 2)
    """
    return transpose(input, dim0, dim1)


def t(input: Tensor) -> Tensor:
    """A matrix transposed; a vector or a number as it is.

    >>> dl.t(dl.zeros(2, 3)).shape
    (3, 2)
    """
    if input.ndim > 2:
        raise ShapeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D; use .mT or "
            "permute()"
        )
    return transpose(input, 0, 1) if input.ndim == 2 else ops.reshape(input, shape=input.shape)


def adjoint(input: Tensor) -> Tensor:
    """Each matrix of a batch transposed (PyTorch also conjugates complex numbers).

    >>> dl.adjoint(dl.zeros(4, 2, 3)).shape
    (4, 3, 2)
    """
    return matrices_transposed(input, "tensor.adjoint()")


def matrices_transposed(input: Tensor, name: str) -> Tensor:
    """The last two dimensions swapped; a number as it is."""
    if input.ndim == 1:
        raise ShapeError(
            f"{name} is only supported on matrices or batches of matrices. Got 1-D tensor."
        )
    return transpose(input, -2, -1) if input.ndim else input


def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """The dimensions `source` moved to the places `destination`; the others keep their order.

    >>> dl.movedim(dl.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    n = input.ndim
    start = checked_dims((source,) if isinstance(source, int) else source, n)
    end = checked_dims((destination,) if isinstance(destination, int) else destination, n)
    if len(start) != len(end):
        raise ShapeError(
            f"movedim: Invalid source or destination dims: source ({list(start)} dims) should "
            f"contain the same number of dims as destination ({list(end)} dims)"
        )
    order = [dim for dim in range(n) if dim not in start]
    for place, dim in sorted(zip(end, start, strict=True)):
        order.insert(place, dim)
    return ops.transpose(input, axes=tuple(order[:n]))


# PyTorch's second name.
moveaxis = movedim
