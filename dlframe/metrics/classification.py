"""Metrics of classification: counts collected batch by batch, formulas from `averages`.

All of them count in whole numbers, so many batches give exactly the value of the whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.metrics.counting import (
    class_counts,
    confusion_matrix,
    matrices_of_counts,
    normalized,
    set_counts,
)
from dlframe.metrics.functional import (
    balanced_of_counts,
    kappa_of_matrix,
    matthews_of_matrix,
    share,
    top_k_hits,
)
from dlframe.metrics.intervals import of_share
from dlframe.metrics.labels import check_kind, check_threshold, label_pair, label_sets
from dlframe.metrics.metric import Metric, State
from dlframe.random import Generator

__all__ = [
    "Accuracy",
    "BalancedAccuracy",
    "CohenKappa",
    "ConfusionMatrix",
    "HammingLoss",
    "MatthewsCoefficient",
    "SubsetAccuracy",
    "TopKAccuracy",
]


class LabelMetric(Metric):
    """The base class of metrics of labels: what scores are, and which targets are left out.

    Args:
        threshold: of one score per sample, above which it means class 1.
        scores: "logits", "probabilities" or "log_probabilities", which has the same effect with the
            threshold of a probability of one half; "labels" takes whole floats for labels. If
            neither is given, a trainer says it by its loss and model (`assume`), and otherwise
            scores are taken for logits.
        ignore_index: targets of this value do not count.
    """

    def __init__(
        self,
        name: str | None,
        *,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
    ) -> None:
        self.threshold = check_threshold(threshold)
        self.scores = check_kind(scores)
        self.assumed: str | None = None
        self.ignore_index = ignore_index
        super().__init__(name)

    def assume(self, scores: str | None) -> None:
        self.assumed = check_kind(scores)

    def _reading(self) -> dict[str, Any]:
        """How outputs are to be read."""
        return {"threshold": self.threshold, "scores": self.scores or self.assumed}


class ShareMetric(LabelMetric):
    """The base class of shares: an int64 state (hits, samples), and Wilson's interval."""

    def empty(self) -> State:
        return np.zeros(2, np.int64)

    def compute(self) -> float:
        hits, samples = self.state.tolist()
        return share(hits, samples)

    def interval(
        self,
        confidence: float = 0.95,
        method: str | None = None,
        *,
        resamples: int = 2000,
        generator: Generator | int | None = None,
    ) -> tuple[float, float]:
        """The interval of a proportion: "wilson", "exact" or "wilsoncc"."""
        hits, samples = self.state.tolist()
        return of_share(hits, samples, confidence, method)


class Accuracy(ShareMetric):
    """The share of samples whose predicted label is the true one.

    `output` may be class scores (N, C, …), one score per sample (class 1 above `threshold`)
    or labels; the target labels, one-hot or probabilities. See `dlframe.metrics.labels`.

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

    def update(self, output: Any, target: Any) -> None:
        predicted, true, _ = label_pair(
            output,
            target,
            threshold=self.threshold,
            scores=self.scores or self.assumed,
            ignore_index=self.ignore_index,
        )
        self.state += (np.count_nonzero(predicted == true), true.size)


class TopKAccuracy(ShareMetric):
    """The share of samples whose true class is among the `k` highest scores."""

    def __init__(self, k: int, *, ignore_index: int | None = None, name: str | None = None) -> None:
        super().__init__(name or f"top{k}_accuracy", ignore_index=ignore_index)
        self.k = k

    def update(self, output: Any, target: Any) -> None:
        hits = top_k_hits(output, target, self.k, self.ignore_index)
        self.state += (hits.sum(), hits.size)


class SubsetAccuracy(ShareMetric):
    """The share of samples all of whose labels are right: output and target (N, L).

    >>> metric = SubsetAccuracy()
    >>> metric.update(np.array([[2.0, -1.0], [1.0, 3.0]]), np.array([[1, 0], [0, 1]]))
    >>> metric.compute()
    0.5
    """

    def __init__(
        self,
        *,
        threshold: float | None = None,
        scores: str | None = None,
        name: str = "subset_accuracy",
    ) -> None:
        super().__init__(name, threshold=threshold, scores=scores)

    def update(self, output: Any, target: Any) -> None:
        predicted, true = label_sets(output, target, **self._reading())
        self.state += ((predicted == true).all(axis=1).sum(), len(true))


class HammingLoss(ShareMetric):
    """The share of wrong decisions among all labels of all samples: output and target (N, L).

    Its `interval` takes each decision for a sample of its own; those of one sample may not be.

    >>> metric = HammingLoss()
    >>> metric.update(np.array([[2.0, -1.0], [1.0, 3.0]]), np.array([[1, 0], [0, 1]]))
    >>> metric.compute()
    0.25
    """

    def __init__(
        self,
        *,
        threshold: float | None = None,
        scores: str | None = None,
        name: str = "hamming_loss",
    ) -> None:
        super().__init__(name, threshold=threshold, scores=scores)

    def update(self, output: Any, target: Any) -> None:
        predicted, true = label_sets(output, target, **self._reading())
        self.state += ((predicted != true).sum(), true.size)


# --- of the confusion matrix -------------------------------------------------------------------


class MatrixMetric(LabelMetric):
    """The base class of what a confusion matrix says: its state is the int64 matrix (C, C)."""

    def __init__(
        self,
        name: str | None,
        num_classes: int | None = None,
        *,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
    ) -> None:
        self.num_classes = num_classes
        super().__init__(name, threshold=threshold, scores=scores, ignore_index=ignore_index)

    def empty(self) -> State:
        classes = self.num_classes or 0
        return np.zeros((classes, classes), np.int64)

    def update(self, output: Any, target: Any) -> None:
        options = {**self._reading(), "ignore_index": self.ignore_index}
        self.add(confusion_matrix(output, target, self.num_classes, **options))


class ConfusionMatrix(MatrixMetric):
    """How often class i was taken for class j: int64 (C, C), rows true, columns predicted.

    Without `num_classes` it grows with the labels seen. `normalize` divides by the sums of rows
    ("true"), of columns ("predicted") or by all ("all"). With `multilabel=True` there is a matrix
    of two for each label, (L, 2, 2).
    """

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        normalize: str | None = None,
        multilabel: bool = False,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
        name: str = "confusion_matrix",
    ) -> None:
        normalized(np.zeros((1, 1)), normalize)  # raises for an unknown one
        self.normalize = normalize
        self.multilabel = multilabel
        super().__init__(
            name, num_classes, threshold=threshold, scores=scores, ignore_index=ignore_index
        )

    def empty(self) -> State:
        return (
            np.zeros((4, self.num_classes or 0), np.int64) if self.multilabel else super().empty()
        )

    def update(self, output: Any, target: Any) -> None:
        if self.multilabel:
            self.add(set_counts(*label_sets(output, target, **self._reading())))
        else:
            super().update(output, target)

    def compute(self) -> NDArray[Any]:
        matrix = matrices_of_counts(self.state) if self.multilabel else self.state.copy()
        return normalized(matrix, self.normalize)


class BalancedAccuracy(LabelMetric):
    """The mean of the classes' accuracies, over the classes that have samples.

    `adjusted=True` puts chance at 0 and perfection at 1. The state has hits, predictions and
    samples of each class.

    >>> metric = BalancedAccuracy()
    >>> metric.update(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1]))
    >>> metric.compute()
    0.5
    """

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        adjusted: bool = False,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
        name: str = "balanced_accuracy",
    ) -> None:
        self.num_classes = num_classes
        self.adjusted = adjusted
        super().__init__(name, threshold=threshold, scores=scores, ignore_index=ignore_index)

    def empty(self) -> State:
        return np.zeros((3, self.num_classes or 0), np.int64)

    def update(self, output: Any, target: Any) -> None:
        options = {**self._reading(), "ignore_index": self.ignore_index}
        self.add(class_counts(output, target, self.num_classes, **options))

    def compute(self) -> float:
        return balanced_of_counts(self.state, self.adjusted)


class CohenKappa(MatrixMetric):
    """Cohen's kappa: how much better than chance the predictions agree with the targets.

    `weights` is None, "linear" or "quadratic", see `metrics.cohen_kappa`.

    >>> metric = CohenKappa()
    >>> metric.update(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]))
    >>> metric.compute()
    0.5
    """

    def __init__(
        self,
        weights: str | None = None,
        num_classes: int | None = None,
        *,
        zero_division: float = float("nan"),
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
        name: str | None = None,
    ) -> None:
        kappa_of_matrix(np.zeros((0, 0), np.int64), weights, zero_division)  # raises if unknown
        self.weights = weights
        self.zero_division = zero_division
        own = "cohen_kappa" if weights is None else f"cohen_kappa_{weights}"
        super().__init__(
            name or own, num_classes, threshold=threshold, scores=scores, ignore_index=ignore_index
        )

    def compute(self) -> float:
        return kappa_of_matrix(self.state, self.weights, self.zero_division)


class MatthewsCoefficient(MatrixMetric):
    """Matthews' correlation coefficient, of two or more classes: from -1 to 1, chance is 0.

    >>> metric = MatthewsCoefficient()
    >>> metric.update(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]))
    >>> print(round(metric.compute(), 4))
    0.5774
    """

    def __init__(
        self,
        num_classes: int | None = None,
        *,
        zero_division: float = 0.0,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
        name: str = "matthews_coefficient",
    ) -> None:
        self.zero_division = zero_division
        super().__init__(
            name, num_classes, threshold=threshold, scores=scores, ignore_index=ignore_index
        )

    def compute(self) -> float:
        return matthews_of_matrix(self.state, self.zero_division)
