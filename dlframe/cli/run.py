"""`dlframe run`: a program that was written for PyTorch, as it is, or a list of what it uses."""

from __future__ import annotations

import argparse
import json
import traceback
from pathlib import Path
from types import TracebackType

from dlframe import starting
from dlframe.cli.names import UsageError
from dlframe.cli.words import say, say_table
from dlframe.errors import DlframeError
from dlframe.porting import running


def run(options: argparse.Namespace) -> int:
    """The command. It ends as the program ends: with its exit status, after its exit handlers."""
    if options.check:
        return check(options)
    if options.json:
        raise UsageError("--json belongs to --check")
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


def check(options: argparse.Namespace) -> int:
    """`--check`: what the program would find. The exit status is 1 if something is missing."""
    from dlframe.porting import checking  # which reads programs, and is not needed to run one

    given = [options.script, *options.arguments]
    as_json = options.json or "--json" in given
    paths = [Path(each) for each in given if each != "--json"]
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file {path}")
    try:
        uses = checking.check(paths)
    except SyntaxError as error:
        raise DlframeError(f"{error.filename}, line {error.lineno}: {error.msg}") from None
    ready = checking.is_ready(uses)
    if as_json:
        print(json.dumps(checking.as_json(uses), indent=2))
    else:
        _show(checking.rows(uses), checking.there(uses), ready=ready)
    return 0 if ready else 1


def _show(rows: list[tuple[str, str, str, str]], there: list[str], *, ready: bool) -> None:
    if len(rows) > 1:
        say_table(rows, heads=1)
        print()
    if there:
        say(f"there ({len(there)}): {', '.join(there)}")
    missing = len([row for row in rows[1:] if row[1] == "missing"])
    say("Nothing is missing." if ready else f"{missing} missing.")


def _of_program(found: TracebackType | None, path: Path) -> TracebackType | None:
    """The traceback from the program's first line on."""
    frame = found
    while frame is not None and frame.tb_frame.f_code.co_filename != str(path):
        frame = frame.tb_next
    return frame
