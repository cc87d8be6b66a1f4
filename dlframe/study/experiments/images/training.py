"""Data, networks and runs of the studies of images, and the file that a run leaves."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe import nn, optim, random
from dlframe.data import DataLoader, Subset, transforms
from dlframe.data.datasets import CIFAR10, MNIST, Digits
from dlframe.errors import ArgumentError
from dlframe.metrics import accuracy
from dlframe.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR
from dlframe.study.seeds import Seeds
from dlframe.tensor import Tensor, to_array
from dlframe.tensor.creation import randperm
from dlframe.training import Evaluator, Trainer
from dlframe.utils import load_checkpoint, save_checkpoint

BATCH = 64
VALIDATION = 2000  # images held out of training, or a sixth where there are fewer
TESTED_AT_ONCE = 500
FILE = "model.h5"
BUDGET = 10  # minutes of one core for a run on CIFAR-10


# --- data --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pictures:
    """A data set of images, and what a network has to know of it.

    `mirrored` says whether a mirrored image is of the same class: a photograph is, a digit is not.
    """

    make: Any
    channels: int
    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mirrored: bool = False

    def transform(self, *, augmented: bool = False) -> transforms.Compose:
        """From an image of the files to the network's input."""
        steps: list[Any] = []
        if augmented:
            steps.append(transforms.RandomCrop(self.side, padding=self.side // 8))
        if augmented and self.mirrored:
            steps.append(transforms.RandomHorizontalFlip())
        if self.make is not Digits:  # whose images are tensors already
            steps.append(transforms.ToTensor())
        return transforms.Compose([*steps, transforms.Normalize(self.mean, self.std)])


PICTURES = {
    "mnist": Pictures(MNIST, 1, 28, (0.1307,), (0.3081,)),
    "cifar10": Pictures(
        CIFAR10, 3, 32, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), mirrored=True
    ),
    "digits": Pictures(Digits, 1, 8, (0.3051,), (0.3762,)),
}


def pictures(data: str) -> Pictures:
    """By the name of `--data`."""
    if data not in PICTURES:
        raise ArgumentError(f"study images: data is one of {', '.join(PICTURES)}; got {data!r}")
    return PICTURES[data]


def training_sets(data: str, root: str, seed: int, *, augmented: bool = False) -> tuple[Any, Any]:
    """What to train on, and what to validate on: divided at random, the latter as it is."""
    kind = pictures(data)
    plain = kind.make(root, train=True, transform=kind.transform())
    train = copy.copy(plain)
    train.transform = kind.transform(augmented=augmented)
    random.manual_seed(seed)
    order = randperm(len(plain)).tolist()
    held = min(VALIDATION, len(plain) // 6)
    return Subset(train, order[held:]), Subset(plain, order[:held])


def test_set(data: str, root: str) -> Any:
    """The test images, as the network sees them."""
    kind = pictures(data)
    return kind.make(root, train=False, transform=kind.transform())


def labels(data: Any) -> NDArray[np.int64]:
    """The classes of a data set's images."""
    return np.asarray(to_array(data.targets), np.int64)


# --- networks ----------------------------------------------------------------------------------


def reader(data: str) -> nn.Sequential:
    """A small network for digits: two convolutions of stride 2, and a linear layer."""
    kind = pictures(data)
    side = -(-kind.side // 4)
    return nn.Sequential(
        nn.Conv2d(kind.channels, 16, 5, stride=2, padding=2), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * side**2, 10),
    )  # fmt: skip


def photographs(data: str) -> nn.Sequential:
    """A network for photographs: each of four convolutions sees half of the side of the one before.

    The first steps by two pixels, which costs a quarter of steps by one. The others are followed by
    the largest of each four neighbours, and all by batch normalization.
    """
    kind = pictures(data)
    side = kind.side // 8
    return nn.Sequential(
        *_block(nn.Conv2d(kind.channels, 24, 5, stride=2, padding=2, bias=False)),
        *_block(nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.MaxPool2d(2)),
        *_block(nn.Conv2d(48, 96, 3, padding=1, bias=False), nn.MaxPool2d(2)),
        *_block(nn.Conv2d(96, 128, 3, padding=1, bias=False)),
        nn.Flatten(), nn.Linear(128 * side**2, 10),
    )  # fmt: skip


def _block(convolution: nn.Conv2d, *pool: nn.Module) -> list[nn.Module]:
    return [convolution, *pool, nn.BatchNorm2d(convolution.out_channels), nn.ReLU()]


# --- runs --------------------------------------------------------------------------------------

OPTIMIZERS: dict[str, Callable[[Any, float], optim.Optimizer]] = {
    "plain": lambda parameters, lr: optim.SGD(parameters, lr=lr),
    "momentum": lambda parameters, lr: optim.SGD(parameters, lr=lr, momentum=0.9),
    "Adam": lambda parameters, lr: optim.Adam(parameters, lr=lr),
}


def rates(levels: dict[str, Any]) -> dict[str, Sequence[float]]:
    """The learning rates that are tried for an optimizer, as many for each."""
    return {
        "lr": {"plain": [0.05, 0.1, 0.2], "momentum": [0.01, 0.02, 0.05],
               "Adam": [0.0005, 0.001, 0.002]}[levels["optimizer"]]
    }  # fmt: skip


def run_descent(
    seeds: Seeds,
    optimizer: str = "plain",
    lr: float = 0.1,
    epochs: int = 6,
    data: str = "mnist",
    root: str = "data",
    folder: Path | None = None,
) -> dict[str, Any]:
    """Do momentum and Adam learn digits sooner than plain gradient descent?"""
    train, val = training_sets(data, root, seeds.split)
    random.manual_seed(seeds.weights)
    model = reader(data)
    loader = DataLoader(train, BATCH, shuffle=True)
    steps = OPTIMIZERS[optimizer](model.parameters(), lr)
    schedule = CosineAnnealingLR(steps, epochs * len(loader))
    trainer = make_trainer(model, steps, schedule)
    random.manual_seed(seeds.order)
    history = trainer.fit(loader, val, epochs=epochs, progress=False)
    return _outcome(trainer, history, data, root, folder)


def make_trainer(model: nn.Module, steps: optim.Optimizer, schedule: LRScheduler) -> Trainer:
    """Cross-entropy, with a rate that changes after each batch."""
    return Trainer(
        model, "cross_entropy", steps, ["accuracy"], scheduler=schedule, scheduler_interval="batch"
    )


def run_photographs(
    seeds: Seeds,
    augmentation: str = "augmented",
    lr: float = 0.1,
    epochs: int = 8,
    data: str = "cifar10",
    root: str = "data",
    folder: Path | None = None,
) -> dict[str, Any]:
    """Does a small network tell photographs better if it sees each of them moved and mirrored?"""
    train, val = training_sets(data, root, seeds.split, augmented=augmentation == "augmented")
    random.manual_seed(seeds.weights)
    model = photographs(data)
    loader = DataLoader(train, BATCH, shuffle=True)
    steps = optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = OneCycleLR(steps, lr, epochs=epochs, steps_per_epoch=len(loader))
    trainer = make_trainer(model, steps, schedule)
    random.manual_seed(seeds.order)
    history = trainer.fit(loader, val, epochs=epochs, progress=False)
    return _outcome(trainer, history, data, root, folder)


def _outcome(
    trainer: Trainer, history: Any, data: str, root: str, folder: Path | None
) -> dict[str, Any]:
    """The curves of a run, and its test, which leaves the model and its answers in the folder."""

    def tested() -> float:
        test = test_set(data, root)
        outputs = answers(trainer.model, test)
        found = float(accuracy(outputs, labels(test)))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            save_checkpoint(folder / FILE, model=trainer.model, outputs=outputs, accuracy=found)
        return found

    kept = {name: history[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    return {**kept, "test_accuracy": tested}


def answers(model: nn.Module, test: Any) -> Tensor:
    """The scores (N, 10) of all test images."""
    scores: Tensor = Evaluator(model, "cross_entropy").predict(test, batch_size=TESTED_AT_ONCE)
    return scores


def load_run(folder: Path, model: nn.Module) -> dict[str, Any]:
    """Read what a run left into a model; its accuracy and its answers."""
    return load_checkpoint(folder / FILE, model=model)
