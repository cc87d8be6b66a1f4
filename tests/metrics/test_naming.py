"""Metrics by name: every class has one, spelling does not matter, mistakes are answered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlframe import metrics, plugins
from dlframe.errors import ArgumentError, PluginError

# made of other things than a name
UNNAMED = {"Metric", "Mean", "MeanLoss", "Averaged", "Collected"}


def test_every_name_makes_a_metric_of_that_name() -> None:
    for name in metrics.names():
        made = metrics.by_name(name)
        assert made.name == name
        assert metrics.by_name(name.upper().replace("_", "-")).name == name


def test_every_class_has_a_name() -> None:
    named = {type(metrics.by_name(name)).__name__ for name in metrics.names()}
    assert named | UNNAMED >= set(plugins.core_names("metrics"))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Top 1", "top1_accuracy"),
        ("top10Accuracy", "top10_accuracy"),
        ("f0.5_macro", "f0.5_macro"),
        ("F1", None),
        ("fbeta2_weighted", "f2_weighted"),
        ("mcc", "matthews_coefficient"),
        ("ROC-AUC", "auroc"),
        ("auc_macro", "auroc_macro"),
        ("iou_macro", "jaccard_macro"),
        ("sensitivity_binary", "recall_binary"),
        ("kappa", "cohen_kappa"),
        ("acc", "accuracy"),
        ("sparse_categorical_accuracy", "accuracy"),
    ],
)
def test_other_spellings(name: str, wanted: str | None) -> None:
    if wanted is not None:
        assert metrics.by_name(name).name == wanted
    else:
        with pytest.raises(ArgumentError, match="'F1' needs an average: f1_per_class"):
            metrics.by_name(name)


def test_options_go_to_the_class() -> None:
    assert metrics.by_name("precision", average="macro").name == "precision_macro"
    assert metrics.by_name("accuracy", scores="probabilities", name="right").name == "right"
    assert metrics.by_name("R2Score").name == "r2"
    many: Any = metrics.by_name("f1_samples")
    assert many.multilabel
    assert metrics.by_name("f3", average="macro").name == "f3_macro"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("precision", "needs an average: precision_per_class, precision_macro"),
        ("f2", "'f2' needs an average: f2_per_class"),
        ("f2_makro", "needs an average"),
        ("acuracy", "there is no metric 'acuracy'. Did you mean 'accuracy'"),
        ("", "there is no metric"),
        ("top0_accuracy", "there is no metric 'top0_accuracy'"),
    ],
)
def test_mistakes_are_answered(name: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        metrics.by_name(name)
    with pytest.raises(TypeError, match=r"needs a name, got"):
        metrics.by_name(metrics.Accuracy)  # type: ignore[arg-type] # on purpose


def test_metrics_of_plugins() -> None:
    class Positives(metrics.Accuracy):
        """Needs no arguments."""

    class OwnName(metrics.Metric):
        def empty(self) -> Any:
            return np.zeros(1)

        def update(self, output: Any, target: Any) -> None:
            self.state += len(output)

        def compute(self) -> float:
            return float(self.state[0])

    def share_of_ones(output: Any, target: Any) -> Any:
        return (target == 1).float().mean()

    registered = {"Positives": Positives, "OwnName": OwnName, "share_of_ones": share_of_ones}
    try:
        for name, made in registered.items():
            plugins.register("metrics", name)(made)
        assert type(metrics.by_name("positives")) is Positives
        assert metrics.by_name("own_name").name == "own_name"
        assert metrics.by_name("ShareOfOnes").name == "averaged_share_of_ones"
        assert "OwnName" in metrics.names()
        with pytest.raises(PluginError, match="accuracy"):
            plugins.register("metrics", "accuracy")(Positives)
    finally:
        for name in registered:
            if ("metrics", name) in plugins._registered:
                plugins.unregister("metrics", name)


@pytest.mark.parametrize("name", ["mse", "f1", "f1_macro", "f2_macro", "top5_accuracy", "auroc"])
def test_an_option_that_a_metric_does_not_have(name: str) -> None:
    options = {"averag": "macro", **({"average": "macro"} if name == "f1" else {})}
    with pytest.raises(ArgumentError, match=rf"metrics: .{name}. has no option .averag.\. .* has"):
        metrics.by_name(name, **options)
