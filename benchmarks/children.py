"""Child processes: BLAS reads its number of threads, and memory begins, with the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("dlframe", "torch")


def results_of(module: str, *arguments: object, threads: int = 1) -> Iterator[dict[str, Any]]:
    """Run `python -m benchmarks.MODULE` and yield the results that it prints, a line each."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise SystemExit(f"{' '.join(command[1:])} ended with {child.returncode}")


def report(**result: object) -> None:
    """Print a result for `results_of`."""
    print(json.dumps(result), flush=True)
