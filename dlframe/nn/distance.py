"""Distances and similarities of pairs of vectors."""

from __future__ import annotations

from dlframe.nn import functional as F
from dlframe.nn.module import Module
from dlframe.tensor import Tensor

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """y = x₁ · x₂ / (‖x₁‖ ‖x₂‖) along `dim`: the cosine of the angle, from -1 to 1.

    For embeddings whose length means nothing. The gradient stands at right angles to x₁, and
    falls like 1 / ‖x₁‖: training makes vectors longer and then slower. A norm below `eps` counts
    as `eps`, so a vector of zeros gives 0, with a very large gradient.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.CosineSimilarity()(dl.tensor([[3.0, 4.0]]), dl.tensor([[4.0, 3.0]]))
    tensor([0.9600])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The cosine of the angle between x1 and x2."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """y = ‖x₁ - x₂ + eps‖ₚ along the last dimension: (N, D) and (N, D) give (N).

    For siamese networks and losses of pairs. For p = 2 the gradient has length 1 wherever the
    points are, also near each other: it does not become small at the goal, as that of the squared
    distance does. p = 1 counts each dimension by itself, p = ∞ the largest difference only.

    Args:
        p: which norm.
        eps: added to each difference, so that equal points have a gradient.
        keepdim: (N, 1) instead of (N).

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> nn.PairwiseDistance()(dl.zeros(2, 2), dl.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The distance of x1 and x2."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
