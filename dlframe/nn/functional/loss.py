"""Losses of numbers and of probabilities; those of classes are in `classification`.

Input and target have one shape: a silent broadcast of (N, 1) against (N,) would average over pairs
that do not belong together. The arguments `size_average` and `reduce` are PyTorch's former names
for `reduction`; they keep their places, and warn.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.autograd import no_grad
from dlframe.dtypes import get_default_dtype
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn.functional.checks import (
    check_same_shape,
    constant,
    pair,
    reduction_of,
)
from dlframe.nn.locating import warn_of_scores
from dlframe.ops import losses
from dlframe.ops.batched import all_examples
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.creation import as_tensor, full_like

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
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
    input, target = pair("mse_loss", input, target)
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
    input, target = pair("l1_loss", input, target)
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
    input, target = pair("huber_loss", input, target)
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
    input, target = pair("smooth_l1_loss", input, target)
    if beta == 0:
        return losses.l1_loss(input, target, reduction=reduction)
    return losses.huber_loss(input, target, delta=beta, reduction=reduction) / beta


# --- distributions -----------------------------------------------------------------------------


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """t (log t - x), the Kullback-Leibler divergence, for log-probabilities x and probabilities t.

    Args:
        input: log-probabilities, as from `log_softmax`.
        target: probabilities of the same shape; or their logarithms, with `log_target`.
        size_average, reduce: former names for `reduction`.
        reduction: `"batchmean"` divides the sum by the size of the first dimension, and so gives
            the divergence per sample. `"mean"` divides by the number of elements, which no formula
            asks for; it warns, as PyTorch does. `"sum"` and `"none"` as everywhere.
        log_target: whether `target` are log-probabilities.

    Raises:
        ShapeError: input and target differ in shape.
        ArgumentError: a negative probability.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> x = F.log_softmax(dl.tensor([[0.0, 0.0]]), dim=1)
    >>> F.kl_div(x, dl.tensor([[0.9, 0.1]]), reduction="batchmean")
    tensor(0.3681)
    """
    name = "kl_div"
    if size_average is None and reduce is None and reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. "
            "'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition. PyTorch intends to give 'mean' the meaning of 'batchmean'.",
            stacklevel=2,
        )
    each = "sum" if reduction == "batchmean" else reduction
    total = divergence(input, target, reduction_of(name, size_average, reduce, each), log_target)
    if reduction == "batchmean" and input.ndim:
        return total / input.shape[0]
    return total


def divergence(input: Any, target: Any, reduction: str, log_target: bool) -> Any:
    """`kl_div` with all arguments given; it does not warn of the mean."""
    name = "kl_div"
    for what, given in (("input", input), ("target", target)):
        if isinstance(given, Tensor) and given.dtype.kind != "f":
            raise DTypeError(f"{name}: Integral inputs not supported, got {what} {given.dtype}")
    input, target = pair(name, input, target)
    warn_of_scores(
        name, input, "softmax", "takes logarithms of probabilities: use log_softmax instead."
    )
    if log_target:
        values = ops.exp(target) * (target - input)
    else:
        _check_counts(name, target, "probabilities; for log-probabilities pass log_target=True")
        values = ops.xlogy(target, target) - target * input
    return losses.reduced(values, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """½ (log v + (x - y)² / v): how improbable y is for a normal distribution (x, v).

    Args:
        input: the mean x of each distribution.
        target: what was measured, of the same shape.
        var: the variance v, of the same shape; or one for each row, (N,) or (N, 1) for (N, D); or a
            number for all. Not negative.
        full: add ½ log 2π, which is constant.
        eps: variances below count as this. Their gradient is that at `eps`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: input and target differ in shape, or var fits neither way.
        ArgumentError: a negative variance.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.gaussian_nll_loss(dl.tensor([0.0]), dl.tensor([2.0]), dl.tensor([4.0]))
    tensor(1.1931)
    """
    name = "gaussian_nll_loss"
    reduction = reduction_of(name, None, None, reduction)
    if isinstance(var, (int, float)):
        var = full_like(input, var)
    if (to_array(var) < 0).any():
        raise ArgumentError(
            f"{name}: var has negative entry/entries; let the model give its logarithm, and pass "
            "exp() of it (or use softplus)"
        )
    target = as_tensor(target)
    check_same_shape(name, input.shape, target.shape)
    v = _fitting_variance(name, input.shape, var).clone()
    with no_grad():
        v.clamp_(min=eps)  # past the graph: what lies below eps keeps its gradient
    values = 0.5 * (ops.log(v) + (input - target) ** 2 / v)
    if full:
        values = values + 0.5 * math.log(2 * math.pi)
    return losses.reduced(values, reduction)


def _fitting_variance(name: str, shape: tuple[int, ...], var: Tensor) -> Tensor:
    """`var`, with a dimension for the numbers of a row if it has none."""
    if var.shape == shape:
        return var
    if var.shape == shape[:-1]:
        return var.unsqueeze(-1)
    one_for_each_row = [b for a, b in zip(shape, var.shape, strict=False) if a != b] == [1]
    if len(var.shape) != len(shape) or not one_for_each_row:
        raise ShapeError(
            f"{name}: var is of incorrect size: expected {list(shape)}, {list(shape[:-1])} (one "
            f"variance for each row) or {[*shape[:-1], 1]}, got {list(var.shape)}"
        )
    return var


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """exp(x) - y x: how improbable the count y is for a Poisson distribution of rate exp(x).

    Args:
        input: the logarithm of the rate; or the rate itself, with `log_input=False`.
        target: counts, of the same shape; not negative.
        log_input: if False, x - y log(x + eps) is computed.
        full: add log y!, by Stirling's formula, for y > 1.
        size_average, reduce: former names for `reduction`.
        eps: keeps the logarithm finite for `log_input=False`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: input and target differ in shape.
        ArgumentError: a negative count.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.poisson_nll_loss(dl.tensor([0.0, 1.0]), dl.tensor([1.0, 3.0]), reduction="none")
    tensor([ 1.0000, -0.2817])
    """
    name = "poisson_nll_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    target = as_tensor(target)
    if input.dtype.kind != "f" and target.dtype.kind != "f":
        input = input.to(get_default_dtype())
    input, target = pair(name, input, target)
    _check_counts(name, target, "counts")
    if log_input:
        values = ops.exp(input) - target * input
    else:
        values = input - target * ops.log(input + eps)
    if full:
        some = ops.where(target > 1, target, 1.0)  # log y! is 0 for 0 and 1
        stirling = some * ops.log(some) - some + 0.5 * ops.log(2 * math.pi * some)
        values = values + ops.where(target > 1, stirling, 0.0)
    return losses.reduced(values, reduction)


# --- probabilities of two classes --------------------------------------------------------------


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
    input, target = pair(name, input, target)
    advice = "; put a sigmoid before it, or use binary_cross_entropy_with_logits"
    _check_probabilities(name, "input", to_array(input), advice)
    _check_probabilities(name, "target", to_array(target))
    w = factors(name, "weight", weight, target)
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
    input, target = pair(name, input, target)
    w = factors(name, "weight", weight, target)
    p = factors(name, "pos_weight", pos_weight, target)
    return losses.binary_cross_entropy_with_logits(input, target, w, p, reduction=reduction)


# --- what they share ---------------------------------------------------------------------------


def _weighted(name: str, values: Any, weight: Tensor) -> Any:
    if weight.shape != values.shape:
        raise ShapeError(
            f"{name}: weight and input must have the same shape, got weight{list(weight.shape)} "
            f"and input{list(values.shape)}"
        )
    return values * weight


def _check_counts(name: str, target: Tensor, what: str) -> None:
    array = all_examples(to_array(target))
    if array.size and array.min() < 0:
        at = tuple(int(i) for i in np.argwhere(array < 0)[0])
        raise ArgumentError(
            f"{name}: target must not be negative, got {array[at]} at index {list(at)}; it holds "
            f"{what}"
        )


def _check_probabilities(name: str, what: str, x: Array, advice: str = "") -> None:
    inside = (x >= 0) & (x <= 1)
    if not inside.all():
        at = tuple(int(i) for i in np.argwhere(~inside)[0])
        raise ArgumentError(
            f"{name}: all elements of {what} should be between 0 and 1, got {x[at]} at index "
            f"{list(at)}{advice}"
        )


def factors(name: str, what: str, value: Any, target: Any) -> Any:
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
