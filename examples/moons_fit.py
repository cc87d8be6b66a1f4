"""A small network learns two half moons with `Trainer`, stops in time, and draws its predictions.

    python examples/moons_fit.py [folder for the pictures]

The pictures need the extra `viz`; everything else works without it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import dlframe as dl
from dlframe import Trainer, metrics, nn, optim, training
from dlframe.data.datasets import Moons


def main(folder: Path) -> None:
    """Train, test, draw."""
    dl.manual_seed(0)
    train, val, test = Moons(600, noise=0.2), Moons(200, noise=0.2), Moons(200, noise=0.2)
    model = nn.Sequential(
        nn.Linear(2, 24), nn.Tanh(),
        nn.Linear(24, 24), nn.Tanh(),
        nn.Linear(24, 2),
    )  # fmt: skip
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    trainer = Trainer(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        metrics=[metrics.Accuracy()],
        callbacks=[
            training.EarlyStopping("val_loss", patience=8),
            training.ModelCheckpoint(folder / "checkpoints"),
        ],
    )
    history = trainer.fit(train, val, epochs=60, batch_size=32)
    print(f"stopped after epoch {trainer.epoch}: {trainer.stop_reason or 'all epochs are done'}")
    print("test:", {name: round(value, 4) for name, value in trainer.evaluate(test).items()})

    try:
        from dlframe import viz

        shown = {name: history[name] for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
        viz.curves(shown, path=folder / "curves.png")
        viz.decision_boundary(
            model.eval(), test.data, test.targets, test.classes, path=folder / "boundary.png"
        )
        print(f"pictures are in {folder}")
    except dl.errors.MissingExtraError as error:
        print(f"no pictures: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/moons-fit"))
