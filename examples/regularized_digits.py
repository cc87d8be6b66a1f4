"""Regularization with few samples: a penalty, a constraint, clipping and SAM, each in the history.

    python examples/regularized_digits.py

200 digits, of which one in seven has a wrong label. The same network learns them twice.
"""

from __future__ import annotations

from typing import Any

import dlframe as dl
from dlframe import Trainer, metrics, nn, optim
from dlframe.data import TensorDataset
from dlframe.data.datasets import Digits


def few_digits(count: int) -> TensorDataset:
    """The first digits, where every seventh has a label drawn by chance."""
    digits = Digits(train=True)
    labels = digits.targets[:count].clone()
    labels[::7] = dl.randint(0, 10, (len(labels[::7]),))
    return TensorDataset(digits.data[:count].flatten(1), labels)


def network() -> nn.Module:
    """From 64 pixels to 10 logits."""
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def train(model: nn.Module, optimizer: optim.Optimizer, regularizers: Any, data: Any) -> Trainer:
    """Forty epochs; the loss in the history is without penalties."""
    loss, accuracy = nn.CrossEntropyLoss(), metrics.Accuracy()
    trainer = Trainer(model, loss, optimizer, metrics=[accuracy], regularizers=regularizers)
    trainer.fit(data, epochs=40, batch_size=20, progress=False)
    return trainer


def main() -> None:
    """Train with and without regularization, and compare on digits that neither has seen."""
    dl.manual_seed(0)
    data, test = few_digits(200), Digits(train=False)
    unseen = TensorDataset(test.data.flatten(1), test.targets)

    plain = network()
    free = train(plain, optim.Adam(plain.parameters(), lr=3e-3), [], data)

    model = network()
    held = train(
        model,
        optim.SAM(optim.Adam(model.parameters(), lr=3e-3), rho=0.3),
        [
            optim.L1(model, 3e-4, only="0.weight"),  # which pixels count?
            optim.MaxNorm(model, 2.0, only="2.weight"),
            optim.ClipGradNorm(1.0),
        ],
        data,
    )

    shown = "loss", "l1", "max_norm", "grad_norm", "sharpness"
    print("epoch", *(f"{name:>9}" for name in shown))
    for epoch in (0, 9, 19, 39):
        print(f"{epoch + 1:5}", *(f"{held.history[name][epoch]:9.3f}" for name in shown))
    for name, trainer in (("without", free), ("with", held)):
        found = trainer.evaluate(unseen)
        print(
            f"{name} regularization: training loss {trainer.history['loss'][-1]:.2f}, "
            f"test loss {found['loss']:.2f}, accuracy {found['accuracy']:.2f}"
        )
    small = (model[0].weight.abs() < 0.01).float().mean().item()
    print(f"{small:.0%} of the weights in the first layer are smaller than 0.01")


if __name__ == "__main__":
    main()
