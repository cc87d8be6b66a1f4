"""Turns a model's outputs into class labels, and checks labels.

The shapes of output and target tell what they are:

===================  ============  =============================================================
output               target        meaning
===================  ============  =============================================================
(N, C, d1, …)        (N, d1, …)    scores of C ≥ 2 classes: the highest along dim 1 wins
(N, C, d1, …)        the same      one-hot or probability targets: the highest along dim 1 is true
floats (N,), (N, 1)  (N,), (N, 1)  one score per sample: class 1 above the threshold, else class 0
integers, booleans   same shape    labels already; (N,) also beside (N, 1)
integers (N, d1, …)  (N, C, …)     labels beside one-hot or probability targets
===================  ============  =============================================================

The threshold is that of a probability of one half: 0 for logits, 0.5 for probabilities. Scores that
look like probabilities where nothing says so raise a warning, because with 0 they would all be
class 1.

With several labels per sample (multilabel), output and target have one shape (N, L), and each
element is a decision of its own. `label_sets` reads those; a metric does so only if it is told.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlframe.errors import ArgumentError, DTypeError, LabelError, ShapeError, did_you_mean
from dlframe.tensor import to_array

Array = NDArray[Any]
Labels = NDArray[np.int64]


KINDS = ("logits", "probabilities", "log_probabilities", "labels")
"""What scores may be, see `dlframe.metrics.scores`."""

# The score of a probability of one half.
_HALF = {"logits": 0.0, "probabilities": 0.5, "log_probabilities": math.log(0.5)}


def threshold_of(threshold: float | None, scores: str | None) -> float | None:
    """The threshold that was given, or else that of the kind of scores; None if neither is known.

    >>> threshold_of(None, "probabilities"), threshold_of(0.9, "logits"), threshold_of(None, None)
    (0.5, 0.9, None)
    """
    return threshold if threshold is not None or scores is None else _HALF.get(scores)


def check_kind(scores: str | None) -> str | None:
    """A kind of scores, or None; ArgumentError for anything else."""
    if scores is None or scores in KINDS:
        return scores
    raise ArgumentError(
        f"metrics: scores must be one of {', '.join(KINDS)}; got {scores!r}."
        f"{did_you_mean(scores, KINDS)}"
    )


def check_threshold(threshold: Any) -> float | None:
    """A threshold, or None; ArgumentError for what is no number."""
    if threshold is None:
        return None
    kinds = (int, float, np.integer, np.floating)
    if isinstance(threshold, kinds) and not isinstance(threshold, bool):
        number = float(threshold)
        if not math.isnan(number):
            return number
    raise ArgumentError(
        f"metrics: threshold must be a number, such as 0.5, or None; got {threshold!r}"
    )


class LabelPair(NamedTuple):
    """Predicted and true labels, flat and of one length; `num_classes` where it is known."""

    predicted: Labels
    true: Labels
    num_classes: int | None


def label_pair(
    output: object,
    target: object,
    num_classes: int | None = None,
    *,
    threshold: float | None = None,
    scores: str | None = None,
    ignore_index: int | None = None,
) -> LabelPair:
    """Predicted and true labels, one of each per sample, without targets equal to `ignore_index`.

    `threshold=None` is that of the kind of `scores`, or 0, with a warning if the scores look like
    probabilities. Shapes are those of the table above. Raises LabelError for a label outside its
    range (with its index, its value and the range) and for targets that are neither one-hot nor
    probabilities, ShapeError for shapes that are not in the table, and ArgumentError for NaN.

        >>> label_pair(np.array([[0.1, 2.0], [3.0, 1.0]]), np.array([1, 1])).predicted
        array([1, 0])
        >>> label_pair(np.array([[0.1, 2.0], [3.0, 1.0]]), np.eye(2)).true
        array([0, 1])
    """
    given, truth = number_array(output, "output"), to_array(target)
    if given.ndim == 1 and truth.shape == (len(given), 1):
        truth = truth[:, 0]
    if ignore_index is None and given.ndim == 2 and truth.ndim == 1 and truth.dtype == np.int64:
        pair = _quick_pair(given, truth, num_classes)
        if pair is not None:
            return pair
    if given.dtype.kind == "f":
        cut = threshold_of(threshold, scores)
        if ignore_index is None and num_classes is None and cut is not None:
            pair = _quick_binary(given, truth, cut)
            if pair is not None:
                return pair
        refuse_nan(given, "output")
        if scores == "labels":
            given = whole_numbers(given, "output")
    true = true_labels(given, truth)
    predicted, implied = _predicted(given, true, threshold_of(threshold, scores))
    if implied is None and true.shape != truth.shape:
        implied = truth.shape[1]  # one-hot
    if implied is not None and num_classes not in (None, implied):
        raise ShapeError(
            f"metrics: output{given.shape} has scores for {implied} classes, "
            f"but num_classes is {num_classes}"
        )
    classes = implied if num_classes is None else num_classes
    counted = np.ones(true.shape, bool) if ignore_index is None else true != ignore_index
    check_labels(true, classes, "target", where=counted)
    if given.dtype.kind != "f":
        check_labels(predicted, classes, "predictions", where=counted)
    return LabelPair(predicted[counted], true[counted], classes)


def _quick_pair(scores: Array, true: Labels, num_classes: int | None) -> LabelPair | None:
    """Scores (N, C) beside labels (N,), in a few microseconds; None if anything is unusual."""
    samples, classes = scores.shape
    if samples != len(true) or not samples or classes < 2 or scores.dtype.kind != "f":
        return None
    # a negative label is large as an unsigned one
    if num_classes not in (None, classes) or true.view(np.uint64).max() >= classes:
        return None
    if math.isnan(scores.max()):
        return None
    return LabelPair(scores.argmax(axis=1), true, classes)


def _quick_binary(scores: Array, truth: Array, cut: float) -> LabelPair | None:
    """One score (N,) or (N, 1) beside zeros and ones of the same shape; None if not."""
    if scores.shape != truth.shape or scores.ndim > 2 or not scores.size:
        return None
    if (scores.ndim == 2 and scores.shape[1] != 1) or truth.dtype.kind not in "fi":
        return None
    ones = truth == 1
    if np.count_nonzero(ones) + np.count_nonzero(truth == 0) != truth.size:
        return None
    if math.isnan(scores.max()):
        return None
    predicted = (scores > cut).ravel().view(np.int8).astype(np.int64)
    return LabelPair(predicted, ones.ravel().view(np.int8).astype(np.int64), 2)


def true_labels(output: Array, target: Array) -> Labels:
    """The targets as labels: as they are, or the highest along dim 1 if they are one-hot.

    Probability targets, as of label smoothing and of mixed samples, count as their likeliest class.
    """
    of_scores = output.shape == target.shape and output.dtype.kind == "f"
    of_labels = output.shape == target.shape[:1] + target.shape[2:] and output.dtype.kind != "f"
    wide = target.ndim > 1 and target.shape[1] > 1
    if wide and (of_scores or of_labels):
        return np.asarray(class_weights(target).argmax(axis=1))
    return whole_numbers(target, "target")


def class_weights(target: Array) -> Array:
    """Targets (N, C, …), if they are one-hot or probabilities along dim 1; else LabelError."""
    weights = number_array(target, "target")
    refuse_nan(weights, "target")
    if weights.dtype.kind == "b":
        weights = weights.astype(np.int64)
    total = weights.sum(axis=1, keepdims=True, dtype=np.float64)
    bad = (weights < 0) | (np.abs(total - 1) > 1e-2)
    if bad.any():
        name, _ = _first(weights, bad, "target")
        row = f"{name.rpartition('[')[0]}[{name.rpartition('[')[2].split(',')[0]}]"
        place = np.unravel_index(int(bad.argmax()), bad.shape)
        found = float(total[(place[0], 0, *place[2:])])
        raise LabelError(
            f"metrics: {row} adds up to {found:g} over the {weights.shape[1]} classes; one-hot and "
            "probability targets add up to 1 and are not negative. If a sample may have several "
            "labels, use SubsetAccuracy, HammingLoss or a metric with multilabel=True"
        )
    return weights


def label_sets(
    output: object,
    target: object,
    *,
    threshold: float | None = None,
    scores: str | None = None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Predicted and true labels of samples that may have several: two boolean arrays (N, L).

    `output` has a score for each label, or 0 and 1 as integers or booleans; `target` 0 and 1. Both
    have the shape (N, L), or (N, L, d1, …), of which every place is a sample.

        >>> label_sets(np.array([[0.5, -1.0], [2.0, 3.0]]), np.array([[1, 0], [0, 1]]))[0]
        array([[ True, False],
               [ True,  True]])
    """
    given, truth = number_array(output, "output"), number_array(target, "target")
    if given.shape != truth.shape or given.ndim < 2:
        raise ShapeError(
            f"metrics: with multilabel=True output and target have one shape (N, labels), got "
            f"output{given.shape} and target{truth.shape}"
        )
    true = _zeros_and_ones(truth, "target")
    if given.dtype.kind != "f" or scores == "labels":
        predicted = _zeros_and_ones(given, "output")
    else:
        refuse_nan(given, "output")
        cut = threshold_of(threshold, scores)
        predicted = _above(given, true, cut).astype(bool)
    if given.ndim > 2:
        predicted, true = _rows(predicted), _rows(true)
    return predicted, true


def _rows(values: Array) -> Array:
    """(N, L, d1, …) as (N · d1 …, L)."""
    return np.moveaxis(values, 1, -1).reshape(-1, values.shape[1])


def _zeros_and_ones(values: Array, what: str) -> NDArray[np.bool_]:
    if values.dtype.kind == "b":
        return values
    bad = (values != 0) & (values != 1)
    if bad.any():
        name, value = _first(values, bad, what)
        raise LabelError(f"metrics: {name} is {value}; with multilabel=True it is 0 or 1")
    return values.astype(bool)


def refuse_nan(values: Array, what: str) -> None:
    """Raise ArgumentError that names the first NaN."""
    if values.dtype.kind != "f" or not values.size:
        return
    bad = np.isnan(values)
    if bad.any():
        name, _ = _first(values, bad, what)
        raise ArgumentError(
            f"metrics: {name} is nan, and so are {int(bad.sum()) - 1} others of {values.size}; "
            "a number that is not one cannot be measured"
        )


def _predicted(scores: Array, target: Labels, threshold: float | None) -> tuple[Labels, int | None]:
    """The predicted labels in the shape of the true ones, and the number of classes, if known."""
    ready = scores.dtype.kind in "iub"
    if ready and scores.shape == target.shape:
        _warn_of_one_hot(scores, target)
        return scores.astype(np.int64), None
    if is_class_scores(scores, target):
        if scores.shape[1] > 1:
            return scores.argmax(axis=1), scores.shape[1]
        column = scores[:, 0]
        return (column.astype(np.int64), None) if ready else (_above(column, target, threshold), 2)
    one_column = scores.ndim == 1 or (scores.ndim > 1 and scores.shape[1] == 1)
    if scores.shape == target.shape and one_column:
        return _above(scores, target, threshold), 2
    raise ShapeError(_misfit(scores, target))


def _warn_of_one_hot(output: Array, target: Labels) -> None:
    """Warn where each row of both has one 1: then they are hardly labels of a row of places."""
    if output.ndim != 2 or output.shape[1] < 2 or len(output) < 2:
        return
    for values in (output, target):
        if values.max() != 1 or values.min() != 0 or (values.sum(axis=1) != 1).any():
            return
    warnings.warn(
        f"metrics: output and target of shape {output.shape} are counted as "
        f"{output.size} labels, but look one-hot; for {len(output)} samples pass argmax(1) of both",
        stacklevel=2,
    )


def is_class_scores(scores: Array, target: Array) -> bool:
    """Whether the shapes are (N, C, d1, …) beside (N, d1, …), with at least one class."""
    return (
        scores.ndim >= 2
        and scores.shape[1] > 0
        and scores.shape[:1] + scores.shape[2:] == target.shape
    )


def _above(scores: Array, target: Array, threshold: float | None) -> Labels:
    if threshold is None:
        threshold = 0.0
        # of a few samples the logits may all lie in [0, 1] by chance
        enough = scores.size >= 16 or bool((target == 1).any())
        if look_like_probabilities(scores) and enough and (target == 0).any():
            warnings.warn(
                "metrics: all scores lie in [0, 1], as probabilities do, and are compared with 0, "
                "as logits are, so that class 0 is hardly ever predicted. If they are "
                'probabilities, pass scores="probabilities" or threshold=0.5; if they are logits, '
                'pass scores="logits"',
                stacklevel=2,
            )
    return (scores > threshold).astype(np.int64)


def look_like_probabilities(scores: Array) -> bool:
    """Whether all scores lie in [0, 1], and not all at its ends, where every threshold is right.

    >>> look_like_probabilities(np.array([0.1, 0.8])), look_like_probabilities(np.array([-2, 0.8]))
    (True, False)
    """
    inside = (scores >= 0) & (scores <= 1)
    return bool(inside.all() and ((scores > 0) & (scores < 1)).any())


def _misfit(scores: Array, target: Array) -> str:
    """The message for shapes that fit no kind of output, with the likeliest remedy."""
    message = f"metrics: output{scores.shape} does not fit target{target.shape}"
    if scores.shape == target.shape and scores.ndim > 1:
        return f"{message}: for one logit per element pass labels, output > 0"
    if target.ndim > 1 and target.shape[1] == 1 and scores.shape[:1] == target.shape[:1]:
        return f"{message}: pass target.squeeze(1)"
    if scores.ndim == 0 or target.ndim == 0:
        return f"{message}: add the batch dimension to both, x.reshape(1, ...)"
    return (
        f"{message}: expected scores (N, C, ...) beside labels (N, ...), "
        "one score per sample (N,), or labels of the target's shape"
    )


def number_array(values: object, what: str) -> Array:
    """The array of real numbers or booleans in a tensor, an array or a list; else DTypeError.

    >>> number_array([1, 2.5], "output")
    array([1. , 2.5])
    """
    array = to_array(values)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"metrics: {what} must hold real numbers, got dtype {array.dtype}")
    return array


def whole_numbers(values: Array, what: str) -> Labels:
    """Labels as int64; floats are accepted if they are whole numbers, as targets of BCELoss are."""
    if values.dtype.kind in "iub":
        large = too_large(values)
        if large is not None:
            name, _ = _first(values, values == large, what)
            raise LabelError(f"metrics: {name} is {large}; class labels are 0, 1, 2, …")
        return values.astype(np.int64, copy=False)
    if values.dtype.kind != "f":
        raise DTypeError(f"metrics: {what} must hold class labels, got dtype {values.dtype}")
    # a bound also refuses NaN and infinity, for which the cast would be undefined
    bound = 2.0**62 if values.dtype.itemsize > 2 else np.inf  # more than float16 has
    whole = (values == np.floor(values)) & (np.abs(values) < bound)
    if not whole.all():
        name, value = _first(values, ~whole, what)
        raise LabelError(
            f"metrics: {name} is {value}; class labels are whole numbers. "
            "For probabilities as targets pass target > 0.5, or target of the output's shape "
            "(N, C)."
        )
    return values.astype(np.int64)


def too_large(values: Array) -> Any:
    """The largest of some numbers if it does not fit int64, else None: a cast would change it.

    >>> too_large(np.array([2**63, 1], np.uint64)), too_large(np.array([255, 1], np.uint8))
    (9223372036854775808, None)
    """
    kind, size = values.dtype.kind, values.dtype.itemsize
    if not values.size or not (kind == "f" or (kind == "u" and size == 8)):
        return None
    largest, least = values.max().item(), values.min().item()  # float16 has no 2**63
    if not largest < 2**63:
        return largest
    return least if least < -(2**63) else None


def check_labels(
    labels: Labels, num_classes: int | None, what: str, where: NDArray[np.bool_] | None = None
) -> None:
    """Raise LabelError for the first label outside 0 … num_classes - 1 (no upper end if None)."""
    bad = labels < 0
    if num_classes is not None:
        bad |= labels >= num_classes
    if where is not None:
        bad &= where
    if not bad.any():
        return
    name, value = _first(labels, bad, what)
    hint = ""
    if what == "target" and (value < 0 or value == 255):  # what data sets mark "no label" with
        hint = f"; Accuracy(ignore_index={value}) and other metrics with this option leave it out"
    if num_classes is None:
        raise LabelError(f"metrics: {name} is {value}; labels start at 0{hint}")
    raise LabelError(
        f"metrics: {name} is {value}; with {num_classes} classes labels run "
        f"from 0 to {num_classes - 1}{hint}"
    )


def _first(values: Array, bad: NDArray[np.bool_], what: str) -> tuple[str, Any]:
    """The name, as in `target[3, 0]`, and the value of the first bad entry."""
    index = np.unravel_index(int(bad.argmax()), bad.shape)
    place = ", ".join(str(i) for i in index)
    return (f"{what}[{place}]" if place else what), values[index].item()
