"""Means of numbers and losses: weighted by samples, whatever the batches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlframe.errors import ShapeError
from dlframe.metrics import Mean, MeanLoss
from dlframe.tensor import Tensor, to_array


def squared_error(output, target):
    return Tensor(np.asarray(((to_array(output) - to_array(target)) ** 2).mean()))


def test_a_mean_weighs_batches_by_their_size():
    mean = Mean("loss")
    mean.update(1.0, 3)
    mean.update(5.0, 1)
    assert mean.compute() == 2.0
    assert mean.state.tolist() == [8.0, 4.0]


def test_a_mean_of_arrays():
    mean = Mean()
    mean.update(np.array([1.0, 2.0]))
    mean.update(np.array([6.0, 0.0]), np.array([0.5, 1.5]))
    assert mean.compute() == 6.0 / 4.0
    with pytest.raises(ShapeError, match=r"weights\(3,\) must be one number .* values\(2,\)"):
        mean.update(np.zeros(2), np.zeros(3))


def test_nothing_seen_is_nan():
    assert math.isnan(Mean().compute())


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), st.integers(0, 30))
def test_a_mean_loss_does_not_depend_on_the_batches(values, cut):
    output = np.array(values)
    target = np.zeros_like(output)
    whole, streamed = MeanLoss(squared_error), MeanLoss(squared_error)
    whole.update(output, target)
    for part in (slice(cut), slice(cut, None)):
        if output[part].size:
            streamed.update(output[part], target[part])
    assert streamed.compute() == pytest.approx(whole.compute(), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_mean_loss_knows_the_reductions(reduction):
    class AbsoluteError:
        def __init__(self):
            self.reduction = reduction

        def __call__(self, output, target):
            error = abs(to_array(output) - to_array(target))
            value = error if reduction == "none" else getattr(error, reduction)()
            return Tensor(np.asarray(value))

    metric = MeanLoss(AbsoluteError(), "l1")
    metric.update(Tensor(np.array([1.0, 2.0, 3.0])), Tensor(np.zeros(3)))
    metric.update(np.array([6.0]), np.zeros(1))
    assert metric.compute() == 3.0
    assert repr(metric) == "l1=3"
