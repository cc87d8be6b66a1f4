from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(np.array(values, np.float64))


def test_by_hand() -> None:
    p = parameter(0.0)
    optimizer = optim.ASGD([p], lr=1.0, lambd=0.5, alpha=1.0, t0=1)
    for g in (1.0, 1.0, 0.0):
        p.grad = dl.tensor([g], dtype=dl.float64)
        optimizer.step()
    # −1; with η = 2/3: −1 (1 − 1/3) − 2/3; with η = 1/2 and μ = 1: −4/3 (1 − 1/4)
    assert p.item() == pytest.approx(-1.0, rel=1e-6)
    assert optimizer.state[p]["ax"].item() == pytest.approx(-1.0, rel=1e-6)
    assert optimizer.state[p]["mu"].item() == 0.5
    optimizer.step()  # η = 2/5: −1 (1 − 1/5), and the mean with the place before
    assert p.item() == pytest.approx(-0.8, rel=1e-6)
    assert optimizer.state[p]["ax"].item() == pytest.approx(-0.9, rel=1e-6)


def test_state_is_named_and_ordered_as_in_pytorch() -> None:
    p = parameter(0.0)
    p.grad = dl.ones(1, dtype=dl.float64)
    optimizer = optim.ASGD([p], lr=dl.tensor(0.5))
    optimizer.step()
    assert list(optimizer.state[p]) == ["step", "eta", "mu", "ax"]
    assert optimizer.state[p]["eta"].shape == optimizer.state[p]["mu"].shape == ()


def test_numbers_keep_their_dtype_when_they_are_loaded() -> None:
    p = nn.Parameter(np.zeros(1, np.float16))
    p.grad = dl.ones(1, dtype=dl.float16)
    optimizer, other = optim.ASGD([p], lr=0.1), optim.ASGD([p], lr=0.1)
    optimizer.step()
    other.load_state_dict(optimizer.state_dict())
    assert other.state[p]["eta"].dtype == dl.float32
    assert other.state[p]["eta"].item() == optimizer.state[p]["eta"].item()


def test_any_power_is_saved_and_loaded() -> None:
    p = parameter(0.0)
    optimizer = optim.ASGD([p], alpha=-0.5, lambd=-1.0)  # PyTorch takes them too
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.param_groups[0]["alpha"] == -0.5
