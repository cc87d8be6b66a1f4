from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError, LabelError, ShapeError


def test_looks_up_rows() -> None:
    words = nn.Embedding(4, 2)
    index = dl.tensor([[3, 1], [0, 3]])
    y = words(index)
    np.testing.assert_array_equal(y.array, words.weight.array[index.array])
    y.sum().backward()
    assert words.weight.grad.tolist() == [[1, 1], [1, 1], [0, 0], [2, 2]]


def test_padding_starts_as_zeros_and_gets_no_gradient() -> None:
    words = nn.Embedding(4, 2, padding_idx=-1)
    assert words.padding_idx == 3
    assert words.weight.array[3].tolist() == [0, 0]
    words(dl.tensor([3, 3, 0])).sum().backward()
    assert words.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]


def test_long_vectors_are_shortened_where_they_are_used() -> None:
    words = nn.Embedding(2, 2, max_norm=1.0)
    words.load_state_dict({"weight": np.array([[3.0, 4.0], [3.0, 4.0]])})
    np.testing.assert_allclose(words(dl.tensor([0])).array, [[0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(words.weight.array, [[0.6, 0.8], [3, 4]], rtol=1e-6)


def test_from_pretrained_shares_memory() -> None:
    vectors = dl.randn(3, 2)
    words = nn.Embedding.from_pretrained(vectors)
    assert words.weight.array is vectors.array
    assert not words.weight.requires_grad
    assert nn.Embedding.from_pretrained(vectors, freeze=False).weight.requires_grad
    with pytest.raises(ShapeError, match="2-dimensional"):
        nn.Embedding.from_pretrained(dl.zeros(3))


def test_errors() -> None:
    with pytest.raises(LabelError, match="index 4"):
        nn.Embedding(4, 2)(dl.tensor([0, 4]))
    for wrong in (4, -5):
        with pytest.raises(ArgumentError, match="padding_idx must be within num_embeddings"):
            nn.Embedding(4, 2, padding_idx=wrong)
    with pytest.raises(ShapeError, match="does not match"):
        nn.Embedding(4, 2, _weight=dl.zeros(2, 4))
