"""NumPy's functions that choose among the elements by their values, or call a function on parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dlframe import ops
from dlframe.ops.numpy_api.joining import concatenate
from dlframe.ops.numpy_api.shape import moveaxis, take_along_axis
from dlframe.ops.numpy_api.support import array_like, array_likes, rule_for
from dlframe.ops.record import to_array

# --- sets: NumPy says which values, and the elements with those values are taken ---------------


def _set_of(function: Callable[..., Any], arrays: Any, **options: Any) -> Any:
    """The elements with the values that `function` chooses; of equal ones the first."""
    together = concatenate(array_likes(arrays), None)
    found = function(*(to_array(a) for a in arrays), **options)
    order = np.argsort(to_array(together), kind="stable")
    places = np.searchsorted(to_array(together)[order], found)
    return ops.take(together, order[places], axis=0)


@rule_for("union1d")
def union1d(ar1: Any, ar2: Any) -> Any:
    return _set_of(np.union1d, (ar1, ar2))


@rule_for("intersect1d")
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    return _set_of(np.intersect1d, (ar1, ar2), assume_unique=assume_unique)


@rule_for("setdiff1d")
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    return _set_of(np.setdiff1d, (ar1, ar2), assume_unique=assume_unique)


@rule_for("setxor1d")
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    return _set_of(np.setxor1d, (ar1, ar2), assume_unique=assume_unique)


# --- a part of the elements --------------------------------------------------------------------


@rule_for("partition")
def partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    """The kth element where a sort would put it, smaller ones before it and larger ones behind."""
    a = array_like(a)
    return take_along_axis(a, np.argpartition(to_array(a), kth, axis, kind), axis)


@rule_for("trim_zeros")
def trim_zeros(filt: Any, trim: str = "fb") -> Any:
    filt = array_like(filt)
    places = np.flatnonzero(to_array(filt))
    if not len(places):
        return filt[:0]
    first = places[0] if "f" in trim.lower() else 0
    last = places[-1] + 1 if "b" in trim.lower() else len(to_array(filt))
    return filt[int(first) : int(last)]


# --- functions of parts ------------------------------------------------------------------------


@rule_for("piecewise")
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function of the elements where its condition holds; numbers as they are."""
    x = array_like(x)
    conditions = (
        [to_array(c) for c in condlist]
        if np.ndim(to_array(condlist)) > np.ndim(to_array(x))
        else [to_array(condlist)]
    )
    if len(funclist) == len(conditions) + 1:  # the last one is for all the rest
        conditions.append(~np.any(conditions, axis=0))
    out: Any = np.zeros(x.shape, x.dtype)  # where no condition holds
    for condition, function in zip(conditions, funclist, strict=True):
        part = function(x[condition], *args, **kw) if callable(function) else function
        out = ops.replace_at(out, part, index=condition)
    return out


@rule_for("apply_along_axis")
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """`func1d` of every row along an axis; the axes of its results take that axis' place."""
    arr = array_like(arr)
    axis = normalize_axis_index(axis, len(arr.shape))
    rows = moveaxis(arr, axis, -1)
    rest = rows.shape[:-1]
    results = [array_like(func1d(rows[i], *args, **kwargs)) for i in np.ndindex(rest)]
    inner = results[0].shape
    out = ops.stack(*results).reshape(rest + inner)
    places = range(len(rest), len(rest) + len(inner))
    return moveaxis(out, list(places), list(range(axis, axis + len(inner))))


@rule_for("apply_over_axes")
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """`func(a, axis)` for one axis after the other; an axis that it drops comes back as size 1."""
    a = array_like(a)
    for axis in np.atleast_1d(axes).tolist():
        out = func(a, axis)
        a = out if len(out.shape) == len(a.shape) else ops.expand_dims(out, axis=axis)
    return a
