from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn

IN_PLACE = [
    *(layer(inplace=True) for layer in (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.SiLU)),
    *(layer(inplace=True) for layer in (nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh)),
    *(layer(inplace=True) for layer in (nn.ReLU6, nn.RReLU)),
]


@pytest.mark.parametrize("layer", IN_PLACE, ids=repr)
def test_in_place(layer: nn.Module) -> None:
    x = dl.tensor([-1.0, 2.0])
    expected = type(layer)().eval()(x).tolist()
    assert layer.eval()(x) is x
    assert x.tolist() == expected


@pytest.mark.parametrize("layer", [nn.Softmax(), nn.LogSoftmax(), nn.Softmin()])
def test_the_dimension_should_be_said(layer: nn.Module) -> None:
    with pytest.warns(UserWarning, match="Implicit dimension choice") as caught:
        y = layer(dl.zeros(2, 4))
    assert y.shape == (2, 4)
    assert caught[0].filename == __file__  # the warning points here, not into the library


def test_old_names_of_the_ends() -> None:
    with pytest.warns(FutureWarning, match="`min_value` is deprecated") as caught:
        layer = nn.Hardtanh(min_value=-2.0)
    assert repr(layer) == "Hardtanh(min_val=-2.0, max_val=1.0)"
    assert caught[0].filename == __file__


def test_selu_keeps_mean_and_variance() -> None:
    """Through 50 layers, from an input that has neither."""
    dl.manual_seed(0)
    x = dl.randn(500, 200) * 1.5 + 0.5
    for _ in range(50):
        w = nn.init.kaiming_normal_(dl.empty(200, 200), nonlinearity="linear")
        x = nn.functional.selu(x @ w.T)
    assert abs(x.mean().item()) < 0.1
    assert abs(x.var().item() - 1) < 0.2


def test_gumbel_softmax_draws_with_the_probabilities_of_softmax() -> None:
    dl.manual_seed(0)
    logits = dl.tensor([1.0, 0.0, -1.0])
    often = nn.functional.gumbel_softmax(logits.expand(4000, 3), hard=True).mean(0)
    assert (often - logits.softmax(0)).abs().max() < 0.03


def test_gelu_of_many_numbers_is_that_of_each(rng: np.random.Generator) -> None:
    """Large arrays are computed in pieces."""
    x = rng.standard_normal((3, 30_011)).astype(np.float32)
    rows = np.stack([nn.functional.gelu(dl.tensor(row)).numpy() for row in x])
    np.testing.assert_allclose(nn.functional.gelu(dl.tensor(x)).numpy(), rows, atol=1e-6)
