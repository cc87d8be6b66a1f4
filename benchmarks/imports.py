"""The time of `import dlframe` beyond that of `import numpy`, from new processes in turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.children import ROOT

ASKED = 60.0  # milliseconds, at most


def measure(rounds: int) -> dict[str, Any]:
    """The medians, in milliseconds: with NumPy alone, and what dlframe adds."""
    with tempfile.TemporaryDirectory() as folder:
        # bytecode is written there by the first run, whatever the environment says of it
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        _milliseconds("dlframe", environment)
        pairs = [
            [_milliseconds(module, environment) for module in ("numpy", "dlframe")]
            for _ in range(rounds)
        ]
    numpy, both = zip(*pairs, strict=True)
    differences = [b - a for a, b in zip(numpy, both, strict=True)]
    return {
        "name": "import dlframe",
        "numpy": statistics.median(numpy),
        "dlframe": statistics.median(differences),
        "quartiles": statistics.quantiles(differences, n=4)[::2],
    }


def _milliseconds(module: str, environment: dict[str, str]) -> float:
    code = f"from time import perf_counter as t; a = t(); import {module}; print(1e3 * (t() - a))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def line_of(result: dict[str, Any]) -> str:
    """The line that people read."""
    low, high = result["quartiles"]
    return (
        f"import numpy: {result['numpy']:.1f} ms; import dlframe: {result['dlframe']:.1f} ms more "
        f"({low:.1f}–{high:.1f}), asked {ASKED:.0f}"
    )
