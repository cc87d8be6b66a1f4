"""The states to look at: every call, and many of the folders that a crash then may leave."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crash.disk import Disk, Folder, read
from crash.recording import Change, Mark, Recorder, Write


class Effort(NamedTuple):
    """How many states to look at."""

    limit: int  # about as many per call, see `Disk.after_power_cut`
    every: int  # of so many writes look at one, and at each other call
    trials: int  # of so many files load one


FEW = Effort(6, 20, 4)


def efforts(limit: int) -> Any:
    """For `parametrize`: some states for every day, and all of them, slowly."""
    some = pytest.param(FEW, id="some")
    marks = (pytest.mark.slow, pytest.mark.timeout(1200))
    return [some, pytest.param(Effort(limit, 1, 1), id="all", marks=marks)]


class Counts:
    """How many states were looked at."""

    def __init__(self) -> None:
        self.total = 0
        self.distinct = 0

    def print(self, name: str) -> None:
        print(f"{name}: {self.total:,} states, {self.distinct:,} distinct")


def states(
    before: Folder, changes: list[Change], effort: Effort, counts: Counts
) -> Iterator[tuple[list[Any], Folder]]:
    """The notes made so far, and a folder that a crash then may leave; each pair once."""
    rng = random.Random(0)
    disk = Disk(before)
    notes: list[Any] = []
    seen: set[int] = set()
    for change in changes:
        if isinstance(change, Mark):
            notes.append(change.note)
            seen.clear()
        disk.make(change)
        if isinstance(change, Write) and rng.randrange(effort.every):
            continue
        for state in (disk.everything, *disk.after_power_cut(rng, effort.limit)):
            counts.total += 1
            key = hash(tuple(sorted(state.items(), key=lambda item: item[0])))
            if key not in seen:
                seen.add(key)
                counts.distinct += 1
                yield notes, state


def check_recording(recorder: Recorder, folder: Path) -> None:
    """Nothing went around the recorder, and nothing was left open."""
    disk = Disk(recorder.before)
    for change in recorder.changes:
        disk.make(change)
    assert disk.everything == read(folder)
    assert recorder.left_open == []
