"""One training of the disk problem: its points, its network, and the loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.data.datasets import Disk
from dlframe.optim.lr_scheduler import CosineAnnealingLR
from dlframe.tensor import Tensor
from dlframe.tensor.creation import randperm

POINTS = 1000
CENTRE, SPREAD = 0.5, 1 / math.sqrt(12)  # of coordinates that are uniform in [0, 1]

Points = tuple[Tensor, Tensor]
Weights = Mapping[str, NDArray[Any]]


@dataclass
class Course:
    """A network, and its weights at the start and after each epoch."""

    model: nn.Sequential
    loss: list[float] = field(default_factory=list)  # the mean of each epoch's batches
    weights: list[Weights] = field(default_factory=list)

    def keep(self) -> None:
        """Note the present weights."""
        state = self.model.state_dict()
        self.weights.append({name: value.numpy().copy() for name, value in state.items()})

    def errors(self, points: Points) -> list[float]:
        """The share of points on the wrong side after each epoch."""
        found = []
        for weights in self.weights[1:]:
            self.model.load_state_dict(weights)
            found.append(error(self.model, points))
        return found


def points(*, normalized: bool = True, noise: float = 0.0) -> Points:
    """Points in the unit square, or with mean 0 and standard deviation 1; and their labels."""
    drawn = Disk(POINTS, noise=noise)
    x = (drawn.data - CENTRE) / SPREAD if normalized else drawn.data
    return x, drawn.targets


def network(activation: str, width: int = 25) -> nn.Sequential:
    """2-25-25-25-2."""
    make = getattr(nn, activation)
    return nn.Sequential(
        nn.Linear(2, width), make(), nn.Linear(width, width), make(), nn.Linear(width, width),
        make(), nn.Linear(width, 2),
    )  # fmt: skip


def squared_error(output: Tensor, target: Tensor) -> Tensor:
    """The mean square of the two outputs' distances from (1, 0) outside and (0, 1) inside."""
    loss: Tensor = nn.functional.mse_loss(output, nn.functional.one_hot(target, 2).float())
    return loss


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "MSE": squared_error,
    "cross-entropy": nn.functional.cross_entropy,
}

OPTIMIZERS: dict[str, Callable[[Any, float], optim.Optimizer]] = {
    "SGD": optim.SGD,
    # 2,000 steps in all: with 0.999 the mean of squares would be one over half of them
    "Adam": lambda parameters, lr: optim.Adam(parameters, lr, betas=(0.9, 0.99)),
}


def trained(
    model: nn.Sequential,
    train: Points,
    *,
    order: int,
    optimizer: str,
    loss: str,
    lr: float,
    schedule: str,
    batch_size: int,
    epochs: int,
) -> Course:
    """Train a network; `order` is the seed of the order of points."""
    descent = OPTIMIZERS[optimizer](model.parameters(), lr)
    steps = epochs * math.ceil(POINTS / batch_size)
    cosine = CosineAnnealingLR(descent, steps) if schedule == "cosine" else None
    measure = LOSSES[loss]
    random.manual_seed(order)
    course = Course(model)
    course.keep()
    x, y = train
    for _ in range(epochs):
        total = 0.0
        for batch in randperm(POINTS).split(batch_size):
            value = measure(model(x[batch]), y[batch])
            descent.zero_grad()
            value.backward()
            descent.step()
            if cosine is not None:
                cosine.step()
            total += value.item() * len(batch)
        course.loss.append(total / POINTS)
        course.keep()
    return course


def error(model: nn.Module, points: Points) -> float:
    """The share of points on the wrong side."""
    x, y = points
    with no_grad():
        return int((model(x).argmax(dim=1) != y).sum()) / len(y)
