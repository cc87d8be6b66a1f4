"""Which parameters are regularized."""

from __future__ import annotations

import pytest

from dlframe import nn, optim
from dlframe.errors import ArgumentError


class Block(nn.Module):
    """Biases under all names that layers give them."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, add_bias_kv=True)
        self.norm = nn.LayerNorm(4)
        self.rnn = nn.LSTM(4, 3)
        self.slope = nn.PReLU()
        self.out = nn.utils.parametrizations.weight_norm(nn.Linear(4, 2))
        self.scale = nn.Parameter(nn.Linear(1, 1).weight.detach())


def test_biases_norms_and_slopes_are_left_out() -> None:
    assert list(optim.weights(Block())) == [
        "scale",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
        "rnn.weight_ih_l0",
        "rnn.weight_hh_l0",
        "out.parametrizations.weight.original0",
        "out.parametrizations.weight.original1",
    ]


@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm2d(3),
        nn.GroupNorm(1, 3),
        nn.InstanceNorm1d(3, affine=True),
        nn.RMSNorm(3),
        nn.LayerNorm(3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_normalization_layers_are_left_out(layer: nn.Module) -> None:
    assert list(optim.weights(nn.Sequential(nn.Linear(3, 3), layer))) == ["0.weight"]


def test_patterns() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    assert list(optim.weights(model, only="*")) == [name for name, _ in model.named_parameters()]
    assert list(optim.weights(model, only=["0.*", "*.weight"], skip="1.*")) == [
        "0.weight",
        "0.bias",
        "2.weight",
    ]
    assert optim.weights(model, skip=["2.*"])["0.weight"] is model[0].weight


def test_a_shared_parameter_is_chosen_once() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    assert list(optim.weights(model)) == ["0.weight"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": "*.wieght"}, r"only='\*.wieght' matches no parameter.*0.weight, 0.bias"),
        ({"skip": ["0.weight", "x"]}, r"skip='x' matches no parameter.*0.weight, 0.bias"),
        ({"skip": "*"}, r"no parameter of the Sequential is left.*0.weight, 0.bias"),
        ({"only": "*.WEIGHT"}, "matches no parameter"),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error(options: dict[str, str], message: str) -> None:
    model = nn.Sequential(nn.Linear(2, 1))
    for make in (optim.weights, optim.MaxNorm, optim.L1):
        given = (model,) if make is optim.weights else (model, 1.0)
        with pytest.raises(ArgumentError, match=message):
            make(*given, **options)  # type: ignore[operator] # functions and classes


def test_other_things_than_a_model_are_refused() -> None:
    with pytest.raises(TypeError, match=r"expected the model, an nn.Module; got list"):
        optim.weights([nn.Parameter(nn.Linear(1, 1).weight)])  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(TypeError, match="only takes patterns of names; got int"):
        optim.weights(nn.Linear(1, 1), only=[3])  # type: ignore[list-item] # wrong on purpose
    with pytest.raises(ArgumentError, match="The model has no parameters"):
        optim.weights(nn.ReLU())


def test_decay_groups() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1, bias=False))
    groups = optim.decay_groups(model, 0.1)
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    assert [[name for name, _ in group["params"]] for group in groups] == [
        ["0.weight", "2.weight"],
        ["0.bias", "1.weight", "1.bias"],
    ]
    assert len(optim.decay_groups(nn.Linear(2, 1, bias=False), 0.1)) == 1
    optim.SGD(optim.decay_groups(nn.Linear(2, 1, bias=False), 0.1))
    with pytest.raises(ArgumentError, match="weight_decay must be 0 or more; got -1"):
        optim.decay_groups(model, -1)
