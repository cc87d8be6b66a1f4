"""Brings targets to the form that a loss takes: labels, numbers, or one-hot rows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe import nn
from dlframe.errors import ArgumentError, DTypeError, LabelError
from dlframe.metrics.labels import too_large
from dlframe.nn import functional as F
from dlframe.tensor import Tensor

Loss = Callable[..., Any]
Kinds = tuple[tuple[type[nn.Module], Loss], ...]

# --- kinds of losses ---------------------------------------------------------------------------

LABELS: Kinds = (
    (nn.CrossEntropyLoss, F.cross_entropy),
    (nn.NLLLoss, F.nll_loss),
    (nn.MultiMarginLoss, F.multi_margin_loss),
)
"""Losses whose targets are class numbers, one for each row of scores."""

BINARY: Kinds = (
    (nn.BCELoss, F.binary_cross_entropy),
    (nn.BCEWithLogitsLoss, F.binary_cross_entropy_with_logits),
    (nn.MultiLabelSoftMarginLoss, F.multilabel_soft_margin_loss),
)
"""Losses whose targets are a 0 or 1 for each score."""

DISTANCES: Kinds = (
    (nn.MSELoss, F.mse_loss),
    (nn.L1Loss, F.l1_loss),
    (nn.SmoothL1Loss, F.smooth_l1_loss),
    (nn.HuberLoss, F.huber_loss),
)
"""Losses whose targets are numbers of the output's shape, which it should approach."""

_VALUES: Kinds = (
    *BINARY,
    *DISTANCES,
    (nn.SoftMarginLoss, F.soft_margin_loss),
    (nn.HingeEmbeddingLoss, F.hinge_embedding_loss),
    (nn.PoissonNLLLoss, F.poisson_nll_loss),
    (nn.KLDivLoss, F.kl_div),
)


def core_of(loss: Any) -> Any:
    """The loss inside of `functools.partial` and of bound methods."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    owner = getattr(loss, "__self__", None)
    return owner if isinstance(owner, nn.Module) else loss


def is_one_of(loss: Any, kinds: Kinds) -> bool:
    """Whether it is a loss of these kinds; a subclass with a `forward` of its own is not."""
    core = core_of(loss)
    if isinstance(core, nn.Module):
        kind: Any = type(core)
        return _is_class_of(kind, kinds)
    return any(core is function for _, function in kinds)


@functools.lru_cache(maxsize=256)
def _is_class_of(kind: Any, kinds: Kinds) -> bool:
    return any(issubclass(kind, cls) and kind.forward is cls.forward for cls, _ in kinds)


def name_of(loss: Any) -> str:
    """The name of a loss, for a message."""
    core = core_of(loss)
    return getattr(core, "__name__", type(core).__name__)


# --- the form that a loss takes ----------------------------------------------------------------


def fitted(loss: Any, output: Any, target: Any) -> tuple[Any, Any]:
    """The target as the loss takes it, and as metrics of labels take it.

    >>> output = Tensor(np.zeros((2, 3), np.float32))
    >>> one_hot, labels = fitted(nn.MSELoss(), output, Tensor(np.array([2, 0])))
    >>> one_hot.tolist(), labels.tolist()
    ([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], [2, 0])
    """
    if not (isinstance(output, Tensor) and isinstance(target, Tensor)):
        return target, target
    if is_one_of(loss, LABELS):
        return _labels(loss, output, target)
    if is_one_of(loss, _VALUES):
        return _values(loss, output, target)
    if isinstance(core_of(loss), nn.MultiLabelMarginLoss) and target.array.dtype.kind in "iu":
        target = Tensor(as_int64(target.array, name_of(loss)))
    return target, target


def _labels(loss: Any, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Class numbers as int64, or the probabilities of classes as floats."""
    name = name_of(loss)
    if output.ndim > 1 and output.shape[1] == 1:
        raise ArgumentError(
            f"{name} compares scores of several classes, and the model gives one per sample "
            f"(output{list(output.shape)}): the loss would always be 0. Let the last layer give "
            "one score for each class, or use nn.BCEWithLogitsLoss() for two classes and one score"
        )
    if target.shape == output.shape and is_one_of(loss, LABELS[:1]) and output.ndim > 1:
        probabilities = target.to(output.dtype)
        return probabilities, _from_one_hot(probabilities)
    if target.ndim == output.ndim == 2 and target.shape[1] == 1:
        target = target.reshape(-1)  # a column of labels
    array = target.array
    if array.dtype.kind == "f":
        whole = np.isfinite(array) & (array == np.floor(array))
        if not whole.all():
            bad = array[~whole].flat[0]
            no_label = "a sample has no label"
            hint = no_label if np.isnan(bad) else "for regression use nn.MSELoss()"
            raise DTypeError(
                f"{name}: targets must be labels 0, 1, 2, …; one of y{list(target.shape)} is "
                f"{bad}; {hint}"
            )
    labels = target if array.dtype == np.int64 else Tensor(as_int64(array, name))
    return labels, labels


def as_int64(labels: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    """Labels of another dtype; LabelError for one that int64 does not hold, as casts change it."""
    large = too_large(labels)
    if large is not None:
        raise LabelError(
            f"{name}: targets must be labels 0, 1, 2, …; one of y{list(labels.shape)} is {large}"
        )
    return labels.astype(np.int64)


def _values(loss: Any, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers of the output's dtype and shape; labels become one-hot rows."""
    labels = target
    if target.shape != output.shape:
        classes = output.shape[1] if output.ndim > 1 else 1
        rest = (*output.shape[:1], *output.shape[2:])
        if classes > 1 and _is_whole(target) and is_one_of(loss, (*DISTANCES, *BINARY)):
            if target.ndim == output.ndim == 2 and target.shape[1] == 1:
                target = target.reshape(-1)
            if tuple(target.shape) == rest:
                labels = Tensor(as_int64(target.array, name_of(loss)))
                target = _one_hot(labels, classes, output, name_of(loss))
        elif _is_column_of(target, output) or _is_column_of(output, target):
            target = target.reshape(output.shape)
    elif is_one_of(loss, DISTANCES):
        labels = _from_one_hot(target)
    if target.dtype != output.dtype and output.dtype.kind == "f":
        target = target.to(output.dtype)
    if is_one_of(loss, BINARY):
        _check_share(loss, target)
    return target, labels if labels.shape != target.shape else _or_whole(labels, target)


def _check_share(loss: Any, target: Tensor) -> None:
    """Raise LabelError for targets of a binary loss outside 0 … 1, which would pass unnoticed."""
    array = target.array
    if not array.size or array.dtype.kind not in "iuf" or (array.min() >= 0 and array.max() <= 1):
        return
    low, high = array.min(), array.max()
    if np.isnan(low):
        return  # the loss is NaN, and the message for that names the targets
    hint = "give the model one score for each class, and use nn.CrossEntropyLoss()"
    if low == -1 and high <= 1:
        hint = "turn labels -1 and 1 to 0 and 1: (y + 1) / 2"
    elif low == 1 and high == 2:
        hint = "turn labels 1 and 2 to 0 and 1: y - 1"
    elif low >= 0 and 2 < high <= 255 and array.ndim > 2:
        hint = "divide bytes by 255"
    raise LabelError(
        f"{name_of(loss)}: targets must lie between 0 and 1; those of y{list(target.shape)} go "
        f"from {low:g} to {high:g}; {hint}"
    )


def _or_whole(labels: Tensor, target: Tensor) -> Tensor:
    return labels if labels.array.dtype.kind in "iub" else target


def _is_whole(target: Tensor) -> bool:
    return target.array.dtype.kind in "iub"


def _is_column_of(column: Tensor, row: Tensor) -> bool:
    """Whether one has shape (N, 1) and the other (N,)."""
    return column.ndim == 2 and row.ndim == 1 and tuple(column.shape) == (*row.shape, 1)


def _one_hot(labels: Tensor, classes: int, output: Tensor, name: str) -> Tensor:
    array = labels.array
    if array.size and (array.min() < 0 or array.max() >= classes):
        raise LabelError(
            f"{name}: the targets are labels from {array.min()} to {array.max()}, and "
            f"output{list(output.shape)} has scores for the classes 0 to {classes - 1}"
        )
    rows = np.zeros((*array.shape, classes), output.array.dtype)
    np.put_along_axis(rows, array[..., None], 1, axis=-1)
    return Tensor(np.ascontiguousarray(np.moveaxis(rows, -1, 1)))


def _from_one_hot(target: Tensor) -> Tensor:
    """The labels of one-hot rows; what are other numbers is given back."""
    array = target.array
    if array.ndim < 2 or array.shape[1] < 2 or not array.size:
        return target
    if not (((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()):
        return target
    return Tensor(array.argmax(axis=1))


def class_numbers(loss: Any, labels: Any) -> np.ndarray[Any, Any]:
    """The labels of a batch as integers, for weights of classes; ArgumentError if there are none.

    The shape is that of the loss of each element: (N,), (N, 1) or (N, d1, …).
    """
    array = labels.array if isinstance(labels, Tensor) else np.asarray(labels)
    if array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.floor(array)).all():
        array = as_int64(array, name_of(loss))
    if array.dtype.kind not in "iub":
        raise ArgumentError(
            f"class_weight: {name_of(loss)} has targets that are no labels (dtype {array.dtype}, "
            f"shape {list(array.shape)}); weigh the samples instead: sample_weight="
        )
    if is_one_of(loss, BINARY) and array.ndim > 1 and array.shape[1] > 1:
        raise ArgumentError(
            f"class_weight: with targets{list(array.shape)} of {name_of(loss)} a sample has "
            "several labels; give the loss pos_weight= or weight= instead"
        )
    return as_int64(array, name_of(loss))
