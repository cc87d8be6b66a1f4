"""Checks the description of a run in a checkpoint, before anything is built from it.

A checkpoint may come from anybody. Every entry is compared with what `dlframe train` could have
written, and the sizes of the model with the arrays that the file holds, so that no memory is
taken for layers that are not there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlframe import states
from dlframe.base.printable import printable
from dlframe.cli import sources
from dlframe.cli.choices import REGULARIZER_CLASSES, SCHEDULES, named_form, plain_value
from dlframe.cli.names import INITS, MODEL_OPTIONS
from dlframe.cli.problems import KINDS, Kind, kind_of
from dlframe.errors import FileFormatError, StateDictError
from dlframe.tensor import to_array
from dlframe.utils import load

_PART = states.mapping(states.plain)
_SHARE = states.both(states.not_negative, states.below(1.0))

_DESCRIPTION: dict[str, states.Form] = {
    "dlframe": states.text,
    "data": states.text,
    "source": states.optional(sources.source_form),
    "root": states.text,
    "limit": states.optional(states.integer(1)),
    "model": _PART,
    "init": states.optional(named_form(INITS)),
    "loss": named_form(),
    "metrics": states.listed(named_form()),
    "optimizer": _PART,
    "scheduler": named_form(SCHEDULES.values()),
    "regularizers": states.listed(named_form(REGULARIZER_CLASSES)),
    "batch_size": states.integer(1),
    "epochs": states.integer(1),
    "ends": states.listed(states.integer(1)),
    "patience": states.optional(states.integer(1)),
    "augment": states.flag,
    "seed": states.integer(-(1 << 63), (1 << 64) - 1),
    "workers": states.integer(0, 1000),
}
_MODEL_OPTIONS: dict[str, states.Form] = {
    "hidden": states.listed(states.integer(1)),
    "width": states.integer(1),
    "activation": states.text,
    "activation_arguments": states.mapping(plain_value),
    "dropout": _SHARE,
    "batch_norm": states.flag,
}
_OPTIMIZER_OPTIONS: dict[str, states.Form] = {
    "lr": states.positive,
    "weight_decay": states.not_negative,
    "momentum": _SHARE,
}


# What runs of earlier versions did, which had no choice.
_EARLIER: dict[str, Any] = {
    "source": None,
    "init": None,
    "loss": {"name": "CrossEntropyLoss", "arguments": {}},
    "metrics": [{"name": "Accuracy", "arguments": {}}],
    "regularizers": [],
    "ends": [],
}


def description_in(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The description of the run that wrote a checkpoint; FileFormatError if there is none."""
    extra = content.get("extra")
    config = extra.get("config") if isinstance(extra, dict) else None
    if not isinstance(config, dict) or not {"dlframe", "data", "model"} <= config.keys():
        raise FileFormatError(
            f"{printable(path)} is a checkpoint without a description of its run: only `dlframe "
            "train` writes one. Build the model yourself, and read it with "
            "dlframe.utils.load_checkpoint"
        )
    where = f"the description of the run in {printable(path)}"
    try:
        config = {**_EARLIER, **config}
        checked = {**config, **states.take(config, where, **_DESCRIPTION)}
        checked = {name: checked[name] for name in (*_DESCRIPTION, *checked)}
        if checked["source"] is None:
            states.check(checked["data"], states.one_of(*KINDS), where, "data")
        _check_ends(checked, where)
        checked["model"] = _model(checked["model"], kind_of(checked), where)
        checked["optimizer"] = _optimizer(checked["optimizer"], where)
        _check_sizes(checked["model"], path, where)
    except StateDictError as error:
        raise FileFormatError(str(error)) from None
    return checked


def _check_ends(config: Mapping[str, Any], where: str) -> None:
    ends = [*config["ends"], config["epochs"]]
    if ends != sorted(set(ends)):
        raise StateDictError(f"{where}: the ends of schedules are {printable(ends, longest=60)}")


def epoch_in(content: Mapping[str, Any], path: Path) -> int:
    """The epoch after which a checkpoint was written."""
    try:
        trainer = states.take(content, printable(path), trainer=_PART)["trainer"]
        return int(states.take(trainer, printable(path), epoch=states.count)["epoch"])
    except StateDictError as error:
        raise FileFormatError(str(error)) from None


def _model(given: Any, kind: Kind, where: str) -> dict[str, Any]:
    part = states.take(
        given, f"{where}, model", name=states.one_of(*MODEL_OPTIONS), arguments=_PART
    )
    arguments, where = part["arguments"], f"{where}, arguments of the model"
    if part["name"] in ("cnn", "lenet"):
        if not kind.is_image:
            raise StateDictError(f"{where}: {part['name']} needs images")
        fixed = {"channels": kind.shape[0], "size": kind.shape[1]}
    else:
        fixed = {"in_features": math.prod(kind.shape)}
    fixed["classes"] = kind.outputs
    needed = ["hidden", "activation"] if part["name"] == "mlp" else []
    options = {name: _MODEL_OPTIONS[name] for name in MODEL_OPTIONS[part["name"]]}
    forms = {name: form for name, form in options.items() if name in arguments or name in needed}
    sizes = {name: states.integer(size, size) for name, size in fixed.items()}
    return part | {"arguments": _only(arguments, where, sizes | forms)}


def _optimizer(given: Any, where: str) -> dict[str, Any]:
    part = states.take(given, f"{where}, optimizer", name=states.text, arguments=_PART)
    others = {name: plain_value for name in part["arguments"] if name.isidentifier()}
    given = part["arguments"].keys() | {"lr"}
    forms = {n: form for n, form in (others | _OPTIMIZER_OPTIONS).items() if n in given}
    return part | {"arguments": _only(part["arguments"], f"{where}, options", forms)}


def _only(given: Mapping[str, Any], where: str, forms: dict[str, states.Form]) -> dict[str, Any]:
    unknown = [name for name in given if name not in forms]
    if unknown:
        raise StateDictError(f"{where}: {printable(unknown[0], longest=60)!r} is unknown")
    return states.take(given, where, **forms)


def _check_sizes(model: dict[str, Any], path: Path, where: str) -> None:
    """Raise StateDictError unless the file holds the weights of every layer that takes memory."""
    stored = load(path, names=["model"])["model"]
    stored = states.check(stored, _PART, where, "the model's state")
    there = {to_array(value).shape for value in stored.values() if hasattr(value, "__array__")}
    for shape in _weights(model["name"], **model["arguments"]):
        if shape not in there:
            raise StateDictError(f"{where}: the file has no weights of the shape {shape}")


def _weights(name: str, **arguments: Any) -> Iterator[tuple[int, ...]]:
    """The shapes of the weights whose sizes the description chooses; see `dlframe.models`."""
    if name == "mlp":
        sizes = [arguments["in_features"], *arguments["hidden"], arguments["classes"]]
        yield from zip(sizes[1:], sizes[:-1], strict=True)
    elif name == "cnn" and "width" in arguments:
        width, size = arguments["width"], arguments["size"]
        yield width, arguments["channels"], 3, 3
        while size > 4:
            yield 2 * width, width, 3, 3
            width, size = 2 * width, size // 2
