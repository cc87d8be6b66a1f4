"""`nn.grad` and `nn.attention.bias` beside PyTorch's."""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any

import numpy as np
import pytest

from dlframe import nn
from dlframe.nn import functional as F
from dlframe.nn.attention import bias
from dlframe.tensor import Tensor

torch = pytest.importorskip("torch")

OPTIONS: list[dict[str, Any]] = [
    {},
    {"stride": 2, "padding": 1},
    {"dilation": 2, "groups": 2},
    {"groups": 4, "padding": 2},
]


@pytest.mark.parametrize("nd", [1, 2, 3])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_convolutions(
    nd: int, options: dict[str, Any], dtype: Any, rng: np.random.Generator
) -> None:
    theirs = importlib.import_module("torch.nn.grad")
    x = rng.normal(size=(2, 4, *(7, 6, 5)[:nd])).astype(dtype)
    weight = rng.normal(size=(4, 4 // options.get("groups", 1), *(3, 2, 1)[:nd])).astype(dtype)
    out = getattr(F, f"conv{nd}d")(Tensor(x), Tensor(weight), **options)
    g = rng.normal(size=tuple(out.shape)).astype(dtype)
    name = f"conv{nd}d_input"
    ours = getattr(nn.grad, name)(x.shape, Tensor(weight), Tensor(g), **options)
    other = getattr(theirs, name)(x.shape, torch.tensor(weight), torch.tensor(g), **options)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(ours.array, other.numpy(), rtol=tolerance, atol=tolerance)
    name = f"conv{nd}d_weight"
    ours = getattr(nn.grad, name)(Tensor(x), weight.shape, Tensor(g), **options)
    other = getattr(theirs, name)(torch.tensor(x), weight.shape, torch.tensor(g), **options)
    np.testing.assert_allclose(ours.array, other.numpy(), rtol=tolerance, atol=10 * tolerance)
    for name in nn.grad.__all__:
        parameters = [inspect.signature(getattr(m, name)).parameters for m in (nn.grad, theirs)]
        described = [[(p.name, p.default) for p in each.values()] for each in parameters]
        assert described[0] == described[1]


@pytest.mark.parametrize("size", [(3, 3), (2, 5), (5, 2), (1, 4)])
@pytest.mark.parametrize("name", ["causal_upper_left", "causal_lower_right"])
def test_causal_masks(name: str, size: tuple[int, int], rng: np.random.Generator) -> None:
    theirs = importlib.import_module("torch.nn.attention.bias")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, other = getattr(bias, name)(*size), getattr(theirs, name)(*size)
    assert repr(ours) == repr(other)
    assert (int(ours.variant), ours.seq_len_q, ours.seq_len_kv) == (
        int(other.variant),
        other.seq_len_q,
        other.seq_len_kv,
    )
    q, k = (rng.normal(size=(2, n, 4)) for n in size)
    out = F.scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(k), ours)
    expected = torch.nn.functional.scaled_dot_product_attention(
        *map(torch.tensor, (q, k, k)), other
    )
    np.testing.assert_allclose(out.array, expected.numpy(), rtol=1e-10, atol=1e-12)
