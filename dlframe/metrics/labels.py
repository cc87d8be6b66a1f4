"""Turns a model's outputs into class labels, and checks labels.

There are three kinds of output. The shapes of output and target tell which one it is:

===================  ==========  ===============================================================
output               target      meaning
===================  ==========  ===============================================================
(N, C, d1, …)        (N, d1, …)  scores of C ≥ 2 classes: the highest along dim 1 wins
floats (N,), (N, 1)  (N,)        one score per sample: class 1 above the threshold, else class 0
integers, booleans   same shape  labels already
===================  ==========  ===============================================================

The threshold is 0, since a logit of 0 means a probability of one half. For probabilities pass
`threshold=0.5`, or pass labels: `probabilities > 0.5`. Scores that look like probabilities where no
threshold is given raise a warning, because with 0 they would all be class 1.
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
    ignore_index: int | None = None,
) -> LabelPair:
    """Predicted and true labels, one of each per sample, without targets equal to `ignore_index`.

    `threshold=None` is 0, with a warning if the scores look like probabilities. Shapes are those of
    the table above. Raises LabelError for a label outside its range (with its index, its value and
    the range), and ShapeError for shapes that are not in the table.

        >>> label_pair(np.array([[0.1, 2.0], [3.0, 1.0]]), np.array([1, 1])).predicted
        array([1, 0])
    """
    scores, truth = number_array(output, "output"), to_array(target)
    true = whole_numbers(truth, "target")
    predicted, implied = _predicted(scores, truth, threshold)
    if implied is not None and num_classes not in (None, implied):
        raise ShapeError(
            f"metrics: output{scores.shape} has scores for {implied} classes, "
            f"but num_classes is {num_classes}"
        )
    classes = implied if num_classes is None else num_classes
    counted = np.ones(true.shape, bool) if ignore_index is None else true != ignore_index
    check_labels(true, classes, "target", where=counted)
    if implied is None:
        check_labels(predicted, classes, "predictions", where=counted)
    return LabelPair(predicted[counted], true[counted], classes)


def _predicted(scores: Array, target: Array, threshold: float | None) -> tuple[Labels, int | None]:
    """The predicted labels in the target's shape, and the number of classes, if known."""
    ready = scores.dtype.kind in "iub"
    if ready and scores.shape == target.shape:
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
        if look_like_probabilities(scores) and (target == 0).any() and (target == 1).any():
            warnings.warn(
                "metrics: all scores lie in [0, 1], as probabilities do, and are compared with 0, "
                "as logits are. If they are probabilities, pass threshold=0.5 or labels "
                "(probabilities > 0.5); if they are logits, pass threshold=0",
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
        return (
            f"{message}: for one-hot targets pass target.argmax(1); "
            "for one logit per element pass labels, output > 0"
        )
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
        return values.astype(np.int64, copy=False)
    if values.dtype.kind != "f":
        raise DTypeError(f"metrics: {what} must hold class labels, got dtype {values.dtype}")
    # abs < 2**62 also refuses NaN and infinity, for which the cast would be undefined
    whole = (values == np.floor(values)) & (np.abs(values) < 2**62)
    if not whole.all():
        name, value = _first(values, ~whole, what)
        raise LabelError(
            f"metrics: {name} is {value}; class labels are whole numbers. "
            "For probabilities as targets pass target.argmax(1), or target > 0.5."
        )
    return values.astype(np.int64)


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
    if num_classes is None:
        raise LabelError(f"metrics: {name} is {value}; labels start at 0")
    raise LabelError(
        f"metrics: {name} is {value}; with {num_classes} classes labels run "
        f"from 0 to {num_classes - 1}"
    )


def _first(values: Array, bad: NDArray[np.bool_], what: str) -> tuple[str, Any]:
    """The name, as in `target[3, 0]`, and the value of the first bad entry."""
    index = np.unravel_index(int(bad.argmax()), bad.shape)
    place = ", ".join(str(i) for i in index)
    return (f"{what}[{place}]" if place else what), values[index].item()
