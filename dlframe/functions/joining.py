"""Functions that join tensors, that span grids by them, and that cut them into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from dlframe.functions.arguments import checked_dim, numpy_names
from dlframe.ops.record import TensorBase

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "cat",
    "chunk",
    "concat",
    "concatenate",
    "meshgrid",
    "narrow",
    "select",
    "split",
    "stack",
    "unbind",
]


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along a dimension that they have.

    Raises:
        ShapeError: other sizes differ.

    >>> dl.cat([dl.tensor([1, 2]), dl.tensor([3])])
    tensor([1, 2, 3])
    """
    tensors = _list_of("cat", tensors)
    # an empty vector joins with everything, as the start of a loop that collects
    kept = [x for x in tensors if x.shape != (0,)] or tensors
    if not kept[0].shape:
        raise ShapeError(
            "cat: zero-dimensional tensor (at position 0) cannot be concatenated; use stack()"
        )
    axis = checked_dim(dim, kept[0].ndim)
    first = kept[0].shape
    for i, x in enumerate(kept):
        if len(x.shape) != len(first) or any(
            a != b for d, (a, b) in enumerate(zip(x.shape, first, strict=True)) if d != axis
        ):
            raise ShapeError(
                f"cat: Sizes of tensors must match except in dimension {axis}; tensor 0 has shape "
                f"{list(first)}, "
                f"tensor {i} has {list(x.shape)}"
            )
    return ops.concatenate(*kept, axis=axis)


def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """`cat` under NumPy's name.

    >>> dl.concatenate([dl.tensor([1, 2]), dl.tensor([3])])
    tensor([1, 2, 3])
    """
    return cat(tensors, axis)


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, of one shape, side by side along a new dimension.

    >>> dl.stack([dl.tensor([1, 2]), dl.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    tensors = _list_of("stack", tensors)
    for i, x in enumerate(tensors):
        if x.shape != tensors[0].shape:
            raise ShapeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at "
                "entry 0 and "
                f"{list(x.shape)} at entry {i}"
            )
    return ops.stack(*tensors, axis=checked_dim(dim, tensors[0].ndim + 1))


def _list_of(name: str, tensors: Any) -> list[Any]:
    if isinstance(tensors, TensorBase):
        raise TypeError(f"{name}() takes a list or tuple of tensors, got one tensor; pass [a, b]")
    found = list(tensors)
    if not found:
        raise ShapeError(f"{name} expects a non-empty list of tensors")
    return found


def meshgrid(*tensors: Tensor, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid's points: of shape (n₀, n₁ …) for vectors of those lengths; views.

    Args:
        tensors: vectors (or numbers) of one dtype, or one list of them.
        indexing: "ij", the default, lets the i-th vector run along dim i; "xy" exchanges the first
            two dims, so that the first vector runs along the columns.

    >>> dl.meshgrid(dl.tensor([1, 2]), dl.tensor([3, 4, 5]), indexing="ij")
    (tensor([[1, 1, 1],
            [2, 2, 2]]), tensor([[3, 4, 5],
            [3, 4, 5]]))
    """
    listed = len(tensors) == 1 and not isinstance(tensors[0], TensorBase)
    vectors = _list_of("meshgrid", tensors[0] if listed else tensors)
    _check_vectors(vectors)
    if indexing not in (None, "ij", "xy"):
        raise ArgumentError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    dims = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        dims[:2] = 1, 0
    shape = [1] * len(vectors)
    for dim, x in zip(dims, vectors, strict=True):
        shape[dim] = x.array.size
    columns = [
        ops.reshape(x, shape=tuple([-1 if d == dim else 1 for d in range(len(shape))]))
        for dim, x in zip(dims, vectors, strict=True)
    ]
    return tuple([ops.broadcast_to(x, shape=tuple(shape)) for x in columns])


def _check_vectors(vectors: Sequence[Any]) -> None:
    if not all(isinstance(x, TensorBase) for x in vectors):
        kinds = [type(x).__name__ for x in vectors]
        raise TypeError(f"meshgrid: pass tensors, got {kinds}")
    for i, x in enumerate(vectors):
        if x.ndim > 1:
            raise ShapeError(
                f"meshgrid: Expected 0D or 1D tensor in the tensor list but got {list(x.shape)} "
                f"as argument {i}"
            )
        if x.dtype != vectors[0].dtype:
            raise DTypeError(
                "meshgrid expects all tensors to have the same dtype, got "
                f"{vectors[0].dtype} and {x.dtype}"
            )


@numpy_names
def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Pieces of that size (the last may be smaller), or of those sizes; views.

    >>> dl.split(dl.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> dl.split(dl.arange(5), [1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    dim = checked_dim(dim, tensor.ndim)
    n = tensor.shape[dim]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size < 0 or (size == 0 and n):
            raise ArgumentError(f"split expects split_size be positive, but got split_size={size}")
        parts = [size] * (n // size) + ([n % size] if n % size else []) if n else [0]
    else:
        parts = list(split_size_or_sections)
        if sum(parts) != n or min(parts, default=0) < 0:
            raise ShapeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size "
                f"at dimension {dim}), "
                f"but got split_sizes={parts}"
            )
    pieces, start = [], 0
    for size in parts:
        pieces.append(narrow(tensor, dim, start, size))
        start += size
    return tuple(pieces)


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most that many pieces of equal size (the last may be smaller); views.

    >>> dl.chunk(dl.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if chunks <= 0:
        raise ArgumentError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = checked_dim(dim, input.ndim)
    size = -(-input.shape[dim] // chunks)
    return split(input, size, dim) if size else (narrow(input, dim, 0, 0),) * chunks


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dimension, which is gone from them; views.

    >>> dl.unbind(dl.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    before = (slice(None),) * _dim_of("unbind", input, dim)
    return tuple([ops.take_at(input, index=(*before, i)) for i in range(input.shape[len(before)])])


@numpy_names
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` elements from `start` on along a dimension; a view.

    >>> dl.narrow(dl.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    before = (slice(None),) * _dim_of("narrow", input, dim)
    n, start = input.shape[len(before)], int(start)
    if not -n <= start <= n:
        raise DimensionError(
            f"narrow: start out of range (expected to be in range of [{-n}, {n}], but got {start})"
        )
    start += n if start < 0 else 0
    if length < 0 or start + length > n:
        raise ShapeError(
            f"narrow: start ({start}) + length ({length}) exceeds dimension size ({n})."
        )
    return ops.take_at(input, index=(*before, slice(start, start + length)))


@numpy_names
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at `index` along a dimension, which is gone from it; a view.

    >>> dl.select(dl.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    before = (slice(None),) * _dim_of("select", input, dim)
    return ops.take_at(input, index=(*before, int(index)))


def _dim_of(name: str, input: Tensor, dim: int) -> int:
    if not input.ndim:
        raise DimensionError(f"{name}() cannot be applied to a 0-dim tensor.")
    return checked_dim(dim, input.ndim)


# PyTorch's second name.
concat = cat
