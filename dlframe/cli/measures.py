"""Losses, metrics and initial values of a run: `--loss`, `--metric`, `--init`, `--activation`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlframe import nn, plugins
from dlframe.autograd import no_grad
from dlframe.base.printable import error_text, printable
from dlframe.cli import choices
from dlframe.cli.choices import Named
from dlframe.cli.names import (
    ACTIVATIONS,
    INITS,
    LABEL_LOSSES,
    LOSSES,
    NUMBER_LOSSES,
    ONE_HOT_LOSSES,
    SIGN_LOSSES,
    UsageError,
)
from dlframe.errors import ArgumentError, PluginError, did_you_mean
from dlframe.metrics import Metric, naming
from dlframe.models.classic import make_activation
from dlframe.nn import Module
from dlframe.tensor import Tensor, to_array
from dlframe.training.initializing import name_here

BASES = ("Averaged", "Mean", "MeanLoss")  # of metrics; they measure nothing by themselves
NEEDS_AVERAGE = re.compile(r"needs? (an )?average")
TRIED = 6  # samples of a trial

# A short name of each init that the library calls with an underscore at its end.
_INIT_FUNCTIONS = {name: getattr(nn.init, f"{name}_") for name in INITS}


def _named(option: str, kind: str, words: Sequence[str], known: Sequence[str]) -> Named:
    """A name of the registry, without the end Loss if need be, and its arguments."""
    name, *rest = words
    plain = name.replace("-", "").replace("_", "").casefold()
    short = {one.casefold(): one for one in known}
    short |= {one.removesuffix("Loss").casefold(): one for one in known}
    found = short.get(plain)
    if found is None:
        found = _registered(option, kind, name)
        if found in plugins.core_names(kind) or ":" not in found:
            others = [n for n in plugins.names(kind) if n not in plugins.core_names(kind)]
            able = [*known, *others]
            one = plugins.core_names(kind)
            here = "fits no run of the command line" if found in one else "is not known"
            raise UsageError(
                f"{option}: {printable(name)!r} {here}.{did_you_mean(name, able)} "
                f"Known: {', '.join(able)}"
            )
    given = choices.arguments(option, rest)
    choices.check_arguments(option, _get(option, kind, found), given)
    return {"name": found, "arguments": given}


def _registered(option: str, kind: str, name: str) -> str:
    """The full name of something, also without its end Loss; the name itself if there is none."""
    for full in (name, f"{name}Loss"):
        try:
            return plugins.full_name(kind, full)
        except PluginError as error:
            if "there is no" not in str(error):
                raise UsageError(f"{option}: {error}") from None
    return name


def _get(option: str, kind: str, name: str) -> Any:
    try:
        return plugins.get(kind, name)
    except PluginError as error:
        raise UsageError(f"{option}: {error}") from error


# --- losses ------------------------------------------------------------------------------------


class WithTargets(nn.Module):
    """A loss that gets its targets in another form than as labels.

    `form` is "one-hot" (1 for the right class, 0 for the others) or "signs" (1 and -1).
    """

    def __init__(self, loss: Module, form: str) -> None:
        super().__init__()
        self.loss = loss
        self.form = form
        self.reduction = getattr(loss, "reduction", "mean")

    def forward(self, output: Tensor, target: Tensor) -> Any:
        array = to_array(output)
        rows = np.zeros(array.shape, array.dtype)
        rows[np.arange(len(rows)), to_array(target)] = 1
        return self.loss(output, Tensor(2 * rows - 1 if self.form == "signs" else rows))


def loss_of(words: Sequence[str] | None, smoothing: float | None, classes: int) -> Named:
    """The loss of `--loss NAME [KEY=VALUE …]`; UsageError for one that does not fit."""
    known = LOSSES if classes else NUMBER_LOSSES
    default = "CrossEntropyLoss" if classes else "MSELoss"
    named = _named("--loss", "losses", words or [default], known)
    if named["arguments"].get("reduction", "") is None:
        named["arguments"]["reduction"] = "none"  # a text here
    if smoothing is not None:
        if named["name"] != "CrossEntropyLoss":
            raise UsageError(
                f"--label-smoothing is an option of CrossEntropyLoss, not of {named['name']}"
            )
        if "label_smoothing" in named["arguments"]:
            raise UsageError("--label-smoothing is given twice, also with --loss")
        named["arguments"]["label_smoothing"] = smoothing
    make_loss(named, classes)
    return named


def make_loss(named: Named, classes: int) -> Module:
    """The loss, tried on a few samples; it takes scores and labels, or numbers."""
    name = named["name"]
    loss = choices.made("--loss", _get("--loss", "losses", name), {}, named["arguments"])
    if not callable(loss):
        raise UsageError(f"--loss: {name} makes a {type(loss).__name__}, which cannot be called")
    if not classes:
        _try_loss(name, loss, 0)
        return loss  # type: ignore[no-any-return] # whatever a plugin's class makes
    if name in ONE_HOT_LOSSES:
        loss = WithTargets(loss, "one-hot")
    elif name in SIGN_LOSSES:
        loss = WithTargets(loss, "signs")
    elif name not in LABEL_LOSSES:  # a plugin's
        try:
            _try_loss(name, loss, classes)
        except UsageError:
            _try_loss(name, other := WithTargets(loss, "one-hot"), classes)
            return other
    _try_loss(name, loss, classes)
    return loss  # type: ignore[no-any-return] # as above


def _try_loss(name: str, loss: Any, classes: int) -> None:
    output, target = _trial(classes)
    try:
        with no_grad():
            value = loss(output, target)
        size = to_array(value).size
    except (Exception, SystemExit) as error:  # a plugin's code may raise anything
        reason = error_text(error).partition(r"\n")[0]  # without the notes of layers
        raise UsageError(f"--loss: {printable(name)}: {reason}") from error
    if size != 1:
        raise UsageError(
            f"--loss: {printable(name)} gives {size} numbers for a batch; reduction=mean makes one"
        )


def _trial(classes: int) -> tuple[Tensor, Tensor]:
    """Outputs and targets of a few samples."""
    outputs = max(1, classes)
    output = np.linspace(-1, 1, TRIED * outputs, dtype=np.float32).reshape(TRIED, outputs)
    target = np.arange(TRIED) % classes if classes else output[::-1].copy()
    return Tensor(output), Tensor(target)


# --- metrics -----------------------------------------------------------------------------------


def metric_of(words: Sequence[str], classes: int) -> Named:
    """A metric of `--metric NAME [KEY=VALUE …]`; UsageError for one that does not fit."""
    name, *rest = words
    given = choices.arguments("--metric", rest)
    found = _registered("--metric", "metrics", name)
    if found in BASES:
        raise UsageError(f"--metric: {printable(name)!r} fits no run of the command line")
    try:
        return _fitting_metric(found, given, classes)
    except UsageError as error:
        if "average" in given or not NEEDS_AVERAGE.search(str(error)):
            raise
    return _fitting_metric(found, {"average": "macro", **given}, classes)


def _fitting_metric(name: str, given: dict[str, Any], classes: int) -> Named:
    if name in plugins.names("metrics") or ":" in name:
        choices.check_arguments("--metric", _get("--metric", "metrics", name), given)
    named = {"name": name, "arguments": given}
    make_metric(named, classes)
    return named


def default_metrics(classes: int) -> list[Named]:
    return [{"name": "Accuracy" if classes else "MeanAbsoluteError", "arguments": {}}]


def make_metric(named: Named, classes: int) -> Metric:
    """The metric, tried on a few samples."""
    name = named["name"]
    metric = _made_metric(name, named["arguments"])
    if not isinstance(metric, Metric):
        raise UsageError(f"--metric: {name} makes a {type(metric).__name__}, which is no Metric")
    if not isinstance(metric.name, str):
        raise UsageError(f"--metric: the name of {name} must be a text; got {metric.name!r}")
    if classes and getattr(metric, "scores", "") is None:
        metric.scores = "logits"  # type: ignore[attr-defined] # it has one; so all models end
    try:
        metric.update(*_trial(classes))
        metric.compute()
        metric.reset()
    except (Exception, SystemExit) as error:  # a plugin's code may raise anything
        raise UsageError(f"--metric: {printable(name)}: {printable(error_text(error))}") from error
    return metric


def _made_metric(name: str, given: Mapping[str, Any]) -> Any:
    """A metric of a class, or by a name that stands for a class with options, such as rmse."""
    if name in plugins.names("metrics") or ":" in name:
        kind = _get("--metric", "metrics", name)
        if isinstance(kind, type):
            # a class that does not name itself gets the name under which it was asked for
            needed = choices.parameters_of(kind).get("name")
            passed = {"name": name.rpartition(":")[2].lower()} if _has_no_default(needed) else {}
            passed = {key: value for key, value in passed.items() if key not in given}
            return choices.made("--metric", kind, passed, given)
    try:
        return naming.by_name(name, **given)
    except Exception as error:  # whatever a wrong value leads to is the user's to mend
        if "there is no metric" in str(error):
            hint = did_you_mean(name, naming.names(), most=3)
            raise UsageError(
                f"--metric: {printable(name)!r} is not known.{hint} Known: "
                f"{', '.join(naming.names())}"
            ) from None
        raise UsageError(f"--metric: {printable(name)}: {printable(error_text(error))}") from error


def _has_no_default(parameter: inspect.Parameter | None) -> bool:
    return parameter is not None and parameter.default is parameter.empty


def make_metrics(several: Sequence[Named], classes: int) -> list[Metric]:
    """All metrics; UsageError for two of one name."""
    found = [make_metric(named, classes) for named in several]
    names = [metric.name for metric in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"--metric: two are named {printable(twice[0])}; say name=… for one of them"
        )
    return found


# --- activations -------------------------------------------------------------------------------


def activation_of(words: Sequence[str]) -> Named:
    """An activation of `--activation NAME [KEY=VALUE …]`: a layer that keeps shapes."""
    named = _named("--activation", "layers", words, ACTIVATIONS)
    x = Tensor(np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4))
    try:
        layer = make_activation(named["name"], named["arguments"])
        with no_grad():
            shape = layer(x).shape
    except (ArgumentError, PluginError) as error:
        raise UsageError(f"--activation: {error}") from error
    except (Exception, SystemExit) as error:  # a plugin's code may raise anything
        name, given = printable(named["name"]), named["arguments"]
        raise UsageError(choices.cannot("--activation", name, given, error)) from error
    if tuple(shape) != (3, 4):
        raise UsageError(
            f"--activation: {printable(named['name'])} is none: it makes {tuple(shape)} of (3, 4)"
        )
    return named


# --- initial values ----------------------------------------------------------------------------


def init_of(words: Sequence[str]) -> Named:
    """The initial values of `--init NAME [KEY=VALUE …]`."""
    named = choices.chosen("--init", words, {name: name for name in INITS}, name_here(words[0]))
    function = _INIT_FUNCTIONS[named["name"]]
    choices.check_arguments("--init", function, named["arguments"])
    choices.check_needed("--init", function, {"tensor"} | named["arguments"].keys(), named["name"])
    return named


def initialize(named: Named | None, model: Module) -> None:
    """Draw the weights of all layers anew; biases and normalization stay as they are."""
    if named is None:
        return
    function, given = _INIT_FUNCTIONS[named["name"]], named["arguments"]
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2:
            continue
        try:
            function(parameter, **given)
        except Exception as error:  # whatever a wrong value leads to is the user's to mend
            what = f"{named['name']} of {name}, {list(parameter.shape)}"
            raise UsageError(choices.cannot("--init", what, given, error)) from error
