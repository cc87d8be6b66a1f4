"""The command line, run as people run it: in a process of its own, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlframe import metrics, models, nn, plugins
from dlframe.cli import choices, main, names
from dlframe.cli.problems import KINDS
from dlframe.data.datasets import DATASETS

ROOT = Path(__file__).resolve().parent.parent
Command = Callable[..., subprocess.CompletedProcess[str]]

# A run of a second, and one without pictures, which is faster still.
QUICK = shlex.split("train --data digits --model mlp --hidden 16 --epochs 2 --limit 200 --seed 3")
PLAIN = [*QUICK, "--no-pictures"]


def environment(**more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("DLFRAME_")}
    return own | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "MPLBACKEND": "Agg"} | more


@pytest.fixture
def dlframe(tmp_path: Path) -> Command:
    """Runs `dlframe` with the given arguments in an empty folder."""

    def run(*arguments: object, code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "dlframe", *map(str, arguments)],
            cwd=tmp_path, env=environment(**more), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def accuracy_in(text: str) -> str:
    found = re.search(r"test accuracy \S+ \(\d+ of \d+\)", text)
    assert found, text
    return found[0]


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def records(run: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics, without the time that each epoch took."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name != "seconds"}
        for line in lines
    ]


ALWAYS = {
    "config.json", "env.json", "metrics.jsonl", "checkpoints/best.h5", "checkpoints/last.h5",
}  # fmt: skip


# --- training ----------------------------------------------------------------------------------


def test_a_run_from_beginning_to_end(dlframe: Command, tmp_path: Path) -> None:
    done = dlframe(*QUICK, "--out", "runs/a")
    run = tmp_path / "runs" / "a"
    pictures = {"curves.png", "samples.png", "confusion.png", "mistakes.png"}
    assert files(run) == ALWAYS | pictures | {"report.html"}
    assert all((run / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    assert done.stderr == ""
    assert "digits: 200 samples to train on, 142 to validate, 355 to test at the end" in done.stdout
    assert "precision  recall  specificity     F1  support" in done.stdout
    for name in (*ALWAYS, *pictures, "report.html"):
        assert f"  {name}\n" in done.stdout

    config = json.loads((run / "config.json").read_text())
    assert config["model"] == {
        "name": "mlp",
        "arguments": {"in_features": 64, "classes": 10, "hidden": [16], "activation": "ReLU"},
    }
    assert (config["seed"], config["epochs"], config["data"]) == (3, 2, "digits")
    found = json.loads((run / "env.json").read_text())
    assert found["packages"]["numpy"] == np.__version__
    assert found["command"][1:] == [*QUICK, "--out", "runs/a"]
    assert [record["epoch"] for record in records(run)] == [1, 2]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "lr"} < set(records(run)[0])

    # the checkpoint gives the same numbers in a new process, by file and by folder
    for name in ("runs/a/checkpoints/best.h5", "runs/a"):
        again = dlframe("evaluate", name).stdout
        assert accuracy_in(again) == accuracy_in(done.stdout)
        assert again.split("precision")[1] in done.stdout
    assert "test loss" in again


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run(dlframe: Command, tmp_path: Path) -> None:
    first = dlframe(*PLAIN, "--augment", "--out", "a").stdout
    second = dlframe(*PLAIN, "--augment", "--out", "b", "--workers", 2).stdout
    other = dlframe(*PLAIN, "--seed", 4, "--augment", "--out", "c").stdout
    assert accuracy_in(first) == accuracy_in(second)
    assert records(tmp_path / "a") == records(tmp_path / "b") != records(tmp_path / "c")
    assert accuracy_in(other)


@pytest.mark.parametrize("name", ["disk", "moons", "spirals"])
@pytest.mark.slow
def test_points_get_a_boundary(dlframe: Command, tmp_path: Path, name: str) -> None:
    done = dlframe("train", "--data", name, "--epochs", 3, "--quiet")
    run = tmp_path / "runs" / f"{name}-mlp"
    pictures = {"curves.png", "confusion.png", "boundary.png"}
    assert files(run) == ALWAYS | pictures | {"report.html"}
    assert accuracy_in(dlframe("evaluate", run).stdout) == accuracy_in(done.stdout)


@pytest.mark.parametrize("scheduler", ["none", "cosine", "linear", "step", "plateau"])
@pytest.mark.slow
def test_every_scheduler_and_optimizer(dlframe: Command, scheduler: str) -> None:
    optimizer = {"none": "sgd", "cosine": "RMSProp", "step": "adamw"}.get(scheduler, "adam")
    options = ["--scheduler", scheduler, "--optimizer", optimizer, "--weight-decay", 1e-4]
    if optimizer in ("sgd", "RMSProp"):
        options += ["--momentum", 0.5]
    dlframe(*PLAIN, "--quiet", *options, "--patience", 5)


def test_without_matplotlib_everything_else_is_there(dlframe: Command, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "matplotlib.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'matplotlib'\", name='matplotlib')"
    )
    done = dlframe(*QUICK, "--out", "a", PYTHONPATH=f"{blocked}{os.pathsep}{ROOT}")
    assert "No pictures: matplotlib is not installed" in done.stdout
    assert "pip install 'dlframe[viz]'" in done.stdout
    assert files(tmp_path / "a") == ALWAYS | {"report.html"}
    page = (tmp_path / "a" / "report.html").read_text("utf-8")
    assert "Confusion matrix: not drawn. matplotlib is not installed" in page
    assert "<img" not in page
    accuracy_in(done.stdout)


# --- runs that exist ---------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_is_not_overwritten_silently(dlframe: Command, tmp_path: Path) -> None:
    dlframe(*PLAIN, "--out", "a")
    before = (tmp_path / "a" / "checkpoints" / "best.h5").read_bytes()
    (tmp_path / "a" / "notes.txt").write_text("mine")
    done = dlframe(*PLAIN, "--out", "a", code=2)
    assert "a exists: --resume continues the run in it, --overwrite replaces it" in done.stderr
    dlframe(*PLAIN, "--out", "a", "--overwrite", "--model", "linear", code=2)  # --hidden
    assert (tmp_path / "a" / "checkpoints" / "best.h5").read_bytes() == before
    dlframe(*PLAIN, "--epochs", 1, "--out", "a", "--overwrite")
    assert len((tmp_path / "a" / "metrics.jsonl").read_text().splitlines()) == 1
    assert (tmp_path / "a" / "notes.txt").read_text() == "mine"


def test_a_folder_that_is_no_run_is_left_alone(dlframe: Command, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.tex").write_text("mine")
    dlframe(*PLAIN, "--out", "a", "--overwrite", code=2)
    assert files(tmp_path / "a") == {"thesis.tex"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch; to be copied."""
    folder = tmp_path_factory.mktemp("finished") / "a"
    assert main([*PLAIN, "--epochs", "1", "--out", str(folder)]) == 0
    return folder


# What stands in a folder, and whether `--overwrite` may begin a run there.
FOREIGN = {
    "no description": {"thesis.tex": "mine"},
    "another program's": {"config.json": '{"name": "my-site", "scripts": {}}', "logo.png": "x"},
    "a list": {"config.json": '["dlframe", "data", "model"]', "env.json": "x"},
    "no JSON": {"config.json": "[" * 100_000},
    "no UTF-8": {"config.json": "\udcff\udcfe{}"},
    "a temporary file of somebody": {".thesis.tex.tmp": "mine"},
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_only_a_run_is_a_run(
    tmp_path: Path, content: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text, errors="surrogateescape")
    for more in ([], ["--overwrite"], ["--resume"]):
        assert main([*PLAIN, "--out", str(tmp_path), *more]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    for name, text in content.items():
        assert (tmp_path / name).read_text(errors="surrogateescape") == text
    assert files(tmp_path) == set(content)


def test_a_description_of_something_else_is_not_replaced(
    tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resume = ["train", "--resume", "--epochs", "2", "--no-pictures", "--out", str(tmp_path)]
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    (tmp_path / "config.json").write_text('{"name": "my-site"}')
    assert main(resume) == 2
    assert "config.json describes something else than a run" in capsys.readouterr().err
    assert (tmp_path / "config.json").read_text() == '{"name": "my-site"}'
    (tmp_path / "config.json").write_text('{"dlframe": "0.1')  # damaged: the checkpoint has it too
    assert main(resume) == 0
    assert json.loads((tmp_path / "config.json").read_text())["epochs"] == 2


def test_overwriting_deletes_by_name(tmp_path: Path, finished: Path) -> None:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    mine = {"holiday.png", "checkpoints/epoch-0007.h5", "checkpoints/notes", ".env.json.tmp"}
    for name in mine:
        (tmp_path / name).write_text(name)
    (tmp_path / "curves.png").write_text("of the run before")
    assert main([*PLAIN, "--overwrite", "--out", str(tmp_path)]) == 0
    assert files(tmp_path) == ALWAYS | mine
    assert all((tmp_path / name).read_text() == name for name in mine)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("name", [*sorted(ALWAYS), "curves.png", "checkpoints"])
def test_links_in_a_run_are_not_followed(
    tmp_path: Path, finished: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run, outside = tmp_path / "a", tmp_path / "outside"
    shutil.copytree(finished, run)
    (run / name).exists() and (run / name).rename(outside)
    if not outside.exists():
        outside.write_text("precious")
    (run / name).symlink_to(outside)
    before = {p: p.read_bytes() for p in (outside, *outside.rglob("*")) if p.is_file()}
    for more in ("--resume", "--overwrite"):
        command = [*PLAIN, "--epochs", "3", "--out", str(run), more]
        assert main(command) == 2
        assert f"{name} is a symbolic link" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in (outside, *outside.rglob("*")) if p.is_file()} == before


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_to_a_run_may_be_its_name(tmp_path: Path, finished: Path) -> None:
    shutil.copytree(finished, tmp_path / "a")
    (tmp_path / "shortcut").symlink_to(tmp_path / "a")
    assert (
        main(
            [
                "train",
                "--epochs",
                "2",
                "--no-pictures",
                "--out",
                str(tmp_path / "shortcut"),
                "--resume",
            ]
        )
        == 0
    )
    assert len(records(tmp_path / "a")) == 2


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_lock_that_is_a_link_makes_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".lock").symlink_to(tmp_path / "elsewhere")
    assert main([*PLAIN, "--out", str(tmp_path / "a")]) == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_snapshot_of_hard_links_keeps_what_it_had(tmp_path: Path, finished: Path) -> None:
    run, snapshot = tmp_path / "a", tmp_path / "snapshot"
    shutil.copytree(finished, run)
    for name in ALWAYS:
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(run / name, snapshot / name)
    before = {name: (snapshot / name).read_bytes() for name in ALWAYS}
    assert main(["train", "--resume", "--epochs", "2", "--no-pictures", "--out", str(run)]) == 0
    assert {name: (snapshot / name).read_bytes() for name in ALWAYS} == before
    assert main([*PLAIN, "--overwrite", "--out", str(run)]) == 0
    assert {name: (snapshot / name).read_bytes() for name in ALWAYS} == before


@pytest.mark.parametrize("left", [(".config.json.0123456789abcdef.tmp",), (), ("checkpoints/",)])
def test_a_run_that_was_killed_before_its_first_file_begins_again(
    tmp_path: Path, left: tuple[str, ...]
) -> None:
    (tmp_path / ".lock").touch()
    for name in left:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_text("{")
    assert main([*PLAIN, "--out", str(tmp_path)]) == 0
    assert files(tmp_path) == ALWAYS


def test_a_run_that_was_killed_in_its_first_epoch_goes_on(tmp_path: Path, finished: Path) -> None:
    run, whole = tmp_path / "a", tmp_path / "b"
    shutil.copytree(finished, run)
    left = run / "checkpoints" / ".last.h5.0123456789abcdef.tmp"
    (run / "checkpoints" / "last.h5").rename(left)  # killed before this got its name
    assert main(["train", "--resume", "--epochs", "2", "--no-pictures", "--out", str(run)]) == 0
    assert main([*PLAIN, "--out", str(whole)]) == 0
    assert records(run) == records(whole)
    assert files(run) == ALWAYS
    (run / "checkpoints" / "best.h5").unlink()
    (run / "checkpoints" / "last.h5").unlink()
    assert main(["train", "--resume", "--out", str(run)]) == 2
    assert main([*PLAIN, "--overwrite", "--out", str(run)]) == 0


def test_a_run_whose_best_weights_are_gone(
    tmp_path: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "a"
    shutil.copytree(finished, run)
    (run / "checkpoints" / "best.h5").unlink()
    resume = ["train", "--resume", "--no-pictures", "--quiet", "--out", str(run)]
    assert main(resume) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "has no checkpoints/best.h5 any more, with the weights of its best epoch (1)" in err
    assert "train on with --epochs 2 or more" in err
    assert main([*resume, "--epochs", "2"]) == 0
    assert "the best of the further epochs counts" in capsys.readouterr().err
    assert (run / "checkpoints" / "best.h5").is_file()
    assert main(resume) == 0


KILLED = """
import os, sys
calls, name, number = 0, sys.argv.pop(1), int(sys.argv.pop(1))
real = getattr(os, name)
def counted(*arguments, **options):
    global calls
    calls += 1
    if calls == number:
        os.kill(os.getpid(), 9)
    return real(*arguments, **options)
setattr(os, name, counted)
from dlframe.cli import main
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("call", "number", "more"),
    [("fsync", n, []) for n in (1, 2, 3, 5, 7, 9, 11)]
    + [(call, n, ["--overwrite"]) for call in ("fsync", "unlink") for n in (1, 2, 5)],
)
def test_killed_at_any_write_a_run_can_go_on_or_begin_again(
    tmp_path: Path, finished: Path, call: str, number: int, more: list[str]
) -> None:
    run = tmp_path / "a"
    if more:
        shutil.copytree(finished, run)
    command = [*PLAIN, "--out", str(run)]
    (tmp_path / "killed.py").write_text(KILLED)
    killed = subprocess.run(
        [sys.executable, "killed.py", call, str(number), *command, *more],
        cwd=tmp_path, env=environment(), capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    resume = ["train", "--resume", "--epochs", "2", "--no-pictures", "--out", str(run)]
    assert main(resume) in (0, 2)
    assert main(command) in (0, 2)
    assert main([*command, "--overwrite"]) == 0
    assert files(run) == ALWAYS


@pytest.mark.slow
def test_more_epochs_for_a_finished_run(dlframe: Command, tmp_path: Path) -> None:
    dlframe(*PLAIN, "--out", "a")
    done = dlframe("train", "--resume", "--out", "a", "--epochs", 1, code=2)
    assert "a has 2 epochs already: --epochs N for more" in done.stderr
    longer = dlframe("train", "--resume", "--out", "a", "--epochs", 4).stdout
    whole = dlframe(*PLAIN, "--epochs", 4, "--out", "b").stdout
    assert accuracy_in(longer) == accuracy_in(whole)
    weights = [(tmp_path / name / "checkpoints" / "last.h5") for name in "ab"]
    from dlframe.utils import load_checkpoint

    states = []
    for path, config in zip(weights, ("a", "b"), strict=True):
        assert json.loads((tmp_path / config / "config.json").read_text())["epochs"] == 4
        model = models.mlp(64, [16], 10)
        load_checkpoint(path, model=model)
        states.append([p.tolist() for p in model.parameters()])
    assert states[0] == states[1]


@pytest.mark.slow
def test_a_run_that_was_stopped_before_its_report_gets_it(dlframe: Command, tmp_path: Path) -> None:
    first = dlframe(*QUICK, "--out", "a").stdout
    weights = (tmp_path / "a" / "checkpoints" / "last.h5").read_bytes()
    for picture in (tmp_path / "a").glob("*.png"):
        picture.unlink()
    again = dlframe("train", "--resume", "--out", "a").stdout
    assert "All 2 epochs are done; --epochs N trains on." in again
    assert first.split("Best epoch")[1] == again.split("Best epoch")[1]  # numbers and files
    assert (tmp_path / "a" / "checkpoints" / "last.h5").read_bytes() == weights


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_nothing_had_happened(dlframe: Command, tmp_path: Path) -> None:
    long = [*PLAIN, "--epochs", "12", "--batch-size", "10"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dlframe", *long, "--out", "a"],
        cwd=tmp_path, env=environment(), text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch  3/12"):
            break
    process.send_signal(signal.SIGSTOP)  # alive, and in its folder: another would mix its files
    for more in (["train", "--resume"], [*PLAIN, "--overwrite"]):
        refused = dlframe(*more, "--out", "a", code=2)
        assert "another process is training in a" in refused.stderr
    process.kill()
    process.communicate()
    resumed = dlframe("train", "--resume", "--out", "a").stdout
    whole = dlframe(*long, "--out", "b").stdout
    assert accuracy_in(resumed) == accuracy_in(whole)
    assert records(tmp_path / "a") == records(tmp_path / "b")


def test_a_validation_loss_that_is_never_a_number(dlframe: Command) -> None:
    done = dlframe(*PLAIN, "--epochs", 1, "--limit", 20, "--optimizer", "sgd", "--lr", 1e30,
                   code=1, PYTHONWARNINGS="ignore")  # fmt: skip
    assert "the validation loss was not a number in any of the 1 epochs" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&- <&-"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    command = f"{sys.executable} -m dlframe {shlex.join(PLAIN)} --out a {closed}"
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment(), check=True)
    assert files(tmp_path / "a") == ALWAYS


def test_a_terminal_that_lacks_a_sign(dlframe: Command) -> None:
    assert r"1\xd78\xd78" in dlframe("data", "list", PYTHONIOENCODING="ascii").stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_full_disk_names_the_file_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    command = f"ulimit -f 5; {sys.executable} -m dlframe {shlex.join(PLAIN)} --out a"
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment(), text=True, check=False,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert re.search(r"error: \[Errno 27\] .*a/checkpoints/best.h5'", done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert files(tmp_path / "a") == ALWAYS - {"checkpoints/best.h5", "checkpoints/last.h5"}


@pytest.mark.slow
def test_a_resumed_run_keeps_its_options(dlframe: Command) -> None:
    dlframe(*PLAIN, "--out", "a", "--scheduler", "cosine")
    done = dlframe("train", "--resume", "--out", "a", "--lr", 0.5, code=2)
    assert "--lr 0.5 contradicts the run, which has 0.001" in done.stderr
    done = dlframe("train", "--resume", "--out", "a", "--epochs", 1, code=2)
    assert "the schedule of this run (CosineAnnealingLR) ends with epoch 2" in done.stderr
    assert "which run" in dlframe("train", "--resume", code=2).stderr
    assert "contradict" in dlframe("train", "--resume", "--overwrite", code=2).stderr
    assert "nothing has no" in dlframe("train", "--resume", "--out", "nothing", code=2).stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_saves_and_the_run_goes_on_from_there(dlframe: Command, tmp_path: Path) -> None:
    quick = [*PLAIN, "--epochs", "30", "--batch-size", "10"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dlframe", *quick, "--out", "a"],
        cwd=tmp_path, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch  2/30"):
                process.send_signal(signal.SIGINT)
                break
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "dlframe train --resume --out a" in err
    assert not (tmp_path / "a" / "curves.png").exists()

    resumed = dlframe("train", "--resume", "--out", "a").stdout
    assert re.search(r"resumed after \d+ steps, in epoch [3-9]", resumed)
    whole = dlframe(*quick, "--out", "b").stdout
    assert accuracy_in(resumed) == accuracy_in(whole)
    assert records(tmp_path / "a") == records(tmp_path / "b")


MODULES = ["numpy", "numpy.random", "dlframe.optim", "dlframe.cli.parser", "dlframe.cli.train"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("module", MODULES)
def test_ctrl_c_while_the_program_loads(tmp_path: Path, module: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"""
import os, signal, sys
class Finder:
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder)
""")
    more = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-m", "dlframe", *PLAIN], cwd=tmp_path, env=environment(**more),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such paths")
def test_paths_that_are_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, root = os.fsdecode(os.fsencode(tmp_path) + b"/\xff \xc3\xbc"), os.fsdecode(b"\xfe")
    assert main([*PLAIN, "--out", run, "--root", root]) == 0
    assert main(["train", "--resume", "--no-pictures", "--out", run]) == 0
    assert main(["evaluate", run]) == 0
    assert json.loads(Path(run, "config.json").read_text())["root"] == root
    assert main([*PLAIN, "--out", run]) == 2
    assert r"\udcff ü exists" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locales")
def test_paths_where_text_is_ascii(tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "dlframe", *PLAIN, "--out", "bücher", "--root", "dätä"],
        cwd=tmp_path, env=environment(**ascii_only), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "bücher") == ALWAYS


def test_a_home_folder_that_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--data", "mnist", "--root", "~nobody-of-this-name/data"]) == 1
    assert "'~nobody-of-this-name/data' begins with ~" in capsys.readouterr().err
    assert main(["data", "list", "--root", "~nobody-of-this-name/data"]) == 1


# --- predicting --------------------------------------------------------------------------------


@pytest.fixture
def trained(dlframe: Command, tmp_path: Path) -> Path:
    """A run that knows the digits fairly well."""
    dlframe("train", "--data", "digits", "--model", "mlp", "--epochs", 12, "--out", "runs/digits",
            "--no-pictures")  # fmt: skip
    return tmp_path / "runs" / "digits"


def test_images_are_recognised(dlframe: Command, tmp_path: Path, trained: Path) -> None:
    from PIL import Image

    digits = DATASETS["digits"](train=False)
    pixels = (digits.data.numpy()[:20, 0] * 255).astype(np.uint8)
    labels = digits.targets.numpy()[:20]
    for i, (image, _) in enumerate(zip(pixels, labels, strict=True)):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    names = [f"{i}.png" for i in range(20)]
    out = dlframe("predict", *names).stdout
    assert "runs/digits/checkpoints/best.h5: mlp, trained on digits" in out
    blocks = out.split("\n\n")[1:]
    first = [int(block.splitlines()[1].split()[-1]) for block in blocks]
    assert sum(int(a == b) for a, b in zip(first, labels, strict=True)) >= 18
    assert blocks[0].splitlines()[0] == "0.png (8×8)"
    shares = [float(line.split("%")[0]) for line in blocks[0].splitlines()[1:]]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 100.01


@pytest.mark.slow
def test_white_paper_colours_and_sizes(dlframe: Command, tmp_path: Path, trained: Path) -> None:
    from PIL import Image

    digits = DATASETS["digits"](train=False)
    image = Image.fromarray((digits.data.numpy()[0, 0] * 255).astype(np.uint8))
    inverted = Image.fromarray(255 - np.asarray(image))
    inverted.convert("RGB").resize((64, 64), Image.Resampling.NEAREST).save(tmp_path / "big.png")
    inverted.save(tmp_path / "small.png")
    image.save(tmp_path / "plain.png")
    ink = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    ink.putalpha(image)
    ink.save(tmp_path / "transparent.png")
    out = dlframe("predict", "plain.png", "big.png", "small.png", "transparent.png",
                  "--checkpoint", trained).stdout  # fmt: skip
    blocks = [block.splitlines() for block in out.split("\n\n")[1:]]
    assert [block[0] for block in blocks] == [
        "plain.png (8×8)",
        "big.png (64×64, inverted: its background is light, resized to 8×8)",
        "small.png (8×8, inverted: its background is light)",
        "transparent.png (8×8, put on white, inverted: its background is light)",
    ]
    assert all(block[1:] == blocks[0][1:] for block in blocks)
    out = dlframe("predict", "small.png", "--invert", "no").stdout
    assert "small.png (8×8)\n" in out


def test_images_of_more_than_eight_bits(dlframe: Command, tmp_path: Path, trained: Path) -> None:
    from PIL import Image

    grey = (DATASETS["digits"](train=False).data.numpy()[0, 0] * 255).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "8.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "16.png")
    Image.fromarray(grey.astype(np.float32) / 255).save(tmp_path / "float.tiff")
    out = dlframe("predict", "8.png", "16.png", "float.tiff").stdout
    blocks = [block.splitlines() for block in out.split("\n\n")[1:]]
    assert [block[0] for block in blocks] == ["8.png (8×8)", "16.png (8×8)", "float.tiff (8×8)"]
    assert blocks[0][1:] == blocks[1][1:] == blocks[2][1:]


@pytest.mark.slow
def test_images_that_are_too_large(dlframe: Command, tmp_path: Path, trained: Path) -> None:
    from PIL import Image

    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")  # Pillow would warn
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    Image.new("RGB", (9_000, 9_000)).save(tmp_path / "colour.png")
    done = dlframe("predict", "huge.png", "colour.png", "large.png", code=1)
    assert "huge.png: this image is too large: DecompressionBombError: Image" in done.stderr
    assert "colour.png: this image is too large: 9000×9000 pixels take more than" in done.stderr
    assert "large.png (10000×10000, resized to 8×8)" in done.stdout


@pytest.mark.slow
def test_files_that_are_no_images(dlframe: Command, tmp_path: Path, trained: Path) -> None:
    (tmp_path / "text\x1b[2J.png").write_text("not an image")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "photo.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    program = tmp_path / "bin" / "gs"  # what Pillow would start for this one
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    names = ["text\x1b[2J.png", "folder.png", "nowhere.png", "photo.png"]
    done = dlframe("predict", *names, code=1, PATH=path)
    known = (
        "this is not an image of the formats that are read: PNG, JPEG, GIF, BMP, WEBP, TIFF, PPM"
    )
    assert done.stderr.splitlines() == [
        rf"dlframe predict: error: text\x1b[2J.png: {known}",
        "dlframe predict: error: folder.png: this is a folder or a device, not an image file",
        "dlframe predict: error: nowhere.png: No such file or directory",
        f"dlframe predict: error: photo.png: {known}",
    ]
    assert not (tmp_path / "started").exists()


def test_points_cannot_be_seen(dlframe: Command) -> None:
    assert "no run in runs/" in dlframe("predict", "x.png", code=2).stderr
    dlframe("train", "--data", "moons", "--epochs", 1, "--no-pictures")
    found = dlframe("predict", "x.png", code=2).stderr
    assert "no run in runs/ (there is 1) was trained on images" in found
    found = dlframe("predict", "x.png", "--checkpoint", "runs/moons-mlp", code=2).stderr
    assert "trained on points (moons), not on images" in found


# --- data, info, plugins -----------------------------------------------------------------------


@pytest.mark.slow
def test_data_list_verify_download(dlframe: Command, tmp_path: Path) -> None:
    out = dlframe("data", "list").stdout
    assert re.search(r"digits +1442 \+ 355 +1×8×8 +10 +part of dlframe", out)
    assert re.search(r"mnist +60000 \+ 10000 .* not in data: dlframe data download mnist", out)
    assert (
        "nothing to download, it is part of dlframe" in dlframe("data", "download", "digits").stdout
    )
    assert "made when needed" in dlframe("data", "verify", "moons").stdout
    empty = dlframe("data", "verify", code=1).stdout
    assert "mnist: not in data" in empty
    assert "There is nothing to verify in data." in empty
    advice = "dlframe data download mnist --root 'my data'"
    assert advice in dlframe("data", "list", "--root", "my data").stdout
    assert advice in dlframe("data", "verify", "mnist", "--root", "my data", code=1).stdout
    failed = dlframe("train", "--data", "mnist", "--root", "my data", code=1).stderr
    assert f"Fetch it with: {advice}\n" in failed
    assert "download=True" not in failed
    missing = dlframe("data", "verify", "mnist", "--root", "elsewhere", code=1)
    assert "elsewhere/MNIST/raw" in missing.stdout
    failed = dlframe("data", "download", "mnist", code=1, DLFRAME_OFFLINE="1")
    assert failed.stderr.startswith("dlframe data: error: ")


def test_damaged_files_are_found(dlframe: Command, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for part in ("train", "t10k"):
        for what in ("images-idx3", "labels-idx1"):
            (tmp_path / "data" / f"{part}-{what}-ubyte.gz").write_bytes(b"\x1f\x8bwrong")
    assert "damaged in data: dlframe data verify mnist" in dlframe("data", "list").stdout
    done = dlframe("data", "verify", code=1)
    assert "is damaged: sha256 expected" in done.stdout
    error = dlframe("train", "--data", "mnist", code=1).stderr
    assert "is damaged" in error


def test_the_root_comes_from_the_environment_too(dlframe: Command) -> None:
    error = dlframe("train", "--data", "mnist", code=1, DLFRAME_DATA="/nowhere").stderr
    assert "--root DIR says where data lie; now it is /nowhere" in error
    error = dlframe("train", "--data", "mnist", "--root", "there", code=1, DLFRAME_DATA="/x").stderr
    assert "now it is there" in error


def test_info(dlframe: Command) -> None:
    out = dlframe("info").stdout
    for name in ("dlframe", "python", "BLAS", "threads", "numpy", "matplotlib"):
        assert re.search(rf"^ *{name} +\S", out, re.MULTILINE), name
    assert dlframe("--version").stdout.startswith("dlframe 0.")
    assert re.search(r"^threads +\S.* 1$", dlframe("info", "--threads", "1").stdout, re.MULTILINE)


def test_plugins(dlframe: Command, tmp_path: Path) -> None:
    everything = dlframe("plugins", "--all").stdout
    assert re.search(
        r"^layers +Linear +core +dlframe \S+ +dlframe.nn:Linear$", everything, re.MULTILINE
    )
    info = tmp_path / "site" / "other-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dlframe.layers]\nMirror = other:Mirror\n")
    path = f"{tmp_path / 'site'}{os.pathsep}{ROOT}"
    out = dlframe("plugins", PYTHONPATH=path).stdout
    assert re.search(r"layers +Mirror +plugin +other 1.0 +other:Mirror", out)


PLUGIN = """
from dlframe import nn, optim
class ReLU(nn.Module):
    def forward(self, x):
        return x * 0 + 1
class SGD(optim.SGD):
    pass
def factory(parameters, lr):
    return 7
class Exits(nn.Module):
    def __init__(self):
        raise SystemExit(3)
"""


@pytest.fixture
def gates(tmp_path: Path) -> dict[str, str]:
    """The environment of a program with a plugin whose classes are called as dlframe's are."""
    site = tmp_path / "site"
    info = site / "gates-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gates\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[dlframe.layers]\nGate = gates_module:ReLU\ntanh = gates_module:ReLU\n"
        "Exits = gates_module:Exits\n\x1b[2J = gates_module:ReLU\n"
        "[dlframe.optimizers]\nDescent = gates_module:SGD\nSeven = gates_module:factory\n"
    )
    (site / "gates_module.py").write_text(PLUGIN)
    return {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}


@pytest.mark.slow
def test_what_is_trained_is_what_was_asked_for(
    dlframe: Command, tmp_path: Path, gates: dict[str, str]
) -> None:
    run = [*PLAIN, "--activation", "gate", "--optimizer", "descent", "--lr", "0.1", "--out", "a"]
    trained = dlframe(*run, **gates).stdout
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert config["model"]["arguments"]["activation"] == "gates:Gate"
    assert config["optimizer"]["name"] == "gates:Descent"
    assert accuracy_in(dlframe("evaluate", "a", **gates).stdout) == accuracy_in(trained)
    resume = ["train", "--resume", "--no-pictures", "--out", "a", "--epochs", 3]
    dlframe(*resume, "--activation", "Gate", "--optimizer", "gates:descent", **gates)
    other = dlframe(*resume, "--activation", "relu", code=2, **gates).stderr
    assert "--activation ReLU contradicts the run, which has gates:Gate" in other
    without = dlframe("evaluate", "a", code=1).stderr  # as after `pip uninstall gates`
    assert without.count("\n") == 1
    assert "gates" in without


@pytest.mark.slow
def test_activations_and_optimizers_that_cannot_be_made(
    dlframe: Command, gates: dict[str, str]
) -> None:
    for option, name, message in (
        ("--activation", "conv2d", "--activation: 'conv2d' fits no run of the command line"),
        (
            "--activation",
            "Exits",
            "'gates:Exits' cannot be used as an activation: .* SystemExit: 3",
        ),
        ("--optimizer", "seven", "the optimizer gates:Seven makes a int"),
    ):
        error = dlframe(*PLAIN, option, name, code=2, **gates).stderr
        assert error.count("\n") == 1
        assert re.search(message, error), error
    listed = dlframe("plugins", **gates).stdout
    assert r"\x1b[2J" in listed
    assert "\x1b" not in listed


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments, message", [
    ("train --data mnits", "there is no data set, file or folder 'mnits'. Did you mean 'mnist'?"),
    ("train --data digits --model cn", "there is no model 'cn'. Did you mean 'cnn'?"),
    ("train --data digits --scheduler cosin", "Did you mean 'cosine'?"),
    ("train --data digits --optimizer admw", "there is no optimizer 'admw'. Did you mean 'AdamW'"),
    ("train --data digits --model mlp --activation rellu", "Did you mean 'ReLU'"),
    ("train --data moons --epoch 3", "unrecognized arguments: --epoch 3. Did you mean '--epochs'?"),
    ("tarin", "Did you mean 'train'?"),
    ("data lst", "Did you mean 'list'?"),
    ("data download cifar", "Did you mean 'cifar10'?"),
    ("train --lr 0", "argument --lr: expected a number above 0; got '0'"),
    ("train --epochs 1.5", "argument --epochs: expected a whole number above 0; got '1.5'"),
    ("train", "say which data to train on: --data digits, for instance"),
    ("train --data moons --model cnn", "cnn needs images, and moons are points"),
    ("train --data digits --model cnn --hidden 5", "--hidden has no meaning for the model cnn"),
    ("train --data digits --optimizer adam --momentum 0.9", "--momentum is for muon, rmsprop, sgd"),
    ("train --data digits --optimizer rprop --weight-decay 0.1", "Rprop has no weight decay"),
    ("train --data=", "--data: the name is empty"),
    ("train --data digits --out=", "argument --out: the path is empty"),
    ("train --data digits --root=", "argument --root: the path is empty"),
    ("predict a.png --checkpoint=", "argument --checkpoint: the path is empty"),
    ("evaluate nowhere.h5", "there is no checkpoint nowhere.h5"),
    ("train --seed abc", "argument --seed: expected a whole number of at most 64 bits; got 'abc'"),
    ("train --data moons --activation conv2d", "'conv2d' fits no run of the command line. Known: "),
    ("train --data moons --loss nll", "'nll' fits no run of the command line. "),
    ("train --data moons --metric meanloss", "'meanloss' fits no run of the command line"),
    ("train --data moons noise=1", "KEY=VALUE has no meaning for the data set moons"),
    ("train --data moons --target x", "--target has no meaning for the data set moons"),
    ("train --data nowhere.csv", "there is no file or folder nowhere.csv"),
])  # fmt: skip
def test_wrong_command_lines(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.count("\n") == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_files_that_are_no_checkpoints(dlframe: Command, tmp_path: Path) -> None:
    import dlframe as dl

    (tmp_path / "x.h5").write_text("hello")
    assert "a text file" in dlframe("evaluate", "x.h5", code=1).stderr
    dl.utils.save_checkpoint(tmp_path / "y.h5", model=models.linear(2, 2))
    assert "without a description of its run" in dlframe("evaluate", "y.h5", code=1).stderr
    foreign = tmp_path / "run" / "checkpoints" / "last.h5"
    for extra in ({}, {"extra": 3}, {"extra": {"config": {"mine": 1}}}):
        dl.utils.save_checkpoint(foreign, model=models.linear(2, 2), **extra)
        for command in (("evaluate", "run"), ("train", "--resume", "--out", "run")):
            assert "without a description of its run" in dlframe(*command, code=1).stderr
    (tmp_path / "empty").mkdir()
    assert "is it a run's folder?" in dlframe("evaluate", "empty", code=2).stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_text("hello")
    done = subprocess.run(
        [sys.executable, "-m", "dlframe", "evaluate", "x.h5", "--debug"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "FileFormatError" in done.stderr


def test_a_learning_rate_that_is_too_large(dlframe: Command) -> None:
    done = dlframe(*QUICK, "--optimizer", "sgd", "--lr", 1e30, code=1, PYTHONWARNINGS="ignore")
    assert re.search(r"error: the loss is (nan|inf) at step \d+ \(epoch 1, batch", done.stderr)
    assert "Lower the learning rate" in done.stderr


def test_nobody_reads_to_the_end(tmp_path: Path) -> None:
    command = f"{sys.executable} -m dlframe plugins --all | head -n 1"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, env=environment(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stderr == ""


# --- what must agree ---------------------------------------------------------------------------


def test_names_are_those_of_the_library() -> None:
    assert set(names.DATA) == set(DATASETS) == set(KINDS)
    assert set(names.MODELS) == set(models.MODELS) == set(names.MODEL_OPTIONS)
    assert set(names.OPTIMIZERS) == set(plugins.core_names("optimizers"))
    assert set(names.SCHEDULES) == set(choices.SCHEDULES)
    assert set(names.REGULARIZERS) == set(choices.REGULARIZERS)
    assert list(names.TRACKERS) == list(choices.TRACKER_CLASSES)
    assert {f"{name}_" for name in names.INITS} == {n for n in nn.init.__all__ if n[-1] == "_"}
    activations = {"Identity", *nn.rectifiers.__all__, *nn.activation.__all__}
    assert set(names.ACTIVATIONS) == activations
    assert set(names.LOSSES) <= set(plugins.core_names("losses"))
    known = {*metrics.names(), "precision", "recall", "f1", "top3_accuracy"}
    assert set(names.METRICS) <= known


def test_the_command_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: dlframe")
    assert "examples:" in out
    assert err == ""


@pytest.mark.parametrize(
    "command", ["", "train", "evaluate", "predict", "data", "data verify", "plugins", "info"]
)
@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_help_has_short_lines_and_says_defaults(
    command: str,
    columns: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main([*command.split(), "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    examples = lines.index("examples:") if "examples:" in lines else len(lines)
    assert max(map(len, lines[:examples])) < min(80, int(columns))
    assert max(map(len, lines)) < 80
    if command == "train":
        text = re.sub(r"\s+", " ", "\n".join(lines).partition("\ndata:")[2])
        options = re.split(r" (?=--[a-z][\w-]+(?: [A-Z]|,))", text)
        flags = ("--download", "--resume", "--overwrite", "--no-pictures", "--quiet")
        for option in options[1:]:
            assert "default" in option or option.startswith(flags), option


@pytest.mark.parametrize("module", ["dlframe", "dlframe.cli"])
def test_help_loads_nothing_heavy(module: str, tmp_path: Path) -> None:
    code = f"""
import runpy, sys
sys.argv = ["dlframe", "train", "--help"]
try:
    runpy.run_module({module!r}, run_name="__main__")
except SystemExit as done:
    assert done.code == 0
heavy = ["matplotlib", "h5py", "requests", "scipy", "PIL", "tqdm"]
late = [n for n in sys.modules if n.startswith(("dlframe.data", "dlframe.nn", "dlframe.optim",
        "dlframe.training", "dlframe.viz", "dlframe.metrics", "dlframe.models"))]
print([name for name in heavy if name in sys.modules] + late, file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stderr == "[]\n"
    assert "--batch-size" in done.stdout


# --- figures -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_digits_reach_98_percent_with_the_defaults(dlframe: Command) -> None:
    out = dlframe(
        "train", "--data", "digits", "--model", "cnn", "--seed", 0, "--out", "demo"
    ).stdout
    right, count = re.search(r"\((\d+) of (\d+)\)", accuracy_in(out)).groups()  # type: ignore[union-attr] # None fails the test
    assert int(right) / int(count) >= 0.98
    assert accuracy_in(dlframe("evaluate", "demo").stdout) == accuracy_in(out)


@pytest.mark.slow
def test_mnist_reaches_97_percent(dlframe: Command, real_data: Path) -> None:
    options = "--model mlp --hidden 50 --optimizer sgd --lr 0.1 --batch-size 64 --epochs 10"
    out = dlframe("train", "--data", "mnist", "--root", real_data, *shlex.split(options)).stdout
    assert float(accuracy_in(out).split()[2]) >= 0.969


@pytest.mark.slow
def test_cifar10_learns(dlframe: Command, real_data: Path, tmp_path: Path) -> None:
    options = shlex.split("--model cnn --width 8 --limit 6000 --epochs 2 --out a")
    out = dlframe("train", "--data", "cifar10", "--root", real_data, *options).stdout
    losses = [record["loss"] for record in records(tmp_path / "a")]
    assert losses[1] < losses[0] < 2.3
    assert float(accuracy_in(out).split()[2]) > 0.3
