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
    new run, and for a resumed run it ends with the last epoch before the resumption.
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
    """A file of JSON lines, one object per epoch; NaN and infinities are null."""

    def line(self, record: dict[str, Any]) -> str:
        return json.dumps(plain(record)) + "\n"


class CSVLogger(EpochLogger):
    """A CSV file with a column per quantity; a missing number and NaN are empty fields."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._columns: list[str] = []

    def heading(self, records: list[dict[str, Any]]) -> str:
        self._columns = list(records[-1]) if records else []
        return _csv_line(self._columns) if records else ""

    def line(self, record: dict[str, Any]) -> str:
        values = [plain(record.get(name)) for name in self._columns]
        return _csv_line(["" if value is None else value for value in values])

    def on_epoch_end(self, trainer: Trainer) -> None:
        if list(trainer.history.records()[-1]) == self._columns:
            super().on_epoch_end(trainer)
        else:  # the first epoch, or one that measured something new
            self.rewrite(trainer)


def _csv_line(values: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


class StepLog(Callback):
    """Records loss and learning rate inside epochs: `steps`, `losses`, `rates`.

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
