"""The data of a run: the training, validation and test sets, and how they are prepared."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dlframe import random
from dlframe.data import DataLoader, Subset, random_split, transforms
from dlframe.data.datasets import DATASETS

POINTS = 1000  # of a synthetic data set, for training and for testing each
AT_ONCE = 256  # samples in a batch that is not trained on


@dataclass(frozen=True)
class Kind:
    """The properties of a data set that are known without reading it."""

    shape: tuple[int, ...]  # of a sample
    classes: int
    recipe: str  # the name under which the defaults of a run are found
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    validation: int = 0  # samples taken from the training set
    padding: int = 0  # pixels that augmentation shifts an image by, at most
    mirror: bool = False  # whether a mirrored image is still of its class

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3


def _like_mnist(mean: float, std: float, *, mirror: bool = False) -> Kind:
    """Grey images of 28×28: MNIST, and the data sets that were made to replace it."""
    return Kind((1, 28, 28), 10, "mnist", (mean,), (std,), 5000, padding=2, mirror=mirror)


KINDS: dict[str, Kind] = {
    "digits": Kind((1, 8, 8), 10, "digits", (0.305,), (0.376,), 142, padding=1),
    "mnist": _like_mnist(0.1307, 0.3081),
    "fashion-mnist": _like_mnist(0.2860, 0.3530, mirror=True),
    "kmnist": _like_mnist(0.1918, 0.3483),
    "cifar10": Kind(
        (3, 32, 32), 10, "cifar10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), 5000,
        padding=4, mirror=True,
    ),
    "disk": Kind((2,), 2, "points"),
    "moons": Kind((2,), 2, "points"),
    "spirals": Kind((2,), 3, "points"),
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """Three data sets without common samples; `train` may be augmented."""

    kind: Kind
    train: Any
    validation: Any
    test: Any
    plain_train: Any  # the same samples as train, without augmentation, for pictures
    classes: Sequence[str]


def make_problem(config: dict[str, Any], *, download: bool = False) -> Problem:
    """Read or make the data of a run. Validation samples are drawn with the run's seed."""
    name, kind = config["data"], KINDS[config["data"]]
    generator = random.Generator().manual_seed(config["seed"])
    if not kind.is_image:
        return _points(name, kind, config["limit"], generator)
    make = DATASETS[name]
    options: dict[str, Any] = {"root": config["root"], "download": download}
    plain = make(train=True, transform=preparation(name), **options)
    counts = [len(plain) - kind.validation, kind.validation]
    train, validation = random_split(plain, counts, generator=generator)
    indices = list(train.indices)[: config["limit"]]
    augmented = copy.copy(plain)  # the pixels are shared
    augmented.transform = preparation(name, augment=config["augment"])
    return Problem(
        kind,
        Subset(augmented, indices),
        validation,
        make(train=False, transform=preparation(name), **options),
        Subset(plain, indices),
        plain.classes,
    )


def make_test_set(config: dict[str, Any]) -> tuple[Any, Sequence[str]]:
    """The test set of a run alone, and its classes."""
    kind = KINDS[config["data"]]
    if not kind.is_image:
        problem = make_problem(config)
        return problem.test, problem.classes
    test = DATASETS[config["data"]](
        root=config["root"], train=False, transform=preparation(config["data"])
    )
    return test, test.classes


def _points(name: str, kind: Kind, limit: int | None, generator: random.Generator) -> Problem:
    """Three data sets of points, drawn from one generator."""
    make = DATASETS[name]
    train = make(POINTS, generator=generator)
    validation, test = make(POINTS // 4, generator=generator), make(POINTS, generator=generator)
    limited: Subset[Any] = Subset(train, range(len(train))[:limit])
    return Problem(kind, limited, validation, test, limited, train.classes)


def preparation(name: str, *, augment: bool = False) -> transforms.Compose:
    """The transform from an image of the data set to an input of the network."""
    kind = KINDS[name]
    steps: list[Any] = [] if name == "digits" else [transforms.ToTensor()]
    if augment:
        steps.append(transforms.RandomCrop(kind.shape[1], padding=kind.padding))
        if kind.mirror:
            steps.append(transforms.RandomHorizontalFlip())
    return transforms.Compose([*steps, transforms.Normalize(kind.mean, kind.std)])


def loaders(problem: Problem, config: dict[str, Any]) -> tuple[DataLoader, DataLoader]:
    """The loaders of the training set and of the validation set."""
    train = DataLoader(
        problem.train, config["batch_size"], shuffle=True, num_workers=config["workers"]
    )
    return train, DataLoader(problem.validation, AT_ONCE, num_workers=config["workers"])


def gather(dataset: Any, limit: int | None = None) -> tuple[Any, Any]:
    """All samples (or the first few) and their labels, as two tensors."""
    count = len(dataset) if limit is None else min(limit, len(dataset))
    x, y = next(iter(DataLoader(Subset(dataset, range(count)), count)))
    return x, y
