"""The studies that come with dlframe, in a form of seconds; what their pages say needs hours."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from dlframe.errors import ArgumentError
from dlframe.study import Study
from dlframe.study.experiments import STUDIES, mnist, modules


@pytest.mark.parametrize("name", STUDIES)
def test_each_has_studies_and_says_what_it_asks(name: str) -> None:
    module = importlib.import_module(f"dlframe.study.experiments.{name}")
    found = [value for value in vars(module).values() if isinstance(value, Study)]
    assert found
    assert all(study.question.endswith("?") for study in found)


def test_three_ways_give_one_network() -> None:
    results = mnist.ways.changed(seeds=1, baseline={"data": "digits", "epochs": 3}).run(workers=1)
    values = {run["arm"]: run["values"] for run in results.runs}
    assert values["fit"] == values["a loop"]  # the same operations: the same bits
    assert values["by hand"] == pytest.approx(values["a loop"], rel=1e-4)


def test_networks_learn_digits() -> None:
    study = mnist.mnist.changed(
        seeds=1, factors={"network": ["50 units", "CNN"]}, baseline={"data": "digits", "epochs": 4}
    )
    for accuracies in study.run(workers=1).values().values():
        assert accuracies[0] > 0.9


def test_other_data_are_refused() -> None:
    with pytest.raises(ArgumentError, match='"mnist" or "digits"'):
        mnist.run(mnist.Seeds(0), data="cifar")


@pytest.mark.parametrize(
    "levels",
    [
        {"regularization": "augmentation"},
        {"regularization": "DropConnect", "norm": "layer"},
        {"loss": "MSE", "init": "zeros_"},
        {"loss": "perceptron", "optimizer": "Adafactor"},
        {"activation": "Sigmoid", "regularization": "early stopping"},
    ],
    ids=lambda levels: "-".join(levels.values()),
)
def test_every_part_of_the_perceptron_can_be_varied(levels: dict[str, str]) -> None:
    given: dict[str, Any] = {**levels}
    found = modules.run(modules.Seeds(0), epochs=1, **given)
    assert 0 <= found["test_accuracy"]() <= 1
    assert 0 <= found["dead units"] <= 1


def test_gradients_vanish_behind_sigmoids_and_zeros() -> None:
    sizes = {
        (activation, init): modules.run(
            modules.Seeds(0), activation=activation, init=init, epochs=1
        )["first gradient by last, at the start"]
        for activation, init in (("ReLU", "default"), ("Sigmoid", "default"), ("ReLU", "zeros_"))
    }
    assert sizes["ReLU", "default"] > 3 * sizes["Sigmoid", "default"] > 0
    assert sizes["ReLU", "zeros_"] == 0


def test_the_ablation_takes_each_part_out() -> None:
    baseline, *others = modules.ablation.arms
    assert baseline.config == {name: modules.BEST[name] for name in modules.ablation.factors}
    assert len(others) == len(modules.ablation.factors)
    for factor, arm in zip(modules.ablation.factors, others, strict=True):
        plain = modules.ablation.factors[factor][0].value
        assert plain == modules.modules.defaults[factor]
        assert arm.config == {**baseline.config, factor: plain}
