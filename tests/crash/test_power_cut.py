"""Power cuts at every call of a save, a checkpoint, a run, a download: what is found afterwards."""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import dlframe as dl
from crash.disk import Folder, Materialized, read
from crash.recording import Change, Mark, Recorder, Sync, SyncFolder
from crash.runs import EPOCHS, TRAIN, bits, lines_of, run, run_again, weights, without_times
from crash.states import FEW, Counts, Effort, check_recording, efforts, states
from dlframe import nn, utils
from dlframe.cli import main
from dlframe.utils.atomic import is_temporary


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk that loses power is a model; forcing bytes to the real one would only take time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


# --- one file ----------------------------------------------------------------------------------

VALUES: list[Any] = [
    {"w": dl.arange(900.0).reshape(30, 30), "name": "first", "epoch": 1},
    {"w": dl.arange(900.0).reshape(30, 30) * 2, "name": "second", "epoch": 2},
    {"w": dl.zeros(40, 30), "name": "third", "more": [1.5, None, b"x" * 700]},
]


def record_saves(folder: Path) -> Recorder:
    with Recorder(folder) as recorder:
        for i, value in enumerate(VALUES):
            recorder.mark(i - 0.5)  # it begins
            utils.save(value, folder / "deep" / "er" / "x.h5", compression=3 * (i == 2))
            recorder.mark(i)  # it has returned
    return recorder


def wrong_loads(
    before: Folder, changes: list[Change], folder: Path, effort: Effort
) -> Iterator[str]:
    """The states in which the file is neither the last one saved nor the next."""
    whole = [bits(value) for value in VALUES]
    found, counts = Materialized(folder), Counts()
    for notes, state in states(before, changes, effort, counts):
        allowed = [i for i in range(3) if i in notes[-2:] or i - 0.5 in notes[-1:]]
        path = found.hold(state) / "deep" / "er" / "x.h5"
        try:
            loaded = bits(utils.load(path))
        except FileNotFoundError:
            if 0 in notes:
                yield f"after {notes[-1:]}: the file is gone"
        except dl.errors.FileFormatError as error:
            yield f"after {notes[-1:]}: {error}"
        else:
            if loaded not in [whole[i] for i in allowed]:
                yield f"after {notes[-1:]}: other values"
    counts.print("save")


@pytest.mark.parametrize("effort", efforts(1000))
def test_a_saved_file_is_the_old_or_the_new_one(tmp_path: Path, effort: Effort) -> None:
    (tmp_path / "written").mkdir()
    recorder = record_saves(tmp_path / "written")
    check_recording(recorder, tmp_path / "written")
    assert list(wrong_loads(recorder.before, recorder.changes, tmp_path / "found", effort)) == []


@pytest.mark.parametrize("left_out", [Sync, SyncFolder])
def test_without_one_kind_of_fsync_files_would_be_lost(tmp_path: Path, left_out: type) -> None:
    """A test of the test: it finds what each fsync is for."""
    (tmp_path / "written").mkdir()
    recorder = record_saves(tmp_path / "written")
    changes = [change for change in recorder.changes if not isinstance(change, left_out)]
    assert next(wrong_loads(recorder.before, changes, tmp_path / "found", FEW), None)


# --- checkpoints kept by number ----------------------------------------------------------------


@pytest.mark.parametrize("effort", efforts(200))
def test_checkpoints_are_deleted_after_newer_ones_are_safe(tmp_path: Path, effort: Effort) -> None:
    folder = tmp_path / "written"
    folder.mkdir()
    model = nn.Linear(3, 2)
    whole = {}
    with Recorder(folder) as recorder:
        for i in range(5):
            recorder.mark(i - 0.5)
            model.weight.data = dl.full((2, 3), float(i))
            utils.save_checkpoint(folder / f"step-{i}.h5", model=model, keep=2, step=i)
            whole[i] = bits(dict(model.state_dict()))
            recorder.mark(i)
    check_recording(recorder, folder)
    assert sorted(read(folder)) == ["step-3.h5", "step-4.h5"]

    found, counts = Materialized(tmp_path / "found"), Counts()
    loaded: dict[int, Any] = {}
    for notes, state in states(recorder.before, recorder.changes, effort, counts):
        found.hold(state)
        steps = sorted(int(name[5]) for name in state if name.startswith("step"))
        saved = sum(isinstance(note, int) for note in notes)
        assert steps[-1:] >= [saved - 1][:saved]
        assert len(steps) >= min(saved, 2)
        for step in steps:
            content = state[f"step-{step}.h5"]
            if loaded.get(step) != content:
                other = nn.Linear(3, 2)
                path = found.path / f"step-{step}.h5"
                assert utils.load_checkpoint(path, model=other) == {"step": step}
                assert bits(dict(other.state_dict())) == whole[step]
                loaded[step] = content
    counts.print("save_checkpoint")


# --- a run -------------------------------------------------------------------------------------


@pytest.mark.parametrize("effort", efforts(20))
def test_a_run_goes_on_after_every_power_cut(tmp_path: Path, effort: Effort) -> None:
    folder = tmp_path / "written"
    folder.mkdir()
    with Recorder(folder) as recorder:
        run(folder, recorder.mark, 2, None)
        trainer = run(folder, recorder.mark, EPOCHS, folder / "checkpoints" / "last.h5")
    whole = without_times(trainer)
    check_recording(recorder, folder)
    lines = lines_of((folder / "metrics.jsonl").read_bytes())
    assert len(lines) == EPOCHS

    found, counts = Materialized(tmp_path / "found"), Counts()
    rng = random.Random(1)
    saves = saves_in(recorder.changes)
    check_that_all_load(saves, tmp_path, effort)
    continued: set[bytes | None] = set()
    for notes, state in states(recorder.before, recorder.changes, effort, counts):
        for name, some in saves.items():
            content = state.get(f"checkpoints/{name}")
            allowed = possible(some, len(notes))
            if content is None:
                was_deleted = "epoch" in name and len(notes) > some[0].returned
                assert was_deleted or not [save for save in allowed if save.returned <= len(notes)]
            else:
                assert content in [save.content for save in allowed], name
        numbered = [name for name in state if "/epoch-" in name]
        assert len(numbered) >= min(
            2, sum(note[0] == "end" and "epoch" in note[1] for note in notes)
        )
        # the lines of epochs that are over are whole; the end of the file may be torn
        logged = sum(note[0] == "logged" for note in notes)
        assert lines_of(state.get("metrics.jsonl"))[:logged] == lines[:logged]

        last = state.get("checkpoints/last.h5")
        is_new = last not in continued and not rng.randrange(effort.trials)
        continued.add(last)
        if is_new or rng.random() < 1 / 500:
            path = found.hold(state) / "checkpoints" / "last.h5"
            again = run(found.path, lambda note: None, EPOCHS, path if last is not None else None)
            if again.epochs:  # it was not over yet
                assert without_times(again) == whole
            assert lines_of((found.path / "metrics.jsonl").read_bytes()) == lines
            found.look_again()
    counts.print("run")


def check_that_all_load(saves: dict[str, list[Saved]], tmp_path: Path, effort: Effort) -> None:
    """Each file, whenever it is found, resumes as the state that was saved."""
    for save in list(itertools.chain.from_iterable(saves.values()))[:: effort.trials]:
        (tmp_path / "one.h5").write_bytes(save.content)
        trainer = run(tmp_path / "unused", lambda note: None, 0, tmp_path / "one.h5")
        assert bits(trainer.state_dict()) == save.state


# --- the command line --------------------------------------------------------------------------


@pytest.mark.parametrize("effort", efforts(12))
def test_the_command_goes_on_in_whatever_a_power_cut_left(tmp_path: Path, effort: Effort) -> None:
    folder = tmp_path / "written"
    folder.mkdir()
    with Recorder(folder) as recorder:
        assert main([*TRAIN, str(folder / "run")]) == 0
        recorder.mark("done")
    check_recording(recorder, folder)
    files = read(folder)
    whole = weights(folder / "run")

    found, counts = Materialized(tmp_path / "found"), Counts()
    rng = random.Random(2)
    tried: set[Any] = set()
    parsed: set[bytes] = set()
    for notes, state in states(recorder.before, recorder.changes, effort, counts):
        for name in ("run/config.json", "run/env.json"):
            content = state.get(name)
            if content is not None and content not in parsed:
                json.loads(content)
                parsed.add(content)
        if notes:
            assert {name: state[name] for name in files} == files
        final = frozenset(item for item in state.items() if not is_temporary(Path(item[0]).name))
        if (final in tried or rng.randrange(effort.trials)) and rng.randrange(2000):
            continue
        tried.add(final)
        run_again(found.hold(state) / "run")
        assert weights(found.path / "run") == whole
        found.look_again()
        assert {name for name in found.held if "run/." not in name} == files.keys()
    counts.print("the command line")


class Saved(NamedTuple):
    """A save of a run: when it began and returned, in notes made, and what it wrote."""

    began: int
    returned: int
    state: Any
    content: bytes


def saves_in(changes: list[Change]) -> dict[str, list[Saved]]:
    """All saves by the file's name."""
    notes = [change.note for change in changes if isinstance(change, Mark)]
    found: dict[str, list[Saved]] = {}
    for i, note in enumerate(notes, start=1):
        if note[0] == "end":
            assert notes[i - 2] == ("begin", note[1])
            found.setdefault(note[1], []).append(Saved(i - 1, i, *note[2:]))
    return found


def possible(saves: list[Saved], time: int) -> list[Saved]:
    """The last save that has returned, and those that have begun since then."""
    begun = [save for save in saves if save.began <= time]
    returned = [save for save in begun if save.returned <= time]
    return [*returned[-1:], *begun[len(returned) :]]
