"""A trainer's whole state as a dict, and as a checkpoint file."""

from __future__ import annotations

import hashlib
import os
import warnings
from typing import TYPE_CHECKING, Any

from dlframe.errors import FileFormatError, StateDictError
from dlframe.nn import Module
from dlframe.tensor import to_array
from dlframe.training.callback import keyed
from dlframe.training.history import History
from dlframe.training.random_state import copied, set_random_state

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer

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
    """Give a trainer the state of another, after checking that all of it fits."""
    if not isinstance(state.get("trainer"), dict):
        raise StateDictError(
            "Trainer.load_state_dict: this is not a trainer's state; its keys are "
            f"{sorted(map(str, state))}. For weights alone there is model.load_state_dict"
        )
    _check(trainer, state["trainer"])
    for name, part in _parts(trainer).items():
        part.load_state_dict(copied(state[name]))
    _load_own_state(trainer, copied(state["trainer"]), copied(state["extra"]))


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
        "epoch": trainer.epoch,
        "batch": trainer.batch,
        "step": trainer.step,
        "pass_done": trainer._pass_done,
        "seconds": trainer._seconds,
        "rates": dict(trainer._rates),
        "sums": {name: metric.state.copy() for name, metric in trainer._sums.items()},
        "positions": copied(trainer._positions()),
        "set_aside": copied(trainer._set_aside),
        "history": trainer.history.to_dict(),
        "callbacks": {
            name: copied(callback.state_dict())
            for name, callback in keyed(trainer.callbacks).items()
        },
    }


def _load_own_state(trainer: Trainer, state: dict[str, Any], extra: dict[str, Any]) -> None:
    trainer.epoch = state["epoch"]
    trainer.batch = state["batch"]
    trainer.step = state["step"]
    trainer._pass_done = state["pass_done"]
    trainer._seconds = state["seconds"]
    trainer._rates = state["rates"]
    trainer._sums = trainer._new_sums()
    for name, metric in trainer._sums.items():
        metric.state = to_array(state["sums"][name])
    trainer.history = History(state["history"])
    trainer.logs = {name: column[-1] for name, column in trainer.history.items()}
    trainer.extra = extra
    for name, callback in keyed(trainer.callbacks).items():
        if name in state["callbacks"]:
            callback.load_state_dict(state["callbacks"][name])
    # the loaders are known only in fit, and random numbers drawn until then must not count
    trainer._pending = state["positions"]
    trainer._set_aside = state.get("set_aside")  # states of earlier versions have none
    set_random_state(state["positions"]["random"])


def _check(trainer: Trainer, state: dict[str, Any]) -> None:
    """Raise StateDictError if the saved run differs from this trainer's."""
    where = "Trainer.load_state_dict"
    if state["version"] > VERSION:
        raise StateDictError(
            f"{where}: the state has version {state['version']}, this dlframe knows versions up to "
            f"{VERSION}. Upgrade with: pip install -U dlframe"
        )
    if state["has_scheduler"] != (trainer.scheduler is not None):
        there, here = ("a", "none") if state["has_scheduler"] else ("no", "one")
        raise StateDictError(f"{where}: the saved run has {there} scheduler, this trainer {here}")
    saved, own = list(state["sums"]), list(trainer._sums)
    if sorted(saved) != sorted(own):
        raise StateDictError(
            f"{where}: the saved run measured {', '.join(saved)}; this trainer measures "
            f"{', '.join(own)}"
        )
    callbacks = keyed(trainer.callbacks)
    lost = [name for name, kept in state["callbacks"].items() if kept and name not in callbacks]
    if lost:
        warnings.warn(
            f"{where}: the state of {', '.join(lost)} is not used: this trainer has no such part",
            stacklevel=4,
        )


# --- files -------------------------------------------------------------------------------------


def write(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Write the state as a checkpoint, whole or not at all; `load_checkpoint` reads it too."""
    from dlframe.utils.checkpoint import save_checkpoint  # on first use: it brings h5py

    save_checkpoint(path, **_parts(trainer), trainer=_own_state(trainer), extra=trainer.extra)


def read(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Give a trainer the state in a file that `write` wrote, or change nothing."""
    from dlframe.utils.checkpoint import load_checkpoint  # on first use: it brings h5py

    content = load_checkpoint(path)
    if not isinstance(content.get("trainer"), dict):
        raise FileFormatError(
            f"{os.fspath(path)} is a checkpoint, but not a trainer's: Trainer.save writes those. "
            "Read it with dlframe.utils.load_checkpoint"
        )
    _check(trainer, content["trainer"])
    load_checkpoint(path, **_parts(trainer))
    _load_own_state(trainer, content["trainer"], content["extra"])
