from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError, ShapeError


def test_linear_by_hand() -> None:
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[2.0, 3.0]]), "bias": np.array([1.0])})
    y = layer(dl.tensor([[1.0, 10.0], [0.0, 1.0]]))
    assert y.tolist() == [[33], [4]]
    y.sum().backward()
    assert layer.weight.grad.tolist() == [[1, 11]]
    assert layer.bias.grad.tolist() == [2]


def test_linear_takes_any_number_of_dimensions() -> None:
    layer = nn.Linear(2, 3)
    for shape in ((2,), (4, 2), (4, 5, 2), (0, 2)):
        assert layer(dl.zeros(*shape)).shape == (*shape[:-1], 3)
    with pytest.raises(ShapeError, match="linear"):
        layer(dl.zeros(4, 3))


def test_without_bias_and_in_another_dtype() -> None:
    layer = nn.Linear(2, 3, bias=False, dtype=dl.float64, device="cpu")
    assert list(layer.state_dict()) == ["weight"]
    assert layer.bias is None
    assert layer(dl.zeros(1, 2, dtype=dl.float64)).dtype == dl.float64
    with pytest.raises(ArgumentError, match="device='cuda'; use 'cpu'"):
        nn.Linear(2, 3, device="cuda")


def test_the_default_dtype() -> None:
    dl.set_default_dtype(dl.float64)
    model = nn.Sequential(nn.Linear(1, 1), nn.Conv2d(1, 1, 1), nn.BatchNorm1d(1), nn.LayerNorm(1),
                          nn.Embedding(1, 1), nn.Bilinear(1, 1, 1))  # fmt: skip
    kinds = {name: v.dtype for name, v in model.state_dict().items() if "tracked" not in name}
    assert set(kinds.values()) == {dl.float64}


def test_no_inputs_at_all() -> None:
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        layer = nn.Linear(0, 3)
    assert layer.bias is not None
    assert layer.bias.tolist() == [0, 0, 0]


def test_bilinear() -> None:
    layer = nn.Bilinear(2, 3, 1)
    a, b = dl.tensor([[1.0, 2.0]]), dl.tensor([[1.0, 0.0, -1.0]])
    w = layer.weight.array[0]
    expected = (a.array @ w @ b.array.T).item() + layer.bias.item()
    assert layer(a, b).item() == pytest.approx(expected, rel=1e-6)
    assert layer(a[0], b[0]).shape == (1,)
    for wrong in (dl.zeros(1, 2), dl.zeros(2, 3), dl.zeros(3)):
        with pytest.raises(ShapeError, match=r"bilinear: expected inputs of shapes \(\*, 2\)"):
            layer(a, wrong)
    with pytest.raises(ArgumentError, match="in1_features must be > 0"):
        nn.Bilinear(0, 1, 1)


def test_identity() -> None:
    x = object()
    assert nn.Identity(1, two=3)(x) is x
