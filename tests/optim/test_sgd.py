from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim


@pytest.mark.parametrize(
    "options, message",
    [
        ({"lr": -1.0}, "Invalid learning rate: -1.0"),
        ({"lr": float("nan")}, "Invalid learning rate: nan"),
        ({"lr": dl.tensor([0.1, 0.2])}, "1-element"),
        ({"momentum": -0.5}, "Invalid momentum value: -0.5"),
        ({"weight_decay": -1}, "Invalid weight_decay value: -1"),
        ({"nesterov": True}, "Nesterov momentum requires"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "Nesterov momentum requires"),
    ],
)
def test_unfit_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optim.SGD([nn.Parameter(np.zeros(1, np.float32))], **options)


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
