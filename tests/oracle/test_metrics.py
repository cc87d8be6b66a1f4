"""The metrics beside scikit-learn's, on many random data sets."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from samples.measured import ROWS, Row, data


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_scikit_learns_values(row: Row) -> None:
    for seed in range(100, 130):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ratios 0/0
            theirs: Any = row.theirs(sklearn.metrics, data(seed))
            ours = row.ours(data(seed))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12, err_msg=f"seed {seed}")
