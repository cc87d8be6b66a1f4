"""The command line: `dlframe train`, `evaluate`, `predict`, `data`, `plugins`, `info`.

Exit codes: 0 if all went well, 1 after a failure (one line on stderr says why), 2 for a wrong
command line, 130 after Ctrl-C. `--debug` shows the whole traceback.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from dlframe.cli.parser import UsageError, data_root, make_parser
from dlframe.errors import DatasetError, DlframeError
from dlframe.tensor.settings import set_num_threads

__all__ = ["main"]

INTERRUPTED = 130  # 128 + SIGINT, as shells count


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
    try:
        if options.threads:
            set_num_threads(options.threads)
        return int(options.command(options))
    except UsageError as error:
        print(f"dlframe {options.name}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        if options.debug:
            raise
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # dlframe … | head, and head has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 1
    except (DlframeError, OSError) as error:
        if options.debug:
            raise
        print(f"dlframe {options.name}: error: {error}", file=sys.stderr)
        if isinstance(error, DatasetError) and hasattr(options, "root"):
            print(
                f"--root DIR says where data lie; now it is {data_root(options.root)}",
                file=sys.stderr,
            )
        return 1
