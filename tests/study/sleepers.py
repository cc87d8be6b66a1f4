"""Runs for the tests of the engine: a module, so that other processes find them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import dlframe as dl
from dlframe import nn
from dlframe.study import Study

SEEDS = 3


def trained(seeds: Any, width: int = 4, rate: float = 0.1) -> dict[str, Any]:
    """Fit a line by a small network; everything random comes from the seeds."""
    unseeded = dl.rand(1).item()
    dl.manual_seed(seeds.data)
    x = dl.randn(64, 3)
    y = x @ dl.randn(3, 1)
    dl.manual_seed(seeds.weights)
    model = nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 1))
    optimizer = dl.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(5):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"loss": losses, "unseeded": unseeded}


def noting(seeds: Any, folder: str = "", pause: float = 0.0, level: int = 0) -> dict[str, Any]:
    """Leave a file for each time it is called."""
    count = len(list(Path(folder).iterdir()))
    (Path(folder) / f"{level}-{seeds.run}-{count}-{os.getpid()}").touch()
    time.sleep(pause)
    return {"score": float(level)}


def pausing(seeds: Any, level: int = 0) -> dict[str, Any]:
    """Seed, pause, draw: another run in a thread of this process would seed meanwhile."""
    dl.manual_seed(seeds.weights)
    time.sleep(0.01)
    return {"score": dl.rand(1).item()}


def failing(seeds: Any, way: str = "well") -> dict[str, Any]:
    """End in different ways."""
    if way == "raises":
        raise ValueError(f"seed {seeds.run}")
    if way == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"score": float("nan") if way == "nan" else 1.0}


def reading(seeds: Any, root: str = "", level: int = 0) -> dict[str, Any]:
    """Read a data set that may be missing."""
    if level and not Path(root).is_dir():
        dl.data.datasets.MNIST(root)
    return {"score": float(level)}


def study(**options: Any) -> Study:
    """Two arms of `trained`."""
    given = {"factors": {"width": [2, 4]}, "measure": "loss", "seeds": SEEDS, **options}
    return Study(trained, given.pop("factors"), **given)
