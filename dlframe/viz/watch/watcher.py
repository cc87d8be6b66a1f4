"""Follows runs in a thread, and tells pages what is new."""

from __future__ import annotations

import csv
import io
import math
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.base.printable import printable
from dlframe.viz.pages.server import Channel
from dlframe.viz.watch.growing import STEPS
from dlframe.viz.watch.runs import REPORT, Run, Search, locked_files

Array = NDArray[np.float64]

PAUSE = 0.4  # seconds between two looks at the files
LONGEST_PAUSE = 2.0  # where looking takes long, as on a slow network
SEARCH_PAUSE = 2.0  # seconds between two searches for new runs, and looks for pictures
LONGEST_SEARCH_PAUSE = 60.0  # where there are thousands of folders
MOST_NOTES = 10  # sentences about folders
SHARE = 0.1  # of one processor, at most, while nothing changes
LONG = 4000  # records; of a longer run the page gets fewer points
POINTS = 1500  # of a long run: the lowest and the highest of so many parts


class Watcher:
    """The runs in some places, as they are now.

    `news` sends a number that rises whenever something changed; `update` gives a page all that
    it does not have yet. The thread looks at files only while a page listens.
    """

    def __init__(self, places: Iterable[Path]) -> None:
        self.news = Channel()
        self.runs: dict[str, Run] = {}
        self.notes: list[str] = []
        self._stopping = threading.Event()
        self._search = Search(places, self.is_stopping)
        self._keys: dict[Path, str] = {}
        self._lock = threading.RLock()
        self._version = 0
        self._search_at = 0.0  # when to look for runs again
        self._thread = threading.Thread(target=self._follow, name="dlframe watch", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the thread has."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            if not self.news.wait_for_listener(PAUSE):
                continue
            started = time.monotonic()
            changed = self.refresh()
            took = time.monotonic() - started
            if any(run.numbers.more for run in self.runs.values()):
                pause = 0.0
            elif changed:
                pause = PAUSE
            else:
                pause = min(max(PAUSE, took * (1 / SHARE - 1)), LONGEST_PAUSE)
            self._stopping.wait(pause)

    def refresh(self) -> bool:
        """Look at the files once; returns whether anything changed.

        The lock is held for one run at a time, so that pages need not wait for all of them.
        """
        started = time.monotonic()
        whole = started >= self._search_at
        changed = self._look_for_runs() if whole else False
        if whole:  # a search of many folders is made less often
            now = time.monotonic()
            pause = min((now - started) * (1 / SHARE - 1), LONGEST_SEARCH_PAUSE)
            self._search_at = now + max(SEARCH_PAUSE, pause)
        locked, clock = locked_files(), time.time()
        version = self._version + 1
        for run in self.runs.values():
            if self._stopping.is_set():
                return False
            with self._lock:
                if run.refresh(locked, clock, whole=whole) or run.version == 0:
                    run.version = version
                    changed = True
        if changed:
            self._version = version
            self.news.send(version)
        return changed

    def _look_for_runs(self) -> bool:
        before = (list(self.runs), self.notes)
        self._search.look()
        found = {}
        for file, name in self._search.files.items():
            key = self._keys.setdefault(file, str(len(self._keys) + 1))
            found[key] = self.runs.get(key) or Run(key, file, name)
        notes = self._search.notes
        if len(notes) > MOST_NOTES:
            notes = [*notes[:MOST_NOTES], f"and {len(notes) - MOST_NOTES} more"]
        with self._lock:
            self.runs, self.notes = found, notes
        return before != (list(found), notes)

    def update(self, have: Mapping[str, Any], shown: Iterable[str]) -> dict[str, Any]:
        """What a page does not have: `have` maps runs to [version, generation, records].

        Of each run that changed its summary; of each that is `shown` also its numbers, from those
        on that the page has. `order` lists all runs there are.
        """
        wanted = set(shown)
        with self._lock:
            told: dict[str, Any] = {}
            for key, run in self.runs.items():
                version, generation, records = _held(have.get(key))
                if run.version != version:
                    told[key] = {"version": run.version, **run.summary()}
                now = (run.numbers.generation, len(run.numbers.columns))
                if key in wanted and (generation, records) != now:
                    told.setdefault(key, {})["numbers"] = _new_of(run, generation, records)
            return {
                "version": self._version,
                "order": list(self.runs),
                "runs": told,
                "notes": self.notes,
                "places": [printable(place) for place in self._search.places],
            }

    def table(self, keys: Iterable[str]) -> Iterator[str]:
        """The numbers of runs as a CSV file, in pieces: a line for each record."""
        with self._lock:
            runs = [self.runs[key] for key in keys if key in self.runs]
            names = list(dict.fromkeys(name for run in runs for name in run.numbers.columns.values))
            # how many there are now: the next record may be half there when its turn comes
            columns = [(run.name, run.numbers.columns, len(run.numbers.columns)) for run in runs]
        yield csv_line(["run", "epoch", *map(for_sheets, names)])
        for name, one, count in columns:
            found = [one.values.get(column) for column in names]
            for i in range(count):
                numbers = [column[i] if column is not None else math.nan for column in found]
                fields = ["" if math.isnan(number) else repr(number) for number in numbers]
                yield csv_line([for_sheets(name), f"{one.epochs[i]:.15g}", *fields])

    def picture(self, key: str, name: str) -> Path:
        """The path of a picture or a report that a run has; KeyError for any other file."""
        with self._lock:
            run = self.runs[key]
            if name in run.pictures or (name == REPORT and run.report):
                return run.folder / name
        raise KeyError(f"the run has no picture {name!r}")


def csv_line(fields: Iterable[str]) -> str:
    """The fields as a line of a CSV file."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(fields)
    return line.getvalue()


def for_sheets(text: str) -> str:
    """A text that a spreadsheet does not take for a formula.

    >>> for_sheets("=1+2"), for_sheets("a=1")
    ("'=1+2", 'a=1')
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _held(entry: Any) -> tuple[int, int, int]:
    if isinstance(entry, list) and len(entry) == 3 and all(isinstance(one, int) for one in entry):
        return entry[0], entry[1], entry[2]
    return -1, -1, 0


def _new_of(run: Run, generation: int, records: int) -> dict[str, Any]:
    columns = run.numbers.columns
    count = len(columns)
    begin = records if generation == run.numbers.generation and 0 <= records <= count else 0
    fewer = count > LONG
    if fewer:
        begin = 0
    drawn = {name: column for name, column in columns.values.items() if name not in STEPS}
    return {
        "generation": run.numbers.generation,
        "records": count,
        "from": begin,
        "fewer": fewer,
        "x": {name: _cut(one, begin, ends) for name, one in columns.places().items()},
        "columns": {name: _cut(one, begin, extremes) for name, one in drawn.items()},
    }


def _cut(column: array[float], begin: int, shorten: Callable[[Array], Array]) -> list[float]:
    if len(column) > LONG:
        numbers: list[float] = shorten(np.array(column)).tolist()
        return numbers
    return column[begin:].tolist()


def ends(values: Array) -> Array:
    """The first and the last number of each of at most `POINTS` equal parts, and the last of all.

    >>> len(ends(np.arange(1e6))) <= 2 * POINTS + 1
    True
    """
    first, last = _parts(len(values))
    return np.append(np.stack([values[first], values[last]], axis=1).ravel(), values[-1])


def extremes(values: Array) -> Array:
    """The lowest and the highest number of each part, as `ends` makes them, and the last of all.

    So no peak is lost. Where a part falls, the highest comes first.
    """
    first, last = _parts(len(values))
    low, high = np.fmin.reduceat(values, first), np.fmax.reduceat(values, first)
    falls = values[first] > values[last]
    pairs = np.stack([np.where(falls, high, low), np.where(falls, low, high)], axis=1)
    return np.append(pairs.ravel(), values[-1])


def _parts(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first and the last index of each part."""
    size = -(-count // POINTS)
    first = np.arange(0, count, size)
    return first, np.minimum(first + size, count) - 1
