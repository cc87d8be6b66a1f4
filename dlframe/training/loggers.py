"""Callbacks that write down what happens: JSON lines, CSV, and the learning rate step by step."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlframe.training.callback import Callback
from dlframe.training.history import plain
from dlframe.utils.atomic import atomic_write

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


class EpochLogger(Callback):
    """A text file that gets a line per epoch; a subclass says what a line is.

    When ``fit`` begins the file is written anew from the trainer's history: empty for a new run,
    and for a resumed one without the lines of epochs after the point of resumption.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def line(self, record: dict[str, Any]) -> str:
        """One epoch as text."""
        raise NotImplementedError

    def heading(self, records: list[dict[str, Any]]) -> str:
        """What stands above the lines."""
        return ""

    def on_train_begin(self, trainer: Trainer) -> None:
        self.rewrite(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(self.line(trainer.history.records()[-1]))

    def rewrite(self, trainer: Trainer) -> None:
        """Write the file from the history."""
        records = trainer.history.records()
        with atomic_write(self.path, "w") as file:
            file.write(self.heading(records) + "".join(self.line(record) for record in records))


class JSONLogger(EpochLogger):
    """A file of JSON lines, one object per epoch; what is no finite number is null."""

    def line(self, record: dict[str, Any]) -> str:
        return json.dumps(plain(record)) + "\n"


class CSVLogger(EpochLogger):
    """A CSV file with a column per quantity; a number that is missing or NaN is an empty field."""

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


class LearningRates(Callback):
    """Records the learning rate of every step: ``steps`` and ``values``, for schedules per batch.

    The history's ``lr`` has one value per epoch, the one that its last batch was trained with.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.values: list[float] = []

    def on_batch_begin(self, trainer: Trainer) -> None:
        self.steps.append(trainer.step + 1)
        self.values.append(float(trainer.optimizer.param_groups[0]["lr"]))

    def state_dict(self) -> dict[str, Any]:
        return {"steps": list(self.steps), "values": list(self.values)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps, self.values = list(state["steps"]), list(state["values"])
