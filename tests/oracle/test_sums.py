"""Sums of float32 are as exact as PyTorch's: the errors of both, against float64."""

from __future__ import annotations

import numpy as np
import pytest
from samples.sums import (
    GRADIENTS_OF_SCANS,
    OF_ROWS,
    REDUCTIONS,
    SCANS,
    equal_numbers,
    error,
    gradient_of_scan,
    layouts,
    numbers,
)

import dlframe as dl
import dlframe.nn

torch = pytest.importorskip("torch")

EPS = 2.0**-23

OF_DIM = {
    **REDUCTIONS,
    **SCANS,
    **{
        f"gradient of {name}": lambda lib, x, dim, name=name: gradient_of_scan(name, lib, x, dim)
        for name in GRADIENTS_OF_SCANS
    },
}


def check(f, a, *dim):
    """Our error is at most three times PyTorch's, or a few roundings."""
    ours, theirs = dl.Tensor(a), torch.from_numpy(a.copy())
    bound = max(3 * error(f(torch, theirs, *dim), f(torch, theirs.double(), *dim)), 8 * EPS)
    assert error(f(dl, ours, *dim), f(dl, ours.double(), *dim)) <= bound, (a.shape, a.strides)


@pytest.mark.parametrize("name", OF_DIM)
def test_reductions_and_scans(name):
    make = numbers if name in ("var", "std") else equal_numbers
    for shape in ((3000,), (200, 10), (10, 2000), (20_000, 3), (2, 3000, 5), (130, 2000)):
        for a in layouts(make, shape):
            if min(np.abs(a.strides)):
                for dim in range(a.ndim):
                    if a.size <= 10_000 or a.flags.forc:
                        check(OF_DIM[name], a, dim)


@pytest.mark.parametrize("name", OF_ROWS)
def test_results_that_add_rows(name):
    make = numbers if "batch_norm" in name else equal_numbers
    for shape in ((100, 10), (257, 3), (5000, 20), (100_000, 3)):
        check(OF_ROWS[name], make(shape))
        check(OF_ROWS[name], make(shape[::-1]).T)
