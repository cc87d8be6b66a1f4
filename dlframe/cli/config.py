"""Turns a command line into a complete description of a run, in plain values.

The description is stored in `config.json` and in every checkpoint: a run can be repeated, resumed
and evaluated from it alone.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Mapping
from typing import Any, NoReturn

from dlframe import plugins
from dlframe.cli import choices
from dlframe.cli.choices import UsageError
from dlframe.cli.parser import data_root
from dlframe.cli.problems import KINDS, Kind
from dlframe.errors import ArgumentError, PluginError
from dlframe.models.classic import make_activation
from dlframe.version import __version__

Config = dict[str, Any]

# Learning rates that work for most small networks, where the optimizer's own default does not.
LEARNING_RATES = {"SGD": 0.1, "RMSprop": 1e-3}

# The defaults of a run, found by experiments on validation data, never on test data.
BASIC: Config = {
    "optimizer": "Adam",
    "scheduler": "none",
    "batch_size": 64,
    "epochs": 10,
    "augment": False,
    "workers": 0,
    "seed": 0,
}
RECIPES: dict[tuple[str, str], Config] = {
    ("points", "mlp"): {"lr": 0.02, "scheduler": "cosine", "batch_size": 50, "epochs": 60},
    ("points", "linear"): {"lr": 0.05, "batch_size": 100, "epochs": 30},
    ("digits", "cnn"): {
        "optimizer": "AdamW", "lr": 0.005, "weight_decay": 0.01, "scheduler": "cosine",
        "batch_size": 32, "epochs": 15, "augment": True,
    },
    ("digits", "mlp"): {"epochs": 40, "batch_size": 32},
    ("mnist", "cnn"): {
        "optimizer": "AdamW", "lr": 0.005, "weight_decay": 0.01, "scheduler": "cosine", "epochs": 4,
        "width": 8,
    },
    ("mnist", "lenet"): {"lr": 0.002, "scheduler": "cosine", "epochs": 8},
    ("cifar10", "cnn"): {
        "optimizer": "AdamW", "lr": 0.003, "weight_decay": 0.01, "scheduler": "cosine",
        "augment": True, "width": 8,
    },
}  # fmt: skip

MODEL_OPTIONS = {
    "linear": (),
    "mlp": ("hidden", "activation", "dropout"),
    "cnn": ("width", "dropout"),
    "lenet": (),
}
FIXED = (
    "data", "limit", "model", "hidden", "width", "dropout", "lr", "momentum", "weight_decay",
    "batch_size", "augment", "seed",
)  # fmt: skip # the options that a resumed run keeps, beside those with names of their own
HIDDEN = {"points": [25, 25], "images": [128]}
ACTIVATION = {"points": "Tanh", "images": "ReLU"}


def from_options(options: argparse.Namespace) -> Config:
    """The complete description of the run; raises UsageError for contradictory options."""
    if options.data is None:
        raise UsageError("say which data to train on: --data digits, for instance")
    kind = KINDS[options.data]
    model = options.model or ("cnn" if kind.is_image else "mlp")
    if not kind.is_image and model in ("cnn", "lenet"):
        raise UsageError(f"{model} needs images, and {options.data} are points: --model mlp")
    defaults = BASIC | RECIPES.get((kind.recipe, model), {})
    chosen = defaults | {
        name: getattr(options, name)
        for name in ("batch_size", "epochs", "augment", "workers", "seed")
        if getattr(options, name) is not None
    }
    return {
        "dlframe": __version__,
        "data": options.data,
        "root": data_root(options.root),
        "limit": options.limit,
        "model": {"name": model, "arguments": _model_arguments(options, kind, model, defaults)},
        "optimizer": _optimizer(options, defaults),
        "scheduler": choices.scheduler(options.scheduler or [defaults["scheduler"]]),
        "regularizers": [choices.regularizer(words) for words in options.regularizer or ()],
        **{name: chosen[name] for name in ("batch_size", "epochs")},
        "patience": options.patience,
        "augment": bool(chosen["augment"]) and kind.is_image,
        **{name: chosen[name] for name in ("seed", "workers")},
    }


def _model_arguments(
    options: argparse.Namespace, kind: Kind, model: str, defaults: Config
) -> Config:
    given = {
        name: getattr(options, name)
        for name in ("hidden", "width", "activation", "dropout")
        if getattr(options, name) is not None
    }
    unused = [f"--{name}" for name in given if name not in MODEL_OPTIONS[model]]
    if unused:
        raise UsageError(f"{', '.join(unused)} has no meaning for the model {model}")
    if "activation" in given:
        given["activation"] = _full_name("layers", given["activation"])
        try:
            make_activation(given["activation"])
        except (ArgumentError, PluginError) as error:
            raise UsageError(f"--activation: {error}") from error
    if model in ("cnn", "lenet"):
        shape = {"channels": kind.shape[0], "size": kind.shape[1]}
    else:
        features = 1
        for length in kind.shape:
            features *= length
        shape = {"in_features": features}
    if model == "mlp":
        group = "images" if kind.is_image else "points"
        given = {"hidden": HIDDEN[group], "activation": ACTIVATION[group]} | given
    if model == "cnn" and "width" in defaults:
        given = {"width": defaults["width"]} | given
    return {**shape, "classes": kind.classes, **given}


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

    Raises UsageError if another option differs from the saved one.
    """
    optimizer = saved["optimizer"]
    before = saved["model"]["arguments"] | optimizer["arguments"] | saved | {
        "model": saved["model"]["name"], "optimizer": optimizer["name"]
    }  # fmt: skip
    given = {name: getattr(options, name) for name in FIXED}
    if options.activation is not None:
        given["activation"] = _full_name("layers", options.activation)
    if options.optimizer is not None:
        name, *words = options.optimizer
        given["optimizer"] = _full_name("optimizers", name)
        given |= choices.arguments("--optimizer", words)
    for name, value in given.items():
        if value is not None and not _same(value, before.get(name)):
            _contradicts(name, str(value), str(before.get(name)))
    _check_choices(saved, options)
    schedule = saved["scheduler"]
    if options.epochs not in (None, saved["epochs"]) and choices.ends_with_the_run(schedule):
        raise UsageError(
            f"--epochs cannot change: the schedule of this run ({schedule['name']}) ends with "
            f"epoch {saved['epochs']}. Start another run with --epochs {options.epochs}"
        )
    changes = {
        name: getattr(options, name)
        for name in ("epochs", "patience", "workers", "root")
        if getattr(options, name) is not None
    }
    return saved | changes


def _check_choices(saved: Config, options: argparse.Namespace) -> None:
    """Raise UsageError for another schedule, or other regularizers, than those of the run."""
    if options.scheduler is not None:
        given = choices.scheduler(options.scheduler)
        if given != saved["scheduler"]:
            there = choices.described(saved["scheduler"])
            _contradicts("scheduler", choices.described(given), there)
    if options.regularizer is not None:
        several = [choices.regularizer(words) for words in options.regularizer]
        if several != saved["regularizers"]:
            here, there = (
                ", ".join(map(choices.described, named)) or "none"
                for named in (several, saved["regularizers"])
            )
            _contradicts("regularizer", here, there)


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
