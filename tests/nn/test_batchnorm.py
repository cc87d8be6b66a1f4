from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ShapeError


def test_running_statistics_by_hand() -> None:
    layer = nn.BatchNorm1d(1, momentum=0.5)
    layer(dl.tensor([[1.0], [3.0]]))
    assert layer.running_mean.tolist() == [1]  # halfway from 0 to 2
    assert layer.running_var.tolist() == [1.5]  # halfway from 1 to 2, the unbiased variance
    layer(dl.tensor([[1.0], [3.0]]))
    assert layer.running_mean.tolist() == [1.5]
    assert layer.num_batches_tracked.item() == 2
    before = layer.state_dict()["running_mean"].clone()
    y = layer.eval()(dl.tensor([[1.5]]))
    assert y.tolist() == [[0]]
    assert layer.running_mean.tolist() == before.tolist()
    assert layer.num_batches_tracked.item() == 2
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0]
    assert layer.num_batches_tracked.item() == 0


def test_the_plain_average_over_all_batches() -> None:
    layer = nn.BatchNorm1d(1, momentum=None)
    for start in (0.0, 3.0, 6.0):
        layer(dl.tensor([[start], [start + 2]]))
    assert layer.running_mean.item() == pytest.approx(4)
    assert layer.running_var.item() == pytest.approx(2)


def test_without_statistics() -> None:
    layer = nn.BatchNorm2d(2, track_running_stats=False)
    assert list(layer.state_dict()) == ["weight", "bias"]
    x = dl.randn(3, 2, 4, 4)
    np.testing.assert_array_equal(layer(x).array, layer.eval()(x).array)


def test_without_scale_and_shift() -> None:
    assert [*nn.BatchNorm1d(2, affine=False).parameters()] == []
    assert [name for name, _ in nn.BatchNorm1d(2, bias=False).named_parameters()] == ["weight"]


def test_a_frozen_layer_in_a_training_network() -> None:
    model = nn.Sequential(nn.BatchNorm1d(1))
    model.train()
    model[0].eval()
    model(dl.tensor([[1.0], [3.0]]))
    assert model[0].running_mean.tolist() == [0]


@pytest.mark.parametrize(
    "layer, shape, message",
    [
        (nn.BatchNorm1d(3), (2, 3, 4, 5), r"expected 2D or 3D input \(got 4D input\)"),
        (nn.BatchNorm2d(3), (2, 3, 4), r"expected 4D input \(got 3D input\)"),
        (nn.BatchNorm1d(3), (2, 4), "3|4"),
        (nn.BatchNorm1d(3), (1, 3), "more than 1 value per channel"),
    ],
)
def test_errors(layer: nn.Module, shape: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        layer(dl.zeros(*shape))
