from __future__ import annotations

import pytest

import dlframe as dl
from dlframe import nn


@pytest.mark.parametrize(
    "layer", [nn.ReLU(True), nn.LeakyReLU(inplace=True), nn.ELU(inplace=True), nn.SiLU(True)]
)
def test_in_place(layer: nn.Module) -> None:
    x = dl.tensor([-1.0, 2.0])
    expected = type(layer)()(x).tolist()
    assert layer(x) is x
    assert x.tolist() == expected


@pytest.mark.parametrize("layer", [nn.Softmax(), nn.LogSoftmax()])
def test_the_dimension_should_be_said(layer: nn.Module) -> None:
    with pytest.warns(UserWarning, match="Implicit dimension choice") as caught:
        y = layer(dl.zeros(2, 4))
    assert y.shape == (2, 4)
    assert caught[0].filename == __file__  # the warning points here, not into the library
