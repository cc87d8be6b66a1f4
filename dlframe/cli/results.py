"""Measures a trained network on its test set, and prints the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.autograd import no_grad
from dlframe.cli.choices import UsageError
from dlframe.cli.problems import AT_ONCE
from dlframe.data import DataLoader
from dlframe.metrics import classification_report, confusion_matrix
from dlframe.nn import Module
from dlframe.nn import functional as F
from dlframe.nn.modes import evaluating
from dlframe.tensor import to_array


@dataclass(frozen=True)
class Result:
    """The predictions of a network for a test set, and how good they are."""

    predicted: NDArray[np.int64]
    target: NDArray[np.int64]
    confidence: NDArray[Any]  # the probability that it gave to its prediction
    matrix: NDArray[np.int64]
    loss: float

    @property
    def right(self) -> int:
        return int((self.predicted == self.target).sum())

    @property
    def accuracy(self) -> float:
        return self.right / len(self.target)


def measure(model: Module, dataset: Any, classes: int) -> Result:
    """Run the model on a data set, in order and in batches of one size, so that numbers repeat."""
    probabilities, targets, loss = [], [], 0.0
    with evaluating(model), no_grad():
        for x, y in DataLoader(dataset, AT_ONCE):
            output = model(x)
            loss += F.cross_entropy(output, y, reduction="sum").item()
            probabilities.append(to_array(F.softmax(output, dim=1)))
            targets.append(to_array(y))
    scores, target = np.concatenate(probabilities), np.concatenate(targets)
    predicted = scores.argmax(axis=1)
    return Result(
        predicted,
        target,
        scores.max(axis=1),
        confusion_matrix(predicted, target, classes),
        loss / len(target),
    )


def print_report(result: Result, classes: Sequence[str]) -> None:
    """The table of all classes, and the accuracy."""
    print(classification_report(result.matrix, classes))
    print(f"\ntest loss {result.loss:.6f}")
    print(f"test accuracy {result.accuracy:.4f} ({result.right} of {len(result.target)})")


def find_checkpoint(path: str) -> Path:
    """The file, or best.h5 (else last.h5) of a run's folder; UsageError if there is none."""
    given = Path(path)
    if not given.is_dir():
        if not given.exists():
            raise UsageError(f"there is no checkpoint {path}")
        return given
    for name in ("checkpoints/best.h5", "checkpoints/last.h5", "best.h5", "last.h5"):
        if (given / name).is_file():
            return given / name
    raise UsageError(f"the folder {path} has no checkpoints/best.h5: is it a run's folder?")
