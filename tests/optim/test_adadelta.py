from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(np.array(values, np.float64))


def test_by_hand() -> None:
    p = parameter(0.0)
    optimizer = optim.Adadelta([p], lr=0.5, rho=0.75, eps=1.0)
    p.grad = dl.tensor([4.0], dtype=dl.float64)
    optimizer.step()  # v = 4, u = 0
    first = 4 / np.sqrt(5)
    assert p.item() == pytest.approx(-0.5 * first)
    optimizer.step()  # v = 7, u is a quarter of the square of the first step
    second = np.sqrt(first**2 / 4 + 1) / np.sqrt(8) * 4
    assert p.item() == pytest.approx(-0.5 * (first + second))


def test_the_scale_of_the_loss_does_not_matter() -> None:
    places = []
    for scale in (1.0, 1e6):
        p = parameter(0.0)
        optimizer = optim.Adadelta([p], eps=1e-12)
        for g in (1.0, 2.0, -0.5):
            p.grad = dl.tensor([g * scale], dtype=dl.float64)
            optimizer.step()
        places.append(p.item())
    assert places[0] == pytest.approx(places[1], rel=1e-6)
