"""Sentences and tables on a terminal: their lines end between words."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from typing import TextIO

from dlframe.base.terminals import columns, fitted_table


def say(text: str, file: TextIO | None = None, *, flush: bool = False) -> None:
    """Print paragraphs, whose lines fit the terminal; in files each paragraph is one line.

    >>> say("All 3 epochs are done.")
    All 3 epochs are done.
    """
    stream = sys.stdout if file is None else file
    width = columns(stream)
    if width is not None:
        text = "\n".join(_wrapped(line, width) for line in text.split("\n"))
    print(text, file=stream, flush=flush)


def say_table(
    rows: Sequence[Sequence[str]], *, heads: int = 0, numbers: Sequence[int] = ()
) -> None:
    """Print a table that fits the terminal; in files each row is a line, however long.

    The columns in `numbers` are aligned on the right.

    >>> say_table([("name", "where"), ("digits", "part of dlframe")], heads=1)
    name    where
    digits  part of dlframe
    """
    for line in fitted_table(rows, columns(sys.stdout), heads=heads, numbers=numbers):
        print(line)


def _wrapped(line: str, width: int) -> str:
    """The line, broken between words; one that is indented is a command or a path, and stays."""
    if line.startswith(" "):
        return line
    return textwrap.fill(
        line, max(width, 20), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
