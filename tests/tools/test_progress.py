"""The line of progress, and the fewer reports of tests that pass: nothing that fails is lost."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import pytest

@pytest.fixture
def fails_before():
    raise ValueError

@pytest.fixture
def fails_after():
    yield
    raise ValueError

def test_passes(): pass
def test_fails(): assert 0
def test_error_before(fails_before): pass
def test_error_after(fails_after): pass
@pytest.mark.skip(reason="so")
def test_skipped(): pass
@pytest.mark.xfail(strict=True)
def test_expected(): assert 0
@pytest.mark.xfail(strict=True)
def test_unexpected(): pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["0", "2"])
def test_the_summary_is_pytests_own(tmp_path: Path, processes: str) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)

    def run(*options: str) -> str:
        command = [sys.executable, "-m", "pytest", "-q", "-n", processes, "-c", "/dev/null"]
        command += ["--rootdir", str(tmp_path), "-p", "no:cacheprovider", *options, str(tmp_path)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout

    def summary(output: str) -> list[str]:
        bad = set(re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", output, re.MULTILINE))
        return [*sorted(bad), output.splitlines()[-1].rpartition(" in ")[0]]

    ours = run("-p", "tools.progress")
    assert summary(ours) == summary(run())
    assert "7 of 7 tests (100%)" in ours
    assert len(summary(ours)) == 5
