"""Histograms: how much there is in each of several bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.record import Array, TensorBase
from dlframe.tensor.arguments import require_floats
from dlframe.tensor.functions import return_types

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "histc",
    "histogram",
    "histogramdd",
]

Number = int | float


def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0) -> Tensor:
    """How many elements are in each of `bins` equal parts of [min, max].

    If `min` equals `max`, the range is that of the elements. Elements outside of it and nan are
    not counted.

    Raises:
        ArgumentError: no bins, or a range that is reversed or not finite.
        DTypeError: `input` is not of floats.

    >>> dl.histc(dl.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    x = _floats("histc", input).reshape(-1)
    if not isinstance(bins, int):
        raise TypeError(f"histc(): argument 'bins' must be int, not {type(bins).__name__}")
    _check_bins("histc", bins)
    if min > max:
        raise ArgumentError("histc: max must be larger than min")
    low, high = _outer_edges("histc", x, None if min == max else (min, max))
    x = x[(x >= low) & (x <= high)]
    places = ((x - low) * bins / (high - low)).astype(np.int64)
    counts = np.bincount(np.minimum(places, bins - 1), minlength=bins)
    return wrap(counts.astype(input.dtype))


def histogram(
    input: Tensor,
    bins: int | Tensor = 100,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> return_types.histogram:
    """How many elements are in each bin, and the edges of the bins.

    Each bin includes its lower edge, the last one also its upper edge. Elements outside of all bins
    are not counted. The gradient goes to `weight` (PyTorch has none).

    Args:
        bins: their number, or an ascending vector of their edges.
        range: (smallest, largest) edge, by default those of the elements.
        weight: how much each element counts.
        density: divide by the sum and the bins' widths, so that the integral is 1.

    >>> h = dl.histogram(dl.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0))
    >>> h.hist
    tensor([0., 2., 1., 0.])
    >>> h.bin_edges
    tensor([0.0000, 0.7500, 1.5000, 2.2500, 3.0000])
    """
    x = _floats("histogram", input).reshape(-1, 1)
    if isinstance(bins, TensorBase) and range is not None:
        raise TypeError("histogram(): range= goes with a number of bins, not with their edges")
    hist, edges = _histogram("histogram", x, input.shape, [bins], range, weight, density)
    return return_types.histogram(hist, edges[0])


def histogramdd(
    input: Tensor,
    bins: int | Sequence[int] | Sequence[Tensor],
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> return_types.histogramdd:
    """How many points are in each cell of a grid, and the edges of the cells per dimension.

    The rows of `input` are the points, their coordinates lie along its last dimension.

    Args:
        bins: per coordinate the number of cells, or an ascending vector of their edges; or one
            number for all.
        range: the smallest and the largest edge, coordinate after coordinate.
        weight: how much each point counts.
        density: divide by the sum and the cells' volumes, so that the integral is 1.

    >>> points = dl.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    >>> dl.histogramdd(points, bins=[2, 2]).hist
    tensor([[0., 1.],
            [1., 1.]])
    """
    if input.ndim < 2:
        raise ShapeError(
            f"histogramdd: input tensor should have at least 2 dimensions, got {list(input.shape)}"
        )
    n = input.shape[-1]
    each = [bins] * n if isinstance(bins, int) else list(bins)
    if len(each) != n:
        raise ArgumentError(
            "histogramdd: The size of bins must be equal to the innermost dimension of the input; "
            f"got {len(each)} and {n}"
        )
    x = _floats("histogramdd", input).reshape(-1, n)
    hist, edges = _histogram("histogramdd", x, input.shape[:-1], each, range, weight, density)
    return return_types.histogramdd(hist, tuple(edges))


def _histogram(
    name: str, x: Array, shape: Any, bins: list[Any], range: Any, weight: Any, density: bool
) -> tuple[Any, list[Any]]:
    """The histogram of points, one per row of `x`, and the edges per column."""
    if weight is not None:
        _check_weight(name, x, shape, weight)
    if range is not None and len(range) != 2 * len(bins):
        raise ArgumentError(
            f"{name}: for a {len(bins)}-dimensional histogram range should have {2 * len(bins)} "
            f"elements, but got {len(range)}"
        )
    edges, places = [], []
    for i, (column, given) in enumerate(zip(x.T, bins, strict=True)):
        ends = None if range is None else (range[2 * i], range[2 * i + 1])
        edges.append(_edges(name, column, given, ends))
        places.append(_places(column, edges[-1]))
    sizes = tuple(len(e) - 1 for e in edges)
    inside = np.ones(len(x), bool)
    for place in places:
        inside &= place >= 0
    index = tuple(place[inside] for place in places)
    if weight is None:
        counts = np.bincount(np.ravel_multi_index(index, sizes), minlength=math.prod(sizes))
        hist = wrap(counts.reshape(sizes).astype(x.dtype))
    else:
        counted = ops.take_at(ops.ravel(weight), index=np.flatnonzero(inside))
        hist = ops.put_at(counted, index=index, size=sizes)
    if density:
        hist = hist / ops.sum(hist)
        for i, e in enumerate(edges):
            hist = hist / np.diff(e).reshape(-1, *(1,) * (len(edges) - 1 - i))
    return hist, [wrap(e) for e in edges]


def _edges(name: str, column: Array, bins: Any, ends: Any) -> Array:
    """The edges of the bins for one coordinate: as given, or evenly spaced."""
    if isinstance(bins, TensorBase):
        edges = bins.array
        if edges.ndim != 1:
            raise ShapeError(
                f"{name}: a tensor of bins should have one dimension, but got {edges.ndim}"
            )
        if edges.dtype != column.dtype:
            raise DTypeError(
                f"{name}: input tensor and bins tensors should have the same dtype, got "
                f"{column.dtype} and {edges.dtype}"
            )
        _check_bins(name, len(edges) - 1)
        return edges.copy()
    _check_bins(name, bins)
    low, high = _outer_edges(name, column, ends)
    # computed from both ends, so that both are exact
    steps = np.arange(bins + 1, dtype=column.dtype)
    step = (high - low) / column.dtype.type(bins)
    return np.where(steps < (bins + 1) // 2, low + step * steps, high - step * (bins - steps))


def _places(column: Array, edges: Array) -> Array:
    """The index of the bin that each number is in; -1 if it is in none."""
    places = np.searchsorted(edges, column, side="right") - 1
    places[column == edges[-1]] = len(edges) - 2
    places[~((column >= edges[0]) & (column <= edges[-1]))] = -1
    return places


def _outer_edges(name: str, x: Array, ends: Any) -> tuple[Any, Any]:
    """The ends of the range, by default those of the elements; the two always differ."""
    if ends is not None:
        low, high = (x.dtype.type(end) for end in ends)
    elif x.size:
        low, high = x.min(), x.max()
    else:
        low, high = x.dtype.type(0), x.dtype.type(0 if name == "histc" else 1)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ArgumentError(f"{name}: range of [{low}, {high}] is not finite")
    if low > high:
        raise ArgumentError(f"{name}: min should not exceed max, but got min {low} max {high}")
    if low == high:
        around = x.dtype.type(1 if name == "histc" else 0.5)
        return low - around, high + around
    return low, high


def _check_bins(name: str, bins: int) -> None:
    if bins <= 0:
        raise ArgumentError(f"{name}: bins must be > 0, but got {bins}")


def _floats(name: str, input: Tensor) -> Array:
    require_floats(name, input)
    return input.array


def _check_weight(name: str, x: Array, shape: Any, weight: Any) -> None:
    if weight.shape != shape:
        raise ShapeError(
            f"{name}: weight should have one element for each that is counted, shape "
            f"{list(shape)}, but got {list(weight.shape)}"
        )
    if weight.dtype != x.dtype:
        raise DTypeError(
            f"{name}: input tensor and weight tensor should have the same dtype, got {x.dtype} and "
            f"{weight.dtype}"
        )
