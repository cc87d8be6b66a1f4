from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.optim.radam import rectification


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(np.array(values, np.float64))


def test_by_hand() -> None:
    p = parameter(0.0)
    optimizer = optim.RAdam([p], lr=0.5, betas=(0.5, 0.999), eps=0.0)
    places = [0.0]
    for _ in range(6):
        p.grad = dl.tensor([2.0], dtype=dl.float64)
        optimizer.step()
        places.append(p.item())
    moved = -np.diff(places)
    assert moved[:5] == pytest.approx(1.0)  # γ g: the average of squares is not used yet
    assert moved[5] == pytest.approx(0.5 * rectification(0.999, 6))  # γ r


def test_the_rectification_grows_to_one() -> None:
    values = [rectification(0.99, t) for t in range(1, 2000)]
    assert values[:5] == [0] * 5
    assert all(a < b for a, b in pairwise(values[5:300]))
    assert values[-1] == pytest.approx(1.0, abs=1e-6)
    assert rectification(0.5, 1000) == 0  # an average of three is never trusted
