"""Functions that find different values and count them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.dtypes import float32, float64, int64
from dlframe.errors import ArgumentError, DimensionError, DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.tensor.arguments import checked_dim, numpy_names, require_tensor, to_dtype

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "bincount",
    "unique",
    "unique_consecutive",
]


@numpy_names
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in order, or with `dim` the different slices along it.

    They come in order with `sorted=False` too. nan does not equal nan, so each one counts. The
    gradient goes to the first of equal elements; PyTorch has none.

    Args:
        return_inverse: return also where among the results each element, or slice, is.
        return_counts: return also how often each result occurs.

    Raises:
        ShapeError: with `dim`, another dimension has size 0.

    >>> x = dl.tensor([3, 1, 3])
    >>> dl.unique(x)
    tensor([1, 3])
    >>> dl.unique(x, return_inverse=True, return_counts=True)
    (tensor([1, 3]), tensor([1, 0, 1]), tensor([1, 2]))
    >>> dl.unique(dl.tensor([[1, 2], [0, 9], [1, 2]]), dim=0)
    tensor([[0, 9],
            [1, 2]])
    """
    require_tensor("unique", "'input' (position 1)", input)
    axis = None if dim is None else _axis_of_slices("unique", input, dim)
    values, *more = ops.unique(
        input,
        axis=axis,
        return_inverse=return_inverse,
        return_counts=return_counts,
        equal_nan=False,
    )
    if return_inverse:  # some versions of NumPy give it another shape
        more[0] = more[0].reshape(input.shape if axis is None else (input.shape[axis],))
    return (values, *(wrap(x.astype(int64)) for x in more)) if more else values


def _axis_of_slices(name: str, input: Tensor, dim: int) -> int:
    if not input.ndim:
        raise DimensionError(f"{name}: dim is {dim}, but the tensor has no dimensions")
    axis = checked_dim(dim, input.ndim)
    if 0 in (*input.shape[:axis], *input.shape[axis + 1 :]):
        raise ShapeError(
            f"{name}: with dim={dim} no other dimension may have size 0, got {list(input.shape)}"
        )
    return axis


@numpy_names
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The elements, or with `dim` the slices along it, that differ from the one before.

    nan does not equal nan. The gradient goes to the first of equal elements; PyTorch has none.

    Args:
        return_inverse: return also where among the results each element, or slice, is.
        return_counts: return also how many equal ones each result stands for.

    >>> dl.unique_consecutive(dl.tensor([1, 1, 2, 1]), return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
    if dim is None:
        source, axis, shape = ops.ravel(input), 0, input.shape
    else:
        axis = _axis_of_slices("unique_consecutive", input, dim)
        source, shape = input, (input.shape[axis],)
    rows = np.moveaxis(source.array, axis, 0)
    begins = np.ones(len(rows), bool)
    begins[1:] = (rows[1:] != rows[:-1]).any(axis=tuple(range(1, rows.ndim)))
    first = np.flatnonzero(begins)
    found = [ops.take(source, first, axis=axis)]
    if return_inverse:
        found.append(wrap((np.cumsum(begins) - 1).reshape(shape)))
    if return_counts:
        found.append(wrap(np.diff(first, append=len(rows))))
    return tuple(found) if len(found) > 1 else found[0]


# --- how often ---------------------------------------------------------------------------------


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2 … occurs; with `weights`, the sum of its weights.

    The result has `max(input) + 1` elements, but at least `minlength`. It is int64; with
    weights it is float64, or float32 if they are, and they get a gradient (PyTorch has none).

    Raises:
        ArgumentError: `input` is not a vector of numbers ≥ 0, or `minlength` is negative.
        DTypeError: `input` is not of integers.
        ShapeError: `weights` has another shape.

    >>> dl.bincount(dl.tensor([1, 1, 3]))
    tensor([0, 2, 0, 1])
    >>> dl.bincount(dl.tensor([1, 1, 3]), weights=dl.tensor([0.5, 1.0, 2.0]))
    tensor([0.0000, 1.5000, 0.0000, 2.0000])
    """
    index = input.array
    if index.dtype.kind not in "iu":
        raise DTypeError(f"bincount: input must be of integers, got {input.dtype}")
    if index.ndim != 1 or (index.size and index.min() < 0):
        raise ArgumentError(
            "bincount only supports 1-d non-negative integral inputs; got shape "
            f"{list(input.shape)}, smallest {index.min(initial=0)}"
        )
    if minlength < 0:
        raise ArgumentError(f"bincount: minlength should be >= 0, got {minlength}")
    if weights is None or not index.size:  # without elements PyTorch returns int64 in both cases
        return wrap(np.bincount(index, minlength=minlength).astype(int64))
    if weights.shape != input.shape:
        raise ShapeError(
            "bincount: weights should be 1-d and have the same length as input; got "
            f"{list(weights.shape)} and {list(input.shape)}"
        )
    if weights.dtype != float32:
        weights = to_dtype(weights, float64)
    size = (max(int(index.max()) + 1, minlength),)
    return ops.put_at(weights, index=(index,), size=size)
