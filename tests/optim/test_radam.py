from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.optim.radam import rectification


@pytest.mark.parametrize(
    "options, message",
    [
        ({"lr": -1.0}, "Invalid learning rate: -1.0"),
        ({"lr": dl.tensor([0.1, 0.2])}, "1-element"),
        ({"eps": -1.0}, "Invalid epsilon value: -1.0"),
        ({"weight_decay": -1.0}, "Invalid weight_decay value: -1.0"),
        ({"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
        ({"betas": (0.9, -0.5)}, "Invalid beta parameter at index 1: -0.5"),
    ],
)
def test_unfit_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optim.RAdam([nn.Parameter(np.zeros(1, np.float32))], **options)


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
