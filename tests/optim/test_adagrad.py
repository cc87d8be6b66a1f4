from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim


def test_by_hand() -> None:
    p = nn.Parameter(np.zeros(1, np.float64))
    optimizer = optim.Adagrad([p], lr=1.0, lr_decay=1.0, initial_accumulator_value=9.0, eps=1.0)
    p.grad = dl.tensor([4.0], dtype=dl.float64)
    optimizer.step()  # s = 9 + 16
    assert p.item() == pytest.approx(-4 / (5 + 1))
    optimizer.step()  # s = 25 + 16, and the learning rate is 1/2
    assert p.item() == pytest.approx(-4 / 6 - 0.5 * 4 / (np.sqrt(41) + 1))


def test_state_is_there_from_the_beginning_as_in_pytorch() -> None:
    p, q = (nn.Parameter(np.zeros(2, np.float32)) for _ in range(2))
    optimizer = optim.Adagrad([p], initial_accumulator_value=0.5)
    assert list(optimizer.state[p]) == ["step", "sum"]
    assert optimizer.state[p]["sum"].tolist() == [0.5, 0.5]
    assert optimizer.state_dict()["state"][0]["step"].item() == 0.0
    optimizer.add_param_group({"params": [q]})  # its state comes with its first step
    assert q not in optimizer.state
    p.grad = q.grad = dl.ones(2)
    optimizer.step()
    assert optimizer.state[q]["sum"].tolist() == optimizer.state[p]["sum"].tolist() == [1.5, 1.5]
