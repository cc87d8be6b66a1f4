"""Optimization at work: paths on classic surfaces, still and moving."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import dlframe as dl
from dlframe import nn, optim, training
from dlframe.data.datasets import Digits
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


PICTURES = {
    "lr-range": range_test,
    "trajectories-rosenbrock": trajectories_rosenbrock,
    "trajectories-saddle": trajectories_apart,
}
