"""The streams of samples: reproducible, separate, uniform."""

from __future__ import annotations

import numpy as np

import dlframe as dl
from dlframe.data import DataLoader, Dataset, StackDataset, sample_generator
from dlframe.data.stream import SampleDraws, current_draws, drawing, splitting


def test_numbers_depend_on_seed_epoch_index_and_draw_only() -> None:
    together = SampleDraws(1, 2, [5, 9, 7])
    alone = SampleDraws(1, 2, [9])
    for _ in range(3):
        assert together.uniform()[1] == alone.uniform()[0]
    numbers = {
        SampleDraws(seed, epoch, [index]).uniform()[0]
        for seed in (0, 1, -1, 2**63 - 1)
        for epoch in range(5)
        for index in range(50)
    }
    assert len(numbers) == 4 * 5 * 50


def test_uniform() -> None:
    draws = SampleDraws(0, 0, range(40000))
    first, second = draws.uniform(), draws.uniform()
    for numbers in (first, second):
        assert numbers.min() >= 0
        assert numbers.max() < 1
        counts = np.histogram(numbers, 20, (0, 1))[0]
        assert ((counts - 2000) ** 2 / 2000).sum() < 45  # χ² with 19 degrees of freedom, p ≈ 0.001
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.02


def test_integers() -> None:
    numbers = SampleDraws(0, 0, range(9000)).integers(9)
    assert numbers.dtype == np.int64
    assert (np.abs(np.bincount(numbers, minlength=9) - 1000) < 150).all()
    assert (SampleDraws(0, 0, range(10)).integers(1) == 0).all()


def test_keys_that_are_no_numbers() -> None:
    a, b = SampleDraws(0, 0, ["a", ("b", 1)]).uniform()
    assert a != b


def test_parts_go_on_behind_the_longest() -> None:
    whole = SampleDraws(0, 0, [3, 4, 5])
    with drawing(whole):
        whole.uniform()
        with splitting() as narrow:
            with narrow([0]):
                part = current_draws()
                assert part is not None
                assert part.indices == [3]
                part.uniform()
            with narrow([1, 2]):
                part = current_draws()
                assert part is not None
                part.uniform()
                part.uniform()
        assert whole.drawn == 3
    assert current_draws() is None
    with splitting() as narrow, narrow([0]):
        assert current_draws() is None


class Noise(Dataset):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> float:
        return sample_generator().random() + sample_generator().random()


def test_generators_for_transforms_of_ones_own() -> None:
    def load(workers: int, batch_size: int) -> list[float]:
        dl.manual_seed(3)
        data = StackDataset(Noise(), Noise())
        loader = DataLoader(data, batch_size=batch_size, num_workers=workers)
        batches = [[part.tolist() for part in batch] for batch in loader]
        return [x for place in (0, 1) for batch in batches for x in batch[place]]

    numbers = load(0, 2)
    assert len(set(numbers)) == 12
    assert load(2, 3) == numbers
    dl.manual_seed(3)
    outside = sample_generator().random()
    assert sample_generator().random() != outside
    dl.manual_seed(3)
    assert sample_generator().random() == outside
