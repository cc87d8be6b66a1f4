"""What may be overwritten between a call and its backward, beside PyTorch, call by call."""

from __future__ import annotations

import warnings

import pytest
from samples import CALLS
from samples.checks import is_differentiated
from samples.overwriting import STRICTER, allowed, faults, outcomes, refused

import dlframe as dl

torch = pytest.importorskip("torch")


CHOSEN = {family: [c for c in calls if is_differentiated(c)] for family, calls in CALLS.items()}
PARTS = [(family, k) for family, calls in CHOSEN.items() for k in range(0, len(calls), 50)]


@pytest.mark.parametrize(("family", "first"), PARTS)
def test_backward_runs_where_pytorchs_does(family, first):
    wrong = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in CHOSEN[family][first : first + 50]:
            wrong += faults(call, outcomes(call, dl), allowed(call, outcomes(call, torch)))
    assert wrong == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("start", STRICTER)
def test_stricter_calls_are_stricter(start):
    """An entry that is no longer needed goes."""
    calls = [c for chosen in CHOSEN.values() for c in chosen if c.key.startswith(start)]
    assert any(refused(c, outcomes(c, dl), allowed(c, outcomes(c, torch))) for c in calls)
