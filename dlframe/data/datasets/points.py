"""Points in the plane: small problems with decision boundaries that can be drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe import random
from dlframe.data.dataset import TensorDataset
from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor


class PointDataset(TensorDataset):
    """Points (n, 2) in float32 and labels (n,) in int64, as `data` and `targets`."""

    classes: tuple[str, ...]

    def __init__(self, points: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
        super().__init__(Tensor(points.astype(np.float32)), Tensor(labels.astype(np.int64)))

    @property
    def data(self) -> Tensor:
        """The points."""
        return self.tensors[0]

    @property
    def targets(self) -> Tensor:
        """The labels."""
        return self.tensors[1]

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class name."""
        return {name: label for label, name in enumerate(self.classes)}


class Disk(PointDataset):
    """Points uniform in the unit square; label 1 inside the disk around its centre, 0 outside.

    The radius is 1/√(2π), so the disk has half the square's area.

    >>> import dlframe as dl
    >>> disk = Disk(4, generator=dl.Generator().manual_seed(0))
    >>> disk.data.shape == (4, 2), disk.targets.tolist()
    (True, [1, 0, 1, 1])
    """

    classes = ("outside", "inside")
    radius = 1 / math.sqrt(2 * math.pi)

    def __init__(self, n: int = 1000, generator: random.Generator | None = None) -> None:
        _check_count("Disk", n)
        points = random.or_default(generator).uniform((n, 2))
        from_centre = points.astype(np.float64) - 0.5
        inside = (from_centre**2).sum(axis=1) < self.radius**2
        super().__init__(points, inside)


class Moons(PointDataset):
    """Two interleaved half circles of radius 1, with normal noise of the given standard deviation.

    The classes alternate: points with even indices are of class 0.
    """

    classes = ("upper", "lower")

    def __init__(
        self, n: int = 1000, noise: float = 0.1, generator: random.Generator | None = None
    ) -> None:
        _check_count("Moons", n)
        generator = random.or_default(generator)
        labels = np.arange(n) % 2
        angle = math.pi * generator.uniform((n,), dtype=np.float64)
        upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        lower = np.array([1.0, 0.5]) - upper
        points = np.where(labels[:, None] == 0, upper, lower)
        super().__init__(points + _noise(generator, noise, n), labels)


class Spirals(PointDataset):
    """`classes` arms of a spiral from the centre to radius 1, each turning `turns` times.

    `noise` is the standard deviation of normal noise. The classes alternate: point i is of class
    i mod classes.
    """

    def __init__(
        self,
        n: int = 1000,
        classes: int = 3,
        noise: float = 0.02,
        turns: float = 0.75,
        generator: random.Generator | None = None,
    ) -> None:
        _check_count("Spirals", n)
        if classes < 1:
            raise ArgumentError(f"Spirals: classes should be a positive number; got {classes}")
        generator = random.or_default(generator)
        self.classes = tuple(f"arm {i}" for i in range(classes))
        labels = np.arange(n) % classes
        radius = generator.uniform((n,), dtype=np.float64)
        angle = 2 * math.pi * (turns * radius + labels / classes)
        points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        super().__init__(points + _noise(generator, noise, n), labels)


def _noise(generator: random.Generator, scale: float, n: int) -> np.ndarray[Any, Any]:
    if scale < 0:
        raise ArgumentError(f"noise is a standard deviation and cannot be negative; got {scale}")
    return scale * generator.normal((n, 2), dtype=np.float64)


def _check_count(name: str, n: int) -> None:
    if n < 1:
        raise ArgumentError(f"{name}: n, the number of points, should be positive; got {n}")
