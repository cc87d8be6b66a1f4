"""What must hold for every public function, generated from the calls in tests/samples.

How inputs lie in memory and what float32 gives are claims of `dlframe.testing`, here about every
public function. PyTorch's numbers were recorded by tests/golden/make_calls.py;
tests/oracle/test_calls.py compares with PyTorch itself.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import pytest
from samples import CALLS, Call
from samples.checks import CHECKS
from samples.evaluate import (
    DTYPES,
    VARIANTS,
    case_of,
    cast_to,
    difference,
    dtypes_of,
    in_place,
    results,
    values,
)
from samples.recorded import load

import dlframe as dl
from dlframe.testing.op import check_layouts, check_narrow


def each(check: str, first: int | None = None) -> Any:
    """One test per call that goes through `check`; slow behind the first ones of a function."""
    seen: Counter[str] = Counter()
    cases = []
    for family, rows in CALLS.items():
        for call in rows:
            if CHECKS[check](call):
                seen[call.name] += 1
                marks = [pytest.mark.slow] if first and seen[call.name] > first else []
                cases.append(pytest.param(family, call, marks=marks, id=f"{family}-{call.key}"))
    return pytest.mark.parametrize(("family", "call"), cases)


@each("value")
def test_values_and_gradients_are_pytorchs(family: str, call: Call) -> None:
    """Up to the second gradient, in float64."""
    want = load("calls", family, call.key, "value")
    assert difference(results(call, dl), want, call.tolerance) == ""


@each("float32", first=4)
def test_float32_is_close_and_stays_float32(family: str, call: Call) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_narrow(case_of(call), call.narrow)


@each("dtypes", first=6)
def test_dtypes_of_results_are_pytorchs(family: str, call: Call) -> None:
    """For inputs of every dtype; what PyTorch does not compute, dlframe may."""
    want = load("calls", family, call.key, "dtypes")
    different = []
    for dtype in DTYPES:
        got = ", ".join(dtypes_of(values(call, dl, cast_to(call, dtype))))
        if dtype not in call.differs and got != want[dtype] and "raises" not in want[dtype]:
            different.append((dtype, got, want[dtype]))
    assert different == []


@each("empty and 0-d")
@pytest.mark.parametrize("variant", VARIANTS)
def test_empty_and_0d_inputs_are_pytorchs(family: str, call: Call, variant: str) -> None:
    """The same values, or an error in both."""
    if variant in call.differs:
        return
    want = load("calls", family, call.key, variant)
    got = values(call, dl, VARIANTS[variant](call))
    assert difference(got, want, call.tolerance) == ""


@each("layout", first=4)
def test_layout_in_memory_does_not_matter(family: str, call: Call) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_layouts(case_of(call))


@each("method")
def test_method_is_the_function(family: str, call: Call) -> None:
    got, want = results(call, dl, form="method"), results(call, dl)
    assert difference(got, want, call.tolerance) == ""


@each("in place")
def test_in_place_form_is_pytorchs(family: str, call: Call) -> None:
    """The same values and gradients, or an error in both: where shape or dtype would change."""
    if "in place" in call.differs:
        return
    want = load("calls", family, call.key, "in place")
    assert difference(in_place(call, dl), want, call.tolerance) == ""


def test_every_check_has_calls() -> None:
    rows = [call for family in CALLS.values() for call in family]
    assert [check for check in CHECKS if not any(CHECKS[check](call) for call in rows)] == []
