"""The formulas of the metrics: counts per class, ratios of them, and their averages.

The counts are an int64 array of shape (3, C), one row each:

- `hits`: samples of the class that were predicted to be of the class (true positives),
- `predicted`: samples that were predicted to be of the class,
- `actual`: samples that are of the class (its support).

Each sample is of one class, so there are as many samples as the sum of `actual`. Where samples may
have several labels a fourth row has the number of samples.

Counts add up, so a stream of batches gives exactly the numbers of the whole.

`zero_division` is the value of a ratio 0/0. Such ratios are the precision of a class that was never
predicted, the recall of a class without samples, and the F1 of a class with neither. If it is NaN,
such a class is left out of the macro and the weighted average. A class with neither samples nor
predictions never counts in the macro average, as in torchmetrics and, of single labels, in
scikit-learn. Without any samples the averages are NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ShapeError

Counts = NDArray[np.int64]
Values = NDArray[np.float64]
Ratio = Callable[[Counts], tuple[Counts, Counts]]
Average = Callable[[Ratio, Counts, float], Any]


def counts_of_matrix(matrix: Counts) -> Counts:
    """The (3, C) counts in a confusion matrix (C, C) with true classes as rows."""
    return np.stack([matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)])


def precision(counts: Counts) -> tuple[Counts, Counts]:
    """hits / predicted: the share of the predictions of class c that are right."""
    return counts[0], counts[1]


def recall(counts: Counts) -> tuple[Counts, Counts]:
    """hits / actual: the share of the samples of class c that were found."""
    return counts[0], counts[2]


def f1(counts: Counts) -> tuple[Counts, Counts]:
    """2 hits / (predicted + actual): the harmonic mean of precision and recall."""
    return 2 * counts[0], counts[1] + counts[2]


def fbeta(beta: float) -> Ratio:
    """(1 + β²) hits / (predicted + β² actual): recall weighs β times as much as precision."""

    def ratio(counts: Counts) -> tuple[Any, Any]:
        return (1 + beta**2) * counts[0], counts[1] + beta**2 * counts[2]

    return ratio


def jaccard(counts: Counts) -> tuple[Counts, Counts]:
    """hits / (predicted + actual - hits): intersection over union."""
    return counts[0], counts[1] + counts[2] - counts[0]


def specificity(counts: Counts) -> tuple[Counts, Counts]:
    """The share of the samples that are not of class c that were not taken for it."""
    hits, predicted, actual = counts[:3]
    others = samples_of(counts) - actual
    return others - predicted + hits, others


def samples_of(counts: Counts) -> Any:
    """The number of samples: one number, or of labels one for each."""
    return counts[3] if len(counts) > 3 else counts[2].sum()


def per_class(ratio: Ratio, counts: Counts, zero_division: float) -> Values:
    """The ratio of each class: shape (C,)."""
    above, below = ratio(counts)
    out = np.full(above.shape, zero_division, np.float64)
    return np.divide(above, below, out=out, where=below > 0)


def macro(ratio: Ratio, counts: Counts, zero_division: float) -> float:
    """The plain mean over the classes that occur: every class weighs the same."""
    predicted, actual = counts[1:3]
    return _mean(per_class(ratio, counts, zero_division), (predicted + actual) > 0)


def weighted(ratio: Ratio, counts: Counts, zero_division: float) -> float:
    """The mean over the classes, each weighted by its number of samples."""
    return _mean(per_class(ratio, counts, zero_division), counts[2])


def micro(ratio: Ratio, counts: Counts, zero_division: float) -> float:
    """One ratio of the sums over all classes."""
    if not counts.any():
        return float("nan")
    above, below = ratio(counts)
    return float(above.sum() / below.sum()) if below.any() else zero_division


def binary(ratio: Ratio, counts: Counts, zero_division: float) -> float:
    """The ratio of class 1, the positive one of two."""
    if counts.shape[1] > 2:
        raise ShapeError(
            f"metrics: a binary average needs two classes, got {counts.shape[1]}; "
            "take per_class, macro, micro or weighted"
        )
    if not counts.any():
        return float("nan")
    # if all labels were 0, only one class was counted; class 1 is then added without samples
    both = np.pad(counts, ((0, 0), (0, 2 - counts.shape[1])))
    return float(per_class(ratio, both, zero_division)[1])


def _mean(values: Values, weights: NDArray[Any]) -> float:
    kept = ~np.isnan(values) & (weights > 0)
    if not kept.any():
        return float("nan")
    return float((values[kept] * weights[kept]).sum() / weights[kept].sum())


AVERAGES: dict[str, Average] = {
    "per_class": per_class,
    "macro": macro,
    "micro": micro,
    "weighted": weighted,
    "binary": binary,
}
