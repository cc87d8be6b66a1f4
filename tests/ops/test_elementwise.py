"""What elementwise operations do with many elements at once, in other ways than with few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import dlframe as dl
from dlframe import nn, ops

SEED = 3
rng = np.random.default_rng(SEED)


def test_erf_of_many_float32_is_exact_to_rounding() -> None:
    x = np.concatenate(
        [np.linspace(-6, 6, 200_001), np.logspace(-30, 1, 20_001), -np.logspace(-30, 1, 20_001)]
    ).astype(np.float32)
    exact = special.erf(x.astype(np.float64))
    error = np.abs(ops.erf(x) - exact)
    assert ops.erf(x).dtype == np.float32
    assert error.max() <= 2e-7
    assert (error / np.maximum(np.abs(exact), 1e-30)).max() <= 3.5e-7
    assert np.abs(ops.erf(x)).max() <= 1


def test_erf_of_many_float32_at_the_ends() -> None:
    x = np.resize(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32), 5000)
    np.testing.assert_array_equal(ops.erf(x), special.erf(x))
    np.testing.assert_array_equal(np.signbit(ops.erf(x)), np.signbit(special.erf(x)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_where_of_many_is_numpys(dtype: str) -> None:
    x, y = (rng.standard_normal((80, 90)).astype(dtype) for _ in range(2))
    x[0, :3] = np.nan, np.inf, -0.0
    condition = rng.random((80, 90)) < 0.5
    cases: list[tuple[Any, Any]] = [
        (x, y),
        (x, 0.0),
        (-np.inf, y),
        (x, 2),
        (x, y[0]),
        (x[:, :1], y[:1]),
        (x.T.copy().T, y[::-1]),
    ]
    for a, b in cases:
        got, want = ops.where(condition, a, b), np.where(condition, a, b)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want))


def test_where_of_many_broadcasts_the_condition() -> None:
    condition = rng.random((5000, 1)) < 0.5
    x = rng.standard_normal(3)
    np.testing.assert_array_equal(ops.where(condition, x, 0.0), np.where(condition, x, 0.0))


@pytest.mark.parametrize("slope", [-0.5, 0.01, 1.0, 1.5])
def test_leaky_relu_of_any_slope(slope: float) -> None:
    x = np.array([-2.0, -0.0, 0.0, 3.0, np.nan])
    want = np.where(x > 0, x, x * slope)
    np.testing.assert_array_equal(ops.leaky_relu(x, negative_slope=slope), want)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_gelu_of_many_is_exact_to_rounding(dtype: str, order: str) -> None:
    values = np.linspace(-8, 8, 300 * 300).reshape(300, 300)
    x = dl.tensor(np.asarray(values, dtype, order)).requires_grad_()
    normal = special.ndtr(values)
    slope = normal + values * np.exp(-(values**2) / 2) / np.sqrt(2 * np.pi)
    out = nn.functional.gelu(x)
    out.sum().backward()
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(out.detach().numpy(), values * normal, 0, tolerance)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), slope, 0, tolerance)
    assert x.grad.stride() == x.stride()


def test_gelu_of_many_at_the_ends() -> None:
    x = np.resize(np.array([np.nan, np.inf, -1e30, 0.0, 1e30], np.float32), 5000)
    out = nn.functional.gelu(dl.tensor(x)).numpy()[:5]
    np.testing.assert_array_equal(out, np.array([np.nan, np.inf, 0.0, 0.0, 1e30], np.float32))
