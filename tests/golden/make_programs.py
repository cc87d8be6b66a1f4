"""Write programs/*.txt: what the programs in tests/programs print under PyTorch.

tests/porting/test_programs.py compares. With `--times` nothing is written: every program runs under
PyTorch and under dlframe, and the times of both are printed (seconds of CPU, workers included; the
better of two runs).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PROGRAMS = sorted((TESTS / "programs").glob("*.py"))
FOLDER = TESTS / "golden" / "programs"
OURS = TESTS.parent / ".venv" / "bin" / "python"


def printed(command: list[str]) -> str:
    """What a command prints, on one core."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=TESTS.parent, capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


def seconds(command: list[str]) -> float:
    """The CPU time of a command and its processes."""
    times = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        printed(command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def compare_times() -> None:
    """Print a table of both times and their ratios, once with and once without the imports."""
    ours, theirs = [str(OURS), "-m", "dlframe", "run"], [sys.executable]
    empty = TESTS / "golden" / "make_nothing.py"
    empty.write_text("import torch\n")
    try:
        start, their_start = seconds([*ours, str(empty)]), seconds([*theirs, str(empty)])
    finally:
        empty.unlink()
    print(f"{'import torch':18} {start:7.2f} {their_start:7.2f} {start / their_start:6.2f}")
    for program in PROGRAMS:
        a, b = seconds([*ours, str(program)]), seconds([*theirs, str(program)])
        after = (a - start) / max(b - their_start, 0.01)
        print(f"{program.stem:18} {a:7.2f} {b:7.2f} {a / b:6.2f}, after the import {after:6.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", action="store_true")
    if parser.parse_args().times:
        compare_times()
    else:
        FOLDER.mkdir(exist_ok=True)
        for program in PROGRAMS:
            (FOLDER / f"{program.stem}.txt").write_text(printed([sys.executable, str(program)]))
