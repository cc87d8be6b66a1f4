from __future__ import annotations

from typing import Any

import pytest

import dlframe as dl
from dlframe import nn


def test_flatten() -> None:
    x = dl.zeros(2, 3, 4, 5)
    assert nn.Flatten()(x).shape == (2, 60)
    assert nn.Flatten(0)(x).shape == (120,)
    assert nn.Flatten(1, 2)(x).shape == (2, 12, 5)
    assert nn.Flatten(-2, -1)(x).shape == (2, 3, 20)


def test_unflatten() -> None:
    x = dl.zeros(2, 12)
    assert nn.Unflatten(1, (3, 4))(x).shape == (2, 3, 4)
    assert nn.Unflatten(-1, [2, -1])(x).shape == (2, 2, 6)


@pytest.mark.parametrize(
    "size, message",
    [(4, "found type int"), ((2, "3"), "found element of type str at pos 1")],
)
def test_sizes_that_are_none(size: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        nn.Unflatten(1, size)
