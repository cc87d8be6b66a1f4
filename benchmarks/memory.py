"""The memory of one workload under one library: a child process.

    python -m benchmarks.memory LIBRARY NAME MODULE…

`peak` is the most memory that the process had beyond what it had after the imports, in bytes: the
model and its data, and some steps. Both libraries import modules when they are first used: the
result names them, and a second process imports them in advance. Pages of files, which are the code
of the libraries and are read when it first runs, are left out. `faults` are the minor page faults
of a step in the steady state: pages that the system had to give to the process anew. One page has
4 KiB, and a fault takes about a quarter of a microsecond, and its page is cleared, too.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.children import LIBRARIES, report, results_of
from benchmarks.workloads import WORKLOADS

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_WARM_UP, _STEPS = 5, 10


def main() -> None:
    library, name, *modules = sys.argv[1:]
    lib = importlib.import_module(library)
    for part in ("nn", "optim", "utils"):  # dlframe imports them when they are first used
        getattr(lib, part)
    importlib.import_module("dlframe.data" if library == "dlframe" else "torch.utils.data")
    for module in modules:
        with suppress(ImportError):  # some are there under other names only
            importlib.import_module(module)
    if library == "torch":
        lib.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    known = set(sys.modules)
    before, code = _memory("VmRSS"), _memory("RssFile")
    _forget_peak()
    step = WORKLOADS[name](lib)
    for _ in range(_WARM_UP):
        step()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(_STEPS):
        step()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    peak = _memory("VmHWM") - before - max(0, _memory("RssFile") - code)
    report(peak=peak, faults=faults / _STEPS, modules=[m for m in sys.modules if m not in known])


def _memory(name: str) -> int:
    """Bytes, of the present (`VmRSS`) or at most until now (`VmHWM`)."""
    if not _STATUS.exists():  # not Linux: only the peak is known, in bytes on macOS
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines[name].split()[0]) * 1024


def _forget_peak() -> None:
    """Let the peak begin at the present memory (5 is Linux's command for this)."""
    if _RESET.exists():
        _RESET.write_text("5")


def measure(name: str, threads: int) -> dict[str, Any]:
    """Both libraries' numbers, from a process each, and one before that finds the imports."""
    ours, theirs = (_measured(library, name, threads) for library in LIBRARIES)
    return {"name": name, "threads": threads, "dlframe": ours, "pytorch": theirs}


def _measured(library: str, name: str, threads: int) -> dict[str, Any]:
    first = next(results_of("memory", library, name, threads=threads))
    found = next(results_of("memory", library, name, *first["modules"], threads=threads))
    return {key: value for key, value in found.items() if key != "modules"}


def line_of(result: dict[str, Any], width: int) -> str:
    """A line of the table that people read."""
    ours, theirs = result["dlframe"], result["pytorch"]
    share = ours["peak"] / theirs["peak"]
    return (
        f"{result['name']:{width}} {ours['peak'] / 2**20:7.1f} MiB {theirs['peak'] / 2**20:7.1f}"
        f" MiB {share:6.2f} × {ours['faults']:9.1f} {theirs['faults']:9.1f}"
    )


def heading(width: int) -> str:
    columns = f"{'dlframe':>11} {'PyTorch':>11} {'share':>8} {'faults':>9} {'PyTorch':>9}"
    return f"{'workload':{width}} {columns}"


if __name__ == "__main__":
    main()
