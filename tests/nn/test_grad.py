"""The gradients of convolutions alone equal those of autograd, and are told of wrong shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.nn import functional as F

OPTIONS: list[dict[str, Any]] = [
    {},
    {"stride": 2},
    {"padding": 1, "dilation": 2},
    {"groups": 2},
    {"groups": 4, "padding": 1},  # depthwise
    {"stride": 3, "padding": 2, "dilation": 2, "groups": 2},
]


def parts(nd: int, options: dict[str, Any], rng: np.random.Generator) -> Any:
    """An input, a weight, and a gradient of their convolution."""
    x = dl.tensor(rng.normal(size=(2, 4, *(7, 6, 5)[:nd])), requires_grad=True)
    weight = dl.tensor(
        rng.normal(size=(4, 4 // options.get("groups", 1), *(3, 2, 1)[:nd])), requires_grad=True
    )
    out = getattr(F, f"conv{nd}d")(x, weight, **options)
    return x, weight, out, dl.tensor(rng.normal(size=tuple(out.shape)), requires_grad=True)


@pytest.mark.parametrize("nd", [1, 2, 3])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_they_are_autograds(nd: int, options: dict[str, Any], rng: np.random.Generator) -> None:
    x, weight, out, g = parts(nd, options, rng)
    by_x, by_weight = dl.autograd.grad(out, (x, weight), g.detach())
    by_input = getattr(nn.grad, f"conv{nd}d_input")
    assert dl.allclose(by_input(x.shape, weight, g, **options), by_x)
    given = getattr(nn.grad, f"conv{nd}d_weight")(x, weight.shape, g, **options)
    assert dl.allclose(given, by_weight)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("infinite", ["weight", "input"])
def test_infinity_stays_at_its_place(options: dict[str, Any], padding: int, infinite: str) -> None:
    """Not times a zero in the padding, or between two rows: that would be nan."""
    options = options | {"padding": padding}
    x, weight = np.ones((2, 4, 7, 60)), np.ones((4, 4 // options.get("groups", 1), 3, 3))
    (weight if infinite == "weight" else x)[0, 0, 0, 0] = 1e30
    g = dl.ones_like(F.conv2d(dl.tensor(x), dl.tensor(weight), **options))

    def gradient() -> Any:
        if infinite == "weight":
            return nn.grad.conv2d_input(x.shape, dl.tensor(weight), g, **options).numpy()
        return nn.grad.conv2d_weight(dl.tensor(x), weight.shape, g, **options).numpy()

    expected = gradient()
    expected[expected > 1e20] = np.inf
    weight[weight > 1e20] = x[x > 1e20] = np.inf
    np.testing.assert_array_equal(gradient(), expected)


def test_they_can_be_differentiated(rng: np.random.Generator) -> None:
    x, weight, _, g = parts(2, {"stride": 2}, rng)

    def by_input(weight: Any, g: Any) -> Any:
        return nn.grad.conv2d_input(x.shape, weight, g, stride=2)

    def by_weight(x: Any, g: Any) -> Any:
        return nn.grad.conv2d_weight(x, weight.shape, g, stride=2)

    assert dl.autograd.gradcheck(by_input, (weight, g))
    assert dl.autograd.gradcheck(by_weight, (x, g))


def test_wrong_arguments() -> None:
    x, weight, g = dl.ones(1, 2, 5), dl.ones(4, 2, 3), dl.ones(1, 4, 3)
    with pytest.raises(ShapeError, match=r"give \[1, 4, 4\]; got grad_output\[1, 4, 3\]"):
        nn.grad.conv1d_input((1, 2, 6), weight, g)
    with pytest.raises(ShapeError, match="would need 2 channels"):
        nn.grad.conv1d_input((1, 3, 5), weight, g)
    with pytest.raises(ShapeError, match="expected 3 dimensions, with the batch"):
        nn.grad.conv1d_weight(x[0], weight.shape, g)
    with pytest.raises(ShapeError, match="would need"):
        nn.grad.conv1d_weight(x, (4, 2, 6), dl.ones(1, 4, 0))
    with pytest.raises(ArgumentError, match="divisor of the 4 output channels"):
        nn.grad.conv1d_weight(x, weight.shape, g, groups=3)
    with pytest.raises(DTypeError, match="one dtype"):
        nn.grad.conv1d_input((1, 2, 5), weight.double(), g)
    with pytest.raises(TypeError, match="must be Tensor"):
        nn.grad.conv1d_input((1, 2, 5), np.ones((4, 2, 3)), g)
