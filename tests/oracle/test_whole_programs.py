"""The programs in tests/programs print the same under PyTorch and under `dlframe run`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from samples.printed import differing_lines

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = sorted((ROOT / "tests" / "programs").glob("*.py"))


def printed(*command: str) -> list[str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.timeout(600)  # two processes: PyTorch alone took 94 s where ten others were running
@pytest.mark.parametrize("program", PROGRAMS, ids=[program.stem for program in PROGRAMS])
def test_it_prints_the_same(program: Path) -> None:
    ours = printed("-m", "dlframe", "run", str(program))
    assert differing_lines(printed(str(program)), ours) == []
