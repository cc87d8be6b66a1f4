from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(np.array(values, np.float64))


def test_by_hand() -> None:
    p = parameter(0.0)
    optimizer = optim.NAdam([p], lr=1.0, betas=(0.5, 0.75), eps=1.0, momentum_decay=0.0)
    p.grad = dl.tensor([2.0], dtype=dl.float64)
    optimizer.step()  # μ = 1/4 always; m = 1, v = 1, corrected 4
    first = (0.75 / 0.75 * 2 + 0.25 / (1 - 1 / 16) * 1) / (2 + 1)
    assert p.item() == pytest.approx(-first)
    p.grad = dl.tensor([0.0], dtype=dl.float64)
    optimizer.step()  # m = 0.5, v = 0.75, corrected by 7/16
    second = 0.25 / (1 - 1 / 64) * 0.5 / (np.sqrt(0.75 / (7 / 16)) + 1)
    assert p.item() == pytest.approx(-first - second)


def test_the_product_of_momenta_is_a_number_of_its_own() -> None:
    p, q = parameter(0.0), parameter(0.0)
    optimizer = optim.NAdam([p, q], momentum_decay=0.0, betas=(0.5, 0.9))
    p.grad = dl.ones(1, dtype=dl.float64)
    optimizer.step()
    q.grad = dl.ones(1, dtype=dl.float64)
    optimizer.step()
    assert list(optimizer.state[p]) == ["step", "mu_product", "exp_avg", "exp_avg_sq"]
    assert [optimizer.state[x]["mu_product"].item() for x in (p, q)] == [1 / 16, 1 / 4]
    assert optimizer.state[p]["mu_product"].shape == ()


def test_a_state_with_plain_numbers_is_taken() -> None:
    p = parameter(0.0)
    p.grad = dl.ones(1, dtype=dl.float64)
    optimizer = optim.NAdam([p])
    optimizer.step()
    saved = optimizer.state_dict()
    saved["state"] = {0: {**saved["state"][0], "step": 1, "mu_product": 0.25}}  # old versions'
    optimizer.load_state_dict(saved)
    optimizer.step()
    assert optimizer.state[p]["mu_product"].item() == pytest.approx(0.25 * 0.9 * 0.5, rel=1e-3)
