"""Small demonstrations of what happens inside a network, each made anew in about a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.study.experiments.modules.data import CLASSES, Pair, divided
from dlframe.study.experiments.modules.levels import (
    dead_units,
    gradient_sizes,
    make_loss,
    network,
    regularizers,
    set_weights,
)
from dlframe.study.seeds import Seeds
from dlframe.tensor import Tensor
from dlframe.tensor.creation import randperm, zeros_like
from dlframe.tensor.functions import stack
from dlframe.training.callbacks.layers import LayerLog

Array = NDArray[Any]

SEEDS = Seeds(run=0, stage="inside")
DEPTH = 15
PIXELS = 64


def digits(images: int = 200, wrong: float = 0.0) -> tuple[Pair, Pair]:
    """A few digits to train on, a share of them with labels by chance, and others to validate."""
    return divided(SEEDS, "digits", "data", images, wrong)


def descend(
    model: nn.Module,
    data: Pair,
    optimizer: Any,
    epochs: int,
    *,
    loss: str = "cross-entropy",
    penalties: Any = (),
    after: Callable[[], None] | None = None,
) -> None:
    """Train on batches of 32, in the orders of a fixed seed; `after` is called at each epoch."""
    x, y = data
    if loss == "MSE":
        y = nn.functional.one_hot(y, CLASSES).float()
    criterion = make_loss(loss)
    random.manual_seed(SEEDS.order)
    for _ in range(epochs):
        for batch in randperm(len(x)).split(32):

            def closure(batch: Tensor = batch) -> Tensor:
                optimizer.zero_grad()
                value: Tensor = criterion(model(x[batch]), y[batch])
                for penalty in penalties:
                    value = value + penalty()
                value.backward()
                return value

            if isinstance(optimizer, optim.SAM):  # needs two gradients for a step
                optimizer.step(closure)
            else:
                closure()
                optimizer.step()
        if after is not None:
            after()


# --- depth -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Depth:
    """Of each layer: the standard deviation of what it puts out, and the size of its gradient."""

    spreads: list[float]
    gradients: list[float]


def through_depth(activation: str, init: str) -> Depth:
    """A deep network before its first step: what arrives from below, and from above."""
    (x, y), _ = digits()
    random.manual_seed(SEEDS.weights)
    layers: list[nn.Module] = [nn.Flatten()]
    for _ in range(DEPTH):
        layers += [nn.Linear(PIXELS, PIXELS), getattr(nn, activation)()]
    model = nn.Sequential(*layers, nn.Linear(PIXELS, CLASSES))
    set_weights(model, init)
    seen = outputs_seen(model, activation, x)
    return Depth(
        [float(output.std()) for output in seen],
        gradient_sizes(model, x, y, nn.CrossEntropyLoss())[:-1],
    )


def outputs_seen(model: nn.Module, kind: str, x: Tensor) -> list[Tensor]:
    """What each layer of a kind puts out."""
    seen: list[Tensor] = []
    layers = [layer for layer in model.modules() if type(layer).__name__ == kind]
    hooks = [
        layer.register_forward_hook(lambda m, given, out: seen.append(out)) for layer in layers
    ]
    with no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    return seen


# --- activations -------------------------------------------------------------------------------


def derivative(activation: str, x: Tensor) -> Tensor:
    """f′ at each place."""
    x = x.detach().requires_grad_()
    getattr(nn, activation)()(x).sum().backward()
    slope = x.grad
    assert isinstance(slope, Tensor)
    return slope


def dying(activation: str, lr: float, epochs: int = 20) -> list[float]:
    """The share of dead units before training and after each epoch, with momentum."""
    train, val = digits()
    random.manual_seed(SEEDS.weights)
    model = network(PIXELS, activation)
    found = [dead_units(model, val[0])]
    steps = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    descend(model, train, steps, epochs, after=lambda: found.append(dead_units(model, val[0])))
    return found


# --- normalization -----------------------------------------------------------------------------


def logged(norm: str, init: str = "default", lr: float = 0.3, epochs: int = 15) -> LayerLog:
    """How the outputs of four hidden layers are distributed along training."""
    train, _ = digits(600)
    random.manual_seed(SEEDS.weights)
    layers: list[nn.Module] = [nn.Flatten()]
    for _ in range(4):
        layers.append(nn.Linear(PIXELS, PIXELS))
        if norm == "batch":
            layers.append(nn.BatchNorm1d(PIXELS))
        layers.append(nn.Tanh())
    model = nn.Sequential(*layers, nn.Linear(PIXELS, CLASSES))
    set_weights(model, init)
    steps = optim.SGD(model.parameters(), lr=lr)
    log = LayerLog(layers=[nn.Tanh], kinds=("outputs",), every=4)
    with log.attach(model, steps):
        descend(model, train, steps, epochs)
    return log


# --- regularization ----------------------------------------------------------------------------


def weights_under(name: str, strength: float, epochs: int = 60) -> dict[str, Array]:
    """The weights, not the biases, of a network that was trained with a penalty or constraint."""
    train, _ = digits(wrong=0.2)
    random.manual_seed(SEEDS.weights)
    model = network(PIXELS)
    steps = optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
    schedule = optim.lr_scheduler.CosineAnnealingLR(steps, epochs)
    found = regularizers(name, model, strength)
    hooks = [hook.attach(steps) for hook in found if isinstance(hook, optim.StepHook)]
    penalties = [one for one in found if isinstance(one, optim.Penalty)]
    descend(model, train, steps, epochs, penalties=penalties, after=schedule.step)
    for hook in hooks:
        hook.remove()
    return {n: p.detach().numpy() for n, p in model.named_parameters() if p.ndim == 2}


# --- losses ------------------------------------------------------------------------------------


def of_margin(loss: str, margins: Tensor) -> tuple[Array, Array]:
    """The loss of two scores, the right one higher by a margin, and its derivative.

    The squared error wants scores of 1 and 0, so they lie around ½; the others see the margin only.
    """
    margins = margins.detach().requires_grad_()
    scores = stack([0.5 + margins / 2, 0.5 - margins / 2], 1)
    right = zeros_like(margins).long()
    target = nn.functional.one_hot(right, 2).float() if loss == "MSE" else right
    criterion = make_loss(loss)
    values = stack([criterion(s[None], t[None]) for s, t in zip(scores, target, strict=True)])
    values.sum().backward()
    assert margins.grad is not None
    return values.detach().numpy(), margins.grad.numpy()


def margins_after(loss: str, lr: float, epochs: int = 30) -> Array:
    """By how much the right score is above the best other one, for each image trained on."""
    (x, y), _ = digits(400)
    random.manual_seed(SEEDS.weights)
    model = network(PIXELS)
    descend(model, (x, y), optim.SGD(model.parameters(), lr=lr), epochs, loss=loss)
    with no_grad():
        scores = model(x).numpy()
    rows = np.arange(len(y))
    right = scores[rows, y.numpy()].copy()
    scores[rows, y.numpy()] = -np.inf
    return np.asarray(right - scores.max(axis=1))


# --- landscapes --------------------------------------------------------------------------------


def valley(kind: str, epochs: int = 40) -> tuple[nn.Module, Pair]:
    """A network trained in one of three ways, and what it was trained on."""
    train, _ = digits(400)
    random.manual_seed(SEEDS.weights)
    model = network(PIXELS)
    parameters = list(model.parameters())
    makers: dict[str, Callable[[], Any]] = {
        "SGD": lambda: optim.SGD(parameters, lr=0.02, momentum=0.9),
        "Adam": lambda: optim.Adam(parameters, lr=0.01),
        "SAM": lambda: optim.SAM(optim.SGD(parameters, lr=0.02, momentum=0.9), rho=0.3),
    }
    descend(model, train, makers[kind](), epochs)
    return model, train
