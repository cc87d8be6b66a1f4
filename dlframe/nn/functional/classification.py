"""Losses for classification: targets are class indices, or probabilities of all classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn.functional.checks import constant, reduction_of
from dlframe.nn.locating import warn_of_scores
from dlframe.ops import losses
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.arguments import check_range
from dlframe.tensor.creation import as_tensor

__all__ = ["cross_entropy", "nll_loss"]


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-Σ_c w_c q_c log softmax(x)_c for logits x and targets q.

    Args:
        input: logits of shape (N, C, *), or (C,) without a batch.
        target: class indices of shape (N, *), values in 0 … C - 1 (then q is 1 there, else 0); or
            probabilities q of the input's shape.
        weight: w, of shape (C,). With class indices the mean divides by the weights of the targets.
        size_average, reduce: former names for `reduction`.
        ignore_index: targets of this value are left out.
        reduction: `"mean"`, `"sum"` or `"none"`.
        label_smoothing: ε, mixes q with the uniform distribution: (1 - ε) q + ε / C (Szegedy et
            al. 2016).

    Returns:
        One number, or with `reduction="none"` a tensor of shape (N, *).

    Raises:
        ShapeError: shapes that do not belong together.
        LabelError: a class index outside 0 … C - 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.cross_entropy(dl.tensor([[2.0, 0.0], [0.0, 0.0]]), dl.tensor([0, 1]))
    tensor(0.4100)
    """
    reduction = reduction_of("cross_entropy", size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(
            f"cross_entropy: label_smoothing must be between 0.0 and 1.0, got {label_smoothing}"
        )
    classes = _classes("cross_entropy", input)
    warn_of_scores(
        "cross_entropy", input, "softmax",
        "takes logits and applies log_softmax itself: applied twice, it learns slowly. "
        "Leave the softmax out.",
    )  # fmt: skip
    target = target if isinstance(target, Tensor) else as_tensor(target)
    if target.dtype.kind == "f" and target.shape == input.shape:
        if ignore_index >= 0:
            raise ArgumentError(
                "cross_entropy: ignore_index is not supported for floating point target, got "
                f"{ignore_index}; probabilities that are all 0 count for nothing"
            )
        return _of_probabilities(input, target, weight, reduction, label_smoothing)
    labels = _checked_labels("cross_entropy", input, to_array(target), classes, ignore_index)
    return losses.cross_entropy(
        input,
        target=labels,
        weight=_class_weight("cross_entropy", weight, classes),
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def _of_probabilities(
    input: Tensor, target: Any, weight: Any, reduction: str, smoothing: float
) -> Any:
    """Cross entropy against probabilities; the mean is over the samples, whatever the weights."""
    axis = 1 if len(input.shape) > 1 else 0
    classes = input.shape[axis]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / max(classes, 1)
    values = ops.log_softmax(input, axis=axis) * target
    if weight is not None:
        check_class_weight("cross_entropy", weight, classes)
        shape = [-1 if i == axis else 1 for i in range(len(input.shape))]
        values = values * weight.reshape(shape)
    if reduction == "none":
        return -ops.sum(values, axis=axis)
    total = -ops.sum(values)
    if reduction == "mean":
        rows = math.prod(n for i, n in enumerate(input.shape) if i != axis)
        return total / (rows if classes else math.nan)
    return total


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-w_t x_t for log-probabilities x and class indices t: `cross_entropy` after log_softmax.

    Args:
        input: log-probabilities of shape (N, C, *), or (C,) without a batch.
        target: class indices of shape (N, *), values in 0 … C - 1.
        weight, size_average, ignore_index, reduce, reduction: as in `cross_entropy`.

    Raises:
        ShapeError: shapes that do not belong together.
        LabelError: a class index outside 0 … C - 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.nll_loss(dl.tensor([[-1.0, -2.0]]), dl.tensor([1]))
    tensor(2.)
    """
    reduction = reduction_of("nll_loss", size_average, reduce, reduction)
    classes = _classes("nll_loss", input)
    warn_of_scores(
        "nll_loss", input, "softmax",
        "takes logarithms of probabilities: use log_softmax, or cross_entropy on the logits.",
    )  # fmt: skip
    return losses.nll_loss(
        input,
        target=_checked_labels("nll_loss", input, to_array(target), classes, ignore_index),
        weight=_class_weight("nll_loss", weight, classes),
        ignore_index=ignore_index,
        reduction=reduction,
    )


def _classes(name: str, input: Tensor) -> int:
    """The number of classes."""
    if len(input.shape) == 0:
        raise ShapeError(
            f"{name}: Expected 1 or more dimensions (got 0): (C,), (N, C) or (N, C, *)"
        )
    if input.dtype.kind != "f":
        raise DTypeError(
            f"{name}: not implemented for {input.dtype}: the scores come first, then the labels; "
            "convert scores with .float()"
        )
    return input.shape[1 if len(input.shape) > 1 else 0]


def check_class_weight(name: str, weight: Any, classes: int) -> None:
    if tuple(weight.shape) != (classes,):
        raise ShapeError(
            f"{name}: weight tensor should be defined either for all {classes} classes or no "
            f"classes but got weight tensor of shape: {list(weight.shape)}"
        )


def _class_weight(name: str, weight: Any, classes: int) -> Array | None:
    if weight is None:
        return None
    array = constant(name, "weight", weight)
    check_class_weight(name, array, classes)
    return array


def _advice_on_shape(shape: tuple[int, ...], labels: Array) -> str:
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if labels.shape == (*expected, 1):
        return "; remove the last with squeeze(-1)"
    axis = 1 if len(shape) > 1 else 0
    if labels.shape == shape and labels.dtype.kind in "iu":
        return (
            f"; rows of 0 and 1 are made classes by target.argmax({axis}), and probabilities by "
            "target.float()"
        )
    if len(shape) > 2 and labels.shape == shape[:-1]:
        return "; classes must be the second dimension: input.movedim(-1, 1)"
    return ""


def _checked_labels(
    name: str, input: Tensor, labels: Array, classes: int, ignore_index: int
) -> Array:
    """Class indices as int64 of the right shape, all in range or ignored."""
    shape = tuple(input.shape)
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if labels.shape != expected:
        advice = _advice_on_shape(shape, labels)
        raise ShapeError(
            f"{name}: Expected target size {list(expected)} for input{list(shape)}, got "
            f"target{list(labels.shape)}{advice}"
        )
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: expected class indices to be integers, got {labels.dtype}; convert them with "
            ".long(), or give probabilities of the input's shape"
        )
    check_range(name, "Target", labels, classes, "the input has {} classes", ignore_index)
    return labels.astype(np.int64, copy=False)
