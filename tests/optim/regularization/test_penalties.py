"""Penalties beside their formulas, weight decay, and their derivatives."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError

Array = np.ndarray[Any, Any]

# how to make one, its value, and its gradient
TABLE: list[tuple[Callable[[nn.Module], optim.Penalty], Any, Any]] = [
    (lambda m: optim.L1(m, 0.3), lambda w: 0.3 * abs(w).sum(), lambda w: 0.3 * np.sign(w)),
    (lambda m: optim.L2(m, 0.3), lambda w: 0.15 * (w**2).sum(), lambda w: 0.3 * w),
    (
        lambda m: optim.Elastic(m, 0.3, 0.2),
        lambda w: 0.3 * (0.2 * abs(w).sum() + 0.4 * (w**2).sum()),
        lambda w: 0.3 * (0.2 * np.sign(w) + 0.8 * w),
    ),
]


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()


@pytest.mark.parametrize(("make", "value", "gradient"), TABLE)
def test_value_and_gradient(make: Any, value: Any, gradient: Any) -> None:
    model = network()
    with dl.no_grad():
        model[0].weight[0, 0] = 0.0  # where |w| has no derivative, it is taken as 0
    penalty = make(model)
    total = penalty()
    total.backward()
    arrays = {name: p.detach().numpy() for name, p in model.named_parameters()}
    expected = value(arrays["0.weight"]) + value(arrays["2.weight"])
    assert total.item() == pytest.approx(expected, rel=1e-12)
    assert penalty.last == total.item()
    for name, p in model.named_parameters():
        if name in ("0.weight", "2.weight"):
            np.testing.assert_allclose(p.grad.numpy(), gradient(arrays[name]), rtol=1e-12)
        else:
            assert p.grad is None


@pytest.mark.parametrize("make", [row[0] for row in TABLE])
def test_derivatives_of_both_orders(make: Any) -> None:
    model = nn.Linear(3, 2, bias=False).double()
    with dl.no_grad():
        model.weight.add_(model.weight.sign())  # away from 0

    def value(w: dl.Tensor) -> dl.Tensor:
        return make(model).term(w)

    assert dl.autograd.gradcheck(value, (model.weight,))
    assert dl.autograd.gradgradcheck(value, (model.weight,))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_l2_is_weight_decay_of_sgd(momentum: float) -> None:
    model = network()
    other = copy.deepcopy(model)
    x = dl.randn(8, 3, dtype=dl.float64)
    penalty = optim.L2(model, 0.1, only="*")
    first = optim.SGD(model.parameters(), lr=0.1, momentum=momentum)
    second = optim.SGD(other.parameters(), lr=0.1, momentum=momentum, weight_decay=0.1)
    for _ in range(5):
        first.zero_grad()
        (model(x).square().mean() + penalty()).backward()
        first.step()
        second.zero_grad()
        other(x).square().mean().backward()
        second.step()
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-9, atol=1e-15)


@given(st.floats(0, 10), st.floats(0, 1))
def test_elastic_lies_between_l1_and_l2(strength: float, share: float) -> None:
    model = network()
    value = optim.Elastic(model, strength, share)().item()
    both = [optim.L1(model, strength)().item(), optim.L2(model, strength)().item()]
    assert value == pytest.approx(share * both[0] + (1 - share) * both[1], rel=1e-9, abs=1e-12)


def test_frozen_parameters_have_no_penalty() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    penalty = optim.L1(model, 1.0)
    whole = penalty().item()
    model[0].requires_grad_(False)
    assert penalty().item() == pytest.approx(model[1].weight.abs().sum().item())
    assert penalty.last < whole
    model.requires_grad_(False)
    assert penalty().item() == 0.0


def rename(model: nn.Sequential) -> None:
    layer = model[2]
    del model[2]
    model.add_module("last", layer)


def tie(model: nn.Sequential) -> None:
    model[2].weight = model[0].weight


def in_place_of_its_class(model: nn.Sequential) -> None:
    class SomeNorm(nn.Linear):
        pass

    model[0].__class__ = SomeNorm  # of which nothing is regularized by default


CHANGES: dict[str, Callable[[nn.Sequential], Any]] = {
    "a parameter is replaced": lambda m: setattr(m[0], "weight", nn.Parameter(dl.ones(4, 3))),
    "a parameter is set to None": lambda m: setattr(m[0], "weight", None),
    "a parameter is frozen": lambda m: m[0].weight.requires_grad_(False),
    "a module is frozen": lambda m: m[2].requires_grad_(False),
    "a module is added": lambda m: m.append(nn.Linear(2, 2)),
    "a module is added inside": lambda m: m[0].add_module("more", nn.Linear(1, 1)),
    "a module is replaced": lambda m: m.__setitem__(0, nn.Linear(3, 4)),
    "a module is removed": lambda m: m.__delitem__(2),
    "a module is renamed": rename,
    "a parameter is added": lambda m: m[1].register_parameter("scale", nn.Parameter(dl.ones(2))),
    "a parameter is shared": tie,
    "a parametrization": lambda m: nn.utils.parametrizations.weight_norm(m[0]),
    "pruning": lambda m: nn.utils.prune.l1_unstructured(m[0], "weight", 2),
    "another class": in_place_of_its_class,
    "other values": lambda m: nn.init.ones_(m[0].weight),
    "another dtype": lambda m: m.float(),
}


@pytest.mark.parametrize("pattern", [None, "0.*"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_model_counts_at_once(change: str, pattern: str | None) -> None:
    model = network()
    used = optim.L1(model, 0.5, only=pattern)
    limit = optim.Bounds(model, -0.25, 0.25, only=pattern)
    used()
    limit.project()
    CHANGES[change](model)
    with dl.no_grad():
        for p in model.parameters():
            p.mul_(3)
    fresh = optim.L1(model, 0.5, only=pattern)
    assert used().item() == fresh().item()
    limit.project()
    for p in optim.weights(model, only=pattern).values():
        assert not p.requires_grad or p.detach().abs().max() <= 0.25


def test_a_pattern_that_matches_nothing_any_more_is_an_error() -> None:
    model = network()
    penalty = optim.L1(model, 1.0, only="2.*")
    penalty()
    del model[2]
    for _ in range(2):
        with pytest.raises(ArgumentError, match="matches no parameter"):
            penalty()


def test_a_copy_belongs_to_the_copy_of_the_model() -> None:
    model = nn.Linear(2, 1)
    first = optim.L1(model, 1.0)
    first()
    twin, penalty = copy.deepcopy((model, first))
    assert penalty.model is twin
    twin.weight = nn.Parameter(dl.tensor([[3.0, -4.0]]))
    assert penalty().item() == 7.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: optim.L1(m, -1), "L1: the strength must be a number of 0 or more; got -1"),
        (lambda m: optim.L2(m, float("nan")), "L2: the strength must"),
        (lambda m: optim.Elastic(m, float("inf")), "Elastic: the strength must"),
        (lambda m: optim.Elastic(m, 1, 1.5), "l1_ratio must be from 0 to 1; got 1.5"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make(nn.Linear(2, 1))
