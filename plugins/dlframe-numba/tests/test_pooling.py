"""Pooling against that of dlframe, which needs no numba."""

from __future__ import annotations

import dlframe as dl
import numpy as np
import pytest
from dlframe import kernels, ops, testing
from dlframe.nn import functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlframe_numba import pooling as compiled

MAX = ops.max_pool.definition


@st.composite
def cases(draw):
    dims = draw(st.integers(1, 3))

    def sizes(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=dims, max_size=dims)))

    kernel, dilation = sizes(1, 4), sizes(1, 2) if draw(st.booleans()) else (1,) * dims
    stride = kernel if draw(st.booleans()) else sizes(1, 4)
    padding = tuple((draw(st.integers(0, k // 2)),) * 2 for k in kernel)
    least = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = tuple(n + more for n, more in zip(least, sizes(0, 40 if dims == 1 else 12), strict=True))
    windows = tuple(
        (n + 2 * a - m) // s + 1
        for n, (a, _), m, s in zip(size, padding, least, stride, strict=True)
    )
    options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return (draw(st.integers(1, 3)), draw(st.integers(1, 3)), *size), windows, options


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), st.sampled_from("fd"), st.booleans(), st.integers(0, 2**32 - 1))
def test_maxima_and_where_they_are(case, dtype, special, seed):
    shape, windows, options = case
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, shape).astype(dtype)  # many are equal
    if special:
        x = rng.choice(np.array([np.nan, np.inf, -np.inf, 0, 1], dtype), shape)
    found = compiled.max_pool.forward(x, windows=windows, **options)
    np.testing.assert_array_equal(found, MAX.plain_forward(x, windows=windows, **options))
    assert found.dtype == x.dtype
    best, residuals = compiled.max_pool.fast_forward(x, windows=windows, **options)
    plain, expected = MAX.fast_forward(x, windows=windows, **options)
    np.testing.assert_array_equal(best, plain)
    assert residuals[0] == expected[0]
    np.testing.assert_array_equal(residuals[1], expected[1])
    assert residuals[1].dtype == expected[1].dtype
    g = rng.standard_normal(best.shape).astype(dtype)
    (dx,) = compiled.max_pool.fast_backward(g, (True,), residuals, **options)
    kept = {"residuals": expected, **options}
    (plain,) = MAX.own_fast(g, (True,), *(kept.get(name) for name in MAX.fast_kept))
    np.testing.assert_allclose(dx, plain, rtol=1e-5, atol=1e-6)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), st.sampled_from("fd"), st.booleans(), st.integers(0, 2**32 - 1))
def test_sums_are_the_same_to_the_last_bit(case, dtype, special, seed):
    shape, windows, options = case
    if set(options.pop("dilation")) != {1}:
        return
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(dtype)
    if special:
        x.reshape(-1)[rng.integers(x.size)] = rng.choice([np.nan, np.inf])
    options["windows"] = windows
    found = compiled.sum_windows.forward(x, **options)
    plain = ops.sum_windows.definition.plain_forward(x, **options)
    np.testing.assert_array_equal(found, plain)
    options["size"] = shape[2:]
    spread = compiled.spread_windows.forward(found, **options)
    if spread is not NotImplemented:
        plain = ops.spread_windows.definition.plain_forward(found, **options)
        np.testing.assert_array_equal(spread, plain)


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_a_layer_uses_them(pool):
    x = dl.randn(16, 16, 20, 22, requires_grad=True)
    before = kernels.runs()
    pool(x, 2).square().sum().backward()
    found = kernels.runs() - before
    names = ["max_pool: fast_forward", "max_pool: fast_backward"]
    if pool is F.avg_pool2d:
        names = ["sum_windows: forward", "spread_windows: forward"]
    assert all(found[name] == 1 for name in names)
    g, x.grad = x.grad, None
    with kernels.flags(enabled=False):
        pool(x, 2).square().sum().backward()
    np.testing.assert_allclose(g, x.grad, rtol=1e-6)


def test_the_rules_of_kernels(rng):
    options = {"kernel": (2, 3), "stride": (2, 2), "padding": ((0, 0), (1, 1))}
    x = rng.standard_normal((2, 3, 8, 9))
    windows = {"windows": (4, 5)}
    testing.check_kernel(
        "max_pool",
        [x],
        options=options | windows | {"dilation": (1, 1)},
        runs=["forward", "fast_forward", "fast_backward"],
    )
    testing.check_kernel("sum_windows", [x], options=options | windows, runs=["forward"])
    options = {"kernel": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "size": (8, 11)}
    x = rng.standard_normal((2, 3, 4, 5))
    testing.check_kernel(
        "spread_windows", [x], options=options | {"windows": (4, 5)}, runs=["forward"]
    )


def test_integers_are_left_to_dlframe():
    options = {"kernel": (2,), "stride": (2,), "padding": ((0, 0),), "dilation": (1,)}
    x = np.zeros((2, 2, 8), np.int64)
    assert compiled.max_pool.forward(x, windows=(4,), **options) is NotImplemented
