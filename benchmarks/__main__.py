"""Compare dlframe with PyTorch on one processor: time, memory, growth and imports.

    python -m benchmarks                          speed of the table, with one and two threads
    python -m benchmarks speed lenet --threads 1  of some
    python -m benchmarks speed optimizers         of a group: table, models, optimizers, loaders
    python -m benchmarks memory                   peaks, and page faults per step
    python -m benchmarks growth batch depth       time and memory against a size
    python -m benchmarks imports                  the time of `import dlframe`
    python -m benchmarks limits                   shares of our steps, and what could be reached
    python -m benchmarks profile gpt              where our time goes, by function
    python -m benchmarks --json FILE              write the results, too
    python -m benchmarks.pages                    measure all, and write the tables of the docs

Speeds are multiples of PyTorch's: above 1, dlframe is faster. Beside them stands what is asked, in
NumPy alone and with compiled kernels.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import growth, imports, limits, memory, profile, speed
from benchmarks.workloads import ASKED, GROUPS, WORKLOADS
from benchmarks.workloads.growth import CURVES

Results = list[dict[str, Any]]


def main() -> int:
    arguments = _arguments()
    if unknown := set(arguments.names) - set(_names(arguments.command)):
        there = ", ".join(name for name in _names(arguments.command) if "=" not in name)
        print(f"unknown: {', '.join(sorted(unknown))}; there are {there}", file=sys.stderr)
        return 2
    results = _COMMANDS[arguments.command](arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    description, _, commands = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=description,
        epilog=commands,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("command", nargs="?", default="speed", choices=_COMMANDS)
    add("names", nargs="*", help="workloads, groups of them, or curves of growth")
    add("--threads", type=int, nargs="+", help="threads of both libraries (1 2; growth: 1)")
    add("--blocks", type=int, default=21, help="blocks per library (21)")
    add("--seconds", type=float, default=0.1, help="length of a block (0.1)")
    add(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu: for a busy machine, and one thread",
    )
    add("--steps", type=int, default=10, help="losses that are compared (10)")
    add("--json", type=Path, metavar="FILE", help="also write the results to a file")
    return parser.parse_args()


def _names(command: str) -> list[str]:
    return {"growth": list(CURVES), "imports": []}.get(command, [*GROUPS, *WORKLOADS])


def _chosen(names: Sequence[str]) -> list[str]:
    return [n for name in names or ["table"] for n in GROUPS.get(name, [name])]


def _speed(arguments: argparse.Namespace) -> Results:
    names, results = _chosen(arguments.names), []
    width = max(map(len, names))
    for threads in arguments.threads or [1, 2]:
        print(f"{'' if not results else chr(10)}{threads} thread(s)\n{speed.heading(width)}")
        found = []
        options = (arguments.clock, arguments.blocks, arguments.seconds, arguments.steps)
        for result in speed.measure(names, threads, *options):
            found.append(result)
            print(speed.line_of(result, ASKED.get(result["name"]), width), flush=True)
        if len(found) > 1:
            mean = statistics.geometric_mean(result["speed"] for result in found)
            print(f"{'geometric mean':{width}} {'':23} {mean:6.2f} ×")
        results += found
    return results


def _memory(arguments: argparse.Namespace) -> Results:
    names, results = _chosen(arguments.names), []
    width = max(map(len, names))
    for threads in arguments.threads or [1, 2]:
        print(f"{'' if not results else chr(10)}{threads} thread(s)\n{memory.heading(width)}")
        for name in names:
            results.append(memory.measure(name, threads))
            print(memory.line_of(results[-1], width), flush=True)
    return results


def _growth(arguments: argparse.Namespace) -> Results:
    results = []
    for curve in arguments.names or CURVES:
        for threads in arguments.threads or [1]:
            found = growth.measure(curve, threads, arguments.clock, arguments.seconds)
            print(growth.table(found, CURVES[curve]), flush=True)
            results.append({"name": curve, "threads": threads, "points": found})
    return results


def _imports(arguments: argparse.Namespace) -> Results:
    found = imports.measure(arguments.blocks)
    print(imports.line_of(found))
    return [found]


def _limits(arguments: argparse.Namespace) -> Results:
    names, results = _chosen(arguments.names), []
    width = max(map(len, names))
    print(limits.line_of(limits.HEADING, width))
    for name in names:
        results.append(limits.measure(name, arguments.seconds, arguments.blocks))
        print(limits.line_of(limits.cells(results[-1]), width), flush=True)
    return results


def _profile(arguments: argparse.Namespace) -> Results:
    for threads in arguments.threads or [1]:
        for name in _chosen(arguments.names):
            print(profile.table(name, threads, arguments.seconds))
    return []


_COMMANDS = {
    "speed": _speed,
    "memory": _memory,
    "growth": _growth,
    "imports": _imports,
    "limits": _limits,
    "profile": _profile,
}

if __name__ == "__main__":
    sys.exit(main())
