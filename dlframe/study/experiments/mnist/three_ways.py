"""One training written in three ways: by `fit`, by a loop, and by layers on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, optim
from dlframe.data import DataLoader
from dlframe.training import Trainer

Array = NDArray[Any]


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


WAYS: dict[str, Callable[[nn.Sequential, DataLoader, int], list[float]]] = {
    "a loop": by_loop,
    "fit": by_fit,
    "by hand": by_hand,
}
