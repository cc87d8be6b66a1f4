"""Ratios of counts as functions: of any average, and with the average in the name.

`precision_macro(output, target)` is `precision(output, target, "macro")` without its options.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.metrics import averages
from dlframe.metrics.averages import Ratio, Values
from dlframe.metrics.counting import class_counts, set_counts
from dlframe.metrics.labels import label_sets

AVERAGE_NAMES = (*averages.AVERAGES, "samples")


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
