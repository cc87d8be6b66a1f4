"""A loader continues in the middle of an epoch, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dlframe as dl
from dlframe.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
)
from dlframe.data.transforms import RandomCrop
from dlframe.errors import StateDictError


class Noisy(Dataset):
    """Each sample is its index and a random crop, so that augmentation shows too."""

    def __len__(self) -> int:
        return 17

    def __getitem__(self, index: int) -> tuple[int, float]:
        crop = RandomCrop(1)(np.arange(400.0).reshape(20, 20))
        return index, float(crop[0, 0])


class Stream(IterableDataset):
    def __iter__(self) -> Iterator[int]:
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info else (0, 1)
        return iter(range(first, 17, step))


class Eager:
    def __iter__(self) -> Iterator[int]:
        return iter(dl.random.default_generator.randperm(17).tolist())


def sampled(generator: Any) -> Any:
    return WeightedRandomSampler(np.arange(1.0, 18), 20, generator=generator)


MAKERS: dict[str, Any] = {
    "shuffled": lambda **options: DataLoader(Noisy(), 3, shuffle=True, **options),
    "in order": lambda **options: DataLoader(Noisy(), 3, **options),
    "drop last": lambda **options: DataLoader(Noisy(), 3, True, drop_last=True, **options),
    "own generator": lambda **options: DataLoader(
        Noisy(), 3, True, generator=dl.Generator().manual_seed(5), **options
    ),
    "sampler's generator": lambda **options: DataLoader(
        Noisy(), 3, sampler=sampled(dl.Generator().manual_seed(5)), **options
    ),
    "with replacement": lambda **options: DataLoader(
        Noisy(),
        3,
        sampler=RandomSampler(
            range(17), replacement=True, num_samples=70, generator=dl.Generator().manual_seed(5)
        ),
        **options,
    ),
    "eager": lambda **options: DataLoader(Noisy(), sampler=Eager(), batch_size=None, **options),
    "stream": lambda **options: DataLoader(Stream(), 3, **options),
}


def flat(batch: Any) -> Any:
    if isinstance(batch, (list, tuple)):
        return [flat(part) for part in batch]
    return batch.tolist() if hasattr(batch, "tolist") else batch


def run(loader: Any, epochs: int, log: list[Any], stop: int = -1) -> dict[str, Any] | None:
    """A training loop that also draws random numbers itself; stops after `stop` batches."""
    for _ in range(epochs):
        for batch in loader:
            log.append((flat(batch), dl.random.default_generator.uniform((1,)).item()))
            if len(log) == stop:
                return {"loader": loader.state_dict(), "random": dl.random.get_rng_state()}
    return None


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", MAKERS)
def test_stopped_at_every_batch(name: str, workers: int) -> None:
    """Three epochs uninterrupted, against the same stopped anywhere and resumed elsewhere."""
    dl.manual_seed(1)
    whole: list[Any] = []
    run(MAKERS[name](num_workers=workers), 3, whole)
    per_epoch = len(whole) // 3
    for stop in range(1, 2 * per_epoch + 1):
        dl.manual_seed(1)
        log: list[Any] = []
        saved = run(MAKERS[name](num_workers=workers), 3, log, stop)
        assert saved is not None
        dl.manual_seed(999)
        loader = MAKERS[name](num_workers=workers)
        loader.load_state_dict(saved["loader"])
        dl.random.set_rng_state(saved["random"])
        run(loader, 3 - (stop - 1) // per_epoch, log)
        assert log == whole, f"stopped after {stop} batches"


@given(
    stop=st.integers(1, 11),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    prefetch=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_with_another_number_of_workers(
    stop: int, before: int, after: int, prefetch: int, seed: int
) -> None:
    """The batches are the same; only the moment of drawing ahead differs."""

    def make(workers: int) -> DataLoader:
        factor = prefetch if workers else None
        return DataLoader(Noisy(), 3, shuffle=True, num_workers=workers, prefetch_factor=factor)

    def batches(loader: Any, log: list[Any], stop: int = -1) -> None:
        for batch in loader:
            log.append(flat(batch))
            if len(log) == stop:
                return

    dl.manual_seed(seed)
    whole: list[Any] = []
    loader = make(0)
    for _ in range(2):
        batches(loader, whole)
    dl.manual_seed(seed)
    loader = make(before)
    log: list[Any] = []
    batches(loader, log, stop)
    if stop > 6:  # an epoch has 6 batches
        batches(loader, log, stop)
    state = loader.state_dict()
    loader = make(after)
    loader.load_state_dict(state)
    first = 6 if len(log) <= 6 else 12
    batches(loader, log)
    assert log == whole[:first]


@pytest.mark.parametrize("workers", [0, 2])
def test_persistent_workers_and_epochs(workers: int) -> None:
    def make() -> DataLoader:
        return DataLoader(Noisy(), 3, True, num_workers=workers, persistent_workers=workers > 0)

    dl.manual_seed(1)
    whole: list[Any] = []
    run(make(), 3, whole)
    for stop in (1, 7, 12, 13):
        dl.manual_seed(1)
        log: list[Any] = []
        saved = run(make(), 3, log, stop)
        assert saved is not None
        loader = make()
        loader.load_state_dict(saved["loader"])
        dl.random.set_rng_state(saved["random"])
        run(loader, 3 - (stop - 1) // 6, log)
        assert log == whole


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_that_do_not_stay_leave_no_seed(workers: int) -> None:
    loader, again = (DataLoader(Noisy(), 3, True, num_workers=workers) for _ in range(2))
    batches = iter(loader)
    next(batches)
    again.load_state_dict(loader.state_dict())
    list(again)
    list(batches)
    assert again.state_dict() == loader.state_dict()


@pytest.mark.parametrize("used", [False, True])
def test_persistent_workers_between_epochs(used: bool) -> None:
    def make() -> DataLoader:
        return DataLoader(Noisy(), 3, True, num_workers=2, persistent_workers=True)

    dl.manual_seed(1)
    loader = make()
    places, whole = [], []
    for _ in range(4):
        places.append((loader.state_dict(), dl.get_rng_state()))
        whole.append([flat(batch) for batch in loader])
    for i, (state, randomness) in enumerate(places):
        again = make()
        if used:  # its workers have another seed
            list(again)
        again.load_state_dict(state)
        if not used and i:
            assert again.state_dict()["kept_seed"] == state["kept_seed"]
        dl.set_rng_state(randomness)
        assert [[flat(batch) for batch in again] for _ in range(i, 4)] == whole[i:]


def test_a_state_taken_between_epochs() -> None:
    loader = DataLoader(Noisy(), 3, True, generator=dl.Generator().manual_seed(3))
    list(loader)
    state = loader.state_dict()
    expected = [flat(batch) for batch in loader]
    again = DataLoader(Noisy(), 3, True, generator=dl.Generator())
    again.load_state_dict(state)
    assert [flat(batch) for batch in again] == expected


def test_saving_changes_nothing_and_a_loaded_state_can_be_saved() -> None:
    dl.manual_seed(1)
    expected = [flat(batch) for batch in DataLoader(Noisy(), 3, True)]
    dl.manual_seed(1)
    loader = DataLoader(Noisy(), 3, True)
    seen, states = [], []
    for batch in loader:
        seen.append(flat(batch))
        states.append(loader.state_dict())
    assert seen == expected
    loader.load_state_dict(states[1])
    assert loader.state_dict().keys() == states[1].keys()
    loader.load_state_dict(loader.state_dict())
    assert [flat(batch) for batch in loader] == expected[2:]


def test_the_state_is_numbers_and_arrays() -> None:
    loader = DataLoader(Noisy(), 3, True, generator=dl.Generator())
    next(iter(loader))

    def check(value: Any) -> None:
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value)
            for inner in value.values():
                check(inner)
        else:
            assert isinstance(value, (int, bool, np.ndarray))

    check(loader.state_dict())


class TestErrors:
    def state(self, loader: Any) -> Any:
        next(iter(loader))
        return loader.state_dict()

    def test_another_length(self) -> None:
        state = self.state(DataLoader(TensorDataset(dl.arange(5))))
        with pytest.raises(StateDictError, match="of 5 samples, this one has 6"):
            DataLoader(TensorDataset(dl.arange(6))).load_state_dict(state)

    def test_another_batch_size(self) -> None:
        state = self.state(DataLoader(TensorDataset(dl.arange(5)), batch_size=2))
        loader = DataLoader(TensorDataset(dl.arange(5)), batch_size=3)
        loader.load_state_dict(state)
        with pytest.raises(StateDictError, match="gives other indices than in the saved run"):
            iter(loader)

    def test_a_sampler_that_ends_earlier(self) -> None:
        loader = DataLoader(TensorDataset(dl.arange(5)), batch_size=1)
        iterator = iter(loader)
        for _ in range(4):
            next(iterator)
        state = loader.state_dict()
        loader = DataLoader(TensorDataset(dl.arange(5)), batch_size=2)
        loader.load_state_dict(state)
        with pytest.raises(StateDictError, match="ended after 3 batches, the saved run had drawn"):
            iter(loader)

    def test_a_sampler_with_randomness_of_its_own(self) -> None:
        class Own:
            random = np.random.default_rng(0)

            def __iter__(self) -> Iterator[int]:
                return iter(self.random.permutation(1000).tolist())

        data = TensorDataset(dl.arange(1000))
        state = self.state(DataLoader(data, sampler=Own()))
        loader = DataLoader(data, sampler=Own())
        loader.load_state_dict(state)
        with pytest.raises(StateDictError, match="attribute `generator`"):
            iter(loader)

    def test_other_generators(self) -> None:
        data = TensorDataset(dl.arange(5))
        state = self.state(DataLoader(data, shuffle=True, generator=dl.Generator()))
        with pytest.raises(StateDictError, match=r"has 1 generators .* this loader has 0"):
            DataLoader(data, shuffle=True).load_state_dict(state)

    def test_no_state_at_all(self) -> None:
        with pytest.raises(StateDictError, match="not the state of a DataLoader"):
            DataLoader([1]).load_state_dict({"weights": 1})
