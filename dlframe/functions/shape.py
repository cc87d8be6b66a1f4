"""Functions that rearrange elements: reshaping, transposing, repeating, padding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.functions.arguments import Shape, checked_dim, checked_dims, numpy_names, sizes
from dlframe.ops.record import TensorBase

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "broadcast_to",
    "diag",
    "diagonal",
    "flatten",
    "flip",
    "moveaxis",
    "movedim",
    "numel",
    "permute",
    "ravel",
    "repeat_interleave",
    "reshape",
    "roll",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "tile",
    "transpose",
    "tril",
    "triu",
    "unflatten",
    "unsqueeze",
]


# --- another shape for the same elements -------------------------------------------------------


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


def view(input: Tensor, shape: Sequence[int]) -> Tensor:
    """`reshape` that never copies: the result shares memory.

    Raises:
        ShapeError: the elements do not lie in memory so that this is possible.

    >>> x = dl.zeros(2, 3)
    >>> x.view(3, 2)[0, 0] = 1
    >>> x[0, 0]
    tensor(1.)
    """
    out = ops.reshape(input, shape=sizes((shape,)))
    if out.array.size and not np.may_share_memory(out.array, input.array):
        raise ShapeError(
            f"view size is not compatible with input tensor's size and stride: {list(input.shape)} "
            "to "
            f"{list(out.shape)} spans dimensions that do not lie together in memory. Use "
            ".reshape(...) instead."
        )
    return out


def ravel(input: Tensor) -> Tensor:
    """All elements along one dimension.

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
    if not shape:
        return ops.reshape(input, shape=(1,))
    start, end = checked_dim(start_dim, len(shape)), checked_dim(end_dim, len(shape))
    if start > end:
        raise ArgumentError(
            f"flatten() has invalid args: start_dim cannot come after end_dim, got {start_dim} and "
            f"{end_dim}"
        )
    merged = (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
    return ops.reshape(input, shape=merged)


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension made into several; one size may be -1.

    >>> dl.unflatten(dl.zeros(2, 12), 1, (3, -1)).shape
    (2, 3, 4)
    """
    dim, parts = checked_dim(dim, input.ndim), list(sizes)
    known = math.prod(n for n in parts if n != -1)
    if -1 in parts and known:
        parts[parts.index(-1)] = input.shape[dim] // known
    if math.prod(parts) != input.shape[dim]:
        raise ShapeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({input.shape[dim]}) in the input tensor of shape {list(input.shape)}"
        )
    return ops.reshape(input, shape=(*input.shape[:dim], *parts, *input.shape[dim + 1 :]))


@numpy_names
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1, or without those of them that `dim` names.

    >>> dl.squeeze(dl.zeros(2, 1, 3, 1), 1).shape
    (2, 3, 1)
    """
    if dim is None:
        return ops.squeeze(input)
    dims = checked_dims(dim if isinstance(dim, Sequence) else (dim,), input.ndim)
    return ops.squeeze(input, axis=dims if input.ndim else None)


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1.

    >>> dl.unsqueeze(dl.tensor([1, 2]), 1)
    tensor([[1],
            [2]])
    """
    return ops.expand_dims(input, axis=checked_dim(dim, input.ndim + 1))


# --- another order of dimensions ---------------------------------------------------------------


def permute(input: Tensor, dims: Sequence[int]) -> Tensor:
    """The dimensions in the order `dims`; a view.

    >>> dl.permute(dl.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    order = checked_dims(dims, input.ndim) if input.ndim else ()
    if len(order) != input.ndim:
        raise ShapeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the "
            "length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = "
            f"{len(order)}"
        )
    return ops.transpose(input, axes=order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged; a view.

    >>> dl.transpose(dl.tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([[1, 3],
            [2, 4]])
    """
    axis1, axis2 = checked_dim(dim0, input.ndim), checked_dim(dim1, input.ndim)
    return ops.swapaxes(input, axis1=axis1, axis2=axis2) if input.ndim else input


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under NumPy's name.

    >>> dl.swapaxes(dl.zeros(2, 3), 0, 1).shape
    (3, 2)
    """
    return transpose(input, axis0, axis1)


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
            "contain the same number "
            f"of dims as destination ({list(end)} dims)"
        )
    order = [dim for dim in range(n) if dim not in start]
    for place, dim in sorted(zip(end, start, strict=True)):
        order.insert(place, dim)
    return ops.transpose(input, axes=tuple(order[:n]))


# --- repeating ---------------------------------------------------------------------------------


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
            f"({len(target)}) must be greater or "
            f"equal to the number of dimensions in the tensor ({len(own)})"
        )
    for i, n in enumerate(target):
        if i < lead:
            if n < 0:
                raise ShapeError(
                    f"expand: the size -1 isn't allowed in a leading, non-existing dimension {i}"
                )
        elif n == -1:
            target[i] = own[i - lead]
        elif own[i - lead] not in (1, n):
            raise ShapeError(
                f"The expanded size of the tensor ({n}) must match the existing size "
                f"({own[i - lead]}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(size)}.  Tensor sizes: {list(own)}"
            )
    return ops.broadcast_to(input, shape=tuple(target))


def broadcast_to(input: Tensor, shape: Sequence[int]) -> Tensor:
    """`expand` under NumPy's name.

    >>> dl.broadcast_to(dl.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, shape)


def repeat(input: Tensor, repeats: Sequence[int]) -> Tensor:
    """Whole copies side by side, so many along each dimension.

    >>> dl.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    counts = sizes((repeats,))
    if len(counts) < input.ndim:
        raise ShapeError(
            f"repeat: Number of dimensions of repeat dims {list(counts)} can not be smaller than "
            "number of dimensions "
            f"of tensor {list(input.shape)}"
        )
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
    input: Tensor, repeats: int | Tensor, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element repeated, next to itself: so often along `dim`, or in the flattened tensor.

    >>> dl.repeat_interleave(dl.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    >>> dl.repeat_interleave(dl.tensor([1, 2]), dl.tensor([1, 3]))
    tensor([1, 2, 2, 2])
    """
    if dim is None:
        input, dim = ops.ravel(input), 0
    dim = checked_dim(dim, input.ndim)
    counts: Any = repeats.array if isinstance(repeats, TensorBase) else repeats
    if np.ndim(counts) and len(counts) not in (1, input.shape[dim]):
        raise ShapeError(
            "repeat_interleave: repeats must have the same size as input along dim; got "
            f"{len(counts)} repeats for size {input.shape[dim]}"
        )
    return ops.take(input, np.repeat(np.arange(input.shape[dim]), counts), axis=dim)


def flip(input: Tensor, dims: int | Sequence[int]) -> Tensor:
    """The elements in reverse order along `dims`; a copy.

    >>> dl.flip(dl.tensor([[1, 2], [3, 4]]), (1,))
    tensor([[2, 1],
            [4, 3]])
    """
    axes = checked_dims((dims,) if isinstance(dims, int) else dims, input.ndim)
    return ops.flip(input, axis=axes) if input.ndim else ops.copy(input)


def roll(
    input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None
) -> Tensor:
    """The elements moved on by `shifts` along `dims`, round the end; by default as one vector.

    >>> dl.roll(dl.tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
    """
    shift = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    if dims is None:
        return ops.roll(input, shift=shift[0])
    axes = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(axes) != len(shift):
        raise ShapeError(
            f"roll: shifts and dimensions must align. shifts: {len(shift)}, dims:{len(axes)}"
        )
    axes = tuple(checked_dim(dim, input.ndim) for dim in axes)
    return ops.roll(input, shift=shift, axis=axes) if input.ndim else ops.copy(input)


# --- padding -----------------------------------------------------------------------------------


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Elements added (or, with negative numbers, cut off) at both ends of the last dimensions.

    Args:
        input: any shape.
        pad: (before, after) of the last dimension, then of the one before it, and so on.
        mode: "constant" (with `value`, by default 0), "reflect", "replicate" or "circular".
        value: of constant padding.

    >>> pad(dl.tensor([1, 2, 3]), (1, 2))
    tensor([0, 1, 2, 3, 0, 0])
    >>> pad(dl.tensor([1, 2, 3]), (1, 2), mode="reflect")
    tensor([2, 1, 2, 3, 2, 1])
    """
    amounts = sizes((pad,))
    if len(amounts) % 2 or len(amounts) > 2 * input.ndim:
        raise ShapeError(
            "pad: Padding length must be divisible by 2 and at most twice the number of "
            "dimensions of the input, got "
            f"{list(amounts)} for shape {list(input.shape)}"
        )
    pairs = [(amounts[i], amounts[i + 1]) for i in range(0, len(amounts), 2)]
    width = [(0, 0)] * (input.ndim - len(pairs)) + pairs[::-1]
    if mode == "constant":
        _check_constant(input.shape, width)
        return ops.pad(input, pad_width=tuple(width), value=0 if value is None else value)
    if mode not in _PLACES:
        raise NotImplementedError(
            f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}"
        )
    if value is not None:
        raise ArgumentError(
            f"pad: value is of constant padding; mode {mode!r} takes none, got {value}"
        )
    for dim, (before, after) in enumerate(width):
        if before or after:
            places = _PLACES[mode](input.shape[dim], before, after)
            input = ops.take(input, places, axis=dim)
    return input


def _check_constant(shape: Shape, width: list[tuple[int, int]]) -> None:
    for dim, (n, (before, after)) in enumerate(zip(shape, width, strict=True)):
        if n + before + after < 0:
            raise ShapeError(
                f"pad: The input size {n}, plus negative padding {before} and {after}, resulted in "
                "a negative output "
                f"size in dimension {dim}"
            )


def _reflected(n: int, before: int, after: int) -> Any:
    if max(before, after) >= n:
        raise ShapeError(
            "pad: Padding size should be less than the corresponding input dimension, but got: "
            "padding "
            f"({before}, {after}) at a dimension of size {n}"
        )
    places = np.abs(np.arange(-before, n + after))  # -1 is element 1
    return np.where(places < n, places, 2 * (n - 1) - places)


def _replicated(n: int, before: int, after: int) -> Any:
    return np.arange(-before, n + after).clip(0, n - 1)


def _circular(n: int, before: int, after: int) -> Any:
    if max(before, after) > n:
        raise ShapeError(
            f"pad: Padding value causes wrapping around more than once: padding ({before}, "
            f"{after}) at a dimension of "
            f"size {n}"
        )
    return np.arange(-before, n + after) % n


_PLACES = {"reflect": _reflected, "replicate": _replicated, "circular": _circular}


# --- triangles and diagonals -------------------------------------------------------------------


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of each matrix up to a diagonal; zeros above.

    >>> dl.tril(dl.tensor([[1, 2], [3, 4]]))
    tensor([[1, 0],
            [3, 4]])
    """
    _require_matrix("tril", input)
    return ops.tril(input, k=diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of each matrix from a diagonal on; zeros below.

    >>> dl.triu(dl.tensor([[1, 2], [3, 4]]))
    tensor([[1, 2],
            [0, 4]])
    """
    _require_matrix("triu", input)
    return ops.triu(input, k=diagonal)


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
        n = input.shape[0] + (diagonal if diagonal >= 0 else -diagonal)
        return ops.put_diagonal(input, size=(n, n), offset=diagonal)
    if input.ndim != 2:
        raise ShapeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return ops.copy(ops.diagonal(input, offset=diagonal))


# PyTorch's second names.
swapdims, moveaxis = transpose, movedim
