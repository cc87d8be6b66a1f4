"""Losses of margins: the right answer should be ahead by so much, and then costs nothing.

For a score with a sign there are `hinge_loss` and `soft_margin_loss`. Of the scores of classes
`crammer_singer_loss` looks at the best wrong one and `weston_watkins_loss` at all of them;
`multi_margin_loss` is PyTorch's form of the latter. Those with "multilabel" are for several right
classes at once.
"""

from __future__ import annotations

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DimensionError, ShapeError
from dlframe.nn.functional.checks import (
    check_class_targets,
    check_integers,
    check_signs,
    constant,
    pair,
    reduction_of,
)
from dlframe.nn.functional.loss import factors
from dlframe.ops import losses, margins
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.arguments import check_range, require_floats

__all__ = [
    "crammer_singer_loss",
    "hinge_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "weston_watkins_loss",
]


# --- a score and its sign ----------------------------------------------------------------------


def hinge_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, p: int = 1, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - t x)^p, the loss of support vector machines (Cortes & Vapnik 1995).

    PyTorch only has a form for several classes (`multi_margin_loss`).

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
    _check_power("hinge_loss", p)
    input, target = pair("hinge_loss", input, target)
    t = constant("hinge_loss", "target", target)
    check_signs("hinge_loss", t)
    return margins.hinge_loss(input, target=t, margin=margin, p=p, reduction=reduction)


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
    input, target = pair("soft_margin_loss", input, target)
    t = constant("soft_margin_loss", "target", target)
    check_signs("soft_margin_loss", t)
    return margins.soft_margin_loss(input, target=t, reduction=reduction)


# --- one of several classes --------------------------------------------------------------------


def crammer_singer_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, p: int = 1, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - x_t + max_{j≠t} x_j)^p: the right class against the best wrong one.

    It is `hinge_loss` for the difference of these two scores (Crammer & Singer 2001). PyTorch does
    not have it.

    Args:
        input: scores of shape (N, C), or (C,) without a batch; two classes or more.
        target: the right classes, of shape (N,), values in 0 … C - 1.
        margin: how far the right class must be ahead; 0 gives the perceptron's loss for classes.
        p: 1, or 2 for the squared loss.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: shapes that do not belong together.
        LabelError: a class outside 0 … C - 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> scores = dl.tensor([[2.0, 0.5, 1.5], [0.0, 1.0, 3.0]])
    >>> F.crammer_singer_loss(scores, dl.tensor([0, 1]), reduction="none")
    tensor([0.5000, 3.0000])
    """
    name = "crammer_singer_loss"
    reduction = reduction_of(name, None, None, reduction)
    _check_power(name, p)
    require_floats(name, input)
    right = check_class_targets(name, input, target)[..., None]
    if input.shape[-1] < 2:
        raise ShapeError(f"{name}: expected two classes or more, got input{list(input.shape)}")
    others = to_array(input).copy()
    np.put_along_axis(others, right, -np.inf, axis=-1)
    rival = others.argmax(-1)[..., None]
    ahead = ops.take_along_axis(input, right, axis=-1) - ops.take_along_axis(input, rival, axis=-1)
    ahead = ahead.squeeze(-1)
    one = np.ones(ahead.shape, input.dtype)
    return margins.hinge_loss(ahead, target=one, margin=margin, p=p, reduction=reduction)


def weston_watkins_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, p: int = 1, reduction: str = "mean"
) -> Tensor:
    """Σ_{j≠t} max(0, margin - x_t + x_j)^p: the right class against each wrong one.

    It is C times `multi_margin_loss`, which divides by the number of classes (Weston & Watkins
    1999). PyTorch does not have it.

    Arguments and errors as in `crammer_singer_loss`.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> scores = dl.tensor([[2.0, 0.5, 1.5], [0.0, 1.0, 3.0]])
    >>> F.weston_watkins_loss(scores, dl.tensor([0, 1]), reduction="none")
    tensor([0.5000, 3.0000])
    """
    name = "weston_watkins_loss"
    reduction = reduction_of(name, None, None, reduction)
    _check_power(name, p)
    require_floats(name, input)
    right = check_class_targets(name, input, target)
    values = margins.multi_margin_loss(input, target=right, margin=margin, p=p, reduction=reduction)
    return values * input.shape[-1]


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """w_t / C · Σ_{j≠t} max(0, margin - x_t + x_j)^p for scores x and the right class t.

    Args:
        input: scores of shape (N, C), or (C,) without a batch.
        target: the right classes, of shape (N,), values in 0 … C - 1.
        p: 1 or 2.
        margin: how far the right class must be ahead of each other one.
        weight: w, of shape (C,). The mean is over the samples, whatever the weights.
        size_average, reduce: former names for `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: shapes that do not belong together.
        LabelError: a class outside 0 … C - 1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.multi_margin_loss(dl.tensor([[0.1, 0.2, 0.4, 0.8]]), dl.tensor([3]))
    tensor(0.3250)
    """
    name = "multi_margin_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    _check_power(name, p)
    require_floats(name, input)
    if len(input.shape) == 1 and np.shape(target) == (1,):
        input = ops.expand_dims(input, axis=0)
    right = check_class_targets(name, input, target)
    w = None if weight is None else constant(name, "weight", weight)
    if w is not None and w.shape != (input.shape[-1],):
        raise ShapeError(
            f"{name}: inconsistent weight size, weight must be one-dimensional with one entry for "
            f"each of {input.shape[-1]} classes, got {list(w.shape)}"
        )
    return margins.multi_margin_loss(
        input, target=right, weight=w, margin=margin, p=p, reduction=reduction
    )


# --- several classes at once -------------------------------------------------------------------


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ_j Σ_i max(0, 1 - x_j + x_i) / C over the right classes j and the wrong classes i.

    Args:
        input: scores of shape (N, C), or (C,) without a batch.
        target: integers of the same shape. A row begins with the right classes; -1 ends the list,
            and what follows is not read.
        size_average, reduce: former names for `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: input and target differ in shape.
        LabelError: a class outside 0 … C - 1, before the first -1.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.multilabel_margin_loss(dl.tensor([[0.1, 0.2, 0.4, 0.8]]), dl.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """
    name = "multilabel_margin_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    require_floats(name, input)
    shape, given = tuple(input.shape), to_array(target)
    if len(shape) not in (1, 2):
        raise ShapeError(f"{name}: expected scores of shape (N, C) or (C,), got {list(shape)}")
    if not shape[-1]:
        raise ShapeError(f"{name}: expected at least one class, got scores of shape {list(shape)}")
    if given.shape != shape:
        raise ShapeError(
            f"{name}: inconsistent target size: {list(given.shape)} for input of size: "
            f"{list(shape)}; fill each row with -1 behind its classes"
        )
    check_integers(name, given)
    labels, listed = _listed(name, given, shape[-1])
    return margins.multilabel_margin_loss(input, labels=labels, listed=listed, reduction=reduction)


def _listed(name: str, target: Array, classes: int) -> tuple[Array, Array]:
    """The classes of each row up to the first -1, and which entries these are: (N, most)."""
    listed = np.logical_and.accumulate(target != -1, axis=-1)
    most = max(int(listed.sum(-1).max(initial=0)), 1) if classes else 0
    labels, listed = target[..., :most].astype(np.int64), listed[..., :most]
    labels = np.where(listed, labels, 0)
    check_range(name, "target", labels, classes, "the input has {} classes")
    return labels, listed


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean of -w (t log σ(x) + (1 - t) log σ(-x)) over the classes of each sample.

    It is `binary_cross_entropy_with_logits`, averaged over the last dimension first.

    Args:
        input: logits of shape (*, C).
        target: from 0 to 1, of the same shape.
        weight: w, which must broadcast to that shape, often one per class.
        size_average, reduce: former names for `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Raises:
        ShapeError: input and target differ in shape.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> F.multilabel_soft_margin_loss(dl.tensor([[0.0, 4.0]]), dl.tensor([[1.0, 0.0]]))
    tensor(2.3556)
    """
    name = "multilabel_soft_margin_loss"
    reduction = reduction_of(name, size_average, reduce, reduction)
    input, target = pair(name, input, target)
    if not input.shape:
        raise DimensionError(f"{name}: expected scores of shape (*, C), got a single number")
    values = losses.binary_cross_entropy_with_logits(input, target, None, None, reduction="none")
    if weight is not None:  # differentiable here, as in PyTorch
        factors(name, "weight", to_array(weight), target)
        values = values * weight
    return losses.reduced(ops.mean(values, axis=-1), reduction)


def _check_power(name: str, p: int) -> None:
    if p not in (1, 2):
        raise ArgumentError(f"{name}: only p == 1 and p == 2 supported: p must be 1 or 2, got {p}")
