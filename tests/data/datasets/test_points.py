"""Points in the plane: where they lie, and that a seed repeats them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.data import DataLoader
from dlframe.data.datasets import Blobs, Checkerboard, Circles, Disk, Moons, Spirals
from dlframe.errors import ArgumentError


def test_disk() -> None:
    disk = Disk(20000, generator=dl.Generator().manual_seed(1))
    points, labels = disk.data.array, disk.targets.array
    assert (points.shape, points.dtype, labels.dtype) == ((20000, 2), np.float32, np.int64)
    assert 0 <= points.min() < 0.01
    assert 0.99 < points.max() < 1
    distance = np.hypot(points[:, 0] - 0.5, points[:, 1] - 0.5)
    radius = 1 / np.sqrt(2 * np.pi)
    assert (labels[distance < radius - 1e-6] == 1).all()
    assert (labels[distance > radius + 1e-6] == 0).all()
    assert abs(labels.mean() - 0.5) < 0.015  # the disk has half the area
    assert disk.class_to_idx == {"outside": 0, "inside": 1}


def test_moons() -> None:
    moons = Moons(200, noise=0)
    points, labels = moons.data.array, moons.targets.array
    centres = np.array([[0, 0], [1, 0.5]])[labels]
    np.testing.assert_allclose(np.hypot(*(points - centres).T), 1, atol=1e-6)
    assert (points[labels == 0, 1] >= 0).all()
    assert (points[labels == 1, 1] <= 0.5 + 1e-6).all()
    assert np.bincount(labels).tolist() == [100, 100]


def test_spirals() -> None:
    spirals = Spirals(300, classes=5, noise=0, turns=1)
    points, labels = spirals.data.array, spirals.targets.array
    assert np.bincount(labels).tolist() == [60] * 5
    radius = np.hypot(*points.T)
    assert radius.max() <= 1
    angle = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi)
    difference = (angle - radius - labels / 5 + 0.5) % 1 - 0.5
    np.testing.assert_allclose(difference, 0, atol=1e-4)
    assert len(spirals.classes) == 5


def test_circles() -> None:
    rings = Circles(200, noise=0, factor=0.3)
    points, labels = rings.data.array, rings.targets.array
    np.testing.assert_allclose(np.hypot(*points.T), np.where(labels == 0, 1, 0.3), atol=1e-6)
    assert np.bincount(labels).tolist() == [100, 100]
    assert len(np.unique(points, axis=0)) == 200
    assert rings.class_to_idx == {"outer": 0, "inner": 1}


def test_blobs() -> None:
    blobs = Blobs(30000, classes=3, noise=0.2, generator=dl.Generator().manual_seed(1))
    points, labels = blobs.data.array, blobs.targets.array
    assert len(blobs.classes) == 3
    for label, angle in enumerate((0, 2 * np.pi / 3, 4 * np.pi / 3)):
        own = points[labels == label]
        np.testing.assert_allclose(own.mean(axis=0), [np.cos(angle), np.sin(angle)], atol=0.01)
        np.testing.assert_allclose(own.std(axis=0), 0.2, atol=0.01)


@pytest.mark.parametrize("squares", [1, 2, 5])
def test_checkerboard(squares: int) -> None:
    board = Checkerboard(4000, squares=squares, generator=dl.Generator().manual_seed(1))
    points, labels = board.data.array, board.targets.array
    assert (points.shape, points.dtype, labels.dtype) == ((4000, 2), np.float32, np.int64)
    column, row = np.floor(points * squares).astype(int).T
    np.testing.assert_array_equal(labels, (column + row) % 2)
    assert board.class_to_idx == {"black": 0, "white": 1}


@pytest.mark.parametrize("make", [Disk, Moons, Spirals, Circles, Blobs, Checkerboard])
def test_a_seed_repeats_them(make: Any) -> None:
    first = make(50, generator=dl.Generator().manual_seed(3))
    again = make(50, generator=dl.Generator().manual_seed(3))
    other = make(50, generator=dl.Generator().manual_seed(4))
    np.testing.assert_array_equal(first.data.array, again.data.array)
    assert (first.data.array != other.data.array).any()
    dl.manual_seed(3)
    np.testing.assert_array_equal(make(50).data.array, first.data.array)
    point, label = first[0]
    assert point.shape == (2,)
    assert label.item() == first.targets.array[0]
    assert next(iter(DataLoader(first, batch_size=7)))[0].shape == (7, 2)


@pytest.mark.parametrize("make", [Disk, Moons, Spirals, Circles, Blobs, Checkerboard])
def test_noise_moves_points(make: Any) -> None:
    still = make(500, noise=0, generator=dl.Generator().manual_seed(1))
    moved = make(500, noise=0.2, generator=dl.Generator().manual_seed(1))
    assert abs((moved.data.array - still.data.array).std() - 0.2) < 0.02
    np.testing.assert_array_equal(moved.targets.array, still.targets.array)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Disk(0), "Disk: n, the number of points, should be positive; got 0"),
        (lambda: Moons(5, noise=-1), "cannot be negative; got -1"),
        (lambda: Moons(5, noise=float("nan")), "cannot be negative; got nan"),
        (lambda: Disk(5, noise=-1), "cannot be negative; got -1"),
        (lambda: Spirals(5, classes=0), "Spirals: classes should be"),
        (lambda: Circles(0), "Circles: n, the number of points, should be positive; got 0"),
        (lambda: Circles(5, factor=1.0), "should be from 0 to below 1; got 1.0"),
        (lambda: Circles(5, factor=float("nan")), "should be from 0 to below 1; got nan"),
        (lambda: Blobs(5, classes=0), "Blobs: classes should be a positive number; got 0"),
        (lambda: Checkerboard(5, squares=0), "squares, along each side, should be positive; got 0"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
