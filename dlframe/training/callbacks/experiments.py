"""The base of callbacks that write a training into a tracker of experiments."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import states
from dlframe.base.printable import error_text
from dlframe.errors import ArgumentError, MissingExtraError, needs
from dlframe.nn.parameter import is_lazy
from dlframe.tensor import to_array
from dlframe.training.callbacks.callback import Callback
from dlframe.training.callbacks.checkpoint import ModelCheckpoint
from dlframe.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlframe.training.trainer import Trainer

Plain = bool | int | float | str

FINISHED, INTERRUPTED, FAILED = "finished", "interrupted", "failed"

# what a state may name as a run: nothing that leads into another folder
_RUN = re.compile(r"[A-Za-z0-9_][-+.\w]{0,199}", re.ASCII)


class ExperimentLogger(Callback):
    """Writes settings, numbers and files of a training into a run of a tracker.

    The settings are those of model, loss, optimizer and schedule, what `Trainer(extra={"config":
    …})` has, and `config`. After each epoch the numbers of its record are written under their names
    in the history, at the number of the epoch. Inside of epochs, `batch/loss`, `batch/lr` and the
    validations there (`batch/val_loss` …) are written at the number of the step.

    The run ends as finished when `fit` returns, as interrupted after Ctrl-C, and as failed after an
    error. A training that goes on, also in a new process after `Trainer.resume`, goes on with its
    run; one that begins anew begins a new one.

    Args:
        config: more settings, a dict that may hold dicts; `None` values are left out.
        update_freq: when to write inside of epochs: "epoch" never, "batch" after each batch, or
            after every so many, with their mean loss.
        artifacts: whether to keep the best checkpoint of each `ModelCheckpoint`, and a picture of
            the history, with the run.

    For a tracker that is not here, a subclass says what `begin`, `log_config`, `log_numbers`,
    `log_file`, `log_figure` and `end` do.

    >>> class Printed(ExperimentLogger):
    ...     def begin(self, trainer, run):
    ...         return run or "first"
    ...     def log_numbers(self, numbers, step):
    ...         print(step, sorted(numbers))
    ...     def end(self, status, error):
    ...         print(status)
    >>> x = dl.linspace(-1, 1, 8).reshape(8, 1)
    >>> model = nn.Linear(1, 1)
    >>> trainer = dl.Trainer(
    ...     model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[Printed()]
    ... )
    >>> history = trainer.fit((x, x), epochs=2, progress=False)
    1 ['loss', 'lr', 'seconds']
    2 ['loss', 'lr', 'seconds']
    finished
    """

    writes_files = True

    package, extra = "", ""
    """What has to be installed, and the extra that it comes with."""

    opened: Sequence[str] = ()
    """The attributes for what is open while `fit` runs, which a copy does not have."""

    def __init__(
        self,
        *,
        config: Mapping[str, Any] | None = None,
        update_freq: int | str = "epoch",
        artifacts: bool = False,
    ) -> None:
        name = type(self).__name__
        usual = {"epoch": None, "batch": 1}
        if isinstance(update_freq, str) and update_freq in usual:
            self.every = usual[update_freq]
        elif isinstance(update_freq, int) and update_freq >= 1:
            self.every = int(update_freq)
        else:
            raise ArgumentError(
                f'{name}: update_freq is "epoch", "batch" or a number of batches, 1 or more; got '
                f"{update_freq!r}"
            )
        if config is not None and not isinstance(config, Mapping):
            raise TypeError(f"{name}: config must be a dict; got {type(config).__name__}")
        with needs(self.package, self.extra):  # now, and not when all data are loaded
            if self.package and importlib.util.find_spec(self.package) is None:
                raise ModuleNotFoundError(name=self.package)
        self.config = dict(config or {})
        self.artifacts = artifacts
        self.run: str | None = None
        """The name or id of the run, once it has begun."""
        self._status: str | None = None  # None: no run is open
        self._losses: list[float] = []  # since the last entry inside of an epoch

    # --- what a subclass says ------------------------------------------------------------------

    def begin(self, trainer: Trainer, run: str | None) -> str:
        """Begin a run, or go on with `run`; returns what to call it, for a training that goes on.

        The name has letters, digits, `_`, `-`, `.` and `+`.
        """
        raise NotImplementedError

    def log_config(self, config: dict[str, Plain]) -> None:
        """Write the settings, by names such as `optimizer.lr`."""

    def log_numbers(self, numbers: dict[str, float], step: int) -> None:
        """Write numbers: of an epoch, or named `batch/…` at the step of that batch."""

    def log_figure(self, name: str, figure: Figure, step: int) -> None:
        """Write a picture."""

    def log_file(self, path: str | os.PathLike[str]) -> None:
        """Keep a copy of a file with the run."""

    def end(self, status: str, error: BaseException | None) -> None:
        """End the run: "finished", "interrupted", or "failed" by an error."""

    # --- as a callback -------------------------------------------------------------------------

    def on_train_begin(self, trainer: Trainer) -> None:
        begins_anew = trainer.step == 0 and trainer.epoch == 0
        if begins_anew:
            self._losses = []
        self.run = self.begin(trainer, None if begins_anew else self.run)
        self._status = FAILED  # until training has ended
        self.log_config(settings(trainer, self.config))

    def on_batch_end(self, trainer: Trainer) -> None:
        if self.every is None:
            return
        self._losses.append(trainer.batch_loss)
        if len(self._losses) < self.every:
            return
        numbers = {"batch/loss": sum(self._losses) / len(self._losses)}
        rates = {n: v for n, v in trainer._rates.items() if isinstance(v, float)}
        numbers |= {f"batch/{name}": value for name, value in rates.items()}
        self._losses = []
        self.log_numbers(numbers, trainer.step)

    def on_validation_end(self, trainer: Trainer) -> None:
        if trainer.is_inside_epoch:
            measured = flattened({n: v for n, v in trainer.logs.items() if n.startswith("val_")})
            self.log_numbers({f"batch/{n}": v for n, v in measured.items()}, trainer.step)

    def on_epoch_end(self, trainer: Trainer) -> None:
        self.log_numbers(flattened(trainer.logs), trainer.epoch)

    def on_train_end(self, trainer: Trainer) -> None:
        self._status = INTERRUPTED if trainer.interrupted else FINISHED
        if self.artifacts:
            self._keep_artifacts(trainer)

    def close(self) -> None:
        status, self._status = self._status, None
        if status is None:
            return
        error = sys.exc_info()[1] if status == FAILED else None
        if error is None:
            self.end(status, None)
            return
        try:
            self.end(status, error)
        except Exception as second:  # noqa: BLE001 - what ended the training is more important
            error.add_note(f"{type(self).__name__}: the run was not ended: {error_text(second)}")

    def _keep_artifacts(self, trainer: Trainer) -> None:
        for callback in trainer.callbacks:
            if isinstance(callback, ModelCheckpoint) and callback.best_path.is_file():
                self.log_file(callback.best_path)
        if trainer.history.epochs:
            with contextlib.suppress(MissingExtraError):  # no matplotlib, no picture
                self.log_figure("history", trainer.history.plot(), trainer.epoch)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), **dict.fromkeys(self.opened), "_status": None}

    def state_dict(self) -> dict[str, Any]:
        return {"run": self.run, "losses": list(self._losses)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        given = states.take(
            state,
            f"{type(self).__name__}.load_state_dict",
            run=states.optional(states.matching(_RUN, "the name of a run")),
            losses=states.listed(states.any_number),
        )
        self.run, self._losses = given["run"], list(given["losses"])


# --- numbers and settings ----------------------------------------------------------------------


def flattened(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a record; those in lists have their places in their names.

    >>> flattened({"loss": 0.5, "recall": [0.25, 1.0], "best": True, "name": "x"})
    {'loss': 0.5, 'recall/0': 0.25, 'recall/1': 1.0, 'best': 1.0}
    """
    return dict(_numbers("", record))


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _numbers(f"{name}/{key}" if name else str(key), entry)
    elif isinstance(value, (list, tuple)):
        for i, entry in enumerate(value):
            yield from _numbers(f"{name}/{i}", entry)
    elif isinstance(value, (int, float, np.number)):
        yield name, float(value)


def settings(trainer: Trainer, more: Mapping[str, Any]) -> dict[str, Plain]:
    """What a training is made of, in plain values by names with dots."""
    group = {k: v for k, v in trainer.optimizer.param_groups[0].items() if k != "params"}
    if "initial_lr" in group:  # the rate itself depends on when one looks
        group["lr"] = group.pop("initial_lr")
    schedule, loss = trainer.scheduler, trainer.loss
    parameters = list(trainer.model.parameters())
    lazy = any(map(is_lazy, parameters))  # their sizes come with the first batch
    own = {
        "model": type(trainer.model).__name__,
        "parameters": None if lazy else sum(p.array.size for p in parameters),
        "loss": None if loss is None else getattr(loss, "__name__", type(loss).__name__),
        "optimizer": {"name": _kind(trainer.optimizer), **group},
        "scheduler": None if schedule is None else _kind(schedule),
        "regularizers": [one.name for one in trainer.regularizers] or None,
        "batch_size": getattr(trainer._stream.loader, "batch_size", None),
        "epochs": trainer.epochs,
        "dlframe": __version__,
    }
    given = trainer.extra.get("config") if isinstance(trainer.extra, Mapping) else None
    given = given if isinstance(given, Mapping) else {}
    return dict(_plain("", {**own, **_nested(given), **_nested(more)}))


def _kind(value: Any) -> str:
    return type(value).__name__


def _nested(config: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in config.items()}


def _plain(name: str, value: Any) -> Iterator[tuple[str, Plain]]:
    """The entries of a nest of dicts that are not None; other values become numbers or texts."""
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _plain(f"{name}.{key}" if name else str(key), entry)
    elif isinstance(value, (bool, int, float, str)):
        yield name, value
    elif isinstance(value, Path):
        yield name, str(value)
    elif isinstance(value, Sequence):
        yield name, ", ".join(str(entry) for entry in value)
    else:
        yield name, _number_or_text(value)


def _number_or_text(value: Any) -> Plain:
    with contextlib.suppress(Exception):  # whatever an object of the user's makes of it
        array = to_array(value)
        if array.size == 1 and array.dtype.kind in "biuf":
            number: Plain = array.reshape(()).item()
            return number
    return getattr(value, "__name__", None) or str(value)
