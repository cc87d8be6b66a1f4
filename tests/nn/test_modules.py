"""Every layer and loss of tests/samples gives PyTorch's numbers, which are recorded.

tests/oracle/test_modules.py compares more of them, and in more ways, with PyTorch itself.
"""

from __future__ import annotations

import pytest
from samples import MODULES
from samples.evaluate import difference
from samples.modules import Row, recorded, split
from samples.recorded import load

import dlframe as dl

ROWS = [(f, row) for f, rows in MODULES.items() for row in rows if row.recorded and not row.ours]


@pytest.mark.parametrize(("family", "row"), ROWS, ids=[f"{f}-{row.key}" for f, row in ROWS])
def test_module_is_pytorchs(family: str, row: Row) -> None:
    """Text, initial values; outputs, gradients up to the second, and buffers, in float64."""
    found = recorded(row, dl), load("modules", family, row.key, "value")
    for got, want, tolerance in zip(*map(split, found), (1e-6, row.tolerance), strict=True):
        assert difference(got, want, tolerance) == ""


def test_keys_are_unique() -> None:
    for family, rows in MODULES.items():
        keys = [row.key for row in rows]
        assert sorted(set(keys)) == sorted(keys), family
