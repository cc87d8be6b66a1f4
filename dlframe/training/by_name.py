"""Losses, metrics, optimizers and schedules by name, class or function, as `Trainer` takes them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from dlframe import nn, plugins
from dlframe.errors import ArgumentError, PluginError, did_you_mean
from dlframe.metrics import Averaged, Metric
from dlframe.metrics import by_name as metrics_by_name
from dlframe.optim import Optimizer, lr_scheduler
from dlframe.training.data.outputs import LossPerOutput, OfOutput
from dlframe.training.several import SCHEDULES, Several

# --- losses ------------------------------------------------------------------------------------

_LOSSES = {
    "mae": "L1Loss",
    "meansquarederror": "MSELoss",
    "meanabsoluteerror": "L1Loss",
    "binarycrossentropy": "BCELoss",
    "binarycrossentropywithlogits": "BCEWithLogitsLoss",
    "kldivergence": "KLDivLoss",
    "hinge": "MultiMarginLoss",
}
"""Other names of losses, as they are written without `_`, `-` and "loss" at the end."""

_OTHERS = ("categoricalcrossentropy", "sparsecategoricalcrossentropy")


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold().removesuffix("loss")


def make_loss(loss: Any, weights: Any, owner: str) -> Any:
    """A function of (output, target), one for each of several outputs, or None."""
    if isinstance(loss, Mapping):
        return LossPerOutput({key: _loss(one, owner) for key, one in loss.items()}, weights, owner)
    if isinstance(loss, (list, tuple)):
        return LossPerOutput({i: _loss(one, owner) for i, one in enumerate(loss)}, weights, owner)
    if weights is not None:
        raise ArgumentError(f"{owner}: loss_weights= goes with a list or dict of losses")
    return _loss(loss, owner)


def _loss(loss: Any, owner: str) -> Any:
    if loss is None or (callable(loss) and not isinstance(loss, type)):
        return loss
    if isinstance(loss, str):
        return _loss_named(loss, owner)
    if isinstance(loss, type):
        raise TypeError(
            f"{owner}: loss is the class {loss.__name__}; pass an object of it: {loss.__name__}()"
        )
    raise TypeError(
        f"{owner}: loss must be a function of (output, target), or the name of a loss; got "
        f"{type(loss).__name__}"
    )


def _loss_named(name: str, owner: str) -> Any:
    bare = _bare(name)
    if bare in _OTHERS:
        raise ArgumentError(
            f'{owner}: loss={name!r} is Keras\'s name; here "cross_entropy" takes labels or '
            "probabilities of classes. It takes logits: leave Softmax out of the model"
        )
    wanted = _LOSSES.get(bare)
    for one in plugins.core_names("losses"):
        if wanted == one or (wanted is None and _bare(one) == bare):
            return _made(plugins.get("losses", one), owner, f"loss={name!r}")
    try:
        return _made(plugins.get("losses", name), owner, f"loss={name!r}")
    except PluginError as error:
        if error.__cause__ is not None:
            raise
    known = {_snake(one): one for one in plugins.names("losses")} | {"mae": "", "mse": ""}
    raise ArgumentError(
        f"{owner}: there is no loss {name!r}.{did_you_mean(name, known, most=3)} Known: "
        f"{', '.join(sorted(known))}"
    )


def _snake(name: str) -> str:
    words = re.findall(
        r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+\d*|\d+", name.removesuffix("Loss")
    )
    return "_".join(words).casefold()


def _made(cls: Any, owner: str, what: str) -> Any:
    """An object of a class; a function is taken as it is."""
    if not isinstance(cls, type):
        return cls
    try:
        return cls()
    except TypeError as error:
        raise ArgumentError(f"{owner}: {what} needs arguments ({error}); pass an object") from error


# --- metrics -----------------------------------------------------------------------------------


def make_metrics(metrics: Any, loss: Any, owner: str) -> list[Metric]:
    """Metric objects of metrics, their classes or names, and functions of (output, target)."""
    if isinstance(loss, LossPerOutput):
        return _metrics_per_output(metrics, loss, owner)
    if isinstance(metrics, Mapping):
        raise TypeError(f"{owner}: metrics must be a list; a dict goes with a dict of losses")
    return [_metric(one, owner) for one in metrics]


def _metrics_per_output(metrics: Any, loss: LossPerOutput, owner: str) -> list[Metric]:
    if isinstance(metrics, Mapping):
        by_key = dict(metrics)
    else:
        given = list(metrics)
        if given and not all(isinstance(one, (list, tuple)) for one in given):
            raise ArgumentError(
                f"{owner}: with a loss for each output, metrics are a dict or a list of lists, too"
            )
        by_key = dict(enumerate(given))
    found: list[Metric] = []
    for key, ones in by_key.items():
        if key not in loss.losses:
            hint = did_you_mean(key, map(str, loss.losses))
            known = ", ".join(map(repr, loss.losses))
            raise ArgumentError(f"{owner}: metrics has {key!r}, and loss has {known}.{hint}")
        ones = ones if isinstance(ones, (list, tuple)) else [ones]
        found += [OfOutput(key, _metric(one, owner)) for one in ones]
    return found


def _metric(metric: Any, owner: str) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        return metrics_by_name(metric)
    if isinstance(metric, type) and issubclass(metric, Metric):
        made = _made(metric, owner, f"the metric {metric.__name__}")
        assert isinstance(made, Metric)
        return made
    if callable(metric) and not isinstance(metric, (type, nn.Module)):
        return Averaged(_of_batch(metric))
    raise TypeError(
        f"{owner}: {metric!r} is not a metrics.Metric object, the name of one, or a function of "
        "(output, target)"
    )


def _of_batch(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A function that may give a number for each sample, with their mean instead."""

    @functools.wraps(function, updated=())
    def mean(output: Any, target: Any) -> Any:
        value = function(output, target)
        is_many = getattr(value, "ndim", 0) and len(value) == len(output)
        return value.mean() if is_many else value

    return mean


# --- optimizers --------------------------------------------------------------------------------


def make_optimizer(optimizer: Any, model: Any) -> Any:
    """An optimizer of the model's parameters: by name, name and options, class or function."""
    options: Mapping[str, Any] = {}
    if isinstance(optimizer, (tuple, list)) and len(optimizer) == 2:
        first, second = optimizer
        if isinstance(first, (str, type)) and isinstance(second, Mapping):
            optimizer, options = first, second
    if isinstance(optimizer, str):
        optimizer = plugins.get("optimizers", optimizer)
    if isinstance(optimizer, (Optimizer, nn.Module)) or not callable(optimizer):
        return optimizer
    name = getattr(optimizer, "__name__", "the function")
    try:
        made = optimizer(model.parameters(), **options)
    except TypeError as error:
        raise ArgumentError(
            f"Trainer: optimizer {name} cannot be made of the model's parameters: {error}. "
            f'Give options, such as ("{name.casefold()}", {{"lr": 0.1}}), or an optimizer object'
        ) from error
    return made


# --- schedules ---------------------------------------------------------------------------------


def make_schedule(scheduler: Any, optimizer: Any) -> Any:
    """A schedule by the name or class of `lr_scheduler` with options; all else is given back."""
    options: Mapping[str, Any] = {}
    if isinstance(scheduler, (tuple, list)) and len(scheduler) == 2:
        scheduler, options = scheduler
        if not isinstance(options, Mapping) or not isinstance(scheduler, (str, type)):
            raise TypeError(
                "Trainer: a scheduler with options is a pair such as "
                f'("StepLR", {{"step_size": 10}}); got ({scheduler!r}, {options!r})'
            )
    if isinstance(scheduler, str):
        known = {one.casefold(): one for one in lr_scheduler.__all__ if one != "LRScheduler"}
        if scheduler.casefold() not in known:
            if options:
                hint = did_you_mean(scheduler, known.values())
                raise ArgumentError(
                    f"Trainer: there is no schedule {scheduler!r} that takes options.{hint} Known: "
                    f"{', '.join(known.values())}"
                )
            return scheduler
        scheduler = getattr(lr_scheduler, known[scheduler.casefold()])
    elif not options:
        return scheduler
    if isinstance(optimizer, Several):
        raise ArgumentError(SCHEDULES)
    try:
        return scheduler(optimizer, **options)
    except TypeError as error:
        raise ArgumentError(
            f"Trainer: {scheduler.__name__} cannot be made: {error}. Give its options: "
            f'("{scheduler.__name__}", {{…}})'
        ) from error
