from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim


def test_betas_may_be_tensors() -> None:
    results = []
    for betas in ((0.5, 0.75), (dl.tensor(0.5), dl.tensor(0.75))):
        p = nn.Parameter(np.ones(1, np.float32))
        optimizer = optim.Adam([p], betas=betas)
        for g in (1.0, -3.0):
            p.grad = dl.tensor([g])
            optimizer.step()
        results.append(p.item())
    assert results[0] == results[1]


def test_by_hand() -> None:
    p = nn.Parameter(np.array([0.0], np.float64))
    optimizer = optim.Adam([p], lr=1.0, betas=(0.5, 0.75), eps=1.0)
    p.grad = dl.tensor([2.0], dtype=dl.float64)
    optimizer.step()  # m = 1, v = 1, corrected 2 and 4
    assert p.item() == pytest.approx(-2 / (2 + 1))
    p.grad = dl.tensor([0.0], dtype=dl.float64)
    optimizer.step()  # m = 0.5, v = 0.75, corrected by 3/4 and 7/16
    step = (0.5 / 0.75) / (np.sqrt(0.75 / (7 / 16)) + 1)
    assert p.item() == pytest.approx(-2 / 3 - step)


def test_amsgrad_keeps_the_largest_average() -> None:
    p = nn.Parameter(np.zeros(1, np.float32))
    optimizer = optim.Adam([p], betas=(0.5, 0.5), amsgrad=True)
    for g in (4.0, 0.0, 0.0):
        p.grad = dl.tensor([g])
        optimizer.step()
    assert optimizer.state[p]["exp_avg_sq"].item() == 2.0
    assert optimizer.state[p]["max_exp_avg_sq"].item() == 8.0


def test_adamw_stays_decoupled_whatever_is_loaded() -> None:
    p = nn.Parameter(np.ones(1, np.float32))
    optimizer = optim.AdamW([p])
    assert isinstance(optimizer, optim.Adam)
    optimizer.load_state_dict(optim.Adam([p]).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True
