"""Checks of the environment, on machines made of files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlframe.base import threads
from dlframe.training.doctor import check_environment, machine
from dlframe.training.doctor.environment import Environment, report


def put(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_of_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder


def test_this_machine() -> None:
    found = check_environment()
    assert found.made == ["versions", "processors", "memory", "folders", "plugins"]
    assert found.errors == []
    assert "numpy" in found.looked_at["versions"]


def test_quota_of_both_versions(tmp_path: Path) -> None:
    assert machine.quota(tmp_path) is None
    assert machine.quota(put(tmp_path / "a", cpu_of_max="150000 100000")) == 1.5
    assert machine.quota(put(tmp_path / "b", cpu_of_max="max 100000")) is None
    old = tmp_path / "c"
    (old / "cpu").mkdir(parents=True)
    (old / "cpu" / "cpu.cfs_quota_us").write_text("50000\n")
    (old / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert machine.quota(old) == 0.5
    (old / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert machine.quota(old) is None


def test_memory_of_both_versions(tmp_path: Path) -> None:
    system = tmp_path / "meminfo"
    system.write_text("MemTotal: 4000 kB\nMemAvailable:    2000 kB\n")
    assert machine.memory_available(tmp_path, system) == 2000 * 1024
    new = put(
        tmp_path / "new", memory_of_max="1000000", memory_of_current="600000",
        memory_of_stat="anon 1\ninactive_file 100000",
    )  # fmt: skip
    assert machine.memory_available(new, system) == 500_000
    old = tmp_path / "old" / "memory"
    old.mkdir(parents=True)
    (old / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert machine.memory_limit(old.parent) is None
    assert machine.memory_available(old.parent, tmp_path / "none") is None


def test_too_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "processors", lambda: 8)
    monkeypatch.setattr(threads, "_number", 8)
    place = Environment(group=put(tmp_path, cpu_of_max="200000 100000"))
    (found,) = report(place)["processors"]
    assert (found.severity, found.number) == ("warning", 8)
    assert "8 threads are used, and there are a quota of 2 processors" in found.what
    assert "--threads 2" in found.fix
    monkeypatch.setattr(threads, "_number", 1)
    (found,) = report(place)["processors"]
    assert found.severity == "note"
    monkeypatch.setattr(threads, "_number", 2)
    assert report(place)["processors"] == []


def test_little_memory(tmp_path: Path) -> None:
    place = Environment(
        group=put(tmp_path, memory_of_max="100000000", memory_of_current="90000000")
    )
    (found,) = report(place)["memory"]
    assert found.number == 10_000_000
    assert "of a limit of 95.4 MiB" in found.what


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (found,) = check_environment({"data": tmp_path / "new"})["folders"]
    assert found.severity == "error"


def test_a_folder_whose_parent_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (found,) = check_environment({"data": tmp_path / "file" / "data"})["folders"]
    assert (found.severity, found.where) == ("error", "data folder")
    assert check_environment({"data": tmp_path / "new"})["folders"] == []


def test_a_plugin_that_does_not_load(install) -> None:
    install(
        "dlframe-sick",
        "1.0",
        "[dlframe.layers]\nSick = sick:Sick\nWell = well:Well\n",
        sick="raise RuntimeError('no such library')",
        well="from dlframe import nn\n\nclass Well(nn.Module):\n    pass\n",
    )
    (found,) = check_environment()["plugins"]
    assert found.where == "layers: Sick of dlframe-sick 1.0"
    assert found.what == "it does not load: RuntimeError: no such library"


def test_sizes_in_words() -> None:
    assert [machine.size(n) for n in (5, 2048, 3 << 20, 5 << 40)] == [
        "5 B", "2 KiB", "3 MiB", "5.12e+03 GiB",
    ]  # fmt: skip
