"""NumPy's functions that join tensors, mix their elements, and split them."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dlframe import ops
from dlframe.ops.numpy_api.support import array_like, array_likes, in_dtype, rule_for
from dlframe.ops.record import to_array

# --- joining -----------------------------------------------------------------------------------


@rule_for("concatenate")
def concatenate(arrays: Any, /, axis: int | None = 0, *, dtype: Any = None) -> Any:
    pieces = [in_dtype(a, dtype) for a in array_likes(arrays)]
    if axis is None:
        pieces, axis = [ops.ravel(a) for a in pieces], 0
    return ops.concatenate(*pieces, axis=axis)


@rule_for("stack")
def stack(arrays: Any, axis: int = 0, *, dtype: Any = None) -> Any:
    return ops.stack(*(in_dtype(a, dtype) for a in array_likes(arrays)), axis=axis)


@rule_for("vstack", "row_stack")
def vstack(tup: Any, *, dtype: Any = None) -> Any:
    return concatenate([ops.atleast_2d(a) for a in array_likes(tup)], 0, dtype=dtype)


@rule_for("hstack")
def hstack(tup: Any, *, dtype: Any = None) -> Any:
    pieces = [ops.atleast_1d(a) for a in array_likes(tup)]
    return concatenate(pieces, 0 if len(pieces[0].shape) == 1 else 1, dtype=dtype)


@rule_for("dstack")
def dstack(tup: Any) -> Any:
    return concatenate([ops.atleast_3d(a) for a in array_likes(tup)], 2)


@rule_for("column_stack")
def column_stack(tup: Any) -> Any:
    pieces = array_likes(tup)
    return concatenate([a if len(a.shape) > 1 else a.reshape((-1, 1)) for a in pieces], 1)


@rule_for("append")
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return concatenate([arr, values], axis)


def _all_in_one(arrays: list[Any]) -> tuple[Any, list[Any]]:
    """All elements of several arrays as one vector, and for each array their places there."""
    sizes = [math.prod(a.shape) for a in arrays]
    parts = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    places = [part.reshape(a.shape) for part, a in zip(parts, arrays)]
    return ops.concatenate(*(ops.ravel(a) for a in arrays), axis=0), places


@rule_for("block")
def block(arrays: Any) -> Any:
    pieces: list[Any] = []

    def number(nest: Any) -> Any:
        if isinstance(nest, list):
            return [number(part) for part in nest]
        pieces.append(nest)
        return len(pieces) - 1

    numbered = number(arrays)
    elements, places = _all_in_one(array_likes(pieces))

    def places_of(nest: Any) -> Any:
        return [places_of(part) for part in nest] if isinstance(nest, list) else places[nest]

    return ops.take_at(elements, index=np.block(places_of(numbered)))


@rule_for("insert")
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    elements, (old, new) = _all_in_one(array_likes((arr, values)))
    return ops.take_at(elements, index=np.insert(old, to_array(obj), new, axis))


@rule_for("choose")
def choose(a: Any, choices: Any, out: None = None, mode: Any = "raise") -> Any:
    elements, places = _all_in_one(array_likes(choices))
    return ops.take_at(elements, index=np.choose(to_array(a), places, mode=mode))


# --- splitting ---------------------------------------------------------------------------------


@rule_for("array_split")
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """So many pieces of sizes that differ by one at most, or the pieces between indices."""
    ary, where = array_like(ary), to_array(indices_or_sections)
    axis = normalize_axis_index(axis, len(ary.shape))
    if where.ndim:
        return list(ops.split_between(ary, map(operator.index, where), axis=axis))
    if where <= 0:
        raise ValueError("number sections must be larger than 0.")
    return list(ops.split_between(ary, ops.equal_cuts(ary.shape[axis], int(where)), axis=axis))


@rule_for("split")
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """`array_split` into pieces of one size."""
    ary, where = array_like(ary), to_array(indices_or_sections)
    if not where.ndim and ary.shape[axis] % int(where):
        raise ValueError("array split does not result in an equal division")
    return array_split(ary, where, axis)


@rule_for("hsplit")
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    ary = _with_axes("hsplit", ary, 1)
    return split(ary, indices_or_sections, 1 if len(ary.shape) > 1 else 0)


@rule_for("vsplit")
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(_with_axes("vsplit", ary, 2), indices_or_sections, 0)


@rule_for("dsplit")
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(_with_axes("dsplit", ary, 3), indices_or_sections, 2)


def _with_axes(name: str, ary: Any, least: int) -> Any:
    ary = array_like(ary)
    if len(ary.shape) < least:
        raise ValueError(f"{name} only works on arrays of {least} or more dimensions")
    return ary


@rule_for("unstack")
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    return ops.unstack(x, axis=normalize_axis_index(axis, len(x.shape)))
