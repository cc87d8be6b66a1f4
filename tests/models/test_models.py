from __future__ import annotations

import numpy as np
import pytest

import dlframe as dl
from dlframe import models, nn
from dlframe.errors import ArgumentError, PluginError


@pytest.mark.parametrize("channels, size", [(1, 8), (1, 28), (3, 32), (3, 64), (1, 5)])
def test_cnn_takes_every_size(channels: int, size: int) -> None:
    model = models.cnn(channels, size, 7, width=4)
    output = model(dl.randn(2, channels, size, size))
    assert output.shape == (2, 7)
    output.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("size", [12, 28, 32, 40])
def test_lenet_takes_every_size(size: int) -> None:
    assert models.lenet(3, size, 5)(dl.randn(2, 3, size, size)).shape == (2, 5)


def test_lenet_is_the_one_of_the_textbooks() -> None:
    for size in (28, 32):
        parameters = sum(p.numel() for p in models.lenet(1, size, 10).parameters())
        assert parameters == 61706


def test_mlp_equals_the_layers_in_a_row() -> None:
    dl.manual_seed(0)
    model = models.mlp(4, [5, 3], 2, activation="tanh")
    dl.manual_seed(0)
    plain = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 2))
    x = dl.randn(6, 4)
    np.testing.assert_array_equal(model(x).detach().numpy(), plain(x).detach().numpy())
    assert sum(isinstance(m, nn.Dropout) for m in models.mlp(4, [5, 3], 2, dropout=0.5)) == 2


def test_a_model_is_built_from_its_name_and_arguments() -> None:
    model = models.build("cnn", channels=1, size=8, classes=10, width=4)
    again = models.build("cnn", channels=1, size=8, classes=10, width=4)
    again.load_state_dict(model.state_dict())
    assert list(models.MODELS) == ["linear", "mlp", "cnn", "lenet"]


def test_errors() -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'lenet'"):
        models.build("lennet")
    with pytest.raises(PluginError, match="Did you mean 'ReLU'"):
        models.mlp(2, [3], 2, activation="rellu")
    with pytest.raises(ArgumentError, match="4×4 or larger; got size=3"):
        models.cnn(1, 3, 2)
    with pytest.raises(ArgumentError, match="12×12 or larger; got size=8"):
        models.lenet(1, 8, 10)
