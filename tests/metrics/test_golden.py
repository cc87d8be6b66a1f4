"""Values against those that scikit-learn gave (tests/golden/make_metrics.py)."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from samples.measured import ROWS, Row, data


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_scikit_learns_values(row: Row, golden) -> None:
    reference = golden("metrics")
    for seed in range(4):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ours = row.ours(data(seed))
        wanted = reference[f"{seed} {row.key}"]
        np.testing.assert_allclose(ours, wanted, rtol=1e-9, atol=1e-12, err_msg=f"seed {seed}")
