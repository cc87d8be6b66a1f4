"""Workloads that grow in one direction: batch, width, depth, image or sequence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from benchmarks.workloads.networks import mlp
from benchmarks.workloads.sequences import gpt_of, recurrent
from benchmarks.workloads.step import Step, training


class Curve(NamedTuple):
    """One workload for each size."""

    what: str  # grows
    model: str
    sizes: tuple[int, ...]
    workload: Callable[[Any, int], Step]


def _batch(lib: Any, n: int) -> Step:
    return _classifier(lib, n, 784, 256, 10)


def _width(lib: Any, n: int) -> Step:
    return _classifier(lib, 64, 256, n, n, 10)


def _depth(lib: Any, n: int) -> Step:
    return _classifier(lib, 64, *[64] * (n + 1), 10)


def _classifier(lib: Any, batch: int, *sizes: int) -> Step:
    lib.manual_seed(0)
    model = mlp(lib, *sizes, activation="ReLU")
    x, y = lib.rand(batch, sizes[0]), lib.randint(0, 10, (batch,))
    return training(lib, model, lib.nn.CrossEntropyLoss(), x, y, 1e-3, "Adam")


def _image(lib: Any, n: int) -> Step:
    lib.manual_seed(0)
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    x, y = lib.rand(8, 3, n, n), lib.randint(0, 10, (8,))
    return training(lib, model, nn.CrossEntropyLoss(), x, y, 0.01)


def _steps(lib: Any, n: int) -> Step:
    lib.manual_seed(0)
    return recurrent(lib, lib.nn.LSTM(32, 64), n)


def _length(lib: Any, n: int) -> Step:
    return gpt_of(lib, 2, 64, 4, batch=4, length=n)


CURVES = {
    "batch": Curve("batch size", "784-256-10, Adam", tuple(2**k for k in range(4, 13)), _batch),
    "width": Curve(
        "width", "256-n-n-10, Adam, batch 64", tuple(2**k for k in range(4, 12)), _width
    ),
    "depth": Curve(
        "depth", "n layers of 64, Adam, batch 64", tuple(2**k for k in range(8)), _depth
    ),
    "image": Curve(
        "image size",
        "two convolutions, 8 images n × n",
        tuple(2**k for k in range(3, 9)),
        _image,
    ),
    "steps": Curve(
        "steps of an LSTM", "32 → 64, 32 sequences", tuple(2**k for k in range(2, 10)), _steps
    ),
    "length": Curve(
        "length of texts",
        "GPT of 2 layers of 64, 4 texts",
        tuple(2**k for k in range(4, 10)),
        _length,
    ),
}


def points(curve: str) -> list[str]:
    """The names of the workloads of a curve."""
    return [f"{curve}={n}" for n in CURVES[curve].sizes]


POINTS = {
    f"{key}={n}": partial(curve.workload, n=n) for key, curve in CURVES.items() for n in curve.sizes
}
