"""Reads what training writes while it writes it: each time only what is new.

A file of JSON lines or CSV grows by a line for each epoch; `Growing.refresh` reads the lines that
are whole. A file that was replaced, cut, or written anew is read from its beginning. What is no
line of numbers is named in `fault`, with its line, and the lines after it are read.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import math
import os
import stat
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from dlframe.base.printable import error_text, printable
from dlframe.errors import FileFormatError
from dlframe.training.reading import parsed, value_of

AT_ONCE = 16 << 20  # bytes read in one go, so that a long file lets the others have their turn
LONGEST_LINE = 1 << 20  # bytes
LARGEST_FILE = 256 << 20  # bytes of a history.json, which is read as a whole
KEPT = 128  # bytes of the beginning, and of the end, by which a file is known again
STEPS = ("step", "steps", "global_step")  # quantities that count steps
MOST_COLUMNS = 200
MOST_PARTS = 20  # of a quantity that has a number for each class


class Columns:
    """Numbers by name, one for each record; NaN where a record has none."""

    def __init__(self) -> None:
        self.values: dict[str, array[float]] = {}
        self.epochs: array[float] = array("d")
        self.elapsed: array[float] = array("d")  # the sum of `seconds` so far
        self.left_out = 0  # names beyond the first MOST_COLUMNS

    def __len__(self) -> int:
        return len(self.epochs)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record: numbers, and lists of numbers, which become `name[0]`, `name[1]` …"""
        count = len(self.epochs)
        epoch = record.get("epoch")
        known = isinstance(epoch, int | float) and math.isfinite(epoch)
        self.epochs.append(float(epoch) if known else count + 1.0)  # type: ignore[arg-type]  # known
        for name, value in flat(record):
            column = self.values.get(name)
            if column is None:
                if len(self.values) >= MOST_COLUMNS:
                    self.left_out += 1
                    continue
                column = self.values[name] = array("d", [math.nan]) * count
            column.append(value)
        for column in self.values.values():
            if len(column) <= count:
                column.append(math.nan)
        seconds = self.values["seconds"][-1] if "seconds" in self.values else 0.0
        before = self.elapsed[-1] if count else 0.0
        self.elapsed.append(before + (seconds if math.isfinite(seconds) else 0.0))

    def places(self) -> dict[str, array[float]]:
        """What records can be drawn over: their epoch, and their time and step where known."""
        found = {"epoch": self.epochs}
        for name in STEPS:
            if name in self.values:
                found["step"] = self.values[name]
        if "seconds" in self.values:
            found["time"] = self.elapsed
        return found


def flat(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of a record with their names, without its number of the epoch."""
    for name, value in record.items():
        if name == "epoch":
            continue
        if isinstance(value, list):
            for i, part in enumerate(value[:MOST_PARTS]):
                yield from flat({f"{name}[{i}]": part})
        else:
            yield name, _as_float(value)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of 400 digits
        return math.inf if value > 0 else -math.inf


class Growing:
    """The numbers in a file of JSONLogger, CSVLogger or `History.save`, as far as they are there.

    `generation` counts how often the file was read from its beginning: numbers of an earlier one
    are void. `fault` says what is wrong with the file, in a sentence, or is empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        self.changed_at = 0.0  # seconds since 1970
        with contextlib.suppress(OSError):  # known before it is read: pages begin with the newest
            self.changed_at = path.stat().st_mtime
        self.more = False  # whether there is more to read at once
        self._state: tuple[int, int, int] | None = None
        self._begin()

    def _begin(self) -> None:
        self.columns = Columns()
        self.fault = ""
        self.generation += 1
        self._offset = 0
        self._lines = 0
        self._heading: list[str] | None = None
        self._first = self._last = b""
        self._useless = False

    def refresh(self) -> bool:
        """Read what is new; returns whether anything changed. A file that is gone is a fault."""
        before = (self.generation, len(self.columns), self.fault)
        try:
            self._read()
        except OSError as error:
            if self._state is not None or not self.fault:
                self._state = None
                self.more = False
                self._begin()
                self.fault = _why(self.path, error)
        return before != (self.generation, len(self.columns), self.fault)

    def _read(self) -> None:
        status = self.path.stat()
        if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for who writes to it
            raise OSError(errno.EINVAL, "it is no file")
        state = (status.st_ino, status.st_size, status.st_mtime_ns)
        if state == self._state and not self.more:
            return
        with self.path.open("rb") as file:
            self.changed_at = status.st_mtime
            if self.path.suffix == ".json":
                self._begin()
                self._read_whole(file, status.st_size)
            else:
                if self._state is None or state[0] != self._state[0] or self._is_other(file):
                    self._begin()
                self._read_lines(file)
        self._state = state

    def _is_other(self, file: BinaryIO) -> bool:
        """Whether what was read is no longer there: cut off, or written anew in place."""
        if os.fstat(file.fileno()).st_size < self._offset:
            return True
        if file.read(len(self._first)) != self._first:
            return True
        file.seek(self._offset - len(self._last))
        return file.read(len(self._last)) != self._last

    def _read_lines(self, file: BinaryIO) -> None:
        self.more = False
        if self._useless:
            return
        file.seek(self._offset)
        chunk = file.read(AT_ONCE)
        whole = chunk[: chunk.rfind(b"\n") + 1]
        if not whole:
            if len(chunk) > LONGEST_LINE:
                self._useless = True
                self._complain(f"line {self._lines + 1} is longer than {LONGEST_LINE} bytes")
            return
        for line in whole.splitlines():
            self._lines += 1
            if line.strip():
                self._take(line)
        if not self._first:
            self._first = whole[:KEPT]
        self._last = whole[-KEPT:]
        self._offset += len(whole)
        self.more = len(chunk) == AT_ONCE

    def _take(self, line: bytes) -> None:
        try:
            text = line.decode("utf-8-sig" if self._lines == 1 else "utf-8")
            record = self._of_csv(text) if self.path.suffix == ".csv" else parsed(self.path, text)
            if record is None:  # the heading
                return
            if not isinstance(record, dict):
                self._complain(f"line {self._lines} is {printable(text, longest=60)}")
                return
        except UnicodeDecodeError:
            self._complain(f"line {self._lines} is not a text")
        except (FileFormatError, csv.Error):
            shown = printable(line.decode(errors="replace"), longest=60)
            self._complain(f"line {self._lines} has no numbers by name: {shown}")
        else:
            self.columns.append(self._numbers(record, f"line {self._lines}"))

    def _numbers(self, record: Mapping[str, Any], where: str) -> dict[str, Any]:
        """What is a number, or a list of them; the first that is neither is named."""
        numbers = {}
        for name, value in record.items():
            try:
                numbers[name] = value_of(self.path, value)
            except (FileFormatError, RecursionError):
                shown = printable(value, longest=40)
                self._complain(f"{where}: {printable(name, longest=40)} is no number: {shown}")
        return numbers

    def _of_csv(self, text: str) -> dict[str, Any] | None:
        fields = next(csv.reader([text]))
        if self._heading is None:
            self._heading = fields
            return None
        return {name: value for name, value in zip(self._heading, fields, strict=False) if name}

    def _read_whole(self, file: BinaryIO, size: int) -> None:
        self.more = False
        if size > LARGEST_FILE:
            self._complain(f"it is larger than {LARGEST_FILE >> 20} MiB")
            return
        try:
            columns = parsed(self.path, file.read().decode("utf-8-sig"))
            if not isinstance(columns, dict) or not all(
                isinstance(one, list) for one in columns.values()
            ):
                self._complain("it has no lists by name, as `History.save` writes them")
                return
        except (FileFormatError, UnicodeDecodeError):
            self._complain("it is not JSON, as `History.save` writes it")
            return
        values = self._numbers(columns, "it has lists, but")
        for i in range(max((len(column) for column in values.values()), default=0)):
            self.columns.append({name: one[i] for name, one in values.items() if i < len(one)})

    def _complain(self, what: str) -> None:
        if not self.fault:  # the first fault is the one to mend
            self.fault = f"{printable(self.path.name)}: {what}"


def _why(path: Path, error: OSError) -> str:
    name = printable(path.name)
    if isinstance(error, FileNotFoundError):
        return f"{name} is not there any more"
    return f"{name} cannot be read: {error.strerror or error_text(error)}"
