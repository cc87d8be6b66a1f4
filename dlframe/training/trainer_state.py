"""A trainer's whole state as a dict, and as a checkpoint file."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe import states
from dlframe.base import nests
from dlframe.base.printable import printable
from dlframe.errors import FileFormatError, StateDictError
from dlframe.nn import Module
from dlframe.training.accumulating import Group
from dlframe.training.callbacks.callback import keyed
from dlframe.training.history import History
from dlframe.training.random_state import copied, random_state, set_random_state

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer

_WHERE = "Trainer.load_state_dict"

_BEFORE: dict[str, Any] = {"updates": 0, "group": {}, "validated_at": 0, "validations": []}
"""What states of earlier versions do not have."""

_ADDED = tuple(_BEFORE)

VERSION = 1
"""The version of the trainer's own part of a state; model, optimizer and scheduler have theirs."""


# --- loaders -----------------------------------------------------------------------------------


def has_position(loader: Any) -> bool:
    """Whether a loader can return its position and go back to it."""
    return hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")


def position_of(loader: Any) -> dict[str, Any] | None:
    """The position of a loader, or None if it has none."""
    return copied(loader.state_dict()) if has_position(loader) else None


def go_to(loader: Any, position: dict[str, Any] | None) -> None:
    """Let the next iteration begin at a position."""
    if position is not None and has_position(loader):
        loader.load_state_dict(position)


def fingerprint(model: Module) -> str:
    """Differs, as far as anyone can tell, between two models with other parameters."""
    digest = hashlib.blake2b(digest_size=16)
    for name, parameter in model.named_parameters():
        array = parameter.array
        digest.update(f"{name} {array.dtype} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


# --- the state ---------------------------------------------------------------------------------


def state_of(trainer: Trainer) -> dict[str, Any]:
    """A copy of the trainer's state, for `load_state`."""
    state = {name: copied(part.state_dict()) for name, part in _parts(trainer).items()}
    return {**state, "trainer": _own_state(trainer), "extra": copied(trainer.extra)}


def load_state(trainer: Trainer, state: dict[str, Any]) -> None:
    """Give a trainer the state of another, or change nothing."""
    _check_is_state(state)
    names = ["model", "optimizer", *(["scheduler"] if _has_scheduler(trainer, state) else [])]
    forms = dict.fromkeys((*names, "extra"), states.plain)
    given = states.take(state, _WHERE, **forms, trainer=states.mapping(states.plain))
    with states.all_or_nothing(_WHERE):  # a nest may be too deep to copy
        own, extra = copied(given["trainer"]), copied(given["extra"])
    _restore(trainer, own, extra, lambda: {name: copied(given[name]) for name in _parts(trainer)})


def _has_scheduler(trainer: Trainer, state: dict[str, Any]) -> bool:
    """Whether a state has to have one of a scheduler."""
    if trainer._schedule.is_made_by_fit:
        return state["trainer"].get("schedule_steps") is not None
    return trainer.scheduler is not None


def _check_is_state(state: Any) -> None:
    if not isinstance(state, dict) or not isinstance(state.get("trainer"), dict):
        keys = (
            printable(sorted(map(str, state)), longest=200) if isinstance(state, dict) else "none"
        )
        raise StateDictError(
            f"{_WHERE}: this is not a trainer's state; its keys are {keys}. "
            "For weights alone there is model.load_state_dict"
        )


def _restore(
    trainer: Trainer, own: dict[str, Any], extra: Any, states_of_parts: Callable[[], dict[str, Any]]
) -> None:
    """Load all of a state, or change nothing: neither the trainer nor any part of it."""
    parts = _parts(trainer)
    schedule = trainer._schedule
    groups = [(group, dict(group)) for group in trainer.optimizer.param_groups]
    others = [schedule, *(part for name, part in parts.items() if name != "model")]
    # the histories of callbacks are lists and dicts that load_state_dict may change in place
    boxes = [(one, nests.map_leaves(lambda value: value, vars(one))) for one in trainer.callbacks]
    randomness = random_state()
    try:
        regularizers = trainer.regularizers
        with states.all_or_nothing(_WHERE, trainer, *others, *trainer.callbacks, *regularizers):
            _load_own_state(trainer, own, extra)
            if schedule.is_made_by_fit:
                schedule.make(own["schedule_steps"])
                parts = _parts(trainer)
            given = states_of_parts()
            # the model comes last: its own load_state_dict is all or nothing, so no copy is needed
            for name in sorted(parts, key=lambda name: name == "model"):
                parts[name].load_state_dict(given[name])
    except BaseException:
        for group, options in groups:
            group.clear()
            group.update(options)
        for callback, attributes in boxes:
            vars(callback).update(attributes)
        set_random_state(randomness)
        raise


def _parts(trainer: Trainer) -> dict[str, Any]:
    """The parts that have a state of their own, by their names in a checkpoint."""
    parts = {
        "model": trainer.model,
        "optimizer": trainer.optimizer,
        "scheduler": trainer.scheduler,
    }
    return {name: part for name, part in parts.items() if part is not None}


def _own_state(trainer: Trainer) -> dict[str, Any]:
    """The state of the trainer itself."""
    return {
        "version": VERSION,
        "has_scheduler": trainer.scheduler is not None,
        "schedule_steps": trainer._schedule.steps,
        "epoch": trainer.epoch,
        "batch": trainer.batch,
        "step": trainer.step,
        "updates": trainer.updates,
        "group": trainer._group.state_dict(trainer.optimizer),
        "pass_done": trainer._pass_done,
        "validated_at": trainer._validated_at,
        "seconds": trainer._seconds,
        "rates": dict(trainer._rates),
        "sums": {name: metric.state.copy() for name, metric in trainer._sums.items()},
        "positions": copied(trainer._positions()),
        "set_aside": copied(trainer._set_aside),
        "history": trainer.history.to_dict(),
        "validations": copied(trainer.history.validations),
        "callbacks": {
            name: copied(callback.state_dict())
            for name, callback in keyed(trainer.callbacks).items()
        },
        "regularizers": {one.name: copied(one.state_dict()) for one in trainer.regularizers},
    }


def _load_own_state(trainer: Trainer, state: dict[str, Any], extra: Any) -> None:
    """Check the trainer's own state and set it; what fails, `_restore` undoes."""
    _check_version(state)
    sums = trainer._training_sums()
    given = states.take(
        {"schedule_steps": None, **state},
        _WHERE,
        has_scheduler=states.flag,
        schedule_steps=states.optional(states.integer(1)),
        epoch=states.count,
        batch=states.count,
        step=states.count,
        pass_done=states.flag,
        seconds=states.not_negative,
        rates=states.mapping(states.number),
        sums=states.mapping(states.plain),
        positions=states.mapping(states.plain),
        history=states.mapping(states.listed(states.plain)),
        callbacks=states.mapping(states.mapping(states.plain)),
    )
    _check_fits(trainer, given)
    for name, metric in sums.items():
        form = states.numbers(metric.state.ndim)  # sizes and dtype may have grown
        empty = metric.state
        metric.state = states.check(given["sums"][name], form, _WHERE, f"sums of {name}")
        if (metric.state.shape, metric.state.dtype) != (empty.shape, empty.dtype):
            # raises for a state that is none of this metric's; but also for a part of an epoch, if
            # the metric has no value of it, so a state of the usual form is not tried
            metric.compute()
    positions = states.take(
        # states of earlier versions have no number of drawn batches
        {"drawn": given["batch"], **given["positions"]}, f"{_WHERE}, positions",
        train=states.plain, drawn=states.count, val=states.plain, random=states.plain,
    )  # fmt: skip
    added = states.take(
        {**_BEFORE, "updates": given["step"], **{k: state[k] for k in _ADDED if k in state}},
        _WHERE, updates=states.count, group=states.mapping(states.plain),
        validated_at=states.count, validations=states.listed(states.mapping(states.plain)),
    )  # fmt: skip
    aside = state.get("set_aside")  # states of earlier versions have none
    if aside is not None:
        where = f"{_WHERE}, set_aside"
        weights = states.mapping(states.plain)
        aside = states.take(aside, where, weights=weights, instead=states.text)
        check_weights(where, trainer.model, aside["weights"])
    lengths = {len(column) for column in given["history"].values()}
    if len(lengths) > 1:
        raise StateDictError(f"{_WHERE}: the columns of the history differ in length")
    is_dict = states.mapping(states.plain, states.plain)
    trainer.extra = states.check(extra, is_dict, _WHERE, "extra")
    for name in ("epoch", "batch", "step"):
        setattr(trainer, name, given[name])
    trainer.updates = added["updates"]
    trainer._validated_at = added["validated_at"]
    trainer._group = Group()
    trainer._group.load_state_dict(added["group"], f"{_WHERE}, group")
    trainer._group.check(trainer.optimizer, f"{_WHERE}, group")
    trainer._pass_done = given["pass_done"]
    trainer._seconds = given["seconds"]
    trainer._rates = given["rates"]
    trainer._sums = sums
    trainer.history = History(given["history"], added["validations"])
    trainer.logs = {name: column[-1] for name, column in trainer.history.items() if column}
    for name, callback in keyed(trainer.callbacks).items():
        if name in given["callbacks"]:
            callback.load_state_dict(given["callbacks"][name])
    # states of earlier versions have no regularizers; other names were refused with the sums
    saved = states.check(
        state.get("regularizers", {}), states.mapping(states.mapping(states.plain)), _WHERE,
        "regularizers",
    )  # fmt: skip
    for one in trainer.regularizers:
        one.load_state_dict(saved.get(one.name, {}))
    # the loaders are known only in fit, and random numbers drawn until then must not count
    trainer._pending = positions
    trainer._set_aside = aside
    set_random_state(positions["random"])


def check_weights(where: str, model: Module, weights: Any) -> None:
    """Raise StateDictError unless a model can load these weights."""
    from dlframe.utils.checkpoint import mismatches  # on first use: it brings the files with it

    checked = states.check(weights, states.mapping(states.plain), where, "weights")
    lines = mismatches(model, checked)
    if lines:
        raise StateDictError(f"{where}: the weights do not fit the model: {'; '.join(lines[:3])}")


def _check_version(state: dict[str, Any]) -> None:
    version = states.take(state, _WHERE, version=states.count)["version"]
    if version > VERSION:
        raise StateDictError(
            f"{_WHERE}: the state has version {version}, this dlframe knows versions up to "
            f"{VERSION}. Upgrade with: pip install -U dlframe"
        )


def _check_fits(trainer: Trainer, state: dict[str, Any]) -> None:
    """Raise StateDictError if the saved run differs from this trainer's."""
    has, planned = state["has_scheduler"], trainer._schedule.is_made_by_fit
    if has != trainer._schedule.exists and not (planned and state["step"] == 0):
        there, here = ("a", "none") if has else ("no", "one")
        raise StateDictError(f"{_WHERE}: the saved run has {there} scheduler, this trainer {here}")
    if has and planned and state["schedule_steps"] is None:
        raise StateDictError(
            f"{_WHERE}: the scheduler of the saved run was not made by fit, as this trainer's is; "
            "pass such an object"
        )
    saved, own = list(state["sums"]), list(trainer._sums)
    if sorted(saved) != sorted(own):
        raise StateDictError(
            f"{_WHERE}: the saved run measured {printable(', '.join(saved), longest=200)}; this "
            f"trainer measures {', '.join(own)}"
        )
    callbacks = keyed(trainer.callbacks)
    lost = [name for name, kept in state["callbacks"].items() if kept and name not in callbacks]
    if lost:
        names = printable(", ".join(lost), longest=200)
        warnings.warn(
            f"{_WHERE}: the state of {names} is not used: this trainer has no such part",
            stacklevel=6,
        )


# --- files -------------------------------------------------------------------------------------


def write(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Write the state as a checkpoint, whole or not at all; `load_checkpoint` reads it too."""
    from dlframe.utils.checkpoint import save_checkpoint  # on first use: it brings h5py

    save_checkpoint(path, **_parts(trainer), trainer=_own_state(trainer), extra=trainer.extra)


def copy(saved: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Write the bytes of a file that `write` wrote, whole or not at all."""
    from dlframe.utils.atomic import atomic_write, named

    with named(Path(saved)):
        content = Path(saved).read_bytes()
    with atomic_write(path, "wb") as file:
        file.write(content)


def read(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Give a trainer the state in a file that `write` wrote, or change nothing."""
    from dlframe.utils.checkpoint import (  # on first use: it brings h5py
        load_checkpoint,
        read_states,
    )

    content = load_checkpoint(path)
    if not isinstance(content.get("trainer"), dict):
        raise FileFormatError(
            f"{printable(path)} is a checkpoint, but not a trainer's: Trainer.save writes those. "
            "Read it with dlframe.utils.load_checkpoint"
        )

    def states_of_parts() -> dict[str, Any]:
        return read_states(path, _parts(trainer))

    _restore(trainer, content["trainer"], content.get("extra"), states_of_parts)
