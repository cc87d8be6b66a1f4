from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import NonFiniteGradientWarning


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(np.array(values, np.float64))


def test_by_hand() -> None:
    p = parameter(0.0, 0.0)
    optimizer = optim.SparseAdam([p], lr=1.0, betas=(0.5, 0.75), eps=1.0)
    p.grad = dl.tensor([2.0, 0.0], dtype=dl.float64)
    optimizer.step()  # m = 1, v = 1; ε is added before the correction
    first = np.sqrt(0.25) / 0.5 * 1 / (1 + 1)
    assert p.tolist() == pytest.approx([-first, 0.0])
    p.grad = dl.tensor([0.0, 4.0], dtype=dl.float64)
    optimizer.step()  # m = 2, v = 4, in the second step
    second = np.sqrt(7 / 16) / 0.75 * 2 / (2 + 1)
    assert p.tolist() == pytest.approx([-first, -second])
    assert optimizer.state[p]["exp_avg"].tolist() == [1.0, 2.0]
    assert optimizer.state[p]["exp_avg_sq"].tolist() == [1.0, 4.0]
    assert optimizer.state[p]["step"].item() == 2


def test_a_gradient_of_nan_is_not_skipped() -> None:
    p = parameter(1.0, 1.0)
    p.grad = dl.tensor([float("nan"), 0.0], dtype=dl.float64)
    with pytest.warns(NonFiniteGradientWarning):
        optim.SparseAdam([p]).step()
    assert np.isnan(p.tolist()).tolist() == [True, False]
