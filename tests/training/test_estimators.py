"""The estimators where scikit-learn is not installed; tests/oracle has all that needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys

class Absent:
    def find_spec(self, name, path, target=None):
        if name == "sklearn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from dlframe.training import estimators
try:
    estimators.CLASS(lr=0.1)
except ImportError as error:
    print(type(error).__name__, error, sep=": ")
"""


@pytest.mark.parametrize("name", ["Classifier", "Regressor"])
def test_what_is_missing_is_named(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("CLASS", name)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == (
        "MissingExtraError: sklearn is not installed; it comes with an extra: "
        "pip install 'dlframe[sklearn]'"
    )
