"""All ways to compute a convolution give the same, for any sizes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlframe.base import threads
from dlframe.ops import convolving
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
