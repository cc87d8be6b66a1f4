"""Turns a command line into a complete description of a run, in plain values.

The description is stored in `config.json` and in every checkpoint: a run can be repeated, resumed
and evaluated from it alone.
"""

from __future__ import annotations

import argparse
import inspect
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from dlframe import plugins
from dlframe.base.printable import printable
from dlframe.cli import choices, measures, sources
from dlframe.cli.names import (
    ACTIVATION,
    BASIC,
    HIDDEN,
    LEARNING_RATES,
    MODEL_OPTIONS,
    RECIPES,
    UsageError,
)
from dlframe.cli.parser import data_root
from dlframe.cli.problems import KINDS, Kind, kind_of
from dlframe.errors import PluginError
from dlframe.version import __version__

Config = dict[str, Any]

FIXED = (
    "data", "limit", "model", "hidden", "width", "dropout", "batch_norm", "lr", "momentum",
    "weight_decay", "label_smoothing", "clip", "batch_size", "augment", "seed",
)  # fmt: skip # the options that a resumed run keeps, beside those with names of their own
SOURCE_OPTIONS = ("target", "task", "ignore", "text", "header", "delimiter", "size")


def from_options(options: argparse.Namespace) -> Config:
    """The complete description of the run; raises UsageError for contradictory options."""
    if options.data is None:
        raise UsageError("say which data to train on: --data digits, for instance")
    data, source = _data(options)
    kind = kind_of({"data": data, "source": source})
    model = options.model or ("cnn" if _is_square(kind) else "mlp")
    if model in ("cnn", "lenet") and not _is_square(kind):
        shape = "×".join(map(str, kind.shape))
        what = "are points" if kind.recipe == "points" else f"has samples of {shape}"
        raise UsageError(
            f"{model} needs {'square ' if kind.is_image else ''}images, and {printable(data)} "
            f"{what}: --model mlp"
        )
    defaults = BASIC | RECIPES.get((kind.recipe, model), {})
    chosen = defaults | {
        name: getattr(options, name)
        for name in ("batch_size", "epochs", "augment", "workers", "seed")
        if getattr(options, name) is not None
    }
    metrics = [measures.metric_of(words, kind.classes) for words in options.metric or ()]
    measures.make_metrics(metrics, kind.classes)
    return {
        "dlframe": __version__,
        "data": data,
        "source": source,
        "root": data_root(options.root),
        "limit": options.limit,
        "model": {"name": model, "arguments": _model_arguments(options, kind, model, defaults)},
        "init": None if options.init is None else measures.init_of(options.init),
        "loss": measures.loss_of(options.loss, options.label_smoothing, kind.classes),
        "metrics": metrics or measures.default_metrics(kind.classes),
        "optimizer": _optimizer(options, defaults),
        "scheduler": choices.scheduler(options.scheduler or [defaults["scheduler"]]),
        "regularizers": _regularizers(options),
        **{name: chosen[name] for name in ("batch_size", "epochs")},
        "ends": [],
        "patience": options.patience,
        "augment": bool(chosen["augment"]) and kind.is_image,
        **{name: chosen[name] for name in ("seed", "workers")},
    }


def _data(options: argparse.Namespace) -> tuple[str, sources.Source | None]:
    """The name of the data, and their description if they are not dlframe's own."""
    name, *words = options.data
    given: Config = {option: getattr(options, option) for option in SOURCE_OPTIONS}
    given["arguments"] = choices.arguments("--data", words) or None
    if name.lower() in KINDS:
        used = [key for key, value in given.items() if value is not None]
        if used:
            option = "KEY=VALUE" if used[0] == "arguments" else f"--{used[0]}"
            raise UsageError(f"{option} has no meaning for the data set {name.lower()}")
        return name.lower(), None
    seed = BASIC["seed"] if options.seed is None else options.seed
    return name, sources.described(name, given, seed)


def _is_square(kind: Kind) -> bool:
    return kind.is_image and kind.shape[1] == kind.shape[2] and kind.shape[1] >= 4


def _regularizers(options: argparse.Namespace) -> list[choices.Named]:
    found = [choices.regularizer(words) for words in options.regularizer or ()]
    if options.clip is not None:
        if any(one["name"] == "ClipGradNorm" for one in found):
            raise UsageError("--clip is given twice, also as --regularizer clip_grad_norm")
        found.insert(0, {"name": "ClipGradNorm", "arguments": {"max_norm": options.clip}})
    return found


def _model_arguments(
    options: argparse.Namespace, kind: Kind, model: str, defaults: Config
) -> Config:
    given = {
        name: getattr(options, name)
        for name in ("hidden", "width", "activation", "dropout", "batch_norm")
        if getattr(options, name) is not None
    }
    unused = [f"--{name.replace('_', '-')}" for name in given if name not in MODEL_OPTIONS[model]]
    if unused:
        raise UsageError(f"{', '.join(unused)} has no meaning for the model {model}")
    if "activation" in given:
        named = measures.activation_of(given["activation"])
        given["activation"] = named["name"]
        if named["arguments"]:
            given["activation_arguments"] = named["arguments"]
    if model in ("cnn", "lenet"):
        shape = {"channels": kind.shape[0], "size": kind.shape[1]}
    else:
        shape = {"in_features": math.prod(kind.shape)}
    if model == "mlp":
        group = "images" if kind.is_image else kind.recipe
        given = {"hidden": HIDDEN[group], "activation": ACTIVATION[group]} | given
    if model == "cnn" and "width" in defaults:
        given = {"width": defaults["width"]} | given
    return {**shape, "classes": kind.outputs, **given}


def _optimizer(options: argparse.Namespace, defaults: Config) -> Config:
    name, *words = options.optimizer or [defaults["optimizer"]]
    name = _full_name("optimizers", name)
    if name in plugins.core_names("optimizers") and "lr" not in _options_of(name):
        raise UsageError(f"{name} has no learning rate, and takes no batches; use it in a program")
    arguments: Config = {"lr": LEARNING_RATES.get(name) or _default_rate(name)}
    if name == defaults["optimizer"]:
        arguments |= {key: defaults[key] for key in ("lr", "weight_decay") if key in defaults}
    if options.lr is not None:
        arguments["lr"] = options.lr
    if options.weight_decay is not None:
        if name in plugins.core_names("optimizers") and "weight_decay" not in _options_of(name):
            raise UsageError(f"{name} has no weight decay; leave out --weight-decay")
        arguments["weight_decay"] = options.weight_decay
    if options.momentum is not None:
        if "momentum" not in _options_of(name):
            able = [n for n in plugins.core_names("optimizers") if "momentum" in _options_of(n)]
            raise UsageError(
                f"--momentum is for {', '.join(able).lower()}; {name} does not take it"
            )
        arguments["momentum"] = options.momentum
    given = choices.arguments("--optimizer", words)
    own = {"lr": options.lr, "weight_decay": options.weight_decay, "momentum": options.momentum}
    twice = [key for key, value in own.items() if key in given and value is not None]
    if twice:
        raise UsageError(f"--optimizer: {twice[0]} is given twice, also by an option of its own")
    if name in plugins.core_names("optimizers"):
        choices.check_arguments("--optimizer", plugins.get("optimizers", name), given)
    arguments |= given
    return {"name": name, "arguments": arguments}


def _options_of(optimizer: str) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(plugins.get("optimizers", optimizer)).parameters
    except PluginError as error:
        raise UsageError(str(error)) from error
    except (TypeError, ValueError):  # a plugin's, which does not tell
        return {}


def _default_rate(optimizer: str) -> float:
    lr = _options_of(optimizer).get("lr")
    return lr.default if lr is not None and isinstance(lr.default, float) else 1e-3


def _full_name(kind: str, name: str) -> str:
    """The name to store, which will mean the same tomorrow: sgd is SGD, or package:Name."""
    try:
        return plugins.full_name(kind, name)
    except PluginError as error:
        raise UsageError(str(error)) from error


def resumed(saved: Config, options: argparse.Namespace) -> Config:
    """A saved description with the options that may change: epochs, patience, workers, root.

    A schedule that ends with the run keeps its end if there are to be more epochs: these have one
    of their own. Raises UsageError if another option differs from the saved one.
    """
    optimizer = saved["optimizer"]
    source = saved["source"] or {}
    loss = saved["loss"]["arguments"]
    clips = [r for r in saved["regularizers"] if r["name"] == "ClipGradNorm"]
    before = source | saved["model"]["arguments"] | optimizer["arguments"] | saved | {
        "model": saved["model"]["name"],
        "optimizer": optimizer["name"],
        "label_smoothing": loss.get("label_smoothing"),
        "clip": clips[0]["arguments"].get("max_norm") if clips else None,
    }  # fmt: skip
    given = {name: getattr(options, name) for name in (*FIXED, *SOURCE_OPTIONS)}
    if options.data is not None:
        name = options.data[0]
        same = source and source["form"] != "plugin" and Path(name).exists()
        given["data"] = saved["data"] if same and str(Path(name).resolve()) == source[
            "place"
        ] else name  # fmt: skip
    if options.optimizer is not None:
        name, *words = options.optimizer
        given["optimizer"] = _full_name("optimizers", name)
        given |= choices.arguments("--optimizer", words)
    for name, value in given.items():
        if value is not None and not _same(value, before.get(name)):
            _contradicts(name, str(value), str(before.get(name)))
    _check_choices(saved, options)
    changes = {
        name: getattr(options, name)
        for name in ("epochs", "patience", "workers", "root")
        if getattr(options, name) is not None
    }
    epochs, end = changes.get("epochs", saved["epochs"]), saved["epochs"]
    if epochs != end and choices.ends_with_the_run(saved["scheduler"]):
        if epochs < end:
            raise UsageError(
                f"--epochs {epochs} is too few: the schedule of this run "
                f"({saved['scheduler']['name']}) ends with epoch {end}. More epochs may be added"
            )
        changes["ends"] = [*saved["ends"], end]
    return saved | changes


def _check_choices(saved: Config, options: argparse.Namespace) -> None:
    """Raise UsageError for other names with arguments than those of the run."""
    kind = kind_of(saved)
    if options.scheduler is not None:
        _compare("scheduler", [choices.scheduler(options.scheduler)], [saved["scheduler"]])
    if options.regularizer is not None:
        several = [choices.regularizer(words) for words in options.regularizer]
        there = saved["regularizers"]
        if options.clip is not None:
            there = [one for one in there if one["name"] != "ClipGradNorm"]
        _compare("regularizer", several, there)
    if options.loss is not None:
        smoothing = saved["loss"]["arguments"].get("label_smoothing")
        in_words = any(word.startswith("label_smoothing=") for word in options.loss)
        given = measures.loss_of(options.loss, None if in_words else smoothing, kind.classes)
        _compare("loss", [given], [saved["loss"]])
    if options.metric is not None:
        several = [measures.metric_of(words, kind.classes) for words in options.metric]
        _compare("metric", several, saved["metrics"])
    if options.init is not None:
        _compare("init", [measures.init_of(options.init)], [saved["init"]] if saved["init"] else [])
    if options.activation is not None:
        there = saved["model"]["arguments"]
        named = {
            "name": there.get("activation"),
            "arguments": there.get("activation_arguments", {}),
        }
        _compare("activation", [measures.activation_of(options.activation)], [named])


def _compare(option: str, given: list[choices.Named], saved: list[choices.Named]) -> None:
    def same(one: choices.Named, other: choices.Named) -> bool:
        return _same(one["name"], other["name"]) and one["arguments"] == other["arguments"]

    if len(given) != len(saved) or not all(map(same, given, saved)):
        here, there = (
            ", ".join(map(choices.described, named)) or "none" for named in (given, saved)
        )
        _contradicts(option, here, there)


def _contradicts(name: str, given: str, saved: str) -> NoReturn:
    raise UsageError(
        f"--{name.replace('_', '-')} {given} contradicts the run, which has {saved}; leave it out, "
        "or start another run with another --out"
    )


def _same(given: Any, saved: Any) -> bool:
    if isinstance(given, str) and isinstance(saved, str):
        # runs of earlier versions have a plugin's name without its package
        return saved.lower() in (given.lower(), given.lower().rpartition(":")[2])
    return bool(given == saved)
