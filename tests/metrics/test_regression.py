"""Errors of numbers: by hand, over batches, and as functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dlframe as dl
from dlframe import metrics
from dlframe.errors import ShapeError

PAIRS: list[Any] = [
    (metrics.MeanSquaredError, metrics.mean_squared_error, {}, 10 / 4),
    (metrics.MeanSquaredError, metrics.mean_squared_error, {"squared": False}, (10 / 4) ** 0.5),
    (metrics.MeanAbsoluteError, metrics.mean_absolute_error, {}, 4 / 4),
]
OUTPUT, TARGET = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 3.0], [0.0, 4.0]])


@pytest.mark.parametrize(("make", "function", "options", "expected"), PAIRS)
def test_by_hand(make: Any, function: Any, options: dict[str, Any], expected: float) -> None:
    assert function(OUTPUT, TARGET, **options) == expected
    assert function(dl.tensor(OUTPUT), dl.tensor(TARGET), **options) == expected
    metric = make(**options)
    assert math.isnan(metric.compute())
    for x, y in zip(OUTPUT, TARGET, strict=True):
        metric.update(x, y)
    assert metric.compute() == expected
    assert metric.name in ("mse", "rmse", "mae")


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), st.integers(0, 30))
def test_batches_do_not_matter(values: list[float], cut: int) -> None:
    output = np.array(values)
    target = np.ones_like(output)
    for make, function, options, _ in PAIRS:
        first, second = make(**options), make(**options)
        first.update(output[:cut], target[:cut])
        second.update(output[cut:], target[cut:])
        whole = function(output, target, **options)
        assert (first + second).compute() == pytest.approx(whole, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(("make", "function", "options", "_"), PAIRS)
def test_integers_do_not_overflow(
    make: Any, function: Any, options: dict[str, Any], _: Any
) -> None:
    x, y = np.array([0], np.uint8), np.array([255], np.uint8)
    assert function(x, y, **options) in (255.0, 255.0**2)
    assert math.isnan(function(x[:0], y[:0], **options))


@pytest.mark.parametrize(("make", "function", "options", "_"), PAIRS)
def test_shapes_must_be_equal(make: Any, function: Any, options: dict[str, Any], _: Any) -> None:
    with pytest.raises(ShapeError, match=r"output\[3, 1\] and target\[3\]"):
        function(np.zeros((3, 1)), np.zeros(3), **options)
    with pytest.raises(ShapeError, match=r"same shape"):
        make(**options).update(np.zeros((3, 1)), np.zeros(3))
