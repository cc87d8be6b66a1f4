"""Elements repeated along an axis, and grids of coordinates, made of other operations."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from dlframe.ops.broadcast import broadcast_to
from dlframe.ops.elementwise import copy
from dlframe.ops.indexing import take
from dlframe.ops.record import Array, to_array
from dlframe.ops.shape import expand_dims, reshape

__all__ = ["meshgrid", "repeat"]


def repeat(x: Any, counts: Array, *, axis: int) -> Any:
    """Each slice along an axis repeated next to itself; one count for all slices, or one for each.

    The axis is counted from the front. The result is a copy.
    """
    shape, n = tuple(x.shape), x.shape[axis]
    if counts.size != 1:
        return take(x, np.repeat(np.arange(n), counts), axis=axis)
    # the same count for all: a broadcast along a new axis, which is then merged with its own
    often = operator.index(counts.reshape(())[()])
    apart = expand_dims(x, axis=axis + 1)
    wide = broadcast_to(apart, shape=(*shape[: axis + 1], often, *shape[axis + 1 :]))
    out = reshape(wide, shape=(*shape[:axis], n * often, *shape[axis + 1 :]))
    return copy(out) if np.may_share_memory(to_array(out), to_array(x)) else out


def meshgrid(*vectors: Any, indexing: str = "ij", sparse: bool = False) -> list[Any]:
    """The coordinates of a grid's points, as views: the i-th vector runs along axis i.

    For "xy" the first two axes are exchanged. `sparse` leaves them unbroadcast, with sizes 1.
    """
    axes = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        axes[:2] = 1, 0
    sizes = [math.prod(v.shape) for v in vectors]
    shape = tuple([sizes[i] for i in axes])  # an exchange of two is its own inverse
    lines = [
        reshape(v, shape=tuple([size if axis == i else 1 for i in range(len(shape))]))
        for v, size, axis in zip(vectors, sizes, axes, strict=True)
    ]
    return lines if sparse else [broadcast_to(line, shape=shape) for line in lines]
