"""The digits, the networks that read them, and how their accuracy is measured."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

from dlframe import nn, random
from dlframe.autograd import no_grad
from dlframe.data.datasets import MNIST, Digits
from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor
from dlframe.tensor.creation import randperm

BATCH = 64
VALIDATION = 5000
MEAN, SPREAD = 0.1307, 0.3081  # of MNIST's pixels from 0 to 1


# --- data --------------------------------------------------------------------------------------


@functools.cache
def _read(data: str, root: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images (n, 1, h, w), normalized, and labels: of training, and of the test."""
    sets: list[Any]
    if data == "mnist":
        sets = [MNIST(root, train=True), MNIST(root, train=False)]
    elif data == "digits":
        sets = [Digits(train=True), Digits(train=False)]
    else:
        raise ArgumentError(f'study mnist: data is "mnist" or "digits"; got {data!r}')
    (x, y), (x_test, y_test) = ((_images(part), part.targets) for part in sets)
    return x, y, x_test, y_test


def _images(part: Any) -> Tensor:
    pixels = part.data.float()
    if pixels.max() > 1:
        pixels = pixels / 255
    scaled: Tensor = ((pixels - MEAN) / SPREAD).reshape(len(pixels), 1, *pixels.shape[-2:])
    return scaled


def divided(data: str, root: str, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Training, validation and test, the first two divided at random."""
    x, y, x_test, y_test = _read(data, root)
    random.manual_seed(seed)
    order = randperm(len(x))
    held = min(VALIDATION, len(x) // 6)
    val, train = order[:held], order[held:]
    return [(x[train], y[train]), (x[val], y[val]), (x_test, y_test)]


# --- networks ----------------------------------------------------------------------------------


def mlp(pixels: int, *hidden: int) -> nn.Sequential:
    sizes = [pixels, *hidden, 10]
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # scores, without a ReLU


def cnn(pixels: int) -> nn.Sequential:
    side = int(pixels**0.5)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * (side // 4) ** 2, 64), nn.ReLU(), nn.Dropout(0.25),
        nn.Linear(64, 10),
    )  # fmt: skip


NETWORKS: dict[str, Callable[[int], nn.Sequential]] = {
    "50 units": lambda pixels: mlp(pixels, 50),
    "512-256 units": lambda pixels: mlp(pixels, 512, 256),
    "CNN": cnn,
}


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of images whose most probable class is theirs."""
    model.eval()
    with no_grad():
        right = sum(
            int((model(x[i : i + 1000]).argmax(dim=1) == y[i : i + 1000]).sum())
            for i in range(0, len(x), 1000)
        )
    model.train()
    return right / len(x)
