"""Measures a trained network on its test set, and prints the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.autograd import no_grad
from dlframe.base.printable import printable
from dlframe.base.terminals import columns
from dlframe.cli import sources
from dlframe.cli.names import UsageError
from dlframe.cli.problems import AT_ONCE, Kind
from dlframe.cli.words import say
from dlframe.data import DataLoader
from dlframe.data.table import TableEncoder
from dlframe.metrics import Metric, classification_report, confusion_matrix
from dlframe.nn import Module
from dlframe.nn import functional as F
from dlframe.nn.modes import evaluating
from dlframe.tensor import Tensor, to_array


@dataclass(frozen=True)
class Result:
    """The predictions of a network for a test set, and how good they are."""

    predicted: NDArray[Any]  # labels, or numbers
    target: NDArray[Any]
    confidence: NDArray[
        Any
    ]  # the softmax of the scores for what was predicted; of numbers, nothing
    matrix: NDArray[np.int64]
    loss: float
    metrics: dict[str, Any]  # those that were asked for
    output: NDArray[Any]  # logits, or numbers in the units of the data

    @property
    def right(self) -> int:
        return int((self.predicted == self.target).sum())

    @property
    def accuracy(self) -> float:
        return self.right / len(self.target)


def measure(
    model: Module,
    dataset: Any,
    kind: Kind,
    loss: Module,
    metrics: Sequence[Metric] = (),
    source: sources.Source | None = None,
) -> Result:
    """Run the model on a data set, in order and in batches of one size, so that numbers repeat."""
    outputs, targets, total = [], [], 0.0
    for metric in metrics:
        metric.reset()
    with evaluating(model), no_grad():
        for x, y in DataLoader(dataset, AT_ONCE):
            output = model(x)
            mean = getattr(loss, "reduction", "mean") != "sum"
            total += float(loss(output, y).item()) * (len(y) if mean else 1)
            for metric in metrics:
                metric.update(output, y)
            outputs.append(to_array(output))
            targets.append(to_array(y))
    output, target = np.concatenate(outputs), np.concatenate(targets)
    found = {metric.name: to_array(metric.compute()) for metric in metrics}
    if not kind.classes:
        nothing = np.zeros((0, 0), np.int64)
        numbers = (decoded(output, source)[:, 0], decoded(target, source)[:, 0])
        return Result(*numbers, nothing, nothing, total / len(target), found, numbers[0])
    scores = to_array(F.softmax(Tensor(output), dim=1))
    predicted = scores.argmax(axis=1)
    matrix = confusion_matrix(predicted, target, kind.classes)
    confidence = scores.max(axis=1)
    return Result(predicted, target, confidence, matrix, total / len(target), found, output)


def decoded(numbers: NDArray[Any], source: sources.Source | None) -> NDArray[Any]:
    """Numbers in the units of the data, from those of the model."""
    if source is None:
        return numbers
    exact: NDArray[Any] = numbers.astype(np.float64)
    if source["form"] == "table":
        return TableEncoder.from_state(source["encoder"]).decoded(exact)
    mean, std = source["scale"]
    return exact * float(std) + float(mean)


def print_report(result: Result, classes: Sequence[str]) -> None:
    """The table of all classes, and the accuracy; of numbers, the errors in their own units."""
    if classes:
        width = columns()
        print(classification_report(result.matrix, classes, width=width))
        print()
    scaled = "" if classes else " (of the scaled target, as in training)"
    say(f"test loss {result.loss:.6f}{scaled}")
    for name, value in result.metrics.items():
        if name != "accuracy":
            shown = f"{float(value):.4f}" if value.size == 1 else np.array2string(value)
            say(f"test {printable(name)} {shown}{scaled}")
    if classes:
        say(f"test accuracy {result.accuracy:.4f} ({result.right} of {len(result.target)})")
        return
    errors = result.predicted - result.target
    spread = float(((result.target - result.target.mean()) ** 2).sum())
    say(f"mean absolute error {np.abs(errors).mean():.6g}, in the target's own units")
    say(f"root of the mean squared error {np.sqrt((errors**2).mean()):.6g}")
    if spread:
        say(f"explained share of the variance (R²) {1 - float((errors**2).sum()) / spread:.4f}")


def find_checkpoint(path: str) -> Path:
    """The file, or best.h5 (else last.h5) of a run's folder; UsageError if there is none."""
    given = Path(path)
    if not given.is_dir():
        if not given.exists():
            raise UsageError(f"there is no checkpoint {printable(path)}")
        return given
    for name in ("checkpoints/best.h5", "checkpoints/last.h5", "best.h5", "last.h5"):
        if (given / name).is_file():
            return given / name
    raise UsageError(
        f"the folder {printable(path)} has no checkpoints/best.h5: is it a run's folder?"
    )
