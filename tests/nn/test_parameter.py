from __future__ import annotations

import copy

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import DTypeError
from dlframe.tensor import Tensor


def test_shares_memory_and_starts_a_graph() -> None:
    array = np.zeros(3, dtype=np.float32)
    parameter = nn.Parameter(array)
    assert parameter.array is array
    assert parameter.requires_grad
    assert parameter.node is None
    assert nn.Parameter(Tensor(array)).array is array
    assert not nn.Parameter(array, requires_grad=False).requires_grad
    assert nn.Parameter().array.shape == (0,)


def test_what_cannot_be_a_parameter() -> None:
    with pytest.raises(DTypeError, match="only floating-point tensors have gradients, got int64"):
        nn.Parameter(np.zeros(3, dtype=np.int64))
    assert nn.Parameter(np.zeros(3, dtype=np.int64), requires_grad=False).array.dtype == np.int64
    with pytest.raises(TypeError, match="expected a Tensor or an ndarray, got list"):
        nn.Parameter([1.0])  # type: ignore[arg-type] # wrong on purpose


def test_prints_as_pytorch_does() -> None:
    parameter = nn.Parameter(np.array([1.0, 2.5], dtype=np.float32))
    assert repr(parameter) == (
        "Parameter containing:\ntensor([1.0000, 2.5000], requires_grad=True)"
    )


def test_accumulate_grad() -> None:
    parameter = nn.Parameter(np.zeros((2, 2), dtype=np.float32))
    gradient = np.ones((2, 2))
    parameter.accumulate_grad(gradient)
    gradient[...] = 7  # a copy was kept
    parameter.accumulate_grad(Tensor(np.full((2, 2), 2.0)))
    assert parameter.grad.array.dtype == np.float32
    assert (parameter.grad.array == 3).all()


def test_buffers() -> None:
    array = np.zeros(3)
    assert nn.Buffer(array).array is array
    assert nn.Buffer(array).persistent
    assert not nn.Buffer(Tensor(array), persistent=False).persistent
    assert not nn.Buffer(array).requires_grad


def test_a_deep_copy_has_neither_gradient_nor_attributes() -> None:
    layer = nn.Linear(2, 2)
    layer.weight.note = "mine"  # type: ignore[attr-defined] # a user's own attribute
    layer(dl.ones(1, 2)).sum().backward()
    other = copy.deepcopy(layer)
    assert other.weight.grad is None
    assert not hasattr(other.weight, "note")
    other(dl.ones(1, 2)).sum().backward()
    assert other.weight.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    first, second = copy.deepcopy([layer.weight, layer.weight])
    assert first is second
