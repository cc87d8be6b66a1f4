"""A convolutional network learns handwritten digits, in a loop as in PyTorch.

    python examples/digits_loop.py

The 1797 digits are part of the package, so nothing is downloaded. It takes a few seconds.
"""

from __future__ import annotations

import dlframe as dl
from dlframe import metrics, nn, optim
from dlframe.data import DataLoader
from dlframe.data.datasets import Digits


class Net(nn.Module):
    """Two convolutions, a pooling and a linear layer: from (N, 1, 8, 8) to (N, 10) logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Linear(16 * 4 * 4, 10)

    def forward(self, x: dl.Tensor) -> dl.Tensor:
        """The logits of images x."""
        x = self.conv1(x).relu()
        x = self.pool(self.conv2(x).relu())
        return self.out(self.dropout(x.flatten(1)))


def train_epoch(model: nn.Module, loader: DataLoader, optimizer: optim.Optimizer) -> float:
    """Train on every batch once; returns the mean loss per sample."""
    model.train()
    total, samples = 0.0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        samples += len(labels)
    return total / samples


def outputs_of(model: nn.Module, data: Digits) -> dl.Tensor:
    """The logits of a whole data set, in evaluation mode and without a graph."""
    model.eval()
    with dl.no_grad():
        return model(data.data)


def main() -> None:
    """Train for eight epochs, and show which digits are confused."""
    dl.manual_seed(0)
    test = Digits(train=False)
    loader = DataLoader(Digits(train=True), batch_size=32, shuffle=True)
    model = Net()
    optimizer = optim.Adam(model.parameters(), lr=4e-3)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    for epoch in range(8):
        loss = train_epoch(model, loader, optimizer)
        scheduler.step()
        print(f"epoch {epoch + 1}  loss {loss:.4f}")
    matrix = metrics.confusion_matrix(outputs_of(model, test), test.targets)
    print()
    print(metrics.classification_report(matrix, test.classes))


if __name__ == "__main__":
    main()
