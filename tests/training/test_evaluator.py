"""Evaluator: the part of a Trainer that measures and predicts, alone."""

from __future__ import annotations

import re

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError
from dlframe.metrics import Accuracy
from dlframe.training import Evaluator


def test_it_measures_as_a_trainer_does() -> None:
    dl.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    x, y = dl.randn(20, 4), dl.randint(0, 3, (20,))
    loss, metrics = nn.CrossEntropyLoss(), [Accuracy()]
    trainer = dl.Trainer(model, loss, optim.SGD(model.parameters(), lr=0.1), metrics)
    evaluator = Evaluator(model, loss, metrics)
    assert evaluator.evaluate((x, y), batch_size=7) == trainer.evaluate((x, y), batch_size=7)
    assert np.array_equal(evaluator.predict(x).numpy(), trainer.predict(x).numpy())
    assert model.training


def test_its_errors_name_it() -> None:
    message = "Evaluator: metrics must be a list; got Accuracy; pass a list also of one"
    with pytest.raises(TypeError, match=re.escape(message)):
        Evaluator(nn.Linear(1, 1), nn.MSELoss(), Accuracy())  # type: ignore[arg-type] # no list
    with pytest.raises(TypeError, match="Evaluator: model must be Module; got int"):
        Evaluator(1, nn.MSELoss())  # type: ignore[arg-type] # no model


@pytest.mark.parametrize("several", [False, True])
def test_outputs_that_are_nan_are_measured_as_nan(several: bool) -> None:
    """A validation with them must not end a long training."""

    class Broken(nn.Module):
        def forward(self, x: dl.Tensor) -> dl.Tensor | dict[str, dl.Tensor]:
            out = x[:, :2] * np.nan
            return {"a": out, "b": x[:, :2]} if several else out

    x, y = dl.randn(6, 3), dl.arange(6) % 2
    loss: object = "cross_entropy"
    wanted: object = y
    chosen: object = [Accuracy(), "recall_per_class"]
    if several:
        loss, wanted = {"a": "cross_entropy", "b": "cross_entropy"}, {"a": y, "b": y}
        chosen = {"a": [Accuracy()]}
    found = Evaluator(Broken(), loss, chosen).evaluate(x, wanted, batch_size=4)
    names = (
        ["a_accuracy", "a_loss", "loss"] if several else ["accuracy", "loss", "recall_per_class"]
    )
    assert all(np.isnan(found[name]) for name in names)
    assert not several or np.isfinite(found["b_loss"])


@pytest.mark.parametrize("loss", ["cross_entropy", "bce_with_logits"])
def test_outputs_that_are_nan_have_no_class(loss: str) -> None:
    x = dl.randn(6, 3)
    x[4] = np.nan
    message = "the output of sample 4 is nan, which is of no class (1 such among 6 samples)"
    with pytest.raises(ArgumentError, match=re.escape(message)):
        Evaluator(nn.Linear(3, 2), loss).predict_classes(x)


def test_a_column_of_labels_beside_one_score_per_sample() -> None:
    model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0))
    x, y = dl.randn(6, 3), dl.arange(6) % 2
    one = Evaluator(model, "bce_with_logits", ["accuracy", "auroc", "f1_macro"])
    assert one.evaluate(x, y[:, None]) == one.evaluate(x, y)


def test_the_score_of_several_labels_is_that_of_the_decisions() -> None:
    dl.manual_seed(0)
    x = dl.randn(40, 3)
    one = Evaluator(nn.Linear(3, 2), "bce_with_logits")
    decided = one.predict_classes(x)
    y = decided.clone()
    y[::4, 1] = 1 - y[::4, 1]
    assert one.score(x, decided) == 1.0
    assert one.score(x, y) == one.score(x, y.float()) == 0.75
    labels = one.predict(x).argmax(dim=1)  # one class per sample: the highest score
    assert one.score(x, labels) == 1.0
