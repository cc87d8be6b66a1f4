"""Time and memory against a size, and the exponents by which they grow.

Between two sizes n and m, the local exponent of the time t is log(t(m)/t(n)) / log(m/n): 1 where
twice the size takes twice the time. A curve that bends upward has rising exponents.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from benchmarks import memory, speed
from benchmarks.workloads.growth import CURVES, Curve, points

_BLOCKS, _STEPS = 7, 3


def measure(curve: str, threads: int, clock: str, seconds: float) -> list[dict[str, Any]]:
    """For each size: times (the least of all blocks) and peaks of both libraries."""
    names = points(curve)
    found = []
    timed = speed.measure(names, threads, clock, _BLOCKS, seconds, _STEPS)
    for size, name, times in zip(CURVES[curve].sizes, names, timed, strict=True):
        taken = memory.measure(name, threads)
        found.append(
            {
                "size": size,
                "seconds": times["least"],
                "speed": times["speed"],
                "difference": times["difference"],
                "peak": [taken["dlframe"]["peak"], taken["pytorch"]["peak"]],
                "faults": [taken["dlframe"]["faults"], taken["pytorch"]["faults"]],
            }
        )
    return found


def exponents(found: Sequence[dict[str, Any]], what: str, library: int) -> list[float]:
    """The local exponents between neighbouring sizes."""
    return [
        math.log(max(b[what][library], 1e-9) / max(a[what][library], 1e-9))
        / math.log(b["size"] / a["size"])
        for a, b in pairwise(found)
    ]


def table(found: Sequence[dict[str, Any]], curve: Curve) -> str:
    """The table that people read."""
    times = f"{'size':>6} {'dlframe':>11} {'PyTorch':>11} {'speed':>8} {'exponents':>11}"
    memories = f"{'peak MiB':>15} {'exponents':>11} {'faults':>15}  losses"
    lines = [f"\n{curve.what}: {curve.model}", f"{times} {memories}"]
    powers = [
        [math.nan, *exponents(found, what, library)]
        for what in ("seconds", "peak")
        for library in (0, 1)
    ]
    for i, point in enumerate(found):
        (a, b), (p, q), (f, h) = point["seconds"], point["peak"], point["faults"]
        e = ["     " if math.isnan(power[i]) else f"{power[i]:5.2f}" for power in powers]
        same = "equal" if point["difference"] < 1e-4 else f"DIFFER by {point['difference']:.0e}"
        lines.append(
            f"{point['size']:6} {a * 1e6:9.1f}µs {b * 1e6:9.1f}µs {point['speed']:6.2f} ×"
            f" {e[0]} {e[1]} {p / 2**20:7.1f} {q / 2**20:7.1f} {e[2]} {e[3]}"
            f" {f:7.0f} {h:7.0f}  {same}"
        )
    return "\n".join(lines)
