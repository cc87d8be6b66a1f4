"""Ctrl-C as a request to finish the present batch and then stop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

NOTICE = b"\nInterrupted: finishing this batch. Press Ctrl-C again to stop at once.\n"


class Interrupt:
    """While entered, the first Ctrl-C sets `requested`, a second raises KeyboardInterrupt.

    Signals belong to the main thread: in other threads this has no effect. At the end the earlier
    handler is restored.

    >>> with Interrupt() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    ...     interrupt.requested
    True
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None
        self._installed = False

    def __enter__(self) -> Self:
        self.requested = False
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
            # None: set by something that is not Python, so it could not be put back;
            # SIG_IGN: whoever started this process wants Ctrl-C to have no effect (nohup)
            if self._before is not None and self._before is not signal.SIG_IGN:
                signal.signal(signal.SIGINT, self._handle)
                self._installed = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._before)
            self._installed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        # not print(): the signal may arrive inside a print(), and a second one would raise. Where
        # Python started without stderr, descriptor 2 may be any file; os.write fails where its
        # reader is gone
        if sys.__stderr__ is not None:
            with contextlib.suppress(OSError):
                os.write(2, NOTICE)
