"""What a model's outputs are: from its last layer, its loss, or the user of a metric."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from dlframe import metrics, nn, optim
from dlframe.errors import ArgumentError
from dlframe.metrics import scores_of
from dlframe.nn import functional as F


class Changed(nn.BCELoss):
    def forward(self, input: Any, target: Any) -> Any:
        return super().forward(input.sigmoid(), target)


class Renamed(nn.BCELoss):
    """Is a BCELoss in all it does."""


class Says:
    scores = "logits"

    def __call__(self, output: Any, target: Any) -> Any:
        return output.sum()


LINEAR, SIGMOID = nn.Linear(2, 1), nn.Sigmoid()


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        (nn.BCELoss(), "probabilities"),
        (nn.BCEWithLogitsLoss(), "logits"),
        (nn.CrossEntropyLoss(), "logits"),
        (nn.NLLLoss(), "log_probabilities"),
        (nn.KLDivLoss(), "log_probabilities"),
        (nn.MSELoss(), "probabilities"),
        (F.binary_cross_entropy, "probabilities"),
        (F.binary_cross_entropy_with_logits, "logits"),
        (F.cross_entropy, "logits"),
        (functools.partial(functools.partial(F.nll_loss, reduction="sum"), ignore_index=1),
         "log_probabilities"),
        (nn.BCELoss().forward, "probabilities"),
        (functools.partial(nn.BCELoss()), "probabilities"),
        (Renamed(), "probabilities"),
        (Changed(), None),
        (Says(), "logits"),
        (nn.PoissonNLLLoss(), None),
        (nn.MultiMarginLoss(), None),
        (lambda x, y: F.binary_cross_entropy(x.sigmoid(), y), None),
        (None, None),
    ],
)  # fmt: skip
def test_of_a_loss(loss: Any, kind: str | None) -> None:
    assert scores_of(loss) == scores_of(loss, LINEAR) == kind
    assert scores_of(loss, nn.Sequential(LINEAR, SIGMOID)) == "probabilities"


class Own(nn.Sequential):
    def forward(self, input: Any) -> Any:
        return super().forward(input).log()


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (SIGMOID, "probabilities"),
        (nn.Sequential(LINEAR, nn.Softmax(1)), "probabilities"),
        (nn.Sequential(LINEAR, nn.LogSoftmax(1)), "log_probabilities"),
        (nn.Sequential(LINEAR, nn.LogSigmoid()), "log_probabilities"),
        (nn.Sequential(nn.Sequential(LINEAR, SIGMOID), nn.Flatten(0), nn.Identity()),
         "probabilities"),
        (nn.DataParallel(nn.Sequential(LINEAR, SIGMOID)), "probabilities"),
        (optim.swa_utils.AveragedModel(nn.Sequential(LINEAR, SIGMOID)), "probabilities"),
        (nn.Sequential(SIGMOID, LINEAR), None),
        (nn.Sequential(LINEAR, SIGMOID, nn.Dropout()), None),
        (nn.Sequential(), None),
        (Own(LINEAR, SIGMOID), None),
        (None, None),
    ],
)  # fmt: skip
def test_of_a_model(model: Any, kind: str | None) -> None:
    assert scores_of(None, model) == kind


SCORES, TARGET = np.array([0.2, 0.4, 0.6, 0.9]), np.array([0, 0, 1, 1])


def test_what_is_assumed_counts_where_nothing_was_said() -> None:
    made = metrics.Accuracy()
    made.assume("probabilities")
    made.update(SCORES, TARGET)
    assert made.compute() == 1.0
    made.reset()
    made.assume("logits")
    made.update(SCORES, TARGET)
    assert made.compute() == 0.5
    for said in ({"threshold": 0.0}, {"scores": "logits"}):
        made = metrics.Accuracy(**said)
        made.assume("probabilities")
        made.update(SCORES, TARGET)
        assert made.compute() == 0.5
    made = metrics.Accuracy(scores="log_probabilities")
    made.update(np.log(SCORES), TARGET)
    assert made.compute() == 1.0


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ArgumentError, match="scores must be one of logits, probabilities"):
        metrics.Accuracy(scores="logit")
    with pytest.raises(ArgumentError, match="Did you mean 'probabilities'"):
        metrics.Accuracy().assume("probability")
    metrics.Mean().assume("logits")
