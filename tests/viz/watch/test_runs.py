"""Runs are found, compared with what their configuration plans, and told to pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlframe.cli import main
from dlframe.data.lock import try_lock
from dlframe.viz.watch import runs as runs_module
from dlframe.viz.watch import watcher as watcher_module
from dlframe.viz.watch.runs import Run, Search, flat_config, locked_files
from dlframe.viz.watch.watcher import LONG, POINTS, Watcher, ends, extremes

COMMAND = {"dlframe": "0", "data": "moons", "model": {}, "optimizer": {}, "seed": 0}
OLD = 1e9  # seconds since 1970


def write(folder: Path, *losses: float | None, old: bool = True, **config: Any) -> Path:
    """A run's folder with one epoch for each loss."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"epoch": n, "loss": loss}) for n, loss in enumerate(losses, 1)]
    file = folder / "metrics.jsonl"
    file.write_text("".join(one + "\n" for one in lines))
    if config:
        (folder / "config.json").write_text(json.dumps(config))
    if old:
        os.utime(file, (OLD, OLD))
    return folder


def names(watcher: Watcher) -> list[str]:
    return [run.name for run in watcher.runs.values()]


def looked(*places: Path) -> Watcher:
    watcher = Watcher(places)
    watcher.refresh()
    return watcher


# --- finding -----------------------------------------------------------------------------------


def test_runs_of_all_kinds_are_found(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "deep" / "er" / "b")
    (tmp_path / "logs").mkdir()
    for name in ("x.jsonl", "y.jsonl", "z.csv", "notes.json"):
        (tmp_path / "logs" / name).write_text("")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "history.json").write_text("{}")
    for name in (".hidden", "checkpoints"):
        write(tmp_path / name)
    watcher = looked(tmp_path)
    assert sorted(names(watcher)) == ["a", "c", "deep/er/b", "logs/x.jsonl", "logs/y.jsonl"]
    assert names(looked(tmp_path / "a")) == ["a"]
    assert names(looked(tmp_path / "logs" / "z.csv")) == ["z.csv"]
    both = looked(tmp_path / "a", tmp_path / "c", tmp_path / "a" / "metrics.jsonl")
    assert names(both) == [str(tmp_path / "a"), str(tmp_path / "c")]


def test_new_runs_appear_and_those_that_are_gone_leave(tmp_path: Path) -> None:
    watcher = looked(tmp_path / "runs")
    assert watcher.notes == [f"{tmp_path / 'runs'} is not there yet"]
    write(tmp_path / "runs" / "a", 1.0)
    watcher._search_at = 0.0
    assert watcher.refresh()
    assert (names(watcher), watcher.notes) == (["a"], [])
    write(tmp_path / "runs" / "b", 1.0)
    (tmp_path / "runs" / "a" / "metrics.jsonl").unlink()
    watcher._search_at = 0.0
    assert watcher.refresh()
    assert names(watcher) == ["b"]
    assert not watcher.refresh()


def test_a_page_that_asks_early_is_told_which_runs_are_the_newest(tmp_path: Path) -> None:
    for n in range(3):
        folder = tmp_path / f"run{n}"
        folder.mkdir()
        (folder / "metrics.jsonl").write_text('{"epoch": 1, "loss": 1}\n')
        os.utime(folder / "metrics.jsonl", (1000 + n, 1000 + n))
    watcher = Watcher([tmp_path])
    watcher._look_for_runs()  # and no run is read yet
    told = watcher.update({}, ())["runs"].values()
    assert {run["name"]: run["changed"] for run in told} == {
        "run0": 1000,
        "run1": 1001,
        "run2": 1002,
    }


def test_links_in_a_circle_and_folders_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a", 1.0)
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "again").symlink_to("a")
    (tmp_path / "gone").symlink_to("nowhere")
    deep = tmp_path / "/".join("d" * 12)
    write(deep, 1.0)
    assert len(names(looked(tmp_path))) == 1
    assert any("lies too deep" in note for note in looked(tmp_path).notes)
    secret = tmp_path / "secret"
    secret.mkdir()
    real = os.scandir

    def scandir(path: Any) -> Any:  # root may read everything
        if Path(path) == secret:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    search = Search([tmp_path])
    search.look()
    assert f"the folder {secret} cannot be read: Permission denied" in search.notes


def test_there_are_limits_and_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(8):
        write(tmp_path / f"run{n}", 1.0)
    monkeypatch.setattr(runs_module, "MOST_RUNS", 5)
    watcher = looked(tmp_path)
    assert (len(watcher.runs), watcher.notes) == (5, ["only the first 5 runs are shown"])
    monkeypatch.setattr(runs_module, "MOST_FOLDERS", 3)
    assert looked(tmp_path).notes == ["only the first 3 folders were looked into"]


# --- how a run is ------------------------------------------------------------------------------

STATES = {
    "all epochs": ([1.0, 0.5], {"epochs": 2}, "finished", "all 2 epochs are there"),
    "some epochs": ([1.0], {"epochs": 2}, "interrupted", "epoch 1 of 2, and no longer written to"),
    "no plan": ([1.0], {"lr": 1}, "ended", "epoch 1, and no longer written to; how many were pl"),
    "NaN": ([1.0, None], {"epochs": 9}, "failed", "the loss of epoch 2 is not a number"),
    "nothing": ([], {"lr": 1}, "ended", "no epoch was recorded"),
}


@pytest.mark.parametrize("what", STATES)
def test_a_run_that_nobody_writes_to(tmp_path: Path, what: str) -> None:
    losses, config, status, why = STATES[what]
    watcher = looked(write(tmp_path / "a", *losses, **config))
    (run,) = watcher.runs.values()
    assert run.status == status
    assert run.why.startswith(why)


def test_a_run_that_was_written_to_a_moment_ago_goes_on(tmp_path: Path) -> None:
    (run,) = looked(write(tmp_path / "a", 1.0, old=False, epochs=3)).runs.values()
    assert (run.status, run.why) == ("running", "epoch 1 of 3; written to a moment ago")
    (run,) = looked(write(tmp_path / "b", 1.0, old=False, epochs=1)).runs.values()
    assert run.status == "finished"
    slow = write(tmp_path / "c", epochs=3)
    (slow / "metrics.jsonl").write_text('{"epoch": 1, "loss": 1, "seconds": 3600}\n')
    hours = time.time() - 2 * 3600
    os.utime(slow / "metrics.jsonl", (hours, hours))
    (run,) = looked(slow).runs.values()
    assert run.status == "running", "an epoch takes an hour, and two have passed"


def test_a_run_of_the_command_is_at_work_while_it_holds_its_lock(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", 1.0, old=False, **COMMAND, epochs=3)
    watcher = looked(folder)
    (run,) = watcher.runs.values()
    assert run.status == "interrupted", "it holds no lock, so its process has ended"
    if not sys.platform.startswith("linux"):
        return
    with try_lock(folder / ".lock"):
        os.utime(folder / "metrics.jsonl", (OLD, OLD))
        assert watcher.refresh()
        assert (run.status, run.why) == ("running", "its process is at work: epoch 1 of 3")
        with try_lock(folder / ".lock") as held:
            assert not held, "looking takes no lock"
    watcher.refresh()
    assert run.status == "interrupted"
    (folder / "confusion.png").write_bytes(b"")
    watcher._search_at = 0.0
    watcher.refresh()
    assert (run.status, run.why[:21]) == ("finished", "epoch 1 of 3; it was ")


def test_locks_of_processes_are_seen(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        assert locked_files() == set()
        return
    with try_lock(tmp_path / "lock"):
        assert (tmp_path / "lock").stat().st_ino in locked_files()


def test_a_real_run_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = "--data moons --epochs 2 --batch-size 500 --quiet --no-pictures"
    assert main(["train", *options.split(), "--out", str(folder)]) == 0
    (run,) = looked(tmp_path).runs.values()
    assert (run.name, run.status, run.fault) == ("run", "finished", "")
    assert run.config["model"] == "mlp"
    assert run.config["model.activation"] == "Tanh"
    assert run.config["optimizer"] == "Adam"
    assert run.config["epochs"] == 2
    assert "env" not in run.config
    assert run.environment["packages.numpy"] == np.__version__
    told = run.summary()
    assert told["best"]["val_loss"][1] <= told["last"]["val_loss"]


# --- configurations and pictures ---------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [b"{", b"[1]", b"\xff", b"[" * 100_000, b" " * (2 << 20), b"null"], ids=range(6)
)
def test_a_configuration_that_is_none_is_named(tmp_path: Path, text: bytes) -> None:
    folder = write(tmp_path / "a", 1.0)
    (folder / "config.json").write_bytes(text)
    (run,) = looked(folder).runs.values()
    assert run.fault in ("config.json is no JSON object", "config.json is larger than 1 MiB")
    assert run.config == {}
    assert len(run.numbers.columns) == 1


def test_flat_names_of_a_configuration() -> None:
    nest = {
        "a": {"name": "x", "arguments": {"name": 1, "b": [1, {"c": 2}]}},
        "d": {},
        "e": {"f": None, "g": True, "h": float("nan")},
        "i": "\x1b[1m" + "x" * 500,
        "m": {"name": "Adam", "arguments": {}},
        "a.b": 7,
    }
    flat = flat_config(nest)
    assert {k: v for k, v in flat.items() if k != "i"} == {
        "a": "x",
        "a'": 1,
        "a.b": '[1, {"c": 2}]',
        "d": "{}",
        "e.f": None,
        "e.g": True,
        "e.h": "nan",
        "m": "Adam",
        "a.b'": 7,
    }
    assert flat["i"].startswith("\\x1b[1mxxx")
    assert len(flat["i"]) < 220
    assert len(flat_config({str(n): n for n in range(5000)})) == runs_module.MOST_SETTINGS


def test_pictures_and_reports_of_the_folder_alone(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", 1.0)
    (tmp_path / "secret.png").write_bytes(b"secret")
    for name in ("b.png", "a.PNG", "report.html", "other.html", "notes.txt"):
        (folder / name).write_bytes(b"x")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "folder.png").mkdir()
    watcher = looked(folder)
    (run,) = watcher.runs.values()
    assert list(run.pictures) == ["a.PNG", "b.png"]
    assert run.report
    assert watcher.picture(run.key, "b.png") == folder / "b.png"
    for name in ("other.html", "link.png", "../secret.png", "metrics.jsonl", "", "folder.png"):
        with pytest.raises(KeyError):
            watcher.picture(run.key, name)
    with pytest.raises(KeyError):
        watcher.picture("no run", "b.png")


# --- what pages are told -----------------------------------------------------------------------


def have(told: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a page says that it has, after it was told this."""
    found = dict(before or {})
    for key, run in told["runs"].items():
        version, generation, records = found.get(key, [-1, -1, 0])
        numbers = run.get("numbers", {})
        found[key] = [
            run.get("version", version),
            numbers.get("generation", generation),
            numbers.get("records", records),
        ]
    return found


def test_a_page_gets_what_it_does_not_have(tmp_path: Path) -> None:
    a = write(tmp_path / "a", 1.0, 0.5)
    write(tmp_path / "b", 3.0)
    watcher = looked(tmp_path)
    first = watcher.update({}, [])
    key, other = first["order"]
    assert first["runs"].keys() == {key, other}
    assert all("numbers" not in run for run in first["runs"].values())
    page = have(first)
    second = watcher.update(page, [key])
    assert second["runs"].keys() == {key}
    numbers = second["runs"][key]["numbers"]
    assert (numbers["from"], numbers["x"]["epoch"]) == (0, [1, 2])
    assert numbers["columns"]["loss"] == [1.0, 0.5]
    page = have(second, page)
    assert watcher.update(page, [key])["runs"] == {}
    with (a / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "loss": 0.25}\n')
    assert watcher.refresh()
    third = watcher.update(page, [key, "unknown"])
    numbers = third["runs"][key]["numbers"]
    assert (numbers["from"], numbers["x"]["epoch"]) == (2, [3])
    assert numbers["columns"]["loss"] == [0.25]
    assert third["runs"][key]["best"] == {"loss": [3.0, 0.25, "min"]}
    page = have(third, page)
    write(a, 9.0)
    watcher.refresh()
    anew = watcher.update(page, [key])["runs"][key]["numbers"]
    assert (anew["from"], anew["columns"]["loss"]) == (0, [9.0])
    for odd in (None, 3, [1], ["a", "b", "c"], [0, 0, -5], [0, anew["generation"], 10**9]):
        assert watcher.update({key: odd}, [key])["runs"][key]["numbers"]["from"] == 0


def test_the_numbers_of_runs_as_a_csv_file(tmp_path: Path) -> None:
    write(tmp_path / "=1+2", 1.0, None)
    write(tmp_path / 'b "c"', 3.0)
    (tmp_path / 'b "c"' / "metrics.jsonl").write_text('{"epoch": 4, "acc": 1e-30}\n')
    watcher = looked(tmp_path)
    text = "".join(watcher.table([*watcher.runs, "unknown"]))
    lines = ["run,epoch,loss,acc", "'=1+2,1,1.0,", "'=1+2,2,,", '"b ""c""",4,,1e-30']
    assert text.splitlines() == lines


def test_a_long_run_is_told_in_fewer_points_with_its_peaks(tmp_path: Path) -> None:
    count = LONG * 3 + 7
    losses: list[float | None] = [float(n % 10) for n in range(count)]
    losses[5001] = 1000.0
    losses[7003] = -1000.0
    losses[100] = None
    watcher = looked(write(tmp_path / "a", *losses))
    (run,) = watcher.update({}, watcher.runs)["runs"].values()
    told = run["numbers"]
    loss = told["columns"]["loss"]
    assert told["fewer"]
    assert (told["records"], told["from"]) == (count, 0)
    assert len(loss) == len(told["x"]["epoch"]) <= 2 * POINTS + 1
    assert (max(loss), min(loss), loss[-1]) == (1000.0, -1000.0, losses[-1])
    assert told["x"]["epoch"][:1] == [1]
    assert told["x"]["epoch"][-1] == count
    place = loss.index(1000.0)
    assert abs(told["x"]["epoch"][place] - 5002) <= count / POINTS + 1
    assert "".join(watcher.table(watcher.runs)).count("\n") == count + 1


def test_the_ends_and_extremes_of_parts() -> None:
    values = np.array([3.0, 1, np.nan, np.nan, np.nan, np.nan, 5, 9])
    watcher_module.POINTS, before = 4, watcher_module.POINTS
    try:
        np.testing.assert_equal(extremes(values), [3, 1, np.nan, np.nan, np.nan, np.nan, 5, 9, 9])
        assert ends(np.arange(7.0)).tolist() == [0, 1, 2, 3, 4, 5, 6, 6, 6]
    finally:
        watcher_module.POINTS = before


def test_nobody_looks_nobody_reads(tmp_path: Path) -> None:
    """Without a page, the thread sleeps; with one, news come within a second."""
    folder = write(tmp_path / "a", 1.0)
    watcher = Watcher([tmp_path])
    watcher.start()
    try:
        time.sleep(0.1)
        assert watcher.runs == {}
        assert folder.exists()
    finally:
        watcher.stop()
    assert not watcher._thread.is_alive()


@pytest.mark.slow  # makes and reads 200,000 lines
def test_200_runs_of_1000_epochs(tmp_path: Path) -> None:
    lines = "".join(
        json.dumps({"epoch": n, "loss": 1 / n, "val_loss": 2 / n, "lr": 0.1, "seconds": 1.5}) + "\n"
        for n in range(1, 1001)
    )
    for n in range(200):
        folder = write(tmp_path / f"run{n:03}", seed=n)
        (folder / "metrics.jsonl").write_text(lines)
    watcher = looked(tmp_path)
    assert len(watcher.runs) == 200
    assert all(len(run.numbers.columns) == 1000 for run in watcher.runs.values())
    started = time.process_time()
    for _ in range(10):
        watcher._search_at = time.monotonic() + 100
        assert not watcher.refresh()
    idle = (time.process_time() - started) / 10
    print(f"a look at 200 runs without news: {1000 * idle:.1f} ms")
    assert idle < 0.2


@pytest.mark.slow  # starts a process
def test_a_folder_that_is_deleted_while_it_is_read(tmp_path: Path) -> None:
    """Nothing raises, whatever happens to the files between two steps of a look."""
    program = """
import shutil, sys, time
from pathlib import Path
end = time.monotonic() + 3
n = 0
while time.monotonic() < end:
    n += 1
    folder = Path(sys.argv[1], f"run{n % 5}")
    folder.mkdir(exist_ok=True)
    (folder / "metrics.jsonl").write_text('{"epoch": 1, "loss": 1}\\n' * (n % 7))
    (folder / "config.json").write_text('{"epochs": 2}'[: n % 14])
    (folder / "a.png").write_bytes(b"")
    if n % 3 == 0:
        shutil.rmtree(folder)
"""
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) as process:
        watcher = Watcher([tmp_path])
        looks = 0
        while process.poll() is None:
            watcher._search_at = 0.0
            watcher.refresh()
            watcher.update({}, watcher.runs)
            looks += 1
    assert looks > 10
    assert process.returncode == 0


def test_a_run_without_a_folder_is_a_fault_and_no_traceback(tmp_path: Path) -> None:
    run = Run("1", tmp_path / "no" / "metrics.jsonl", "no")
    run.refresh(set(), time.time(), whole=True)
    assert run.status == "failed"
    assert "is not there any more" in run.fault
    assert "the folder cannot be read" in run.fault


def test_a_handle_in_a_program_that_ends_without_stopping_it(tmp_path: Path) -> None:
    program = f"""
from dlframe import viz
page = viz.watch({str(tmp_path)!r}, open_browser=False, block=False)
assert repr(page) == f"Watching({{page.url}})"
assert page.url in page._repr_html_()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("runs", [3, None, b"runs", [3]], ids=["int", "None", "bytes", "list"])
def test_what_is_no_path_is_refused_in_a_sentence(runs: Any) -> None:
    from dlframe import viz

    with pytest.raises(TypeError, match="watch: runs must be paths of folders or files; got"):
        viz.watch(runs, open_browser=False, block=False)


def test_no_heading_of_the_table_is_a_formula(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    record = {"epoch": 1, "=HYPERLINK(1)": 2.0, "\tloss": 1.0}
    (tmp_path / "run" / "metrics.jsonl").write_text(json.dumps(record) + "\n")
    watcher = looked(tmp_path)
    heading = "".join(watcher.table(watcher.runs)).splitlines()[0]
    assert heading == "run,epoch,'=HYPERLINK(1),'\tloss"
