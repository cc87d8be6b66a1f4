from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError


def test_holes_and_scale() -> None:
    y = nn.Dropout(0.25)(dl.ones(10_000))
    kept = (y.array != 0).mean()
    assert 0.73 < kept < 0.77
    np.testing.assert_allclose(np.unique(y.array), [0, 4 / 3], rtol=1e-6)


def test_evaluation_changes_nothing() -> None:
    x = dl.ones(5)
    assert nn.Dropout(0.9).eval()(x) is x


def test_extremes() -> None:
    assert (nn.Dropout(1.0)(dl.ones(5)).array == 0).all()
    assert (nn.Dropout(0.0)(dl.ones(5)).array == 1).all()
    for p in (-0.1, 1.1):
        with pytest.raises(ArgumentError, match="between 0 and 1, but got"):
            nn.Dropout(p)


def test_in_place() -> None:
    x = dl.ones(100)
    assert nn.Dropout(0.5, inplace=True)(x) is x
    assert (x.array == 0).any()


@pytest.mark.parametrize("names", [None, ["0.weight"]])
def test_drop_connect_gives_a_lazy_module_its_sizes(names: list[str] | None) -> None:
    inner = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(3), nn.LazyBatchNorm1d())
    inner[2].eval()
    layer = nn.DropConnect(inner, p=0.5, names=names)
    x = dl.randn(5, 2, 4, 4)
    assert layer(x).shape == (5, 3)
    assert [part.training for part in inner] == [True, True, False, True]
    assert inner[3].num_batches_tracked.item() == 1  # the call for the sizes does not count
    assert type(inner[0]) is nn.Conv2d
    weight = inner[0].weight
    layer(x).sum().backward()
    assert (weight.grad == 0).any()
