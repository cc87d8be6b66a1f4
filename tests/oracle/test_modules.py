"""Every layer and loss of tests/samples beside PyTorch's, live."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from samples import MODULES
from samples.evaluate import difference, is_tensor
from samples.modules import Built, Row

import dlframe as dl

torch = pytest.importorskip("torch")

ROWS = [(f, row) for f, rows in MODULES.items() for row in rows if not row.ours]
IDS = [f"{f}-{row.key}" for f, row in ROWS]
each_row = pytest.mark.parametrize("row", [row for _, row in ROWS], ids=IDS)


@each_row
def test_module_is_pytorchs(row: Row) -> None:
    """Text, initial values, outputs, gradients up to the second, buffers; in every dtype."""
    assert difference(Built(row, dl).start(), Built(row, torch).start(), 1e-6) == ""
    for dtype in row.dtypes:
        ours, theirs = (Built(row, lib, dtype).numbers() for lib in (dl, torch))
        close = {"float64": row.tolerance, "float32": row.narrow, "float16": row.coarse}[dtype]
        assert difference(ours, theirs, close) == "", dtype


@each_row
def test_float16_where_pytorch_has_it(row: Row) -> None:
    """The same numbers up to its three digits, and float16 in all results."""
    theirs = half(row, torch)
    if theirs is None or not row.coarse:
        return  # "not implemented for 'Half'"
    ours = half(row, dl)
    assert ours is not None
    assert difference(ours, theirs, row.coarse) == ""


def half(row: Row, lib: Any) -> Any:
    """The numbers in training, or None where the library does not compute in float16."""
    try:
        return Built(row, lib, "float16").run(True, min(row.order, 1))
    except (RuntimeError, NotImplementedError):
        return None


def called(row: Row, lib: Any, seed: int) -> Built:
    """After a call in training, which makes lazy modules and moves running statistics."""
    built = Built(row, lib, "float64", seed)
    built.inputs = Built(row, lib, "float64").inputs
    built.run(True, 0)
    return built


@each_row
def test_states_go_both_ways(row: Row) -> None:
    """A module of either library takes the state of the other, and then gives the same numbers."""
    ours, theirs = called(row, dl, 1), called(row, torch, 2)
    ours.module.load_state_dict(theirs.module.state_dict())
    assert difference(ours.run(False, 0), theirs.run(False, 0), row.tolerance) == ""
    ours, theirs = called(row, dl, 3), called(row, torch, 4)
    state = {
        k: torch.tensor(np.asarray(v.numpy())) if is_tensor(v) else v
        for k, v in ours.module.state_dict().items()
    }
    theirs.module.load_state_dict(state)
    assert difference(ours.run(False, 0), theirs.run(False, 0), row.tolerance) == ""
