"""Parametrizations: an attribute that is computed, in a module; numbers are in tests/samples."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.nn.utils import parametrizations, parametrize


class Symmetric(nn.Module):
    """The upper triangle, mirrored."""

    def forward(self, x):
        return x.triu() + x.triu(1).mT

    def right_inverse(self, a):
        return a.triu()


class RankOne(nn.Module):
    """x yᵀ from two vectors."""

    def forward(self, x, y):
        return x[:, None] @ y[None]

    def right_inverse(self, z):
        u, s, vh = dl.linalg.svd(z, full_matrices=False)
        return u[:, 0] * s[0].sqrt(), vh[0] * s[0].sqrt()


class Counting(nn.Module):
    """The identity, which counts its calls."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x.clone()


def test_the_original_is_trained():
    layer = nn.Linear(3, 3)
    weight = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert layer.parametrizations.weight.original is weight
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    before = layer.weight.clone()
    layer(dl.randn(4, 3)).sum().backward()
    optimizer.step()
    assert (layer.weight == layer.weight.T).all()
    assert not (layer.weight == before).all()
    assert repr(layer).startswith("ParametrizedLinear(\n  in_features=3")
    assert parametrize.type_before_parametrizations(layer) is nn.Linear


def test_assignment_goes_through_right_inverse():
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    layer.weight = dl.full((3, 3), 2.0)
    assert layer.parametrizations.weight.original.tolist() == [[2, 2, 2], [0, 2, 2], [0, 0, 2]]
    assert isinstance(layer.parametrizations.weight.original, nn.Parameter)
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]


def test_several_originals():
    layer = parametrize.register_parametrization(nn.Linear(3, 4), "weight", RankOne())
    assert dl.linalg.matrix_rank(layer.weight) == 1
    shapes = {key: tuple(value.shape) for key, value in layer.named_parameters()}
    assert shapes["parametrizations.weight.original0"] == (4,)
    assert shapes["parametrizations.weight.original1"] == (3,)
    layer.weight = dl.ones(4, 3)
    assert np.allclose(layer.weight.detach().numpy(), 1, atol=1e-6)
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear
    assert isinstance(layer.weight, nn.Parameter)


def test_one_after_another():
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    parametrize.register_parametrization(layer, "weight", Counting())
    parametrize.register_parametrization(layer, "bias", Counting())
    assert len(layer.parametrizations.weight) == 2
    assert parametrize.is_parametrized(layer, "bias")
    parametrize.remove_parametrizations(layer, "weight")
    assert parametrize.is_parametrized(layer)
    assert not parametrize.is_parametrized(layer, "weight")
    assert type(layer).__name__ == "ParametrizedLinear"
    layer(dl.ones(1, 3))


def test_buffers():
    norm = nn.BatchNorm1d(2)
    parametrize.register_parametrization(norm, "running_mean", Counting())
    assert "parametrizations.running_mean.original" in dict(norm.named_buffers())
    assert norm.running_mean.tolist() == [0, 0]
    parametrize.remove_parametrizations(norm, "running_mean")
    assert "running_mean" in dict(norm.named_buffers())


def test_cached():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Counting())
    counter = layer.parametrizations.weight[0]
    counter.calls = 0
    with parametrize.cached():
        assert layer.weight is layer.weight
        with parametrize.cached():
            layer(dl.ones(1, 2))
        with dl.no_grad():
            assert not layer.weight.requires_grad
        assert layer.weight.requires_grad
        assert counter.calls == 2
    assert layer.weight is not layer.weight
    assert counter.calls == 4


def test_a_copy_has_a_class_of_its_own():
    layer = parametrizations.weight_norm(nn.Linear(2, 2))
    twin = copy.deepcopy(layer)
    parametrize.remove_parametrizations(twin, "weight")
    assert type(twin) is nn.Linear
    assert (layer.weight == twin.weight).all()
    with pytest.raises(RuntimeError, match="state_dict"):
        pickle.dumps(layer)


def test_removal_keeps_the_parameter_for_its_optimizer():
    layer = nn.Linear(3, 3)
    weight = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    value = layer.weight.tolist()
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is weight
    assert weight.tolist() == value
    parametrize.register_parametrization(layer, "weight", Symmetric())
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight.tril(-1).abs().sum() == 0


def test_errors_name_the_parametrized_module():
    model = nn.Sequential(nn.ReLU(), parametrizations.weight_norm(nn.Linear(2, 2)))
    with pytest.raises(RuntimeError, match="In 1 ParametrizedLinear, a part of Sequential"):
        model(dl.ones(1, 3))


def test_unsafe_may_change_the_shape():
    class Twice(nn.Module):
        def forward(self, x):
            return dl.cat([x, x])

    layer = nn.Linear(2, 2, bias=False)
    parametrize.register_parametrization(layer, "weight", Twice(), unsafe=True)
    assert layer(dl.ones(1, 2)).shape == (1, 4)


def test_transfer_shares_the_originals():
    source = parametrizations.weight_norm(nn.Linear(2, 3))
    target = parametrize.transfer_parametrizations_and_params(source, nn.Linear(2, 3))
    assert target.parametrizations.weight.original0 is source.parametrizations.weight.original0
    plain = nn.Linear(2, 2)
    assert parametrize.transfer_parametrizations_and_params(plain, target) is target
