from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim


def test_by_hand() -> None:
    p = nn.Parameter(np.zeros(1, np.float64))
    optimizer = optim.RMSprop([p], lr=1.0, alpha=0.75, eps=1.0, momentum=0.5, centered=True)
    p.grad = dl.tensor([4.0], dtype=dl.float64)
    optimizer.step()  # v = 4, a = 1
    b = 4 / (np.sqrt(3) + 1)
    assert p.item() == pytest.approx(-b)
    optimizer.step()  # v = 7, a = 1.75
    assert p.item() == pytest.approx(-b - 0.5 * b - 4 / (np.sqrt(7 - 1.75**2) + 1))


def test_state_is_named_and_ordered_as_in_pytorch() -> None:
    p = nn.Parameter(np.zeros(1, np.float32))
    p.grad = dl.ones(1)
    optimizer = optim.RMSprop([p], momentum=0.5, centered=True)
    optimizer.step()
    assert list(optimizer.state[p]) == ["step", "square_avg", "momentum_buffer", "grad_avg"]
