"""Time one workload after the other under both libraries, in turns: a process for each library.

    python -m benchmarks.speed LIBRARY CLOCK

Each library has a process of its own: in one process both would have the same memory manager, whose
settings dlframe changes, and threads that wait for work in busy loops would disturb the other. The
processes take turns, block by block, so both are measured under the same conditions, and each pair
of neighbouring blocks gives a ratio. Before the measurement, both train for some steps from one
seed, and their losses are compared.

The clock is `wall`, or `cpu`: the time of all threads of the process, which a busy machine disturbs
less.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.children import LIBRARIES, Child, answer
from benchmarks.workloads import WORKLOADS

_PAUSE = 0.04  # seconds, in which the other's threads end their busy loops and go to sleep
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def measure(
    names: Sequence[str], threads: int, clock: str, blocks: int, seconds: float, steps: int
) -> Iterator[dict[str, Any]]:
    """The result of each workload: times of a step, our speed as a multiple of the other's.

    Args:
        blocks: how many, of each library.
        seconds: the length of a block.
        steps: whose losses are compared; they are the warm-up as well.
    """
    children = [Child("speed", library, clock, threads=threads) for library in LIBRARIES]
    try:
        for name in names:
            losses = [child.ask(name=name, steps=steps) for child in children]
            times: list[list[float]] = [[], []]
            for _ in range(blocks):
                for child, found in zip(children, times, strict=True):
                    time.sleep(_PAUSE)
                    found.append(child.ask(seconds=seconds))
            ratios = [b / a for a, b in zip(*times, strict=True)]
            yield {
                "name": name,
                "threads": threads,
                "dlframe": statistics.median(times[0]),
                "pytorch": statistics.median(times[1]),
                "least": [min(times[0]), min(times[1])],
                "speed": statistics.median(ratios),
                "quartiles": statistics.quantiles(ratios, n=4)[::2],
                "difference": max(_differences(*losses)),
            }
    finally:
        for child in children:
            child.end()


def _differences(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [abs(a - b) / max(abs(b), 1e-12) for a, b in zip(ours, theirs, strict=True)]


# --- the process of a library ------------------------------------------------------------------


def main() -> None:
    library, clock = sys.argv[1], CLOCKS[sys.argv[2]]
    lib: Any = __import__(library)
    lib.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    step: Any = None

    def reply(question: dict[str, Any]) -> Any:
        nonlocal step
        if "name" in question:
            step = WORKLOADS[question["name"]](lib)
            return [float(step().item()) for _ in range(question["steps"])]
        step()  # brings back the caches
        start, count, passed = clock(), 0, 0.0
        end = time.perf_counter() + question["seconds"]
        while time.perf_counter() < end:
            step()
            count += 1
            passed = clock() - start
        return passed / count

    answer(reply)


# --- tables ------------------------------------------------------------------------------------


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
