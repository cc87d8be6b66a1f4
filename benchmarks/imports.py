"""The time of `import dlframe` beyond that of `import numpy`, from new processes in turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

from benchmarks.children import ROOT

ASKED = 60.0  # milliseconds, at most


def measure(rounds: int) -> dict[str, Any]:
    """The medians, in milliseconds: with NumPy alone, and what dlframe adds."""
    numpy, both = zip(
        *[(_milliseconds("numpy"), _milliseconds("dlframe")) for _ in range(rounds)], strict=True
    )
    differences = [b - a for a, b in zip(numpy, both, strict=True)]
    return {
        "name": "import dlframe",
        "numpy": statistics.median(numpy),
        "dlframe": statistics.median(differences),
        "quartiles": statistics.quantiles(differences, n=4)[::2],
    }


def _milliseconds(module: str) -> float:
    code = f"from time import perf_counter as t; a = t(); import {module}; print(1e3 * (t() - a))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def line_of(result: dict[str, Any]) -> str:
    """The line that people read."""
    low, high = result["quartiles"]
    return (
        f"import numpy: {result['numpy']:.1f} ms; import dlframe: {result['dlframe']:.1f} ms more "
        f"({low:.1f}–{high:.1f}), asked {ASKED:.0f}"
    )
