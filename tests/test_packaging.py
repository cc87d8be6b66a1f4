"""The wheel holds the package, its data and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="comes with the test extra")

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_wheel_contents(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = tmp_path.glob("dlframe-*-py3-none-any.whl")
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        (commands,) = (n for n in wheel.namelist() if n.endswith("entry_points.txt"))
        assert (
            wheel.read(commands).split() == b"[console_scripts] dlframe = dlframe.cli:main".split()
        )

    package = (ROOT / "dlframe").rglob("*")
    files = [f for f in package if f.is_file() and "__pycache__" not in f.parts]
    assert names == {str(f.relative_to(ROOT)) for f in files}
    assert "dlframe/py.typed" in names
    assert any(name.startswith("dlframe/data/datasets/files/") for name in names)
    assert {f"dlframe/viz/pages/static/{name}" for name in ("page.css", "charts.js")} <= names
