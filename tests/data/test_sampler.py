"""Samplers give PyTorch's indices for PyTorch's seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

WEIGHTS = [0.1, 0.9, 0.4, 0.7, 3.0, 0.6]


def make(name: str, generator: Any) -> Any:
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


NAMES = ["random", "random_more", "random_replacement", "subset", "weighted", "weighted_once"]


@pytest.mark.parametrize("name", NAMES)
def test_equal_to_pytorch(golden: Any, name: str) -> None:
    """Two passes each: the second shows how far the first has advanced the generator."""
    reference = golden("data")
    dl.manual_seed(3)
    sampler = make(name, None)
    assert [*sampler, *sampler] == reference[f"{name}_default"].tolist()
    sampler = make(name, dl.Generator().manual_seed(5))
    assert [*sampler, *sampler] == reference[f"{name}_generator"].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_indices_are_python_ints_and_as_many_as_promised(name: str) -> None:
    sampler = make(name, None)
    indices = list(sampler)
    assert len(indices) == len(sampler)
    assert {type(i) for i in indices} == {int}


def test_sequential() -> None:
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    assert len(SequentialSampler("abc")) == 3


def test_the_base_class_says_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(Sampler())


def test_random_sampler_checks_its_arguments() -> None:
    with pytest.raises(ValueError, match="num_samples=0"):
        RandomSampler([])
    with pytest.raises(ValueError, match="num_samples=-1"):
        RandomSampler([1], num_samples=-1)
    with pytest.raises(TypeError, match="replacement=1"):
        RandomSampler([1], replacement=1)  # type: ignore[arg-type] # wrong on purpose


def test_the_size_of_the_data_may_change() -> None:
    data = [1, 2]
    sampler = RandomSampler(data)
    data.append(3)
    assert sorted(sampler) == [0, 1, 2]
    assert len(sampler) == 3


def test_weighted_sampler_checks_its_arguments() -> None:
    for wrong in (0, -1, True, 2.0):
        with pytest.raises(ValueError, match="num_samples"):
            WeightedRandomSampler(WEIGHTS, wrong)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(ValueError, match="replacement"):
        WeightedRandomSampler(WEIGHTS, 2, replacement=None)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(ValueError, match=r"weights have shape \(1, 2\)"):
        WeightedRandomSampler([[0.5, 0.5]], 2)  # type: ignore[list-item] # wrong on purpose


def test_weights_may_be_tensors_and_stay_unchanged() -> None:
    weights = dl.tensor([0.0, 1.0])
    sampler = WeightedRandomSampler(weights, 2)  # type: ignore[arg-type] # wrong on purpose
    assert sampler.weights.dtype == np.float64
    assert list(sampler) == [1, 1]
    assert weights.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("n", "drop_last", "expected"),
    [
        (5, False, [[0, 1], [2, 3], [4]]),
        (5, True, [[0, 1], [2, 3]]),
        (4, True, [[0, 1], [2, 3]]),
        (1, True, []),
        (0, False, []),
    ],
)
def test_batches(n: int, drop_last: bool, expected: list[list[int]]) -> None:
    sampler = BatchSampler(range(n), 2, drop_last)
    assert list(sampler) == expected
    assert len(sampler) == len(expected)


def test_batch_sampler_checks_its_arguments() -> None:
    for wrong in (0, -1, True, 2.0):
        with pytest.raises(ValueError, match=f"batch_size={wrong}"):
            BatchSampler([], wrong, False)  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(ValueError, match="drop_last=0"):
        BatchSampler([], 1, 0)  # type: ignore[arg-type] # wrong on purpose


class TestDistributed:
    @pytest.mark.parametrize("case", [(10, 3, False), (10, 3, True), (2, 5, False)])
    def test_equal_to_pytorch(self, golden: Any, case: tuple[int, int, bool]) -> None:
        n, replicas, drop_last = case
        parts = [
            DistributedSampler(range(n), replicas, rank, seed=4, drop_last=drop_last)
            for rank in range(replicas)
        ]
        seen = [list(part) for part in parts]
        for part in parts:
            part.set_epoch(3)
        seen += map(list, parts)
        assert seen == golden("data")[f"shares_{n}_{replicas}_{drop_last}"].tolist()
        assert {len(part) for part in parts} == {len(share) for share in seen}

    def test_in_a_loader(self) -> None:
        data = list(range(10))
        shares = [DistributedSampler(data, 2, rank, shuffle=False) for rank in range(2)]
        seen = [[b.tolist() for b in DataLoader(data, 3, sampler=share)] for share in shares]
        assert seen == [[[0, 2, 4], [6, 8]], [[1, 3, 5], [7, 9]]]

    def test_it_asks_for_the_processes(self) -> None:
        with pytest.raises(RuntimeError, match="num_replicas=1, rank=0"):
            DistributedSampler(range(3))
        with pytest.raises(ValueError, match=r"in the interval \[0, 1\]"):
            DistributedSampler(range(3), 2, 2)

    def test_without_samples(self) -> None:
        assert list(DistributedSampler([], 2, 1)) == []


def test_weights_are_a_tensor() -> None:
    assert WeightedRandomSampler([1, 2], 1).weights.dtype == dl.float64
