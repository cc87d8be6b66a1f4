"""`dlframe info` and `dlframe plugins`: the installed versions and plugins."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections import Counter
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np

from dlframe import kernels, ops, optim
from dlframe.base.printable import printable
from dlframe.cli.words import say, say_table
from dlframe.version import __version__

PACKAGES = ("numpy", "scipy", "h5py", "pillow", "requests", "tqdm", "threadpoolctl", "matplotlib")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def info(options: argparse.Namespace) -> int:
    """The command `info`."""
    found = environment()
    facts = {
        "dlframe": found["dlframe"],
        "python": f"{found['python']} ({sys.executable})",
        "platform": found["platform"],
        "processors": found["processors"],
        "BLAS": found["blas"],
        "threads": ", ".join(
            f"{pool['library']} {pool['threads']}" for pool in found["thread_pools"]
        )
        or "one, or threadpoolctl does not know this BLAS",
        "variables": ", ".join(f"{k}={v}" for k, v in found["variables"].items()) or "none set",
        "SIMD": found["simd"],
        "kernels": ("" if found["kernels"]["enabled"] else "switched off: ")
        + (", ".join(found["kernels"]["installed"]) or "none installed"),
    }
    say_table([(name, str(fact)) for name, fact in facts.items()])
    print("packages")
    say_table([(f"  {name}", version) for name, version in found["packages"].items()])
    return 0


def environment() -> dict[str, Any]:
    """The versions and settings on which a run's numbers and speed may depend, in plain values."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    simd = config.get("SIMD Extensions", {})
    return {
        "dlframe": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "packages": {name: _version(name) for name in PACKAGES},
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "simd": ", ".join([*simd.get("baseline", []), *simd.get("found", [])]),
        "thread_pools": _thread_pools(),
        "kernels": {
            "enabled": kernels.is_enabled(),
            "installed": [
                f"{count} of {owner}"
                for owner, count in Counter(e.owner for e in kernels.installed()).items()
            ],
        },
        "variables": {name: os.environ[name] for name in THREADS if name in os.environ},
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _thread_pools() -> list[dict[str, Any]]:
    try:
        from threadpoolctl import threadpool_info
    except ModuleNotFoundError:
        return []
    return [
        {
            "library": f"{pool.get('internal_api')} {pool.get('version') or ''}".strip(),
            "threads": pool.get("num_threads"),
        }
        for pool in threadpool_info()
    ]


def plugins(options: argparse.Namespace) -> int:
    """The command `plugins`."""
    from dlframe import plugins as registry

    entries = [
        (entry, status) for entry, status in registry.describe() if options.all or status != "core"
    ]
    say_table([
        (entry.kind, printable(entry.name), status, printable(entry.owner), printable(entry.target))
        for entry, status in entries
    ])  # fmt: skip
    if not entries:
        count = len(registry.describe())
        say(f"No plugin is installed. --all lists the {count} names that dlframe has itself.")
    for package in (ops, optim):
        for name in package.__all__:
            getattr(package, name)  # imports it, so that the names of kernels are known
    problems = [*registry.problems(), *kernels.problems()]
    for problem in problems:
        say(f"problem: {problem}")
    return 1 if problems else 0
