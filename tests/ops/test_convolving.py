"""All ways to compute a convolution give the same, for any sizes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlframe.base import threads
from dlframe.ops import convolving, fourier
from dlframe.ops.offsets import output_sizes


@pytest.fixture(autouse=True, params=[1, 3], ids=["one thread", "three threads"])
def number_of_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = threads.number()
    threads.set_number(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolving, "_SHARED", 4_000)
        yield
    threads.set_number(before)


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    """A convolution of one to three dimensions, with numbers in float64."""
    dims = draw(st.integers(1, 3))
    axis = st.tuples(*(st.integers(*ends) for ends in [(1, 4), (1, 3), (0, 3), (0, 3), (1, 2)]))
    axes = draw(st.lists(axis, min_size=dims, max_size=dims))
    kernel, stride, before, after, dilation = (tuple(v) for v in zip(*axes, strict=True))
    least = [max(1, d * (k - 1) + 1 - a - b) for k, _, a, b, d in axes]
    size = tuple(n + draw(st.integers(0, 6)) for n in least)
    groups, channels, outputs = (draw(st.sampled_from(v)) for v in ([1, 2], [1, 3, 8], [1, 4]))
    samples = draw(st.sampled_from([0, 1, 2, 7]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    padding = tuple(zip(before, after, strict=True))
    out = output_sizes(size, kernel, stride, padding, dilation)
    return {
        "x": rng.normal(size=(samples, groups * channels, *size)),
        "y": rng.normal(size=(samples, groups * outputs, *out)),
        "weight": rng.normal(size=(groups * outputs, channels, *kernel)),
        "bias": rng.normal(size=groups * outputs) if draw(st.booleans()) else None,
        "options": (stride, padding, dilation, groups),
    }


def by_definition(
    x: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """The convolution as one product of x with a matrix (places of y, places of x)."""
    padded = np.pad(x, [(0, 0), (0, 0), *padding])
    size = output_sizes(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y = np.zeros((len(x), len(weight), *size))
    parts = np.split(np.arange(len(weight)), groups), np.split(np.arange(x.shape[1]), groups)
    for outputs, inputs in zip(*parts, strict=True):
        for k in product(*map(range, weight.shape[2:])):
            at = tuple(
                slice(i * d, i * d + (n - 1) * s + 1, s)
                for i, d, n, s in zip(k, dilation, size, stride, strict=True)
            )
            seen = padded[:, inputs][(..., *at)]
            y[:, outputs] += np.einsum("nc...,oc->no...", seen, weight[outputs][(..., *k)])
    return y


@pytest.mark.parametrize("few", [0, np.inf], ids=["bands", "columns"])
@given(case=convolutions(), turned=st.booleans())
@settings(deadline=None, max_examples=60)
def test_convolved_is_the_definition(few: float, case: dict[str, Any], turned: bool) -> None:
    x, weight, bias = case["x"], case["weight"], case["bias"]
    expected = by_definition(x, weight, *case["options"])
    if bias is not None:
        expected += bias.reshape(-1, *(1,) * (x.ndim - 2))
    if turned:  # channels last in memory
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    usual = convolving._FEW
    convolving._FEW = few
    try:
        out = convolving.convolved(x, weight, bias, np.empty(expected.shape), *case["options"])
    finally:
        convolving._FEW = usual
    np.testing.assert_allclose(out, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("way", [convolving.spread, convolving.spread_by_columns])
@given(case=convolutions())
@settings(deadline=None, max_examples=60)
def test_spread_is_the_adjoint_in_the_input(way: Any, case: dict[str, Any]) -> None:
    x, y, weight, bias = case["x"], case["y"], case["weight"], None
    size = x.shape[2:]
    if case["bias"] is not None:
        bias = np.arange(float(x.shape[1]))
    out = way(y, weight, bias, size, *case["options"])
    if bias is not None:
        out = out - bias.reshape(-1, *(1,) * len(size))
    through = by_definition(x, weight, *case["options"])
    # ⟨A x, y⟩ = ⟨x, Aᵀ y⟩, sample by sample
    ours = (out * x).sum(tuple(range(1, x.ndim)))
    np.testing.assert_allclose(ours, (through * y).sum(tuple(range(1, y.ndim))), atol=1e-8)


@given(case=convolutions())
@settings(deadline=None, max_examples=60)
def test_gathered_is_the_adjoint_in_the_kernels(case: dict[str, Any]) -> None:
    x, y, weight = case["x"], case["y"], case["weight"]
    out = convolving.gathered(x, y, weight.shape[2:], *case["options"])
    assert out.shape == weight.shape
    for o in range(len(weight)):  # output by output
        one = np.zeros_like(weight)
        one[o] = weight[o]
        through = by_definition(x, one, *case["options"])
        np.testing.assert_allclose((out * one).sum(), (through * y).sum(), atol=1e-8)


def test_few_numbers_are_laid_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of the samples, of which the last is shorter."""
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(7, 3, 8, 8)), rng.normal(size=(4, 3, 3, 3))
    y = rng.normal(size=(7, 4, 8, 8))
    options = ((1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    monkeypatch.setattr(convolving, "_CHUNK", 2000)
    monkeypatch.setattr(convolving, "_CHUNK_OF_THREADS", 2000)
    out = convolving.convolved(x, weight, None, np.empty((7, 4, 8, 8)), *options)
    np.testing.assert_allclose(out, by_definition(x, weight, *options), rtol=1e-10, atol=1e-10)
    dx = convolving.spread(y, weight, None, (8, 8), *options)
    dw = convolving.gathered(x, y, (3, 3), *options)
    np.testing.assert_allclose((out * y).sum(), (dx * x).sum(), rtol=1e-10)
    np.testing.assert_allclose((out * y).sum(), (dw * weight).sum(), rtol=1e-10)


# --- by transforms -----------------------------------------------------------------------------


@pytest.fixture
def always_by_transforms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the sizes are, if only the stride is 1."""
    monkeypatch.setattr(fourier, "_SMALL", 0)
    monkeypatch.setattr(fourier, "_BETTER", 0)
    monkeypatch.setattr(fourier, "_FEW", 10**9)
    monkeypatch.setattr(fourier, "_ROOM", 500)  # a few samples at a time


def _in_float32(case: dict[str, Any]) -> tuple[Any, ...]:
    return tuple([case[name].astype(np.float32) for name in ("x", "y", "weight")])


@pytest.mark.usefixtures("always_by_transforms")
@given(case=convolutions())
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_transforms_give_the_same(case: dict[str, Any]) -> None:
    (x, y, weight), bias = _in_float32(case), case["bias"]
    stride, *others = case["options"]
    options = ((1,) * len(stride), *others)
    size = output_sizes(x.shape[2:], weight.shape[2:], *options[:3])
    expected = by_definition(x, weight, *options)
    if bias is not None:
        expected += bias.reshape(-1, *(1,) * (x.ndim - 2))
    out = np.empty(expected.shape, np.float32)
    done = fourier.convolved_by_fft(x, weight, bias, out, *options)
    assert done or not x.size
    if done:
        np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)
    y = np.resize(y, (len(x), len(weight), *size)).astype(np.float32)
    found = fourier.gathered_by_fft(x, y, weight.shape[2:], *options)
    assert (found is None) == (not x.size)
    if found is not None:
        through = by_definition(x, weight, *options)
        assert found.dtype == np.float32
        ours, theirs = (found * weight).sum(), (through * y).sum()
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


def _long(dtype: str) -> tuple[Any, Any, Any]:
    """A sequence, kernels of 700 places, and the options of their convolution."""
    rng = np.random.default_rng(3)
    x, weight = rng.normal(size=(2, 2, 5000)), rng.normal(size=(3, 2, 700))
    return x.astype(dtype), weight.astype(dtype), ((1,), ((5, 7),), (2,), 1)


def test_large_kernels_go_by_transforms() -> None:
    x, weight, options = _long("float32")
    size = output_sizes(x.shape[2:], weight.shape[2:], *options[:3])
    out = np.empty((2, 3, *size), np.float32)
    assert fourier.convolved_by_fft(x, weight, None, out, *options)
    np.testing.assert_allclose(out, by_definition(x, weight, *options), atol=1e-4)
    assert fourier.gathered_by_fft(x, out, (700,), *options) is not None
    double, weights, _ = _long("float64")  # has no digits to spare
    assert not fourier.convolved_by_fft(double, weights, None, np.empty(out.shape), *options)


def test_a_large_number_takes_no_digits_from_others() -> None:
    x, weight, options = _long("float32")
    x[0, 0, 2000] = 1e6
    size = output_sizes(x.shape[2:], weight.shape[2:], *options[:3])
    out = convolving.convolved(x, weight, None, np.empty((2, 3, *size), np.float32), *options)
    expected = by_definition(x.astype(np.float64), weight.astype(np.float64), *options)
    np.testing.assert_allclose(out[..., 2100:], expected[..., 2100:], atol=2e-4)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_an_infinity_stays_where_it_is_seen(value: float) -> None:
    x, weight, options = _long("float32")
    x[0, 0, 2000] = value
    size = output_sizes(x.shape[2:], weight.shape[2:], *options[:3])
    with np.errstate(all="ignore"):  # as an operation does
        out = convolving.convolved(x, weight, None, np.empty((2, 3, *size), np.float32), *options)
    assert np.isfinite(out[0, :, 2100:]).all()
    assert np.isfinite(out[1]).all()
    assert not np.isfinite(out[0, :, 1901]).any()


def _exactly(x: Any, weight: Any, options: Any) -> Any:
    return by_definition(x.astype(np.float64), weight.astype(np.float64), *options)


def _convolved(x: Any, weight: Any, options: Any) -> Any:
    size = output_sizes(x.shape[2:], weight.shape[2:], *options[:3])
    out = np.empty((len(x), len(weight), *size), np.float32)
    return convolving.convolved(x, weight, None, out, *options)


@pytest.mark.parametrize("large", [1e6, 1e12, 1e25])
def test_small_results_beside_large_ones_keep_their_digits(large: float) -> None:
    x, weight, options = np.ones((1, 1, 3000)), np.ones((1, 1, 500)), ((1,), ((0, 0),), (2,), 1)
    x, weight = x.astype(np.float32), weight.astype(np.float32)
    x[..., :1000] *= np.float32(large)
    found = _convolved(x, weight, options)
    np.testing.assert_allclose(found, _exactly(x, weight, options), rtol=1e-5)
    # and in the gradient of the kernel: its last places meet none of the large numbers
    y = np.zeros((1, 1, 2002), np.float32)
    y[..., 600:] = 1
    dw = convolving.gathered(x, y, (500,), *options)
    expected = [x[0, 0, 2 * k : 2 * k + 2002].astype(np.float64) @ y[0, 0] for k in range(500)]
    np.testing.assert_allclose(dw[0, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_windows_of_zeros_give_zero_and_integers_are_exact(
    dimensions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fourier, "_BETTER", 0)
    rng = np.random.default_rng(11)
    shape, kernel = [((4000,), (600,)), ((90, 90), (31, 33))][dimensions - 1]
    x = rng.integers(-4, 5, (2, 2, *shape)).astype(np.float32)
    weight = rng.integers(-4, 5, (2, 2, *kernel)).astype(np.float32)
    x[:, :, : shape[0] // 2] = 0
    options = ((1,) * dimensions, ((40, 9),) * dimensions, (1,) * dimensions, 1)
    size = output_sizes(x.shape[2:], kernel, *options[:3])
    out = np.empty((2, 2, *size), np.float32)
    assert fourier.convolved_by_fft(x, weight, None, out, *options)
    assert np.array_equal(out, _exactly(x, weight, options))
    assert (out == 0).any()
    y = rng.integers(-4, 5, out.shape).astype(np.float32)
    dw = convolving.gathered(x, y, kernel, *options)
    expected = convolving.gathered(x.astype(float), y.astype(float), kernel, *options)
    np.testing.assert_allclose(dw, expected, rtol=1e-6)


def test_what_cancels_is_zero() -> None:
    x = np.ones((1, 1, 4000), np.float32)
    weight = np.tile(np.array([1, -1], np.float32), (1, 1, 300))
    assert not _convolved(x, weight, ((1,), ((0, 0),), (1,), 1)).any()


def test_a_decaying_kernel_keeps_its_small_numbers() -> None:
    x, weight = np.zeros((1, 1, 4000), np.float32), np.exp(-np.arange(600.0) / 8)
    x[..., 1000] = 1
    weight = weight.astype(np.float32).reshape(1, 1, -1)
    found = _convolved(x, weight, ((1,), ((599, 0),), (1,), 1))
    assert np.array_equal(found[0, 0, 1000:1600], weight[0, 0, ::-1])
