"""Every option with values of all kinds: one line says what is wrong, and never a traceback."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlframe.cli import main
from dlframe.cli.parser import make_parser

HOSTILE = [
    "", "abc", "-1", "0.5", "1e999", "nan", "9" * 30, "9" * 5000, "\x1b[2J", "ü\udcff", "/dev/null",
    "a=b", "x=1,2", "%s{}", "💥", "a\nb", "package:name",
]  # fmt: skip
BASE = ["--data", "moons", "--epochs", "1", "--limit", "20", "--hidden", "3", "--batch-size", "20"]
BASE += ["--no-pictures", "--quiet"]


def commands() -> Iterator[argparse.ArgumentParser]:
    for action in make_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def options(name: str) -> list[str]:
    """The options of a command that take a value."""
    (parser,) = [one for one in commands() if one.prog == f"dlframe {name}"]
    return [a.option_strings[-1] for a in parser._actions if a.option_strings and a.nargs != 0]


def check(line: list[str], capsys: pytest.CaptureFixture[str]) -> int:
    code = main(line)
    out, err = capsys.readouterr()
    assert code in (0, 1, 2), (line, err)
    assert "unexpected" not in err, (line, err)
    assert (code == 0) == (err == ""), (line, out, err)
    for text in (err, out):
        assert text.replace("\n", "").isprintable(), (line, text)
    assert err.count("\n") <= 3, err
    return code


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("option", options("train"))
def test_options_of_train(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if option in ("--threads", "--workers"):  # would be set for the tests that follow, or started
        values = [value for value in HOSTILE if not value.strip().isdecimal()]
    else:
        values = HOSTILE
    for value in values:
        words = [f"{option}={value}"] if value.startswith("-") else [option, value]
        check(["train", *BASE, "--overwrite", "--out", "run", *words], capsys)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "option",
    ["--activation", "--init", "--loss", "--metric", "--optimizer", "--scheduler", "--regularizer"],
)
@pytest.mark.parametrize("name", ["relu", "normal", "mse", "f1", "sgd", "step", "l1", "sparse"])
def test_arguments_of_names(
    tmp_path: Path,
    option: str,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = ["a", "lr", "mean", "std", "strength", "step_size", "average", "reduction", "inplace"]
    for key in [*keys, "name", "self", "tensor"]:
        for value in ("x", "-1", "nan", "9" * 30, "none", "1,2"):
            line = ["train", *BASE, "--overwrite", "--out", "run", option, name, f"{key}={value}"]
            check(line, capsys)


@pytest.mark.parametrize("command", ["evaluate", "predict", "data verify", "data download"])
def test_other_commands(
    tmp_path: Path,
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in HOSTILE:
        if value != "--":
            assert check([*command.split(), value], capsys) != 0
