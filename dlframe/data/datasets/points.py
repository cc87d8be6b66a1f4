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

    The radius is 1/√(2π), so the disk has half the square's area. `noise` is the standard deviation
    of normal noise, by which the points are moved after they got their labels.

    >>> import dlframe as dl
    >>> disk = Disk(4, generator=dl.Generator().manual_seed(0))
    >>> disk.data.shape == (4, 2), disk.targets.tolist()
    (True, [1, 0, 1, 1])
    """

    classes = ("outside", "inside")
    radius = 1 / math.sqrt(2 * math.pi)

    def __init__(
        self, n: int = 1000, generator: random.Generator | None = None, *, noise: float = 0.0
    ) -> None:
        _check_count("Disk", n)
        generator = random.or_default(generator)
        points = generator.uniform((n, 2))
        from_centre = points.astype(np.float64) - 0.5
        inside = (from_centre**2).sum(axis=1) < self.radius**2
        if noise:  # without, nothing is drawn, so that seeds give the points that they always gave
            points = points + _noise(generator, noise, n)
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


class Circles(PointDataset):
    """Two circles around the origin, with normal noise of the given standard deviation.

    Class 0 lies on the circle of radius 1 and class 1 on that of radius `factor`. The classes
    alternate: points with even indices are of class 0.

    >>> rings = Circles(4, noise=0, factor=0.25)
    >>> dl.linalg.vector_norm(rings.data, dim=1)
    tensor([1.0000, 0.2500, 1.0000, 0.2500])
    """

    classes = ("outer", "inner")

    def __init__(
        self,
        n: int = 1000,
        noise: float = 0.1,
        factor: float = 0.5,
        generator: random.Generator | None = None,
    ) -> None:
        _check_count("Circles", n)
        if not 0 <= factor < 1:
            raise ArgumentError(
                f"Circles: factor, the inner circle's radius, should be from 0 to below 1; "
                f"got {factor}"
            )
        generator = random.or_default(generator)
        labels = np.arange(n) % 2
        angle = 2 * math.pi * generator.uniform((n,), dtype=np.float64)
        radius = np.where(labels == 0, 1.0, factor)
        points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        super().__init__(points + _noise(generator, noise, n), labels)


class Blobs(PointDataset):
    """`classes` round clouds, whose centres divide the circle of radius 1 into equal parts.

    `noise` is the standard deviation of a cloud in each direction. The classes alternate: point i
    is of class i mod classes.

    >>> Blobs(3, classes=2, noise=0).data.round(decimals=4).abs()
    tensor([[1., 0.],
            [1., 0.],
            [1., 0.]])
    """

    def __init__(
        self,
        n: int = 1000,
        classes: int = 3,
        noise: float = 0.3,
        generator: random.Generator | None = None,
    ) -> None:
        _check_count("Blobs", n)
        if classes < 1:
            raise ArgumentError(f"Blobs: classes should be a positive number; got {classes}")
        generator = random.or_default(generator)
        self.classes = tuple(f"blob {i}" for i in range(classes))
        labels = np.arange(n) % classes
        angle = 2 * math.pi * labels / classes
        centres = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        super().__init__(centres + _noise(generator, noise, n), labels)


class Checkerboard(PointDataset):
    """Points uniform in the unit square, labelled by the squares of a checkerboard.

    `squares` is how many there are along each side; two of them make the problem of the exclusive
    or (XOR). The square at the origin is of class 0. `noise` is the standard deviation of normal
    noise, by which the points are moved after they got their labels.

    >>> board = Checkerboard(500, squares=2)
    >>> right, up = (board.data > 0.5).unbind(1)
    >>> bool(((right ^ up) == board.targets.bool()).all())
    True
    """

    classes = ("black", "white")

    def __init__(
        self,
        n: int = 1000,
        squares: int = 4,
        noise: float = 0.0,
        generator: random.Generator | None = None,
    ) -> None:
        _check_count("Checkerboard", n)
        if squares < 1:
            raise ArgumentError(
                f"Checkerboard: squares, along each side, should be positive; got {squares}"
            )
        generator = random.or_default(generator)
        points = generator.uniform((n, 2))
        labels = np.floor(points.astype(np.float64) * squares).sum(axis=1) % 2
        super().__init__(points + _noise(generator, noise, n), labels)


def _noise(generator: random.Generator, scale: float, n: int) -> np.ndarray[Any, Any]:
    if not 0 <= scale < math.inf:
        raise ArgumentError(
            f"noise is a standard deviation, a number that cannot be negative; got {scale}"
        )
    return scale * generator.normal((n, 2), dtype=np.float64)


def _check_count(name: str, n: int) -> None:
    if n < 1:
        raise ArgumentError(f"{name}: n, the number of points, should be positive; got {n}")
