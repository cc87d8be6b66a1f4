"""Products of kernels with columns, in tiles of columns, are the products."""

from __future__ import annotations

import numpy as np
import pytest

from dlframe.ops.convolving import _product


@pytest.mark.parametrize(
    ("rows", "inner", "count"),
    [(16, 144, 1024), (32, 288, 1024), (64, 400, 128), (64, 400, 127), (3, 5, 256), (16, 144, 0)],
)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tiles_give_the_product(
    rows: int, inner: int, count: int, groups: int, dtype: type, rng: np.random.Generator
) -> None:
    matrix = rng.normal(size=(groups, rows, inner)).astype(dtype)
    columns = rng.normal(size=(3, groups, inner, count)).astype(dtype)
    out = np.full((5, groups, rows, count), np.nan, dtype)
    _product(matrix, columns, out[1:4])
    tolerance = 1e-4 if dtype == np.float32 else 1e-11
    np.testing.assert_allclose(out[1:4], matrix @ columns, rtol=0, atol=tolerance)
    assert np.isnan(out[[0, 4]]).all()
