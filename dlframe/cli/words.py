"""Sentences on a terminal: their lines end between words."""

from __future__ import annotations

import sys
import textwrap
from typing import TextIO

from dlframe.training.callbacks.progress import columns


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


def _wrapped(line: str, width: int) -> str:
    """The line, broken between words; one that is indented is a command or a path, and stays."""
    if line.startswith(" "):
        return line
    return textwrap.fill(
        line, max(width, 20), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
