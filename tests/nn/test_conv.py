from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ShapeError


@pytest.mark.parametrize(("mode", "fits"), [("reflect", 3), ("circular", 4), ("replicate", 9)])
def test_padding_modes_reach_so_far(mode: str, fits: int) -> None:
    x = dl.arange(16.0).reshape(1, 4, 4)
    layer = nn.Conv2d(1, 1, 1, padding=fits, padding_mode=mode)
    layer.load_state_dict({"weight": np.ones((1, 1, 1, 1)), "bias": np.zeros(1)})
    named = {"reflect": "reflect", "circular": "wrap", "replicate": "edge"}[mode]
    expected = np.pad(x.array, ((0, 0), (fits, fits), (fits, fits)), mode=named)
    np.testing.assert_array_equal(layer(x).array, expected)
    if mode != "replicate":
        layer.padding = (0, fits + 1)
        with pytest.raises(ShapeError, match=r"(?s)pad: .* at a dimension of size 4.*In Conv2d"):
            layer(x)


def test_padding_modes_have_gradients() -> None:
    layer = nn.Conv2d(1, 1, 1, padding=1, padding_mode="replicate").requires_grad_(False)
    layer.load_state_dict({"weight": np.ones((1, 1, 1, 1)), "bias": np.zeros(1)})
    x = dl.zeros(1, 1, 2, 2, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [[[[4, 4], [4, 4]]]]  # each corner stands for 4 of the 16


def test_a_subclass_may_replace_the_weight() -> None:
    class Centered(nn.Conv1d):
        def forward(self, input: dl.Tensor) -> dl.Tensor:
            return self._conv_forward(input, self.weight - self.weight.mean(-1, True), self.bias)

    layer = Centered(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    np.testing.assert_allclose(layer(dl.ones(1, 5)).detach(), 0, atol=1e-6)


def test_the_transposed_undoes_the_sizes() -> None:
    x = dl.zeros(1, 3, 11, 12)
    down = nn.Conv2d(3, 8, 3, stride=(2, 3), padding=1, dilation=(2, 1))
    up = nn.ConvTranspose2d(8, 3, 3, stride=(2, 3), padding=1, dilation=(2, 1))
    assert up(down(x), output_size=x.size()).shape == x.shape
