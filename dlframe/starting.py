"""Ctrl-C while the command `dlframe` loads its modules, or ends: a quiet exit with status 130.

Python would raise KeyboardInterrupt inside somebody's import, where it becomes a traceback, another
error, or nothing at all. So the package imports this module first of all. In a program that only
uses dlframe it does nothing.
"""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def is_command() -> bool:
    """Whether this process was started as `dlframe …` or `python -m dlframe …`."""
    program = (getattr(sys, "argv", None) or [""])[0].replace("\\", "/").rpartition("/")[2]
    if program != "-m":  # what it is while `python -m` still looks for the module
        return program in ("dlframe", "dlframe.exe")
    started = sys.orig_argv
    return started[started.index("-m") + 1 :][:1] in (["dlframe"], ["dlframe.cli"])


def quit_at_once() -> None:
    """From now on Ctrl-C ends the process, in the command `dlframe` only."""
    import signal

    # another handler, or SIG_IGN (as nohup sets it), is somebody's decision
    if _is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _quit)


def raise_again() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt again, which a command can answer."""
    import signal

    if signal.getsignal(signal.SIGINT) is _quit:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = _unraisable


def _quit(number: int, frame: object) -> None:
    os._exit(INTERRUPTED)


def _unraisable(failure: sys.UnraisableHookArgs) -> None:
    """Python drops what is raised in a destructor or a callback: an interrupt must not get lost."""
    if issubclass(failure.exc_type, KeyboardInterrupt):
        os._exit(INTERRUPTED)
    sys.__unraisablehook__(failure)


_is_command = is_command()
if _is_command:
    quit_at_once()
