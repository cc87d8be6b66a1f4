"""Functions that order elements along a dimension, and pick some of them by rank.

nan is larger than any number. Sorting keeps the order of equal elements, with and without `stable`.
If elements are equal, it is not defined which of them a rank picks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.base.quiet import quietly
from dlframe.errors import ArgumentError
from dlframe.ops.calling import wrap
from dlframe.ops.memory import in_order, like_first
from dlframe.ops.record import Array
from dlframe.tensor.arguments import checked_dim, numpy_names
from dlframe.tensor.functions import return_types
from dlframe.tensor.functions.extremes import picked, require_elements, require_no_bools, taken

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "argsort",
    "kthvalue",
    "median",
    "mode",
    "msort",
    "nanmedian",
    "sort",
    "topk",
]


# --- all in order ------------------------------------------------------------------------------


@numpy_names
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Tensor:
    """The indices that sort along a dimension; equal elements keep their order, nan is largest.

    >>> dl.argsort(dl.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    return ops.argsort(input, axis=checked_dim(dim, input.ndim), descending=descending)


@numpy_names
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = False
) -> return_types.sort:
    """The elements in order along a dimension, and where they were.

    >>> values, indices = dl.sort(dl.tensor([3.0, 1.0, 2.0]), descending=True)
    >>> values, indices
    (tensor([3., 2., 1.]), tensor([0, 2, 1]))
    """
    axis = checked_dim(dim, input.ndim)
    if not input.ndim:
        return return_types.sort(ops.copy(input), wrap(np.zeros((), np.int64)))
    found = ops.argsort(input.array, axis=axis, descending=descending)
    indices = like_first(found, (input.array,))
    return taken(return_types.sort, input, indices, axis)


def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension.

    >>> dl.msort(dl.tensor([[3, 1], [2, 4]]))
    tensor([[2, 1],
            [3, 4]])
    """
    return sort(input, 0).values


# --- some of them ------------------------------------------------------------------------------


@numpy_names
def topk(
    input: Tensor, k: int, dim: int | None = None, largest: bool = True, sorted: bool = True
) -> return_types.topk:
    """The `k` largest (or smallest) elements along a dimension, and where they are.

    They come in order with `sorted=False` too.

    >>> dl.topk(dl.tensor([3.0, 1.0, 2.0]), 2).values
    tensor([3., 2.])
    """
    require_no_bools("topk", input)
    axis = checked_dim(-1 if dim is None else dim, input.ndim)
    n = input.shape[axis] if input.ndim else 1
    if not 0 <= k <= n:
        raise ArgumentError(
            f"topk: selected index k out of range: k = {k} for a dimension of size {n}"
        )
    if not input.ndim:
        return return_types.topk(ops.copy(input), wrap(np.zeros((), np.int64)))
    indices = in_order(ops.topk_indices(input.array, k=k, axis=axis, largest=largest))
    found: return_types.topk = taken(return_types.topk, input, indices, axis)
    return found


@numpy_names
def kthvalue(
    input: Tensor, k: int, dim: int | None = None, keepdim: bool = False
) -> return_types.kthvalue:
    """The `k`-th smallest element along a dimension, counted from 1, and where it is.

    >>> dl.kthvalue(dl.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]]), 2)
    dlframe.return_types.kthvalue(
    values=tensor([2., 5.]),
    indices=tensor([2, 1]))
    """
    require_no_bools("kthvalue", input)
    axis = checked_dim(-1 if dim is None else dim, input.ndim)
    require_elements("kthvalue", input, axis)
    n = input.shape[axis] if input.ndim else 1
    if not 1 <= k <= n:
        raise ArgumentError(
            f"kthvalue(): selected number k out of range for dimension {axis}: k = {k}, the size "
            f"is {n}"
        )
    found: return_types.kthvalue = picked(
        return_types.kthvalue, input, ops.index_of_rank, axis, keepdim, rank=k - 1
    )
    return found


@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The element in the middle of all; with `dim` those along it, and where they are.

    For an even number of elements it is the lower of the two in the middle. It is nan if any
    element is. With `dim` the gradient goes to the picked element; without, all elements that
    equal it share the gradient.

    >>> dl.median(dl.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    >>> dl.median(dl.tensor([[3.0, 1.0, 2.0]]), dim=1)
    dlframe.return_types.median(
    values=tensor([2.]),
    indices=tensor([2]))
    """
    return _middle("median", return_types.median, _median_index, input, dim, keepdim)


@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of the elements that are not nan.

    >>> dl.nanmedian(dl.tensor([4.0, dl.nan, 3.0]))
    tensor(3.)
    """
    return _middle("nanmedian", return_types.nanmedian, _nanmedian_index, input, dim, keepdim)


def _middle(name: str, kind: Any, find: Any, input: Tensor, dim: Any, keepdim: bool) -> Any:
    require_no_bools(name, input)
    if dim is None:
        if not input.array.size:
            return wrap(quietly(np.full((), math.nan).astype, input.dtype))
        place = find(input.array.reshape(-1), axis=0, keepdims=True)
        return ops.shared(input, place=int(place[0]))
    axis = checked_dim(dim, input.ndim)
    require_elements(name, input, axis)
    return picked(kind, input, find, axis, keepdim)


def _median_index(x: Array, *, axis: int, keepdims: bool) -> Array:
    """Where the element in the middle is, or the first nan; along an axis that is kept."""
    middle: Array = ops.index_of_rank(x, rank=(x.shape[axis] - 1) // 2, axis=axis, keepdims=True)
    if x.dtype.kind != "f":
        return middle
    nans = np.isnan(x)
    return np.where(nans.any(axis, keepdims=True), nans.argmax(axis, keepdims=True), middle)


def _nanmedian_index(x: Array, *, axis: int, keepdims: bool) -> Array:
    """Where the element in the middle of those that are not nan is; along an axis that is kept."""
    count = np.sum(~np.isnan(x), axis=axis, keepdims=True)
    ranks = np.maximum(count - 1, 0) // 2
    return np.take_along_axis(ops.argsort(x, axis=axis), ranks, axis)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> return_types.mode:
    """The most frequent element along a dimension, and the last place where it is.

    Of several equally frequent elements it is the smallest. nan does not equal nan.

    >>> dl.mode(dl.tensor([[1, 2, 2], [3, 3, 0]]))
    dlframe.return_types.mode(
    values=tensor([2, 3]),
    indices=tensor([2, 1]))
    """
    axis = checked_dim(dim, input.ndim)
    require_elements("mode", input, axis)
    found: return_types.mode = picked(return_types.mode, input, ops.mode_index, axis, keepdim)
    return found
