"""Rows of a table: the gradient of an embedding adds each row to the place that it came from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from dlframe.kernels import Kernel

from dlframe_numba.compiling import loop

__all__ = ["add_rows", "take_rows"]

_MANY = 64  # rows for one place, at most, that are added one by one


@loop
def _add_rows(out, index, rows):
    n = rows.shape[1]
    for i in range(len(index)):
        at = index[i]
        for j in range(n):
            out[at, j] += rows[i, j]


def _added(x: Any, index: Any, rows: int, skip: int | None) -> Any:
    if x.dtype != np.float32 and x.dtype != np.float64:
        return NotImplemented
    if index.dtype != np.int64 or not index.size or not x.size:
        return NotImplemented
    if not (x.flags.c_contiguous and x.flags.writeable):
        return NotImplemented
    flat = index.reshape(-1)
    if flat.min() < 0 or flat.max() >= rows:
        return NotImplemented
    width = math.prod(x.shape[index.ndim :])
    values = x.reshape(flat.size, width)
    # sums of more rows lose digits: they go on in float64
    many = x.dtype == np.float32 and np.bincount(flat).max() > _MANY
    out = np.zeros((rows, width), np.float64 if many else x.dtype)
    _add_rows(out, np.array(flat), values)
    if skip is not None and 0 <= skip < rows:
        out[skip] = 0
    return out.astype(x.dtype, copy=False).reshape(rows, *x.shape[index.ndim :])


def _take_rows_back(
    g: Any, needs: Any, shape: Any, *, index: Any, skip: int | None, counts: Any
) -> Any:
    if counts is not None or len(shape) < 2:
        return NotImplemented
    found = _added(g, index, shape[0], skip)
    return found if found is NotImplemented else (found,)


add_rows = Kernel(forward=lambda x, *, index, rows, skip=None: _added(x, index, rows, skip))
take_rows = Kernel(fast_backward=_take_rows_back)
