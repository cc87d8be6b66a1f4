"""Time one workload after the other under both libraries, in turns: a child process.

    python -m benchmarks.speed CLOCK BLOCKS SECONDS STEPS NAME ...

The libraries take turns, block by block, in one process, so both are measured under the same
conditions, and each pair of neighbouring blocks gives a ratio. Before the measurement, both
train for some steps from one seed, and their losses are compared.

The clock is `wall`, or `cpu`: the time of all threads of the process, which a busy machine disturbs
less.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.children import report
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads.step import Step

Clock = Callable[[], float]


def main() -> None:
    clock = {"wall": time.perf_counter, "cpu": time.process_time}[sys.argv[1]]
    blocks, seconds, steps = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    import torch

    import dlframe

    threads = int(os.environ["OMP_NUM_THREADS"])
    torch.set_num_threads(threads)
    for name in sys.argv[5:]:
        made = [WORKLOADS[name](lib) for lib in (dlframe, torch)]
        # the losses of the first steps, which are the warm-up as well
        losses = [[float(step().item()) for _ in range(steps)] for step in made]
        times, ratios = _in_turns(made, clock, blocks, seconds)
        report(
            name=name,
            threads=threads,
            dlframe=statistics.median(times[0]),
            pytorch=statistics.median(times[1]),
            least=[min(times[0]), min(times[1])],
            speed=statistics.median(ratios),
            quartiles=statistics.quantiles(ratios, n=4)[::2],
            difference=max(_differences(*losses)),
        )


def _differences(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [abs(a - b) / max(abs(b), 1e-12) for a, b in zip(ours, theirs, strict=True)]


def _in_turns(
    steps: Sequence[Step], clock: Clock, blocks: int, seconds: float
) -> tuple[list[list[float]], list[float]]:
    """The times of a step in each block of both, and our speed as a multiple of the other's."""
    counts = [_calibrated(step, seconds) for step in steps]
    times: list[list[float]] = [[], []]
    for _ in range(blocks):
        for i, step in enumerate(steps):
            times[i].append(_block(step, clock, counts[i]))
    return times, [b / a for a, b in zip(*times, strict=True)]


def _calibrated(step: Step, seconds: float) -> int:
    """The number of steps in a block."""
    start = time.perf_counter()
    count = 0
    while time.perf_counter() - start < seconds:
        step()
        count += 1
    return count


def _block(step: Step, clock: Clock, count: int) -> float:
    step()  # brings back the caches, while threads of the other library still wait for work
    start = clock()
    for _ in range(count):
        step()
    return (clock() - start) / count


def line_of(result: dict[str, Any], asked: tuple[float, float] | None, width: int) -> str:
    """A line of the table that people read."""
    (low, high), worst = result["quartiles"], result["difference"]
    goal = f"{asked[0]:.3g} / {asked[1]:.3g} ×" if asked else ""
    same = f"equal to {worst:.0e}" if worst < 1e-4 else f"DIFFER by {worst:.0e}"
    times = f"{result['dlframe'] * 1e6:9.1f}µs {result['pytorch'] * 1e6:9.1f}µs"
    return (
        f"{result['name']:{width}} {times} {result['speed']:6.2f} × {low:6.2f}–{high:<5.2f} "
        f"{goal:>12}  {same}"
    )


def heading(width: int) -> str:
    columns = f"{'dlframe':>11} {'PyTorch':>11} {'speed':>8} {'quartiles':>12} {'asked':>12}"
    return f"{'workload':{width}} {columns}  losses"


if __name__ == "__main__":
    main()
