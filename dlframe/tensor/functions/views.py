"""Windows and strides over a tensor's memory, and copies of a tensor with a region replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlframe import ops
from dlframe.errors import ArgumentError, DimensionError, ShapeError
from dlframe.ops.op import cast
from dlframe.ops.regions import Region, repeats, replace_region
from dlframe.tensor.arguments import checked_dim, numpy_names, sizes
from dlframe.tensor.functions.diagonals import diagonal
from dlframe.tensor.functions.splitting import select

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "as_strided",
    "as_strided_scatter",
    "diagonal_scatter",
    "select_scatter",
    "slice_scatter",
]


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of `size` elements that start at every `step`-th place along a dimension.

    They lie along a new last dimension. A view; where windows overlap, gradients add up.

    >>> dl.arange(5).unfold(0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    axis = checked_dim(dimension, input.ndim)
    n = input.shape[axis] if input.ndim else 1
    if size < 0 or step <= 0:
        raise ArgumentError(
            f"unfold: size is {size} but must be >= 0, and step is {step} but must be > 0"
        )
    if size > n:
        raise ShapeError(f"maximum size for tensor at dimension {axis} is {n} but size is {size}")
    if not input.ndim:
        return ops.take_at(ops.ravel(input), index=slice(0, size))
    return ops.sliding_windows(input, size=size, step=step, axis=axis)


def as_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """out[i, j …] = memory[storage_offset + i · stride₀ + j · stride₁ …]; a view.

    The memory is that of `input`, or of the tensor that it is a view of. Strides count elements.

    >>> dl.as_strided(dl.arange(6), (2, 2), (1, 2), 1)
    tensor([[1, 3],
            [2, 4]])
    """
    shape, steps = sizes((size,)), sizes((stride,))
    if len(shape) != len(steps):
        raise ShapeError(
            f"mismatch in length of strides and shape: size {list(shape)}, stride {list(steps)}"
        )
    if any(n < 0 for n in (*shape, *steps)) or (storage_offset or 0) < 0:
        raise ArgumentError(
            "as_strided: Negative sizes, strides and offsets are not supported; got "
            f"{list(shape)}, {list(steps)} and {storage_offset}"
        )
    return ops.as_strided(input, size=shape, stride=steps, offset=storage_offset)


# --- with a region replaced --------------------------------------------------------------------


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of `input` with `src` on the diagonal.

    >>> dl.diagonal_scatter(dl.zeros(2, 2), dl.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    base = _of_its_own(input)
    return _replaced(base, diagonal(base.detach(), offset, dim1, dim2), src)


@numpy_names
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `input` with `src` at `index` along a dimension.

    >>> dl.select_scatter(dl.zeros(2, 2), dl.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    base = _of_its_own(input)
    return _replaced(base, select(base.detach(), dim, index), src)


@numpy_names
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """A copy of `input` with `src` in the slice from `start` to `end` along a dimension.

    >>> dl.slice_scatter(dl.zeros(4), dl.ones(2), start=1, end=4, step=2)
    tensor([0., 1., 0., 1.])
    """
    index = slice_index(input, dim, start, end, step)
    base = _of_its_own(input)
    return _replaced(base, ops.take_at(base.detach(), index=index), src)


def slice_index(
    input: Tensor, dim: int, start: int | None, end: int | None, step: int
) -> tuple[slice, ...]:
    """The slice from `start` to `end` along a dimension, as an index."""
    if not input.ndim:
        raise DimensionError("slice() cannot be applied to a 0-dim tensor.")
    if step <= 0:
        raise ArgumentError(f"slice step must be positive, got {step}")
    return (*(slice(None),) * checked_dim(dim, input.ndim), slice(start, end, step))


def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A copy of `input` with `src` in the elements that `as_strided` selects.

    >>> dl.as_strided_scatter(dl.zeros(2, 2), dl.ones(2), (2,), (3,))
    tensor([[1., 0.],
            [0., 1.]])
    """
    base = _of_its_own(input)
    part = as_strided(base.detach(), size, stride, storage_offset)
    if repeats(part.array.shape, part.array.strides):
        raise ArgumentError(
            f"as_strided_scatter: size {list(part.shape)} and stride {list(stride)} name an "
            "element of input more than once, so what it becomes would be left to chance"
        )
    return _replaced(base, part, src)


def _of_its_own(x: Any) -> Any:
    """`x`, or a copy if its elements share memory with each other."""
    return ops.copy(x) if repeats(x.array.shape, x.array.strides) else x


def _replaced(base: Any, part: Any, src: Any) -> Any:
    if part.shape != src.shape:
        raise ShapeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(part.shape)}"
        )
    value = src if src.dtype == base.dtype else cast(src, dtype=base.dtype)
    return replace_region(base, value, region=Region(base.array, part.array))
