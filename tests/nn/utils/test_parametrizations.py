"""Weight and spectral norm, orthogonal matrices, fusion and pruning: what their numbers must do."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.nn.utils import parametrizations, prune


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_second_derivatives_of_weight_norm(dim):
    v = dl.randn(3, 2, dtype=dl.float64, requires_grad=True)
    g = dl.norm_except_dim(v.detach(), 2, dim).requires_grad_()

    def weight(g, v):
        return parametrizations.scaled_direction(v, g, dim)

    assert dl.autograd.gradcheck(weight, (g, v))
    assert dl.autograd.gradgradcheck(weight, (g, v))


def test_weight_norm_reads_the_older_keys():
    with pytest.warns(FutureWarning, match="deprecated"):
        old = nn.utils.weight_norm(nn.Linear(3, 2))
    new = parametrizations.weight_norm(nn.Linear(3, 2))
    new.load_state_dict(old.state_dict())
    x = dl.randn(4, 3)
    assert dl.allclose(new(x), old(x))
    assert nn.utils.remove_weight_norm(old) is old
    assert list(old.state_dict()) == ["bias", "weight"]


def test_spectral_norm_finds_the_largest_singular_value():
    dl.manual_seed(0)
    layer = parametrizations.spectral_norm(nn.Linear(8, 6), n_power_iterations=5)
    for _ in range(40):
        weight = layer.weight
    assert np.linalg.norm(weight.detach().numpy(), 2) == pytest.approx(1, abs=1e-5)
    layer.eval()
    assert (layer.weight == layer.weight).all()


def test_two_forwards_before_a_backward():
    for make in (parametrizations.spectral_norm, nn.utils.spectral_norm):
        layer = make(nn.Linear(3, 2))
        (layer(dl.ones(1, 3)) - layer(dl.zeros(1, 3))).sum().backward()


def test_the_older_spectral_norm():
    layer = nn.utils.spectral_norm(nn.Linear(3, 2))
    with dl.no_grad():
        layer(dl.ones(1, 3))
    state = {key: value.clone() for key, value in layer.state_dict().items()}
    layer.eval()
    value = layer(dl.ones(1, 3))
    older = {key: value for key, value in state.items() if key != "weight_v"}
    older["weight"] = state["weight_orig"] / (
        layer.weight_u @ state["weight_orig"] @ layer.weight_v
    )
    layer.load_state_dict(older)
    assert dl.allclose(layer(dl.ones(1, 3)), value, atol=1e-5)
    assert nn.utils.remove_spectral_norm(layer) is layer
    assert dl.allclose(layer(dl.ones(1, 3)), value, atol=1e-5)
    assert list(layer.state_dict()) == ["bias", "weight"]


@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("sizes", [(4, 4), (3, 5), (5, 3)])
def test_orthogonal_stays_so_while_it_is_trained(orthogonal_map, sizes):
    dl.manual_seed(0)
    layer = parametrizations.orthogonal(nn.Linear(*sizes), orthogonal_map=orthogonal_map)
    optimizer = optim.SGD(layer.parameters(), lr=0.5)
    first = layer.weight.detach().clone()
    for _ in range(5):
        optimizer.zero_grad()
        layer(dl.randn(6, sizes[0])).pow(2).sin().sum().backward()
        optimizer.step()
    q = layer.weight.detach()
    assert not dl.allclose(q, first, atol=1e-2)
    q = q if sizes[1] >= sizes[0] else q.T
    assert dl.allclose(q.T @ q, dl.eye(q.shape[1]), atol=1e-5)


def test_a_pruned_weight_stays_zero_until_it_is_no_longer_pruned():
    layer = prune.l1_unstructured(nn.Linear(4, 3), "weight", 0.5)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    zero = layer.weight_mask == 0
    for _ in range(3):
        optimizer.zero_grad()
        layer(dl.randn(5, 4)).sum().backward()
        optimizer.step()
        layer(dl.randn(5, 4))
        assert (layer.weight[zero] == 0).all()
        assert (layer.weight_orig.grad[zero] == 0).all()
    original = layer.weight_orig
    prune.remove(layer, "weight")
    assert layer.weight is original
    assert not prune.is_pruned(layer)


def test_a_container_of_methods():
    layer = prune.random_unstructured(nn.Linear(4, 3), "weight", 4)
    method = prune.LnStructured.apply(layer, "weight", 1, 2, 0)
    assert isinstance(method, prune.PruningContainer)
    assert [type(part) for part in method] == [prune.RandomUnstructured, prune.LnStructured]
    assert len(method) == 2
    assert method[0].amount == 4
    with pytest.raises(TypeError, match="not a BasePruningMethod"):
        method.add_pruning_method(3)
    other = prune.Identity()
    other._tensor_name = "bias"
    with pytest.raises(ValueError, match=r"'weight'.*'bias'"):
        method.add_pruning_method(other)


def test_pruning_a_tensor_without_module():
    t = dl.tensor([1.0, -3.0, 2.0])
    method = prune.L1Unstructured(1)
    assert method.prune(t).tolist() == [0, -3, 2]
    assert method.prune(t, importance_scores=dl.tensor([3.0, 2.0, 1.0])).tolist() == [1, -3, 0]


def test_skip_init_draws_nothing():
    dl.manual_seed(0)
    layer = nn.utils.skip_init(nn.Bilinear, 3, 4, 5, bias=False)
    assert layer.weight.shape == (5, 3, 4)
    drawn = dl.rand(2)
    dl.manual_seed(0)
    assert (dl.rand(2) == drawn).all()
    assert nn.Linear(2, 2).weight.abs().sum() > 0


def test_older_names():
    layer = nn.Linear(2, 2)
    layer(dl.ones(1, 2)).sum().backward()
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        norm = nn.utils.clip_grad_norm(layer.parameters(), 0.1)
    assert norm.item() == pytest.approx(6**0.5)
    zeros = {"weight": dl.zeros(2, 2), "bias": dl.zeros(2)}
    with pytest.warns(FutureWarning, match=r"func\.functional_call"):
        out = nn.utils.stateless.functional_call(layer, zeros, dl.ones(1, 2))
    assert out.tolist() == [[0, 0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for convert in (
            nn.utils.convert_conv2d_weight_memory_format,
            nn.utils.convert_conv3d_weight_memory_format,
        ):
            assert convert(layer, dl.contiguous_format) is layer
            with pytest.raises(ValueError, match="channels_last"):
                convert(layer, "rows_first")
