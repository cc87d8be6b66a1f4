"""Losses of pairs and triples, which learn distances and orders instead of classes."""

from __future__ import annotations

from collections.abc import Callable

from dlframe.nn import functional as F
from dlframe.nn.distance import PairwiseDistance
from dlframe.nn.loss import _Loss
from dlframe.tensor import Tensor

__all__ = [
    "CosineEmbeddingLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


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
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """1 - cos(x₁, x₂) where t = 1, max(0, cos(x₁, x₂) - margin) where t = -1.

    For embeddings whose direction is what counts, as of words and texts: the lengths of both
    vectors do not matter. Where one has length 0 there is no direction, and the cosine counts as 0.

    Args:
        margin: the cosine up to which pairs that do not belong together cost nothing; 0 to 0.5 is
            usual.
        size_average: see `reduction`.
        reduce: see `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Shapes: x₁ and x₂ are (N, D), t is (N,) of 1 and -1; or (D,) and ().

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> x, y = dl.tensor([[1.0, 0.0], [1.0, 0.0]]), dl.tensor([[0.0, 2.0], [3.0, 0.0]])
    >>> nn.CosineEmbeddingLoss(reduction="none")(x, y, dl.tensor([1, -1]))
    tensor([1., 1.])
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """The loss of pairs of vectors."""
        return F.cosine_embedding_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class MarginRankingLoss(_Loss):
    """max(0, margin - t (x₁ - x₂)): x₁ should be above x₂ where t = 1, and below where t = -1.

    It learns an order from comparisons, as of search results, without saying how large a score is.

    Args:
        margin: how far apart both must be to cost nothing. With 0, equal scores do.
        size_average: see `reduction`.
        reduce: see `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Shapes: x₁, x₂ and t have one shape.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> better, worse = dl.tensor([0.5, 2.0]), dl.tensor([1.0, 1.0])
    >>> nn.MarginRankingLoss(0.25, reduction="none")(better, worse, dl.ones(2))
    tensor([0.7500, 0.0000])
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """The loss of pairs of scores."""
        return F.margin_ranking_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class TripletMarginLoss(_Loss):
    """max(0, margin + ‖a - p‖ - ‖a - n‖) for an anchor, a positive and a negative example.

    The positive, of the anchor's class, should be nearer than the negative by `margin`. It learns
    embeddings of faces and other classes that are too many, or not yet known. Schroff et al.
    (2015). Most triplets soon cost nothing, so choose hard ones: negatives that are too near.

    Args:
        margin: how much nearer; positive.
        p: the degree of the norm.
        eps: added to each difference, so that the norm has a gradient where vectors are equal.
        swap: use ‖p - n‖ where it is smaller than ‖a - n‖. Balntas et al. (2016).
        size_average: see `reduction`.
        reduce: see `reduction`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    Shapes: all three are (N, D) or (D,).

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> a, p, n = dl.tensor([[0.0, 0.0]]), dl.tensor([[1.0, 0.0]]), dl.tensor([[0.0, 1.5]])
    >>> nn.TripletMarginLoss()(a, p, n)
    tensor(0.5000)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        _check_margin(type(self).__name__, margin)
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of triplets of vectors."""
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """`TripletMarginLoss` with a distance of your own: max(0, margin + d(a, p) - d(a, n)).

    Args:
        distance_function: gives the distances of two batches, a function or a module; by default
            `PairwiseDistance()`.
        margin: how much nearer the positive must be; positive.
        swap: as in `TripletMarginLoss`.
        reduction: `"mean"`, `"sum"` or `"none"`.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> a, p, n = dl.tensor([[0.0, 0.0]]), dl.tensor([[1.0, 1.0]]), dl.tensor([[0.0, 1.5]])
    >>> def manhattan(x, y):
    ...     return (x - y).abs().sum(dim=-1)
    >>> nn.TripletMarginWithDistanceLoss(distance_function=manhattan)(a, p, n)
    tensor(1.5000)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(None, None, reduction)
        _check_margin(type(self).__name__, margin)
        self.distance_function = (
            PairwiseDistance() if distance_function is None else distance_function
        )
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """The loss of triplets of vectors."""
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


def _check_margin(name: str, margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"{name}: expected margin to be greater than 0, got {margin} instead")
