"""The same elements in another shape: reshaping, dimensions of size 1, broadcasting."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops.record import TensorBase
from dlframe.tensor.arguments import Shape, checked_dim, checked_dims, numpy_names, sizes

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "flatten",
    "numel",
    "ravel",
    "reshape",
    "squeeze",
    "unflatten",
    "unsqueeze",
]


def numel(input: Tensor) -> int:
    """The number of elements.

    >>> dl.numel(dl.zeros(2, 3))
    6
    """
    return int(input.array.size)


def reshape(input: Tensor, shape: Sequence[int]) -> Tensor:
    """The same elements in another shape; one size may be -1. Shares memory where possible.

    Raises:
        ShapeError: the sizes do not multiply to the number of elements.

    >>> dl.reshape(dl.arange(6), (2, -1))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return ops.reshape(input, shape=sizes((shape,)))


def view(input: Tensor, shape: Shape) -> Tensor:
    """`reshape` that never copies: the result shares memory.

    Raises:
        ShapeError: the order of the elements in memory does not allow it.

    >>> x = dl.zeros(2, 3)
    >>> x.view(3, 2)[0, 0] = 1
    >>> x[0, 0]
    tensor(1.)
    """
    out = ops.reshape(input, shape=shape)
    if out.view_of is None and out.array.size and not np.may_share_memory(out.array, input.array):
        raise ShapeError(
            f"view size is not compatible with input tensor's size and stride: {list(input.shape)} "
            f"to {list(out.shape)} spans dimensions that do not lie together in memory. Use "
            ".reshape(...) instead."
        )
    return out


def ravel(input: Tensor) -> Tensor:
    """All elements as one dimension.

    >>> dl.ravel(dl.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return ops.ravel(input)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` made into one.

    >>> dl.flatten(dl.zeros(2, 3, 4), start_dim=1).shape
    (2, 12)
    """
    shape = input.shape
    start, end = checked_dim(start_dim, len(shape)), checked_dim(end_dim, len(shape))
    if start > end:
        raise ArgumentError(
            f"flatten() has invalid args: start_dim cannot come after end_dim, got {start_dim} and "
            f"{end_dim}"
        )
    if start == end and shape:
        return input  # itself, as in PyTorch: a leaf stays one
    merged = (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
    return ops.reshape(input, shape=merged)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension made into several; one size may be -1.

    >>> dl.unflatten(dl.zeros(2, 12), 1, (3, -1)).shape
    (2, 3, 4)
    """
    dim, parts = checked_dim(dim, input.ndim), list(sizes)
    if not parts or not input.ndim:
        raise ArgumentError("unflatten: sizes must be non-empty, and the input have dimensions")
    known = math.prod(n for n in parts if n != -1)
    if -1 in parts and known:
        parts[parts.index(-1)] = input.shape[dim] // known
    if math.prod(parts) != input.shape[dim]:
        raise ShapeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({input.shape[dim]}) in the input tensor of shape {list(input.shape)}"
        )
    return ops.reshape(input, shape=(*input.shape[:dim], *parts, *input.shape[dim + 1 :]))


# --- dimensions of size 1 ----------------------------------------------------------------------


@numpy_names
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1, or without those of them that `dim` names.

    >>> dl.squeeze(dl.zeros(2, 1, 3, 1), 1).shape
    (2, 3, 1)
    """
    if dim is None:
        return ops.squeeze(input)
    ndim = input.array.ndim
    axis = checked_dims(dim, ndim) if isinstance(dim, Sequence) else checked_dim(dim, ndim)
    return ops.squeeze(input, axis=axis if ndim else None)


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1.

    >>> dl.unsqueeze(dl.tensor([1, 2]), 1)
    tensor([[1],
            [2]])
    """
    return ops.expand_dims(input, axis=checked_dim(dim, input.array.ndim + 1))


def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one dimension: a number becomes a vector of one.

    >>> dl.atleast_1d(dl.tensor(1.0))
    tensor([1.])
    """
    return _each(tensors, ops.atleast_1d)


def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two dimensions: a vector becomes a row.

    >>> dl.atleast_2d(dl.tensor([1, 2]), dl.tensor(3))
    (tensor([[1, 2]]), tensor([[3]]))
    """
    return _each(tensors, ops.atleast_2d)


def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three dimensions: (n,) becomes (1, n, 1), (n, m) becomes (n, m, 1).

    >>> dl.atleast_3d(dl.zeros(2)).shape
    (1, 2, 1)
    """
    return _each(tensors, ops.atleast_3d)


def _each(tensors: tuple[Any, ...], function: Callable[[Any], Any]) -> Any:
    """`function` of one tensor, or a tuple for several or for a list of them."""
    if len(tensors) == 1 and isinstance(tensors[0], TensorBase):
        return function(tensors[0])
    listed = tensors[0] if len(tensors) == 1 else tensors
    return tuple([function(x) for x in listed])


# --- broadcasting ------------------------------------------------------------------------------


def expand(input: Tensor, size: Sequence[int]) -> Tensor:
    """Dimensions of size 1 stretched to `size` without a copy, new ones in front; -1 leaves a size.

    Raises:
        ShapeError: a size other than 1 would have to change.

    >>> dl.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    target, own = list(sizes((size,))), input.shape
    lead = len(target) - len(own)
    if lead < 0:
        raise ShapeError(
            f"expand(shape {list(own)}, size={target}): the number of sizes provided "
            f"({len(target)}) must be greater or equal to the number of dimensions in the tensor "
            f"({len(own)})"
        )
    for i, n in enumerate(target):
        if i >= lead and n == -1:
            target[i] = own[i - lead]
        elif n < 0:
            where = "a leading, non-existing" if i < lead else "an existing"
            raise ShapeError(f"expand: the size {n} isn't allowed in {where} dimension {i}")
        elif i >= lead and own[i - lead] not in (1, n):
            raise ShapeError(
                f"The expanded size of the tensor ({n}) must match the existing size "
                f"({own[i - lead]}) at non-singleton dimension {i}.  Target sizes: "
                f"{list(sizes((size,)))}.  Tensor sizes: {list(own)}"
            )
    return ops.broadcast_to(input, shape=tuple(target))


def broadcast_to(input: Tensor, shape: Sequence[int]) -> Tensor:
    """`expand` under NumPy's name.

    >>> dl.broadcast_to(dl.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, shape)


def broadcast_shapes(*shapes: Any) -> Shape:
    """The shape that these shapes are broadcast to; an integer stands for one size.

    Raises:
        ShapeError: two sizes of a dimension differ and neither is 1.

    >>> dl.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    listed = [sizes((shape,)) if not isinstance(shape, int) else (shape,) for shape in shapes]
    if any(n < 0 for shape in listed for n in shape):
        raise ShapeError(f"broadcast_shapes: sizes must not be negative, got {listed}")
    try:
        return np.broadcast_shapes(*listed)
    except ValueError:
        raise ShapeError(
            f"broadcast_shapes: shapes {', '.join(str(list(s)) for s in listed)} cannot be "
            "broadcast together: sizes must be equal or 1, counted from the last dimension"
        ) from None


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors, each expanded to the shape that all are broadcast to; views.

    >>> dl.broadcast_tensors(dl.tensor([1, 2]), dl.tensor([[3]]))
    (tensor([[1, 2]]), tensor([[3, 3]]))
    """
    listed = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    shape = broadcast_shapes(*[x.shape for x in listed])
    return tuple([ops.broadcast_to(x, shape=shape) for x in listed])


def sum_to_size(input: Tensor, size: Sequence[int]) -> Tensor:
    """The sum over the dimensions along which `size` would be broadcast to the shape of `input`.

    This is the adjoint of `broadcast_to`.

    >>> dl.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    target, own = sizes((size,)), input.shape
    lead = len(own) - len(target)
    pairs = list(zip(own[max(lead, 0) :], target, strict=False))
    if lead < 0 or any(n not in (1, m) for m, n in pairs):
        raise ShapeError(f"size {{{list(target)}}} is not expandable to size {{{list(own)}}}.")
    if target == own:
        return input
    stretched = [i + lead for i, (m, n) in enumerate(pairs) if n == 1 and m != 1]
    total = input.sum([*range(lead), *stretched], keepdim=True)
    return ops.reshape(total, shape=target)
