from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError, ShapeError


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"groups": 0}, "groups must be a positive integer, got 0"),
        ({"groups": 3}, "in_channels must be divisible by groups"),
        ({"groups": 2, "out_channels": 3}, "out_channels must be divisible by groups"),
        ({"padding": "full"}, "Invalid padding string 'full'"),
        ({"padding": "same", "stride": 2}, "not supported for strided convolutions"),
        ({"padding_mode": "mirror"}, "padding_mode must be one of"),
    ],
)
def test_arguments_that_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.Conv2d(**{"in_channels": 4, "out_channels": 2, "kernel_size": 3, **arguments})


@pytest.mark.parametrize("mode, fits", [("reflect", 3), ("circular", 4), ("replicate", 9)])
def test_padding_modes_reach_so_far(mode: str, fits: int) -> None:
    x = dl.arange(16.0).reshape(1, 4, 4)
    layer = nn.Conv2d(1, 1, 1, padding=fits, padding_mode=mode)
    layer.load_state_dict({"weight": np.ones((1, 1, 1, 1)), "bias": np.zeros(1)})
    named = {"reflect": "reflect", "circular": "wrap", "replicate": "edge"}[mode]
    expected = np.pad(x.array, ((0, 0), (fits, fits), (fits, fits)), mode=named)
    np.testing.assert_array_equal(layer(x).array, expected)
    if mode != "replicate":
        layer.padding = (0, fits + 1)
        with pytest.raises(
            ShapeError, match=f"{mode} padding of .* needs more than the 4 elements"
        ):
            layer(x)


def test_padding_modes_have_gradients() -> None:
    layer = nn.Conv2d(1, 1, 1, padding=1, padding_mode="replicate").requires_grad_(False)
    layer.load_state_dict({"weight": np.ones((1, 1, 1, 1)), "bias": np.zeros(1)})
    x = dl.zeros(1, 1, 2, 2, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [[[[4, 4], [4, 4]]]]  # each corner stands for 4 of the 16


def test_shapes() -> None:
    layer = nn.Conv2d(3, 8, 3, stride=2, padding=1)
    assert layer(dl.zeros(2, 3, 9, 8)).shape == (2, 8, 5, 4)
    assert layer(dl.zeros(3, 9, 8)).shape == (8, 5, 4)
    with pytest.raises(ShapeError, match="channels"):
        layer(dl.zeros(2, 4, 9, 8))
    assert layer.weight.shape == (8, 3, 3, 3)
    assert list(nn.Conv2d(1, 1, 1, bias=False).state_dict()) == ["weight"]
