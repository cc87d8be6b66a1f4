"""Child processes: BLAS reads its number of threads, and memory begins, with the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("dlframe", "torch")


def _start(module: str, arguments: tuple[object, ...], threads: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)


def results_of(module: str, *arguments: object, threads: int = 1) -> Iterator[dict[str, Any]]:
    """Run `python -m benchmarks.MODULE` and yield the results that it prints, a line each."""
    with _start(module, arguments, threads) as child:
        assert child.stdout is not None
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise SystemExit(f"benchmarks.{module} {arguments} ended with {child.returncode}")


def report(**result: object) -> None:
    """Print a result for `results_of`."""
    print(json.dumps(result), flush=True)


class Child:
    """A process that answers questions, a line each (`answer`)."""

    def __init__(self, module: str, *arguments: object, threads: int) -> None:
        self.process = _start(module, arguments, threads)

    def ask(self, **question: object) -> Any:
        """The answer; the process works meanwhile, and at no other time."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(question), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args} ended with {self.process.wait()}")
        return json.loads(line)

    def end(self) -> None:
        """No more questions."""
        self.process.communicate()


def answer(reply: Callable[[dict[str, Any]], Any]) -> None:
    """Answer the questions of a `Child`, in its process, until there are no more."""
    for line in sys.stdin:
        print(json.dumps(reply(json.loads(line))), flush=True)
