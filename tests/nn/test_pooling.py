from __future__ import annotations

import dlframe as dl
from dlframe import nn


def test_the_stride_is_the_windows_size() -> None:
    assert nn.MaxPool2d(3).stride == 3
    assert nn.AvgPool2d((2, 3)).stride == (2, 3)
    assert nn.MaxPool2d(3, stride=1).stride == 1


def test_indices() -> None:
    x = dl.tensor([[[1.0, 5.0], [7.0, 2.0]]])
    values, indices = nn.MaxPool2d(2, return_indices=True)(x)
    assert values.tolist() == [[[7]]]
    assert indices.tolist() == [[[2]]]


def test_adaptive_sizes() -> None:
    x = dl.zeros(2, 3, 6, 5)
    for size, expected in ((1, (1, 1)), ((2, None), (2, 5)), (None, (6, 5)), ((7, 3), (7, 3))):
        assert nn.AdaptiveAvgPool2d(size)(x).shape == (2, 3, *expected)
