"""The main module of processes that a program under `dlframe run` starts: the program's names."""

from __future__ import annotations

from dlframe.porting.running import in_worker

if __name__ == "__mp_main__":
    globals().update(in_worker())
