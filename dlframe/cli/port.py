"""`dlframe port`: a program that was written for PyTorch, with dlframe's imports."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dlframe.base.printable import printable
from dlframe.cli.names import UsageError
from dlframe.cli.words import say
from dlframe.errors import DlframeError


def port(options: argparse.Namespace) -> int:
    """The command. What could not be changed is listed on stderr."""
    from dlframe.porting import rewriting  # which reads programs

    path = Path(options.script)
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        text, notes = rewriting.ported(path)
    except SyntaxError as error:
        raise DlframeError(f"{error.filename}, line {error.lineno}: {error.msg}") from None
    if options.out is None:
        sys.stdout.write(text)
    else:
        Path(options.out).write_bytes(text.encode())
    for note in notes:
        say(printable(f"{path}:{note.line}: {note.words}"), sys.stderr)
    return 0
