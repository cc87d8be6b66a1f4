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

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ArgumentError, LabelError, ShapeError, did_you_mean
from dlframe.metrics import averages
from dlframe.metrics.averages import Counts, Ratio, Values
from dlframe.metrics.labels import (
    LabelPair,
    check_labels,
    is_class_scores,
    label_pair,
    label_sets,
    number_array,
    refuse_nan,
    true_labels,
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

# With more classes than this, a label is probably a mistake (a token, a pixel), and the confusion
# matrix would have 10⁸ entries. An explicit num_classes lifts the limit.
MOST_IMPLIED_CLASSES = 10_000

AVERAGE_NAMES = (*averages.AVERAGES, "samples")


# --- counting ----------------------------------------------------------------------------------


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


# --- ratios ------------------------------------------------------------------------------------


def ratio_metric(
    ratio: Ratio,
    output: object,
    target: object,
    average: str,
    num_classes: int | None,
    zero_division: float,
    multilabel: bool,
    **reading: Any,
) -> Any:
    """The average of a ratio of counts."""
    check_average(getattr(ratio, "__name__", "metrics"), average, multilabel)
    if not multilabel:
        counts = class_counts(output, target, num_classes, **reading)
        return averages.AVERAGES[average](ratio, counts, zero_division)
    reading.pop("ignore_index", None)
    sets = label_sets(output, target, **reading)
    if average != "samples":
        return averages.AVERAGES[average](ratio, set_counts(*sets), zero_division)
    values = averages.per_class(ratio, set_counts(*sets, axis=1), zero_division)
    return float(values[~np.isnan(values)].mean()) if (~np.isnan(values)).any() else float("nan")


def check_average(metric: str, average: object, multilabel: bool) -> None:
    """Raise ArgumentError for an unknown average, or one that is for another kind of labels."""
    known = [name for name in AVERAGE_NAMES if name != ("binary" if multilabel else "samples")]
    if average in known:
        return
    why = ""
    if average in AVERAGE_NAMES:
        why = f", which is for multilabel={not multilabel}"
    raise ArgumentError(
        f"{metric}: average must be one of {', '.join(known)}; got {average!r}{why}."
        f"{did_you_mean(average, known) if not why else ''}"
    )


def precision(
    output: object,
    target: object,
    average: str,
    num_classes: int | None = None,
    *,
    zero_division: float = 0.0,
    multilabel: bool = False,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> Any:
    """The share of the predictions of a class that are right: hits / predicted.

    `average` is "per_class" (an array), "macro", "micro", "weighted" or "binary" (class 1 of two);
    with `multilabel=True` "samples" (the mean over samples of each one's ratio over its labels).
    """
    return ratio_metric(
        averages.precision, output, target, average, num_classes, zero_division, multilabel,
        threshold=threshold, scores=scores, ignore_index=ignore_index,
    )  # fmt: skip


def recall(
    output: object,
    target: object,
    average: str,
    num_classes: int | None = None,
    *,
    zero_division: float = 0.0,
    multilabel: bool = False,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> Any:
    """The share of the samples of a class that were found: hits / actual.

    `average` is "per_class" (an array), "macro", "micro", "weighted" or "binary" (class 1 of two);
    with `multilabel=True` "samples" (the mean over samples of each one's ratio over its labels).
    """
    return ratio_metric(
        averages.recall, output, target, average, num_classes, zero_division, multilabel,
        threshold=threshold, scores=scores, ignore_index=ignore_index,
    )  # fmt: skip


def f1(
    output: object,
    target: object,
    average: str,
    num_classes: int | None = None,
    *,
    zero_division: float = 0.0,
    multilabel: bool = False,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> Any:
    """The harmonic mean of precision and recall: 2 hits / (predicted + actual).

    `average` is "per_class" (an array), "macro", "micro", "weighted" or "binary" (class 1 of two);
    with `multilabel=True` "samples" (the mean over samples of each one's ratio over its labels).
    """
    return ratio_metric(
        averages.f1, output, target, average, num_classes, zero_division, multilabel,
        threshold=threshold, scores=scores, ignore_index=ignore_index,
    )  # fmt: skip


def fbeta(
    output: object,
    target: object,
    average: str,
    num_classes: int | None = None,
    *,
    beta: float,
    zero_division: float = 0.0,
    multilabel: bool = False,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> Any:
    """(1 + β²) hits / (predicted + β² actual): the mean in which recall weighs β² to precision's 1.

    `average` is "per_class" (an array), "macro", "micro", "weighted" or "binary" (class 1 of two);
    with `multilabel=True` "samples" (the mean over samples of each one's ratio over its labels).
    """
    return ratio_metric(
        averages.fbeta(beta), output, target, average, num_classes, zero_division, multilabel,
        threshold=threshold, scores=scores, ignore_index=ignore_index,
    )  # fmt: skip


def jaccard(
    output: object,
    target: object,
    average: str,
    num_classes: int | None = None,
    *,
    zero_division: float = 0.0,
    multilabel: bool = False,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> Any:
    """Intersection over union: hits / (predicted + actual - hits).

    `average` is "per_class" (an array), "macro", "micro", "weighted" or "binary" (class 1 of two);
    with `multilabel=True` "samples" (the mean over samples of each one's ratio over its labels).
    """
    return ratio_metric(
        averages.jaccard, output, target, average, num_classes, zero_division, multilabel,
        threshold=threshold, scores=scores, ignore_index=ignore_index,
    )  # fmt: skip


def specificity(
    output: object,
    target: object,
    average: str,
    num_classes: int | None = None,
    *,
    zero_division: float = 0.0,
    multilabel: bool = False,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> Any:
    """The share of the samples that are not of a class that were not taken for it.

    `average` is "per_class" (an array), "macro", "micro", "weighted" or "binary" (class 1 of two);
    with `multilabel=True` "samples" (the mean over samples of each one's ratio over its labels).
    """
    return ratio_metric(
        averages.specificity, output, target, average, num_classes, zero_division, multilabel,
        threshold=threshold, scores=scores, ignore_index=ignore_index,
    )  # fmt: skip


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
