"""Losses. Shapes never broadcast silently, and labels are checked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import dtypes, functions, ops
from dlframe.errors import DTypeError, LabelError, ShapeError
from dlframe.nn.functional.checks import check_range
from dlframe.ops import losses
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array


def mse_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Tensor:
    """Mean squared error, (x - y)².

    Args:
        input, target: tensors of one shape; broadcasting is refused.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: of the same shape, multiplies each square; the mean then divides by its sum.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.mse_loss(dl.tensor([1.0, 2.0]), dl.tensor([1.0, 4.0]))
    tensor(2.)
    """
    input, target = _same_shape("mse_loss", input, target)
    if weight is None:
        return losses.mse_loss(input, target, reduction=_reduction("mse_loss", reduction))  # type: ignore[no-any-return]
    weight, _ = _same_shape("mse_loss: weight", weight, target)
    values = losses.mse_loss(input, target, reduction="none") * weight
    if _reduction("mse_loss", reduction) == "mean":
        return functions.sum(values) / functions.sum(weight)  # type: ignore[no-any-return]
    return functions.sum(values) if reduction == "sum" else values  # type: ignore[no-any-return]


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """Mean absolute error, |x - y|; its gradient at 0 is 0.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.l1_loss(dl.tensor([1.0, 2.0]), dl.tensor([1.0, 4.0]))
    tensor(1.)
    """
    input, target = _same_shape("l1_loss", input, target)
    return losses.l1_loss(input, target, reduction=_reduction("l1_loss", reduction))  # type: ignore[no-any-return]


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """d²/2 where |d| ≤ delta, delta (|d| - delta/2) beyond, for d = x - y (Huber 1964).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.huber_loss(dl.tensor([0.0, 3.0]), dl.tensor([1.0, 0.0]), reduction="none")
    tensor([0.5000, 2.5000])
    """
    if delta <= 0:
        raise ValueError(f"huber_loss does not support non-positive values for delta, got {delta}")
    input, target = _same_shape("huber_loss", input, target)
    return losses.huber_loss(
        input, target, delta=delta, reduction=_reduction("huber_loss", reduction)
    )  # type: ignore[no-any-return]


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """The Huber loss divided by beta: d²/(2 beta) where |d| < beta, else |d| - beta/2 (Girshick 2015).

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.smooth_l1_loss(dl.tensor([0.0, 3.0]), dl.tensor([1.0, 0.0]), reduction="none")
    tensor([0.5000, 2.5000])
    """
    if beta < 0:
        raise ValueError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction)
    return huber_loss(input, target, reduction, beta) / beta


def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """-w (y log x + (1 - y) log(1 - x)) for probabilities x; logarithms are at least -100.

    `binary_cross_entropy_with_logits` is more accurate and needs no sigmoid before it.

    Raises:
        ShapeError: input and target differ in shape.
        ValueError: an input outside [0, 1].

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.binary_cross_entropy(dl.tensor([0.5, 0.5]), dl.tensor([0.0, 1.0]))
    tensor(0.6931)
    """
    input, target = _same_shape("binary_cross_entropy", input, target)
    x = to_array(input)
    outside = ~((x >= 0) & (x <= 1))
    if outside.any():
        raise _OutsideError(
            f"binary_cross_entropy: all elements of input should be between 0 and 1; {int(outside.sum())} are not, the "
            f"first is {x[outside][0]}. Put a sigmoid before it, or use binary_cross_entropy_with_logits."
        )
    reduction = _reduction("binary_cross_entropy", reduction)
    return losses.binary_cross_entropy(
        input, target, _loss_weight(weight, target), reduction=reduction
    )  # type: ignore[no-any-return]


class _OutsideError(ValueError, RuntimeError):
    """PyTorch raises a RuntimeError for it."""


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """-w (p y log σ(x) + (1 - y) log(1 - σ(x))) for logits x, without overflow.

    Args:
        input, target: tensors of one shape.
        weight: multiplies each element's loss; must broadcast to them.
        pos_weight: p, the weight of positive examples; must broadcast to them, usually one per class.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.binary_cross_entropy_with_logits(dl.tensor([0.0, 100.0]), dl.tensor([0.0, 1.0]))
    tensor(0.3466)
    """
    input, target = _same_shape("binary_cross_entropy_with_logits", input, target)
    reduction = _reduction("binary_cross_entropy_with_logits", reduction)
    weights = _loss_weight(weight, target), _loss_weight(pos_weight, target)
    return losses.binary_cross_entropy_with_logits(input, target, *weights, reduction=reduction)  # type: ignore[no-any-return]


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-Σ_c q_c log softmax(x)_c for logits x and targets q.

    Args:
        input: logits of shape (N, C, *), or (C,) without a batch.
        target: class indices of shape (N, *) with values in 0 … C - 1, or probabilities of the input's shape.
        weight: (C,), a weight per class; the mean divides by the weights of the targets.
        ignore_index: targets of this value count for nothing.
        label_smoothing: ε, mixes the target with the uniform distribution: (1 - ε) q + ε / C.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ShapeError: shapes that do not belong together.
        LabelError: a class index outside 0 … C - 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.cross_entropy(dl.tensor([[2.0, 0.0], [0.0, 0.0]]), dl.tensor([0, 1]))
    tensor(0.4100)
    """
    reduction = _reduction("cross_entropy", _legacy_reduction(size_average, reduce, reduction))
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"cross_entropy: label_smoothing must be between 0.0 and 1.0, got {label_smoothing}"
        )
    classes = _classes("cross_entropy", input)
    w = _class_weight("cross_entropy", weight, classes)
    labels = to_array(target)
    if labels.shape == tuple(input.shape) and labels.dtype.kind == "f":
        return _soft_cross_entropy(input, target, w, reduction, label_smoothing)
    labels = _checked_labels("cross_entropy", input, labels, classes, ignore_index)
    return losses.cross_entropy(  # type: ignore[no-any-return]
        input,
        target=labels,
        weight=w,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def _soft_cross_entropy(
    input: Any, target: Any, weight: Array | None, reduction: str, smoothing: float
) -> Any:
    """Cross entropy against probabilities; the mean is over the samples, whatever the class weights."""
    axis = 1 if len(input.shape) > 1 else 0
    logp = ops.log_softmax(input, axis=axis)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input.shape[axis]
    values = logp * target
    if weight is not None:
        shape = [1] * len(input.shape)
        shape[axis] = -1
        values = values * Tensor(weight.reshape(shape).astype(logp.dtype))
    if reduction == "none":
        return -ops.sum(values, axis=axis)
    total = -ops.sum(values)
    return total / (math.prod(input.shape) / input.shape[axis]) if reduction == "mean" else total


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-w_t x_t for log-probabilities x and class indices t; arguments as in `cross_entropy`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.nll_loss(dl.tensor([[-1.0, -2.0]]), dl.tensor([1]))
    tensor(2.)
    """
    reduction = _reduction("nll_loss", _legacy_reduction(size_average, reduce, reduction))
    classes = _classes("nll_loss", input)
    w = _class_weight("nll_loss", weight, classes)
    labels = _checked_labels("nll_loss", input, to_array(target), classes, ignore_index)
    return losses.nll_loss(
        input, target=labels, weight=w, ignore_index=ignore_index, reduction=reduction
    )  # type: ignore[no-any-return]


def hinge_loss(
    input: Any, target: Any, margin: float = 1.0, p: int = 1, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - t x)^p, the loss of support vector machines (Cortes & Vapnik 1995).

    Args:
        input: scores of any shape.
        target: -1 or 1, of the same shape.
        margin: how far on the right side a score must be to cost nothing; 0 gives the perceptron's loss.
        p: 1, or 2 for the squared hinge loss.

    Raises:
        LabelError: a target that is neither -1 nor 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.hinge_loss(dl.tensor([0.5, 2.0]), dl.tensor([1.0, -1.0]), reduction="none")
    tensor([0.5000, 3.0000])
    """
    input, target = _same_shape("hinge_loss", input, target)
    t = to_array(target)
    wrong = np.argwhere((t != 1) & (t != -1))
    if len(wrong):
        at = tuple(int(i) for i in wrong[0])
        raise LabelError(
            f"hinge_loss: targets must be -1 or 1, got {t[at]} at index {list(at)}; map 0 to -1 with 2 t - 1"
        )
    if p not in (1, 2):
        raise ValueError(f"hinge_loss: p must be 1 or 2, got {p}")
    labels = t.astype(input.dtype, copy=False)
    return losses.hinge_loss(
        input, target=labels, margin=margin, p=p, reduction=_reduction("hinge_loss", reduction)
    )  # type: ignore[no-any-return]


def _reduction(name: str, reduction: str) -> str:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"{name}: {reduction!r} is not a valid value for reduction; use 'mean', 'sum' or 'none'"
        )
    return reduction


def _legacy_reduction(size_average: Any, reduce: Any, reduction: str) -> str:
    """PyTorch's former pair of flags, which still come first."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def _same_shape(name: str, input: Any, target: Any) -> tuple[Any, Any]:
    """Both as tensors of one shape and one float dtype. A silent broadcast would average over the wrong pairs."""
    if not isinstance(target, Tensor):
        target = Tensor(np.asarray(target))
    if tuple(input.shape) != tuple(target.shape):
        raise ShapeError(
            f"{name}: input and target must have the same shape, got input{list(input.shape)} and "
            f"target{list(target.shape)}; squeeze(), unsqueeze() or expand() one of them on purpose"
        )
    if input.dtype != target.dtype:
        dtype = dtypes.promote_types(input.dtype, target.dtype)
        input, target = input.to(dtype), target.to(dtype)
    return input, target


def _loss_weight(weight: Any, target: Any) -> Any:
    if weight is None:
        return None
    array = to_array(weight)
    try:
        fits = np.broadcast_shapes(array.shape, target.shape) == tuple(target.shape)
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"a weight of shape {list(array.shape)} does not broadcast to the target's {list(target.shape)}"
        )
    return array.astype(target.dtype, copy=False)


def _classes(name: str, input: Any) -> int:
    if len(input.shape) == 0:
        raise ShapeError(
            f"{name}: input needs a class dimension: (C,), (N, C) or (N, C, *); got a 0-d tensor"
        )
    if not input.is_floating_point():
        raise DTypeError(
            f"{name}: expected floating point logits, got {input.dtype}; convert them with .float()"
        )
    return int(input.shape[1 if len(input.shape) > 1 else 0])


def _class_weight(name: str, weight: Any, classes: int) -> Array | None:
    if weight is None:
        return None
    array = to_array(weight)
    if array.shape != (classes,):
        raise ShapeError(
            f"{name}: weight tensor should be defined for all {classes} classes, got shape {list(array.shape)}"
        )
    return array


def _checked_labels(name: str, input: Any, labels: Array, classes: int, ignore_index: int) -> Array:
    shape = tuple(input.shape)
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if labels.shape != expected:
        raise ShapeError(
            f"{name}: input{list(shape)} needs class indices of shape {list(expected)}, got target{list(labels.shape)}"
            + (
                "; remove the last dimension with squeeze(1)"
                if labels.shape == (*expected, 1)
                else ""
            )
        )
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: class indices must be integers, got {labels.dtype}; convert them with .long(), or give "
            "probabilities of the input's shape"
        )
    check_range(name, "Target", labels, classes, "the input has {} classes", ignore_index)
    return labels.astype(np.int64, copy=False)
