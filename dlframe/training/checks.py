"""Refuses parts that do not fit each other, when a Trainer is made and not an epoch later."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from dlframe.errors import ArgumentError, UnheldParameterWarning
from dlframe.nn import Module, Sequential
from dlframe.optim import Optimizer
from dlframe.training.data.outputs import LossPerOutput
from dlframe.training.data.targets import BINARY, LABELS, is_one_of, name_of
from dlframe.training.regularizing import check_regularizers, reporting
from dlframe.training.several import Several


def check_lists(owner: str, **parts: Any) -> None:
    """Raise TypeError for an argument that is not a list."""
    for name, value in parts.items():
        if not isinstance(value, Iterable) or isinstance(value, str):
            hint = "" if value is None else "; pass a list also of one"
            raise TypeError(f"{owner}: {name} must be a list; got {type(value).__name__}{hint}")


def check_measured(owner: str, model: Any) -> None:
    """Raise TypeError for what is no model."""
    if not isinstance(model, Module):
        hint = f"; pass {model.__name__}(…)" if isinstance(model, type) else ""
        raise TypeError(f"{owner}: model must be Module; got {type(model).__name__}{hint}")


def check_scores(owner: str, loss: Any, model: Module) -> None:
    """Warn of a last layer that the loss has in itself, or that it needs and the model lacks."""
    losses = loss.losses.values() if isinstance(loss, LossPerOutput) else ()
    if losses:
        return
    last = last_layer(model)
    name, layer = name_of(loss), type(last).__name__
    if layer == "Softmax" and is_one_of(loss, LABELS[:1]):
        text = f"{name} takes logits and applies a softmax itself; after {layer} the model learns "
        text += "badly. Leave this layer out; predict_proba() gives probabilities"
    elif layer == "Sigmoid" and is_one_of(loss, BINARY[1:]):
        text = f"{name} takes logits and applies a sigmoid itself; after {layer} the model learns "
        text += "badly. Leave this layer out, or use nn.BCELoss()"
    elif layer in ("Softmax", "Linear", "Conv2d") and is_one_of(loss, LABELS[1:2]):
        text = (
            f"{name} takes the logarithms of probabilities, and the model ends with {layer}. Let "
        )
        text += "it end with nn.LogSoftmax(dim=1), or use nn.CrossEntropyLoss() on logits"
    else:
        return
    warnings.warn(f"{owner}: {text}", stacklevel=users_level())


def last_layer(model: Any) -> Any:
    """The last layer of a Sequential, also of one in another; any other model itself."""
    while (
        isinstance(model, Sequential) and type(model).forward is Sequential.forward and len(model)
    ):
        model = model[-1]
    return model


def users_level() -> int:
    """The `stacklevel` with which a caller's warning names the line outside of this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and "dlframe/training" in frame.f_code.co_filename:
        level, frame = level + 1, frame.f_back
    return level


def check_parts(
    model: Any,
    loss: Any,
    optimizer: Any,
    metrics: Sequence[Any],
    regularizers: Sequence[Any],
    *,
    accumulates: bool,
    own_step: bool,
) -> None:
    """Raise TypeError or ArgumentError for parts of which no training can be made."""
    if isinstance(optimizer, Several):
        _check_several(optimizer, regularizers, accumulates=accumulates, own_step=own_step)
        return
    if not isinstance(optimizer, Optimizer):
        several = isinstance(optimizer, (list, tuple))
        hint = (
            ". Several are a dict by name, for a subclass whose train_step makes their steps"
            if several else ""
        )  # fmt: skip
        raise TypeError(
            f"Trainer: optimizer must be Optimizer; got {type(optimizer).__name__}{hint}"
        )
    check_regularizers(model, loss, optimizer, regularizers)
    named = (*metrics, *reporting(optimizer, regularizers))
    names = ["loss", "seconds", "lr", *[one.name for one in named]]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ArgumentError(
            f"Trainer: two quantities are named {', '.join(twice)}; pass name= to a metric or "
            "regularizer"
        )
    if accumulates and optimizer.needs_closure:
        raise ArgumentError(
            f"Trainer: {type(optimizer).__name__} computes the loss of a batch more than once in a "
            "step, so the gradients of several batches cannot be accumulated; use a larger "
            "batch_size, or accumulate=1"
        )
    _check_optimizer_of_model(model, optimizer)


def _check_several(
    optimizers: Several, regularizers: Sequence[Any], *, accumulates: bool, own_step: bool
) -> None:
    """Several optimizers need a `train_step` that knows when each of them makes its step."""
    if not len(optimizers):
        raise ArgumentError("Trainer: the dict of optimizers is empty; pass one or more by name")
    for name, one in optimizers.items():
        if not isinstance(name, str) or not isinstance(one, Optimizer):
            raise TypeError(
                "Trainer: several optimizers are a dict of Optimizer objects by name; got "
                f"{name!r}: {type(one).__name__}"
            )
    if not own_step:
        raise ArgumentError(
            f"Trainer: {len(optimizers)} optimizers need a subclass whose train_step says which "
            "one makes a step when (for other rates in parts of the model, pass one optimizer with "
            "several parameter groups)"
        )
    if regularizers or accumulates:
        raise ArgumentError(
            "Trainer: with several optimizers, clipping, regularizers and accumulate are for your "
            "train_step to do; attach a regularizer to one optimizer with its attach"
        )


def _check_optimizer_of_model(model: Module, optimizer: Optimizer) -> None:
    """Refuse an optimizer that would train for ever without changing the model."""
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    left = [name for name, p in parameters.items() if id(p) not in held]
    if left and len(left) < len(parameters):
        warnings.warn(
            f"Trainer: the optimizer ({type(optimizer).__name__}) does not hold {len(left)} of "
            f"{len(parameters)} trainable parameters of the model: {', '.join(left[:3])}"
            f"{', …' if len(left) > 3 else ''}. They will not be trained; if this is meant, say so "
            "with requires_grad_(False), which also saves their gradients",
            UnheldParameterWarning,
            stacklevel=users_level(),
        )
    if left and len(left) == len(parameters):
        name, first = next(iter(parameters.items()))
        raise ArgumentError(
            f"Trainer: the optimizer ({type(optimizer).__name__}) holds none of the "
            f"{len(parameters)} trainable parameters of the model ({type(model).__name__}), such "
            f"as {name} of shape {list(first.shape)}, so that the model would never learn. Make it "
            "from this model's parameters: model.parameters()"
        )
