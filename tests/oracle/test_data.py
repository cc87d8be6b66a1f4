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
from hypothesis import given, settings  # noqa: E402 - torch is imported first, or the tests are skipped
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


@given(
    seed=st.integers(0, 2**40),
    epoch=st.integers(0, 1000),
    n=st.integers(0, 60),
    replicas=st.integers(1, 9),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
)
def test_distributed_sampler(
    seed: int, epoch: int, n: int, replicas: int, shuffle: bool, drop_last: bool
) -> None:
    if drop_last and n < replicas:
        n = replicas  # PyTorch: a negative number of samples
    if n == 0 and replicas > 1:
        n = 1  # PyTorch divides by it
    for rank in range(replicas):
        options = (replicas, rank, shuffle, seed, drop_last)
        a = theirs.DistributedSampler(range(n), *options)
        b = ours.DistributedSampler(range(n), *options)
        a.set_epoch(epoch)
        b.set_epoch(epoch)
        assert (list(a), len(a)) == (list(b), len(b))


class Drawing:
    """Each sample is a number of the library's, of Python's and of NumPy's global generator."""

    def __init__(self, library: Any) -> None:
        self.library = library

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> tuple[Any, float, float]:
        return self.library.rand(()), python_random.random(), np.random.rand()


def reseeded(worker: int) -> None:
    """What PyTorch's page on reproducibility recommends as `worker_init_fn`."""
    seed = torch.initial_seed() % 2**32
    np.random.seed(seed)
    python_random.seed(seed)


def reseeded_here(worker: int) -> None:
    seed = dl.initial_seed() % 2**32
    np.random.seed(seed)
    python_random.seed(seed)


@pytest.mark.parametrize("init", [False, True])
@pytest.mark.parametrize("persistent", [False, True])
def test_draws_in_workers(persistent: bool, init: bool) -> None:
    both(8)
    options = {
        "batch_size": 2,
        "num_workers": 2,
        "persistent_workers": persistent,
        "multiprocessing_context": "fork",
    }
    a = theirs.DataLoader(Drawing(torch), worker_init_fn=reseeded if init else None, **options)
    b = ours.DataLoader(Drawing(dl), worker_init_fn=reseeded_here if init else None, **options)
    seen = [[[x.tolist() for x in batch] for _ in range(3) for batch in c] for c in (a, b)]
    assert seen[0] == seen[1]
    assert states_agree()


class Counting(Exception):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(a, b)


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), KeyError("x"), OSError(2, "x"), Counting(1, 2), IndexError("x"),
     MemoryError(), AssertionError("x"), SystemExit(3)],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_a_workers_error_is_caught_as(error: BaseException) -> None:
    class Broken:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> int:
            raise error

    caught = []
    for library in (theirs, ours):
        with pytest.raises(Exception) as info:
            list(library.DataLoader(Broken(), num_workers=1))
        caught.append(info.value)
    assert isinstance(caught[1], type(caught[0])), caught


def stream(library: Any, n: int, length: int | None = None) -> Any:
    """A stream, of which each worker takes its share where no length is given."""

    class Stream(library.IterableDataset):
        def __iter__(self) -> Iterator[int]:
            info = library.get_worker_info()
            share = length is None and info is not None
            return iter(range(info.id, n, info.num_workers) if share else range(n))

        def __len__(self) -> int:
            assert length is not None
            return length

    return Stream()


@given(
    n=st.integers(0, 20),
    workers=st.integers(0, 2),
    batch_size=st.none() | st.integers(1, 4),
    drop_last=st.booleans(),
    persistent=st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_streams(
    n: int, workers: int, batch_size: int | None, drop_last: bool, persistent: bool
) -> None:
    options = {
        "num_workers": workers,
        "batch_size": batch_size,
        "drop_last": drop_last and batch_size is not None,
        "persistent_workers": persistent and workers > 0,
    }
    seen = []
    for library in (theirs, ours):
        loader = library.DataLoader(stream(library, n), **options)
        rows = [x if batch_size is None else x.tolist() for _ in range(2) for x in loader]
        seen.append(rows)
    assert seen[0] == seen[1]


@pytest.mark.parametrize("workers", [0, 2])
def test_warnings_of_a_length_that_is_too_small(workers: int) -> None:
    for library in (theirs, ours):
        loader = library.DataLoader(stream(library, 4, 3), num_workers=workers)
        assert len(loader) == 3
        with pytest.warns(UserWarning, match="Length of IterableDataset .* reported to be 3"):
            list(loader)


def test_names_are_all_there() -> None:
    import dlframe.utils.data as mine

    private = {"graph", "graph_settings"}  # of pipes
    names = {name for name in dir(theirs) if not name.startswith("_")} - private
    assert names - set(dir(mine)) == set()
    for name in ("dataset", "sampler", "distributed", "dataloader"):
        assert set(getattr(theirs, name).__all__) <= set(getattr(mine, name).__all__)
