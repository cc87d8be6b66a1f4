"""A package that is not there is named, with the command that installs it, where it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

CALLS = {
    "SciPy's minimizers": ("scipy", "optim.SciPy([p]).step(lambda: (p * p).sum())"),
    "a fit": ("scipy", "optim.least_squares(lambda x: x - 1, [p])"),
    "special functions": ("scipy", "dl.special.zeta(p, 1.0)"),
    "Airy's functions": ("scipy", "dl.special.airy_ai(p)"),
    "factors of matrices": ("scipy", "dl.linalg.lu_factor(dl.eye(2))"),
    "least squares": ("scipy", "dl.linalg.lstsq(dl.eye(2), dl.eye(2), driver='gelsd')"),
    "functions of matrices": ("scipy", "dl.linalg.matrix_exp(dl.eye(2))"),
    "windows": ("scipy", "dl.kaiser_window(4)"),
    "files": ("h5py", "utils.save({'a': p}, 'never_written.h5')"),
}


PROGRAM = """
import sys

class Absent:
    def find_spec(self, name, path, target=None):
        if name == "{absent}":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import dlframe as dl
from dlframe import nn, optim, utils
p = nn.Parameter(dl.ones(2))
try:
    {call}
except ImportError as error:
    print(type(error).__name__, error, sep=": ")
"""


def outcome(absent: str, call: str) -> str:
    program = PROGRAM.format(absent=absent, call=call)
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("what", CALLS)
def test_a_missing_package_is_named(what: str) -> None:
    package, call = CALLS[what]
    named = f"MissingExtraError: {package} is not installed: pip install {package}"
    assert outcome(package, call) == named


def test_a_package_that_is_there_and_broken_says_so_itself() -> None:
    found = outcome("scipy.optimize", CALLS["SciPy's minimizers"][1])
    assert found == "ModuleNotFoundError: No module named 'scipy.optimize'"


@pytest.mark.parametrize(
    ("package", "name", "advice"),
    [
        ("mlflow", "MLflowLogger", "pip install mlflow"),
        ("wandb", "WandbLogger", "pip install wandb"),
        ("aim", "AimLogger", "pip install aim"),
        ("tensorboard", "TensorBoard", "pip install 'dlframe[tensorboard]'"),
    ],
)
def test_trackers_name_their_package_before_the_training(
    package: str, name: str, advice: str
) -> None:
    found = outcome(package, f"dl.training.{name}()")
    assert found.startswith(f"MissingExtraError: {package} is not installed")
    assert found.endswith(advice)
