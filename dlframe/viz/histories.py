"""The history of a run, in the forms that users have it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from dlframe.errors import ArgumentError
from dlframe.training.reading import read_history
from dlframe.viz.panels import Numbers

Run = Any  # see `history_of`


def history_of(run: Run, where: str) -> Mapping[str, Numbers]:
    """Columns of numbers by name.

    A History or another dict of columns, the path of a run's folder or of a file that training
    wrote, a Trainer or Tracker, a frame, or a list of records, one dict for each epoch.

    >>> history_of([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}], "curves")
    {'loss': [0.5, 0.25]}
    """
    if isinstance(run, (str, os.PathLike)):
        return read_history(run)
    if isinstance(run, Mapping):
        return run
    if isinstance(getattr(run, "history", None), Mapping):
        found: Mapping[str, Numbers] = run.history
        return found
    if hasattr(run, "columns") and hasattr(run, "to_dict"):
        return _without_epoch({str(name): run[name].to_numpy() for name in run.columns})
    if isinstance(run, Sequence) and all(isinstance(record, Mapping) for record in run):
        names = dict.fromkeys(str(name) for record in run for name in record)
        columns = {name: [record.get(name, float("nan")) for record in run] for name in names}
        return _without_epoch(columns)
    raise ArgumentError(
        f"{where}: expected a history (a dict from names to numbers, a Trainer or Tracker, the "
        f"path of a run's folder or file); got {type(run).__name__}"
    )


def steps_of(run: Run) -> Mapping[str, Numbers] | None:
    """The steps of each number of a Tracker; None for what counts epochs."""
    steps = getattr(run, "steps", None)
    is_tracker = isinstance(getattr(run, "history", None), Mapping) and isinstance(steps, Mapping)
    return steps if is_tracker else None


def _without_epoch(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values for name, values in columns.items() if name != "epoch"}


def are_numbers(values: Any) -> bool:
    """Whether it is one number per epoch, and not an array such as precision per class."""
    return not any(
        isinstance(value, (list, tuple, str)) or getattr(value, "ndim", 0) > 0 for value in values
    )
