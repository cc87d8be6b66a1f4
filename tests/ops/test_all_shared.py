"""Every operation gives the same numbers when all work, however small, is cut up and shared.

A copy of the library, with limits of a few elements, runs the generated tests on three threads.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# file of the library -> its limits, and what they become
LIMITS = {
    "ops/attention.py": {"_BLOCK, _BLOCK_OF_THREADS": "8, 8", "_SHARED": 4},
    "ops/blocks.py": {
        "LARGE": 4,
        "SEVERAL": 4,
        "_BLOCK, _BLOCK_OF_THREADS": "3, 3",
        "_FIRST": 1,
        "_WORTH_A_THREAD": 0,
    },
    "ops/products.py": {"_ALONE": 1, "_SHARED": 2},
    "ops/convolving.py": {"_CHUNK, _CHUNK_OF_THREADS": "64, 128", "_SHARED": 4},
}
TESTS = [
    "tests/ops/test_generated.py",
    "tests/ops/test_convolving.py",
    "tests/nn/test_conv.py",
    "tests/nn/test_modules.py",
    "tests/nn/functional",
]


@pytest.mark.slow
def test_all_work_is_shared(tmp_path: Path) -> None:
    for name in ("dlframe", "tests", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, tmp_path)
    for name, limits in LIMITS.items():
        file = tmp_path / "dlframe" / name
        text = file.read_text(encoding="utf-8")
        for limit, value in limits.items():
            text, count = re.subn(
                rf"^{re.escape(limit)} = [^#\n]+", f"{limit} = {value}  ", text, flags=re.MULTILINE
            )
            assert count == 1, f"{name} has no {limit}"
        file.write_text(text, encoding="utf-8")
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "3")
    run = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "not slow", *TESTS]
    environment = os.environ | threads | {"PYTHONPATH": str(tmp_path)}
    result = subprocess.run(
        run,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert int(re.findall(r"(\d+) passed", result.stdout)[-1]) > 1000
