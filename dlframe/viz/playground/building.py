"""What the playground trains: points, network, loss and optimizer, as in the printed program."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, optim, random
from dlframe.data import DataLoader, TensorDataset, datasets
from dlframe.nn import functional as F
from dlframe.random.transform import transformed
from dlframe.tensor import Tensor
from dlframe.tensor.creation import tensor
from dlframe.tensor.functions import cat, sin, stack
from dlframe.viz.playground.settings import (
    DEFAULT_INIT,
    LABEL_LOSSES,
    NO_DECAY,
    OPTIMIZERS,
    OWN,
    POINTS,
    Settings,
)

Array = NDArray[Any]


@contextmanager
def drawing_from(generator: random.Generator) -> Iterator[None]:
    """In this block and thread, what would draw from the default generator draws from this one.

    So sessions neither disturb each other nor the program that runs them.
    """
    with transformed(lambda asked: generator if asked is random.default_generator else asked):
        yield


# --- points ------------------------------------------------------------------------------------


class Plane(NamedTuple):
    """Points (n, 2) in the square from -1 to 1, and their labels (n,)."""

    points: Tensor
    labels: Tensor


def make_points(settings: Settings) -> tuple[Plane, Plane]:
    """The points to learn from and those that are held back; draws from the default generator."""
    made = Plane(tensor([]).reshape(0, 2), tensor([]).long())
    if settings.data != OWN:
        name, options, centre, half = POINTS[settings.data]
        data = getattr(datasets, name)(settings.points, noise=settings.noise, **options)
        made = Plane((data.data - tensor(list(centre))) / half, data.targets)
    kept = settings.made - settings.held_back
    train = Plane(made.points[:kept], made.labels[:kept])
    if settings.own:
        points = tensor([[x, y] for x, y, _ in settings.own])
        labels = tensor([label for _, _, label in settings.own])
        train = Plane(cat([train.points, points]), cat([train.labels, labels]))
    return train, Plane(made.points[kept:], made.labels[kept:])


def features_of(points: Tensor, names: tuple[str, ...]) -> Tensor:
    """What the network gets of points (n, 2): (n, features)."""
    if names == ("x", "y"):
        return points
    x, y = points[:, 0], points[:, 1]
    columns: dict[str, Callable[[], Tensor]] = {
        "x": lambda: x,
        "y": lambda: y,
        "xx": lambda: x * x,
        "yy": lambda: y * y,
        "xy": lambda: x * y,
        "sinx": lambda: sin(math.pi * x),
        "siny": lambda: sin(math.pi * y),
    }
    return stack([columns[name]() for name in names], dim=1)


# --- network -----------------------------------------------------------------------------------


class Block(NamedTuple):
    """A linear layer, and the index of the module whose output its units show: before dropout."""

    linear: nn.Linear
    end: int


def make_network(settings: Settings) -> tuple[nn.Sequential, list[Block]]:
    """The network and its blocks; draws initial values from the default generator."""
    modules: list[nn.Module] = []
    blocks = []
    inputs = len(settings.features)
    for units in settings.layers:
        # without a bias before batch normalization, which would subtract it with the mean
        linear = nn.Linear(inputs, units, bias=not settings.batch_norm)
        modules.append(linear)
        if settings.batch_norm:
            modules.append(nn.BatchNorm1d(units))
        modules.append(getattr(nn, settings.activation)())
        blocks.append(Block(linear, len(modules) - 1))
        if settings.dropout:
            modules.append(nn.Dropout(settings.dropout))
        inputs = units
    last = nn.Linear(inputs, 2)
    modules.append(last)
    blocks.append(Block(last, len(modules) - 1))
    if settings.init != DEFAULT_INIT:
        fill = getattr(nn.init, f"{settings.init}_")
        for block in blocks:
            fill(block.linear.weight)
    return nn.Sequential(*modules), blocks


def make_loss(settings: Settings) -> nn.Module:
    loss: nn.Module = getattr(nn, settings.loss)()
    return loss


def target_of(labels: Tensor, settings: Settings) -> Tensor:
    """Labels as the loss takes them: as they are, or as ones and zeros, (n, 2)."""
    if settings.loss in LABEL_LOSSES:
        return labels
    one_hot: Tensor = F.one_hot(labels, 2)
    return one_hot.float()


def make_optimizer(model: nn.Module, settings: Settings) -> optim.Optimizer:
    name, options = OPTIMIZERS[settings.optimizer]
    decay = {} if settings.optimizer in NO_DECAY else {"weight_decay": settings.weight_decay}
    made: optim.Optimizer = getattr(optim, name)(
        model.parameters(), lr=settings.lr, **options, **decay
    )
    return made


def make_penalties(model: nn.Module, settings: Settings) -> list[optim.Penalty]:
    found: list[optim.Penalty] = []
    if settings.l1:
        found.append(optim.L1(model, settings.l1))
    if settings.l2:
        found.append(optim.L2(model, settings.l2))
    return found


def make_loader(train: Plane, settings: Settings) -> DataLoader:
    inputs = features_of(train.points, settings.features)
    return DataLoader(
        TensorDataset(inputs, target_of(train.labels, settings)),
        batch_size=settings.batch,
        shuffle=True,
        drop_last=settings.drops_last,
    )


# --- maps --------------------------------------------------------------------------------------


def grid_of(size: int) -> Tensor:
    """The centres of size × size squares of the plane, (size², 2), from the top left by rows."""
    ticks = (2 * np.arange(size, dtype=np.float32) + 1) / size - 1
    x, y = np.meshgrid(ticks, ticks[::-1])
    return Tensor(np.stack([x.ravel(), y.ravel()], axis=1))


def share_of(scores: Array, loss: str) -> Array:
    """How far the network is for class 1, from 0 to 1, by its two outputs (n, 2).

    After a cross entropy, the probability of class 1; after the other losses, whose outputs come
    near 0 and 1, half of 1 plus their difference. In both, 0.5 is the boundary.
    """
    difference = scores[:, 1].astype(np.float64) - scores[:, 0]
    if loss == "CrossEntropyLoss":
        return 0.5 * (1 + np.tanh(0.5 * difference))  # 1 / (1 + exp(-difference))
    return np.clip(0.5 * (1 + difference), 0, 1)
