"""Runs in folders: finds them, reads them, and says how they are."""

from __future__ import annotations

import json
import math
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from dlframe.base.printable import error_text, printable
from dlframe.training.callbacks.monitor import better, mode_of
from dlframe.training.reading import NAMES
from dlframe.viz.watch.growing import Growing

DEEPEST = 6  # folders below the one that was named
MOST_FOLDERS = 20_000  # looked into in one search
MOST_RUNS = 1000
LARGEST_CONFIG = 1 << 20  # bytes
MOST_SETTINGS = 500
LONGEST_VALUE = 200  # characters of a value of the configuration
PICTURES = (".png", ".gif", ".jpg", ".jpeg")
REPORT = "report.html"
LOCK = ".lock"  # of `dlframe train`, held while it is at work
TRAINS_KEYS = {"dlframe", "data", "model", "optimizer", "seed"}  # its config.json has these
SKIPPED = {"checkpoints", "__pycache__", "node_modules", "site-packages"}
LEAST_QUIET = 30.0  # seconds without a new epoch after which a run may have ended
QUIET_EPOCHS = 5.0  # and this many times what an epoch takes


# --- finding -----------------------------------------------------------------------------------


class Search:
    """The files of runs in the places that were named: `files` maps them to the runs' names.

    A place is a run's folder, a folder of such folders, or a file that training writes. `notes` are
    sentences about what was not looked into. Once `stopping` is true, a search ends.
    """

    def __init__(
        self, places: Iterable[Path], stopping: Callable[[], bool] = lambda: False
    ) -> None:
        self.places = list(places)
        self.stopping = stopping
        self.files: dict[Path, str] = {}
        self.notes: list[str] = []

    def look(self) -> None:
        """Search again."""
        self.files, self.notes = {}, []
        self._seen: set[tuple[int, int]] = set()
        for place in self.places:
            several = len(self.places) > 1
            if place.is_dir():
                self._folder(place, place if several else None)
            elif place.is_file():
                self._add(place, str(place) if several else place.name)
            else:
                self.notes.append(f"{printable(place)} is not there yet")

    def _folder(self, top: Path, prefix: Path | None) -> None:
        waiting = deque([(top, 0)])
        while waiting and not self.stopping():
            folder, depth = waiting.popleft()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
                status = folder.stat()
            except OSError as error:
                why = error.strerror or error_text(error)
                self.notes.append(f"the folder {printable(folder)} cannot be read: {why}")
                continue
            identity = (status.st_dev, status.st_ino)
            if identity in self._seen:  # a link to a folder above it, or a second one to it
                continue
            if len(self._seen) >= MOST_FOLDERS:
                self.notes.append(f"only the first {MOST_FOLDERS} folders were looked into")
                return
            self._seen.add(identity)
            name = folder.relative_to(top)
            shown = str(name) if prefix is None else str(prefix / name)
            self._files_of(folder, {entry.name for entry in entries}, shown)
            for entry in entries:
                hidden = entry.name.startswith(".") or entry.name in SKIPPED
                if not hidden and _is_folder(entry):
                    if depth < DEEPEST:
                        waiting.append((folder / entry.name, depth + 1))
                    else:
                        self.notes.append(f"{printable(folder / entry.name)} lies too deep")

    def _files_of(self, folder: Path, names: set[str], shown: str) -> None:
        own = next((name for name in NAMES if name in names), None)
        if own is not None:
            self._add(folder / own, folder.name if shown == "." else shown)
            return
        for name in sorted(names):
            if name.endswith(".jsonl"):
                self._add(folder / name, name if shown == "." else str(Path(shown, name)))

    def _add(self, file: Path, name: str) -> None:
        if len(self.files) < MOST_RUNS:
            self.files.setdefault(file, printable(name))
        elif not any("runs are shown" in note for note in self.notes):
            self.notes.append(f"only the first {MOST_RUNS} runs are shown")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


# --- a run -------------------------------------------------------------------------------------


class Run:
    """One run: its numbers, its configuration, its pictures, and how it is.

    `version` is that of the watcher's count when something of it changed last.
    """

    def __init__(self, key: str, file: Path, name: str) -> None:
        self.key = key
        self.file = file
        self.folder = file.parent
        self.name = name
        self.numbers = Growing(file)
        self.config: dict[str, Any] = {}
        self.environment: dict[str, Any] = {}
        self.pictures: dict[str, int] = {}  # names, with the time of the last change
        self.report = 0
        self.status, self.why = "", ""
        self.version = 0
        self._whole: dict[str, Any] = {}
        self._described: dict[str, tuple[int, int, int] | None] = {}
        self._fault = ""

    @property
    def fault(self) -> str:
        """What is wrong with the run's files, in sentences; empty if all is well."""
        found = [self.numbers.fault, self._fault]
        if self.numbers.columns.left_out:
            found.append(f"only {len(self.numbers.columns.values)} quantities are shown")
        return ". ".join(one for one in found if one)

    def refresh(self, locked: set[int], now: float, *, whole: bool) -> bool:
        """Read what is new; `whole` also looks for pictures and at the configuration."""
        changed = self.numbers.refresh()
        before = (self.status, self.why, self.pictures, self.report, self.config, self._fault)
        if whole or changed:
            self._look_around()
        self.status, self.why = self._how_it_is(locked, now)
        after = (self.status, self.why, self.pictures, self.report, self.config, self._fault)
        return changed or before != after

    def _look_around(self) -> None:
        pictures, report = {}, 0
        self._fault = ""
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    shown = entry.name == REPORT or entry.name.lower().endswith(PICTURES)
                    if not shown or not entry.is_file(follow_symlinks=False):
                        continue
                    time = entry.stat().st_mtime_ns
                    if entry.name == REPORT:
                        report = time
                    else:
                        pictures[entry.name] = time
        except OSError as error:
            self._fault = f"the folder cannot be read: {error.strerror or error_text(error)}"
        self.pictures, self.report = dict(sorted(pictures.items())), report
        whole = self._description("config.json")
        if whole is not None:
            self._whole, self.config = whole, flat_config(whole)
        environment = self._description("env.json")
        if environment is not None:
            told = {k: v for k, v in environment.items() if k not in ("time", "command")}
            self.environment = flat_config(told)

    def _description(self, name: str) -> dict[str, Any] | None:
        """The object in a file of the folder; None if it is as it was, or cannot be read."""
        path = self.folder / name
        try:
            status = path.stat()
            state = (status.st_ino, status.st_size, status.st_mtime_ns)
            if state == self._described.get(name):
                return None
            text = path.read_bytes() if status.st_size <= LARGEST_CONFIG else b""
        except FileNotFoundError:
            return None if self._described.pop(name, None) is None else {}
        except OSError as error:
            self._fault = f"{name} cannot be read: {error.strerror or error_text(error)}"
            return None
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            too_large = status.st_size > LARGEST_CONFIG
            what = f"larger than {LARGEST_CONFIG >> 20} MiB" if too_large else "no JSON object"
            self._fault = f"{name} is {what}"
            return None
        self._described[name] = state
        return content

    @property
    def planned(self) -> int | None:
        """How many epochs it is to have, if its configuration says it."""
        epochs = self._whole.get("epochs")
        return epochs if isinstance(epochs, int) and not isinstance(epochs, bool) else None

    def _how_it_is(self, locked: set[int], now: float) -> tuple[str, str]:
        """running, finished, interrupted, failed or ended; and why it is thought to be so."""
        columns = self.numbers.columns
        done = int(columns.epochs[-1]) if len(columns) and math.isfinite(columns.epochs[-1]) else 0
        of = f"epoch {done}" if self.planned is None else f"epoch {done} of {self.planned}"
        if _is_locked(self.folder / LOCK, locked):
            return "running", f"its process is at work: {of}"
        if not len(columns) and self.fault:
            return "failed", self.fault
        all_there = self.planned is not None and done >= self.planned
        trained_by_command = self._whole.keys() >= TRAINS_KEYS
        if not all_there and not (trained_by_command and not (self.folder / LOCK).exists()):
            quiet = now - self.numbers.changed_at
            if quiet < self._patience():
                return "running", f"{of}; written to a moment ago"
        if not len(columns):
            return "interrupted" if trained_by_command else "ended", "no epoch was recorded"
        loss = columns.values.get("loss")
        if loss is not None and not math.isfinite(loss[-1]):
            return "failed", f"the loss of epoch {done} is not a number"
        if all_there:
            return "finished", f"all {self.planned} epochs are there"
        drawn = max([*self.pictures.values(), self.report], default=0)
        if trained_by_command and drawn >= int(self.numbers.changed_at * 1e9):
            return "finished", f"{of}; it was stopped early, and its results are there"
        if self.planned is not None:
            return "interrupted", f"{of}, and no longer written to"
        return "ended", f"{of}, and no longer written to; how many were planned is not known"

    def _patience(self) -> float:
        """Seconds without news after which a run is thought to have ended."""
        seconds = self.numbers.columns.values.get("seconds")
        known = [one for one in seconds[-5:] if math.isfinite(one)] if seconds else []
        return max(LEAST_QUIET, QUIET_EPOCHS * max(known, default=0.0))

    def summary(self) -> dict[str, Any]:
        """All but the numbers of epochs."""
        columns = self.numbers.columns
        return {
            "name": self.name,
            "path": printable(self.file),
            "status": self.status,
            "why": self.why,
            "fault": self.fault,
            "epochs": len(columns),
            "planned": self.planned,
            "seconds": columns.elapsed[-1] if len(columns) else 0.0,
            "changed": self.numbers.changed_at,
            "config": self.config,
            "environment": self.environment,
            "pictures": [[name, str(time)] for name, time in self.pictures.items()],
            "report": str(self.report) if self.report else "",
            "last": {name: _told(column[-1]) for name, column in columns.values.items() if column},
            "best": {
                name: found
                for name, column in columns.values.items()
                if (mode := mode_of(name)) and (found := _best(columns.epochs, column, mode))
            },
        }


def _told(value: float) -> float | str:
    """A number as JSON has it, or the word for one that is none."""
    if math.isfinite(value):
        return value
    return "" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _best(epochs: Iterable[float], column: Iterable[float], mode: str) -> list[Any] | None:
    """The epoch of the best number, the number, and the mode; None if no number is finite."""
    found: list[Any] | None = None
    for epoch, value in zip(epochs, column, strict=True):
        if math.isfinite(value) and better(value, found[1] if found else None, mode):
            found = [epoch, value, mode]
    return found


def flat_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A nest of settings as names and plain values.

    Of `{"optimizer": {"name": "Adam", "arguments": {"lr": 0.1}}}`, the form in which `dlframe
    train` describes its parts, the names are those that a reader expects.

    >>> flat_config({"optimizer": {"name": "Adam", "arguments": {"lr": 0.1}}, "seed": 3})
    {'optimizer': 'Adam', 'optimizer.lr': 0.1, 'seed': 3}
    """
    found: dict[str, Any] = {}
    for name, value in islice(_leaves("", config, 0), MOST_SETTINGS):
        while name in found:
            name += "'"
        found[printable(name, longest=LONGEST_VALUE)] = value
    return found


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value and depth < 8:
        for key, part in value.items():
            short = name and (key == "name" or (key == "arguments" and isinstance(part, Mapping)))
            within = name if short else f"{name}.{key}" if name else str(key)
            if not (short and part == {}):
                yield from _leaves(within, part, depth + 1)
        return
    if isinstance(value, str):
        value = printable(value, longest=LONGEST_VALUE)
    elif isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    elif value is not None and not isinstance(value, bool | int | float):
        value = printable(json.dumps(value, ensure_ascii=False), longest=LONGEST_VALUE)
    yield name, value


# --- processes at work -------------------------------------------------------------------------


def locked_files() -> set[int]:
    """The inodes of files that a process of this machine has locked; none where Linux tells not.

    To try the lock itself would disturb who wants to take it.
    """
    if not sys.platform.startswith("linux"):
        return set()
    try:
        lines = Path("/proc/locks").read_text("ascii", "replace").splitlines()
    except OSError:
        return set()
    found = set()
    for line in lines:
        fields = line.split()
        place = next((field for field in fields if field.count(":") == 2), "")
        if "->" not in fields and place:
            inode = place.rpartition(":")[2]
            if inode.isdigit():
                found.add(int(inode))
    return found


def _is_locked(path: Path, locked: set[int]) -> bool:
    try:
        return path.lstat().st_ino in locked
    except OSError:
        return False
