"""A network trained by hand on plain NumPy arrays, of ready layers and one of our own: no graph.

    python examples/by_hand.py

docs/tutorials/by-hand.md explains each step.
"""

from __future__ import annotations

import numpy as np

import dlframe as dl
from dlframe import nn, optim, testing
from dlframe.data.datasets import Digits

Array = np.ndarray


class Swish(nn.Module):
    """y = x σ(x), with dx = g (σ(x) + x σ(x) (1 - σ(x)))."""

    def forward(self, x: Array) -> Array:
        """Computes y, and keeps x and σ(x) for backward."""
        self.x, self.s = x, 1 / (1 + np.exp(-x))
        return x * self.s

    def backward(self, g: Array) -> Array:
        """Returns dL/dx, given g = dL/dy."""
        return g * (self.s + self.x * self.s * (1 - self.s))


def main() -> None:
    """Train a small convolutional network on digits, call by call."""
    testing.check_layer(Swish, [np.linspace(-2, 2, 12).reshape(4, 3)])
    dl.manual_seed(0)
    train, test = Digits(train=True), Digits(train=False)
    images, labels = train.data.numpy(), train.targets.numpy()
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        Swish(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(8 * 4 * 4, 10),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    for epoch in range(4):
        losses = []
        for rows in np.array_split(dl.randperm(len(images)).numpy(), 45):
            loss = criterion(net(images[rows]), labels[rows])  # arrays in, an array out
            optimizer.zero_grad()
            net.backward(criterion.backward())  # dL/d(output), and through all layers
            optimizer.step()
            losses.append(float(loss))
        print(f"epoch {epoch + 1}  loss {np.mean(losses):.4f}")
    net.eval()
    with dl.no_grad():  # nothing is kept for backward
        predicted = net(test.data.numpy()).argmax(axis=1)
    print(f"test accuracy {(predicted == test.targets.numpy()).mean():.3f}")


if __name__ == "__main__":
    main()
