"""The data of a run: the training, validation and test sets, and how they are prepared."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlframe import random
from dlframe.cli import sources
from dlframe.data import DataLoader, Subset, TensorDataset, random_split, transforms
from dlframe.data.batch import Batch
from dlframe.data.dataset import Dataset
from dlframe.data.datasets import DATASETS
from dlframe.tensor import Tensor

POINTS = 1000  # of a synthetic data set, for training and for testing each
AT_ONCE = 256  # samples in a batch that is not trained on


@dataclass(frozen=True)
class Kind:
    """The properties of a data set that are known without reading it."""

    shape: tuple[int, ...]  # of a sample
    classes: int  # 0 where the target is a number
    recipe: str  # the name under which the defaults of a run are found
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    validation: int = 0  # samples taken from the training set
    padding: int = 0  # pixels that augmentation shifts an image by, at most
    mirror: bool = False  # whether a mirrored image is still of its class
    names: tuple[str, ...] = ()  # of the classes, where no data set of dlframe's knows them
    box: int = 0  # pixels into which drawn digits were fitted; 0 for other images

    @property
    def is_image(self) -> bool:
        return len(self.shape) == 3

    @property
    def outputs(self) -> int:
        """How many numbers a model gives for a sample."""
        return self.classes or 1


def _like_mnist(mean: float, std: float, *, mirror: bool = False) -> Kind:
    """Grey images of 28×28: MNIST, and the data sets that were made to replace it."""
    return Kind((1, 28, 28), 10, "mnist", (mean,), (std,), 5000, padding=2, mirror=mirror)


KINDS: dict[str, Kind] = {
    "digits": Kind((1, 8, 8), 10, "digits", (0.305,), (0.376,), 142, padding=1, box=8),
    "mnist": replace(_like_mnist(0.1307, 0.3081), box=20),
    "fashion-mnist": _like_mnist(0.2860, 0.3530, mirror=True),
    "kmnist": _like_mnist(0.1918, 0.3483),
    "cifar10": Kind(
        (3, 32, 32), 10, "cifar10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), 5000,
        padding=4, mirror=True,
    ),
    "disk": Kind((2,), 2, "points"),
    "moons": Kind((2,), 2, "points"),
    "spirals": Kind((2,), 3, "points"),
    "circles": Kind((2,), 2, "points"),
    "blobs": Kind((2,), 3, "points"),
    "checkerboard": Kind((2,), 2, "points"),
}  # fmt: skip


def kind_of(config: dict[str, Any]) -> Kind:
    """The properties of the data of a run."""
    source = config.get("source")
    if source is None:
        return KINDS[config["data"]]
    shape, names = tuple(source["shape"]), tuple(source["classes"])
    if len(shape) == 1:
        return Kind(shape, len(names), "rows", names=names)
    mean, std = tuple(source["mean"]), tuple(source["std"])
    return Kind(shape, len(names), "images", mean, std, padding=shape[1] // 8, names=names)


@dataclass(frozen=True)
class Problem:
    """Three data sets without common samples; `train` may be augmented."""

    kind: Kind
    train: Any
    validation: Any
    test: Any
    plain_train: Any  # the same samples as train, without augmentation, for pictures
    classes: Sequence[str]


class Images(Dataset[tuple[Any, Any]]):
    """Images (N, C, H, W) and labels in memory; the transform works on whole batches."""

    def __init__(self, x: Any, y: Any, transform: transforms.Compose) -> None:
        self.x, self.y, self.transform = x, y, transform

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transform(Tensor(self.x[index])), self.y[index]

    def __getitems__(self, indices: list[int]) -> Batch:
        index = np.asarray(indices)
        return Batch((self.transform.batch(Tensor(self.x[index])), self.y[index]))


def make_problem(config: dict[str, Any], *, download: bool = False) -> Problem:
    """Read or make the data of a run. Validation samples are drawn with the run's seed."""
    if config.get("source") is not None:
        return _own(config)
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
    kind = kind_of(config)
    if not kind.is_image or config.get("source") is not None:
        problem = make_problem(config)
        return problem.test, problem.classes
    test = DATASETS[config["data"]](
        root=config["root"], train=False, transform=preparation(config["data"])
    )
    return test, test.classes


def _own(config: dict[str, Any]) -> Problem:
    """The data of a source."""
    kind = kind_of(config)
    found = sources.parts(config["source"], config["seed"])
    limit = config["limit"]
    train = sources.Samples(found.train.x[:limit], found.train.y[:limit])
    names = kind.names
    if not kind.is_image:
        rows = TensorDataset(*train)
        others = (TensorDataset(*found.validation), TensorDataset(*found.test))
        return Problem(kind, rows, *others, rows, names)
    plain = _scaling(kind)
    validation, test = Images(*found.validation, plain), Images(*found.test, plain)
    augmented = Images(*train, _scaling(kind, augment=config["augment"]))
    return Problem(kind, augmented, validation, test, Images(*train, plain), names)


def _points(name: str, kind: Kind, limit: int | None, generator: random.Generator) -> Problem:
    """Three data sets of points, drawn from one generator."""
    make = DATASETS[name]
    train = make(POINTS, generator=generator)
    validation, test = make(POINTS // 4, generator=generator), make(POINTS, generator=generator)
    limited: Subset[Any] = Subset(train, range(len(train))[:limit])
    return Problem(kind, limited, validation, test, limited, train.classes)


def preparation(name: str, *, augment: bool = False) -> transforms.Compose:
    """The transform from an image of the data set to an input of the network."""
    steps: list[Any] = [] if name == "digits" else [transforms.ToTensor()]
    return transforms.Compose([*steps, *_scaling(KINDS[name], augment=augment).transforms])


def _scaling(kind: Kind, *, augment: bool = False) -> transforms.Compose:
    """The transform from an image from 0 to 1 to an input of the network."""
    steps: list[Any] = []
    if augment:
        steps.append(transforms.RandomCrop(kind.shape[1:], padding=kind.padding))
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
