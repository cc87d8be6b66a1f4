"""Losses of margins: the right answer should be ahead by so much, and then costs nothing.

`HingeLoss`, `PerceptronLoss` and `SoftMarginLoss` are for a score whose sign is the answer.
`CrammerSingerLoss` and `WestonWatkinsLoss` are the hinge for several classes, and `MultiMarginLoss`
is PyTorch's form of the latter. `MultiLabelMarginLoss` and `MultiLabelSoftMarginLoss` are for
several right classes at once.
"""

from __future__ import annotations

from dlframe.nn import functional as F
from dlframe.nn.loss import _Loss
from dlframe.tensor import Tensor

__all__ = [
    "CrammerSingerLoss",
    "HingeLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "PerceptronLoss",
    "SoftMarginLoss",
    "WestonWatkinsLoss",
]


class HingeLoss(_Loss):
    """max(0, margin - t · x)^p for scores x and targets t of -1 or 1. Cortes and Vapnik (1995).

    The loss of support vector machines; `p=2` gives the squared hinge, whose derivative has no
    jump. Scores and targets have one shape. For several classes there are `CrammerSingerLoss` and
    `WestonWatkinsLoss`. PyTorch does not have these classes.

    Formula: `dlframe/ops/margins.py`, hinge_loss.

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


class PerceptronLoss(_Loss):
    """max(0, -t · x) for scores x and targets t of -1 or 1: `HingeLoss` without a margin.

    What is right costs nothing, however narrowly. With SGD and batches of one it is the rule of the
    perceptron: add t times the input where the sign is wrong. Rosenblatt (1958). Where x = 0 its
    derivative is 0, so a model whose weights all begin at 0 never learns. PyTorch does not
    have this class; for several classes it is `CrammerSingerLoss(margin=0)`.

    Formula: `dlframe/ops/margins.py`, hinge_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.PerceptronLoss(reduction="none")(dl.tensor([0.5, 2.0]), dl.tensor([1.0, -1.0]))
    tensor([0., 2.])
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `input`."""
        return F.hinge_loss(input, target, 0.0, 1, self.reduction)


class SoftMarginLoss(_Loss):
    """log(1 + exp(-t · x)) for scores x and targets t of -1 or 1: the logistic loss.

    `BCEWithLogitsLoss` with targets of -1 instead of 0. Scores and targets have one shape.

    Formula: `dlframe/ops/margins.py`, soft_margin_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.SoftMarginLoss(reduction="none")(dl.tensor([0.0, 2.0]), dl.tensor([1.0, -1.0]))
    tensor([0.6931, 2.1269])
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `input`."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class CrammerSingerLoss(_Loss):
    """max(0, margin - x_t + max_{j≠t} x_j)^p: the right class against the best wrong one.

    The hinge for several classes as Crammer and Singer (2001) have it. Per sample only two scores
    have a gradient. `margin=0` gives the perceptron's loss for classes. PyTorch does not have this
    class.

    Shapes: x is (N, C) or (C,), t is (N,) or (), integers from 0 to C - 1.

    Formula: `dlframe/ops/margins.py`, hinge_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> scores = dl.tensor([[2.0, 0.5, 1.5], [0.0, 1.0, 3.0]])
    >>> nn.CrammerSingerLoss(reduction="none")(scores, dl.tensor([0, 0]))
    tensor([0.5000, 4.0000])
    """

    def __init__(self, margin: float = 1.0, p: int = 1, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin
        self.p = p

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `input`."""
        return F.crammer_singer_loss(input, target, self.margin, self.p, self.reduction)


class WestonWatkinsLoss(_Loss):
    """Σ_{j≠t} max(0, margin - x_t + x_j)^p: the right class against each wrong one.

    The hinge for several classes as Weston and Watkins (1999) have it: C times `MultiMarginLoss`,
    so that it equals the hinge of x_t - x_j if there are two classes. PyTorch does not have this
    class.

    Shapes: x is (N, C) or (C,), t is (N,) or (), integers from 0 to C - 1.

    Formula: `dlframe/ops/margins.py`, multi_margin_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> scores = dl.tensor([[2.0, 0.5, 1.5], [0.0, 1.0, 3.0]])
    >>> nn.WestonWatkinsLoss(reduction="none")(scores, dl.tensor([0, 0]))
    tensor([0.5000, 6.0000])
    """

    def __init__(self, margin: float = 1.0, p: int = 1, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin
        self.p = p

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `input`."""
        return F.weston_watkins_loss(input, target, self.margin, self.p, self.reduction)


class MultiMarginLoss(_Loss):
    """w_t / C · Σ_{j≠t} max(0, margin - x_t + x_j)^p for scores x of C classes and the right one t.

    Args:
        p: 1 or 2.
        margin: how far the right class must be ahead of each other one.
        weight: (C,), the weight of each class. The mean does not divide by them.
        size_average: see `reduction`.
        reduce: see `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Shapes: x is (N, C) or (C,), t is (N,) or (), integers from 0 to C - 1.

    Formula: `dlframe/ops/margins.py`, multi_margin_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.MultiMarginLoss()(dl.tensor([[0.1, 0.2, 0.4, 0.8]]), dl.tensor([3]))
    tensor(0.3250)
    """

    weight: Tensor | None

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: only p == 1 and p == 2 supported, got {p}")
        self._register_weight("weight", weight)
        if self.weight is not None and self.weight.ndim != 1:
            raise ValueError(
                "MultiMarginLoss: expected weight to be None or 1D tensor, got "
                f"{self.weight.ndim}D instead"
            )
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `input`."""
        return F.multi_margin_loss(
            input,
            target,
            p=self.p,
            margin=self.margin,
            weight=self.weight,
            reduction=self.reduction,
        )


class MultiLabelMarginLoss(_Loss):
    """Σ_j Σ_i max(0, 1 - x_j + x_i) / C over the right classes j and the wrong classes i.

    Each right class should be ahead of each wrong one by 1. Its order among the right ones is free.

    Shapes: x is (N, C) or (C,), and t the same: a row lists its right classes, then -1.

    Formula: `dlframe/ops/margins.py`, multilabel_margin_loss.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.MultiLabelMarginLoss()(dl.tensor([[0.1, 0.2, 0.4, 0.8]]), dl.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of scores `input`."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_Loss):
    """-(t log σ(x) + (1 - t) log σ(-x)), the mean over the C classes of each sample.

    `BCEWithLogitsLoss`, except that `reduction="none"` gives one number per sample. `weight` must
    broadcast to the targets.

    Formula: `dlframe/ops/losses.py`, binary_cross_entropy_with_logits.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.MultiLabelSoftMarginLoss()(dl.tensor([[0.0, 4.0]]), dl.tensor([[1.0, 0.0]]))
    tensor(2.3556)
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
        """The loss of logits `input`."""
        return F.multilabel_soft_margin_loss(
            input, target, weight=self.weight, reduction=self.reduction
        )
