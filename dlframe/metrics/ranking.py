"""Curves over all thresholds, and their areas: how well scores rank samples.

Only the order of the scores counts, and equal scores are one step of a curve. So of one score per
sample any kind will do. Of three and more classes each class against the rest needs scores that can
be compared between samples: probabilities. `scores="logits"` makes them by softmax.

Exact curves need every score: the state is float64 (samples, columns), whose memory grows with the
data. With `thresholds` they are counted in bins: an int64 state of a fixed size, for which scores
have to be probabilities. The area is then that of the curve through these thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.base.quiet import quiet
from dlframe.errors import ArgumentError, LabelError, ShapeError, did_you_mean
from dlframe.metrics.curves import (
    PrecisionRecall,
    ROCPoints,
    Steps,
    area_of_roc,
    mean_precision,
    precision_recall_of,
    roc_of,
    steps_of,
    steps_of_bins,
)
from dlframe.metrics.labels import (
    check_kind,
    check_labels,
    number_array,
    refuse_nan,
    true_labels,
    whole_numbers,
)
from dlframe.metrics.metric import Collected, Metric, State, measured
from dlframe.metrics.probabilities import log_probabilities
from dlframe.tensor import to_array

__all__ = [
    "AUROC",
    "AveragePrecision",
    "PrecisionRecallCurve",
    "ROCCurve",
    "auroc",
    "average_precision",
    "precision_recall_curve",
    "roc_curve",
]

Values = NDArray[np.float64]


# --- reading -----------------------------------------------------------------------------------


@quiet
def _rows(
    output: object, target: object, scores: str | None, multilabel: bool, whole: bool
) -> Values:
    """Rows of scores and what is true: [score, 0 or 1], or [C scores, label], or [L, L].

    `whole` asks for probabilities also of one score.
    """
    given = number_array(output, "output")
    refuse_nan(given, "output")
    x = given.astype(np.float64)
    if multilabel:
        truth = number_array(target, "target")
        if given.shape != truth.shape or given.ndim != 2:
            raise ShapeError(
                "metrics: with multilabel=True output and target have one shape (N, labels), got "
                f"output{given.shape} and target{truth.shape}"
            )
        labels = whole_numbers(truth, "target")
        check_labels(labels, 2, "target")
        return np.concatenate([_positive(x, scores) if whole else x, labels], axis=1)
    if given.dtype.kind != "f" and given.ndim > 1 and given.shape[1] > 1:
        given = x
    truth = true_labels(given, to_array(target))
    if given.ndim > 1 and given.shape[1] > 1:
        if given.shape[:1] + given.shape[2:] != truth.shape:
            raise ShapeError(f"metrics: output{given.shape} does not fit target{truth.shape}")
        check_labels(truth, given.shape[1], "target")
        # what was said to be probabilities may be those of a model that does not normalize them
        p = x if scores == "probabilities" else np.exp(log_probabilities(x, scores))
        p = np.moveaxis(p, 1, -1).reshape(-1, given.shape[1])
        if p.shape[1] == 2:
            p = p[:, 1:]
            if scores in ("logits", "log_probabilities"):  # finer than probabilities near 1
                logit = np.moveaxis(x[:, 1] - x[:, 0], 0, 0).reshape(-1, 1)
                p = p if whole else logit
        return np.concatenate([p, truth.reshape(-1, 1)], axis=1)
    flat = given.reshape(truth.shape) if given.size == truth.size else given
    if flat.shape != truth.shape or given.shape[:1] != np.shape(to_array(target))[:1]:
        raise ShapeError(
            f"metrics: output{given.shape} does not fit target{truth.shape}: expected scores "
            "(N, C) beside labels (N,), or one score per sample"
        )
    check_labels(truth, 2, "target")
    one = x.reshape(-1, 1)
    one = _positive(one, scores) if whole else one
    return np.concatenate([one, truth.reshape(-1, 1)], axis=1)


def _positive(x: Values, scores: str | None) -> Values:
    """One score per sample as a probability, for bins."""
    if scores == "logits":
        return np.asarray(0.5 * (1 + np.tanh(x / 2)))
    p = np.exp(x) if scores == "log_probabilities" else x
    if ((p < 0) | (p > 1)).any():
        raise ArgumentError(
            "metrics: thresholds=... counts probabilities in bins, but scores lie outside of "
            '[0, 1]; pass scores="logits", or thresholds of your own'
        )
    return p


AVERAGES = {
    False: ("per_class", "macro", "weighted", "ovo", "ovo_weighted"),
    True: ("per_class", "macro", "weighted", "micro"),
}


class RankingMetric(Collected):
    """The base class of curves and areas: exact from all scores, or counted in bins.

    Args:
        average: None for two classes from one score, or from scores (N, 2) of which that of class 1
            counts. Of more classes, each against the rest: "per_class" (an array), "macro",
            "weighted" (by samples). Classes without samples, or without others, are left out.
            With `multilabel=True` also "micro", which ranks all decisions together.
        thresholds: None is exact. A number T counts in bins between T thresholds from 0 to 1; a
            sequence gives the thresholds themselves, rising.
        scores: "logits", "probabilities" or "log_probabilities"; a trainer tells it.
        multilabel: output and target are (N, L), each label a ranking of its own.
    """

    kind: str
    averages = AVERAGES

    def __init__(
        self,
        average: str | None = None,
        *,
        thresholds: int | Sequence[float] | NDArray[Any] | None = None,
        scores: str | None = None,
        multilabel: bool = False,
        name: str | None = None,
    ) -> None:
        known = self.averages[multilabel]
        if average is not None and average not in known:
            raise ArgumentError(
                f"{type(self).__name__}: average must be None (two classes) or one of "
                f"{', '.join(known)}; got {average!r}.{did_you_mean(average, known)}"
            )
        if multilabel and average is None:
            raise ArgumentError(
                f"{type(self).__name__}: with multilabel=True average is one of {', '.join(known)}"
            )
        self.average = average
        self.thresholds = _thresholds(thresholds)
        self._own_thresholds = thresholds is not None and not isinstance(thresholds, int)
        if self.thresholds is not None and str(average).startswith("ovo"):
            raise ArgumentError("AUROC: one-vs-one pairs need all scores; leave thresholds out")
        self.scores = check_kind(scores)
        self.assumed: str | None = None
        self.multilabel = multilabel
        super().__init__(name or (f"{self.kind}_{average}" if average else self.kind))

    def assume(self, scores: str | None) -> None:
        self.assumed = check_kind(scores)

    def empty(self) -> State:
        if self.thresholds is None:
            return np.zeros((0, 0))
        return np.zeros((0, 2, len(self.thresholds) + 1), np.int64)

    def rows(self, output: Any, target: Any) -> State:
        whole = self.thresholds is not None and not self._own_thresholds
        scores = self.scores or self.assumed
        rows = _rows(output, target, scores, self.multilabel, whole)
        if self.average is None and rows.shape[1] > 2:
            classes = rows.shape[1] - 1
            raise ArgumentError(f"{type(self).__name__}: {classes} classes need {self._wanted()}")
        return rows if self.thresholds is None else self._counted(rows)

    def _wanted(self) -> str:
        """What several classes need."""
        named = ", ".join(f'"{self.kind}_{average}"' for average in self.averages[False])
        example = self.averages[False][1]
        return f'an average: {named} by name, or {type(self).__name__}("{example}")'

    def _counted(self, rows: Values) -> State:
        """The rows as counts (classes, 2, T + 1) in bins."""
        assert self.thresholds is not None
        bins = len(self.thresholds) + 1
        counted = []
        for scores, positive in self._rankings(rows):
            place = np.searchsorted(self.thresholds, scores, side="right")
            cells = np.bincount(place + bins * positive, minlength=2 * bins)
            counted.append(cells.reshape(2, bins))
        return np.array(counted, np.int64)

    def add(self, part: State) -> None:
        if self.thresholds is None:
            super().add(part)
        else:
            self.state = self.combine(self.state, part)

    def combine(self, first: State, second: State) -> State:
        if self.thresholds is None:
            return super().combine(first, second)
        if len(first) and len(second) and first.shape != second.shape:
            raise ShapeError(f"{self.name}: counts of {len(first)} and of {len(second)} classes")
        return first + second if len(first) and len(second) else (first if len(first) else second)

    def _rankings(self, rows: Values) -> list[tuple[Values, NDArray[np.bool_]]]:
        """Scores and truth of each class, or of class 1 of two."""
        columns = rows.shape[1]
        if self.multilabel:
            half = columns // 2
            return [(rows[:, i], rows[:, half + i] == 1) for i in range(half)]
        if columns == 2:
            return [(rows[:, 0], rows[:, 1] == 1)]
        return [(rows[:, i], rows[:, -1] == i) for i in range(columns - 1)]

    def _steps(self, state: State) -> list[Steps]:
        if self.thresholds is not None:
            return [steps_of_bins(counts, self.thresholds) for counts in state]
        self._check(state)
        return [steps_of(*ranking) for ranking in self._rankings(state)]

    def _check(self, state: State) -> None:
        """Raise for a state that no batch can have made."""
        columns = state.shape[1]
        if columns < 2 or (self.multilabel and columns % 2):
            raise ShapeError(f"{self.name}: no state of it has {columns} columns")
        truth = state[:, columns // 2 :] if self.multilabel else state[:, -1:]
        top = 2 if self.multilabel or columns == 2 else columns - 1
        if not ((truth >= 0) & (truth < top) & (truth == np.floor(truth))).all():
            raise LabelError(f"{self.name}: the labels of its state are not from 0 to {top - 1}")

    def compute(self) -> Any:
        if self.thresholds is None:
            return super().compute()
        return self.value(self.state) if len(self.state) else float("nan")

    def _averaged(self, values: Values, steps: list[Steps]) -> Any:
        """The average of one value per class."""
        if self.average is None:
            return float(values[0])
        if self.average == "per_class":
            return values
        support = np.array([one.right[-1] if len(one.right) else 0 for one in steps])
        weights = support if self.average == "weighted" else np.ones(len(values))
        kept = ~np.isnan(values) & (weights > 0)
        if not kept.any():
            return float("nan")
        return float((values[kept] * weights[kept]).sum() / weights[kept].sum())

    def _micro(self, state: State) -> Steps:
        """All decisions as one ranking."""
        if self.thresholds is not None:
            return steps_of_bins(state.sum(axis=0), self.thresholds)
        self._check(state)
        scores, positive = zip(*self._rankings(state), strict=True)
        return steps_of(np.concatenate(scores), np.concatenate(positive))

    def interval(self, *args: Any, **options: Any) -> tuple[float, float]:
        """By resampling, of exact curves; bins do not have the samples."""
        if self.thresholds is None:
            return super().interval(*args, **options)
        return Metric.interval(self, *args, **options)


def _thresholds(thresholds: Any) -> Values | None:
    if thresholds is None:
        return None
    if isinstance(thresholds, int):
        if thresholds < 2:
            raise ArgumentError(f"metrics: thresholds must be 2 or more, got {thresholds}")
        return np.linspace(0, 1, thresholds)
    values = np.asarray(to_array(thresholds), np.float64)
    if values.ndim != 1 or not values.size or not (np.diff(values) > 0).all():
        raise ArgumentError("metrics: thresholds must be a number, or numbers that rise")
    return values


class AUROC(RankingMetric):
    """The area under the ROC curve: how often a positive sample is ranked above a negative one.

    Equal scores count half. 0.5 is chance; NaN if there is one class only. `average`, `thresholds`,
    `scores` and `multilabel` are those of all curves (below in `dlframe.metrics.ranking`).
    "ovo" is the mean over pairs of classes, each ranked by the probability of one and of the other
    among samples of these two (Hand and Till 2001), and "ovo_weighted" weights pairs by samples.

    >>> metric = AUROC()
    >>> metric.update(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> metric.compute()
    0.75
    """

    kind = "auroc"

    def value(self, rows: State) -> Any:
        if self.average == "micro":
            return area_of_roc(self._micro(rows))
        if self.average in ("ovo", "ovo_weighted"):
            self._check(rows)
            return self._one_vs_one(rows)
        steps = self._steps(rows)
        return self._averaged(np.array([area_of_roc(one) for one in steps]), steps)

    def _one_vs_one(self, rows: Values) -> float:
        truth = rows[:, -1]
        if rows.shape[1] == 2:
            return area_of_roc(steps_of(rows[:, 0], truth == 1))
        total = weight = 0.0
        for a in range(rows.shape[1] - 1):
            for b in range(a):
                pair = rows[(truth == a) | (truth == b)]
                areas = [area_of_roc(steps_of(pair[:, c], pair[:, -1] == c)) for c in (a, b)]
                if not np.isnan(areas).any():
                    share = len(pair) if self.average == "ovo_weighted" else 1
                    total += share * sum(areas) / 2
                    weight += share
        return total / weight if weight else float("nan")


class AveragePrecision(RankingMetric):
    """The mean precision over the positive samples: at each one's score, of all that are above it.

    Σ (R_k - R_(k-1)) P_k, without interpolation, as in scikit-learn. `interpolated=True` takes for
    each recall the best precision at it or beyond (Everingham et al. 2010), which is never less.
    Chance gives the share of positive samples, not 0.5.

    >>> metric = AveragePrecision()
    >>> metric.update(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> print(round(metric.compute(), 4))
    0.8333
    """

    kind = "average_precision"
    averages = {False: AVERAGES[False][:3], True: AVERAGES[True]}  # noqa: RUF012 - never changed

    def __init__(
        self, average: str | None = None, *, interpolated: bool = False, **options: Any
    ) -> None:
        self.interpolated = interpolated
        super().__init__(average, **options)

    def value(self, rows: State) -> Any:
        if self.average == "micro":
            return mean_precision(self._micro(rows), self.interpolated)
        steps = self._steps(rows)
        values = [mean_precision(one, self.interpolated) for one in steps]
        return self._averaged(np.array(values), steps)


class CurveMetric(RankingMetric):
    """The base class of curves: of class 1 of two, or of class `positive` against the rest."""

    def __init__(
        self,
        positive: int | None = None,
        *,
        thresholds: int | Sequence[float] | NDArray[Any] | None = None,
        scores: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            None if positive is None else "per_class",
            thresholds=thresholds,
            scores=scores,
            name=name or (self.kind if positive is None else f"{self.kind}_{positive}"),
        )
        self.positive = positive

    def _wanted(self) -> str:
        return "positive=…, the number of the class to set against the rest"

    def steps(self, rows: State) -> Steps:
        """The steps of the class that is asked for."""
        steps = self._steps(rows)
        if self.positive is None or (len(steps) == 1 and self.positive == 1):
            return steps[0]
        if not 0 <= self.positive < len(steps):
            raise LabelError(
                f"{self.name}: positive must be a class from 0 to {len(steps) - 1}, or 1 of two; "
                f"got {self.positive}"
            )
        if len(steps) == 1:
            raise LabelError(f"{self.name}: of one score per sample the positive class is 1")
        return steps[self.positive]


class ROCCurve(CurveMetric):
    """The ROC curve: `compute()` gives `ROCPoints`, arrays of one length.

    >>> curve = ROCCurve()
    >>> curve.update(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> curve.compute().true_positive_rate
    array([0. , 0.5, 0.5, 1. , 1. ])
    """

    kind = "roc_curve"

    def value(self, rows: State) -> Any:
        return roc_of(self.steps(rows))


class PrecisionRecallCurve(CurveMetric):
    """The precision–recall curve: `compute()` gives `PrecisionRecall`, arrays of one length.

    >>> curve = PrecisionRecallCurve()
    >>> curve.update(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> print(curve.compute().precision.round(4))
    [1.     1.     0.5    0.6667 0.5   ]
    """

    kind = "precision_recall_curve"

    def value(self, rows: State) -> Any:
        return precision_recall_of(self.steps(rows))


def auroc(output: object, target: object, average: str | None = None, **options: Any) -> Any:
    """The area under the ROC curve; the options are those of `AUROC`.

    >>> auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    0.75
    """
    return measured(AUROC(average, **options), output, target)


def average_precision(
    output: object, target: object, average: str | None = None, **options: Any
) -> Any:
    """The area under the precision–recall curve by steps; the options are `AveragePrecision`'s."""
    return measured(AveragePrecision(average, **options), output, target)


def roc_curve(
    output: object, target: object, positive: int | None = None, **options: Any
) -> ROCPoints:
    """The ROC curve of class 1 of two, or of `positive` against the rest; see `ROCCurve`.

    >>> roc_curve([0.2, 0.7], [0, 1]).thresholds
    array([inf, 0.7, 0.2])
    """
    points: ROCPoints = measured(ROCCurve(positive, **options), output, target)
    return points


def precision_recall_curve(
    output: object, target: object, positive: int | None = None, **options: Any
) -> PrecisionRecall:
    """The precision–recall curve of class 1 of two, or of `positive` against the rest."""
    metric = PrecisionRecallCurve(positive, **options)
    points: PrecisionRecall = measured(metric, output, target)
    return points
