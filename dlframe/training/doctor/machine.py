"""The machine as this process may use it: processors, their quota, memory."""

from __future__ import annotations

import os
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")
_UNLIMITED = 1 << 60  # version 1 writes "no limit" as a number near 2^63


def processors() -> int:
    """How many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota(group: Path = _GROUP) -> float | None:
    """How many processors' time a container may use; None without a limit.

    Linux keeps it in `cpu.max` (cgroup 2: quota and period) or `cpu/cpu.cfs_quota_us` (cgroup 1).
    """
    words = _read(group / "cpu.max").split()
    if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal() and int(words[1]):
        return int(words[0]) / int(words[1])
    allowed = _read(group / "cpu" / "cpu.cfs_quota_us")
    period = _read(group / "cpu" / "cpu.cfs_period_us")
    if allowed.isdecimal() and period.isdecimal() and int(period):
        return int(allowed) / int(period)
    return None


def memory_limit(group: Path = _GROUP) -> int | None:
    """The bytes that a container may use; None without a limit."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(group / name)
        if text.isdecimal() and int(text) < _UNLIMITED:
            return int(text)
    return None


def memory_used(group: Path = _GROUP) -> int:
    """The bytes that the processes of a container hold and the system cannot take back."""
    for name, files in (
        ("memory.current", "memory.stat"),
        ("memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        text = _read(group / name)
        if text.isdecimal():
            pairs = [line.split() for line in _read(group / files).splitlines()]
            kept = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
            return int(text) - kept.get("inactive_file", 0)
    return 0


def memory_available(group: Path = _GROUP, system: Path = _MEMORY) -> int | None:
    """The bytes that are free for this process; None where the system does not say."""
    lines = _read(system).splitlines()
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    limit = memory_limit(group)
    if limit is not None:
        found.append(max(0, limit - memory_used(group)))
    return min(found) if found else None


def size(count: float) -> str:
    """Bytes in words: "1.5 MiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.3g} {unit}"
        count /= 1024
    raise AssertionError


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
