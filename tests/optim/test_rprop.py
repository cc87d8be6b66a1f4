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
    optimizer = optim.Rprop([p], lr=1.0, etas=(0.5, 3.0), step_sizes=(0.75, 4.0))
    places = []
    for g in (0.1, 5.0, 7.0, -1.0, -1.0, -1.0, -1.0):
        p.grad = dl.tensor([g, 0.0], dtype=dl.float64)
        optimizer.step()
        places.append(p.tolist())
    # 1, 3, 4 (the largest); a change of sign: 2, and no step; the sign before counts as 0: 2
    assert [x for x, _ in places] == [-1, -4, -8, -8, -6, -2, 2]
    assert [y for _, y in places] == [0] * 7
    p.grad = dl.tensor([1.0, 0.0], dtype=dl.float64)
    optimizer.step()
    assert optimizer.state[p]["step_size"].tolist() == [2.0, 1.0]
    assert optimizer.state[p]["prev"].tolist() == [0.0, 0.0]


def test_the_step_size_starts_with_the_learning_rate_of_the_group() -> None:
    p, q = parameter(0.0), parameter(0.0)
    optimizer = optim.Rprop([{"params": [p]}, {"params": [q], "lr": dl.tensor(0.5)}], lr=0.25)
    p.grad = q.grad = dl.ones(1, dtype=dl.float64)
    optimizer.step()
    assert (p.item(), q.item()) == (-0.25, -0.5)
    for group in optimizer.param_groups:
        group["lr"] = 100.0  # of no effect any more
    optimizer.step()
    assert (p.item(), q.item()) == pytest.approx((-0.55, -1.1))


def test_elements_with_gradient_nan_stay() -> None:
    p = parameter(1.0, 1.0)
    optimizer = optim.Rprop([p], lr=0.5)
    p.grad = dl.tensor([float("nan"), 1.0], dtype=dl.float64)
    with pytest.warns(NonFiniteGradientWarning):
        optimizer.step()
    assert p.tolist() == [1.0, 0.5]
