"""NumPy's functions that reshape, rearrange and pick elements, on tensors.

Most need no formula: NumPy is called with a stand-in array. `reshaped` uses a stand-in of
the same shape, `transposed` one whose sizes number its axes, and `rearranged` an array
that contains the places of its elements. The result shows where each element goes, and so where its
gradient comes from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops.numpy_api.support import array_like, array_likes, in_dtype, rule_for
from dlframe.ops.record import to_array


def reshaped(function: Callable[..., Any], a: Any, *args: Any) -> Any:
    """`a` in the shape that `function` gives to an array of its shape."""
    a = array_like(a)
    return ops.reshape(a, shape=function(np.broadcast_to(0, a.shape), *args).shape)


def transposed(function: Callable[..., Any], a: Any, *args: Any) -> Any:
    """`a` with its axes in the order that `function` brings them to."""
    a = array_like(a)
    # the stand-in's sizes are 0, 1, 2 …: its shape afterwards is the order
    stand_in = np.broadcast_to(0, tuple(range(len(a.shape))))
    return ops.transpose(a, axes=function(stand_in, *args).shape)


def rearranged(a: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The elements of `a` where `function` puts them."""
    a = array_like(a)
    places = np.arange(math.prod(a.shape)).reshape(a.shape)
    return ops.take_at(ops.ravel(a), index=function(places, *args, **kwargs))


# --- shapes ------------------------------------------------------------------------------------


@rule_for("reshape")
def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    _check_order("reshape", order)
    a, sizes = array_like(a), _sizes(shape)
    if order == "F":  # the first index changes fastest: the axes of both are reversed
        return ops.transpose(ops.reshape(ops.transpose(a), shape=sizes[::-1]))
    out = ops.reshape(a, shape=sizes)
    return ops.copy(out) if copy else out


@rule_for("ravel")
def ravel(a: Any, order: str = "C") -> Any:
    _check_order("ravel", order)
    return ops.ravel(ops.transpose(array_like(a)) if order == "F" else array_like(a))


def _check_order(name: str, order: str) -> None:
    if order not in ("C", "F"):
        raise ArgumentError(f"np.{name}: order must be 'C' or 'F', got {order!r}; transpose()")


def _sizes(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if np.ndim(shape) == 0 else tuple(int(n) for n in shape)


def _whole(x: Any) -> int | tuple[int, ...]:
    return int(x) if np.ndim(x) == 0 else _sizes(x)


@rule_for("squeeze")
def squeeze(a: Any, axis: Any = None) -> Any:
    return reshaped(np.squeeze, a, axis)


@rule_for("expand_dims")
def expand_dims(a: Any, axis: Any) -> Any:
    return reshaped(np.expand_dims, a, axis)


@rule_for("atleast_1d")
def atleast_1d(*arys: Any) -> Any:
    return _each(ops.atleast_1d, arys)


@rule_for("atleast_2d")
def atleast_2d(*arys: Any) -> Any:
    return _each(ops.atleast_2d, arys)


@rule_for("atleast_3d")
def atleast_3d(*arys: Any) -> Any:
    return _each(ops.atleast_3d, arys)


def _each(function: Any, arrays: Any) -> Any:
    results = tuple(function(array_like(a)) for a in arrays)
    return results[0] if len(results) == 1 else results


@rule_for("broadcast_to")
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return ops.broadcast_to(array_like(array), shape=_sizes(shape))


@rule_for("meshgrid")
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy"
) -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    found = ops.meshgrid(*array_likes(xi), indexing=indexing, sparse=sparse)
    return tuple([ops.copy(x) for x in found] if copy else found)


@rule_for("transpose")
def transpose(a: Any, axes: Any = None) -> Any:
    return transposed(np.transpose, a, axes)


@rule_for("swapaxes")
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return ops.swapaxes(array_like(a), axis1=axis1, axis2=axis2)


@rule_for("matrix_transpose", "linalg.matrix_transpose")
def matrix_transpose(x: Any, /) -> Any:
    return transposed(np.matrix_transpose, x)


@rule_for("moveaxis")
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return transposed(np.moveaxis, a, source, destination)


@rule_for("rollaxis")
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    return transposed(np.rollaxis, a, axis, start)


# --- moving elements ---------------------------------------------------------------------------


@rule_for("flip")
def flip(m: Any, axis: Any = None) -> Any:
    m = array_like(m)
    return ops.flip(m, axis=tuple(range(len(m.shape))) if axis is None else axis)


@rule_for("fliplr")
def fliplr(m: Any) -> Any:
    return ops.flip(array_like(m), axis=1)


@rule_for("flipud")
def flipud(m: Any) -> Any:
    return ops.flip(array_like(m), axis=0)


@rule_for("roll")
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    a, shift = array_like(a), _whole(shift)
    if axis is not None:
        axis, count = _whole(axis), len(a.shape)
        axis = (
            normalize_axis_index(axis, count)
            if isinstance(axis, int)
            else normalize_axis_tuple(axis, count, allow_duplicate=True)
        )
    return ops.roll(a, shift=shift, axis=axis)


@rule_for("fft.fftshift")
def fftshift(x: Any, axes: Any = None) -> Any:
    return rearranged(x, np.fft.fftshift, axes)


@rule_for("fft.ifftshift")
def ifftshift(x: Any, axes: Any = None) -> Any:
    return rearranged(x, np.fft.ifftshift, axes)


@rule_for("rot90")
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    m = array_like(m)
    np.rot90(np.broadcast_to(0, m.shape), k, axes)  # NumPy checks the axes
    first, second = normalize_axis_tuple(axes, len(m.shape))
    return ops.rot90(m, k=k, axes=(first, second))


@rule_for("tile")
def tile(A: Any, reps: Any) -> Any:
    return ops.tile(array_like(A), reps=_sizes(reps))


@rule_for("repeat")
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    a, axis = _along(a, axis)
    counts = to_array(repeats)
    return ops.repeat(a, counts.astype(int) if counts.dtype == bool else counts, axis=axis)


@rule_for("resize")
def resize(a: Any, new_shape: Any) -> Any:
    a = array_like(a)
    if not math.prod(a.shape):  # nothing to repeat
        return np.resize(to_array(a), new_shape)
    return rearranged(a, np.resize, new_shape)


@rule_for("delete")
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    return rearranged(arr, np.delete, obj if isinstance(obj, slice) else to_array(obj), axis)


@rule_for("lib.stride_tricks.sliding_window_view")
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    """All windows; here a copy, since their gradients add up."""
    return rearranged(x, np.lib.stride_tricks.sliding_window_view, window_shape, axis)


# --- triangles and diagonals -------------------------------------------------------------------


@rule_for("tril")
def tril(m: Any, k: int = 0) -> Any:
    return ops.tril(array_like(m), k=k)


@rule_for("triu")
def triu(m: Any, k: int = 0) -> Any:
    return ops.triu(array_like(m), k=k)


@rule_for("diag")
def diag(v: Any, k: int = 0) -> Any:
    """A vector as the diagonal of a matrix, or the diagonal of a matrix."""
    v = array_like(v)
    if len(v.shape) not in (1, 2):
        raise ShapeError(f"np.diag: expected a vector or a matrix, got shape {list(v.shape)}")
    if len(v.shape) == 2:
        return diagonal(v, k)
    n = v.shape[0] + abs(k)
    return ops.put_diagonal(v, size=(n, n), offset=k)


@rule_for("diagflat")
def diagflat(v: Any, k: int = 0) -> Any:
    return diag(ops.ravel(array_like(v)), k)


@rule_for("diagonal")
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return ops.diagonal(array_like(a), offset=offset, axis1=axis1, axis2=axis2)


@rule_for("linalg.diagonal")
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return diagonal(x, offset, -2, -1)


@rule_for("trace")
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return ops.sum(diagonal(in_dtype(a, dtype), offset, axis1, axis2), axis=-1)


@rule_for("linalg.trace")
def linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return trace(x, offset, -2, -1, dtype)


# --- picking -----------------------------------------------------------------------------------


@rule_for("take")
def take(
    a: Any, indices: Any, axis: int | None = None, out: None = None, mode: Any = "raise"
) -> Any:
    a, axis = _along(a, axis)
    if mode != "raise":  # "wrap" or "clip": NumPy knows which places are meant
        indices = np.take(np.arange(a.shape[axis]), to_array(indices), mode=mode)
    return ops.take(a, indices, axis=axis)


def _along(a: Any, axis: int | None) -> tuple[Any, int]:
    """`a`, and its axis counted from the front; without an axis `a` becomes a vector.

    A single number becomes one too. It then has one axis, as in NumPy.
    """
    a = array_like(a)
    if axis is None or not a.shape:
        a, axis = ops.ravel(a), axis or 0
    return a, normalize_axis_index(axis, len(a.shape))


@rule_for("take_along_axis")
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """The two broadcast against each other in the other axes, as PyTorch's `gather` does not."""
    arr, indices = array_like(arr), to_array(indices)
    if axis is None:
        arr, axis = ops.ravel(arr), 0
    if len(arr.shape) != indices.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    axis = normalize_axis_index(axis, len(arr.shape))
    index = list(np.indices(arr.shape, sparse=True))
    index[axis] = indices
    return ops.take_at(arr, index=tuple(index))


@rule_for("compress")
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    a, axis = _along(a, axis)
    return ops.take(a, np.flatnonzero(to_array(condition)), axis=axis)


@rule_for("extract")
def extract(condition: Any, arr: Any) -> Any:
    return ops.take_at(ops.ravel(array_like(arr)), index=np.flatnonzero(to_array(condition)))
