"""Interpolation, and sampling at the points of a grid."""

from __future__ import annotations

import numpy as np

from dlframe.ops.resampling import Band
from samples.modules import Row
from samples.table import Array, Numbers, Sample

n = Numbers(24)


# --- operations --------------------------------------------------------------------------------


def weighed(x: Array, matrix: Band, axis: int) -> Array:
    return np.moveaxis(np.tensordot(matrix.dense(), x, (1, axis)), 0, axis)


def band(rows: int, columns: int, k: int) -> Band:
    """k numbers in each row, at ever higher places."""
    first = np.arange(rows) * (columns - k) // max(rows - 1, 1)
    return Band.of(first[:, None] + np.arange(k), n.away(rows, k), columns, np.float64)


def weigh(x: tuple[int, ...], axis: int, matrix: Band) -> Sample:
    return Sample("weigh", (n.away(*x),), {"matrix": matrix, "axis": axis}, reference=weighed)


SAMPLES = [
    weigh((2, 3, 5), 2, band(4, 5, 2)),
    weigh((2, 5, 3), 1, band(7, 5, 3)),
    weigh((4,), 0, band(150, 4, 2)),  # several blocks
    weigh((1, 130), 1, band(70, 130, 1)),  # columns that nothing reads
    weigh((4, 2), 0, band(150, 4, 2).transpose.transpose),
    weigh((150, 2), 0, band(150, 4, 2).transpose),
]

MODULES: list[Row] = []
