"""Layers with their own forward and backward, on plain NumPy arrays: no graph, no autograd.

    python examples/own_backward.py

docs/tutorials/own-backward.md derives the formulas.
"""

from __future__ import annotations

import numpy as np

import dlframe as dl
from dlframe import nn, optim
from dlframe.data.datasets import Digits

Array = np.ndarray


class Linear(nn.Module):
    """y = x Wᵀ + b, with dW = gᵀ x, db = Σ g, dx = g W."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(dl.empty(out_features, in_features))
        self.bias = nn.Parameter(dl.zeros(out_features))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def forward(self, x: Array) -> Array:
        """Computes y, and keeps x for backward."""
        self.x = x
        return x @ self.weight.array.T + self.bias.array

    def backward(self, g: Array) -> Array:
        """Adds the gradients of weight and bias, given g = dL/dy; returns dL/dx."""
        self.weight.accumulate_grad(g.T @ self.x)
        self.bias.accumulate_grad(g.sum(axis=0))
        return g @ self.weight.array


class ReLU(nn.Module):
    """y = max(0, x), with dx = g where x was positive."""

    def forward(self, x: Array) -> Array:
        """Computes y, and keeps where x is positive."""
        self.positive = x > 0
        return x * self.positive

    def backward(self, g: Array) -> Array:
        """Returns dL/dx, given g = dL/dy."""
        return g * self.positive


def cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """The mean loss and its gradient, (softmax − one-hot) / N."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))  # exp cannot overflow
    shares /= shares.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = float(-np.log(shares[rows, labels]).mean())
    shares[rows, labels] -= 1
    return loss, shares / len(labels)


def main() -> None:
    """Train 64-48-10 on digits; only the optimizer is the library's."""
    dl.manual_seed(0)
    train, test = Digits(train=True), Digits(train=False)
    x, labels = train.data.flatten(1).numpy(), train.targets.numpy()
    net = nn.Sequential(Linear(64, 48), ReLU(), Linear(48, 10))
    optimizer = optim.SGD(net.parameters(), lr=0.2, momentum=0.9)
    for epoch in range(8):
        losses = []
        for rows in np.array_split(dl.randperm(len(x)).numpy(), 45):
            optimizer.zero_grad()
            loss, g = cross_entropy(net.forward(x[rows]), labels[rows])
            net.backward(g)
            optimizer.step()
            losses.append(loss)
        print(f"epoch {epoch + 1}  loss {np.mean(losses):.4f}")
    predicted = net.forward(test.data.flatten(1).numpy()).argmax(axis=1)
    print(f"test accuracy {(predicted == test.targets.numpy()).mean():.3f}")


if __name__ == "__main__":
    main()
