"""A Batch reads as the list of samples that it is made of."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe.base import threads
from dlframe.data import Batch, DataLoader, TensorDataset, batch
from dlframe.data.batch import take


def test_it_reads_as_a_list_of_samples() -> None:
    batch = Batch((dl.tensor([[1.0], [2.0]]), np.array([3, 4]), ["a", "b"]))
    assert len(batch) == 2
    point, number, letter = batch[-1]
    assert point.tolist() == [2.0]
    assert type(number) is int
    assert (number, letter) == (4, "b")
    assert [sample[2] for sample in batch] == ["a", "b"]
    assert [sample[1] for sample in batch[:1]] == [3]
    with pytest.raises(IndexError):
        batch[2]
    assert "2 samples with 3 columns" in repr(batch)


def test_names() -> None:
    batch = Batch({"x": np.arange(2.0), "y": Batch((np.arange(2),))})
    assert batch[1] == {"x": 1.0, "y": (1,)}


def test_columns_have_one_length() -> None:
    with pytest.raises(ValueError, match=r"lengths \[1, 2\]"):
        Batch((np.zeros(1), np.zeros(2)))
    with pytest.raises(ValueError, match="at least one"):
        Batch(())


# --- rows of an array --------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3])
def test_threads_take_the_same_rows(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    monkeypatch.setattr(threads, "_number", n)
    monkeypatch.setattr(batch, "_WORTH_A_THREAD", 1 << 18)
    array = rng.random((300, 3, 32, 32), dtype=np.float32)  # 12 KB a row: 64 are worth two threads
    for places in (rng.permutation(300)[:64], rng.integers(-300, 300, 200), np.array([5, -1])):
        for given in (places, places.tolist()):
            taken = take(array, given)
            np.testing.assert_array_equal(taken, array[places])
            assert taken.flags.c_contiguous
            assert not np.shares_memory(taken, array)
    for wrong in (300, -301):
        with pytest.raises(IndexError, match=f"index {wrong} is out of bounds"):
            take(array, [*range(100), wrong])
    with pytest.raises(TypeError, match="float64"):
        take(array, [0.5] * 100)
    assert take(array, []).shape == (0, 3, 32, 32)


def test_rows_of_an_array_in_any_memory(rng: np.random.Generator) -> None:
    array = rng.random((7, 4, 5))
    for given in (array.T, array[::-2], array[:, ::2], array[:, :0], array.swapaxes(0, 1)):
        taken = take(given, [3, -1, 3])
        np.testing.assert_array_equal(taken, given[[3, -1, 3]])
        assert taken.flags.c_contiguous
        with pytest.raises(IndexError):
            take(given, [99])


@pytest.mark.parametrize("n", [1, 2])
def test_an_epoch_is_the_same_with_threads(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    monkeypatch.setattr(threads, "_number", n)
    monkeypatch.setattr(batch, "_WORTH_A_THREAD", 1 << 18)
    x = dl.arange(200 * 3072).reshape(200, 3, 32, 32)
    data = TensorDataset(x, dl.arange(200))
    for images, numbers in DataLoader(data, batch_size=96, shuffle=True):
        assert (images == x[numbers]).all()
