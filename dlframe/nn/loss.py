"""Losses: numbers that measure how far the outputs are from the targets.

Here are those of numbers, distributions, probabilities and classes. Margins are in
`nn.margin_loss`, pairs and triples in `nn.pair_loss`, sequences and large vocabularies in
`nn.sequence_loss`.

All take `reduction="mean"` (the default), `"sum"` or `"none"`, and PyTorch's older pair of
flags, `size_average` and `reduce`. None broadcasts: different shapes are an error.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from dlframe.nn import functional as F
from dlframe.nn.functional import checks
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "NLLLoss2d",
    "PoissonNLLLoss",
    "SmoothL1Loss",
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


class KLDivLoss(_Loss):
    """t (log t - x) for log-probabilities x and probabilities t: the Kullback-Leibler divergence.

    Summed over the classes of a sample it is how many nats a code for exp(x) is longer than one
    for t. Kullback and Leibler (1951).

    Args:
        size_average: see `reduction`.
        reduce: see `reduction`.
        reduction: use `"batchmean"`, the mean over the samples. The default `"mean"` divides by the
            number of elements, and warns. `"sum"` and `"none"` as everywhere.
        log_target: whether targets are log-probabilities as well.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> loss = nn.KLDivLoss(reduction="batchmean")
    >>> loss(dl.tensor([[0.5, 0.5]]).log(), dl.tensor([[0.9, 0.1]]))
    tensor(0.3681)
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of log-probabilities `input`."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class GaussianNLLLoss(_Loss):
    """½ (log v + (x - t)² / v) for a mean x and a variance v that the model gives both.

    With a variance the model says how sure it is: where it errs much, a larger one costs less. Nix
    and Weigend (1994). Where the variance becomes tiny the gradient of the mean explodes, so keep
    `eps` above the noise of the targets.

    Args:
        full: add ½ log 2π.
        eps: smaller variances count as this.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Shapes: x and t are one shape (N, *). v is the same, or (N, 1) or (N,) for (N, D), or a number.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> loss = nn.GaussianNLLLoss(reduction="none")
    >>> loss(dl.zeros(2), dl.full((2,), 2.0), dl.tensor([1.0, 4.0]))
    tensor([2.0000, 1.1931])
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """The loss of means `input` and variances `var`."""
        return F.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )


class PoissonNLLLoss(_Loss):
    """exp(x) - t x for counts t and the logarithm x of their expected number.

    For visits, photons, words: what happens t times in an interval. The gradient exp(x) - t is
    large where x is, so begin with small outputs.

    Args:
        log_input: if False, x is the expected number itself: x - t log(x + eps).
        full: add log t!, by Stirling's formula.
        size_average: see `reduction`.
        eps: keeps the logarithm finite at 0.
        reduce: see `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.PoissonNLLLoss(reduction="none")(dl.tensor([0.0, 1.0]), dl.tensor([1.0, 3.0]))
    tensor([ 1.0000, -0.2817])
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """The loss of logarithms of rates `log_input`."""
        return F.poisson_nll_loss(
            log_input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
        )


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


class NLLLoss2d(NLLLoss):
    """The former name of `NLLLoss` for images, with which it warns.

    >>> import warnings
    >>> from dlframe import nn
    >>> with warnings.catch_warnings(action="ignore"):
    ...     nn.NLLLoss2d().reduction
    'mean'
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        warnings.warn(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead, which is the same.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


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
