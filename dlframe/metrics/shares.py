"""Precision, recall and the like as objects: counts per class, one ratio, one average."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ArgumentError
from dlframe.metrics import averages
from dlframe.metrics.classification import LabelMetric
from dlframe.metrics.counting import class_counts, set_counts
from dlframe.metrics.intervals import of_share
from dlframe.metrics.labels import label_sets
from dlframe.metrics.metric import State
from dlframe.metrics.ratios import check_average
from dlframe.random import Generator

__all__ = ["F1", "FBeta", "Jaccard", "Precision", "Recall", "Specificity"]


class RatioMetric(LabelMetric):
    """The base class of Precision, Recall and the like: counts per class, one ratio, one average.

    `average` is "per_class" (an array, one value per class), "macro", "micro", "weighted" or
    "binary" (class 1 of two), and becomes part of the name: `Precision("macro")` is called
    "precision_macro". `zero_division` is explained in `dlframe.metrics.averages`. With
    `multilabel=True` output and target are (N, L), each element a decision of its own; then
    "samples" is the mean over samples of the ratio over each one's labels, and there is no
    "binary".
    """

    kind: str

    def __init__(
        self,
        average: str,
        num_classes: int | None = None,
        *,
        zero_division: float = 0.0,
        multilabel: bool = False,
        threshold: float | None = None,
        scores: str | None = None,
        ignore_index: int | None = None,
        name: str | None = None,
    ) -> None:
        check_average(type(self).__name__, average, multilabel)
        self.average = average
        self.num_classes = num_classes
        self.zero_division = zero_division
        self.multilabel = multilabel
        super().__init__(
            name or f"{self.kind}_{average}",
            threshold=threshold,
            scores=scores,
            ignore_index=ignore_index,
        )

    @staticmethod
    def ratio(counts: averages.Counts) -> tuple[Any, Any]:
        """Numerators and denominators of all classes; a subclass defines it."""
        raise NotImplementedError

    def empty(self) -> State:
        if self.average == "samples":
            return np.zeros(2)
        return np.zeros((4 if self.multilabel else 3, self.num_classes or 0), np.int64)

    def update(self, output: Any, target: Any) -> None:
        if not self.multilabel:
            options = {**self._reading(), "ignore_index": self.ignore_index}
            self.add(class_counts(output, target, self.num_classes, **options))
            return
        predicted, true = label_sets(output, target, **self._reading())
        if self.average != "samples":
            self.add(set_counts(predicted, true))
            return
        counts = set_counts(predicted, true, axis=1)
        values = averages.per_class(self.ratio, counts, self.zero_division)
        values = values[~np.isnan(values)]
        self.state += (values.sum(), values.size)

    def compute(self) -> float | NDArray[np.float64]:
        if self.average == "samples":
            total, samples = self.state
            return float(total / samples) if samples else float("nan")
        average = averages.AVERAGES[self.average]
        value: float | NDArray[np.float64] = average(self.ratio, self.state, self.zero_division)
        return value

    def interval(
        self,
        confidence: float = 0.95,
        method: str | None = None,
        *,
        resamples: int = 2000,
        generator: Generator | int | None = None,
    ) -> tuple[float, float]:
        """That of a proportion, for a "micro" or "binary" average of whole counts."""
        if self.average not in ("micro", "binary") or self.kind.startswith("f"):
            raise ArgumentError(
                f"{self.name}: not a share of one count, so its counts give no interval; use "
                "metrics.interval(metric, output, target)"
            )
        above, below = self.ratio(self.state)
        if self.average == "micro":
            return of_share(int(above.sum()), int(below.sum()), confidence, method)
        averages.binary(self.ratio, self.state, 0.0)  # raises for more than two classes
        hits, size = (int(above[1]), int(below[1])) if len(above) > 1 else (0, 0)
        return of_share(hits, size, confidence, method)


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


class FBeta(RatioMetric):
    """The weighted harmonic mean of precision and recall; a large `beta` looks at recall.

    >>> metric = FBeta(2.0, "binary")
    >>> metric.update(np.array([1, 1, 1, 1]), np.array([1, 1, 0, 0]))
    >>> print(metric.name, round(metric.compute(), 4))
    f2_binary 0.8333
    """

    kind = "fbeta"

    def __init__(self, beta: float, average: str, *args: Any, **options: Any) -> None:
        if not 0 < beta < float("inf"):
            raise ArgumentError(f"FBeta: beta must be a number above 0; got {beta}")
        self.beta = beta
        options.setdefault("name", f"f{beta:g}_{average}")
        super().__init__(average, *args, **options)

    def ratio(self, counts: averages.Counts) -> tuple[Any, Any]:  # type: ignore[override] # needs beta
        return averages.fbeta(self.beta)(counts)


class Jaccard(RatioMetric):
    """Intersection over union: of all samples that are of class c or were taken for it, the hits.

    >>> metric = Jaccard("per_class")
    >>> metric.update(np.array([0, 1, 1]), np.array([0, 1, 0]))
    >>> metric.compute()
    array([0.5, 0.5])
    """

    kind = "jaccard"
    ratio = staticmethod(averages.jaccard)


class Specificity(RatioMetric):
    """The share of the samples that are not of class c that were not taken for it.

    >>> metric = Specificity("binary")
    >>> metric.update(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0]))
    >>> print(round(metric.compute(), 4))
    0.6667
    """

    kind = "specificity"
    ratio = staticmethod(averages.specificity)
