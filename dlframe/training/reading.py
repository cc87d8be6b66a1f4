"""Reads the history of a run from the files that training writes."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dlframe.base.printable import printable
from dlframe.errors import FileFormatError
from dlframe.training.history import History

NAMES = ("metrics.jsonl", "metrics.csv", "history.json")
"""The files of a run's folder that have a history, in the order in which they are looked for."""


def read_history(path: str | os.PathLike[str]) -> History:
    r"""The history in a file of JSONLogger, CSVLogger or `History.save`, or in a run's folder.

    A run that is being written, or that was killed, may end with half a line, which is left out.
    What is missing is NaN. Raises FileNotFoundError, and FileFormatError for a file that holds
    something else.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "metrics.jsonl")
    >>> lines = '{"epoch": 1, "loss": 0.9}\n{"epoch": 2, "loss": 0.5}\n{"epoch": 3, "lo'
    >>> _ = file.write_text(lines)
    >>> read_history(file)["loss"]
    [0.9, 0.5]
    """
    file = _file(Path(path))
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _no_history(file, "it is not a text") from error
    if file.suffix == ".csv":
        return _of_records(file, csv.DictReader(text.splitlines()))
    if file.suffix == ".json":
        return _of_columns(file, parsed(file, text))
    return _of_records(file, _records(file, text))


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in NAMES:
        if (path / name).is_file():
            return path / name
    raise FileNotFoundError(
        f"the folder {printable(path)} has none of {', '.join(NAMES)}: is it a run's folder?"
    )


def parsed(file: Path, text: str) -> Any:
    """The value of a JSON text from the file; FileFormatError if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_history(file, f"{printable(text, longest=60)} is not JSON") from error


def _records(file: Path, text: str) -> Iterable[Any]:
    """The objects of the lines that are whole."""
    whole = text[: text.rfind("\n") + 1]
    return (parsed(file, line) for line in whole.splitlines() if line.strip())


def _of_records(file: Path, records: Iterable[Any]) -> History:
    history = History()
    for record in records:
        if not isinstance(record, dict):
            raise _no_history(file, f"a line is {printable(record, longest=60)}")
        history.append(
            {
                name: value_of(file, value)
                for name, value in record.items()
                if name not in ("epoch", None)
            }
        )
    return history


def _of_columns(file: Path, columns: Any) -> History:
    if not isinstance(columns, dict) or not all(isinstance(one, list) for one in columns.values()):
        raise _no_history(file, "it has no lists by name")
    if len({len(column) for column in columns.values()}) > 1:
        raise _no_history(file, "its columns differ in length")
    return History(
        {name: [value_of(file, value) for value in column] for name, column in columns.items()}
    )


def value_of(file: Path, value: Any) -> Any:
    """A number, or a list of numbers; null and empty fields are NaN, else FileFormatError."""
    if value is None or value == "":
        return math.nan
    if isinstance(value, list):
        return [value_of(file, one) for one in value]
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value_of(file, parsed(file, value)) if value[:1] == "[" else _refuse(file, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _refuse(file, value)
    return value


def _refuse(file: Path, value: Any) -> Any:
    raise _no_history(file, f"{printable(value, longest=60)} is not a number")


def _no_history(file: Path, why: str) -> FileFormatError:
    return FileFormatError(
        f"{printable(file)} has no history of training: {why}. JSONLogger, CSVLogger and "
        "History.save write such files"
    )
