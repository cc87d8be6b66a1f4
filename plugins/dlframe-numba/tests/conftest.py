"""Fixtures: work that is shared out to threads however small it is."""

from __future__ import annotations

import dlframe as dl
import numpy as np
import pytest
from dlframe.base import threads

from dlframe_numba import convolution, sharing


@pytest.fixture(params=["one thread", "three threads"])
def crowd(request, monkeypatch):
    """The number of threads; where it is three, all work is shared out."""
    if request.param == "one thread":
        yield 1
        return
    before = threads.number()
    threads.set_number(3)
    monkeypatch.setattr(sharing, "FEW", 1)
    monkeypatch.setattr(sharing, "_SOME", 1)
    yield 3
    threads.set_number(before)


@pytest.fixture
def rng():
    seed = 20240611
    print(f"seed {seed}")
    return np.random.default_rng(seed)


@pytest.fixture(autouse=True)
def _seeded():
    dl.manual_seed(0)


@pytest.fixture(autouse=True)
def _small_ones_too(monkeypatch):
    """Convolutions that take less time than the choice of an algorithm are computed here, too."""
    monkeypatch.setattr(convolution, "_WORK", 0)
