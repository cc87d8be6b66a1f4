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
    "RNNBase",  # a base, too
    "RNNCellBase",
    "Optimizer",
    "SAM",  # wraps an optimizer: tests/optim/regularization/test_sam.py
}

LAYERS: dict[str, list[Part]] = {
}  # fmt: skip


LOSSES: dict[str, list[Part]] = {}

add_modules()

METRICS: dict[str, list[Part]] = {
    "Accuracy": [part(metrics.Accuracy, np.eye(3)[GUESSES], TRUTH), part(metrics.Accuracy, GUESSES, TRUTH)],
    "ConfusionMatrix": [part(lambda: metrics.ConfusionMatrix(3), GUESSES, TRUTH)],
    **{
        name: [
            part(lambda make=make: make("macro", num_classes=3), GUESSES, TRUTH),
            part(lambda make=make: make("binary"), SCORES[:, 0], LABELS % 2),
        ]
        for name, make in (("F1", metrics.F1), ("Precision", metrics.Precision), ("Recall", metrics.Recall))
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
