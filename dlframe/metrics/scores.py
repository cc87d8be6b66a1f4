"""What the numbers are that a model returns: logits, probabilities, log-probabilities or labels.

===================  ============================================  ==============================
kind                 of one score per sample                       of a score for each class
===================  ============================================  ==============================
`logits`             class 1 above 0; probability 1 / (1 + e⁻ˢ)    probabilities by softmax
`probabilities`      class 1 above 0.5                             they add up to 1
`log_probabilities`  class 1 above ln 0.5                          their exponentials add up to 1
`labels`             a class by its number                         (one number per sample)
===================  ============================================  ==============================

The highest of several scores wins, whatever the kind. It matters for one score per sample, and
wherever the value of a probability counts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from dlframe import nn
from dlframe.nn import functional as F

__all__ = ["scores_of"]

_LOSSES: tuple[tuple[type[nn.Module], Callable[..., Any], str], ...] = (
    (nn.BCELoss, F.binary_cross_entropy, "probabilities"),
    (nn.BCEWithLogitsLoss, F.binary_cross_entropy_with_logits, "logits"),
    (nn.CrossEntropyLoss, F.cross_entropy, "logits"),
    (nn.NLLLoss, F.nll_loss, "log_probabilities"),
    (nn.KLDivLoss, F.kl_div, "log_probabilities"),
    (nn.MultiLabelSoftMarginLoss, F.multilabel_soft_margin_loss, "logits"),
    # for targets of 0 and 1 the best output lies above 0.5 where a 1 is the likelier
    (nn.MSELoss, F.mse_loss, "probabilities"),
    (nn.L1Loss, F.l1_loss, "probabilities"),
    (nn.HuberLoss, F.huber_loss, "probabilities"),
    (nn.SmoothL1Loss, F.smooth_l1_loss, "probabilities"),
)

_LAST: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.Sigmoid, "probabilities"),
    (nn.Softmax, "probabilities"),
    (nn.Softmax2d, "probabilities"),
    (nn.LogSoftmax, "log_probabilities"),
    (nn.LogSigmoid, "log_probabilities"),
)

_SHAPING = (nn.Identity, nn.Flatten, nn.Unflatten)  # these change no value


def scores_of(loss: Any, model: Any = None) -> str | None:
    """What a model's outputs are, as far as its last layer or its loss says so for certain.

    Args:
        loss: a loss of `nn` or of `nn.functional`, also in `functools.partial`, or one of its
            methods. A subclass with a `forward` of its own is not known: it may change the scores
            before it uses them. Any loss can say itself what it takes, by an attribute `scores`.
        model: its last layer is found through `Sequential`, `DataParallel` and `AveragedModel`. A
            model says more than a loss: after a sigmoid there are probabilities, whatever follows.

    Returns:
        "logits", "probabilities", "log_probabilities", or None where nothing is certain. For
        `MSELoss` and the like it is "probabilities", since with targets of 0 and 1 the output
        approaches the probability of a 1; it may lie outside of [0, 1].

    >>> scores_of(nn.BCEWithLogitsLoss()), scores_of(nn.functional.nll_loss)
    ('logits', 'log_probabilities')
    >>> scores_of(nn.MSELoss(), nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()))
    'probabilities'
    >>> scores_of(lambda x, y: (x - y).abs().sum()) is None
    True
    """
    return _of_last_layer(model) or _of_loss(loss)


def _of_loss(loss: Any) -> str | None:
    while isinstance(loss, functools.partial):
        loss = loss.func
    owner = getattr(loss, "__self__", None)  # of a bound method, as `loss.forward`
    if isinstance(owner, nn.Module):
        loss = owner
    said = getattr(loss, "scores", None)
    if isinstance(said, str) and said in ("logits", "probabilities", "log_probabilities"):
        return said
    for cls, function, kind in _LOSSES:
        if loss is function or (isinstance(loss, cls) and type(loss).forward is cls.forward):
            return kind
    return None


def _of_last_layer(model: Any) -> str | None:
    """By the last layer that changes values; None if a forward of unknown code comes after it."""
    from dlframe.optim.swa_utils import AveragedModel  # on first use: few programs have one

    layer = model
    while layer is not None:
        if isinstance(layer, nn.Sequential) and type(layer).forward is nn.Sequential.forward:
            rest = [one for one in layer if not isinstance(one, _SHAPING)]
            layer = rest[-1] if rest else None
        elif isinstance(layer, (nn.DataParallel, AveragedModel)):
            layer = layer.module
        else:
            break
    for cls, kind in _LAST:
        if isinstance(layer, cls) and type(layer).forward is cls.forward:
            return kind
    return None
