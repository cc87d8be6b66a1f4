"""The command line: `dlframe train`, `evaluate`, `report`, `predict`, `watch`, and others.

Exit codes: 0 if all went well, 1 after a failure (one line on stderr says why), 2 for a wrong
command line, 130 after Ctrl-C. `--debug` shows the whole traceback.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from dlframe import starting
from dlframe.base.printable import error_text, printable
from dlframe.cli.names import UsageError
from dlframe.cli.parser import command, data_root, make_parser
from dlframe.cli.words import say
from dlframe.errors import DatasetError, DlframeError
from dlframe.tensor.settings import set_num_threads

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (without the program's name) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # where a terminal cannot show × or ü
            stream.reconfigure(errors="backslashreplace")
    parser = make_parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as leaving:  # --help, --version, or a usage error that is printed already
        return int(leaving.code or 0)
    if options.name is None:
        parser.print_help()
        return 0
    code = _run(options)
    starting.quit_at_once()  # the rest is Python's own clearing up
    return code


def _run(options: argparse.Namespace) -> int:
    """Call the command, print what went wrong, and return the exit code."""
    try:
        if options.threads:
            set_num_threads(options.threads)
        return _all_written(int(options.command(options)))
    except UsageError as error:
        _complain(options, error)
        return 2
    except KeyboardInterrupt:
        if options.debug:
            raise
        print("\nInterrupted.", file=sys.stderr)
        return starting.INTERRUPTED
    except BrokenPipeError:  # dlframe … | head, and head has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 1
    except (DlframeError, OSError, MemoryError) as error:
        if options.debug:
            raise
        _complain(options, error)
        return 1
    except Exception as error:
        if options.debug:
            raise
        what = f"unexpected {error_text(error)}; --debug shows where it arose"
        say(f"dlframe {options.name}: error: {what}", sys.stderr)
        return 1


def _all_written(code: int) -> int:
    if sys.stdout is not None:  # it is None if Python started with a closed one
        sys.stdout.flush()
    return code


def _complain(options: argparse.Namespace, error: Exception) -> None:
    message = str(error)
    if isinstance(error, MemoryError):
        message = f"out of memory. A smaller --batch-size or model takes less. {message}".strip()
    if isinstance(error, DatasetError) and hasattr(options, "root"):
        root = data_root(options.root)
        message = error.facts
        if error.key:  # one of dlframe's own
            message += f"\nFetch it with: {command('download', error.key, root)}"
            message += f"\n--root DIR says where data lie; now it is {root}"
    # it may quote a file or another package: no control character reaches the terminal
    say(f"dlframe {options.name}: error: {printable(message, keep=chr(10))}", sys.stderr)
