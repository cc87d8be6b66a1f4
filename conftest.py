"""What examples in docstrings may use, for doctest: the imports that every user writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

# At the top: pytest would otherwise import `dlframe.tensor` first when it is asked for files in it
# alone, and then the package `dl.tensor` would hide the function.
import dlframe as dl
from dlframe import nn, optim


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """`dl`, `nn`, `optim` and `np` are there, as in PyTorch's and NumPy's own documentation."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    doctest_namespace.update(dl=dl, nn=nn, optim=optim, np=np)
