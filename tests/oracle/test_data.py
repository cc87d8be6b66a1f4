"""Samplers, splits and loaders against PyTorch itself, for many seeds and sizes."""

# ruff: noqa: NPY002 - NumPy's legacy generator is what a worker process seeds

from __future__ import annotations

import random as python_random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import torch.utils.data as theirs  # noqa: E402 - torch is imported first, or the tests are skipped
from hypothesis import given  # noqa: E402 - torch is imported first, or the tests are skipped
from hypothesis import strategies as st  # noqa: E402 - torch is imported first, or the tests are skipped

import dlframe as dl  # noqa: E402 - torch is imported first, or the tests are skipped
from dlframe import data as ours  # noqa: E402 - torch is imported first, or the tests are skipped

SEEDS = st.integers(0, 2**63 - 1)


def both(seed: int) -> None:
    torch.manual_seed(seed)
    dl.manual_seed(seed)


def states_agree() -> bool:
    a = torch.randint(2**30, (3,)).tolist()
    return bool(a == dl.random.default_generator.randint(0, 2**30, (3,)).tolist())


@given(
    seed=SEEDS, n=st.integers(1, 300), counts=st.lists(st.floats(0.01, 1), min_size=1, max_size=4)
)
def test_random_split(seed: int, n: int, counts: list[float]) -> None:
    cuts = sorted(int(c * n) for c in counts)
    lengths = np.diff([0, *cuts, n]).tolist()
    if sum(lengths) == 1:  # [1, 0] would be read as fractions; so it is, in both, with warnings
        return
    both(seed)
    a = theirs.random_split(range(n), lengths)
    b = ours.random_split(range(n), lengths)
    assert [list(part.indices) for part in a] == [list(part.indices) for part in b]


@given(seed=SEEDS, n=st.integers(5, 100), k=st.integers(2, 5))
def test_random_split_by_fractions(seed: int, n: int, k: int) -> None:
    both(seed)
    fractions = [1 / 2**i for i in range(1, k)]
    fractions.append(1 - sum(fractions))
    n += 32  # no part is empty, which would warn
    a = theirs.random_split(range(n), fractions)
    b = ours.random_split(range(n), fractions)
    assert [list(part.indices) for part in a] == [list(part.indices) for part in b]


@given(
    seed=SEEDS,
    n=st.integers(1, 200),
    num_samples=st.none() | st.integers(1, 300),
    replacement=st.booleans(),
    own=st.booleans(),
)
def test_random_sampler(
    seed: int, n: int, num_samples: int | None, replacement: bool, own: bool
) -> None:
    both(seed)
    g, h = (torch.Generator().manual_seed(seed), dl.Generator().manual_seed(seed))
    a = theirs.RandomSampler(range(n), replacement, num_samples, g if own else None)
    b = ours.RandomSampler(range(n), replacement, num_samples, h if own else None)
    assert [*a, *a] == [*b, *b]
    assert states_agree()


@given(
    seed=SEEDS,
    weights=st.lists(st.floats(0.01, 10), min_size=1, max_size=20),
    replacement=st.booleans(),
)
def test_weighted_random_sampler(seed: int, weights: list[float], replacement: bool) -> None:
    both(seed)
    a = theirs.WeightedRandomSampler(weights, len(weights), replacement)
    b = ours.WeightedRandomSampler(weights, len(weights), replacement)
    assert list(a) == list(b)
    assert states_agree()


class Eager:
    def __init__(self, permutation: Any) -> None:
        self.permutation = permutation

    def __len__(self) -> int:
        return 10

    def __iter__(self) -> Iterator[int]:
        return iter(self.permutation())


def load(
    library: Any, make: Any, epochs: int, stop: int | None, options: dict[str, Any]
) -> list[Any]:
    """The values of some epochs, the first of which may be broken off."""
    loader = library.DataLoader(make(), **options)
    seen: list[Any] = []
    for epoch in range(epochs):
        for number, batch in enumerate(loader):
            seen.append(batch[0].tolist())
            if epoch == 0 and number == stop:
                break
    return seen


@given(
    seed=SEEDS,
    n=st.integers(1, 50),
    batch_size=st.integers(1, 9),
    drop_last=st.booleans(),
    stop=st.none() | st.integers(0, 5),
    own=st.booleans(),
)
def test_loader(
    seed: int, n: int, batch_size: int, drop_last: bool, stop: int | None, own: bool
) -> None:
    both(seed)
    options: dict[str, Any] = {"batch_size": batch_size, "shuffle": True, "drop_last": drop_last}
    g = {"generator": torch.Generator().manual_seed(seed)} if own else {}
    h = {"generator": dl.Generator().manual_seed(seed)} if own else {}
    a = load(theirs, lambda: theirs.TensorDataset(torch.arange(n)), 3, stop, {**options, **g})
    b = load(ours, lambda: ours.TensorDataset(dl.arange(n)), 3, stop, {**options, **h})
    assert a == b
    assert states_agree()


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("stop", [None, 1])
@pytest.mark.parametrize("prefetch", [1, 3])
def test_loader_with_workers(own: bool, persistent: bool, stop: int | None, prefetch: int) -> None:
    both(5)
    options: dict[str, Any] = {
        "batch_size": 3,
        "shuffle": True,
        "num_workers": 2,
        "persistent_workers": persistent,
        "prefetch_factor": prefetch,
    }
    g = {"generator": torch.Generator().manual_seed(6)} if own else {}
    h = {"generator": dl.Generator().manual_seed(6)} if own else {}
    a = load(theirs, lambda: theirs.TensorDataset(torch.arange(40)), 3, stop, {**options, **g})
    b = load(ours, lambda: ours.TensorDataset(dl.arange(40)), 3, stop, {**options, **h})
    assert a == b
    assert states_agree()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sampler_that_draws_at_once(workers: int) -> None:
    both(5)
    options = {"batch_size": None, "num_workers": workers}
    a = theirs.DataLoader(
        list(range(10)), sampler=Eager(lambda: torch.randperm(10).tolist()), **options
    )
    b = ours.DataLoader(
        list(range(10)),
        sampler=Eager(lambda: dl.random.default_generator.randperm(10).tolist()),
        **options,
    )
    assert [*a, *a] == [*b, *b]
    assert states_agree()


@pytest.mark.parametrize(
    "batch",
    [
        [1, 2],
        [True, False],
        [True, 2],
        [1.5, 2],
        [1, 2.5],
        [np.float64(1), np.float64(2)],
        [np.float32(1), np.float32(2)],
        [np.int16(1), np.int16(2)],
        [np.ones(2), np.ones(2)],
        [(1, 2.0), (3, 4.0)],
        [{"a": 1}, {"a": 2}],
        ["a", "b"],
        [[1, "a"], [2, "b"]],
        [range(2), range(2)],
    ],
    ids=repr,
)
def test_collate(batch: Any) -> None:
    def plain(value: Any) -> Any:
        if hasattr(value, "dtype"):
            return value.tolist(), str(value.dtype).removeprefix("torch.")
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value), [plain(inner) for inner in value]
        return value

    assert plain(ours.default_collate(batch)) == plain(theirs.default_collate(batch))
    assert plain(ours.default_convert(batch)) == plain(theirs.default_convert(batch))


@given(seed=SEEDS, worker=st.integers(0, 20))
def test_seeds_of_numpy_in_workers(seed: int, worker: int) -> None:
    from torch.utils.data._utils.worker import _generate_state

    from dlframe.data.workers import seed_worker_process

    saved = (python_random.getstate(), np.random.get_state())
    try:
        seed_worker_process(seed, worker)
        drawn = np.random.rand()
        np.random.seed(_generate_state(seed, worker))
        assert drawn == np.random.rand()
    finally:
        python_random.setstate(saved[0])
        np.random.set_state(saved[1])
