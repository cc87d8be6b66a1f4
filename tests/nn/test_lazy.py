from __future__ import annotations

import copy
import pickle

import pytest

import dlframe as dl
from dlframe import nn, optim
from dlframe.errors import ArgumentError, ShapeError, StateDictError
from dlframe.nn.lazy import LazyModuleMixin
from dlframe.nn.parameter import is_lazy


def test_the_first_call_makes_it_ordinary() -> None:
    layer = nn.LazyLinear(3)
    weight = layer.weight
    assert repr(layer) == "LazyLinear(in_features=0, out_features=3, bias=True)"
    assert layer.has_uninitialized_params()
    assert is_lazy(weight)
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert layer(dl.ones(2, 4)).shape == (2, 3)
    assert type(layer) is nn.Linear
    assert type(weight) is nn.Parameter
    assert layer.weight is weight
    assert repr(layer) == "Linear(in_features=4, out_features=3, bias=True)"


def test_the_values_are_those_of_an_ordinary_layer() -> None:
    dl.manual_seed(3)
    layer = nn.LazyLinear(3, dtype=dl.float64)
    layer(dl.ones(2, 4, dtype=dl.float64))
    dl.manual_seed(3)
    other = nn.Linear(4, 3, dtype=dl.float64)
    assert dl.equal(layer.weight, other.weight)
    assert dl.equal(layer.bias, other.bias)


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.RMSprop])
def test_an_optimizer_made_before_trains_it(make: type[optim.Optimizer]) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.LazyLinear(1))
    optimizer = make(model.parameters(), lr=0.1)
    optimizer.step()  # nothing to do yet
    model[0](dl.ones(1, 2)).sum().backward()
    optimizer.step()  # one part is lazy still
    for _ in range(2):
        optimizer.zero_grad()
        model(dl.ones(4, 2)).sum().backward()
        before = [p.clone() for p in model.parameters()]
        optimizer.step()
        assert all(not dl.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))


def test_casts_are_remembered() -> None:
    layer = nn.LazyLinear(3).double()
    assert layer.weight.dtype == dl.float64
    assert layer.requires_grad_(False)(dl.ones(2, 4, dtype=dl.float64)).dtype == dl.float64
    assert not layer.weight.requires_grad
    assert nn.LazyLinear(3).half()(dl.ones(2, 4, dtype=dl.float16)).dtype == dl.float16


@pytest.mark.parametrize(
    "again", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_are_lazy(again: object) -> None:
    layer = nn.LazyLinear(3).double()
    other = again(layer)  # type: ignore[operator] # it can be called
    assert other.has_uninitialized_params()
    assert other(dl.ones(2, 4, dtype=dl.float64)).shape == (2, 3)


def test_loading() -> None:
    ready, lazy = nn.Linear(4, 3), nn.LazyLinear(3)
    assert nn.LazyLinear(3).load_state_dict(lazy.state_dict()).missing_keys == []
    for assign in (False, True):
        layer = nn.LazyLinear(3)
        layer.load_state_dict(ready.state_dict(), assign=assign)
        assert type(layer.weight) is nn.Parameter
        assert dl.equal(layer.weight, ready.weight)
        with pytest.raises(ShapeError, match=r"the loaded weight\[3, 4\] takes 4 features, got"):
            layer(dl.ones(2, 5))
        assert dl.equal(layer(dl.ones(2, 4)), ready(dl.ones(2, 4)))
        assert type(layer) is nn.Linear
        assert layer.in_features == 4
    with pytest.raises(StateDictError, match="weight has no size yet in checkpoint"):
        ready.load_state_dict(lazy.state_dict())


def test_a_failed_load_leaves_it_lazy() -> None:
    layer, state = nn.LazyLinear(3), nn.Linear(4, 3).state_dict()
    with pytest.raises(StateDictError, match="Missing key"):
        layer.load_state_dict({"weight": state["weight"]})
    assert is_lazy(layer.weight)

    def fail(module: nn.Module, keys: object) -> None:
        raise KeyError("mine")

    layer.register_load_state_dict_post_hook(fail)
    with pytest.raises(StateDictError, match="nothing was changed: KeyError: 'mine'"):
        layer.load_state_dict(state)
    assert is_lazy(layer.weight)
    assert is_lazy(layer.bias)


def test_values_cannot_be_used_before() -> None:
    weight = nn.LazyLinear(3).weight
    for use in (
        lambda: weight + 1,
        lambda: weight.shape,
        lambda: nn.init.zeros_(weight),
        lambda: nn.Parameter(weight),
        lambda: nn.LazyLinear(3).forward(dl.ones(2, 2)),
        lambda: weight.numel(),
    ):
        with pytest.raises(
            ArgumentError, match=r"neither a size nor values yet.*call the model once"
        ):
            use()
    assert repr(weight) == "<UninitializedParameter>"
    assert "size unknown" in repr(nn.ParameterList([weight]))


def test_buffers() -> None:
    buffer = nn.UninitializedBuffer(dtype=dl.float64, persistent=False)
    module = nn.Module()
    module.mean = buffer
    assert list(module.buffers()) == [buffer]
    assert module.state_dict() == {}
    buffer.materialize((2, 3))
    assert type(buffer) is dl.Tensor
    assert buffer.shape == (2, 3)
    assert buffer.dtype == dl.float64


def test_ones_own() -> None:
    class Half(LazyModuleMixin):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.UninitializedParameter()

        def initialize_parameters(self, x: dl.Tensor, ready: bool = True) -> None:
            if ready:
                self.materialize({"scale": x.shape[1:]})
                nn.init.constant_(self.scale, 0.5)

        def forward(self, x: dl.Tensor, ready: bool = True) -> dl.Tensor:
            return x * self.scale

    with pytest.raises(ArgumentError, match="Half has not been fully initialized"):
        Half()(dl.ones(2, 3), ready=False)
    module = Half()
    seen: list[object] = []
    module.register_forward_pre_hook(lambda m, args: seen.append(m.has_uninitialized_params()))
    assert module(dl.ones(2, 3)).tolist() == [[0.5] * 3] * 2
    assert module(dl.ones(1, 3)).shape == (1, 3)
    assert type(module) is Half
    assert seen == [False, False]
    with pytest.raises(NotImplementedError, match="initialize_parameters is not implemented for"):
        LazyModuleMixin()()
