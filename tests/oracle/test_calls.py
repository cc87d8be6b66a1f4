"""Every call of tests/samples, side by side with PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from samples import CALLS, Call
from samples.checks import CHECKS
from samples.evaluate import (
    DTYPES,
    RAISED,
    VARIANTS,
    cast_to,
    changed,
    difference,
    in_place,
    is_float,
    results,
    values,
)

import dlframe as dl

torch = pytest.importorskip("torch")

NOT_NEEDED = "{} does not differ: remove it from `differs`"

ROWS = [(family, call) for family, rows in CALLS.items() for call in rows]


def exact_float32(call: Call) -> dict[str, Any]:
    """What PyTorch computes in float64 from the same float32 values, rounded once."""
    wide = changed(call, lambda x: x.astype(np.float32).astype(np.float64) if is_float(x) else x)
    return {
        name: value.astype(np.float32) if getattr(value, "dtype", None) == np.float64 else value
        for name, value in results(call, torch, wide).items()
    }


@pytest.mark.parametrize("call", [c for _, c in ROWS], ids=[f"{f}-{c.key}" for f, c in ROWS])
def test_call_is_pytorchs(call: Call) -> None:
    """Values and gradients in two precisions, every dtype, empty and 0-d inputs, all forms."""
    assert difference(results(call, dl), results(call, torch), call.tolerance) == ""
    if CHECKS["float32"](call):
        arrays = cast_to(call, "float32")
        ours, theirs = (results(call, lib, arrays) for lib in (dl, torch))
        if found := difference(ours, theirs, call.narrow):
            exact = exact_float32(call)
            assert difference(theirs, exact, call.narrow), found  # PyTorch's own rounding
            assert difference(ours, exact, call.narrow) == ""
    if CHECKS["dtypes"](call):
        for dtype in DTYPES:
            arrays = cast_to(call, dtype)
            ours, theirs = (values(call, lib, arrays) for lib in (dl, torch))
            loose = {"float16": 2e-2, "float32": call.narrow}.get(dtype, 1e-5)
            if dtype in call.differs:
                assert difference(ours, theirs, loose), NOT_NEEDED.format(dtype)
            if theirs["value 0"] is not RAISED and dtype not in call.differs:
                assert difference(ours, theirs, loose) == "", dtype
    if CHECKS["empty and 0-d"](call):
        for name, make in VARIANTS.items():
            ours, theirs = (values(call, lib, make(call)) for lib in (dl, torch))
            found = difference(ours, theirs, call.tolerance)
            if name in call.differs:
                assert found, NOT_NEEDED.format(name)
            else:
                assert found == "", name
    if CHECKS["in place"](call):
        found = difference(in_place(call, dl), in_place(call, torch), call.tolerance)
        assert bool(found) == ("in place" in call.differs), found or NOT_NEEDED.format("in place")


@pytest.mark.parametrize(
    "call",
    [c for _, c in ROWS if CHECKS["method"](c)],
    ids=[f"{f}-{c.key}" for f, c in ROWS if CHECKS["method"](c)],
)
def test_method_takes_pytorchs_arguments(call: Call) -> None:
    ours, theirs = (results(call, lib, form="method") for lib in (dl, torch))
    assert difference(ours, theirs, call.tolerance) == ""
