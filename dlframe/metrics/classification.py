"""Metrics of classification: counts collected batch by batch, formulas from `averages`.

All of them count in whole numbers, so many batches give exactly the value of the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import did_you_mean
from dlframe.metrics import averages
from dlframe.metrics.functional import class_counts, confusion_matrix, top_k_hits
from dlframe.metrics.labels import check_kind, label_pair, threshold_of
from dlframe.metrics.metric import Metric, State, add_states

__all__ = [
    "F1",
    "Accuracy",
    "ConfusionMatrix",
    "Precision",
    "Recall",
    "TopKAccuracy",
]


class LabelMetric(Metric):
    """The base class of metrics of labels: what scores are, and which targets are left out.

    Args:
        threshold: of one score per sample, above which it means class 1.
        scores: "logits", "probabilities" or "log_probabilities", which has the same effect with the
            threshold of a probability of one half. If neither is given, a trainer says it by its
            loss and model (`assume`), and otherwise scores are taken for logits.
        ignore_index: targets of this value do not count.
    """

    def __init__(
        self,
        name: str,
        *,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
    ) -> None:
        self.threshold = threshold
        self.scores = check_kind(scores)
        self.assumed: str | None = None
        self.ignore_index = ignore_index
        super().__init__(name)

    def assume(self, scores: str | None) -> None:
        self.assumed = check_kind(scores)

    def _cut(self) -> float | None:
        return threshold_of(self.threshold, self.scores or self.assumed)


class Accuracy(LabelMetric):
    """The share of samples whose predicted label is the true one.

    `output` may be class scores (N, C, …), one score per sample (class 1 above `threshold`)
    or labels; targets equal to `ignore_index` do not count.

        >>> accuracy = Accuracy()
        >>> accuracy.update(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
        >>> accuracy.compute()
        0.5
    """

    def __init__(
        self,
        *,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
        name: str = "accuracy",
    ) -> None:
        super().__init__(name, threshold=threshold, scores=scores, ignore_index=ignore_index)

    def empty(self) -> State:
        return np.zeros(2, np.int64)

    def update(self, output: Any, target: Any) -> None:
        pair = label_pair(output, target, threshold=self._cut(), ignore_index=self.ignore_index)
        self.state += ((pair.predicted == pair.true).sum(), pair.true.size)

    def compute(self) -> float:
        hits, samples = self.state
        return float(hits / samples) if samples else float("nan")


class TopKAccuracy(Metric):
    """The share of samples whose true class is among the `k` highest scores."""

    def __init__(self, k: int, *, ignore_index: int | None = None, name: str | None = None) -> None:
        super().__init__(name or f"top{k}_accuracy")
        self.k = k
        self.ignore_index = ignore_index

    def empty(self) -> State:
        return np.zeros(2, np.int64)

    def update(self, output: Any, target: Any) -> None:
        hits = top_k_hits(output, target, self.k, self.ignore_index)
        self.state += (hits.sum(), hits.size)

    def compute(self) -> float:
        hits, samples = self.state
        return float(hits / samples) if samples else float("nan")


class ConfusionMatrix(LabelMetric):
    """How often class i was taken for class j: int64 (C, C), rows true, columns predicted.

    Without `num_classes` it grows with the labels seen.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
        name: str = "confusion_matrix",
    ) -> None:
        self.num_classes = num_classes
        super().__init__(name, threshold=threshold, scores=scores, ignore_index=ignore_index)

    def empty(self) -> State:
        classes = self.num_classes or 0
        return np.zeros((classes, classes), np.int64)

    def update(self, output: Any, target: Any) -> None:
        batch = confusion_matrix(
            output,
            target,
            self.num_classes,
            threshold=self._cut(),
            ignore_index=self.ignore_index,
        )
        self.state = add_states(self.state, batch)

    def compute(self) -> NDArray[np.int64]:
        return self.state.copy()


class RatioMetric(LabelMetric):
    """The base class of Precision, Recall and F1: counts per class, one ratio, one average.

    `average` is "per_class" (an array, one value per class), "macro", "micro", "weighted" or
    "binary" (class 1 of two), and becomes part of the name: `Precision("macro")` is called
    "precision_macro". `zero_division` is explained in `dlframe.metrics.averages`.
    """

    kind: str

    def __init__(
        self,
        average: str,
        num_classes: int | None = None,
        *,
        zero_division: float = 0.0,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
        name: str | None = None,
    ) -> None:
        if average not in averages.AVERAGES:
            raise ValueError(_unknown_average(type(self).__name__, average))
        self.average = average
        self.num_classes = num_classes
        self.zero_division = zero_division
        super().__init__(
            name or f"{self.kind}_{average}",
            threshold=threshold,
            scores=scores,
            ignore_index=ignore_index,
        )

    @staticmethod
    def ratio(counts: averages.Counts) -> tuple[averages.Counts, averages.Counts]:
        """Numerators and denominators of all classes; a subclass defines it."""
        raise NotImplementedError

    def empty(self) -> State:
        return np.zeros((3, self.num_classes or 0), np.int64)

    def update(self, output: Any, target: Any) -> None:
        batch = class_counts(
            output,
            target,
            self.num_classes,
            threshold=self._cut(),
            ignore_index=self.ignore_index,
        )
        self.state = add_states(self.state, batch)

    def compute(self) -> float | NDArray[np.float64]:
        average = averages.AVERAGES[self.average]
        value: float | NDArray[np.float64] = average(self.ratio, self.state, self.zero_division)
        return value


class Precision(RatioMetric):
    """The share of the predictions of class c that are right.

    >>> precision = Precision("per_class")
    >>> precision.update(np.array([0, 1, 1]), np.array([0, 1, 0]))
    >>> precision.compute()
    array([1. , 0.5])
    """

    kind = "precision"
    ratio = staticmethod(averages.precision)


class Recall(RatioMetric):
    """The share of the samples of class c that were found.

    >>> recall = Recall("macro")
    >>> recall.update(np.array([0, 1, 1]), np.array([0, 1, 0]))
    >>> recall.compute()
    0.75
    """

    kind = "recall"
    ratio = staticmethod(averages.recall)


class F1(RatioMetric):
    """The harmonic mean of precision and recall.

    >>> f1 = F1("binary")
    >>> f1.update(np.array([0.3, 1.2, -0.1]), np.array([0, 1, 1]))
    >>> f1.compute()
    0.5
    """

    kind = "f1"
    ratio = staticmethod(averages.f1)


def _unknown_average(metric: str, average: object) -> str:
    return (
        f"{metric}: average must be one of {', '.join(averages.AVERAGES)}; got {average!r}."
        f"{did_you_mean(average, averages.AVERAGES)}"
    )
