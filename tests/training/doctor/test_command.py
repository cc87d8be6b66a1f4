"""`dlframe doctor`."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from dlframe.base import threads
from dlframe.cli import main


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(threads, "_number", 1)  # a warning would depend on the machine


def doctor(text: str, code: int, capsys: pytest.CaptureFixture[str]) -> str:
    result = main(["doctor", *shlex.split(text)])
    written = capsys.readouterr()
    assert result == code, written.out + written.err
    assert "Traceback" not in written.err
    return written.out + written.err


def test_the_machine_alone(capsys: pytest.CaptureFixture[str]) -> None:
    text = doctor("", 0, capsys)
    assert "in 5 checks." in text
    assert "versions: Python" in text
    assert max(map(len, text.splitlines())) <= 80
    assert list(Path.cwd().iterdir()) == []  # it writes nothing


def test_a_training_before_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    text = doctor("--data moons --model mlp --hidden 16", 0, capsys)
    assert "test samples: 1,000 of 1,000" in text
    assert list(Path.cwd().iterdir()) == []


def test_a_rate_that_is_too_large(capsys: pytest.CaptureFixture[str]) -> None:
    text = doctor("--data moons --model mlp --optimizer sgd --lr 1000", 1, capsys)
    assert "WARNING learning-rate: SGD" in text


def test_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    run = "train --data moons --model mlp --epochs 1 --hidden 8 --no-pictures --quiet --out one"
    assert main(shlex.split(run)) == 0
    before = {path: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file()}
    text = doctor("one", 0, capsys)
    assert "training samples: 1,000 of 1,000" in text
    assert {path: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file()} == before
    assert "--model linear contradicts the run" in doctor("one --model linear", 2, capsys)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--data moons --resume", 2, "--resume has no meaning for doctor"),
        ("--data moons --overwrite", 2, "--overwrite has no meaning for doctor"),
        ("--model mlp", 2, "say which data to check with"),
        ("nowhere", 2, "nowhere has no checkpoint of a run"),
        ("--data mnist --root nowhere", 1, "Fetch it with: dlframe data download mnist"),
        ("--data moon", 2, "Did you mean 'moons'"),
    ],
)
def test_wrong_commands(
    options: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in doctor(options, code, capsys)
