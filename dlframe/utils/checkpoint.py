"""Checkpoints: one file with everything that a run needs to continue exactly where it stopped.

(PyTorch has two functions with another meaning of the word under this path: `checkpoint` and
`checkpoint_sequential` compute activations again instead of keeping them. They are here too, and
written in `dlframe.autograd.recompute`.)

The file is a dict, written by `save`. It holds the `state_dict` of each part under its name, the
random generator's state, the plugins that the model needs (`requires`), and whatever else was
given. Layers themselves are not stored. Before loading, build the model, by your own code or from
a saved `config`, as the command line does.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlframe import plugins, random, states
from dlframe.autograd.recompute import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    noop_context_fn,
)
from dlframe.base.printable import printable
from dlframe.errors import FileFormatError, PluginError, StateDictError
from dlframe.nn import Module
from dlframe.tensor import Tensor, to_array
from dlframe.utils.hdf5 import load_members, save_hdf5

__all__ = [
    "CHECKPOINT",
    "CheckpointError",
    "checkpoint",
    "checkpoint_sequential",
    "load_checkpoint",
    "mismatches",
    "noop_context_fn",
    "requirements",
    "save_checkpoint",
]

CHECKPOINT = 1
"""The version of the checkpoint's keys; the layout of the HDF5 file has a version of its own."""

_STATES = ("model", "optimizer", "scheduler", "loader", "generator")


def save_checkpoint(
    path: str | os.PathLike[str],
    *,
    model: Module | None = None,
    optimizer: Any = None,
    scheduler: Any = None,
    loader: Any = None,
    generator: random.Generator | None = None,
    keep: int | None = None,
    compression: int = 0,
    **extra: Any,
) -> None:
    """Write the state of all parts given, and `extra` (epoch, config, history …), atomically.

    The generator's state is always written: the default generator's unless another is given.

    Args:
        keep: keep the `keep` newest files whose names differ from `path` only in the last number
            (`step-000100.h5`), and delete the others.
        compression: gzip level 1 to 9; 0 stores arrays as they are.

    Raises:
        DTypeError: a value in `extra` or in a state that cannot be stored; see `save`.
        OSError: the file cannot be written; an old file is unchanged.

    >>> import tempfile
    >>> import dlframe as dl
    >>> from dlframe import nn, optim
    >>> model = nn.Linear(3, 1)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> path = tempfile.mkdtemp() + "/last.h5"
    >>> save_checkpoint(path, model=model, optimizer=optimizer, epoch=3)
    >>> load_checkpoint(path, model=model, optimizer=optimizer)
    {'epoch': 3}
    """
    target = Path(path)
    if keep is not None:
        _check_keep(target, keep)
    content: dict[str, Any] = {"checkpoint": CHECKPOINT, "requires": requirements(model)}
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader}
    for name, part in parts.items():
        if part is not None:
            content[name] = part.state_dict()
    content["generator"] = random.or_default(generator).get_state()
    save_hdf5(content | extra, target, compression=compression)
    if keep is not None:
        _delete_older(target, keep)


def load_checkpoint(
    path: str | os.PathLike[str],
    *,
    model: Module | None = None,
    optimizer: Any = None,
    scheduler: Any = None,
    loader: Any = None,
    generator: random.Generator | None = None,
) -> dict[str, Any]:
    """Restore the given parts from a checkpoint, and return the other values saved with them.

    If one part does not fit, none is changed. To continue bit for bit, pass
    `generator=dl.random.default_generator` too. To load single weights, or names that differ on
    purpose, read the file with `load` and use `load_state_dict`.

    Raises:
        FileFormatError: the file was not written by dlframe, or is not a checkpoint.
        PluginError: the model needs a package that is not installed; the message has the command.
        StateDictError: a part that the file does not have, or a model that does not fit: every
            missing, unexpected, differently shaped or typed name, in one report.
    """
    parts = {
        "model": model,
        "optimizer": optimizer,
        "scheduler": scheduler,
        "loader": loader,
        "generator": generator,
    }
    wanted = {name: part for name, part in parts.items() if part is not None}
    content, given = _read(path, wanted)
    _restore(path, wanted, given)
    return content


def read_states(path: str | os.PathLike[str], parts: Mapping[str, Any]) -> dict[str, Any]:
    """The states of some parts in a checkpoint, by their names; nothing is restored.

    Raises:
        FileFormatError, PluginError, StateDictError: as for `load_checkpoint`.
    """
    return _read(path, parts)[1]


def _read(
    path: str | os.PathLike[str], wanted: Mapping[str, Any]
) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The other values in a checkpoint, and the states of the parts."""
    content, keys = load_members(path, lambda key: key in wanted or key not in _STATES)
    _check_is_checkpoint(path, content, keys)
    _check_requirements(path, content.pop("requires"))
    given = {name: content.pop(name, None) for name in wanted}
    absent = [name for name, state in given.items() if state is None]
    if absent:
        raise StateDictError(
            f"{printable(path)} has no state of: {', '.join(absent)}. "
            f"It has: {', '.join(name for name in _STATES if name in keys)}"
        )
    if wanted.get("model") is not None:
        _check_model(path, wanted["model"], given["model"])
    del content["checkpoint"]
    return content, given


def mismatches(model: Module, state: Mapping[str, Any]) -> list[str]:
    """Every difference between a model and a saved `state_dict`, one line each.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> mismatches(nn.Linear(3, 1), {"weight": dl.zeros(1, 2), "scale": dl.zeros(1)})
    ['missing in the file: bias float32(1,)', 'not in the model: scale float32(1,)',
     'shape of weight: file (1, 2), model (1, 3)']
    """
    ours = model.state_dict()
    lines = [f"missing in the file: {key} {_form(ours[key])}" for key in ours if key not in state]
    lines += [
        f"not in the model: {printable(key, longest=200)} {_form(state[key])}"
        for key in state
        if key not in ours
    ]
    for key in ours:
        if key not in state or not (_is_array(ours[key]) and _is_array(state[key])):
            continue
        theirs, here = to_array(state[key]), to_array(ours[key])
        if theirs.shape != here.shape:
            lines.append(f"shape of {key}: file {theirs.shape}, model {here.shape}")
        if theirs.dtype != here.dtype:
            lines.append(f"dtype of {key}: file {theirs.dtype}, model {here.dtype}")
    return lines


def requirements(model: Module | None) -> list[dict[str, str]]:
    """The plugin packages that a model's modules come from, each with its first module."""
    found: dict[str, dict[str, str]] = {}
    for path, module in model.named_modules() if model is not None else ():
        requirement = plugins.requirement_of(type(module))
        if requirement is not None:
            package, version = requirement
            note = {"package": package, "version": version, "class": type(module).__qualname__}
            found.setdefault(package, note | {"module": path})
    return list(found.values())


# --- checks ------------------------------------------------------------------------------------


def _check_is_checkpoint(
    path: str | os.PathLike[str], content: dict[Any, Any], keys: list[str | int]
) -> None:
    version = content.get("checkpoint")
    if type(version) is not int or not isinstance(content.get("requires"), list):
        raise FileFormatError(
            f"{printable(path)} is a file of dlframe's, but not a checkpoint: it has the keys "
            f"{printable(keys[:10], longest=200)}. Read it with dlframe.utils.load"
        )
    if version > CHECKPOINT:
        raise FileFormatError(
            f"{printable(path)} is a checkpoint of version {version}, this dlframe knows versions "
            f"up to {CHECKPOINT}. Upgrade with: pip install -U dlframe"
        )


# the names that packages may have (PEP 508); with them pip's command needs no quotes
_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_REQUIREMENT = {
    "package": states.matching(_PACKAGE, "the name of a package"),
    **dict.fromkeys(("version", "class", "module"), states.text),
}


def _check_requirements(path: str | os.PathLike[str], given: list[Any]) -> None:
    where = f"cannot load {printable(path)}: what it requires"
    try:
        required = [states.take(note, where, **_REQUIREMENT) for note in given]
    except StateDictError as error:
        raise FileFormatError(str(error)) from None
    missing = [note for note in required if plugins.installed_version(note["package"]) is None]
    if missing:
        needs = "; ".join(
            f"{note['class']} (at {note['module'] or 'the top'}) from {note['package']} "
            f"{note['version']}"
            for note in missing
        )
        command = " ".join(_quoted(f"{note['package']}=={note['version']}") for note in missing)
        raise PluginError(
            f"the model in {printable(path)} needs {printable(needs)}, which is not installed. "
            f"Install it with: pip install {command}. "
            f"(dlframe.utils.load reads the arrays without it.)"
        )


def _quoted(requirement: str) -> str:
    """One word of a shell's command, in quotes in any case."""
    word = shlex.quote(requirement)
    return printable(word if word != requirement else f"'{requirement}'")


def _check_model(path: str | os.PathLike[str], model: Module, state: dict[str, Any]) -> None:
    if any(part._state_hooks and part._state_hooks.load_pre for part in model.modules()):
        return  # a hook will rename keys; load_state_dict compares after it
    lines = mismatches(model, state)
    if lines:
        listed = "\n  ".join(lines)
        raise StateDictError(
            f"{printable(path)} does not fit {type(model).__name__}; nothing was changed:\n"
            f"  {listed}"
        )


def _form(value: Any) -> str:
    if not _is_array(value):
        return type(value).__name__
    array = to_array(value)
    return f"{array.dtype}{array.shape}"


def _is_array(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "__array__")


# --- restoring ---------------------------------------------------------------------------------


def _restore(path: str | os.PathLike[str], parts: dict[str, Any], given: dict[str, Any]) -> None:
    """Give each part its state; after a failure, all parts are as they were."""
    # The model comes last: its load_state_dict is itself all or nothing, so no copy of its weights
    # is needed.
    order = sorted(parts, key=lambda name: name == "model")
    drawn_from = [part for part in parts.values() if isinstance(part, random.Generator)]
    if "loader" in parts:
        drawn_from += getattr(parts["loader"], "_generators", list)()
    before = [(generator, generator.get_state()) for generator in drawn_from]
    others = [parts[name] for name in order if name not in ("model", "generator")]
    name = ""
    try:
        with states.all_or_nothing(printable(path), *others):
            for name in order:
                _set_state(parts[name], given[name])
    except BaseException as error:
        for generator, state in before:
            generator.set_state(state)
        error.add_note(f"while restoring the {name} from {printable(path)}; nothing was changed")
        raise


def _set_state(part: Any, state: Any) -> None:
    if isinstance(part, random.Generator):
        part.set_state(states.check(state, states.array(np.uint8), "generator", "state"))
    else:
        part.load_state_dict(state)


# --- keeping the last k ------------------------------------------------------------------------


def _check_keep(path: Path, keep: int) -> None:
    if keep < 1:
        raise ValueError(f"save_checkpoint: keep must be 1 or more; got {keep}")
    if not re.search(r"\d", path.stem):
        raise ValueError(
            f"save_checkpoint: keep={keep} needs a number in the file's name, such as "
            f"{path.stem}-000100{path.suffix}; got {path.name}"
        )


def _delete_older(path: Path, keep: int) -> None:
    # By the time of writing and not by number, because after a restart the numbers begin again.
    before, _, after = re.split(r"(\d+)(?=\D*$)", path.stem)
    like = re.compile(re.escape(before) + r"(\d+)" + re.escape(after + path.suffix))
    numbered = []
    for file in path.parent.iterdir():
        match = like.fullmatch(file.name)
        if match and file.name != path.name:
            numbered.append((file.stat().st_mtime_ns, int(match[1]), file))
    for _, _, file in sorted(numbered)[: max(len(numbered) - keep + 1, 0)]:
        file.unlink(missing_ok=True)
