"""Attention with scores that a plain exponential could not hold."""

from __future__ import annotations

import numpy as np
import pytest

from dlframe import ops

rng = np.random.default_rng(5)


@pytest.mark.parametrize("shift", [0.0, 1000.0, -1000.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_number_added_to_all_scores_of_a_row_changes_nothing(shift: float, dtype: str) -> None:
    query, key, value = rng.normal(size=(3, 2, 4, 8)).astype(dtype)
    mask = np.zeros((2, 4, 4), dtype)
    mask[:, 1] = shift
    plain = ops.attention(query, key, value, scale=0.5)
    shifted = ops.attention(query, key, value, mask, scale=0.5)
    np.testing.assert_allclose(shifted, plain, atol=2e-4 if dtype == "float32" else 1e-12)


def test_one_huge_score_takes_all_of_its_row() -> None:
    query, key, value = np.zeros((3, 1, 3, 2), np.float32)
    query[0, 0], key[0, 2], value[0] = 100, 100, [[1, 2], [3, 4], [5, 6]]
    out = ops.attention(query, key, value, scale=1.0)
    np.testing.assert_allclose(out, [[[5, 6], [3, 4], [3, 4]]])
