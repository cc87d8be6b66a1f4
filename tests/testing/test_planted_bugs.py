"""Mistakes in hand-written layers, losses and optimizers: each is found, with its place and a hint.

The right ones beside them give no complaint. The objects: tests/samples/hand_written.py.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from samples.broken import claims
from samples.hand_written import BUGS, RIGHT, ROWS, Bilinear, inputs_of
from samples.hand_written_others import (
    LABELS,
    LOSS_BUGS,
    OPTIMIZER_BUGS,
    TARGETS,
    CrossEntropy,
    Momentum,
    Squares,
)

from dlframe import nn, testing


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_layer_gives_no_complaint(kind: Any) -> None:
    testing.check_layer(kind, inputs_of(kind))
    if kind is not Bilinear:  # in a Sequential a layer has one input
        testing.check_layer(lambda: nn.Sequential(kind()), inputs_of(kind))


@pytest.mark.parametrize("name", BUGS)
def test_a_mistake_is_found_with_its_place_and_a_hint(name: str) -> None:
    kind, message = BUGS[name]
    with pytest.raises(testing.ConformanceError, match=message):
        testing.check_layer(kind, inputs_of(kind))


@pytest.mark.parametrize(("kind", "target"), [(Squares, TARGETS), (CrossEntropy, LABELS)])
def test_a_right_loss_gives_no_complaint(kind: Any, target: Any) -> None:
    testing.check_loss(kind, ROWS, target)


@pytest.mark.parametrize("name", LOSS_BUGS)
def test_a_mistake_in_a_loss_is_found(name: str) -> None:
    base, methods, message = LOSS_BUGS[name]
    kind = type("Wrong", (base,), methods)
    with pytest.raises(testing.ConformanceError, match=message):
        testing.check_loss(kind, ROWS, LABELS if base is CrossEntropy else TARGETS)


def test_a_right_optimizer_gives_no_complaint() -> None:
    testing.check_optimizer(Momentum)


@pytest.mark.parametrize("name", OPTIMIZER_BUGS)
def test_a_mistake_in_an_optimizer_is_found(name: str) -> None:
    methods, message = OPTIMIZER_BUGS[name]
    kind = type("Wrong", (Momentum,), methods)
    with pytest.raises(testing.ConformanceError, match=message):
        testing.check_optimizer(kind)


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What is said of all the layers with a mistake."""
    found = []
    for kind, _ in BUGS.values():
        with pytest.raises(testing.ConformanceError) as caught:
            testing.check_layer(kind, inputs_of(kind))
        found.append(str(caught.value))
    return found


@pytest.mark.parametrize("claim", [*claims("by_hand"), *claims("gradients")])
def test_every_claim_is_broken_by_something(said: list[str], claim: str) -> None:
    assert any(re.search(claim, text) for text in said)
