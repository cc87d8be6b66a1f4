"""A Batch reads as the list of samples that it is made of."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe.data import Batch


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
