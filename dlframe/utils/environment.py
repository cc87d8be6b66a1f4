"""The versions and settings on which a run's numbers and speed may depend."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from dlframe import kernels
from dlframe.version import __version__

PACKAGES = ("numpy", "scipy", "h5py", "pillow", "requests", "tqdm", "threadpoolctl", "matplotlib")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def environment() -> dict[str, Any]:
    """The versions and settings on which a run's numbers and speed may depend, in plain values.

    "commit" is that of the Git repository in which the program runs, None where there is none.

    >>> environment()["packages"]["numpy"] == np.__version__
    True
    """
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    simd = config.get("SIMD Extensions", {})
    return {
        "dlframe": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "commit": git_commit(Path.cwd()),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
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


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The name of the processor, as far as the system tells it."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text("utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def git_commit(folder: Path) -> str | None:
    """The commit that is checked out in a folder's repository; None where there is none.

    It reads Git's files, as `git` itself may be missing. Changes that were not committed are not
    seen.
    """
    try:
        places = (above / ".git" for above in (folder, *folder.absolute().parents))
        git = next((place for place in places if place.exists()), None)
        if git is None:
            return None
        if git.is_file():  # of a worktree or a submodule: "gitdir: PATH"
            git = git.parent / git.read_text("utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text("utf-8").strip()
        common = git / "commondir"
        shared = git / common.read_text("utf-8").strip() if common.is_file() else git
        name = head.removeprefix("ref:").strip()
        commit = head if name == head else _commit_of(name, git, shared)
    except (OSError, UnicodeDecodeError):
        return None
    return commit if commit and re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", commit) else None


def _commit_of(name: str, git: Path, shared: Path) -> str | None:
    """The commit of a branch, from its own file or from the list of packed ones."""
    for place in (git, shared):
        if (place / name).is_file():
            return (place / name).read_text("utf-8").strip()
    packed = shared / "packed-refs"
    lines = packed.read_text("utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)


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
