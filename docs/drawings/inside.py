"""What happens inside deep networks on the digits: gradients that vanish, units that die."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import dlframe as dl
from dlframe import nn, optim, viz
from dlframe.data.datasets import Digits
from dlframe.training import LayerLog, Trainer


def deep(activation: Callable[[], nn.Module], std: float | None) -> nn.Sequential:
    """Six hidden layers of 64 units; weights of a standard deviation, or Kaiming's (None)."""
    dl.manual_seed(0)
    layers: list[nn.Module] = [nn.Flatten()]
    for _ in range(6):
        layers += [nn.Linear(64, 64), activation()]
    model = nn.Sequential(*layers, nn.Linear(64, 10))
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(p)
        elif std is None:
            nn.init.kaiming_normal_(p)
        else:
            nn.init.normal_(p, 0.0, std)
    return model


@cache
def trained(activation: Callable[[], nn.Module], std: float | None, rate: float) -> LayerLog:
    """The log of ten epochs of SGD."""
    model, log = deep(activation, std), LayerLog()
    optimizer = optim.SGD(model.parameters(), lr=rate)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=[log])
    trainer.fit(Digits(), epochs=10, batch_size=64, progress=False)
    return log


def sigmoid() -> LayerLog:
    """Small weights before sigmoids."""
    return trained(nn.Sigmoid, 0.1, 0.1)


def relu() -> LayerLog:
    """Weights for the activation, and a rate that fits."""
    return trained(nn.ReLU, None, 0.1)


def too_fast() -> LayerLog:
    """The same network with a rate that is ten times as large."""
    return trained(nn.ReLU, None, 1.0)


def flow() -> dict[str, Any]:
    """The gradients of both, layer by layer."""
    draw = partial(viz.gradient_flow, limits=(1e-7, 0.1))
    return {
        "-sigmoid": draw(sigmoid(), title="Sigmoid, weights of deviation 0.1"),
        "-relu": draw(relu(), title="ReLU, Kaiming's initial weights"),
    }


def now() -> Any:
    """The outputs of the good network at its first step."""
    return viz.histograms(
        relu(),
        kind="outputs",
        step=1,
        layers=["1", "2", "11", "12"],
        title="Outputs of four layers",
    )


PICTURES = {
    "inside-flow": flow,
    "inside-now": now,
    "inside-activations": lambda: viz.activation_course(
        too_fast(), layers=["2", "4", "6", "8", "10", "12"], title="ReLU, rate 1"
    ),
    "inside-histograms": lambda: viz.histogram_course(
        too_fast(), layers=["1", "11"], title="ReLU, rate 1"
    ),
    "inside-quantiles": lambda: viz.quantile_course(
        relu(), layers=["1.bias", "13.weight"], title="ReLU, rate 0.1"
    ),
    "inside-updates": lambda: viz.update_ratios(relu(), smoothing=0.7, title="ReLU, rate 0.1"),
}
