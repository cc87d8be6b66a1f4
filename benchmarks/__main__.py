"""Run the workloads under dlframe and PyTorch in turn, and print the ratio of their times.

    python -m benchmarks                       all models, one thread
    python -m benchmarks op_chain lenet        some of them
    python -m benchmarks optimizers            steps of optimizers alone
    python -m benchmarks --threads 2 --blocks 30

The libraries take turns, block by block, in one process, so both are measured under the same
conditions. Quote the median of the ratios of neighbouring blocks; the quartiles show how much the
ratios vary. Before the measurement, both libraries train for some steps from one seed, and their
losses are compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> int:
    arguments = _arguments()
    # BLAS reads these when NumPy is imported, so they are set first.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(arguments.threads)
    import torch

    import dlframe
    from benchmarks.workloads import GROUPS, WORKLOADS

    torch.set_num_threads(arguments.threads)
    unknown = set(arguments.names) - set(WORKLOADS) - set(GROUPS)
    if unknown:
        names, there = ", ".join(sorted(unknown)), ", ".join([*GROUPS, *WORKLOADS])
        print(f"unknown: {names}; there are {there}", file=sys.stderr)
        return 2
    chosen = [n for name in arguments.names or ["models"] for n in GROUPS.get(name, [name])]
    width = max(map(len, chosen))
    versions = f"dlframe {dlframe.__version__} and PyTorch {torch.__version__}"
    print(f"{versions}, {arguments.threads} thread(s)")
    heads = f"{'dlframe':>10} {'PyTorch':>10} {'ratio':>7} {'quartiles':>13}  losses"
    print(f"{'workload':{width}} {heads}")
    for name in chosen:
        _report(f"{name:{width}}", WORKLOADS[name], dlframe, torch, arguments)
    return 0


def _arguments() -> argparse.Namespace:
    summary = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=summary)
    parser.add_argument("names", nargs="*", help="workloads, or groups of them")
    parser.add_argument("--threads", type=int, default=1, help="threads of both libraries (1)")
    parser.add_argument("--blocks", type=int, default=21, help="blocks per library (21)")
    parser.add_argument("--seconds", type=float, default=0.1, help="length of a block (0.1)")
    parser.add_argument("--steps", type=int, default=10, help="losses that are compared (10)")
    return parser.parse_args()


def _report(
    name: str, workload: Any, ours: Any, theirs: Any, arguments: argparse.Namespace
) -> None:
    losses = [_losses(workload(lib), arguments.steps) for lib in (ours, theirs)]
    worst = max(abs(a - b) / max(abs(b), 1e-12) for a, b in zip(*losses, strict=True))
    steps = [workload(lib) for lib in (ours, theirs)]
    counts = [_calibrated(step, arguments.seconds) for step in steps]
    times: list[list[float]] = [[], []]
    for _ in range(arguments.blocks):
        for i, step in enumerate(steps):
            times[i].append(_block(step, counts[i]))
    ratios = [a / b for a, b in zip(*times, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    a, b = (statistics.median(t) * 1e6 for t in times)
    same = f"equal to {worst:.0e}" if worst < 1e-4 else f"DIFFER by {worst:.0e}"
    print(f"{name} {a:8.1f}µs {b:8.1f}µs {middle:7.2f} {low:6.2f}–{high:.2f}  {same}")


def _losses(step: Any, steps: int) -> list[float]:
    return [float(step().item()) for _ in range(steps)]


def _calibrated(step: Any, seconds: float) -> int:
    """The number of steps in a block, measured after some steps to warm up."""
    for _ in range(3):
        step()
    start = time.perf_counter()
    count = 0
    while time.perf_counter() - start < seconds:
        step()
        count += 1
    return count


def _block(step: Any, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


if __name__ == "__main__":
    sys.exit(main())
