"""Products of matrices of integers and of half precision."""

from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.base import threads
from dlframe.ops import products


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("int64", -(10**6), 10**6),
        ("int64", 2**40, 2**45),  # floats would round the products
        ("int64", -(2**63), 2**63 - 1),
        ("int32", -(2**31), 2**31 - 1),
        ("int8", -128, 128),  # wraps around
        ("uint8", 0, 256),
    ],
)
def test_products_of_integers_are_exact(dtype: str, low: int, high: int) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(low, high, shape).astype(dtype) for shape in ((40, 30), (30, 20)))
    out = dl.from_numpy(a) @ dl.from_numpy(b)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out.array, a @ b)


def test_half_precision_is_added_up_in_float32() -> None:
    ones = dl.ones(1, 4096, dtype=dl.float16)
    assert (ones @ ones.T).item() == 4096  # in float16, 2048 + 1 is 2048
    x = dl.ones(1, 4096, dtype=dl.float16, requires_grad=True)
    (x @ ones.T).backward()
    assert x.grad.dtype == dl.float16


def test_the_order_of_a_chain_is_the_cheapest() -> None:
    """(10 × 1000) (1000 × 2) first: the other way makes a matrix of 1000 × 1000."""
    xs = [dl.ones(10, 1000), dl.ones(1000, 2), dl.ones(2, 1000)]
    out = dl.chain_matmul(*xs)
    assert out.shape == (10, 1000)
    assert out[0, 0].item() == 2000


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("limit", [1, 2000])
@pytest.mark.parametrize("shape", [(6, 5), (2, 3, 5)])
def test_threads_give_the_gradients_of_a_linear_layer(
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
    n: int,
    limit: int,
    shape: tuple[int, ...],
) -> None:
    monkeypatch.setattr(threads, "_number", n)
    monkeypatch.setattr(products, "_ALONE", 1)
    monkeypatch.setattr(products, "_SHARED", limit)  # of one product, or only of both
    layer = nn.Linear(5, 40, dtype=dl.float64)
    x = dl.from_numpy(rng.normal(size=shape)).requires_grad_()
    g = rng.normal(size=(*shape[:-1], 40))
    layer(x).backward(dl.from_numpy(g))
    weight, rows = layer.weight.detach().numpy(), g.reshape(6, 40)
    np.testing.assert_allclose(x.grad.numpy(), g @ weight, rtol=1e-12)
    by_hand = rows.T @ x.detach().numpy().reshape(6, 5)
    np.testing.assert_allclose(layer.weight.grad.numpy(), by_hand, rtol=1e-12)
    np.testing.assert_allclose(layer.bias.grad.numpy(), rows.sum(0), rtol=1e-12)
