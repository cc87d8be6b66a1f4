"""`dlframe watch`: a page in the browser that follows runs."""

from __future__ import annotations

import argparse

from dlframe.viz.watch.watching import watch as show


def watch(options: argparse.Namespace) -> int:
    """The command."""
    show(options.runs, port=options.port, open_browser=options.browser)
    return 0
