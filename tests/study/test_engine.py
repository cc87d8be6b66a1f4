"""Runs in this process, in others, interrupted, killed, added to: the same numbers, none twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that other processes find it, too

import sleepers

import dlframe as dl
from dlframe.errors import ArgumentError, DatasetMissingError, FileFormatError
from dlframe.study import Seeds, Study
from dlframe.study.store import NAME, Store


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / NAME).read_text("utf-8").splitlines()]


def noting(folder: Path, **options: Any) -> Study:
    given: dict[str, Any] = {"seeds": 3, "measure": "score", **options}
    pause = given.pop("pause", 0.0)
    levels = given.pop("levels", [0, 1])
    return Study(
        sleepers.noting,
        {"level": levels},
        baseline={"folder": str(folder), "pause": pause},
        **given,
    )


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_processes_give_the_same_bits_as_one(tmp_path: Path) -> None:
    alone = sleepers.study().run(workers=1)
    apart = sleepers.study().run(workers=2, folder=tmp_path)
    for a, b in zip(alone.runs, apart.runs, strict=True):
        assert (a["key"], a["values"], a["curves"]) == (b["key"], b["values"], b["curves"])


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_missing_data_are_said_and_are_no_outcome(tmp_path: Path, workers: int) -> None:
    data, runs = tmp_path / "data", tmp_path / "runs"
    options: dict[str, Any] = {"measure": "score", "seeds": 2, "baseline": {"root": str(data)}}
    study = Study(sleepers.reading, {"level": [0, 1]}, **options)
    with pytest.raises(DatasetMissingError, match="train-images-idx3-ubyte"):
        study.run(folder=runs, workers=workers)
    assert all(line["arm"] == "level 0" for line in lines(runs))
    data.mkdir()
    results = study.run(folder=runs, workers=workers)  # goes on: no failure was kept
    assert results.values() == {"level 0": [0.0, 0.0], "level 1": [1.0, 1.0]}


def test_threads_of_an_executor_make_all_runs(tmp_path: Path, notes: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        results = noting(notes).run(executor=executor, folder=tmp_path)
    assert results.values() == {"level 0": [0.0] * 3, "level 1": [1.0] * 3}
    assert len(lines(tmp_path)) == 6


def test_runs_in_threads_do_not_disturb_each_other() -> None:
    study = Study(sleepers.pausing, {"level": [0, 1]}, measure="score", seeds=4)
    alone = study.run(workers=1)
    with ThreadPoolExecutor(4) as executor:
        assert study.run(executor=executor).values() == alone.values()


def test_what_is_there_is_not_made_again(tmp_path: Path, notes: Path) -> None:
    noting(notes, seeds=2).run(workers=1, folder=tmp_path)
    assert len(list(notes.iterdir())) == 4
    noting(notes, seeds=3).run(workers=1, folder=tmp_path)
    assert len(list(notes.iterdir())) == 6
    results = noting(notes, seeds=3, levels=[0, 1, 2]).run(workers=1, folder=tmp_path)
    assert len(list(notes.iterdir())) == 9
    assert results.arms == ["level 0", "level 1", "level 2"]
    noting(notes, seeds=3, seed=1).run(workers=1, folder=tmp_path)  # other seeds: other runs
    assert len(list(notes.iterdir())) == 15


def test_other_data_make_other_runs(tmp_path: Path, notes: Path) -> None:
    file = tmp_path / "data.csv"
    for content, total in [("1", 6), ("1", 6), ("2", 12)]:
        file.write_text(content)
        noting(notes, data=[file]).run(workers=1, folder=tmp_path)
        assert len(list(notes.iterdir())) == total


def test_a_run_that_fails_is_an_outcome() -> None:
    study = Study(sleepers.failing, {"way": ["well", "raises", "nan"]}, measure="score", seeds=2)
    results = study.run(workers=1)
    assert [run["status"] for run in results.runs] == ["done", "failed", "nan"] * 2
    failed = results.of("raises")[1]
    assert failed["error"] == "ValueError: seed 1"
    assert "sleepers.py" in failed["traceback"]
    rows = {row.arm: row for row in results.table()}
    assert rows["raises"].finished == 0
    assert rows["raises"].estimate is None
    assert rows["nan"].verdict == "undecided"


@pytest.mark.slow
def test_a_killed_process_is_an_outcome_and_takes_no_other_run_with_it(tmp_path: Path) -> None:
    study = Study(sleepers.failing, {"way": ["well", "killed"]}, measure="score", seeds=2)
    results = study.run(workers=2, folder=tmp_path)
    assert [run["status"] for run in results.of("well")] == ["done"] * 2
    assert [run["status"] for run in results.of("killed")] == ["killed"] * 2


def test_runs_do_not_depend_on_those_before_them() -> None:
    """What a run draws without a seed of its own comes from the run's seeds as well."""
    whole = sleepers.study().run(workers=1)
    part = sleepers.study(factors={"width": [4]}).run(workers=1)
    unseeded = whole.values("unseeded")
    assert part.values("unseeded")["width 4"] == unseeded["width 4"]
    assert unseeded["width 2"] == unseeded["width 4"]  # arms share seeds


def test_the_callers_random_numbers_and_threads_stay() -> None:
    dl.manual_seed(3)
    expected = dl.rand(2).tolist()
    dl.manual_seed(3)
    threads = dl.get_num_threads()
    sleepers.study(seeds=1).run(workers=1)
    assert dl.rand(2).tolist() == expected
    assert dl.get_num_threads() == threads


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from test_engine import noting

if __name__ == "__main__":
    study = noting(Path({notes!r}), seeds=20, pause=0.15)
    study.run(workers={workers}, folder={folder!r}, progress=False)
"""


def start(tmp_path: Path, notes: Path, workers: int) -> subprocess.Popen[bytes]:
    script = tmp_path / "script.py"
    here = str(Path(__file__).parent)
    script.write_text(
        SCRIPT.format(here=here, notes=str(notes), folder=str(tmp_path), workers=workers)
    )
    return subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE)


def wait_for_results(folder: Path, count: int) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if (folder / NAME).exists() and len(lines(folder)) >= count:
            return
        time.sleep(0.02)
    raise AssertionError("no results after two minutes")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_gone_on_with(
    tmp_path: Path, notes: Path, workers: int, sign: signal.Signals
) -> None:
    """What was finished is kept, only what was in the air is made again, no process stays."""
    process = start(tmp_path, notes, workers)
    wait_for_results(tmp_path, 3)
    process.send_signal(sign)
    _, printed = process.communicate(timeout=60)
    assert process.returncode != 0
    if sign == signal.SIGINT:
        assert b"KeyboardInterrupt" in printed
    time.sleep(2.5)  # the workers look once in a second
    for note in notes.iterdir():
        worker = int(note.name.rpartition("-")[2])
        assert not running(worker), f"process {worker} is still there"
    finished = len(lines(tmp_path))
    begun = len(list(notes.iterdir()))
    assert finished <= begun <= finished + 2 * workers
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"key": "cut o')  # as a power cut leaves it
    results = noting(notes, seeds=20, pause=0.15).run(workers=1, folder=tmp_path)
    assert len(results.runs) == 40
    assert all(run["status"] == "done" for run in results.runs)
    assert len(list(notes.iterdir())) - begun == 40 - finished
    assert len(lines(tmp_path)) == 40


def running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not (state.exists() and ") Z" in state.read_text())


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from dlframe.study import Study\n"
        "def run(seeds, level=0):\n    return {'score': level}\n"
        "Study(run, {'level': [0, 1]}, measure='score').run(workers=2, progress=False)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'if __name__ == "__main__":' in done.stderr.splitlines()[-1]


def test_functions_that_other_processes_cannot_find_are_made_here() -> None:
    def run(seeds: object, level: int = 0) -> dict[str, float]:
        return {"score": level}

    study = Study(run, {"level": [0, 1]}, measure="score", seeds=2)
    assert study.run().values() == {"level 0": [0.0] * 2, "level 1": [1.0] * 2}
    with pytest.raises(ArgumentError, match=r"pickled.*workers=1"):
        study.run(workers=2)


def test_a_line_that_is_no_result_is_named(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"key": "a"}\nnonsense\n{"key": "b"}\n')
    with pytest.raises(FileFormatError, match=r"runs.jsonl, line 2"):
        Store(tmp_path)


def test_numbers_that_json_lacks_come_back(tmp_path: Path) -> None:
    given = {"key": "a", "values": {"x": float("inf"), "y": -float("inf"), "z": 0.1}}
    Store(tmp_path).add(given)
    assert Store(tmp_path)["a"] == given
    assert "Infinity" not in (tmp_path / NAME).read_text()


def test_what_was_kept_has_the_names_of_the_present_study(tmp_path: Path) -> None:
    def run(seeds: object, a: int = 1, b: float = 0.0) -> dict[str, float]:
        return {"score": a + b}

    def values(factors: dict[str, Any]) -> dict[str, list[float]]:
        study = Study(run, factors, measure="score", seeds=2)
        return study.run(folder=tmp_path, workers=1).values()

    assert values({"a": {"x": 1, "y": 2}}) == {"a x": [1.0] * 2, "a y": [2.0] * 2}
    assert values({"a": {"y": 1, "x": 2}}) == {"a y": [1.0] * 2, "a x": [2.0] * 2}
    assert values({"a": [1, 2], "b": [0.0, 0.5]}) == {
        f"a {a}, b {b:g}": [a + b] * 2 for a in (1, 2) for b in (0.0, 0.5)
    }


def test_what_was_kept_by_another_measure_is_judged_anew(tmp_path: Path) -> None:
    def run(seeds: object, a: int = 1) -> dict[str, float]:
        return {"score": a, "other": float("nan")}

    def statuses(measure: str) -> set[str]:
        study = Study(run, {"a": [1, 2]}, measure=measure, mode="max", seeds=2)
        return {one["status"] for one in study.run(folder=tmp_path, workers=1).runs}

    with pytest.warns(UserWarning, match="none of 4 runs"):
        assert statuses("scor") == {"failed"}
    with pytest.warns(UserWarning, match="none of 4 runs"):
        assert statuses("other") == {"nan"}
    assert statuses("score") == {"done"}


# --- files of runs, and results of other code --------------------------------------------------


def leaving(seeds: Seeds, level: int = 1, folder: Path | None = None) -> dict[str, float]:
    """A run that leaves a file."""
    if folder is not None:
        folder.mkdir(parents=True)
        (folder / "level.txt").write_text(str(level))
    return {"score": float(level)}


@pytest.mark.parametrize("workers", [1, 2])
def test_each_run_has_a_folder_of_its_own(workers: int, tmp_path: Path) -> None:
    study = Study(leaving, {"level": [1, 2]}, measure="score", seeds=2)
    results = study.run(folder=tmp_path, workers=workers)
    folders = [results.folder_of(run) for run in results.runs]
    assert len(set(folders)) == 4
    read = [(folder / "level.txt").read_text() for folder in folders if folder]
    assert read == ["1", "2", "1", "2"]
    assert "folder" not in results.runs[0]["config"]
    again = study.run(folder=tmp_path, workers=1)  # makes nothing, or mkdir would fail
    assert [again.folder_of(run) for run in again.runs] == folders
    kept_in_memory = study.run(workers=1)
    assert [kept_in_memory.folder_of(run) for run in kept_in_memory.runs] == [None] * 4


def test_results_of_other_code_can_be_read(tmp_path: Path) -> None:
    study = Study(leaving, {"level": [1, 2]}, measure="score", seeds=2)
    made = study.run(folder=tmp_path, workers=1)
    lines = (tmp_path / "runs.jsonl").read_text().splitlines()
    other = [line.replace(json.loads(line)["key"], f"{i:032x}") for i, line in enumerate(lines)]
    (tmp_path / "runs.jsonl").write_text("\n".join(other) + "\n")
    found = study.read(tmp_path)
    assert found.values() == made.values()
    assert found.table()[1].comparison == made.table()[1].comparison
    with pytest.raises(ArgumentError, match=r"2 of 6 runs are not in .* level 1 with seed 2"):
        study.changed(seeds=3).read(tmp_path)
    with pytest.raises(ArgumentError, match="4 of 4 runs are not in"):
        study.changed(name="other", baseline={}, seeds=2).read(tmp_path / "elsewhere")
