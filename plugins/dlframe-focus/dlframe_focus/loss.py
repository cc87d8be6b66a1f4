"""A loss for classes of which one is rare."""

from __future__ import annotations

from dlframe import Tensor, nn
from dlframe.nn import functional as F


class FocalLoss(nn.Module):
    """−α_t (1 − p_t)^γ log p_t, where p_t is the probability that softmax gives the true class.

    The factor (1 − p_t)^γ is small for samples that are already right, so that a million easy
    samples do not outweigh a hundred hard ones. With γ = 0 it is cross entropy.

    Args:
        gamma: 0 or more; 2 in the paper.
        weight: α, one per class, as in `nn.CrossEntropyLoss`.
        ignore_index: samples with this target do not count.
        reduction: "mean" (weighted by α), "sum" or "none".

    Shapes: input (N, C, …) of any real numbers, target (N, …) of class indices.

    Source: Lin, Goyal, Girshick, He, Dollár, *Focal Loss for Dense Object Detection*, ICCV 2017,
    arXiv:1708.02002.

        >>> import dlframe as dl
        >>> scores = dl.tensor([[4.0, 0.0], [0.0, 4.0]])  # the first is right, the second wrong
        >>> FocalLoss(reduction="none")(scores, dl.tensor([0, 0])).tolist()
        [5.8...e-06, 3.87...]
    """

    def __init__(
        self,
        gamma: float = 2.0,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        if not gamma >= 0:
            raise ValueError(f"FocalLoss: gamma must be 0 or more; got {gamma}")
        self.gamma = gamma
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        log_p = F.log_softmax(input, dim=1)
        # The slope of u^γ at u = 0 is infinite for γ < 1, and infinity times 0 is not a number.
        wrong = (-log_p.expm1()).clamp(min=1e-12)
        return F.nll_loss(
            wrong**self.gamma * log_p,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )

    def extra_repr(self) -> str:
        return f"gamma={self.gamma}"
