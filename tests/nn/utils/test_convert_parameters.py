from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ShapeError
from dlframe.nn.utils import parameters_to_vector, vector_to_parameters


def test_there_and_back() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    vector = parameters_to_vector(model.parameters())
    assert vector.shape == (11,)
    other = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    vector_to_parameters(vector.detach(), other.parameters())
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(a.array, b.array)


def test_gradients_flow_back() -> None:
    layer = nn.Linear(2, 1)
    (parameters_to_vector(layer.parameters()) ** 2).sum().backward()
    np.testing.assert_allclose(layer.weight.grad.array, 2 * layer.weight.array)


def test_a_vector_of_another_length() -> None:
    layer = nn.Linear(2, 1)
    for length in (2, 4):
        with pytest.raises(ShapeError, match="the parameters have 3 elements"):
            vector_to_parameters(dl.zeros(length), layer.parameters())
    with pytest.raises(TypeError, match="expected a Tensor"):
        vector_to_parameters([1.0, 2.0, 3.0], layer.parameters())
