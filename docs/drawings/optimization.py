"""Optimization at work: paths on classic surfaces, still and moving."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import dlframe as dl
from dlframe import Trainer, models, nn, optim, training, viz
from dlframe.data.datasets import Digits, Moons
from dlframe.viz import surfaces, trajectories

RUNS: dict[str, Any] = {
    "SGD(lr=0.001)": lambda p: optim.SGD(p, lr=0.001),
    "SGD(lr=0.001, momentum=0.95)": lambda p: optim.SGD(p, lr=0.001, momentum=0.95),
    "RMSprop(lr=0.05)": lambda p: optim.RMSprop(p, lr=0.05),
    "Adam(lr=0.3)": lambda p: optim.Adam(p, lr=0.3),
    "SGD(lr=0.01)": lambda p: optim.SGD(p, lr=0.01),
}


def trajectories_rosenbrock() -> dict[str, Any]:
    """The curved valley: who walks along it, who jumps over it, who is thrown out."""
    ways = trajectories(surfaces.rosenbrock, RUNS, steps=150)
    moving = Path(tempfile.mkdtemp()) / "rosenbrock.gif"
    ways.animate(moving, frames=50, seconds=5)
    return {"": ways.plot(), "-moving": moving}


def trajectories_apart() -> Any:
    """Three optimizers beside a saddle, a panel for each."""
    runs = {
        "SGD(lr=0.02)": lambda p: optim.SGD(p, lr=0.02),
        "momentum=0.9": lambda p: optim.SGD(p, lr=0.02, momentum=0.9),
        "Adam(lr=0.05)": lambda p: optim.Adam(p, lr=0.05),
    }
    return trajectories(surfaces.saddle, runs, steps=60).plot(apart=True, title="")


def range_test() -> Any:
    """Which rates a network of one hidden layer can take with momentum, on digits."""
    dl.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    found = training.lr_range_test(
        model, nn.CrossEntropyLoss(), Digits(), optimizer, start=1e-5, batch_size=64
    )
    return found.plot()


def landscapes() -> dict[str, Any]:
    """A small network on two moons: the plane of its training's path, and two random directions."""
    dl.manual_seed(0)
    moons = Moons(200, noise=0.2)
    model = models.mlp(2, [16, 16], 2)
    snapshots = training.Snapshots()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss = nn.CrossEntropyLoss()
    Trainer(model, loss, optimizer, callbacks=[snapshots]).fit(moons, epochs=30, progress=False)
    path = viz.landscape(model, loss, moons, snapshots=snapshots, points=31)
    around = viz.landscape(model, loss, moons, points=31)
    line = viz.landscape(model, loss, moons, viz.random_directions(model, 1), extent=2, points=61)
    return {
        "-path": path.plot(title="Along the path of training"),
        "-random": around.plot(title="Along two random directions"),
        "-line": line.plot(title="Along one random direction"),
    }


PICTURES = {
    "landscape": landscapes,
    "lr-range": range_test,
    "trajectories-rosenbrock": trajectories_rosenbrock,
    "trajectories-saddle": trajectories_apart,
}
