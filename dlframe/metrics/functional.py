"""Metrics of labels as functions of a model's output and the target, both Tensors or arrays.

The output may be class scores (N, C, …), one score per sample (N,) or (N, 1), or labels; the target
labels, one-hot or probabilities: see `dlframe.metrics.labels`. `threshold`, `scores` ("logits",
"probabilities", "log_probabilities") and `ignore_index` are those of the classes. Averages and
`zero_division` are explained in `dlframe.metrics.averages`, beside the formulas.

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
    >>> print(round(f1_macro(predicted, target), 4), round(jaccard(predicted, target, "macro"), 4))
    0.8667 0.7778
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ArgumentError, ShapeError
from dlframe.metrics import averages
from dlframe.metrics.averages import Counts, Values
from dlframe.metrics.counting import class_counts, confusion_matrix
from dlframe.metrics.labels import (
    check_labels,
    is_class_scores,
    label_pair,
    label_sets,
    number_array,
    refuse_nan,
    true_labels,
)
from dlframe.metrics.ratios import (
    f1,
    f1_binary,
    f1_macro,
    f1_micro,
    f1_per_class,
    f1_weighted,
    fbeta,
    jaccard,
    precision,
    precision_binary,
    precision_macro,
    precision_micro,
    precision_per_class,
    precision_weighted,
    recall,
    recall_binary,
    recall_macro,
    recall_micro,
    recall_per_class,
    recall_weighted,
    specificity,
)
from dlframe.tensor import to_array

__all__ = [
    "accuracy",
    "accuracy_macro",
    "accuracy_per_class",
    "balanced_accuracy",
    "cohen_kappa",
    "confusion_matrix",
    "f1",
    "f1_binary",
    "f1_macro",
    "f1_micro",
    "f1_per_class",
    "f1_weighted",
    "fbeta",
    "hamming_loss",
    "jaccard",
    "matthews_coefficient",
    "precision",
    "precision_binary",
    "precision_macro",
    "precision_micro",
    "precision_per_class",
    "precision_weighted",
    "recall",
    "recall_binary",
    "recall_macro",
    "recall_micro",
    "recall_per_class",
    "recall_weighted",
    "specificity",
    "subset_accuracy",
    "top_k_accuracy",
]


# --- accuracy ----------------------------------------------------------------------------------


def accuracy(
    output: object,
    target: object,
    *,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> float:
    """The share of samples whose predicted label is the true one; NaN without samples.

    With one label per sample it equals precision, recall and F1 in their micro average, and
    the recall in its weighted average.
    """
    pair = label_pair(output, target, threshold=threshold, scores=scores, ignore_index=ignore_index)
    return share(int((pair.predicted == pair.true).sum()), pair.true.size)


def accuracy_per_class(
    output: object, target: object, num_classes: int | None = None, *, zero_division: float = 0.0
) -> Values:
    """The share of each class's samples that were recognised, (C,); it equals the recall."""
    return recall_per_class(output, target, num_classes, zero_division=zero_division)


def accuracy_macro(output: object, target: object, num_classes: int | None = None) -> float:
    """The balanced accuracy without its options."""
    return balanced_accuracy(output, target, num_classes)


def balanced_accuracy(
    output: object,
    target: object,
    num_classes: int | None = None,
    *,
    adjusted: bool = False,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> float:
    """The mean of the accuracy per class over the classes that have samples.

    Guessing always the commonest class gives 1/C, however common that class is. With
    `adjusted=True` chance is 0 and perfection 1: (b - 1/C) / (1 - 1/C), of the C classes that have
    samples; NaN if there is one class only.
    """
    counts = class_counts(
        output, target, num_classes, threshold=threshold, scores=scores, ignore_index=ignore_index
    )
    return balanced_of_counts(counts, adjusted)


def balanced_of_counts(counts: Counts, adjusted: bool) -> float:
    """The balanced accuracy in the counts of classes."""
    value = averages.macro(averages.recall, counts, float("nan"))
    if not adjusted:
        return value
    chance = share(1, int((counts[2] > 0).sum()))
    return (value - chance) / (1 - chance) if chance < 1 else float("nan")


def top_k_accuracy(
    output: object, target: object, k: int, *, ignore_index: int | None = None
) -> float:
    """The share of samples whose true class is among the k highest scores; NaN without samples.

    `output` holds class scores (N, C, …). Of equal scores the lower class comes first, so that
    `k=1` is the accuracy.
    """
    hits = top_k_hits(output, target, k, ignore_index)
    return share(int(hits.sum()), hits.size)


def top_k_hits(
    output: object, target: object, k: int, ignore_index: int | None = None
) -> NDArray[np.bool_]:
    """Whether each sample's true class is among its k highest scores: flat, (N · d1 …,)."""
    scores = number_array(output, "output")
    labels = true_labels(scores, to_array(target))
    if not is_class_scores(scores, labels):
        raise ShapeError(
            f"top_k_accuracy: needs class scores (N, C, ...) beside labels (N, ...), "
            f"got output{scores.shape} and target{labels.shape}"
        )
    refuse_nan(scores, "output")
    classes = scores.shape[1]
    if not 1 <= k <= classes:
        raise ArgumentError(f"top_k_accuracy: k must be from 1 to {classes} (classes), got {k}")
    counted = np.ones(labels.shape, bool) if ignore_index is None else labels != ignore_index
    check_labels(labels, classes, "target", where=counted)
    scores = np.moveaxis(scores, 1, -1)[counted]
    labels = labels[counted][:, None]
    own = np.take_along_axis(scores, labels, axis=1)
    ahead = scores > own
    ahead |= (scores == own) & (np.arange(classes) < labels)
    hits: NDArray[np.bool_] = ahead.sum(axis=1) < k
    return hits


def subset_accuracy(
    output: object, target: object, *, threshold: float | None = None, scores: str | None = None
) -> float:
    """The share of samples all of whose labels are right: output and target (N, L)."""
    predicted, true = label_sets(output, target, threshold=threshold, scores=scores)
    return share(int((predicted == true).all(axis=1).sum()), len(true))


def hamming_loss(
    output: object, target: object, *, threshold: float | None = None, scores: str | None = None
) -> float:
    """The share of wrong decisions among all labels of all samples: output and target (N, L)."""
    predicted, true = label_sets(output, target, threshold=threshold, scores=scores)
    return share(int((predicted != true).sum()), true.size)


def share(hits: int, samples: int) -> float:
    """A part of a whole; NaN of nothing."""
    return hits / samples if samples else float("nan")


# --- agreement ---------------------------------------------------------------------------------


def cohen_kappa(
    output: object,
    target: object,
    num_classes: int | None = None,
    *,
    weights: str | None = None,
    zero_division: float = float("nan"),
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> float:
    """Cohen's kappa (1960): 1 - observed / expected disagreement; 0 is what chance agrees to.

    Args:
        weights: how much a disagreement of i and j counts: None 1, "linear" |i - j|, "quadratic"
            (i - j)², for classes that have an order (Cohen 1968).
        zero_division: the value where no disagreement is expected: all are of one class.
    """
    matrix = confusion_matrix(
        output, target, num_classes, threshold=threshold, scores=scores, ignore_index=ignore_index
    )
    return kappa_of_matrix(matrix, weights, zero_division)


def kappa_of_matrix(matrix: Counts, weights: str | None, zero_division: float) -> float:
    """Cohen's kappa of a confusion matrix (C, C)."""
    if weights not in (None, "linear", "quadratic"):
        raise ArgumentError(
            f"cohen_kappa: weights must be None, 'linear' or 'quadratic'; got {weights!r}"
        )
    samples = matrix.sum()
    if not samples:
        return float("nan")
    place = np.arange(len(matrix))
    apart = np.abs(place[:, None] - place).astype(np.float64)
    cost = apart > 0 if weights is None else apart if weights == "linear" else apart**2
    expected = np.outer(matrix.sum(axis=1), matrix.sum(axis=0)) / samples
    above, below = float((cost * matrix).sum()), float((cost * expected).sum())
    return 1 - above / below if below else zero_division


def matthews_coefficient(
    output: object,
    target: object,
    num_classes: int | None = None,
    *,
    zero_division: float = 0.0,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> float:
    """Matthews' coefficient (1975) of C classes (Gorodkin 2004): the correlation of the labels.

    `zero_division` is the value if all samples or all predictions are of one class.
    """
    matrix = confusion_matrix(
        output, target, num_classes, threshold=threshold, scores=scores, ignore_index=ignore_index
    )
    return matthews_of_matrix(matrix, zero_division)


def matthews_of_matrix(matrix: Counts, zero_division: float) -> float:
    """Matthews' coefficient of a confusion matrix (C, C)."""
    hits, predicted, actual = averages.counts_of_matrix(matrix).astype(np.float64)
    samples = actual.sum()
    if not samples:
        return float("nan")
    # in shares of all samples, whose products do not overflow
    together = hits.sum() / samples - float(predicted @ actual) / samples**2
    spread = [1 - float(one @ one) / samples**2 for one in (predicted, actual)]
    if any(one.max() == samples for one in (predicted, actual)):
        return zero_division
    return float(together / (spread[0] * spread[1]) ** 0.5)
