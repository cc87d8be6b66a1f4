"""Operations that sort elements, or pick some of them by rank.

The indices of the elements along an axis are computed on plain arrays (`argsort`,
`index_of_rank`, `mode_index`, `topk_indices`). `pick` then takes the elements, so each
gradient goes to the element that was taken. nan is larger than any number.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.calling import wrap
from dlframe.ops.indexing import take
from dlframe.ops.op import op, plain
from dlframe.ops.record import Array, TensorBase, to_array
from dlframe.ops.shape import ravel

__all__ = [
    "argsort",
    "index_of_rank",
    "mode_index",
    "pick",
    "place",
    "places_along",
    "topk_indices",
    "unique",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Shape = tuple[int, ...]


# --- picking, and its adjoint ------------------------------------------------------------------


@op(order="like", latex="x_{p(i)}")
def pick(x: Array, *, places: Array) -> Any:
    """The elements at `places`, which are all different and counted through `x` in order."""
    return x.take(places)


@pick.vjp("x", latex=r"\sum_{p(j) = i} g_j")
def _(g, shape, *, places):
    # the gradient goes back to the place of the element; the two are each other's adjoint
    return place(g, places=places, size=shape)


@op(latex=r"\sum_{p(j) = i} x_j")
def place(x: Array, *, places: Array, size: Shape) -> Any:
    """Zeros of shape `size`, with `x` at `places`."""
    out = np.zeros(size, x.dtype)
    out.reshape(-1)[places] = x
    return out


@place.vjp("x", latex="g_{p(i)}")
def _(g, *, places):
    return pick(g, places=places)


def places_along(indices: Array, shape: Shape, axis: int) -> Array:
    """The place of `x[i, indices[i, j, k], k]`, for `x` of this shape, here with axis = 1.

    Along all axes except `axis`, `indices` is as long as `x`.
    """
    outer, n, inner = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    if inner == 1:
        starts = np.arange(outer) * n
        return indices + starts.reshape(*shape[:axis], *(1,) * (len(shape) - axis))
    starts = np.arange(outer)[:, None] * (n * inner) + np.arange(inner)
    return indices * inner + starts.reshape(*shape[:axis], 1, *shape[axis + 1 :])


# --- order -------------------------------------------------------------------------------------


def _argsort(x: Array, *, axis: int = -1, descending: bool = False) -> Any:
    """The indices that sort along an axis; equal elements keep their order."""
    if not x.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return _stable_order(x, axis)
    # sort and read backwards, so that equal elements keep their order
    return x.shape[axis] - 1 - np.flip(_stable_order(np.flip(x, axis), axis), axis)


def _stable_order(x: Array, axis: int) -> Array:
    if x.shape[axis] < 256:
        return x.argsort(axis, "stable")
    # NumPy's other sort is ten times as fast, and gives the same order if no two are equal
    rows = np.moveaxis(x, axis, -1)
    order = rows.argsort(-1)
    ranked = np.take_along_axis(rows, order, -1)
    equal = ~(ranked[..., 1:] > ranked[..., :-1]).all(-1)  # or nan
    if equal.any():
        order[equal] = rows[equal].argsort(-1, "stable")
    return np.moveaxis(order, -1, axis)


def _index_of_rank(x: Array, *, rank: int, axis: int, keepdims: bool = False) -> Any:
    """The index of the element that has rank `rank` along an axis."""
    if x.shape[axis] < 256:
        return _argsort(x, axis=axis).take([rank] if keepdims else rank, axis)
    value = np.partition(x, rank, axis).take([rank], axis)
    nan = np.isnan(value)
    equal, less = (x == value) | (nan & np.isnan(x)), (x < value) | (nan & ~np.isnan(x))
    # the number of equal elements before it
    behind = rank - np.add.reduce(less, axis=axis, dtype=np.int64, keepdims=True)
    if behind.any():
        equal &= np.cumsum(equal, axis) > behind
    return equal.argmax(axis, keepdims=keepdims)


def _topk_indices(x: Array, *, k: int, axis: int, largest: bool = True) -> Any:
    """The indices of the k largest (or smallest) elements, in order."""
    n = x.shape[axis]
    if not 0 < 8 * k <= n:
        return _argsort(x, axis=axis, descending=largest)[(*(slice(None),) * axis, slice(k))]
    # for few of many: find them first, without sorting
    among = range(n - k, n) if largest else range(k)
    found = np.argpartition(x, among[0] if largest else k - 1, axis).take(among, axis)
    order = _argsort(np.take_along_axis(x, found, axis), axis=axis, descending=largest)
    return np.take_along_axis(found, order, axis)


def _mode_index(x: Array, *, axis: int, keepdims: bool = False) -> Any:
    """The last index of the most frequent element; of several the smallest one."""
    x = np.moveaxis(x, axis, -1)
    order = x.argsort(-1, "stable")
    ranked = np.take_along_axis(x, order, -1)
    # the length of the run of equal elements that ends here
    places = np.arange(x.shape[-1])
    begins = np.ones(x.shape, bool)
    begins[..., 1:] = ranked[..., 1:] != ranked[..., :-1]
    runs = places - np.maximum.accumulate(np.where(begins, places, 0), -1)
    longest = runs.argmax(-1, keepdims=True)
    index = np.moveaxis(np.take_along_axis(order, longest, -1), -1, axis)
    return index if keepdims else index.squeeze(axis)


argsort = plain(_argsort, name="argsort", order="like", latex=r"i: x_{i_j} \leq x_{i_{j+1}}")
index_of_rank = plain(_index_of_rank, name="index_of_rank", latex="i: x_i = x_{(k)}")
topk_indices = plain(_topk_indices, name="topk_indices", latex=r"i: x_{i_j} \geq x_{i_{j+1}}")
mode_index = plain(_mode_index, name="mode_index", latex=r"i: x_i = \mathrm{mode}(x)")


# --- different elements ------------------------------------------------------------------------

_unique: Any = np.unique  # Any: its overloads accept literal True and False, but not a bool


def unique(
    x: Any,
    *,
    axis: int | None = None,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    equal_nan: bool = True,
) -> list[Any]:
    """The different elements in order, or slices along an axis; then the arrays that are wanted.

    The gradient goes to the first of equal elements.
    """
    tensor = isinstance(x, TensorBase)
    graph = tensor and x.needs_grad  # otherwise NumPy need not find the first of equal elements
    results = _unique(
        to_array(x), return_index or graph, return_inverse, return_counts, axis, equal_nan=equal_nan
    )
    values, *more = results if isinstance(results, tuple) else (results,)
    if not graph:
        return [wrap(values) if tensor else values, *more]
    rows, along = (ravel(x), 0) if axis is None else (x, axis)
    first = more[0] if return_index else more.pop(0)
    return [take(rows, first, axis=along), *more]
