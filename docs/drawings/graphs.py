"""Graphs as `explain` draws them."""

from __future__ import annotations

from typing import Any

import dlframe as dl
from dlframe import nn, viz


def explain() -> dict[str, Any]:
    """The network of the guide number by number, and a larger one module by module."""
    return {"-steps": _two_layers(), "-modules": _modules()}


def _two_layers() -> Any:
    x = dl.tensor([[1.0, 2.0]])
    w1 = dl.tensor([[0.5, -1.0], [0.25, 0.25]], requires_grad=True)
    w2 = dl.tensor([[2.0], [1.0]], requires_grad=True)
    with dl.autograd.keep_values():
        h = (x @ w1).relu()
        out = h @ w2
        loss = (out - 3.0).square().sum()
    return viz.graph(loss.explain(), places=False, title="Two layers, number by number")


def _modules() -> Any:
    dl.manual_seed(0)
    layers: list[nn.Module] = [nn.Flatten()]
    for i in range(6):
        layers += [nn.Linear(64 if i == 0 else 32, 32), nn.Sigmoid()]
    model = nn.Sequential(*layers, nn.Linear(32, 10))
    with dl.autograd.keep_values():
        loss = nn.CrossEntropyLoss()(model(dl.randn(16, 1, 8, 8)), dl.randint(0, 10, (16,)))
    return viz.graph(loss.explain(depth=1), title="Sigmoids in a row let the gradient vanish")


PICTURES = {"explain": explain}
