"""Handwritten digits: how good small networks become, and three ways to write the same training.

`mnist` compares networks. `ways` trains the smallest of them by `fit`, by a loop as in PyTorch, and
by layers whose forward and backward are written out in NumPy: one result.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, optim, random
from dlframe.autograd import no_grad
from dlframe.data import DataLoader, TensorDataset
from dlframe.data.datasets import MNIST, Digits
from dlframe.errors import ArgumentError
from dlframe.optim.lr_scheduler import OneCycleLR
from dlframe.study.seeds import Seeds
from dlframe.study.study import Study
from dlframe.tensor import Tensor
from dlframe.tensor.creation import randperm
from dlframe.training import Trainer

Array = NDArray[Any]

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


def _parts(data: str, root: str, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Training, validation and test, the first two divided at random."""
    x, y, x_test, y_test = _read(data, root)
    random.manual_seed(seed)
    order = randperm(len(x))
    held = min(VALIDATION, len(x) // 6)
    val, train = order[:held], order[held:]
    return [(x[train], y[train]), (x[val], y[val]), (x_test, y_test)]


# --- networks ----------------------------------------------------------------------------------


def _mlp(pixels: int, *hidden: int) -> nn.Sequential:
    sizes = [pixels, *hidden, 10]
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # scores, without a ReLU


def _cnn(pixels: int) -> nn.Sequential:
    side = int(pixels**0.5)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * (side // 4) ** 2, 64), nn.ReLU(), nn.Dropout(0.25),
        nn.Linear(64, 10),
    )  # fmt: skip


NETWORKS: dict[str, Callable[[int], nn.Sequential]] = {
    "50 units": lambda pixels: _mlp(pixels, 50),
    "512-256 units": lambda pixels: _mlp(pixels, 512, 256),
    "CNN": _cnn,
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


# --- networks compared -------------------------------------------------------------------------


def run(
    seeds: Seeds,
    network: str = "50 units",
    optimizer: str = "SGD",
    epochs: int = 10,
    data: str = "mnist",
    root: str = "data",
) -> dict[str, Any]:
    """How well do small networks read handwritten digits?"""
    (x, y), val, test = _parts(data, root, seeds.split)
    random.manual_seed(seeds.weights)
    model = NETWORKS[network](x[0].numel())
    batches = -(-len(x) // BATCH)
    descent: optim.Optimizer
    schedule = None
    if optimizer == "SGD":
        descent = optim.SGD(model.parameters(), lr=0.1)
    else:
        descent = optim.AdamW(model.parameters(), lr=0.003, weight_decay=0.01)
        schedule = OneCycleLR(descent, 0.003, total_steps=epochs * batches)
    random.manual_seed(seeds.order)
    found: dict[str, Any] = {"loss": [], "val_accuracy": []}
    for _ in range(epochs):
        total = 0.0
        for batch in randperm(len(x)).split(BATCH):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            descent.zero_grad()
            loss.backward()
            descent.step()
            if schedule is not None:
                schedule.step()
            total += loss.item() * len(batch)
        found["loss"].append(total / len(x))
        found["val_accuracy"].append(accuracy(model, *val))
    return {**found, "test_accuracy": lambda: accuracy(model, *test)}


mnist = Study(
    run,
    {
        "network": list(NETWORKS),
        "optimizer": {"SGD 0.1": "SGD", "AdamW, one cycle": "AdamW"},
    },
    measure="test_accuracy",
    seeds=5,
    name="mnist",
)


# --- three ways --------------------------------------------------------------------------------


def run_way(
    seeds: Seeds, way: str = "a loop", epochs: int = 2, data: str = "mnist", root: str = "data"
) -> dict[str, Any]:
    """Do `fit`, a loop, and layers by hand give the same network?"""
    train, _, test = _parts(data, root, seeds.split)
    random.manual_seed(seeds.weights)
    model = _mlp(train[0][0].numel(), 50)
    loader = DataLoader(TensorDataset(*train), BATCH, shuffle=True)
    random.manual_seed(seeds.order)
    losses = WAYS[way](model, loader, epochs)
    weights = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    return {
        "loss": losses,
        "size of weights": float(np.linalg.norm(weights.astype(np.float64))),
        "test_accuracy": lambda: accuracy(model, *test),
    }


def by_fit(model: nn.Sequential, loader: DataLoader, epochs: int) -> list[float]:
    """As in Keras."""
    trainer = Trainer(model, "cross_entropy", optim.SGD(model.parameters(), lr=0.1))
    history = trainer.fit(loader, epochs=epochs, progress=False)
    return list(history["loss"])


def by_loop(model: nn.Sequential, loader: DataLoader, epochs: int) -> list[float]:
    """As in PyTorch."""
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(epochs):
        total = count = 0.0
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
            count += len(x)
        losses.append(total / count)
    return losses


class Dense:
    """y = x Wᵀ + b on arrays, with its gradients: dW = gᵀ x, db = Σ g, dx = g W."""

    def __init__(self, weight: Array, bias: Array) -> None:
        self.weight, self.bias = weight, bias  # the memory of the model's parameters

    def forward(self, x: Array) -> Array:
        """For x of shape (n, inputs)."""
        self.x = x
        return np.asarray(x @ self.weight.T + self.bias)

    def backward(self, g: Array, rate: float) -> Array:
        """From dL/dy; takes the step of gradient descent, and returns dL/dx."""
        dx = g @ self.weight
        self.weight -= rate * (g.T @ self.x)
        self.bias -= rate * g.sum(axis=0)
        return np.asarray(dx)


def by_hand(model: nn.Sequential, loader: DataLoader, epochs: int) -> list[float]:
    """In NumPy: softmax and cross entropy, whose gradient is (p − onehot) / n."""
    first, second = (
        Dense(layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in model
        if isinstance(layer, nn.Linear) and layer.bias is not None
    )
    losses = []
    for _ in range(epochs):
        total = count = 0.0
        for images, labels in loader:
            x, y = images.numpy().reshape(len(images), -1), labels.numpy()
            rows = np.arange(len(x))
            hidden = first.forward(x)
            scores = second.forward(np.maximum(hidden, 0))
            scores = scores - scores.max(axis=1, keepdims=True)
            logarithms = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
            loss = -logarithms[rows, y].mean()
            g = np.exp(logarithms)
            g[rows, y] -= 1
            g /= len(x)
            first.backward(second.backward(g, 0.1) * (hidden > 0), 0.1)
            total += float(loss) * len(x)
            count += len(x)
        losses.append(total / count)
    return losses


WAYS = {"a loop": by_loop, "fit": by_fit, "by hand": by_hand}

ways = Study(run_way, {"way": list(WAYS)}, measure="test_accuracy", seeds=2, name="three ways")
