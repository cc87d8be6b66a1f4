"""Results and gradients for inputs that lie in memory in any way: PyTorch's values and strides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from samples import CALLS, Call
from samples.checks import has_arrays
from samples.layouts import DIFFERS, laid, outcome, variants

import dlframe as dl

torch = pytest.importorskip("torch")

# Where equal rows have one answer: elsewhere ties and singular matrices have several.
EXPANDED = {"elementwise", "reduction", "scan", "shape", "joining"}

# PyTorch's gradients are wrong for one layout, and for singular matrices.
OTHER_VALUES = {
    *("nn.functional.batch_norm", "linalg.det"),
    *("native_group_norm", "ctc_loss"),  # PyTorch misreads weights and targets with gaps
    *("Tensor.resize_", "Tensor.resize_as_", "resize_as_"),  # by the order in memory
}

ROWS = [(f, call) for f, rows in CALLS.items() for call in rows if has_arrays(call)]


def differences(family: str, call: Call) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What is not PyTorch's ("values", "strides", a "missing" gradient), and where."""
    for layout, only in variants(call):
        arrays = laid(call, layout, only)
        alike = family not in EXPANDED or call.name in ("norm", "nanmean")
        if arrays is None or (layout == "expanded" and alike):
            continue
        try:
            theirs = outcome(call, torch, arrays)
        except (RuntimeError, ValueError, IndexError, AssertionError):
            continue  # as writes to expanded tensors
        try:
            ours = outcome(call, dl, laid(call, layout, only))
        except RuntimeError:
            if layout == "expanded":
                continue  # PyTorch writes to some of them
            raise
        for what, (steps, value) in theirs.items():
            if what not in ours:
                if np.any(value) or not what.startswith("gradient"):
                    yield "missing", (layout, only, what)
                continue
            mine, x = ours[what]
            if isinstance(value, np.ndarray):
                tolerance = max(call.tolerance, 1e-9 if value.dtype == np.float64 else 1e-4)
                same = np.shape(x) == value.shape
                if not (same and np.allclose(x, value, tolerance, tolerance, equal_nan=True)):
                    yield "values", (layout, only, what, x, value)
            if mine != steps and layout != "expanded":
                yield "strides", (layout, only, what, mine, steps)


@pytest.mark.parametrize(("family", "call"), ROWS, ids=[f"{f}-{c.key}" for f, c in ROWS])
def test_values_and_strides_are_pytorchs(family: str, call: Call) -> None:
    excepted = {"values": OTHER_VALUES, "strides": DIFFERS, "missing": ()}
    wrong = [found for found in differences(family, call) if call.name not in excepted[found[0]]]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(OTHER_VALUES | DIFFERS.keys()))
def test_listed_differences_are_needed(name: str) -> None:
    kinds = {k for f, call in ROWS if call.name == name for k, _ in differences(f, call)}
    assert name not in OTHER_VALUES or "values" in kinds
    assert name not in DIFFERS or "strides" in kinds


def changed_through(flat, lib):
    """Whether a write through `flat` of a permuted result, and of one in order, reaches it."""
    x = lib.arange(24.0).reshape(2, 3, 4)
    turned = x.permute(2, 0, 1)
    found = []
    for y in (
        turned * 1,
        x.index_select(1, lib.tensor([1, 0, 1])),
        x[:, [0, 1]],
        turned[:, [0, 1]],
        lib.cat([turned] * 2),
        turned.softmax(1),
        turned.contiguous(),
    ):
        flat(y)[1] = 99.0
        found.append((y == 99.0).nonzero().tolist())
    return found


@pytest.mark.parametrize("name", ["reshape", "flatten", "ravel"])
def test_writes_reach_the_result_where_they_do_in_pytorch(name: str) -> None:
    def flat(y):
        return y.reshape(-1) if name == "reshape" else getattr(y, name)()

    assert changed_through(flat, dl) == changed_through(flat, torch)
