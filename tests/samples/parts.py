"""The library's own layers, losses, metrics and optimizers, as `dlframe.testing` takes them.

Layers and losses come from `samples.MODULES`; some rows more are below.

A name stands for a class of `nn`, `metrics` or `optim`, and its rows for ways to make one.
tests/testing/test_own_parts.py asks for a row of every public class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import dlframe as dl
from dlframe import metrics, nn, optim
from samples import MODULES, optimizers
from samples.modules import arrays, maker
from samples.table import Numbers

n = Numbers(21)
ROWS, IMAGES = n.spread(4, 3), n.spread(2, 2, 5, 6)
SCORES, VALUES, NEAR = n.away(5, 3), n.spread(5, 3), n.spread(5, 3) + 0.02
LABELS, SHARES, SIGNS = np.array([0, 2, 1, 1, 0]), n.positive(5, 3) / 2.5, n.away(5, 3) / 3
GUESSES, TRUTH = np.array([0, 1, 1, 2, 2, 2]), np.array([0, 1, 2, 0, 1, 2])
WEIGHT = dl.tensor([1.0, 2.0, 0.5])


@dataclass(frozen=True)
class Part:
    """How to make one, what to call it with, and options of the check."""

    make: Callable[..., Any]
    inputs: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


def add_modules() -> None:
    """The rows of `samples.MODULES` with options for the kit, and the first one of each class."""
    for rows in MODULES.values():
        for row in rows:
            table = LOSSES if row.loss else LAYERS
            if row.kit is not None and not ("first" in row.kit and row.name in table):
                options = {k: v for k, v in row.kit.items() if k != "first"}
                table.setdefault(row.name, []).append(Part(maker(row), arrays(row), options))


def part(make: Callable[..., Any], *inputs: Any, **options: Any) -> Part:
    """A row."""
    return Part(make, inputs, options)


# Classes that are not called with tensors: `Module` is a base, the others are containers.
LEFT_OUT = {
    "SciPy",  # has no step of its own; tests/optim/test_scipy.py
    "Module",
    "Container",
    "ModuleList",
    "ModuleDict",
    "NLLLoss2d",  # NLLLoss, and warns
    "ParameterList",
    "ParameterDict",
    "Metric",
    "Collected",  # a base
    "RNNBase",  # a base, too
    "RNNCellBase",
    "Optimizer",
    "SAM",  # wraps an optimizer: tests/optim/regularization/test_sam.py
}

LAYERS: dict[str, list[Part]] = {
}  # fmt: skip


LOSSES: dict[str, list[Part]] = {}

add_modules()

SOFT = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
UNIT, BITS = 1 / (1 + np.exp(-SCORES)), (SCORES[::-1] > 0).astype(np.int64)
BITS[0] = (1, 0, 1)  # not one-hot
ABOVE = n.positive(6, 2), n.positive(6, 2) * 1.1  # numbers and their targets, above 0


def curves(make: Any) -> list[Part]:
    """One score per sample, exact and in bins; classes; several labels."""
    return [
        part(make, SCORES[:, 0], LABELS % 2),
        part(lambda: make("macro"), SCORES, LABELS, scores="logits"),
        part(lambda: make("per_class"), SOFT, np.eye(3)[LABELS]),
        part(lambda: make(thresholds=5), UNIT[:, 0], LABELS % 2, scores="probabilities"),
        part(lambda: make("weighted", thresholds=[0.2, 0.4, 0.6]), SOFT, LABELS),
        part(lambda: make("micro", multilabel=True), SCORES, BITS),
    ]


def within(output: Any, target: Any) -> Any:
    """The share of close outputs."""
    return (abs(output - target) < 0.5).double().mean()


METRICS: dict[str, list[Part]] = {
    "Accuracy": [
        part(metrics.Accuracy, np.eye(3)[GUESSES], TRUTH),
        part(metrics.Accuracy, GUESSES, TRUTH),
        part(metrics.Accuracy, SCORES, np.eye(3)[LABELS]),
        part(metrics.Accuracy, UNIT[:, :1], LABELS % 2, scores="probabilities"),
        part(metrics.Accuracy, np.log(UNIT[:, 0]), LABELS % 2, scores="log_probabilities"),
        part(lambda: metrics.Accuracy(scores="labels"), GUESSES * 1.0, TRUTH),
    ],
    "Averaged": [part(lambda: metrics.Averaged(within), VALUES[:, 0], NEAR[:, 0])],
    "AUROC": [*curves(metrics.AUROC), part(lambda: metrics.AUROC("ovo"), SOFT, LABELS)],
    "AveragePrecision": [
        *curves(metrics.AveragePrecision),
        part(lambda: metrics.AveragePrecision(interpolated=True), SCORES[:, 0], LABELS % 2),
    ],
    "BalancedAccuracy": [
        part(metrics.BalancedAccuracy, GUESSES, TRUTH),
        part(lambda: metrics.BalancedAccuracy(3, adjusted=True), SCORES, LABELS),
    ],
    "BrierScore": [
        part(metrics.BrierScore, UNIT[:, 0], LABELS % 2),
        part(metrics.BrierScore, SCORES, LABELS, scores="logits"),
        part(metrics.BrierScore, SOFT, np.eye(3)[LABELS]),
        part(lambda: metrics.BrierScore(multilabel=True), UNIT, BITS),
    ],
    "CalibrationError": [
        part(metrics.CalibrationError, UNIT[:, 0], LABELS % 2),
        part(lambda: metrics.CalibrationError("mce", 4), SCORES, LABELS, scores="logits"),
        part(lambda: metrics.CalibrationError("rmsce", 3, adaptive=True), SOFT, LABELS),
    ],
    "CohenKappa": [
        part(metrics.CohenKappa, GUESSES, TRUTH),
        part(lambda: metrics.CohenKappa("quadratic", 3), SCORES, LABELS),
    ],
    "ConfusionMatrix": [
        part(lambda: metrics.ConfusionMatrix(3), GUESSES, TRUTH),
        part(lambda: metrics.ConfusionMatrix(3, normalize="true"), GUESSES, TRUTH),
        part(lambda: metrics.ConfusionMatrix(3, multilabel=True), SCORES, BITS),
    ],
    "ExplainedVariance": [part(metrics.ExplainedVariance, VALUES, SHARES)],
    "FBeta": [part(lambda: metrics.FBeta(0.5, "macro", num_classes=3), GUESSES, TRUTH)],
    "HammingLoss": [part(metrics.HammingLoss, SCORES, BITS)],
    "KendallCorrelation": [part(metrics.KendallCorrelation, VALUES, SHARES)],
    "LogLoss": [
        part(metrics.LogLoss, UNIT[:, :1], LABELS % 2),
        part(metrics.LogLoss, SCORES[:, 0], LABELS % 2, scores="logits"),
        part(metrics.LogLoss, np.log(SOFT), SOFT[::-1], scores="log_probabilities"),
        part(lambda: metrics.LogLoss(multilabel=True), UNIT, BITS),
    ],
    "MatthewsCoefficient": [part(metrics.MatthewsCoefficient, GUESSES, TRUTH)],
    "MaxError": [part(metrics.MaxError, VALUES, NEAR)],
    "MeanAbsolutePercentageError": [part(metrics.MeanAbsolutePercentageError, *ABOVE)],
    "MeanSquaredLogError": [
        part(metrics.MeanSquaredLogError, *ABOVE),
        part(lambda: metrics.MeanSquaredLogError(squared=False), *ABOVE),
    ],
    "MedianAbsoluteError": [part(metrics.MedianAbsoluteError, VALUES, SHARES)],
    "PearsonCorrelation": [part(metrics.PearsonCorrelation, VALUES, SHARES)],
    "Perplexity": [part(metrics.Perplexity, SCORES, LABELS, scores="logits")],
    "PrecisionRecallCurve": [part(metrics.PrecisionRecallCurve, UNIT[:, 0], LABELS % 2)],
    "R2Score": [
        part(metrics.R2Score, VALUES, SHARES),
        part(lambda: metrics.R2Score("raw_values"), VALUES + 1e6, SHARES + 1e6),
        part(lambda: metrics.R2Score("variance_weighted"), VALUES, SHARES),
    ],
    "ROCCurve": [
        part(metrics.ROCCurve, UNIT[:, 0], LABELS % 2),
        part(lambda: metrics.ROCCurve(2), SOFT, LABELS),
        part(lambda: metrics.ROCCurve(thresholds=4), UNIT[:, 0], LABELS % 2),
    ],
    "SpearmanCorrelation": [part(metrics.SpearmanCorrelation, VALUES, SHARES)],
    "SubsetAccuracy": [part(metrics.SubsetAccuracy, SCORES, BITS)],
    "SymmetricMeanAbsolutePercentageError": [
        part(metrics.SymmetricMeanAbsolutePercentageError, VALUES, SHARES)
    ],
    **{
        name: [
            part(lambda make=make: make("macro", num_classes=3), GUESSES, TRUTH),
            part(lambda make=make: make("binary"), SCORES[:, 0], LABELS % 2),
            part(lambda make=make: make("per_class", 3, multilabel=True), SCORES, BITS),
            part(lambda make=make: make("samples", multilabel=True), SCORES, BITS),
        ]
        for name, make in (
            ("F1", metrics.F1),
            ("Jaccard", metrics.Jaccard),
            ("Precision", metrics.Precision),
            ("Recall", metrics.Recall),
            ("Specificity", metrics.Specificity),
        )
    },
    "Mean": [part(metrics.Mean, VALUES[:, 0], SHARES[:, 0])],
    "MeanLoss": [part(lambda: metrics.MeanLoss(nn.MSELoss()), VALUES, NEAR)],
    "MeanAbsoluteError": [part(metrics.MeanAbsoluteError, VALUES, NEAR)],
    "MeanSquaredError": [
        part(metrics.MeanSquaredError, VALUES, NEAR),
        part(lambda: metrics.MeanSquaredError(squared=False), VALUES, NEAR),
    ],
    "TopKAccuracy": [part(lambda: metrics.TopKAccuracy(2), SCORES, LABELS)],
}  # fmt: skip

# Those of `samples.optimizers`, where each optimizer has one row for all tests.
OPTIMIZERS: dict[str, list[Part]] = {
    name: [part(partial(getattr(optim, name), **options)) for options in row.downhill]
    for name, row in optimizers.OPTIMIZERS.items()
} | {
    name: [
        part(
            partial(getattr(optim, name), **options),
            steps=30,
            shapes=row.shapes,
            groups=not row.closure,
        )
        for options in row.downhill
    ]
    for name, row in optimizers.WHOLE.items()
}
