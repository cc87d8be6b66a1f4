"""`dlframe playground`: a page on which a small network learns points in the plane."""

from __future__ import annotations

import argparse

from dlframe.viz.playground.opening import playground as show


def playground(options: argparse.Namespace) -> int:
    """The command."""
    show(port=options.port, open_browser=options.browser)
    return 0
