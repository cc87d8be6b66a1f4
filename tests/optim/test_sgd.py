from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim


def test_speed_options_are_accepted_but_not_together() -> None:
    params = [nn.Parameter(np.zeros(1, np.float32))]
    optim.SGD(params, foreach=True)
    optim.SGD(params, fused=True)
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        optim.SGD(params, foreach=True, fused=True)
    with pytest.raises(NotImplementedError, match="differentiable=True is not supported"):
        optim.SGD(params, differentiable=True)


def test_by_hand() -> None:
    p = nn.Parameter(np.array([1.0], np.float32))
    optimizer = optim.SGD(
        [p], lr=0.5, momentum=0.5, dampening=0.25, weight_decay=1.0, maximize=True
    )
    p.grad = dl.tensor([2.0])
    optimizer.step()  # g = -2 + 1 = -1, b = g = -1, p = 1 + 0.5
    assert p.item() == 1.5
    optimizer.step()  # g = -2 + 1.5 = -0.5, b = 0.5 (-1) + 0.75 (-0.5) = -0.875
    assert p.item() == 1.5 + 0.5 * 0.875


def test_nesterov_by_hand() -> None:
    p = nn.Parameter(np.array([1.0], np.float32))
    optimizer = optim.SGD([p], lr=0.5, momentum=0.5, nesterov=True)
    p.grad = dl.tensor([1.0])
    optimizer.step()  # b = 1, g + 0.5 b = 1.5
    assert p.item() == 0.25
    optimizer.step()  # b = 1.5, g + 0.5 b = 1.75
    assert p.item() == 0.25 - 0.875
