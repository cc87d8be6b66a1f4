"""For every test: the same beginning. For examples in docstrings: the imports of every user."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

# At the top: pytest would otherwise import `dlframe.tensor` first when it is asked for files in it
# alone, and then the package `dl.tensor` would hide the function.
import dlframe as dl
from dlframe import nn, optim

# Its examples need scikit-learn, an extra; tests/oracle runs them.
collect_ignore = [] if find_spec("sklearn") else ["dlframe/training/estimators.py"]


@pytest.fixture(autouse=True, scope="session")
def _names_of_examples(doctest_namespace: dict[str, Any]) -> None:
    """`dl`, `nn`, `optim` and `np` are there, as in PyTorch's and NumPy's own documentation."""
    doctest_namespace.update(dl=dl, nn=nn, optim=optim, np=np)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Every test starts from one seed and with the usual default dtype: their order is nothing.

    A hook, since a fixture would cost more than many of the tests.
    """
    dl.manual_seed(0)
    if dl.get_default_dtype() != dl.float32:
        dl.set_default_dtype(dl.float32)
