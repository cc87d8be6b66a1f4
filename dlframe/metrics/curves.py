"""ROC and precision–recall curves, from what each threshold takes for positive."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["PrecisionRecall", "ROCPoints"]

Values = NDArray[np.float64]


class ROCPoints(NamedTuple):
    """A ROC curve: its points, from no positive (threshold ∞) to all of them."""

    false_positive_rate: Values
    true_positive_rate: Values
    thresholds: Values


class PrecisionRecall(NamedTuple):
    """A precision–recall curve: its points, from recall 0 (threshold ∞) to recall 1."""

    precision: Values
    recall: Values
    thresholds: Values


class Steps(NamedTuple):
    """Samples taken for positive at falling thresholds: how many rightly, how many wrongly."""

    right: NDArray[np.int64]
    wrong: NDArray[np.int64]
    thresholds: Values


def steps_of(scores: Values, positive: NDArray[np.bool_]) -> Steps:
    """The steps at each score that occurs.

    >>> steps_of(np.array([0.1, 0.8, 0.8]), np.array([False, True, False])).right
    array([1, 1])
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(ranked[1:] != ranked[:-1], True) if len(ranked) else np.zeros(0, bool)
    right = np.cumsum(positive[order])[last]
    return Steps(right, np.flatnonzero(last) + 1 - right, ranked[last])


def steps_of_bins(counts: NDArray[np.int64], thresholds: Values) -> Steps:
    """The steps in counts (2, T + 1) of negatives and positives between thresholds."""
    wrong, right = np.cumsum(counts[:, ::-1], axis=1)
    return Steps(right, wrong, np.append(thresholds[::-1], -np.inf))


def roc_of(steps: Steps) -> ROCPoints:
    """The points of the ROC curve; a rate without samples is NaN."""
    wrong, right = (_share(np.insert(one, 0, 0)) for one in (steps.wrong, steps.right))
    return ROCPoints(wrong, right, np.insert(steps.thresholds, 0, np.inf))


def precision_recall_of(steps: Steps) -> PrecisionRecall:
    """The points of the precision–recall curve; nothing predicted has the precision 1."""
    right, all_of_them = steps.right, steps.right + steps.wrong
    precision = np.divide(right, all_of_them, out=np.ones(len(right)), where=all_of_them > 0)
    recall = _share(np.insert(right, 0, 0))
    thresholds = np.insert(steps.thresholds, 0, np.inf)
    return PrecisionRecall(np.insert(precision, 0, 1.0), recall, thresholds)


def area_of_roc(steps: Steps) -> float:
    """The area under the ROC curve by trapezoids: exact, with one division; NaN of one class."""
    right, wrong = np.insert(steps.right, 0, 0), np.insert(steps.wrong, 0, 0)
    whole = 2.0 * float(right[-1]) * float(wrong[-1])
    return float((np.diff(wrong) * (right[1:] + right[:-1])).sum() / whole) if whole else np.nan


def mean_precision(steps: Steps, interpolated: bool) -> float:
    """The precision at each step, weighted by the recall that it gains; NaN without positives."""
    if not len(steps.right) or not steps.right[-1]:
        return float("nan")
    precision = precision_recall_of(steps).precision[1:]
    if interpolated:  # the best precision at this recall or a higher one
        precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(steps.right, prepend=0) * precision).sum() / steps.right[-1])


def _share(counts: NDArray[np.int64]) -> Values:
    total = counts[-1]
    return counts / total if total else np.full(len(counts), np.nan)
