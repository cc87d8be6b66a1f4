"""Sentences of the command line on terminals of several widths, and in files."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from dlframe.base.terminals import columns_of
from dlframe.cli import main
from dlframe.cli.words import say

TEXT = (
    "mlp: 827 parameters; Adam (lr 0.01), schedule cosine, batches of 32, seed 0\n\n"
    "  dlframe train --resume --out runs/with/a/name/that/is/longer/than/the/terminal --epochs 20"
)


def test_in_a_file_each_paragraph_is_a_line() -> None:
    file = io.StringIO()
    say(TEXT, file)
    assert file.getvalue() == TEXT + "\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
@pytest.mark.parametrize("width", [40, 60, 80])
def test_on_a_terminal_lines_end_between_words_and_commands_stay(width: int) -> None:
    import fcntl
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        say(TEXT, stream, flush=True)
        shown = os.read(ours, 4096).decode().replace("\r\n", "\n")
    os.close(ours)
    *sentence, empty, command = shown.rstrip("\n").split("\n")
    assert empty == ""
    assert all(len(line) <= width for line in sentence)
    assert " ".join(" ".join(sentence).split()) == TEXT.split("\n", maxsplit=1)[0]
    assert command == TEXT.split("\n")[2]


# --- whole commands on a terminal --------------------------------------------------------------


def shown(arguments: list[str], width: int, folder: Path) -> tuple[int, list[str]]:
    """The exit code, and the lines that a command writes to a terminal of so many columns."""
    import fcntl
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 100, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "dlframe", *arguments],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=folder,
    )  # fmt: skip
    os.close(theirs)
    found = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux says so at the end
            break
        if not part:
            break
        found += part
    os.close(ours)
    return process.wait(), found.decode().replace("\r\n", "\n").split("\n")


COMMANDS = [
    (0, ["info"]),
    (0, ["plugins", "--all"]),
    (0, ["data", "list"]),
    (None, ["doctor", "--data", "moons", "--root", "a folder"]),
    (0, ["train", "--help"]),
    (0, ["--help"]),
    (1, ["data", "verify", "mnist"]),
    (2, ["train", "--data", "moons", "--scheduler", "cosinus"]),
    (2, ["train", "--data", "moons", "--init", "he"]),
    (2, ["train", "--data", "moons", "--batch-size", "many"]),
    (2, ["train", "--daat", "moons"]),
    (2, ["evaluate", "nowhere"]),
]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize(("code", "arguments"), COMMANDS, ids=lambda one: str(one)[:40])
def test_no_line_of_a_command_is_wider_than_the_terminal(
    code: int | None, arguments: list[str], width: int, tmp_path: Path
) -> None:
    found, lines = shown(arguments, width, tmp_path)
    assert code is None or found == code
    # a path of this machine or an address may be longer than any line
    wide = [line for line in lines if columns_of(line) > width and len(line.split()) > 1]
    assert wide == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
def test_all_numbers_of_a_training_are_there_at_60_columns(tmp_path: Path) -> None:
    train = ["train", "--data", "digits", "--limit", "200", "--epochs", "1", "--no-pictures"]
    code, lines = shown([*train, "--out", "a"], 60, tmp_path)
    assert code == 0
    plain = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).split("\r")[-1] for line in lines]
    assert max(map(columns_of, plain)) <= 60
    piped = subprocess.run(
        [sys.executable, "-m", "dlframe", "evaluate", "a"],
        capture_output=True, text=True, cwd=tmp_path, check=True,
    ).stdout  # fmt: skip
    code, lines = shown(["evaluate", "a"], 60, tmp_path)
    numbers = re.findall(r"\d+\.\d+", piped)
    assert len(numbers) > 40
    assert re.findall(r"\d+\.\d+", "\n".join(lines)) == numbers


def test_the_unknown_option_of_a_command_is_one_of_this_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", "--daat", "moons"]) == 2
    err = capsys.readouterr().err
    assert err == (
        "dlframe train: error: unrecognized arguments: --daat moons. Did you mean '--data'? See "
        "dlframe train --help\n"
    )
