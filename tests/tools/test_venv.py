"""tools/venv.sh: what a machine without a suitable Python is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "venv.sh"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a shell script")


def a_python(folder: Path, *, name: str = "python3", version: str, has_venv: bool = True) -> None:
    """A program that answers the script's questions as such a Python would."""
    newer = tuple(int(part) for part in version.split(".")[:2]) >= (3, 11)
    program = folder / name
    program.write_text(f"""#!/bin/sh
case "$2" in
    *platform*) echo {version} ;;
    *sys.exit*) exit {int(not newer)} ;;
    *ensurepip*) exit {int(not has_venv)} ;;
    *"%d.%d"*) echo {version.rpartition(".")[0]} ;;
    venv) echo "made by {name}"; exit 3 ;;
esac
""")
    program.chmod(0o755)


def run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(SCRIPT), "environment", "-e", "."],
        cwd=folder,
        env={"PATH": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_python_at_all(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; found: no Python." in done.stderr
    assert "apt install python3 python3-venv" in done.stderr
    assert done.stdout == ""


def test_only_an_old_python(tmp_path: Path) -> None:
    a_python(tmp_path, version="3.10.13")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "found: python3=3.10.13." in done.stderr


def test_a_python_without_venv(tmp_path: Path) -> None:
    a_python(tmp_path, version="3.11.2", has_venv=False)
    done = run(tmp_path)
    assert done.returncode == 1
    assert "python3 (Python 3.11.2) has no working venv module" in done.stderr
    assert "apt install python3-venv    (or python3.11-venv)" in done.stderr


def test_a_newer_python_is_preferred_to_one_that_does_not_do(tmp_path: Path) -> None:
    a_python(tmp_path, version="3.10.13")
    a_python(tmp_path, name="python3.11", version="3.11.2", has_venv=False)
    a_python(tmp_path, name="python3.12", version="3.12.1")
    done = run(tmp_path)
    assert "creating environment with Python 3.12.1" in done.stdout
    assert "made by python3.12" in done.stdout
    assert done.returncode == 3  # the failure of a command is the failure of the script


def test_the_python_that_was_asked_for_and_no_other(tmp_path: Path) -> None:
    a_python(tmp_path, version="3.12.1")
    done = run(tmp_path, PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert "found: no Python at /nowhere/python." in done.stderr


def test_an_environment_that_works_is_used_again(tmp_path: Path) -> None:
    interpreter = tmp_path / "environment" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    log = tmp_path / "pip.txt"
    interpreter.write_text(
        f'#!/bin/sh\n[ "$2" = pip ] && echo "$@" > {log} && exit 0\nexec {sys.executable} "$@"\n'
    )
    interpreter.chmod(0o755)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "creating" not in done.stdout
    assert log.read_text().split() == [
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        "-e",
        ".",
    ]
