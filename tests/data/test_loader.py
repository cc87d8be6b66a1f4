"""The loader: PyTorch's batches, every sample once, whatever the workers."""

from __future__ import annotations

import warnings
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
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
)

WEIGHTS = [0.1, 0.9, 0.4, 0.7, 3.0, 0.6]


class EagerSampler:
    """Draws its order when iter() is called, not at the first next()."""

    def __len__(self) -> int:
        return 12

    def __iter__(self) -> Iterator[int]:
        return iter(dl.random.default_generator.randperm(12).tolist())


class Plain(Dataset):
    """Samples one by one, as a user writes it."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.full(2, index, np.float32), index


class Stream(IterableDataset):
    def __init__(self, n: int, length: int | None = None) -> None:
        self.n = n
        self.length = length

    def __iter__(self) -> Iterator[int]:
        info = get_worker_info()
        if info is None:
            return iter(range(self.n))
        return iter(range(info.id, self.n, info.num_workers))

    def __len__(self) -> int:
        if self.length is None:
            raise TypeError("unknown")
        return self.length


def numbers(loader: Any) -> list[int]:
    return [int(i) for batch in loader for i in np.reshape(batch[-1].array, -1)]


def make_loader(name: str, workers: int) -> DataLoader:
    data = TensorDataset(dl.arange(23))
    common: dict[str, Any] = {"batch_size": 4, "num_workers": workers}
    return {
        "shuffled": lambda: DataLoader(data, shuffle=True, **common),
        "drop_last": lambda: DataLoader(data, shuffle=True, drop_last=True, **common),
        "own": lambda: DataLoader(
            data, shuffle=True, generator=dl.Generator().manual_seed(9), **common
        ),
        "weighted": lambda: DataLoader(data, sampler=WeightedRandomSampler(WEIGHTS, 10), **common),
        "eager": lambda: DataLoader(
            data, batch_size=None, sampler=EagerSampler(), num_workers=workers
        ),
        "persistent": lambda: DataLoader(
            data, shuffle=True, persistent_workers=workers > 0, **common
        ),
    }[name]()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "name", ["shuffled", "drop_last", "own", "weighted", "eager", "persistent"]
)
def test_equal_to_pytorch(golden: Any, name: str, workers: int) -> None:
    """Two epochs, between them two batches of a third; then a draw, which shows the state left."""
    dl.manual_seed(11)
    loader = make_loader(name, workers)
    seen = numbers(loader)
    for number, batch in enumerate(loader):
        seen += [int(i) for i in batch[0].array.reshape(-1)]
        if number == 1:
            break
    seen += numbers(loader)
    seen.append(int(dl.random.default_generator.randint(0, 1_000_000, (1,))[0]))
    assert seen == golden("data")[f"loader_{name}_{workers}"].tolist()


@given(
    n=st.integers(1, 40),
    batch_size=st.integers(1, 12),
    workers=st.integers(0, 3),
    prefetch=st.integers(1, 4),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    whole=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_every_sample_once_in_an_order_without_workers_in_it(
    n: int,
    batch_size: int,
    workers: int,
    prefetch: int,
    shuffle: bool,
    drop_last: bool,
    whole: bool,
    seed: int,
) -> None:
    data = TensorDataset(dl.arange(n)) if whole else Plain(n)

    def load(workers: int) -> list[list[int]]:
        dl.manual_seed(seed)
        factor = prefetch if workers else None
        loader = DataLoader(
            data,
            batch_size,
            shuffle,
            drop_last=drop_last,
            num_workers=workers,
            prefetch_factor=factor,
        )
        batches = [batch[-1].tolist() for batch in loader]
        assert len(batches) == len(loader)
        return batches

    batches = load(workers)
    assert batches == load(0)
    flat = [i for batch in batches for i in batch]
    kept = n // batch_size * batch_size if drop_last else n
    assert len(flat) == kept
    assert len(set(flat)) == kept
    assert set(flat) <= set(range(n))
    if not shuffle:
        assert flat == list(range(kept))
    assert all(len(batch) == batch_size for batch in batches[:-1])


def test_one_batch_has_the_dtypes_of_pytorch() -> None:
    image, label = next(iter(DataLoader(Plain(4), batch_size=3)))
    assert (image.shape, image.dtype) == ((3, 2), np.float32)
    assert (label.shape, label.dtype) == ((3,), np.int64)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("subset", [False, True])
def test_a_batch_never_shares_memory_with_the_data(
    workers: int, shuffle: bool, subset: bool
) -> None:
    array = np.arange(12.0).reshape(6, 2)
    data: Any = TensorDataset(array)
    if subset:
        data = Subset(data, range(6))
    for (batch,) in DataLoader(data, batch_size=3, shuffle=shuffle, num_workers=workers):
        batch.array[...] = -1
    assert array.tolist() == np.arange(12.0).reshape(6, 2).tolist()


def test_a_collate_function_gets_a_list_of_samples() -> None:
    def collate(samples: Any) -> Any:
        assert len(samples) == 2
        first, second = samples
        return [first[1].item(), second[1].item()]

    data = TensorDataset(dl.zeros(4, 2), dl.arange(4))
    assert list(DataLoader(data, batch_size=2, collate_fn=collate)) == [[0, 1], [2, 3]]


def test_without_batches() -> None:
    image, label = next(iter(DataLoader(Plain(3), batch_size=None)))
    assert isinstance(image, dl.Tensor)
    assert label == 0
    lists = [[2, 1], [0]]
    loader = DataLoader(TensorDataset(dl.arange(3)), batch_size=None, sampler=lists)
    assert [batch[0].tolist() for batch in loader] == lists
    assert len(loader) == 2


def test_a_batch_sampler() -> None:
    lists = [[2, 1], [0], [1, 1, 1]]
    loader = DataLoader(TensorDataset(dl.arange(3)), batch_sampler=lists)
    assert [batch[0].tolist() for batch in loader] == lists
    assert loader.batch_size is None
    assert len(loader) == 3


def test_a_list_is_a_data_set_and_so_is_a_dict_with_a_sampler_of_keys() -> None:
    assert [b.tolist() for b in DataLoader([5, 6, 7], batch_size=2)] == [[5, 6], [7]]
    loader = DataLoader({"a": 1, "b": 2}, batch_size=2, sampler=["b", "a"])
    assert next(iter(loader)).tolist() == [2, 1]


class TestStreams:
    @pytest.mark.parametrize("workers", [0, 1, 2, 3])
    @pytest.mark.parametrize("drop_last", [False, True])
    def test_every_sample_once(self, workers: int, drop_last: bool) -> None:
        loader = DataLoader(Stream(20), batch_size=3, num_workers=workers, drop_last=drop_last)
        batches = [batch.tolist() for batch in loader]
        flat = [i for batch in batches for i in batch]
        assert len(set(flat)) == len(flat)
        if drop_last:
            assert all(len(batch) == 3 for batch in batches)
        else:
            assert sorted(flat) == list(range(20))

    def test_the_order_of_pytorch(self) -> None:
        """Batches come from worker 0, 1, 0, 1 …; see torch's documentation of IterableDataset."""
        loader = DataLoader(Stream(7), batch_size=2, num_workers=2)
        assert [batch.tolist() for batch in loader] == [[0, 2], [1, 3], [4, 6], [5]]
        loader = DataLoader(Stream(5), batch_size=None, num_workers=2)
        assert list(loader) == [0, 1, 2, 3, 4]

    def test_each_worker_has_a_copy_to_set_up(self) -> None:
        class Range(IterableDataset):
            def __init__(self) -> None:
                self.start, self.end = 0, 6

            def __iter__(self) -> Iterator[int]:
                return iter(range(self.start, self.end))

        def split(worker: int) -> None:
            info = get_worker_info()
            assert info is not None
            share = 6 // info.num_workers
            info.dataset.start = worker * share
            info.dataset.end = (worker + 1) * share

        data = Range()
        loader = DataLoader(data, batch_size=3, num_workers=2, worker_init_fn=split)
        assert [batch.tolist() for batch in loader] == [[0, 1, 2], [3, 4, 5]]
        assert (data.start, data.end) == (0, 6)

    def test_length(self) -> None:
        assert len(DataLoader(Stream(7, 7), batch_size=2)) == 4
        assert len(DataLoader(Stream(7, 7), batch_size=2, drop_last=True)) == 3
        assert len(DataLoader(Stream(7, 7), batch_size=None)) == 7
        with pytest.raises(TypeError):
            len(DataLoader(Stream(7)))

    def test_a_wrong_length_warns(self) -> None:
        loader = DataLoader(Stream(7, 3), batch_size=None)
        with warnings.catch_warnings():
            list(loader)  # nobody asked
        len(loader)
        with pytest.warns(UserWarning, match=r"reported to be 3 .* but 4 samples"):
            list(loader)

    def test_order_options_are_refused(self) -> None:
        for option in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
            with pytest.raises(ValueError, match=r"IterableDataset: expected unspecified"):
                DataLoader(Stream(3), **option)  # type: ignore[arg-type] # wrong on purpose
        DataLoader(Stream(3), shuffle=False)


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"num_workers": -1}, "num_workers option should be non-negative"),
            ({"timeout": -1}, "timeout option should be non-negative"),
            ({"prefetch_factor": 2}, "prefetch_factor option could only be"),
            ({"num_workers": 1, "prefetch_factor": -1}, "prefetch_factor .* non-negative"),
            ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
            ({"worker_type": "fiber"}, "'thread' or 'process'; got 'fiber'"),
            ({"sampler": [0], "shuffle": True}, "sampler option is mutually exclusive"),
            ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler option is mutually"),
            ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler option is mutually"),
            ({"batch_sampler": [[0]], "sampler": [0]}, "batch_sampler option is mutually"),
            ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler option is mutually"),
            ({"batch_size": None, "drop_last": True}, "batch_size=None option disables"),
            ({"batch_size": 0}, "batch_size=0"),
            ({"multiprocessing_context": "spawn"}, "only be used with num_workers > 0"),
            ({"num_workers": 1, "multiprocessing_context": "x"}, "valid start method"),
        ],
    )
    def test_values_are_checked(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            DataLoader([1, 2, 3], **options)

    def test_types_are_checked(self) -> None:
        with pytest.raises(TypeError, match="valid context object"):
            DataLoader([1], num_workers=1, multiprocessing_context=3)  # type: ignore[arg-type] # wrong on purpose

    def test_a_timeout_needs_a_worker(self) -> None:
        with pytest.raises(ValueError, match="timeout needs num_workers > 0"):
            iter(DataLoader([1], timeout=1))

    def test_an_empty_data_set_cannot_be_shuffled(self) -> None:
        assert list(DataLoader([])) == []
        with pytest.raises(ValueError, match="num_samples=0"):
            DataLoader([], shuffle=True)

    def test_attributes_are_fixed(self) -> None:
        loader = DataLoader([1, 2])
        with pytest.raises(ValueError, match="batch_size attribute should not be set after"):
            loader.batch_size = 3
        loader.collate_fn = list
        assert next(iter(loader)) == [1]

    def test_accepted_for_pytorch(self) -> None:
        with warnings.catch_warnings():
            loader = DataLoader(
                [1, 2], pin_memory=True, pin_memory_device="cuda", in_order=False, num_workers=1
            )
            assert numbers([[batch] for batch in loader]) == [1, 2]

    def test_what_pytorch_shows(self) -> None:
        loader = DataLoader([1, 2, 3], batch_size=2, shuffle=True)
        assert isinstance(loader.sampler, RandomSampler)
        assert len(loader) == 2
        assert len(iter(loader)) == 2


def test_several_iterators_at_once() -> None:
    loader = DataLoader([1, 2, 3], num_workers=1)
    pairs = [(a.item(), b.item()) for a, b in zip(loader, loader, strict=True)]
    assert pairs == [(1, 1), (2, 2), (3, 3)]


def test_an_iterator_stays_at_its_end() -> None:
    for workers in (0, 1):
        iterator = iter(DataLoader([1], num_workers=workers))
        next(iterator)
        for _ in range(2):
            with pytest.raises(StopIteration):
                next(iterator)


class TestErrorsInTheMainThread:
    def test_the_sample_is_named_and_the_error_stays_what_it_is(self) -> None:
        class Broken(Plain):
            def __getitem__(self, index: int) -> Any:
                if index == 5:
                    raise KeyError("no such file")
                return super().__getitem__(index)

        with pytest.raises(KeyError) as caught:
            list(DataLoader(Broken(8), batch_size=3))
        assert caught.value.__notes__ == ["while fetching sample 5 of Broken"]
        with pytest.raises(KeyError) as caught:
            list(DataLoader(Subset(Broken(8), [7, 6, 5]), batch_size=3))
        note = "while fetching sample 2 of Subset of Broken (sample 5 of Broken)"
        assert caught.value.__notes__ == [note]

    def test_the_sample_is_found_in_a_whole_batch(self) -> None:
        data = Subset(TensorDataset(dl.arange(4)), [0, 1, 9, 2])
        with pytest.raises(IndexError) as caught:
            list(DataLoader(data, batch_size=4))
        note = "while fetching sample 2 of Subset of TensorDataset (sample 9 of TensorDataset)"
        assert note in caught.value.__notes__

    def test_samples_that_do_not_fit_together_are_named(self) -> None:
        data = [np.zeros(2), np.zeros(3)]
        with pytest.raises(RuntimeError, match="stack expects") as caught:
            list(DataLoader(data, batch_size=2))
        assert caught.value.__notes__ == ["while collating samples [0, 1] of list"]

    def test_stop_iteration_does_not_end_the_epoch_without_a_word(self) -> None:
        class Stops(Plain):
            def __getitem__(self, index: int) -> Any:
                raise StopIteration

        with pytest.raises(RuntimeError, match="raised StopIteration"):
            list(DataLoader(Stops(3)))
