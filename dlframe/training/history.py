"""What happened in training, epoch by epoch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlframe.base import html
from dlframe.base.elsewhere import Elsewhere, without_elsewhere
from dlframe.training.callbacks.monitor import better, check_mode, infer_mode, unknown_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_EPOCHS = 30  # rows in a notebook


class History(Mapping[str, list[Any]]):
    """A mapping from names to one value per epoch: `history["val_loss"]`.

    `plot` draws it, `save` writes it as JSON, and `pandas.DataFrame(history.records())` makes a
    table of it. A quantity that was not measured in an
    epoch is NaN there. `validations` are the records of validations inside of epochs, see
    `Trainer.fit`.

    >>> history = History()
    >>> history.append({"loss": 0.9, "val_loss": 1.0})
    >>> history.append({"loss": 0.5, "val_loss": 0.75})
    >>> history["val_loss"], len(history.records())
    ([1.0, 0.75], 2)
    >>> history.best("val_loss")
    (2, 0.75)
    """

    def __init__(
        self,
        values: Mapping[str, Sequence[Any]] | None = None,
        validations: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.validations = [dict(record) for record in validations]
        self._values = {name: list(column) for name, column in (values or {}).items()}

    def append(self, record: Mapping[str, Any]) -> None:
        """Add an epoch."""
        epochs = self.epochs
        for name in record:
            self._values.setdefault(name, [math.nan] * epochs)
        for name, column in self._values.items():
            column.append(record.get(name, math.nan))

    @property
    def epochs(self) -> int:
        """How many epochs are recorded."""
        return max((len(column) for column in self._values.values()), default=0)

    def records(self) -> list[dict[str, Any]]:
        """One dict per epoch, which begins with its number, counted from 1."""
        return [
            {"epoch": i + 1, **{name: column[i] for name, column in self._values.items()}}
            for i in range(self.epochs)
        ]

    @property
    def epoch(self) -> list[int]:
        """The numbers of the epochs, counted from 1: the x values of every column."""
        return list(range(1, self.epochs + 1))

    def plot(
        self,
        names: Sequence[str] | None = None,
        *,
        title: str | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> Figure:
        """The curves of the columns, or of those named: `viz.curves`, which has more options."""
        from dlframe.viz.curves import curves  # only a picture needs viz

        return curves(self, names=names, title=title, path=path)

    def best(self, name: str, mode: str | None = None) -> tuple[int, float]:
        """The best epoch, counted from 1, and its value.

        `mode` is "min" or "max"; None infers it from the name. Raises KeyError for a name that
        was not recorded, ValueError where every value is NaN.
        """
        mode = check_mode(mode) or infer_mode(name)
        found: tuple[int, float] | None = None
        for epoch, value in enumerate(self[name], start=1):
            if better(value, None if found is None else found[1], mode):
                found = (epoch, value)
        if found is None:
            raise ValueError(f"History.best: {name!r} has no value that is a number")
        return found

    def to_dict(self) -> dict[str, list[Any]]:
        """A copy as plain dict of lists."""
        return {name: list(column) for name, column in self._values.items()}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, where NaN and infinities are null."""
        from dlframe.utils.atomic import atomic_write

        with atomic_write(path, "w") as file:
            json.dump(plain(self.to_dict()), file, indent=1)
            file.write("\n")

    def __getitem__(self, name: str) -> list[Any]:
        try:
            return self._values[name]
        except KeyError:
            raise KeyError(unknown_name("History", name, self._values)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    if not TYPE_CHECKING:  # in Keras, fastai, pandas and skorch
        history = Elsewhere("It is itself the mapping: history['loss']")
        losses = Elsewhere("It is history['loss'], with one value per epoch")
        metrics = Elsewhere("list(history) has the names, history['val_accuracy'] the values")
        params = Elsewhere("The number of epochs is history.epochs")
        model = Elsewhere("The model is trainer.model")
        columns = Elsewhere("list(history) has the names")
        to_frame = to_pandas = to_df = Elsewhere("It is pandas.DataFrame(history.records())")
        to_csv = Elsewhere("Write each epoch as it ends with training.CSVLogger(path)")
        to_file = to_json = Elsewhere("It is history.save(path)")
        from_file = Elsewhere("It is training.read_history(path)")
        plot_loss = plot_metrics = Elsewhere("It is history.plot(['loss', 'val_loss'])")
        best_epoch = best_score = Elsewhere("It is history.best('val_loss'): the epoch, the value")

    def __dir__(self) -> list[str]:
        return without_elsewhere(super().__dir__(), self)

    def _repr_html_(self) -> str:
        """The course of the loss and a table of the last epochs, for notebooks."""
        records = self.records()
        left_out = max(0, len(records) - SHOWN_EPOCHS)
        names = [name for name in self if not any(isinstance(one, list) for one in self[name])]
        rows = [
            [record["epoch"], *(_cell(record[name]) for name in names)]
            for record in records[left_out:]
        ]
        shown = {
            name: [float(one) for one in self[name]]
            for name in ("loss", "val_loss")
            if all(isinstance(one, (int, float)) for one in self.get(name, [None]))
        }
        caption = f"{left_out} earlier epochs" if left_out else ""
        return html.sparkline(shown) + html.table(["epoch", *names], rows, caption=caption)

    def __repr__(self) -> str:
        return f"History of {self.epochs} epochs: {', '.join(self) or 'empty'}"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)


def plain(value: Any) -> Any:
    """A nest of values that JSON can hold: NaN and infinities become None.

    >>> plain({"loss": float("nan"), "f1": [0.5, 1.0]})
    {'loss': None, 'f1': [0.5, 1.0]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
