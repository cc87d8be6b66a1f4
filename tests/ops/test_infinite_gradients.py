"""A gradient of 0 stays 0 where the incoming one is infinite: 0 · ∞ would be nan.

The zeros and infinities are those that PyTorch 2.13 gives. Large sizes take other ways than small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlframe as dl
import dlframe.nn.functional as F

inf = math.inf
SIGN = [[0.5, -1.0, 2.0, -0.5], [3.0, 1.0, -2.0, 0.25]]
OTHER = [[0.75, 0.0, 1.0, 1.0], [2.0, 1.5, -3.0, 0.5]]
LABELS = dl.tensor([0, 1])
IGNORED = dl.tensor([2, -100])

CALLS: dict[str, tuple[Callable[[Any, Any], Any], list[list[float]]]] = {
    "max": (lambda x, y: x.max(), [[0, 0, 0, 0], [inf, 0, 0, 0]]),
    "min": (lambda x, y: x.min(), [[0, 0, 0, 0], [0, 0, inf, 0]]),
    "median": (lambda x, y: x.median(), [[0, 0, 0, 0], [0, 0, 0, inf]]),
    "nanmedian": (lambda x, y: x.nanmedian(), [[0, 0, 0, 0], [0, 0, 0, inf]]),
    "max of rows": (lambda x, y: x.max(1).values, [[0, 0, inf, 0], [inf, 0, 0, 0]]),
    "median of rows": (lambda x, y: x.median(1).values, [[0, 0, 0, inf], [0, 0, 0, inf]]),
    "maximum": (dl.maximum, [[0, 0, inf, 0], [inf, 0, inf, 0]]),
    "minimum": (dl.minimum, [[inf, inf, 0, inf], [0, inf, 0, inf]]),
    "clamp": (lambda x, y: x.clamp(0, 2), [[inf, 0, inf, 0], [0, inf, 0, inf]]),
    "where": (lambda x, y: dl.where(x > 0, x, y), [[inf, 0, inf, 0], [inf, inf, 0, inf]]),
    "masked_fill": (lambda x, y: x.masked_fill(x < 0, 0.0), [[inf, 0, inf, 0], [inf, inf, 0, inf]]),
    "relu": (lambda x, y: F.relu(x), [[inf, 0, inf, 0], [inf, inf, 0, inf]]),
    "relu6": (lambda x, y: F.relu6(3 * x), [[inf, 0, 0, 0], [0, inf, 0, inf]]),
    "hardtanh": (lambda x, y: F.hardtanh(x, -0.75, 2.5), [[inf, 0, inf, inf], [0, inf, 0, inf]]),
    "hardshrink": (lambda x, y: F.hardshrink(x), [[0, inf, inf, 0], [inf, inf, inf, 0]]),
    "threshold": (lambda x, y: F.threshold(x, 0, 0), [[inf, 0, inf, 0], [inf, inf, 0, inf]]),
    "max_pool1d": (lambda x, y: F.max_pool1d(x, 2), [[inf, 0, inf, 0], [inf, 0, 0, inf]]),
    "adaptive_max_pool1d": (
        lambda x, y: F.adaptive_max_pool1d(x, 2),
        [[inf, 0, inf, 0], [inf, 0, 0, inf]],
    ),
    "nll_loss": (
        lambda x, y: F.nll_loss(x, LABELS, reduction="none"),
        [[-inf, 0, 0, 0], [0, -inf, 0, 0]],
    ),
    "nll_loss, one ignored": (
        lambda x, y: F.nll_loss(x, IGNORED, reduction="none"),
        [[0, 0, -inf, 0], [0, 0, 0, 0]],
    ),
    "sum of nll_loss, one ignored": (
        lambda x, y: F.nll_loss(x, IGNORED, reduction="sum"),
        [[0, 0, -inf, 0], [0, 0, 0, 0]],
    ),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("higher", [False, True], ids=["first order", "with a graph"])
@pytest.mark.parametrize("dtype", [dl.float32, dl.float64], ids=str)
def test_zeros_stay_zeros(name: str, higher: bool, dtype: Any) -> None:
    call, expected = CALLS[name]
    x = dl.tensor(SIGN, dtype=dtype, requires_grad=True)
    out = call(x, dl.tensor(OTHER, dtype=dtype))
    (found,) = dl.autograd.grad(out, x, dl.full_like(out, inf), create_graph=higher)
    assert found.dtype == dtype
    assert found.tolist() == expected


@pytest.mark.parametrize("higher", [False, True], ids=["first order", "with a graph"])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_an_ignored_row_of_cross_entropy(reduction: str, higher: bool) -> None:
    """At the label PyTorch gives nan, as it multiplies twice; the slope there is below 0."""
    x = dl.tensor(SIGN, requires_grad=True)
    out = F.cross_entropy(x, IGNORED, reduction=reduction)
    (found,) = dl.autograd.grad(out, x, dl.full_like(out, inf), create_graph=higher)
    assert found.tolist() == [[inf, inf, -inf, inf], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    "call",
    [
        F.relu, lambda x: x.clamp(min=0), lambda x: dl.maximum(x, dl.zeros_like(x) - 1e-9),
        lambda x: dl.where(x > 0, x, 0.0), lambda x: x.masked_fill(x < 0, 0.0),
    ],
    ids=["relu", "clamp", "maximum", "where", "masked_fill"],
)  # fmt: skip
def test_large_arrays(call: Any) -> None:
    values = np.random.default_rng(0).normal(size=(100, 3000)).astype(np.float32)
    x = dl.tensor(values, requires_grad=True)
    out = call(x)
    out.backward(dl.full_like(out, inf))
    assert np.array_equal(x.grad.numpy(), np.where(values > 0, np.float32(inf), np.float32(0)))


@pytest.mark.parametrize("call", ["max", "min", "median"])
def test_equal_elements_share_also_an_infinite_gradient(call: str) -> None:
    x = dl.tensor([2.0, 1.0, 2.0, 1.0, 2.0, 1.0], requires_grad=True)
    out = getattr(x, call)()
    out.backward(dl.tensor(inf))
    assert x.grad.tolist() == [inf if one == out.item() else 0 for one in x.tolist()]


def test_large_pools() -> None:
    values = np.random.default_rng(1).normal(size=(2, 3, 64, 64)).astype(np.float32)
    for kernel, stride in ((2, 2), (3, 2), (3, 1)):
        x = dl.tensor(values, requires_grad=True)
        out, places = F.max_pool2d(x, kernel, stride, return_indices=True)
        out.backward(dl.full_like(out, inf))
        chosen = np.zeros((6, 64 * 64), np.float32)
        for row, indices in zip(chosen, places.numpy().reshape(6, -1), strict=True):
            row[indices] = inf
        assert np.array_equal(x.grad.numpy().reshape(6, -1), chosen)
