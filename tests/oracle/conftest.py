"""What several comparisons with PyTorch share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def agree():
    """`agree(program)`: a program, a function of the library, has one outcome under both.

    It returns a list of tensors, lists and plain values. Where PyTorch raises, so must dlframe, the
    same kind of error.
    """
    torch = pytest.importorskip("torch")
    import dlframe as dl

    def check(program):
        theirs, ours = outcome(program, torch), outcome(program, dl)
        if isinstance(theirs, Exception):
            assert isinstance(ours, type(theirs)), ours
            return
        assert not isinstance(ours, Exception), ours
        assert all(same(a, b) for a, b in zip(theirs, ours, strict=True)), (theirs, ours)

    return check


def outcome(program, lib):
    try:
        return [x.tolist() if hasattr(x, "tolist") else x for x in program(lib)]
    except Exception as error:  # noqa: BLE001 - which errors are raised is part of the comparison
        return error


def same(a, b):
    if isinstance(a, list | float) and isinstance(b, list | float):
        a, b = np.array(a, dtype=object), np.array(b, dtype=object)
        return a.shape == b.shape and all(
            x == y or np.isclose(x, y, rtol=1e-5) for x, y in zip(a.flat, b.flat, strict=True)
        )
    return a == b
