"""Losses: numbers that measure how far the outputs are from the targets.

All take `reduction="mean"` (the default), `"sum"` or `"none"`, and PyTorch's older pair of
flags, `size_average` and `reduce`. None broadcasts: different shapes are an error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import ops
from dlframe.nn import functional as F
from dlframe.nn.functional import checks
from dlframe.nn.module import Module
from dlframe.ops import losses
from dlframe.tensor import Tensor, to_array

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "HuberLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
]


class _Loss(Module):
    """The base class of losses: it stores `reduction`."""

    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = checks.reduction_by_flags(size_average, reduce)
        self.reduction = reduction

    def _register_weight(self, name: str, weight: Any) -> None:
        """Weights are buffers, so that they are cast and saved with the loss."""
        if weight is not None and not isinstance(weight, Tensor):
            weight = Tensor(np.asarray(weight))
        self.register_buffer(name, weight)


class MSELoss(_Loss):
    """(x - t)²: the mean squared error. Outputs and targets have one shape.

    Formula: `dlframe/ops/losses.py`, mse_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.MSELoss()(dl.tensor([1.0, 2.0]), dl.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of outputs `input`."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """|x - t|: the mean absolute error. Outputs and targets have one shape.

    Formula: `dlframe/ops/losses.py`, l1_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.L1Loss()(dl.tensor([1.0, 2.0]), dl.tensor([1.0, 4.0]))
    tensor(1.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of outputs `input`."""
        return F.l1_loss(input, target, reduction=self.reduction)


class HuberLoss(_Loss):
    """d²/2 where |d| ≤ delta, else delta · (|d| - delta/2), for d = x - t. Huber (1964).

    Formula: `dlframe/ops/losses.py`, huber_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.HuberLoss(reduction="none")(dl.tensor([0.0, 3.0]), dl.tensor([1.0, 0.0]))
    tensor([0.5000, 2.5000])
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of outputs `input`."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SmoothL1Loss(_Loss):
    """d²/(2 beta) where |d| < beta, else |d| - beta/2, for d = x - t: `HuberLoss` divided by beta.

    Girshick (2015), "Fast R-CNN".

    Formula: `dlframe/ops/losses.py`, huber_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.SmoothL1Loss(reduction="none", beta=2.0)(dl.tensor([1.0, 3.0]), dl.tensor([0.0, 0.0]))
    tensor([0.2500, 2.0000])
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of outputs `input`."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class BCELoss(_Loss):
    """-w (t log x + (1 - t) log(1 - x)) for probabilities x; logarithms below -100 count as -100.

    `BCEWithLogitsLoss`, without a sigmoid before it, is more accurate. `weight` must broadcast to
    the targets.

    Formula: `dlframe/ops/losses.py`, binary_cross_entropy.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.BCELoss()(dl.tensor([0.5, 0.5]), dl.tensor([0.0, 1.0]))
    tensor(0.6931)
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self._register_weight("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of probabilities `input`."""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """-w (p t log σ(x) + (1 - t) log(1 - σ(x))) for logits x, computed without overflow.

    `weight` w and `pos_weight` p, the weight of positive examples, must broadcast to
    the targets.

    Formula: `dlframe/ops/losses.py`, binary_cross_entropy_with_logits.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.BCEWithLogitsLoss()(dl.tensor([0.0, 100.0]), dl.tensor([0.0, 1.0]))
    tensor(0.3466)
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self._register_weight("weight", weight)
        self._register_weight("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits `input`."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class NLLLoss(_Loss):
    """-w_t · x_t for log-probabilities x and classes t, as after `LogSoftmax`.

    Shapes: x is (N, C, *) or (C,), t is (N, *) or (), of integers from 0 to C - 1. `weight` is
    (C,); the mean divides by the sum of the weights. Targets of `ignore_index` do not count.

    Formula: `dlframe/ops/losses.py`, nll_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.NLLLoss()(dl.tensor([[-1.0, -2.0], [-3.0, -4.0]]), dl.tensor([1, 0]))
    tensor(2.5000)
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self._register_weight("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log-probabilities `input`."""
        return F.nll_loss(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class CrossEntropyLoss(_Loss):
    """-Σ_c w_c · q_c · log softmax(x)_c for logits x and targets q, for classifiers.

    Shapes: x is (N, C, *) or (C,). Targets are classes, (N, *) or (), of integers from 0 to C - 1
    (then q is 1 for the class and 0 elsewhere), or probabilities of x's shape.

    Args:
        weight: (C,), the weight of each class; for classes, the mean divides by their sum.
        size_average: see `reduction`.
        ignore_index: targets of this class do not count.
        reduce: see `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.
        label_smoothing: ε mixes the targets with the uniform distribution: (1 - ε) q + ε / C.

    Formula: `dlframe/ops/losses.py`, cross_entropy.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.CrossEntropyLoss()(dl.tensor([[2.0, 0.0], [0.0, 0.0]]), dl.tensor([0, 1]))
    tensor(0.4100)
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self._register_weight("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of logits `input`."""
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class HingeLoss(_Loss):
    """max(0, margin - t · x)^p for scores x and targets t of -1 or 1. Cortes and Vapnik (1995).

    The loss of support vector machines; `p=2` gives the squared hinge, `margin=0` the
    perceptron's loss. Scores and targets have one shape. PyTorch does not have this class.

    Formula: `dlframe/ops/losses.py`, hinge_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.HingeLoss(reduction="none")(dl.tensor([0.5, 2.0]), dl.tensor([1.0, -1.0]))
    tensor([0.5000, 3.0000])
    """

    def __init__(self, margin: float = 1.0, p: int = 1, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin
        self.p = p

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `input`."""
        return F.hinge_loss(input, target, self.margin, self.p, self.reduction)


class SoftMarginLoss(_Loss):
    """log(1 + exp(-t · x)) for scores x and targets t of -1 or 1: the logistic loss.

    Formula: `dlframe/ops/losses.py`, soft_margin_loss.

    `BCEWithLogitsLoss` with targets of -1 instead of 0. Scores and targets have one shape.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.SoftMarginLoss(reduction="none")(dl.tensor([0.0, 2.0]), dl.tensor([1.0, -1.0]))
    tensor([0.6931, 2.1269])
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `input`."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class HingeEmbeddingLoss(_Loss):
    """x where t = 1, max(0, margin - x) where t = -1: for distances x of similar and other pairs.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> loss = nn.HingeEmbeddingLoss(reduction="none")
    >>> loss(dl.tensor([0.25, 0.25]), dl.tensor([1.0, -1.0]))
    tensor([0.2500, 0.7500])
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of distances `input`."""
        name = type(self).__name__
        reduction = checks.reduction_of(name, None, None, self.reduction)
        signs = to_array(target)
        checks.check_same_shape(name, tuple(input.shape), signs.shape)
        checks.check_signs(name, signs)
        values = ops.where(signs == 1, input, ops.relu(self.margin - input))
        return losses.reduced(values, reduction)  # type: ignore[no-any-return]
