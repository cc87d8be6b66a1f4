"""Callbacks that log training: JSON lines, CSV, and the losses inside epochs."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe import states
from dlframe.errors import ArgumentError, StateDictError
from dlframe.training.callbacks.callback import Callback
from dlframe.training.history import plain
from dlframe.utils.atomic import atomic_write, named, written_path

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


class EpochLogger(Callback):
    """Writes one line per epoch to a text file; a subclass says what the line is.

    When `fit` begins, the file is written anew from the trainer's history. So it is empty for a
    new run, and for a resumed run it ends with the last epoch before the resumption. A line is on
    the disk when its epoch is over. A process that is killed at that moment may leave half of the
    last line, which `read_history` leaves out, and a resumed run writes whole.
    """

    writes_files = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def line(self, record: dict[str, Any]) -> str:
        """One epoch as text."""
        raise NotImplementedError

    def heading(self, records: list[dict[str, Any]]) -> str:
        """The first lines of the file."""
        return ""

    def on_train_begin(self, trainer: Trainer) -> None:
        self.rewrite(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        path = written_path(self.path)
        with named(path), path.open("a", encoding="utf-8", newline="") as file:
            file.write(self.line(trainer.history.records()[-1]))
            file.flush()
            os.fsync(file.fileno())

    def rewrite(self, trainer: Trainer) -> None:
        """Write the file from the history."""
        records = trainer.history.records()
        with atomic_write(self.path, "w") as file:
            file.write(self.heading(records) + "".join(self.line(record) for record in records))


class JSONLogger(EpochLogger):
    """A file of JSON lines, one object per epoch.

    NaN and infinities are null, since JSON has neither: `json.loads` of every language reads it.
    """

    def line(self, record: dict[str, Any]) -> str:
        return json.dumps(plain(record)) + "\n"


class CSVLogger(EpochLogger):
    """A CSV file with a column per quantity.

    What is missing, NaN or infinite is an empty field, and a list, as of the scores of classes, is
    JSON. Where an epoch measures something new, the file is written anew with one column more.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._columns: list[str] = []

    def heading(self, records: list[dict[str, Any]]) -> str:
        self._columns = list(records[-1]) if records else []
        return _csv_line(self._columns) if records else ""

    def line(self, record: dict[str, Any]) -> str:
        return _csv_line([_cell(plain(record.get(name))) for name in self._columns])

    def on_epoch_end(self, trainer: Trainer) -> None:
        if list(trainer.history.records()[-1]) == self._columns:
            super().on_epoch_end(trainer)
        else:  # the first epoch, or one that measured something new
            self.rewrite(trainer)


def _cell(value: Any) -> Any:
    """A value of a record in a CSV file: nothing for None, and lists as JSON."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (list, dict)) else value


def _csv_line(values: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


class StepLog(Callback):
    """Records loss and learning rate inside epochs: `steps`, `losses`, `rates`.

    A training that begins anew with the same callback replaces the entries of the old one.

    With `every=n` an entry is made every n steps: their mean loss, and the rate of the last one.
    """

    def __init__(self, every: int = 1) -> None:
        if every < 1:
            raise ArgumentError(f"StepLog: every must be 1 or more; got {every}")
        self.every = every
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.rates: list[float] = []
        self._waiting: list[float] = []  # losses since the last entry
        self._rate = 0.0

    def on_train_begin(self, trainer: Trainer) -> None:
        # a training that begins anew: what it has not done yet is of an earlier one
        count = sum(step <= trainer.step for step in self.steps)
        if count < len(self.steps) or trainer.step == 0:
            self._waiting = []
        for values in (self.steps, self.losses, self.rates):
            del values[count:]

    def on_batch_begin(self, trainer: Trainer) -> None:
        self._rate = float(trainer.optimizer.param_groups[0]["lr"])

    def on_batch_end(self, trainer: Trainer) -> None:
        self._waiting.append(trainer.batch_loss)
        if len(self._waiting) >= self.every:
            self.steps.append(trainer.step)
            self.losses.append(sum(self._waiting) / len(self._waiting))
            self.rates.append(self._rate)
            self._waiting = []

    def state_dict(self) -> dict[str, Any]:
        names = ("steps", "losses", "rates", "_waiting")
        return {name: list(getattr(self, name)) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        numbers = states.listed(states.any_number)
        given = states.take(
            state,
            "StepLog.load_state_dict",
            steps=states.listed(states.count),
            losses=numbers,
            rates=numbers,
            _waiting=numbers,
        )
        if len({len(given[name]) for name in ("steps", "losses", "rates")}) > 1:
            raise StateDictError("StepLog.load_state_dict: the lists differ in length")
        for name, values in given.items():
            setattr(self, name, list(values))
