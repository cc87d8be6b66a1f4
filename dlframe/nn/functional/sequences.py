"""The loss of sequences without an alignment."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, LabelError, ShapeError
from dlframe.nn.functional.checks import (
    check_integers,
    constant,
    reduction_of,
)
from dlframe.nn.locating import warn_of_scores
from dlframe.ops.batched import all_examples
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.arguments import check_range, require_floats

__all__ = ["ctc_loss"]

Lengths = Tensor | tuple[int, ...] | list[int]


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log p(target), summed over all alignments of input and target (Graves et al. 2006).

    Args:
        log_probs: log-probabilities as from `log_softmax`, of shape (T, N, C), or (T, C) without a
            batch: for each time the labels, one of which is the blank.
        targets: labels, of shape (N, S) with anything behind the length of each; or all targets
            one after the other, in one dimension. None may be `blank`.
        input_lengths: how many of the T times count, one per sequence; integers.
        target_lengths: how many labels each target has; 0 is allowed.
        blank: the label that stands for none.
        reduction: `"mean"` divides each loss by the length of its target (at least 1), and takes
            the mean over the batch; `"sum"`; `"none"`.
        zero_infinity: let targets cost 0, without gradient, that are too long for their inputs.
            Their loss is infinite otherwise, and its gradient nan.

    Raises:
        ShapeError: shapes or lengths that do not belong together.
        LabelError: a label that is outside 0 … C - 1, or the blank.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> even = F.log_softmax(dl.zeros(4, 1, 3), dim=2)
    >>> F.ctc_loss(even, dl.tensor([[1, 2]]), (4,), (2,), reduction="sum").exp()  # 15 of 81 ways
    tensor(5.4000)
    """
    name = "ctc_loss"
    reduction = reduction_of(name, None, None, reduction)
    require_floats(name, log_probs)
    if len(log_probs.shape) not in (2, 3):
        raise ShapeError(
            f"{name}: expected log_probs of shape (T, N, C), or (T, C) without a batch, got "
            f"{list(log_probs.shape)}"
        )
    _warn_of_logits(name, log_probs)
    batch = log_probs if log_probs.ndim == 3 else ops.expand_dims(log_probs, axis=1)
    times, n, classes = batch.shape
    if not n or not times:
        raise ShapeError(f"{name}: log_probs tensor must not be empty, got {list(log_probs.shape)}")
    if not 0 <= blank < classes:
        raise ArgumentError(f"{name}: blank must be in label range 0 … {classes - 1}, got {blank}")
    ends = _lengths(name, "input_lengths", input_lengths, n, times, "the input has {} times")
    sizes = _lengths(name, "target_lengths", target_lengths, n)
    labels = _labels(name, constant(name, "targets", targets), sizes, n, classes, blank)
    values = ops.ctc_loss(
        batch,
        targets=labels,
        input_lengths=ends,
        target_lengths=sizes,
        blank=blank,
        zero_infinity=zero_infinity,
    )
    if reduction == "none":
        return values if log_probs.ndim == 3 else values[0]
    if reduction == "sum":
        return ops.sum(values)
    return ops.mean(values / np.maximum(sizes, 1).astype(values.dtype))


def _warn_of_logits(name: str, log_probs: Tensor) -> None:
    array = all_examples(log_probs.array)
    if array.size and array.max() > 0.01:
        warnings.warn(
            f"{name}: log_probs has positive numbers up to {float(array.max()):.3g}, so these are "
            "not log-probabilities; put log_softmax(dim=-1) before the loss",
            stacklevel=3,
        )
    warn_of_scores(
        name, log_probs, "softmax", "takes logarithms of probabilities: use log_softmax instead."
    )


def _lengths(
    name: str, what: str, given: Any, n: int, most: int | None = None, where: str = ""
) -> Array:
    lengths = np.atleast_1d(to_array(given))
    if lengths.dtype.kind not in "iu":
        raise DTypeError(f"{name}: {what} must be integral, got {lengths.dtype}")
    if lengths.shape != (n,):
        raise ShapeError(
            f"{name}: {what} must be of size batch_size, one length for each of {n} sequences, got "
            f"{list(lengths.shape)}; log_probs has the shape (T, N, C), with the batch second"
        )
    if lengths.min() < 0 or (most is not None and lengths.max() > most):
        found = lengths.min() if lengths.min() < 0 else lengths.max()
        raise ArgumentError(
            f"{name}: Expected {what} to have value at least 0"
            + ("" if most is None else f" and at most {most} ({where.format(most)})")
            + f", but got value {found}"
        )
    return lengths.astype(np.int64)


def _labels(name: str, targets: Array, sizes: Array, n: int, classes: int, blank: int) -> Array:
    """The targets as rows (N, longest), with zeros behind their ends; all labels checked."""
    check_integers(name, targets)
    longest = int(sizes.max())
    counted = np.arange(longest) < sizes[:, None]
    labels = np.zeros(counted.shape, np.int64)
    if targets.ndim == 1:
        if len(targets) != sizes.sum():
            raise ShapeError(
                f"{name}: targets in one dimension are one behind the other, so their size must "
                f"be the sum of target_lengths: {sizes.sum()}, got {len(targets)}"
            )
        labels[counted] = targets
    elif targets.ndim != 2 or len(targets) != n or targets.shape[1] < longest:
        raise ShapeError(
            f"{name}: Expected targets of shape ({n}, S) with S of at least {longest} (the largest "
            f"of target_lengths), or of one dimension, got {list(targets.shape)}"
        )
    else:
        labels[counted] = targets[:, :longest][counted]
    check_range(name, "label", labels, classes, "log_probs has {} classes")
    wrong = np.argwhere(counted & (labels == blank))
    if len(wrong):
        raise LabelError(
            f"{name}: targets must not contain the blank, {blank}; found in target {wrong[0][0]} "
            f"at place {wrong[0][1]}. Let labels begin at 1, or choose another blank."
        )
    return labels
