from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ShapeError


def test_over_the_last_dimensions() -> None:
    x = dl.randn(5, 3, 4)
    for shape in (4, (4,), [3, 4], (5, 3, 4)):
        layer = nn.LayerNorm(shape)
        axes = tuple(range(-len(layer.normalized_shape), 0))
        y = layer(x).array
        np.testing.assert_allclose(y.mean(axis=axes), 0, atol=1e-6)
        np.testing.assert_allclose(y.var(axis=axes), 1, atol=1e-2)


def test_scale_and_shift() -> None:
    assert list(nn.LayerNorm(3).state_dict()) == ["weight", "bias"]
    assert list(nn.LayerNorm(3, bias=False).state_dict()) == ["weight"]
    assert list(nn.LayerNorm(3, elementwise_affine=False).state_dict()) == []


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="normalized_shape"):
        nn.LayerNorm(3)(dl.zeros(3, 4))
