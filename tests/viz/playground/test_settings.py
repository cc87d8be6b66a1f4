"""The playground's settings: what is refused, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dlframe import nn, optim
from dlframe.data import datasets
from dlframe.errors import ArgumentError
from dlframe.viz.playground import Settings
from dlframe.viz.playground import settings as choices


def test_defaults_are_a_network_of_2_25_25_25_2() -> None:
    settings = Settings()
    assert (settings.features, settings.layers) == (("x", "y"), (25, 25, 25))
    assert Settings.of(settings.to_dict()) == settings
    assert Settings.of(json.loads(json.dumps(settings.to_dict()))) == settings


def test_everything_that_can_be_chosen_exists() -> None:
    for name, *_ in choices.POINTS.values():
        assert hasattr(datasets, name)
    for name in (*choices.ACTIVATIONS, *choices.LOSSES):
        assert issubclass(getattr(nn, name), nn.Module)
    for name in choices.INITS[1:]:
        assert callable(getattr(nn.init, f"{name}_"))
    for name, _ in choices.OPTIMIZERS.values():
        assert issubclass(getattr(optim, name), optim.Optimizer)
    assert set(choices.FORMS) == set(Settings().to_dict())
    assert set(choices.LIMITS) <= set(choices.FORMS)


def test_features_are_in_one_order() -> None:
    assert Settings(features=("xy", "x")).features == ("x", "xy")


def test_own_points_are_rounded_so_that_addresses_stay_short() -> None:
    assert Settings(own=[[0.12345, -0.00001, 1]]).own == ((0.123, 0.0, 1),)
    assert str(Settings(own=[[0.0, -0.00001, 1]]).own[0][1]) == "0.0"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": "moon"}, "data is one of disk, .*; got moon. Did you mean 'moons'?"),
        ({"data": None}, "data is one of .*; got None"),
        ({"points": 0}, "points is an integer from 1 to 2000; got 0"),
        ({"points": 2001}, "points is an integer from 1 to 2000"),
        ({"points": 2.5}, "points is an integer; got 2.5"),
        ({"points": True}, "points is an integer; got True"),
        ({"noise": -0.1}, "noise is a number from 0 to 1; got -0.1"),
        ({"noise": float("nan")}, "noise is a finite number; got nan"),
        ({"test_share": 1}, "test_share is a number from 0 to 0.9"),
        ({"own": [[0, 0]]}, r"own\[0\]|own is a list of points \[x, y, class\]"),
        ({"own": [[0, 2, 0]]}, "x and y from -1 to 1, class 0 or 1"),
        ({"own": [[0, 0, 2]]}, "class 0 or 1"),
        ({"own": [[0, 0, 0]] * 501}, "own is a list of at most 500 points; got 501 of them"),
        ({"features": []}, "features is a list of at least one feature, each once"),
        ({"features": ["x", "x"]}, "each once"),
        ({"features": "x"}, "features is a list; got x"),
        ({"features": ["z"]}, r"features\[0\] is one of x, y, .*; got z"),
        ({"layers": [4] * 7}, "layers is a list of at most 6 hidden layers"),
        ({"layers": [65]}, r"layers\[0\] is an integer from 1 to 64; got 65"),
        ({"layers": 3}, "layers is a list; got 3"),
        ({"activation": "tanh"}, "activation is one of .*Did you mean 'Tanh'?"),
        ({"init": "sparse"}, "init is one of default"),
        ({"loss": "NLLLoss"}, "loss is one of CrossEntropyLoss"),
        ({"optimizer": "sgd"}, "optimizer is one of .*Did you mean 'SGD'?"),
        ({"lr": 0}, "lr is a number from 1e-06 to 1000; got 0"),
        ({"lr": "0.1"}, "lr is a finite number; got 0.1"),
        ({"batch_size": 0}, "batch_size is an integer from 1"),
        ({"dropout": 1}, "dropout is a number from 0 to 0.9"),
        ({"batch_norm": 1}, "batch_norm is True or False; got 1"),
        ({"seed": -1}, "seed is an integer from 0 to 4294967295; got -1"),
        ({"optimizer": "Rprop", "weight_decay": 0.1}, "Rprop has no weight_decay; set it to 0"),
        ({"batch_norm": True, "batch_size": 1}, "batch_norm needs a batch_size of 2 or more"),
        ({"sed": 1}, "there is no setting 'sed'. Did you mean 'seed'?"),
        ({3: 1}, "there is no setting 3"),
        ([], "settings are a dict; got list"),
        ({"data": "\x1b[2J"}, r"got \\x1b"),
        ({"data": "x" * 5000}, "got x{60}…"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, (dict, list)) else "",
)
def test_what_cannot_be_is_refused_in_a_sentence(values: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^playground: .*({message})") as caught:
        Settings.of(values)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_counts_of_points() -> None:
    settings = Settings(points=10, test_share=0.25, own=[[0, 0, 1]] * 3)
    assert (settings.made, settings.held_back, settings.learnt) == (10, 2, 11)
    assert Settings(points=1, test_share=0.9).learnt == 1
    assert Settings(data="own", own=[[0, 0, 1]]).learnt == 1
    assert Settings(data="own").learnt == 0
    assert Settings(points=10, test_share=0, batch_size=64).batch == 10
