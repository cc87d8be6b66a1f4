"""The disk problem: which optimizer, activation and loss learn it best?

1,000 points for training and 1,000 for the test lie uniformly in the unit square; their label says
whether they are inside the disk of area ½ around the centre. A network 2-25-25-25-2 with a number
for each class learns them in 10 epochs.
"""

from __future__ import annotations

import math
from typing import Any

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.data.datasets import Disk
from dlframe.optim.lr_scheduler import CosineAnnealingLR
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import randperm

POINTS = 1000
CENTRE, SPREAD = 0.5, 1 / math.sqrt(12)  # of coordinates that are uniform in [0, 1]


def run(
    seeds: Seeds,
    optimizer: str = "SGD",
    activation: str = "ReLU",
    loss: str = "MSE",
    lr: float = 0.1,
    batch_size: int = 5,
    epochs: int = 10,
) -> dict[str, Any]:
    """Which optimizer, activation and loss learn the disk best?"""
    random.manual_seed(seeds.data)
    train, val, test = ((_scaled(points.data), points.targets) for points in _three())
    random.manual_seed(seeds.weights)
    model = network(activation)
    steps = optim.Adam if optimizer == "Adam" else optim.SGD
    descent = steps(model.parameters(), lr=lr)
    schedule = CosineAnnealingLR(descent, epochs * math.ceil(POINTS / batch_size))
    measure = _mse if loss == "MSE" else nn.functional.cross_entropy
    random.manual_seed(seeds.order)
    found: dict[str, Any] = {"loss": [], "accuracy": [], "val_accuracy": []}
    x, y = train
    for _ in range(epochs):
        total = 0.0
        for batch in randperm(POINTS).split(batch_size):
            value = measure(model(x[batch]), y[batch])
            descent.zero_grad()
            value.backward()
            descent.step()
            schedule.step()
            total += value.item() * len(batch)
        found["loss"].append(total / POINTS)
        found["accuracy"].append(accuracy(model, *train))
        found["val_accuracy"].append(accuracy(model, *val))
    return {**found, "test_accuracy": lambda: accuracy(model, *test)}


def _three() -> tuple[Disk, Disk, Disk]:
    return Disk(POINTS), Disk(POINTS), Disk(POINTS)


def network(activation: str) -> nn.Sequential:
    """2-25-25-25-2."""
    make = getattr(nn, activation)
    return nn.Sequential(
        nn.Linear(2, 25), make(), nn.Linear(25, 25), make(), nn.Linear(25, 25), make(),
        nn.Linear(25, 2),
    )  # fmt: skip


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of points on the right side."""
    with no_grad():
        return float((model(x).argmax(dim=1) == y).float().mean())


def _scaled(points: Tensor) -> Tensor:
    scaled: Tensor = (points - CENTRE) / SPREAD
    return scaled


def _mse(output: Tensor, target: Tensor) -> Tensor:
    loss: Tensor = nn.functional.mse_loss(output, nn.functional.one_hot(target, 2).float())
    return loss


disk = Study(
    run,
    {"optimizer": ["SGD", "Adam"], "activation": ["ReLU", "Tanh"],
     "loss": ["MSE", "cross-entropy"]},
    measure="test_accuracy",
    tune=lambda arm: {
        "lr": [0.03, 0.1, 0.3] if arm["optimizer"] == "SGD" else [0.002, 0.006, 0.02]
    },
    tune_by="val_accuracy",
    seeds=20,
    name="disk",
)  # fmt: skip
