"""What may be overwritten between a call and its backward, beside PyTorch, call by call."""

from __future__ import annotations

import warnings

import pytest
from samples import CALLS
from samples.checks import is_differentiated
from samples.overwriting import allowed, faults, outcomes

import dlframe as dl

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("family", CALLS)
def test_backward_runs_where_pytorchs_does(family):
    wrong = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call in CALLS[family]:
            if is_differentiated(call):
                wrong += faults(call, outcomes(call, dl), allowed(call, outcomes(call, torch)))
    assert wrong == []
