"""Losses of numbers and of probabilities; those of classes are in `classification`.

Input and target have one shape: a silent broadcast of (N, 1) against (N,) would average over pairs
that do not belong together. The arguments `size_average` and `reduce` are PyTorch's former names
for `reduction`; they keep their places, and warn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.dtypes import promote_types
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn.functional.checks import (
    check_same_shape,
    check_signs,
    constant,
    reduction_of,
)
from dlframe.nn.locating import warn_of_scores
from dlframe.ops import losses
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.arguments import require_floats
from dlframe.tensor.creation import as_tensor

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "hinge_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
]


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean squared error, (x - y)².

    Args:
        input, target: tensors of one shape.
        reduction: `"mean"`, `"sum"` or `"none"`.
        weight: of the same shape, multiplies each square; the mean then divides by its sum.

    Raises:
        ShapeError: input, target and weight differ in shape.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.mse_loss(dl.tensor([1.0, 2.0]), dl.tensor([1.0, 4.0]))
    tensor(2.)
    """
    reduction = reduction_of("mse_loss", size_average, reduce, reduction)
    input, target = _pair("mse_loss", input, target)
    if weight is None:
        return losses.mse_loss(input, target, reduction=reduction)
    values = _weighted("mse_loss", losses.mse_loss(input, target, reduction="none"), weight)
    if reduction == "mean":
        return values.sum() / weight.sum()
    return losses.reduced(values, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean absolute error, |x - y|; its gradient where x = y is 0. Arguments as in `mse_loss`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.l1_loss(dl.tensor([1.0, 2.0]), dl.tensor([1.0, 4.0]))
    tensor(1.)
    """
    reduction = reduction_of("l1_loss", size_average, reduce, reduction)
    input, target = _pair("l1_loss", input, target)
    if weight is None:
        return losses.l1_loss(input, target, reduction=reduction)
    values = _weighted("l1_loss", losses.l1_loss(input, target, reduction="none"), weight)
    if reduction == "mean":
        return values.sum() / weight.sum()
    return losses.reduced(values, reduction)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """d²/2 where |d| ≤ delta, delta (|d| - delta/2) beyond, for d = x - y (Huber 1964).

    Args:
        input, target: tensors of one shape.
        reduction: `"mean"`, `"sum"` or `"none"`.
        delta: where the parabola turns into lines; positive.
        weight: of the same shape, multiplies each loss; the mean still divides by their number.

    Raises:
        ShapeError: input, target and weight differ in shape.
        ArgumentError: delta is not positive.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.huber_loss(dl.tensor([0.0, 3.0]), dl.tensor([1.0, 0.0]), reduction="none")
    tensor([0.5000, 2.5000])
    """
    if delta <= 0:
        raise ArgumentError(
            f"huber_loss does not support non-positive values for delta, got {delta}"
        )
    reduction = reduction_of("huber_loss", None, None, reduction)
    input, target = _pair("huber_loss", input, target)
    if weight is None:
        return losses.huber_loss(input, target, delta=delta, reduction=reduction)
    values = losses.huber_loss(input, target, delta=delta, reduction="none")
    return losses.reduced(_weighted("huber_loss", values, weight), reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d²/(2 beta) where |d| < beta, |d| - beta/2 beyond, for d = x - y (Girshick 2015).

    It is `huber_loss` divided by its delta, and for beta = 0 it is `l1_loss`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.smooth_l1_loss(dl.tensor([0.0, 3.0]), dl.tensor([1.0, 0.0]), reduction="none")
    tensor([0.5000, 2.5000])
    """
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    reduction = reduction_of("smooth_l1_loss", size_average, reduce, reduction)
    input, target = _pair("smooth_l1_loss", input, target)
    if beta == 0:
        return losses.l1_loss(input, target, reduction=reduction)
    return losses.huber_loss(input, target, delta=beta, reduction=reduction) / beta


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-w (y log x + (1 - y) log(1 - x)) for probabilities x; logarithms are at least -100.

    `binary_cross_entropy_with_logits` is more accurate and needs no sigmoid before it.

    Args:
        input, target: tensors of one shape with values in [0, 1].
        weight: w, which must broadcast to that shape.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: input and target differ in shape.
        ArgumentError: a value outside [0, 1].

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.binary_cross_entropy(dl.tensor([0.5, 0.5]), dl.tensor([0.0, 1.0]))
    tensor(0.6931)
    """
    name = "binary_cross_entropy"
    reduction = reduction_of(name, size_average, reduce, reduction)
    if isinstance(target, Tensor) and input.dtype != target.dtype:
        raise DTypeError(
            f"{name}: found target of dtype {target.dtype} but expected {input.dtype}; convert it "
            "with .to(input.dtype)"
        )
    input, target = _pair(name, input, target)
    advice = "; put a sigmoid before it, or use binary_cross_entropy_with_logits"
    _check_probabilities(name, "input", to_array(input), advice)
    _check_probabilities(name, "target", to_array(target))
    w = _factors(name, "weight", weight, target)
    return losses.binary_cross_entropy(input, target, w, reduction=reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """-w (p y log σ(x) + (1 - y) log(1 - σ(x))) for logits x, without overflow.

    Args:
        input, target: tensors of one shape.
        weight: w, multiplies each element's loss; must broadcast to them.
        reduction: `"mean"`, `"sum"` or `"none"`.
        pos_weight: p, the weight of positive examples; must broadcast to them, often one per class.

    Raises:
        ShapeError: input and target differ in shape.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.binary_cross_entropy_with_logits(dl.tensor([0.0, 100.0]), dl.tensor([0.0, 1.0]))
    tensor(0.3466)
    """
    name = "binary_cross_entropy_with_logits"
    reduction = reduction_of(name, size_average, reduce, reduction)
    warn_of_scores(
        name, input, "sigmoid",
        "takes logits and applies the sigmoid itself: applied twice, it learns slowly. Leave the "
        "sigmoid out.",
    )  # fmt: skip
    input, target = _pair(name, input, target)
    w = _factors(name, "weight", weight, target)
    p = _factors(name, "pos_weight", pos_weight, target)
    return losses.binary_cross_entropy_with_logits(input, target, w, p, reduction=reduction)


def hinge_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, p: int = 1, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - t x)^p, the loss of support vector machines (Cortes & Vapnik 1995).

    PyTorch only has the form for several classes (`multi_margin_loss`).

    Args:
        input: scores of any shape.
        target: -1 or 1, of the same shape.
        margin: how large t x must be to cost nothing; 0 gives the perceptron's loss.
        p: 1, or 2 for the squared hinge loss.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: input and target differ in shape.
        LabelError: a target that is neither -1 nor 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.hinge_loss(dl.tensor([0.5, 2.0]), dl.tensor([1.0, -1.0]), reduction="none")
    tensor([0.5000, 3.0000])
    """
    reduction = reduction_of("hinge_loss", None, None, reduction)
    if p not in (1, 2):
        raise ArgumentError(f"hinge_loss: p must be 1 or 2, got {p}")
    input, target = _pair("hinge_loss", input, target)
    t = constant("hinge_loss", "target", target)
    check_signs("hinge_loss", t)
    return losses.hinge_loss(input, target=t, margin=margin, p=p, reduction=reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-t x)), the logistic loss of two classes.

    Args:
        input: scores of any shape.
        target: -1 or 1, of the same shape.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: input and target differ in shape.
        LabelError: a target that is neither -1 nor 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.soft_margin_loss(dl.tensor([0.0, 2.0]), dl.tensor([1.0, -1.0]), reduction="none")
    tensor([0.6931, 2.1269])
    """
    reduction = reduction_of("soft_margin_loss", size_average, reduce, reduction)
    input, target = _pair("soft_margin_loss", input, target)
    t = constant("soft_margin_loss", "target", target)
    check_signs("soft_margin_loss", t)
    return losses.soft_margin_loss(input, target=t, reduction=reduction)


# --- what they share ---------------------------------------------------------------------------


def _pair(name: str, input: Tensor, target: Any) -> tuple[Any, Any]:
    """Both tensors, checked to have one shape, in one float dtype."""
    if not isinstance(target, Tensor):
        target = as_tensor(target)
    check_same_shape(name, input.shape, target.shape)
    if input.dtype is not target.dtype:
        dtype = promote_types(input.dtype, target.dtype)
        input, target = input.to(dtype), target.to(dtype)
    require_floats(name, input)
    return input, target


def _weighted(name: str, values: Any, weight: Tensor) -> Any:
    if weight.shape != values.shape:
        raise ShapeError(
            f"{name}: weight and input must have the same shape, got weight{list(weight.shape)} "
            f"and input{list(values.shape)}"
        )
    return values * weight


def _check_probabilities(name: str, what: str, x: Array, advice: str = "") -> None:
    inside = (x >= 0) & (x <= 1)
    if not inside.all():
        at = tuple(int(i) for i in np.argwhere(~inside)[0])
        raise ArgumentError(
            f"{name}: all elements of {what} should be between 0 and 1, got {x[at]} at index "
            f"{list(at)}{advice}"
        )


def _factors(name: str, what: str, value: Any, target: Any) -> Any:
    """The factors of the elements as an array, which must broadcast to `target`."""
    if value is None:
        return None
    array = constant(name, what, value)
    try:
        fits = np.broadcast_shapes(array.shape, target.shape) == tuple(target.shape)
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{name}: {what}{list(array.shape)} does not broadcast to target{list(target.shape)}"
        )
    return array.astype(target.dtype, copy=False)
