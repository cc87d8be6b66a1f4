"""What is given to a call or returned by it may be overwritten where PyTorch allows it.

Backward then gives the same gradient as without the write; everywhere else it refuses.
tests/golden/overwriting says what PyTorch allows.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from samples import CALLS
from samples.checks import is_differentiated
from samples.overwriting import faults, outcomes, unpacked

import dlframe as dl
from dlframe import nn
from dlframe.nn import functional as F


@cache
def recorded(family):
    path = Path(__file__).resolve().parents[1] / "golden" / "overwriting" / f"{family}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def check(family, calls):
    wrong = []
    for call in calls:
        assert call.key in recorded(family), f"run tests/golden/make_overwriting.py {family}"
        wrong += faults(call, outcomes(call, dl), unpacked(recorded(family)[call.key]))
    assert wrong == []


def by_turn(family):
    """The calls that are differentiated: the first of each function, and the others."""
    calls = [call for call in CALLS[family] if is_differentiated(call)]
    first = {call.name: call.key for call in reversed(calls)}
    chosen = [call for call in calls if first[call.name] == call.key]
    return chosen, [call for call in calls if first[call.name] != call.key]


@pytest.mark.parametrize("family", CALLS)
def test_one_call_of_each_function(family):
    check(family, by_turn(family)[0])


@pytest.mark.slow
@pytest.mark.parametrize("family", CALLS)
def test_all_other_calls(family):
    check(family, by_turn(family)[1])


# --- networks ----------------------------------------------------------------------------------

PAIRS = {
    "pooling, then relu": nn.Sequential(nn.MaxPool2d(2), nn.ReLU(inplace=True)),
    "pooling, then dropout": nn.Sequential(nn.MaxPool2d(2), nn.Dropout(0.5, inplace=True)),
    "a network": nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.ReLU(inplace=True)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_layers_in_place_after_layers_that_keep_nothing_of_their_result(name):
    layers = PAIRS[name]
    grads = []
    for inplace in (True, False):
        for layer in layers:
            if hasattr(layer, "inplace"):
                layer.inplace = inplace
        x = dl.randn(2, 1, 8, 8, generator=dl.Generator().manual_seed(0)).requires_grad_()
        dl.manual_seed(1)
        layers(x).square().sum().backward()
        grads.append(x.grad)
    assert (grads[0] == grads[1]).all()


def test_frozen_layers_keep_no_input():
    x = dl.ones(4, 3).requires_grad_()
    h = x * 2
    y = F.linear(h, dl.full((2, 3), 0.5))
    h.add_(1)  # only a gradient of the weight would need it
    y.sum().backward()
    assert (x.grad == 2).all()


def test_second_gradients_of_fused_losses_still_need_the_input():
    x = dl.ones(2, 3).requires_grad_()
    h = x * 1
    loss = F.cross_entropy(h, dl.tensor([0, 1]))
    h.zero_()
    with pytest.raises(dl.errors.GradientError, match="cross_entropy: the gradient needs 'x'"):
        dl.autograd.grad(loss, x, create_graph=True)
    dl.autograd.grad(loss, x)  # the first do not
