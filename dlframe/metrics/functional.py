"""Metrics as functions of a model's output and the target, both Tensors or arrays.

The output may be class scores (N, C, …), one score per sample (N,) or (N, 1), or labels, see
`dlframe.metrics.labels`. The name always tells the kind of average. `zero_division` is explained
in `dlframe.metrics.averages`, beside the formulas.

    >>> import numpy as np
    >>> target = np.array([0, 0, 0, 1, 1, 2])
    >>> predicted = np.array([0, 0, 1, 1, 1, 2])
    >>> confusion_matrix(predicted, target)
    array([[2, 1, 0],
           [0, 2, 0],
           [0, 0, 1]])
    >>> print(round(accuracy(predicted, target), 4))
    0.8333
    >>> print(precision_per_class(predicted, target).round(4))
    [1.     0.6667 1.    ]
    >>> print(round(f1_macro(predicted, target), 4))
    0.8667
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import LabelError, ShapeError
from dlframe.metrics import averages
from dlframe.metrics.averages import Counts, Values
from dlframe.metrics.labels import (
    LabelPair,
    check_labels,
    is_class_scores,
    label_pair,
    number_array,
    whole_numbers,
)
from dlframe.tensor import to_array

__all__ = [
    "accuracy",
    "accuracy_macro",
    "accuracy_per_class",
    "confusion_matrix",
    "f1_binary",
    "f1_macro",
    "f1_micro",
    "f1_per_class",
    "f1_weighted",
    "precision_binary",
    "precision_macro",
    "precision_micro",
    "precision_per_class",
    "precision_weighted",
    "recall_binary",
    "recall_macro",
    "recall_micro",
    "recall_per_class",
    "recall_weighted",
    "top_k_accuracy",
]

# With more classes than this, a label is probably a mistake (a token, a pixel), and the confusion
# matrix would have 10⁸ entries. An explicit num_classes lifts the limit.
MOST_IMPLIED_CLASSES = 10_000


# --- counting ----------------------------------------------------------------------------------


def confusion_matrix(
    output: object,
    target: object,
    num_classes: int | None = None,
    *,
    threshold: float | None = None,
    ignore_index: int | None = None,
) -> Counts:
    """How often class i was taken for class j: int64 (C, C), rows true, columns predicted.

    Without `num_classes` C is the number of scores, or the highest label + 1.
    """
    pair = label_pair(output, target, num_classes, threshold=threshold, ignore_index=ignore_index)
    classes = _count_of_classes(pair)
    cells = pair.true * classes + pair.predicted
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def class_counts(
    output: object,
    target: object,
    num_classes: int | None = None,
    *,
    threshold: float | None = None,
    ignore_index: int | None = None,
) -> Counts:
    """Hits, predictions and samples of each class: int64 (3, C), which the ratios need.

    The confusion matrix contains them too, but has C² numbers instead of 3 C.
    """
    pair = label_pair(output, target, num_classes, threshold=threshold, ignore_index=ignore_index)
    classes = _count_of_classes(pair)
    hits = pair.true[pair.true == pair.predicted]
    rows = (hits, pair.predicted, pair.true)
    return np.stack([np.bincount(row, minlength=classes) for row in rows])


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


# --- accuracy ----------------------------------------------------------------------------------


def accuracy(output: object, target: object) -> float:
    """The share of samples whose predicted label is the true one; NaN without samples.

    With one label per sample it equals precision, recall and F1 in their micro average, and
    the recall in its weighted average.
    """
    pair = label_pair(output, target)
    return _share(int((pair.predicted == pair.true).sum()), pair.true.size)


def accuracy_per_class(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> Values:
    """The share of each class's samples that were recognised, (C,); it equals the recall."""
    return recall_per_class(output, target, num_classes, zero_division=zero_division)


def accuracy_macro(output: object, target: object, num_classes: int | None = None) -> float:
    """The mean of the accuracy per class over the classes that have samples.

    It is also known as balanced accuracy. Guessing always the commonest class gives 1/C, however
    common that class is.
    """
    counts = class_counts(output, target, num_classes)
    return averages.macro(averages.recall, counts, float("nan"))


def top_k_accuracy(output: object, target: object, k: int) -> float:
    """The share of samples whose true class is among the k highest scores; NaN without samples.

    `output` holds class scores (N, C, …). Of equal scores the lower class comes first, so that
    `k=1` is the accuracy. A score that is NaN never counts as a hit.
    """
    hits = top_k_hits(output, target, k)
    return _share(int(hits.sum()), hits.size)


def top_k_hits(
    output: object, target: object, k: int, ignore_index: int | None = None
) -> NDArray[np.bool_]:
    """Whether each sample's true class is among its k highest scores: flat, (N · d1 …,)."""
    scores, labels = number_array(output, "output"), whole_numbers(to_array(target), "target")
    if not is_class_scores(scores, labels):
        raise ShapeError(
            f"top_k_accuracy: needs class scores (N, C, ...) beside labels (N, ...), "
            f"got output{scores.shape} and target{labels.shape}"
        )
    classes = scores.shape[1]
    if not 1 <= k <= classes:
        raise ValueError(f"top_k_accuracy: k must be from 1 to {classes} (classes), got {k}")
    counted = np.ones(labels.shape, bool) if ignore_index is None else labels != ignore_index
    check_labels(labels, classes, "target", where=counted)
    scores = np.moveaxis(scores, 1, -1)[counted]
    labels = labels[counted][:, None]
    own = np.take_along_axis(scores, labels, axis=1)
    # not "scores > own": comparisons with NaN are false, so a NaN would count as the highest
    ahead = ~(scores <= own)
    ahead |= (scores == own) & (np.arange(classes) < labels)
    hits: NDArray[np.bool_] = ahead.sum(axis=1) < k
    return hits


def _share(hits: int, samples: int) -> float:
    return hits / samples if samples else float("nan")


# --- precision ---------------------------------------------------------------------------------


def precision_per_class(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> Values:
    """The share of the predictions of class c that are right: shape (C,)."""
    counts = class_counts(output, target, num_classes)
    return averages.per_class(averages.precision, counts, zero_division)


def precision_macro(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> float:
    """The precision per class, averaged with every class weighing the same."""
    counts = class_counts(output, target, num_classes)
    return averages.macro(averages.precision, counts, zero_division)


def precision_micro(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> float:
    """All hits / all predictions; with one label per sample it is the accuracy."""
    counts = class_counts(output, target, num_classes)
    return averages.micro(averages.precision, counts, zero_division)


def precision_weighted(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> float:
    """The mean of the precision per class, weighted by the classes' numbers of samples."""
    counts = class_counts(output, target, num_classes)
    return averages.weighted(averages.precision, counts, zero_division)


def precision_binary(output: object, target: object, *, zero_division: float = 0.0) -> float:
    """The share of the predictions of class 1 that are right; for two classes only."""
    counts = class_counts(output, target)
    return averages.binary(averages.precision, counts, zero_division)


# --- recall ------------------------------------------------------------------------------------


def recall_per_class(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> Values:
    """The share of the samples of class c that were found: shape (C,)."""
    counts = class_counts(output, target, num_classes)
    return averages.per_class(averages.recall, counts, zero_division)


def recall_macro(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> float:
    """The recall per class, averaged with every class weighing the same."""
    counts = class_counts(output, target, num_classes)
    return averages.macro(averages.recall, counts, zero_division)


def recall_micro(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> float:
    """All hits / all samples; with one label per sample it is the accuracy."""
    counts = class_counts(output, target, num_classes)
    return averages.micro(averages.recall, counts, zero_division)


def recall_weighted(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> float:
    """The mean of the recall per class, weighted by the classes' numbers of samples."""
    counts = class_counts(output, target, num_classes)
    return averages.weighted(averages.recall, counts, zero_division)


def recall_binary(output: object, target: object, *, zero_division: float = 0.0) -> float:
    """The share of the samples of class 1 that were found; for two classes only."""
    counts = class_counts(output, target)
    return averages.binary(averages.recall, counts, zero_division)


# --- F1 ----------------------------------------------------------------------------------------


def f1_per_class(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> Values:
    """The harmonic mean of each class's precision and recall: shape (C,)."""
    counts = class_counts(output, target, num_classes)
    return averages.per_class(averages.f1, counts, zero_division)


def f1_macro(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> float:
    """The F1 per class, averaged with every class weighing the same."""
    counts = class_counts(output, target, num_classes)
    return averages.macro(averages.f1, counts, zero_division)


def f1_micro(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> float:
    """The F1 of the sums over all classes; with one label per sample it is the accuracy."""
    counts = class_counts(output, target, num_classes)
    return averages.micro(averages.f1, counts, zero_division)


def f1_weighted(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> float:
    """The mean of the F1 per class, weighted by the classes' numbers of samples."""
    counts = class_counts(output, target, num_classes)
    return averages.weighted(averages.f1, counts, zero_division)


def f1_binary(output: object, target: object, *, zero_division: float = 0.0) -> float:
    """The harmonic mean of precision and recall of class 1; for two classes only."""
    counts = class_counts(output, target)
    return averages.binary(averages.f1, counts, zero_division)
