"""Writes data.npz: PyTorch's splits, samplers and loaders, for tests/data. Run by `make golden`."""

# ruff: noqa: NPY002 - NumPy's legacy generator is what a worker process seeds

from __future__ import annotations

import random as python_random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    DistributedSampler,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)

WEIGHTS = [0.1, 0.9, 0.4, 0.7, 3.0, 0.6]


def splits() -> Iterator[tuple[str, Any]]:
    three, seven = random_split(range(10), [3, 7], generator=torch.Generator().manual_seed(42))
    yield "split_3", three.indices
    yield "split_7", seven.indices
    torch.manual_seed(7)
    parts = random_split(range(30), [0.3, 0.3, 0.4])
    yield "split_30", [i for part in parts for i in part.indices]


def make_sampler(name: str, generator: torch.Generator | None) -> Any:
    return {
        "random": lambda: RandomSampler(range(100), generator=generator),
        "random_more": lambda: RandomSampler(range(10), num_samples=25, generator=generator),
        "random_replacement": lambda: RandomSampler(
            range(10), replacement=True, num_samples=70, generator=generator
        ),
        "subset": lambda: SubsetRandomSampler(list(range(50, 90)), generator=generator),
        "weighted": lambda: WeightedRandomSampler(WEIGHTS, 40, generator=generator),
        "weighted_once": lambda: WeightedRandomSampler(WEIGHTS, 6, False, generator=generator),
    }[name]()


def samplers() -> Iterator[tuple[str, Any]]:
    names = ("random", "random_more", "random_replacement", "subset", "weighted", "weighted_once")
    for name in names:
        torch.manual_seed(3)
        sampler = make_sampler(name, None)
        yield f"{name}_default", [*sampler, *sampler]
        sampler = make_sampler(name, torch.Generator().manual_seed(5))
        yield f"{name}_generator", [*sampler, *sampler]


def shares() -> Iterator[tuple[str, Any]]:
    """The indices of each process, in epochs 0 and 3."""
    for n, replicas, drop_last in ((10, 3, False), (10, 3, True), (2, 5, False)):
        parts = [
            DistributedSampler(range(n), replicas, rank, seed=4, drop_last=drop_last)
            for rank in range(replicas)
        ]
        seen = [list(part) for part in parts]
        for part in parts:
            part.set_epoch(3)
        yield f"shares_{n}_{replicas}_{drop_last}", [*seen, *map(list, parts)]


class Draws(Dataset):
    """Each sample is a number of torch's, of Python's and of NumPy's global generator."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[float, float, float]:
        return float(torch.rand(())), python_random.random(), np.random.rand()


def draws() -> Iterator[tuple[str, Any]]:
    """What the samples of two epochs draw in two workers, and the seeds that workers see."""
    for persistent in (False, True):
        torch.manual_seed(13)
        loader = DataLoader(Draws(), 2, num_workers=2, persistent_workers=persistent)
        seen = [torch.stack(batch).numpy() for _ in range(2) for batch in loader]
        yield f"draws_{persistent}", np.stack(seen)


class EagerSampler:
    """Draws its order when iter() is called, not at the first next()."""

    def __len__(self) -> int:
        return 12

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(12).tolist())


def make_loader(name: str, workers: int) -> DataLoader:
    data = TensorDataset(torch.arange(23))
    common = {"batch_size": 4, "num_workers": workers}
    return {
        "shuffled": lambda: DataLoader(data, shuffle=True, **common),
        "drop_last": lambda: DataLoader(data, shuffle=True, drop_last=True, **common),
        "own": lambda: DataLoader(
            data, shuffle=True, generator=torch.Generator().manual_seed(9), **common
        ),
        "weighted": lambda: DataLoader(data, sampler=WeightedRandomSampler(WEIGHTS, 10), **common),
        "eager": lambda: DataLoader(
            data, batch_size=None, sampler=EagerSampler(), num_workers=workers
        ),
        "persistent": lambda: DataLoader(
            data, shuffle=True, persistent_workers=workers > 0, **common
        ),
    }[name]()


def loaders() -> Iterator[tuple[str, Any]]:
    """Two epochs, between them two batches of a third that is broken off; then a draw."""
    for name in ("shuffled", "drop_last", "own", "weighted", "eager", "persistent"):
        for workers in (0, 2):
            torch.manual_seed(11)
            loader = make_loader(name, workers)
            seen = [int(i) for batch in loader for i in batch[0].reshape(-1)]
            for number, batch in enumerate(loader):
                seen += [int(i) for i in batch[0].reshape(-1)]
                if number == 1:
                    break
            seen += [int(i) for batch in loader for i in batch[0].reshape(-1)]
            seen.append(int(torch.randint(1_000_000, ())))
            yield f"loader_{name}_{workers}", seen


def images() -> Iterator[tuple[str, Any]]:
    """ToTensor and Normalize, in PyTorch's operations (torchvision does the same ones)."""
    pixels = torch.arange(2 * 3 * 4 * 3, dtype=torch.uint8).reshape(2, 3, 4, 3) * 3
    unit = pixels.permute(0, 3, 1, 2).contiguous().to(torch.float32).div(255)
    mean = torch.tensor([0.4914, 0.4822, 0.4465]).view(-1, 1, 1)
    std = torch.tensor([0.2470, 0.2435, 0.2616]).view(-1, 1, 1)
    yield "pixels", pixels.numpy()
    yield "normalized", unit.sub(mean).div(std).numpy()


def main() -> None:
    torch.set_num_threads(1)
    arrays = {
        name: np.asarray(value)
        for part in (splits(), samplers(), shares(), loaders(), draws(), images())
        for name, value in part
    }
    np.savez_compressed(Path(__file__).with_name("data.npz"), **arrays)


if __name__ == "__main__":
    main()
