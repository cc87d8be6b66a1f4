"""`dlframe run`: a program that was written for PyTorch, as it is."""

from __future__ import annotations

import argparse
import traceback
from pathlib import Path
from types import TracebackType

from dlframe import starting
from dlframe.cli.names import UsageError
from dlframe.porting import running


def run(options: argparse.Namespace) -> int:
    """The command. It ends as the program ends: with its exit status, after its exit handlers."""
    path = Path(options.script)
    if not path.exists():
        raise UsageError(f"there is no file {path}")
    try:
        running.run(path, options.arguments)
    except SystemExit:
        raise
    except KeyboardInterrupt:
        raise SystemExit(starting.INTERRUPTED) from None
    except BaseException as error:  # noqa: BLE001 # as Python does at the end of a program
        begins = _of_program(error.__traceback__, path)
        traceback.print_exception(type(error), error, begins)
        raise SystemExit(1) from None
    raise SystemExit(0)


def _of_program(found: TracebackType | None, path: Path) -> TracebackType | None:
    """The traceback from the program's first line on."""
    frame = found
    while frame is not None and frame.tb_frame.f_code.co_filename != str(path):
        frame = frame.tb_next
    return frame
