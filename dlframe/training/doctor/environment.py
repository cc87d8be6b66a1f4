"""Checks of the environment: versions, processors, memory, folders, plugins."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path

import numpy as np

from dlframe import kernels, ops, optim, plugins
from dlframe.base import threads
from dlframe.base.printable import error_text, printable
from dlframe.training.doctor import machine
from dlframe.training.doctor.report import Finding, Report

_OLDEST = {"numpy": (2, 0), "scipy": (1, 11)}  # what the package asks for
_NEEDED = ("numpy", "scipy", "h5py", "pillow", "requests", "tqdm", "threadpoolctl")
_LITTLE_MEMORY = 512 << 20  # bytes: an epoch of CIFAR-10 with a small network takes this much
_LITTLE_DISK = 256 << 20  # bytes: CIFAR-10's archive, and a few checkpoints


@dataclass
class Environment:
    """Where to look; the defaults are this machine."""

    folders: Mapping[str, Path] = field(default_factory=dict)  # that are to be written to
    group: Path = Path("/sys/fs/cgroup")
    memory: Path = Path("/proc/meminfo")


def check_environment(folders: Mapping[str, str | os.PathLike[str]] | None = None) -> Report:
    """Check versions, BLAS, processors, memory, the given folders, and every plugin.

    `folders` are those that a run writes to, with what they are for: {"data": "data"}. Plugins are
    imported, since only that shows whether they can be.

    >>> check_environment().made[0]
    'versions'
    """
    place = Environment({name: Path(path) for name, path in (folders or {}).items()})
    return report(place)


def report(place: Environment) -> Report:
    """All checks of an environment."""
    findings = [
        replace(finding, check=name)
        for name, function in ENVIRONMENT_CHECKS.items()
        for finding in function(place)
    ]
    return Report(findings, list(ENVIRONMENT_CHECKS), {}, facts(place))


def facts(place: Environment) -> dict[str, str]:
    """What there is, in words."""
    config: dict[str, dict[str, dict[str, str]]] = np.show_config(mode="dicts")  # type: ignore[assignment] # as it is documented
    blas = config.get("Build Dependencies", {}).get("blas", {})
    limit = machine.quota(place.group)
    free = machine.memory_available(place.group, place.memory)
    return {
        "versions": f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {_version(name) or 'missing'}" for name in ("dlframe", *_NEEDED[:3])),
        "BLAS": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "processors": f"{machine.processors()} for this process"
        + ("" if limit is None else f", a quota of {limit:g}")
        + f"; {threads.number()} threads for large products",
        "memory": "unknown" if free is None else f"{machine.size(free)} free",
        "folders": ", ".join(f"{name}: {path}" for name, path in place.folders.items()) or "none",
        "plugins": _counted(status for _, status in plugins.describe()),
    }


def _counted(statuses: Iterable[str]) -> str:
    count = sum(status != "core" for status in statuses)
    return f"{count} names from other packages, {len(kernels.installed())} kernels"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def versions(place: Environment) -> Iterator[Finding]:
    """Python and the packages that dlframe needs."""
    for name in _NEEDED:
        version = _version(name)
        if not version:
            yield Finding(
                "error", name, "it is not installed", None, "dlframe needs it",
                f"pip install {name}",
            )  # fmt: skip
            continue
        found = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
        if name in _OLDEST and found and found < _OLDEST[name]:
            least = ".".join(map(str, _OLDEST[name]))
            yield Finding(
                "error", name, f"version {version} is installed", None,
                f"dlframe needs {least} or newer", f'pip install "{name}>={least}"',
            )  # fmt: skip
    if not sys.flags.utf8_mode and sys.getfilesystemencoding().lower() != "utf-8":
        yield Finding(
            "note", "encoding", f"file names are {sys.getfilesystemencoding()}", None,
            "names with other letters may be unreadable", "PYTHONUTF8=1",
        )  # fmt: skip


def processors(place: Environment) -> Iterator[Finding]:
    """Threads against the processors, and the time, that the process may use."""
    there, limit, used = machine.processors(), machine.quota(place.group), threads.number()
    may = there if limit is None else min(there, max(1, round(limit)))
    if used > may:
        allowed = f"a quota of {limit:g}" if limit is not None and limit < there else f"{there}"
        yield Finding(
            "warning", "threads",
            f"{used} threads are used, and there are {allowed} processors", float(used),
            "the system stops threads in turn, so that all wait: several times slower",
            f"dl.set_num_threads({may}), --threads {may}, or OMP_NUM_THREADS={may}",
        )  # fmt: skip
    elif used < may:
        yield Finding(
            "note", "threads", f"{used} of {may} processors are used", float(used),
            "large products could be faster; small networks are not",
            f"dl.set_num_threads({may}), unless other programs run here",
        )  # fmt: skip


def memory(place: Environment) -> Iterator[Finding]:
    """Free memory, within the limit of a container."""
    free = machine.memory_available(place.group, place.memory)
    if free is not None and free < _LITTLE_MEMORY:
        limit = machine.memory_limit(place.group)
        yield Finding(
            "warning", "memory", f"{machine.size(free)} are free"
            + ("" if limit is None else f", of a limit of {machine.size(limit)}"),
            float(free), "the system ends a process that takes more, without a message",
            "end other programs, raise the container's limit, or use smaller batches",
        )  # fmt: skip


def folders(place: Environment) -> Iterator[Finding]:
    """Whether the folders can be written to, and have room."""
    for name, path in place.folders.items():
        above = path
        while not above.exists() and above != above.parent:
            above = above.parent
        try:
            with tempfile.TemporaryFile(dir=above):
                pass
        except OSError as error:
            yield Finding(
                "error", f"{name} folder", f"{path} cannot be written to: {error.strerror}", None,
                "downloads and checkpoints would be lost",
                "another folder (--root, --out), or other permissions",
            )  # fmt: skip
            continue
        if hasattr(os, "statvfs"):
            system = os.statvfs(above)
            free = system.f_bavail * system.f_frsize
            if free < _LITTLE_DISK:
                yield Finding(
                    "warning", f"{name} folder", f"{machine.size(free)} are free for {path}",
                    float(free), "a checkpoint needs room beside the old one until it is complete",
                    "delete something, or use another folder",
                )  # fmt: skip


def plugins_load(place: Environment) -> Iterator[Finding]:
    """Every plugin is imported."""
    for package in (ops, optim):
        for name in package.__all__:
            getattr(package, name)  # imports it, so that the names of kernels are known
    for problem in [*plugins.problems(), *kernels.problems()]:
        yield Finding(
            "warning", "plugins", printable(problem), None,
            "what a package offers cannot be used", "install another version of it",
        )  # fmt: skip
    for entry, status in plugins.describe():
        if status == "core":
            continue
        name = printable(f"{entry.kind}: {entry.name} of {entry.owner}")
        if status == "conflict":
            yield Finding(
                "warning", name, "another package has the same name", None,
                "the name alone says too little", f"write it with its package: {entry.owner}:…",
            )  # fmt: skip
        try:
            plugins.get(
                entry.kind, f"{entry.package}:{entry.name}" if entry.package else entry.name
            )
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            cause = error.__cause__ or error
            text = printable(error_text(cause), longest=200)
            yield Finding(
                "warning", name,
                f"it does not load: {text}",
                None, "a run that uses it fails", "install another version of its package",
            )  # fmt: skip


ENVIRONMENT_CHECKS: dict[str, Callable[[Environment], Iterable[Finding]]] = {
    "versions": versions,
    "processors": processors,
    "memory": memory,
    "folders": folders,
    "plugins": plugins_load,
}
