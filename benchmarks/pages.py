"""Measure everything, and write the tables of the documentation.

    python -m benchmarks.pages                 all; the numbers go to docs/measured
    python -m benchmarks.pages speed           some of speed, limits, memory, growth and imports
    python -m benchmarks.pages compiled        speed with dlframe-numba, where that is installed
    python -m benchmarks.pages --no-measuring  the tables alone

A table stands in a page between `<!-- measured: NAME -->` and `<!-- end of NAME -->`. The picture
of the growth is drawn from the same numbers by `python docs/make_pictures.py growth`.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks import limits
from benchmarks.children import ROOT
from benchmarks.growth import exponents
from benchmarks.workloads import ASKED, WORKLOADS
from benchmarks.workloads.growth import CURVES

MEASURED = ROOT / "docs" / "measured"
PAGES = (ROOT / "README.md", ROOT / "docs" / "performance.md")
COMMANDS = {  # what is measured: the command, and whether compiled kernels are used
    "speed": ("speed", False),
    "memory": ("memory", False),
    "growth": ("growth", False),
    "imports": ("imports", False),
    "limits": ("limits", False),
    "compiled": ("speed", True),
}
Table = list[Sequence[str]]


def main() -> int:
    arguments = sys.argv[1:]
    chosen = [name for name in arguments if name in COMMANDS]
    options = [word for word in arguments if word not in COMMANDS]
    MEASURED.mkdir(exist_ok=True)
    if options[:1] != ["--no-measuring"]:
        for name in chosen or [name for name, (_, kernels) in COMMANDS.items() if not kernels]:
            command, kernels = COMMANDS[name]
            file = str(MEASURED / f"{name}.json")
            run = [sys.executable, "-m", "benchmarks", command, "--json", file, *options]
            switch = {"DLFRAME_KERNELS": "1" if kernels else "0"}
            subprocess.run(run, cwd=ROOT, env=os.environ | switch, check=True)
    measured = {file.stem for file in MEASURED.glob("*.json")}
    tables = {name: make for name, (needs, make) in TABLES.items() if needs in measured}
    for page in PAGES:
        text = page.read_text("utf-8")
        for name, make in tables.items():
            pattern = rf"(<!-- measured: {name} -->\n).*?(<!-- end of {name} -->)"
            text = re.sub(
                pattern,
                lambda match, make=make: f"{match[1]}\n{_markdown(make())}\n{match[2]}",
                text,
                flags=re.DOTALL,
            )
        page.write_text(text, "utf-8")
    return 0


def _read(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MEASURED / f"{name}.json").read_text("utf-8"))
    return found


def _markdown(table: Table) -> str:
    head, *rows = table
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _threads(n: int) -> str:
    return f"{n} thread" if n == 1 else f"{n} threads"


def _says(name: str) -> str:
    """What a workload is, from its docstring."""
    return (WORKLOADS[name].__doc__ or "").rstrip(".")


# --- the tables --------------------------------------------------------------------------------


def _speed(file: str, goal: int) -> Table:
    """Every workload on one thread and on two, with the quartiles and what is asked."""
    by_name: dict[str, dict[int, dict[str, Any]]] = {}
    for result in _read(file):
        by_name.setdefault(result["name"], {})[result["threads"]] = result
    threads = sorted({n for results in by_name.values() for n in results})
    table: Table = [("workload", *map(_threads, threads), "asked")]
    for name, results in by_name.items():
        cells = [_with_quartiles(results[n]) for n in threads]
        table.append((f"`{name}`", *cells, f"{ASKED[name][goal]:g} ×" if name in ASKED else ""))
    means = [
        statistics.geometric_mean(results[n]["speed"] for results in by_name.values())
        for n in threads
    ]
    table.append(("geometric mean", *[f"**{mean:.2f} ×**" for mean in means], ""))
    return table


def _with_quartiles(result: dict[str, Any]) -> str:
    low, high = result["quartiles"]
    text = f"**{result['speed']:.2f} ×** ({low:.2f}–{high:.2f})"
    return text if result["difference"] < 1e-4 else f"{text}, other losses"


def _short() -> Table:
    """The speeds with what the workloads are, for the README."""
    found = {(r["name"], r["threads"]): r["speed"] for r in _read("speed")}
    threads = sorted({n for _, n in found})
    table: Table = [("workload", *map(_threads, threads))]
    for name in ASKED:
        table.append((_says(name), *[f"{found[name, n]:.2f} ×" for n in threads]))
    return table


def _memory() -> Table:
    """Peaks and faults on one thread."""
    table: Table = [("workload", "peak", "PyTorch's", "share", "faults a step", "PyTorch's")]
    for result in _read("memory"):
        ours, theirs = result["dlframe"], result["pytorch"]
        if result["threads"] == 1:
            peaks = [f"{x['peak'] / 2**20:.1f} MiB" for x in (ours, theirs)]
            faults = [f"{x['faults']:.0f}" for x in (ours, theirs)]
            share = f"{ours['peak'] / max(1, theirs['peak']):.2f}"
            table.append((f"`{result['name']}`", *peaks, share, *faults))
    return table


def _growth(curve: str) -> Table:
    """Times are multiples of PyTorch's for the smallest size."""
    found = next(r for r in _read("growth") if r["name"] == curve)["points"]
    powers = [["", *map("{:.2f}".format, exponents(found, "seconds", k))] for k in (0, 1)]
    unit = found[0]["seconds"][1]
    table: Table = [
        (CURVES[curve].what, "time", "exponent", "PyTorch's", "exponent", "peak", "PyTorch's")
    ]
    for point, ours, theirs in zip(found, *powers, strict=True):
        a, b = (f"{seconds / unit:.2f}" for seconds in point["seconds"])
        peaks = [f"{peak / 2**20:.1f} MiB" for peak in point["peak"]]
        table.append((str(point["size"]), a, ours, b, theirs, *peaks))
    return table


def _imports() -> Table:
    (found,) = _read("imports")
    low, high = found["quartiles"]
    ours = f"{found['dlframe']:.0f} ms ({low:.0f}–{high:.0f})"
    return [("`import numpy`", "`import dlframe` adds"), (f"{found['numpy']:.0f} ms", ours)]


def _limits() -> Table:
    rows = [limits.cells(result) for result in _read("limits")]
    return [limits.HEADING, *[(f"`{name}`", *others) for name, *others in rows]]


# the name of each table in the pages: what it needs, and what makes it
TABLES: dict[str, tuple[str, Callable[[], Table]]] = {
    "speed": ("speed", partial(_speed, "speed", 0)),
    "compiled": ("compiled", partial(_speed, "compiled", 1)),
    "short": ("speed", _short),
    "memory": ("memory", _memory),
    "imports": ("imports", _imports),
    "limits": ("limits", _limits),
    **{f"growth of {curve}": ("growth", partial(_growth, curve)) for curve in CURVES},
}

if __name__ == "__main__":
    sys.exit(main())
