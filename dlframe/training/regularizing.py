"""How a Trainer uses regularizers: penalties in what is minimized, hooks on the optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.optim import (
    SAM,
    ClipGradNorm,
    ClipGradValue,
    LabelSmoothing,
    Optimizer,
    OutputPenalty,
    Penalty,
    Regularizer,
    StepHook,
)
from dlframe.optim.regularization.regularizer import innermost
from dlframe.tensor import Tensor


def clipping(norm: float | None, value: float | None) -> list[Regularizer]:
    """What `clip_grad_value` and `clip_grad_norm` of a trainer stand for, in this order."""
    for name, limit in (("clip_grad_norm", norm), ("clip_grad_value", value)):
        is_number = isinstance(limit, (int, float, np.number)) and not isinstance(limit, bool)
        if limit is not None and not (is_number and limit > 0):
            raise ArgumentError(
                f"Trainer: {name} must be a number above 0, or None for no limit; got {limit!r}"
            )
    values = [] if value is None else [ClipGradValue(value)]
    return [*values, *([] if norm is None else [ClipGradNorm(norm)])]


def check_regularizers(
    model: Module, loss: Any, optimizer: Optimizer, regularizers: Sequence[Any]
) -> None:
    """Refuse what is no regularizer, and one that does not fit the model, loss or optimizer."""
    parameters = {id(p) for p in model.parameters()}
    for one in regularizers:
        if not isinstance(one, (Penalty, OutputPenalty, StepHook)):
            hint = " (the class; pass an instance)" if isinstance(one, type) else ""
            raise TypeError(
                "Trainer: regularizers takes optim.Penalty, optim.OutputPenalty and optim.StepHook "
                f"objects, such as optim.L1(model, 1e-4); got {one!r}{hint}"
            )
        if isinstance(one, LabelSmoothing):
            one.check_loss(loss)
        other = getattr(one, "model", None)
        if isinstance(other, Module) and not parameters & {id(p) for p in other.parameters()}:
            raise ArgumentError(
                f"Trainer: the regularizer {one.name!r} ({type(one).__name__}) is of another "
                f"{type(other).__name__}, whose parameters are none of this model's; make it with "
                "the model that is trained"
            )
        if isinstance(one, StepHook):
            one.check(innermost(optimizer))


def reporting(optimizer: Optimizer, regularizers: Sequence[Any]) -> list[Any]:
    """What reports a number in each step: the regularizers, and SAM."""
    return [*regularizers, *([optimizer] if isinstance(optimizer, SAM) else [])]


def with_penalties(loss: Tensor, regularizers: Sequence[Any], output: Any, target: Any) -> Tensor:
    """What is minimized: the loss and the penalties."""
    for one in regularizers:
        if isinstance(one, (Penalty, OutputPenalty)):
            part = one() if isinstance(one, Penalty) else one(output, target)
            loss = loss + (part if part.ndim == loss.ndim == 0 else part.reshape(loss.shape))
    return loss


@contextmanager
def hooks_attached(optimizer: Optimizer, regularizers: Sequence[Any]) -> Iterator[None]:
    """Let the regularizers that change gradients or weights act in the optimizer's steps."""
    with ExitStack() as stack:
        for one in regularizers:
            if isinstance(one, StepHook) and not one.is_attached(optimizer):
                stack.enter_context(one.attach(optimizer))
        yield


@contextmanager
def values_kept(regularizers: Sequence[Any]) -> Iterator[None]:
    """Let penalties report their values from before the block, at the weights of the loss."""
    penalties = [one for one in regularizers if isinstance(one, (Penalty, OutputPenalty))]
    values = [one.last for one in penalties]
    yield
    for one, value in zip(penalties, values, strict=True):
        one.last = value
