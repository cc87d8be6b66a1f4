"""Functions that join tensors or combine their elements into grids and tuples."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.dtypes import get_default_dtype, result_type
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import TensorBase
from dlframe.tensor.arguments import also_named, checked_dim, numpy_names, to_dtype
from dlframe.tensor.functions.reshaping import atleast_1d, atleast_2d, atleast_3d

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "block_diag",
    "cartesian_prod",
    "cat",
    "column_stack",
    "combinations",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "meshgrid",
    "row_stack",
    "stack",
    "vstack",
]


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors joined one after the other along an existing dimension.

    Raises:
        ShapeError: other sizes differ.

    >>> dl.cat([dl.tensor([1, 2]), dl.tensor([3])])
    tensor([1, 2, 3])
    """
    tensors = _list_of("cat", tensors)
    first = tensors[0].array.shape
    if first and first != (0,) and all(x.array.shape == first for x in tensors):
        return ops.concatenate(*tensors, axis=checked_dim(dim, len(first)))
    # an empty vector joins with everything: a loop that collects can start with it
    kept = [x for x in tensors if x.shape != (0,)] or tensors
    for i, x in enumerate(tensors):
        if not x.shape:
            raise ShapeError(
                f"cat: zero-dimensional tensor (at position {i}) cannot be concatenated; "
                "use stack()"
            )
    axis = checked_dim(dim, kept[0].ndim)
    first = kept[0].shape
    for i, x in enumerate(kept):
        if len(x.shape) != len(first) or any(
            a != b for d, (a, b) in enumerate(zip(x.shape, first, strict=True)) if d != axis
        ):
            raise ShapeError(
                f"cat: Sizes of tensors must match except in dimension {axis}; tensor 0 has shape "
                f"{list(first)}, tensor {i} has {list(x.shape)}"
            )
    out = ops.concatenate(*kept, axis=axis)
    return out if len(kept) == len(tensors) else to_dtype(out, result_type(*tensors))


@also_named(axis="dim")
def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """`cat` under NumPy's name; the dimension may be called `dim`, too.

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
    axis = checked_dim(dim, tensors[0].ndim + 1)
    for i, x in enumerate(tensors):
        if x.shape != tensors[0].shape:
            raise ShapeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at "
                f"entry 0 and {list(x.shape)} at entry {i}"
            )
    return ops.stack(*tensors, axis=axis)


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
        indexing: "ij", the default (with a warning, as in PyTorch), lets the i-th vector run along
            dim i; "xy" exchanges the first two dims, so that the first vector runs along the
            columns.

    >>> dl.meshgrid(dl.tensor([1, 2]), dl.tensor([3, 4, 5]), indexing="ij")
    (tensor([[1, 1, 1],
            [2, 2, 2]]), tensor([[3, 4, 5],
            [3, 4, 5]]))
    """
    vectors = _list_of("meshgrid", _one_list(tensors))
    _check_vectors(vectors)
    if indexing is None:
        warnings.warn(
            "meshgrid: in an upcoming release, it will be required to pass the indexing argument: "
            "indexing='ij' is what happens without it",
            UserWarning,
            stacklevel=2,
        )
    if indexing not in (None, "ij", "xy"):
        raise ArgumentError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    return tuple(ops.meshgrid(*vectors, indexing=indexing or "ij"))


def _one_list(tensors: tuple[Any, ...]) -> Any:
    """The tensors of a call `f(a, b)` or `f([a, b])`."""
    return tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], TensorBase) else tensors


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


def cartesian_prod(*tensors: Any) -> Tensor:
    """All tuples with one element of each vector, as rows; of a single vector, the vector.

    >>> dl.cartesian_prod(dl.tensor([1, 2]), dl.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    vectors = _list_of("cartesian_prod", _one_list(tensors))
    for x in vectors:
        if x.ndim != 1:
            raise ShapeError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    if len(vectors) == 1:
        return vectors[0]
    return stack([ops.ravel(x) for x in meshgrid(*vectors, indexing="ij")], dim=1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of `r` elements of a vector in order, as rows; with replacement, also repeated.

    >>> dl.combinations(dl.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if input.ndim != 1:
        raise ShapeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise ArgumentError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return ops.take_at(input, index=slice(0, 0))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return ops.take_at(input, index=places)


# --- stacks ------------------------------------------------------------------------------------


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors side by side: along the columns, or for vectors along their only dimension.

    >>> dl.hstack([dl.tensor([1, 2]), dl.tensor([3])])
    tensor([1, 2, 3])
    """
    pieces = atleast_1d(_list_of("hstack", tensors))
    return cat(pieces, 0 if pieces[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors on top of each other, along the rows; vectors count as rows.

    >>> dl.vstack([dl.tensor([1, 2]), dl.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat(atleast_2d(_list_of("vstack", tensors)), 0)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors joined along the third dimension; (n, m) counts as (n, m, 1), (n,) as (1, n, 1).

    >>> dl.dstack([dl.tensor([1, 2]), dl.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    return cat(atleast_3d(_list_of("dstack", tensors)), 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors side by side; vectors count as columns.

    >>> dl.column_stack([dl.tensor([1, 2]), dl.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    pieces = _list_of("column_stack", tensors)
    columns = [x if x.ndim > 1 else ops.reshape(x, shape=(x.array.size, 1)) for x in pieces]
    return hstack(columns)


def row_stack(tensors: Sequence[Tensor]) -> Tensor:
    """`vstack` under another name.

    >>> dl.row_stack([dl.tensor([1, 2]), dl.tensor([3, 4])]).shape
    (2, 2)
    """
    return vstack(tensors)


def block_diag(*tensors: Any) -> Tensor:
    """A matrix with the given matrices along its diagonal, else zeros; vectors count as rows.

    >>> dl.block_diag(dl.tensor([[1, 2]]), dl.tensor(3))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    for i, x in enumerate(tensors):
        if x.ndim > 2:
            raise ShapeError(
                "block_diag: Input tensors must have 2 or fewer dimensions. Input "
                f"{i} has {x.ndim} dimensions"
            )
    if not tensors:
        return wrap(np.zeros((1, 0), get_default_dtype()))
    common = result_type(*tensors)  # as numbers, vectors and matrices
    blocks = [to_dtype(atleast_2d(x), common) for x in tensors]
    width, before, rows = sum(x.shape[1] for x in blocks), 0, []
    for x in blocks:
        after = width - before - x.shape[1]
        rows.append(ops.pad(x, pad_width=((0, 0), (before, after))))
        before += x.shape[1]
    return cat(rows, 0)


# PyTorch's second name.
concat = cat
