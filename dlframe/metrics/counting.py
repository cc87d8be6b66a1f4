"""Counts of labels: the confusion matrix, and the counts that ratios need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ArgumentError, LabelError, did_you_mean
from dlframe.metrics.averages import Counts
from dlframe.metrics.labels import LabelPair, label_pair, label_sets

# With more classes than this, a label is probably a mistake (a token, a pixel), and the confusion
# matrix would have 10⁸ entries. An explicit num_classes lifts the limit.
MOST_IMPLIED_CLASSES = 10_000


def confusion_matrix(
    output: object,
    target: object,
    num_classes: int | None = None,
    *,
    normalize: str | None = None,
    multilabel: bool = False,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> NDArray[Any]:
    """How often class i was taken for class j: int64 (C, C), rows true, columns predicted.

    Args:
        num_classes: C; without it, the number of scores, or the highest label + 1.
        normalize: "true" divides each row by its sum, the samples of the class; "predicted" each
            column, the predictions; "all" divides by the number of samples. A class without
            any has zeros. None counts.
        multilabel: a matrix of two for each label, (L, 2, 2): row and column 1 are its presence.
    """
    if multilabel:
        sets = label_sets(output, target, threshold=threshold, scores=scores)
        return normalized(matrices_of_counts(set_counts(*sets)), normalize)
    pair = label_pair(
        output, target, num_classes, threshold=threshold, scores=scores, ignore_index=ignore_index
    )
    classes = _count_of_classes(pair)
    cells = pair.true * classes + pair.predicted
    matrix = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    return normalized(matrix, normalize)


def normalized(matrix: NDArray[Any], normalize: str | None) -> NDArray[Any]:
    """Counts (..., C, C) as they are, or as shares of rows, of columns or of all."""
    if normalize is None:
        return matrix
    sums: dict[str, Any] = {"true": -1, "predicted": -2, "all": (-2, -1)}
    if normalize not in sums:
        raise ArgumentError(
            f"confusion_matrix: normalize must be one of {', '.join(sums)} or None; "
            f"got {normalize!r}.{did_you_mean(normalize, sums)}"
        )
    total = matrix.sum(axis=sums[normalize], keepdims=True)
    out: NDArray[np.float64] = np.zeros(matrix.shape)
    np.divide(matrix, total, out=out, where=total > 0)
    return out


def class_counts(
    output: object,
    target: object,
    num_classes: int | None = None,
    *,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> Counts:
    """Hits, predictions and samples of each class: int64 (3, C), which the ratios need.

    The confusion matrix contains them too, but has C² numbers instead of 3 C.
    """
    pair = label_pair(
        output, target, num_classes, threshold=threshold, scores=scores, ignore_index=ignore_index
    )
    classes = _count_of_classes(pair)
    hits = pair.true[pair.true == pair.predicted]
    rows = (hits, pair.predicted, pair.true)
    return np.array([np.bincount(row, minlength=classes) for row in rows])


def set_counts(predicted: NDArray[np.bool_], true: NDArray[np.bool_], axis: int = 0) -> Counts:
    """The counts (4, L) of each label in boolean arrays (N, L); with `axis=1` of each sample."""
    both = (predicted & true).sum(axis=axis)
    size = np.full(both.shape, predicted.shape[axis])
    return np.stack([both, predicted.sum(axis=axis), true.sum(axis=axis), size])


def matrices_of_counts(counts: Counts) -> Counts:
    """Counts (4, L) as one matrix of two for each label: (L, 2, 2)."""
    hits, predicted, actual, samples = counts
    rest = samples - predicted - actual + hits
    return np.stack([rest, predicted - hits, actual - hits, hits], axis=1).reshape(-1, 2, 2)


def _count_of_classes(pair: LabelPair) -> int:
    if pair.num_classes is not None:
        return pair.num_classes
    if pair.true.size == 0:
        return 0
    highest = int(max(pair.true.max(), pair.predicted.max()))
    if highest >= MOST_IMPLIED_CLASSES:
        raise LabelError(
            f"metrics: the highest label is {highest}, which would make {highest + 1} classes; "
            "pass num_classes if there are that many"
        )
    return highest + 1
