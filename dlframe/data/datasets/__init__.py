"""Data sets: real ones from files, and synthetic ones made by the random generator."""

from __future__ import annotations

from typing import Any

from dlframe.data.datasets.cifar import CIFAR10
from dlframe.data.datasets.digits import Digits
from dlframe.data.datasets.mnist import KMNIST, MNIST, FashionMNIST
from dlframe.data.datasets.points import Blobs, Checkerboard, Circles, Disk, Moons, Spirals
from dlframe.data.datasets.text import Coriolanus
from dlframe.data.folders import DatasetFolder, ImageFolder

#: The data sets by the names that the command line uses.
DATASETS: dict[str, type[Any]] = {
    "digits": Digits,
    "mnist": MNIST,
    "fashion-mnist": FashionMNIST,
    "kmnist": KMNIST,
    "cifar10": CIFAR10,
    "disk": Disk,
    "moons": Moons,
    "spirals": Spirals,
    "circles": Circles,
    "blobs": Blobs,
    "checkerboard": Checkerboard,
}

__all__ = [
    "CIFAR10",
    "DATASETS",
    "KMNIST",
    "MNIST",
    "Blobs",
    "Checkerboard",
    "Circles",
    "Coriolanus",
    "DatasetFolder",
    "Digits",
    "Disk",
    "FashionMNIST",
    "ImageFolder",
    "Moons",
    "Spirals",
]
