"""Sentences of the command line on terminals of several widths, and in files."""

from __future__ import annotations

import io
import os
import struct
import sys

import pytest

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
