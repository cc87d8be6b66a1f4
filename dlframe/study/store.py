"""The results of a study in a file of JSON lines, which survives being killed at any moment."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlframe.data.lock import file_lock
from dlframe.errors import FileFormatError

NAME = "runs.jsonl"
FILES = "files"  # the folder of what runs leave, a folder each

SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Store:
    """The runs of a study, by their keys; `None` as folder keeps them in memory alone.

    A result is one line, written at once and forced to the disk before the next run is counted as
    done. A line that was cut off, as by a power cut, is not a result: it is removed when the file
    is opened for writing, and that run is made again. NaN and infinities, which JSON lacks, are
    objects in the lines: {"float": "nan"}.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self.path = None if folder is None else Path(folder) / NAME
        self._runs: dict[str, dict[str, Any]] = {}
        self._known: dict[str, dict[str, Any]] | None = None  # by `_told_by`, made when needed
        if self.path is not None and self.path.exists():
            self._runs = {run["key"]: run for run in read(self.path)}

    def __contains__(self, key: str) -> bool:
        return key in self._runs

    def __getitem__(self, key: str) -> dict[str, Any]:
        return self._runs[key]

    def __len__(self) -> int:
        return len(self._runs)

    def find(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """The newest run of the same function, configuration, stage and seed, by whichever code."""
        if self._known is None:
            self._known = {_told_by(run, run.get("function")): run for run in self._runs.values()}
        # files of an older form name no function
        found = self._known.get(_told_by(record, record["function"]))
        return found or self._known.get(_told_by(record, None))

    def folder_of(self, record: Mapping[str, Any]) -> Path | None:
        """Where a run leaves files; None where results are kept in memory alone."""
        return None if self.path is None else self.path.parent / FILES / str(record["key"])

    def add(self, run: Mapping[str, Any]) -> None:
        """Append a result; it is on the disk when this returns."""
        found = dict(run)
        if self.path is not None:
            line = json.dumps(_written(found), allow_nan=False) + "\n"
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with file_lock(self.path.with_name(NAME + ".lock")), self.path.open("ab+") as file:
                _cut(file)
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        self._runs[found["key"]] = found
        self._known = None


def _told_by(run: Mapping[str, Any], function: str | None) -> str:
    """What tells a run from the others, whatever made it; where data lie does not."""
    config = {name: value for name, value in run["config"].items() if name != "root"}
    return json.dumps([function, config, run["stage"], run["seed"]], sort_keys=True)


def _cut(file: Any) -> None:
    """Remove a last line that has no end."""
    end = file.seek(0, os.SEEK_END)
    if not end:
        return
    file.seek(end - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    whole = file.read().rfind(b"\n") + 1
    file.truncate(whole)
    file.seek(0, os.SEEK_END)


def read(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The results in a file, without a last line that was cut off.

    Raises:
        FileFormatError: a line in the middle that is no result.
    """
    lines = Path(path).read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], 1):  # after the last end of line there is nothing
        try:
            run = json.loads(line)
            if not isinstance(run, dict) or not isinstance(run.get("key"), str):
                raise TypeError("no object with a key")
        except (ValueError, TypeError) as error:
            raise FileFormatError(
                f"{path}, line {number}: is no result of a study ({error}). Remove this line, and "
                "the run is made again"
            ) from error
        yield _read(run)


def _written(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _written(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("float"), str) and value["float"] in SPECIAL:
            return SPECIAL[value["float"]]
        return {key: _read(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_read(entry) for entry in value]
    return value


def now() -> str:
    """The present time as text, in UTC.

    >>> len(now())
    20
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
