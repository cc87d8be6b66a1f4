from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    ("shape", "dim"), [((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)]
)
def test_the_dim_that_is_chosen_warns(name: str, shape: tuple[int, ...], dim: int) -> None:
    x = dl.rand(*shape)
    with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name}") as caught:
        out = getattr(F, name)(x)
    assert caught[0].filename == __file__
    assert out.tolist() == getattr(F, name)(x, dim).tolist()


def test_softmax_adds_up_to_1_and_does_not_overflow() -> None:
    out = F.softmax(dl.tensor([[1e4, 1e4, -1e4], [-1e4, -2e4, -3e4]]), dim=1)
    assert out.tolist() == [[0.5, 0.5, 0], [1, 0, 0]]
    assert F.log_softmax(dl.tensor([-1e4, 0.0]), dim=0).tolist() == [-1e4, 0]


def test_softmax_of_integers_with_a_dtype() -> None:
    out = F.softmax(dl.tensor([1, 1]), 0, dtype=dl.float64)
    assert (out.tolist(), out.dtype) == ([0.5, 0.5], dl.float64)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "silu"])
def test_in_place(name: str) -> None:
    x = dl.tensor([-1.0, 0.5])
    want = getattr(F, name)(x)
    assert getattr(F, name)(x, inplace=True) is x
    assert x.tolist() == want.tolist()
    leaf = dl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        getattr(F, name)(leaf, inplace=True)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "silu", "gelu", "elu"])
def test_far_from_0(name: str) -> None:
    x = dl.tensor([-1e4, 1e4], requires_grad=True)
    out = getattr(F, name)(x)
    low, high = {"sigmoid": (0, 1), "tanh": (-1, 1), "elu": (-1, 1e4)}.get(name, (0, 1e4))
    np.testing.assert_allclose(out.detach().numpy(), [low, high], atol=1e-6)
    out.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_the_value_at_0_and_its_slope() -> None:
    for name, value, slope in (
        ("relu", 0, 0), ("leaky_relu", 0, 0.01), ("elu", 0, 1), ("silu", 0, 0.5), ("gelu", 0, 0.5),
        ("softplus", math.log(2), 0.5), ("sigmoid", 0.5, 0.25), ("tanh", 0, 1),
    ):  # fmt: skip
        x = dl.tensor(0.0, requires_grad=True)
        out = getattr(F, name)(x)
        out.backward()
        assert (out.item(), x.grad.item()) == pytest.approx((value, slope))


@pytest.mark.parametrize("wrong", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("size", [4, 2000, 400_000])
@pytest.mark.parametrize("dtype", [dl.float32, dl.float64])
@pytest.mark.parametrize(
    "function", [F.relu, F.relu6, F.hardtanh, lambda x: x.clamp(min=0), F.hardshrink]
)
def test_an_infinite_gradient_does_not_pass_where_the_slope_is_zero(
    function: Callable[[dl.Tensor], dl.Tensor], dtype: dl.dtype, size: int, wrong: float
) -> None:
    dead = -2.0 if function is not F.hardshrink else 0.25
    x = dl.full((size,), dead, dtype=dtype)
    x[1::2] = 0.75
    x.requires_grad = True
    function(x).backward(dl.full((size,), wrong, dtype=dtype))
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad[0::2], 0)
    np.testing.assert_array_equal(x.grad[1::2], wrong)
