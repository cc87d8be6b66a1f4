"""Where the time of a workload goes under dlframe, by function.

    python -m benchmarks.profile SECONDS NAME

Python's profiler sees each function of ours and each function of NumPy's that it calls, but no
operator: the time of `a * b` is that of the function where it stands. It takes some time itself for
each call, so small functions look larger than they are.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.children import ROOT, report, results_of
from benchmarks.workloads import WORKLOADS

_LINES = 16


def main() -> None:
    import dlframe

    seconds, name = float(sys.argv[1]), sys.argv[2]
    step = WORKLOADS[name](dlframe)
    for _ in range(5):
        step()
    profiler, count, start = cProfile.Profile(), 0, time.perf_counter()
    while time.perf_counter() - start < max(1.0, 10 * seconds):
        profiler.runcall(step)
        count += 1
    stats: Any = pstats.Stats(profiler)
    total = stats.total_tt
    rows = sorted(
        (
            (own / total, calls / count, _place(*function))
            for function, (_, calls, own, _, _) in stats.stats.items()
        ),
        reverse=True,
    )
    report(name=name, step=total / count, rows=rows[:_LINES])


def _place(file: str, line: int, function: str) -> str:
    if file == "~":
        return function.strip("<>").replace("built-in method ", "").replace("method ", "")
    path = Path(file)
    inside = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return f"{function} ({inside}:{line})"


def table(name: str, threads: int, seconds: float) -> str:
    """The table that people read."""
    found = next(results_of("profile", seconds, name, threads=threads))
    lines = [f"\n{name}, {threads} thread(s)", f"{'own time':>8} {'calls':>7}  function"]
    for share, calls, place in found["rows"]:
        lines.append(f"{share:8.1%} {calls:7.1f}  {place}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
