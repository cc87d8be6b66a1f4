"""Data sets: samples, whole batches, splits and errors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.data import (
    Batch,
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from dlframe.data.dataset import batch_getter, fetch
from dlframe.errors import ArgumentError, ShapeError


class Numbers(Dataset):
    def __init__(self, n: int, start: int = 0) -> None:
        self.n = n
        self.start = start

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> int:
        if not -self.n <= index < self.n:
            raise IndexError(index)
        return self.start + index


class Stream(IterableDataset):
    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.n))

    def __len__(self) -> int:
        return self.n


def columns(batch: Any) -> list[Any]:
    assert isinstance(batch, Batch)
    return [np.asarray(part.array).tolist() for part in batch.parts()]


def test_the_base_classes_say_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match="__getitem__"):
        Dataset()[0]
    with pytest.raises(TypeError, match="__iter__"):
        IterableDataset()


class TestTensorDataset:
    def test_samples_and_batches(self) -> None:
        data = TensorDataset(dl.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), dl.tensor([7, 8, 9]))
        assert len(data) == 3
        point, label = data[-1]
        assert point.tolist() == [4.0, 5.0]
        assert label.item() == 9
        assert columns(data.__getitems__([2, 0, 2])) == [[[4, 5], [0, 1], [4, 5]], [9, 7, 9]]

    def test_arrays_are_shared_and_their_dtype_is_kept(self) -> None:
        array = np.zeros((2, 2))
        data = TensorDataset(array)
        assert data.tensors[0].array is array
        assert data[0][0].dtype == np.float64

    def test_a_batch_is_a_copy(self) -> None:
        array = np.arange(6.0)
        batch = TensorDataset(array).__getitems__([0, 1, 2])
        batch.parts()[0].array[...] = -1
        assert array.tolist() == [0, 1, 2, 3, 4, 5]

    def test_arrays_that_are_not_contiguous(self) -> None:
        array = np.arange(12).reshape(3, 4).T
        assert columns(TensorDataset(array).__getitems__([3, 1])) == [[[3, 7, 11], [1, 5, 9]]]

    @pytest.mark.parametrize("error", [ShapeError, ValueError])
    def test_lengths_must_agree(self, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"Size mismatch.*\(3, 2\), \(2,\)"):
            TensorDataset(dl.zeros(3, 2), dl.zeros(2))

    def test_a_number_is_no_list_of_samples(self) -> None:
        with pytest.raises(ShapeError, match=r"\(\)"):
            TensorDataset(dl.tensor(1.0))
        with pytest.raises(ShapeError, match="at least one"):
            TensorDataset()

    def test_an_index_outside_is_an_error(self) -> None:
        data = TensorDataset(dl.zeros(3))
        with pytest.raises(IndexError):
            data[3]
        with pytest.raises(IndexError):
            data.__getitems__([0, 3])


class TestWholeBatches:
    def test_a_subclass_that_changes_samples_is_asked_for_samples(self) -> None:
        class Doubled(TensorDataset):
            def __getitem__(self, index: Any) -> Any:
                return super().__getitem__(index)[0].item() * 2

        data = Doubled(dl.tensor([1, 2, 3]))
        assert batch_getter(data) is None
        assert fetch(data, [0, 2]) == [2, 6]

    def test_a_subclass_that_changes_both_is_asked_for_batches(self) -> None:
        class Both(TensorDataset):
            def __getitem__(self, index: Any) -> Any:
                return "sample"

            def __getitems__(self, indices: Any) -> Any:
                return ["batch"] * len(indices)

        assert fetch(Both(dl.zeros(3)), [0, 2]) == ["batch", "batch"]

    def test_a_wrapper_that_passes_attributes_on_is_asked_for_samples(self) -> None:
        class Wrapper:
            def __init__(self, inner: Any) -> None:
                self.inner = inner

            def __getattr__(self, name: str) -> Any:
                return getattr(self.inner, name)

            def __getitem__(self, index: Any) -> Any:
                return "wrapped"

        assert fetch(Wrapper(TensorDataset(dl.zeros(3))), [0]) == ["wrapped"]

    def test_a_getter_of_the_instance_counts(self) -> None:
        data = Numbers(3)
        data.__getitems__ = lambda indices: ["own"] * len(indices)  # type: ignore[attr-defined] # a user's own attribute
        assert fetch(data, [1, 1]) == ["own", "own"]

    def test_none_switches_it_off(self) -> None:
        class Off(TensorDataset):
            __getitems__ = None  # type: ignore[assignment] # switched off

        assert len(fetch(Off(dl.zeros(3)), [1, 2])) == 2

    def test_too_few_samples_are_an_error(self) -> None:
        class Short(Numbers):
            def __getitems__(self, indices: Any) -> Any:
                return [0]

        with pytest.raises(ValueError, match=r"Short.*Expected 2 samples, got 1"):
            fetch(Short(3), [0, 1])


class TestStack:
    def test_tuples_and_dicts(self) -> None:
        by_place = StackDataset(Numbers(3), Numbers(3, 10))
        assert by_place[1] == (1, 11)
        assert list(by_place.__getitems__([2, 0])) == [(2, 12), (0, 10)]
        by_name = StackDataset(a=Numbers(3), b=TensorDataset(dl.arange(3)))
        assert len(by_name) == 3
        assert by_name[2]["a"] == 2
        sample = by_name.__getitems__([1])[0]
        assert sample["a"] == 1
        assert sample["b"][0].item() == 1

    def test_errors(self) -> None:
        with pytest.raises(ValueError, match="not both"):
            StackDataset(Numbers(1), a=Numbers(1))
        with pytest.raises(ValueError, match="At least one"):
            StackDataset()
        with pytest.raises(ValueError, match=r"Size mismatch.*\[1, 2\]"):
            StackDataset(Numbers(1), Numbers(2))


class TestConcat:
    def test_samples(self) -> None:
        both = Numbers(2) + Numbers(3, 10)
        assert isinstance(both, ConcatDataset)
        assert len(both) == 5
        assert [both[i] for i in range(-5, 5)] == [0, 1, 10, 11, 12] * 2
        assert both.cumulative_sizes == [2, 5]
        assert list(both.__getitems__([4, 0, 2])) == [12, 0, 10]

    def test_batches_of_tensors_are_joined(self) -> None:
        first = TensorDataset(dl.arange(3), dl.zeros(3, 2))
        second = TensorDataset(dl.arange(10, 13), dl.ones(3, 2))
        both = first + second
        numbers, points = columns(both.__getitems__([5, 0, 4, 2]))
        assert numbers == [12, 0, 11, 2]
        assert points == [[1, 1], [0, 0], [1, 1], [0, 0]]
        assert columns(both.__getitems__([1, 0]))[0] == [1, 0]

    @pytest.mark.parametrize(
        "other", [dl.zeros(3, 4), dl.zeros(3, 2).array.astype(np.float64)], ids=["shape", "dtype"]
    )
    def test_batches_that_do_not_fit_come_as_samples(self, other: Any) -> None:
        both = TensorDataset(dl.zeros(3, 2)) + TensorDataset(other)
        samples = both.__getitems__([0, 4])
        assert isinstance(samples, list)
        assert samples[1][0].shape == tuple(other.shape[1:])

    def test_nested_columns_are_joined(self) -> None:
        def make(start: int) -> StackDataset:
            return StackDataset(a=Numbers(2, start), b=TensorDataset(dl.arange(start, start + 2)))

        batch = (make(0) + make(5)).__getitems__([3, 0])
        assert isinstance(batch, Batch)
        assert batch[0]["a"] == 6
        assert batch[0]["b"][0].item() == 6
        assert batch[1]["a"] == 0

    def test_errors(self) -> None:
        with pytest.raises(ArgumentError, match="should not be an empty iterable"):
            ConcatDataset([])
        with pytest.raises(ArgumentError, match="ChainDataset"):
            ConcatDataset([Stream(2)])
        with pytest.raises(ValueError, match="absolute value of index"):
            (Numbers(2) + Numbers(2))[-5]
        with pytest.raises(IndexError, match=r"index 4 is outside 0..3"):
            (Numbers(2) + Numbers(2))[4]


def test_chain() -> None:
    chain = Stream(2) + Stream(3)
    assert isinstance(chain, ChainDataset)
    assert list(chain) == [0, 1, 0, 1, 2]
    assert len(chain) == 5
    wrong = ChainDataset([Stream(1), Numbers(3)])
    with pytest.raises(ArgumentError, match=r"got Numbers.*ConcatDataset"):
        list(wrong)
    with pytest.raises(ArgumentError, match="only supports"):
        len(wrong)


class TestSubset:
    def test_samples(self) -> None:
        part = Subset(Numbers(10), [9, 3, 3])
        assert len(part) == 3
        assert [part[0], part[-1]] == [9, 3]
        assert list(part.__getitems__([2, 0])) == [3, 9]
        of_part = Subset(part, [0])
        assert of_part[0] == 9

    def test_a_list_of_indices_reaches_the_data(self) -> None:
        points = Subset(TensorDataset(dl.arange(5)), [4, 3, 2])[[0, 2]]
        assert points[0].tolist() == [4, 2]

    def test_whole_batches_pass_through(self) -> None:
        part = Subset(TensorDataset(dl.arange(5)), [4, 3, 2])
        assert columns(part.__getitems__([0, 2])) == [[4, 2]]

    def test_half_an_override_is_refused(self) -> None:
        class Half(Subset):
            def __getitem__(self, index: Any) -> Any:
                return 0

        with pytest.raises(NotImplementedError, match=r"Half overrides __getitem__ but not"):
            Half(Numbers(3), [0])


class TestRandomSplit:
    def test_every_sample_once(self) -> None:
        parts = random_split(Numbers(10), [3, 7])
        assert [len(part) for part in parts] == [3, 7]
        assert sorted(i for part in parts for i in part) == list(range(10))

    def test_fractions(self) -> None:
        lengths = [len(part) for part in random_split(Numbers(11), [0.5, 0.25, 0.25])]
        assert lengths == [6, 3, 2]

    def test_equal_to_pytorch(self, golden: Any) -> None:
        reference = golden("data")
        generator = dl.Generator().manual_seed(42)
        parts = random_split(range(10), [3, 7], generator=generator)
        assert [part.indices for part in parts] == [
            reference["split_3"].tolist(),
            reference["split_7"].tolist(),
        ]
        dl.manual_seed(7)
        parts = random_split(range(30), [0.3, 0.3, 0.4])
        assert [i for part in parts for i in part.indices] == reference["split_30"].tolist()

    def test_errors(self) -> None:
        with pytest.raises(ValueError, match=r"Sum of input lengths .* \[3, 3\], sum 6, for 10"):
            random_split(Numbers(10), [3, 3])
        with pytest.raises(ValueError, match=r"Fraction at index 0 is not between 0 and 1"):
            random_split(Numbers(10), [-0.5, 1.5])

    def test_an_empty_part_warns(self) -> None:
        with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
            random_split(Numbers(3), [0.9, 0.1])
        with warnings.catch_warnings():
            random_split(Numbers(3), [3, 0])
