"""Decoupled weight decay beside that of the optimizers that have one of their own."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError

# how to make an optimizer without decay, and with its own
OWN: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "AdamW": (optim.Adam, optim.AdamW),
    "AdamW without decay": (lambda p, lr: optim.AdamW(p, lr, weight_decay=0.0), optim.AdamW),
    "NAdam": (optim.NAdam, lambda p, lr: optim.NAdam(p, lr, decoupled_weight_decay=True)),
    "RAdam": (optim.RAdam, lambda p, lr: optim.RAdam(p, lr, decoupled_weight_decay=True)),
}


def network(dtype: Any = dl.float32) -> nn.Sequential:
    dl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 50), nn.BatchNorm1d(50), nn.Tanh(), nn.Linear(50, 2))
    return model.to(dtype)


def steps(model: nn.Module, optimizer: optim.Optimizer, dtype: Any = dl.float32) -> None:
    schedule = optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    dl.manual_seed(1)
    for _ in range(6):
        x = dl.randn(5, 3, dtype=dtype)
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("dtype", [dl.float32, dl.float64])
@pytest.mark.parametrize("name", OWN)
def test_it_is_the_decay_of_the_optimizer(name: str, dtype: Any) -> None:
    plain, own = OWN[name]
    model = network(dtype)
    other = copy.deepcopy(model)
    optimizer = plain(model.parameters(), lr=0.01)
    optim.WeightDecay(model, 0.1).attach(optimizer)
    steps(model, optimizer, dtype)
    steps(other, own(optim.decay_groups(other, 0.1), lr=0.01), dtype)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        assert p.detach().numpy().tobytes() == q.detach().numpy().tobytes()


def test_with_sgd_it_is_the_penalty() -> None:
    model = network(dl.float64)
    other = copy.deepcopy(model)
    first = optim.SGD(model.parameters(), lr=0.1)
    decay = optim.WeightDecay(model, 0.2, only="*")
    decay.attach(first)
    second = optim.SGD(other.parameters(), lr=0.1, weight_decay=0.2)
    expected = optim.L2(other, 0.2, only="*")
    x = dl.randn(4, 3, dtype=dl.float64)
    for _ in range(3):
        expected()
        for net, optimizer in ((model, first), (other, second)):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()
        assert decay.last == pytest.approx(expected.last, rel=1e-12)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-10)


def test_each_parameter_decays_by_the_rate_of_its_group_if_it_has_a_gradient() -> None:
    a, b = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    both = nn.ModuleDict({"a": a, "b": b, "c": nn.Linear(1, 1, bias=False)})
    for layer in both.values():
        nn.init.ones_(layer.weight)
    optimizer = optim.SGD(
        [{"params": [a.weight], "lr": 0.5}, {"params": [b.weight, both["c"].weight], "lr": 0.25}]
    )
    decay = optim.WeightDecay(both, 0.5)
    decay.attach(optimizer)
    a.weight.grad = b.weight.grad = dl.zeros(1, 1)
    optimizer.step()
    assert [layer.weight.item() for layer in both.values()] == [0.75, 0.875, 1.0]
    assert decay.last == 0.5  # of the two


def test_within_sam_it_acts_once_on_the_weights_before() -> None:
    w = nn.Linear(1, 1, bias=False)
    nn.init.constant_(w.weight, 2.0)
    optimizer = optim.SAM(optim.SGD(w.parameters(), lr=0.5), rho=0.1)
    decay = optim.WeightDecay(w, 0.5)
    decay.attach(optimizer)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = w.weight.sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert w.weight.item() == 2.0 * 0.75 - 0.5
    assert decay.last == 1.0


def test_graphs_that_used_the_weights_are_refused_afterwards() -> None:
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    optim.WeightDecay(model, 0.5).attach(optimizer)
    x = dl.ones(1, 2, requires_grad=True)
    loss = model(x).sum()
    model.weight.grad = dl.zeros(1, 2)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified"):
        loss.backward()


def test_errors() -> None:
    model = nn.Linear(2, 1)
    with pytest.raises(ArgumentError, match="WeightDecay: the strength must be"):
        optim.WeightDecay(model, -1.0)
    decay = optim.WeightDecay(model, 0.1)
    with pytest.raises(ArgumentError, match="the SGD holds none of the chosen parameters: weight"):
        decay.attach(optim.SGD([model.bias]))
    with pytest.raises(ArgumentError, match=r"AdamW has weight_decay=0\.01 for these parameters"):
        decay.attach(optim.AdamW(model.parameters()))
    decay.attach(optim.AdamW(optim.decay_groups(model, 0.1, only="bias")))
    with pytest.raises(ArgumentError, match=r"LBFGS computes the loss several times"):
        decay.attach(optim.LBFGS(model.parameters()))
    with pytest.raises(TypeError, match="expected an optimizer; got Linear"):
        decay.attach(model)  # type: ignore[arg-type] # what is tested
