"""`dlframe watch`: a page in the browser that follows runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dlframe.base.printable import printable
from dlframe.cli.words import say
from dlframe.viz.watch.watching import watch as show


def watch(options: argparse.Namespace) -> int:
    """The command."""
    for run in options.runs:
        if not Path(run).exists():
            say(f"{printable(run)} is not there yet; it is shown once it is.", sys.stderr)
    show(options.runs, port=options.port, open_browser=options.browser)
    return 0
