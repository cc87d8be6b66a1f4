"""Losses of the user's own that compare each output with the targets of all samples."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import Trainer, nn
from dlframe.errors import ShapeError
from dlframe.training import Evaluator

X = np.linspace(-1, 1, 8, dtype=np.float32)[:, None]
Y = X[:, 0] * 2


def difference(output, target):
    return ((output - target) ** 2).mean()


def differences(output, target):
    return (output - target) ** 2


@pytest.mark.parametrize(
    ("loss", "data"), [(difference, (X, Y)), (differences, (X, Y, np.ones(8)))]
)
def test_all_with_all_is_refused(loss, data):
    message = r"compares .* of the output \[8, 1\] and the target \[8\] has 8 × 8 numbers"
    trainer = Trainer(nn.Linear(1, 1), loss, "sgd")
    with pytest.raises(ShapeError, match=message):
        trainer.fit(data, progress=False)
    with pytest.raises(ShapeError, match=message):
        Evaluator(nn.Linear(1, 1), loss).evaluate(data)


OWN = {
    "squeezes": lambda o, y: ((o.squeeze(1) - y) ** 2).mean(),
    "unsqueezes": lambda o, y: ((o - y.unsqueeze(1)) ** 2).mean(),
    "pairs of labels": lambda o, y: ((o - o.T) * (y[:, None] - y[None, :])).square().mean(),
    "library's": lambda o, y: nn.functional.mse_loss(o[:, 0], y),
}


@pytest.mark.parametrize("name", sorted(OWN))
def test_losses_that_mean_it_are_left_alone(name):
    dl.manual_seed(0)
    model = nn.Linear(1, 1)
    expected = OWN[name](model(dl.tensor(X)), dl.tensor(Y)).item()
    assert Evaluator(model, OWN[name]).evaluate(X, Y)["loss"] == pytest.approx(expected, rel=1e-6)


def test_one_sample_is_no_crowd():
    assert "loss" in Evaluator(nn.Linear(1, 1), difference).evaluate(X[:1], Y[:1])
