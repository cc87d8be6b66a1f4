"""Reductions of segments: runs of rows of different lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import Array, to_array
from dlframe.tensor.arguments import checked_dim, require_floating
from dlframe.tensor.functions.scattering import scatter_reduce

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["segment_reduce"]

# What a segment without elements gives: the number that changes nothing.
_EMPTY = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -np.inf, "min": np.inf}
_SCATTERED = {"sum": "sum", "mean": "sum", "prod": "prod", "max": "amax", "min": "amin"}


def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: float | None = None,
) -> Tensor:
    """The sum, mean, product, maximum or minimum of each segment of `data` along `axis`.

    Args:
        data: floats; along `axis` its segments lie one after another.
        reduce: "sum", "mean", "prod", "max" or "min".
        lengths: (*data.shape[:axis], segments), whose sums are the size along `axis`.
        indices: not supported, as in PyTorch.
        offsets: instead of `lengths`, where segments begin, and the end of the last one.
        axis: the last dimension of `lengths`.
        unsafe: do not check that the lengths cover all of `data`.
        initial: a value that takes part in each segment, and is the result of an empty one.

    >>> x = dl.tensor([1.0, 2.0, 3.0, 4.0])
    >>> dl.segment_reduce(x, "max", lengths=dl.tensor([3, 1]))
    tensor([3., 4.])
    """
    name = "segment_reduce"
    require_floating(name, data)
    if reduce not in _EMPTY:
        raise ArgumentError(
            f"{name}: reduce argument must be either sum, prod, mean, max or min, got {reduce}"
        )
    if indices is not None:
        raise ArgumentError(f"{name}(): indices based reduction is not supported yet.")
    if lengths is None and offsets is None:
        raise ArgumentError(f"{name}(): Either lengths or offsets must be defined.")
    axis = checked_dim(axis, data.array.ndim)
    counts = np.diff(to_array(offsets)) if lengths is None else to_array(lengths)
    _check(name, data, counts, axis, unsafe)
    shape = (*data.shape[:axis], counts.shape[-1], *data.shape[axis + 1 :])
    start = _EMPTY[reduce] if initial is None else initial
    base: Any = wrap(np.full(shape, start, data.dtype))
    covered: Any = data[(*[slice(None)] * axis, slice(int(counts.sum(axis=-1).max(initial=0))))]
    places = _segment_of_each(counts, covered.shape, axis)
    out: Any = scatter_reduce(base, axis, wrap(places), covered, _SCATTERED[reduce])
    if reduce != "mean":
        return out
    sizes = counts.reshape(*counts.shape, *[1] * (data.array.ndim - axis - 1)).astype(data.dtype)
    if initial is not None:
        sizes = np.maximum(sizes, 1)
    with np.errstate(invalid="ignore"):
        return out / ops.broadcast_to(wrap(sizes), shape=shape)


def _check(name: str, data: Tensor, counts: Array, axis: int, unsafe: bool) -> None:
    if counts.ndim != axis + 1 or counts.shape[:-1] != tuple(data.shape[:axis]):
        raise ShapeError(
            f"{name}: lengths must have the shape {[*data.shape[:axis], 'segments']} for axis "
            f"{axis} of data{list(data.shape)}, got {list(counts.shape)}"
        )
    if (counts < 0).any():
        raise ArgumentError(f"{name}: lengths contains negative value!")
    if not unsafe and (counts.sum(axis=-1) != data.shape[axis]).any():
        raise ShapeError(
            f"{name}(): Expected all rows of lengths along axis to sum to data.size({axis}) = "
            f"{data.shape[axis]}, got {counts.sum(axis=-1).tolist()}"
        )


def _segment_of_each(counts: Array, shape: tuple[int, ...], axis: int) -> Array:
    """For each element of `covered` the number of its segment."""
    rows = counts.reshape(-1, counts.shape[-1])
    numbers = np.arange(counts.shape[-1])
    places = np.array([np.repeat(numbers, row) for row in rows], np.int64)
    places = places.reshape(*shape[: axis + 1], *[1] * (len(shape) - axis - 1))
    return np.ascontiguousarray(np.broadcast_to(places, shape))
