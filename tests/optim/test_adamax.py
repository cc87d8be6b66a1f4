from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(np.array(values, np.float64))


def test_by_hand() -> None:
    p = parameter(0.0)
    optimizer = optim.Adamax([p], lr=1.0, betas=(0.5, 0.5), eps=1.0)
    p.grad = dl.tensor([3.0], dtype=dl.float64)
    optimizer.step()  # m = 1.5, corrected 3; u = 4
    assert p.item() == pytest.approx(-3 / 4)
    p.grad = dl.tensor([-0.5], dtype=dl.float64)
    optimizer.step()  # m = 0.5, corrected by 3/4; u = max(2, 1.5)
    assert p.item() == pytest.approx(-3 / 4 - 0.5 / 0.75 / 2)
