"""Exponentials, logarithms and functions made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlframe import ops
from dlframe.tensor.arguments import Number, pair_of
from dlframe.tensor.functions import (
    exp2,
    expm1,
    log1p,
    log_softmax,
    logit,
    logsumexp,
    round,
    sigmoid,
    sinc,
    softmax,
    xlogy,
)

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "exp2",
    "expit",
    "expm1",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]

expit = sigmoid


def xlog1py(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """input · ln(1 + other); 0 where `input` is 0, unless `other` is nan.

    >>> dl.special.xlog1py(dl.tensor([0.0, 2.0]), dl.tensor([-1.0, 3.0]))
    tensor([0.0000, 2.7726])
    """
    return ops.xlog1py(*pair_of("xlog1py", input, other))
