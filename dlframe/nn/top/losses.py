"""Losses, whose reduction is a number: 0 for none, 1 for the mean, 2 for the sum.

Left out it is 0, as in PyTorch, whose declarations say 1. `nn.functional` takes the mean.
"""

from __future__ import annotations

from dlframe.errors import ArgumentError
from dlframe.nn import functional as F
from dlframe.nn.functional.loss import divergence
from dlframe.nn.functional.sequences import Lengths
from dlframe.tensor import Tensor

__all__ = [
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "ctc_loss",
    "hinge_embedding_loss",
    "kl_div",
    "margin_ranking_loss",
    "poisson_nll_loss",
    "triplet_margin_loss",
]


def _reduction(name: str, number: int) -> str:
    """The word for the number of a reduction."""
    if number not in (0, 1, 2):
        raise ArgumentError(
            f"{name}: reduction must be 0 for none, 1 for the mean or 2 for the sum, got "
            f"{number!r}; nn.functional.{name} takes words"
        )
    return ("none", "mean", "sum")[number]


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = 0,
) -> Tensor:
    """`nn.functional.binary_cross_entropy_with_logits`; the reduction is a number.

    >>> dl.binary_cross_entropy_with_logits(dl.zeros(2), dl.ones(2), reduction=2)
    tensor(1.3863)
    """
    word = _reduction("binary_cross_entropy_with_logits", reduction)
    return F.binary_cross_entropy_with_logits(
        input, target, weight, pos_weight=pos_weight, reduction=word
    )


# --- of pairs ----------------------------------------------------------------------------------


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`nn.functional.cosine_embedding_loss`; the reduction is a number.

    >>> dl.cosine_embedding_loss(dl.ones(1, 2), dl.tensor([[1.0, 0.0]]), dl.ones(1))
    tensor([0.2929])
    """
    word = _reduction("cosine_embedding_loss", reduction)
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=word)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0
) -> Tensor:
    """`nn.functional.hinge_embedding_loss`; the reduction is a number.

    >>> dl.hinge_embedding_loss(dl.tensor([0.25, 0.25]), dl.tensor([1.0, -1.0]))
    tensor([0.2500, 0.7500])
    """
    word = _reduction("hinge_embedding_loss", reduction)
    return F.hinge_embedding_loss(input, target, margin, reduction=word)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`nn.functional.margin_ranking_loss`; the reduction is a number.

    >>> dl.margin_ranking_loss(dl.tensor([1.0]), dl.tensor([3.0]), dl.tensor([1.0]), 0.5)
    tensor([2.5000])
    """
    word = _reduction("margin_ranking_loss", reduction)
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=word)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 0,
) -> Tensor:
    """`nn.functional.triplet_margin_loss`; the reduction is a number.

    >>> dl.triplet_margin_loss(dl.zeros(1, 2), dl.ones(1, 2), dl.ones(1, 2))
    tensor([1.])
    """
    word = _reduction("triplet_margin_loss", reduction)
    return F.triplet_margin_loss(
        anchor, positive, negative, margin, p=p, eps=eps, swap=swap, reduction=word
    )


# --- of distributions and sequences ------------------------------------------------------------


def kl_div(
    input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False
) -> Tensor:
    """`nn.functional.kl_div`; the reduction is a number, and "batchmean" has none.

    >>> dl.kl_div(dl.tensor([0.5, 0.5]).log(), dl.tensor([1.0, 0.0]), 2)
    tensor(0.6931)
    """
    total: Tensor = divergence(input, target, _reduction("kl_div", reduction), log_target)
    return total


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """`nn.functional.poisson_nll_loss`; nothing has a default, and the reduction is a number.

    >>> dl.poisson_nll_loss(dl.zeros(2), dl.ones(2), True, False, 1e-8, 0)
    tensor([1., 1.])
    """
    word = _reduction("poisson_nll_loss", reduction)
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=word)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """`nn.functional.ctc_loss`; the reduction is a number.

    >>> scores = dl.zeros(3, 1, 2).log_softmax(2)
    >>> dl.ctc_loss(scores, dl.tensor([[1]]), (3,), (1,), reduction=2)
    tensor(0.2877)
    """
    word = _reduction("ctc_loss", reduction)
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, word, zero_infinity)
