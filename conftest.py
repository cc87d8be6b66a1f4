"""What examples in docstrings may use, for doctest: the imports that every user writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """`dl`, `nn`, `optim` and `np` are there, as in PyTorch's and NumPy's own documentation."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    import dlframe as dl
    from dlframe import nn, optim

    doctest_namespace.update(dl=dl, nn=nn, optim=optim, np=np)
