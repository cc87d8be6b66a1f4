"""The study of a perceptron's modules: what each level does, and what its page draws."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe.errors import ArgumentError
from dlframe.study.experiments import modules
from dlframe.study.experiments.modules import data, inside, levels, parts
from dlframe.study.seeds import Seeds


def run(**chosen: Any) -> dict[str, Any]:
    return modules.run(Seeds(0), **{"epochs": 2, **chosen})


# --- data and levels ---------------------------------------------------------------------------


def test_images_are_moved_in_training_only() -> None:
    x = data.read("digits", "data")[0][:20]
    mover = data.Moved(0.04)
    dl.manual_seed(0)
    moved = mover(x)
    assert moved.shape == x.shape
    assert 0.1 < (moved - x).abs().mean() < 0.6  # of a standard deviation
    assert moved.min() == pytest.approx(x.min().item(), abs=1e-5)  # black comes in at the edges
    assert mover.eval()(x) is x
    assert data.Moved(0.0)(x).allclose(x, atol=1e-5)


def test_a_share_of_the_labels_is_wrong_and_none_to_validate() -> None:
    (x, right), val = data.divided(Seeds(0), "digits", "data", 500, 0.0)
    (_, noisy), same = data.divided(Seeds(0), "digits", "data", 500, 0.2)
    assert len(x) == 500
    assert 0.12 < (right != noisy).float().mean() < 0.2  # a tenth of those drawn are right
    assert (val[1] == same[1]).all()


def test_other_data_are_refused() -> None:
    with pytest.raises(ArgumentError, match="digits, mnist, cifar10"):
        run(data="photographs")


def test_as_much_is_tried_for_each_arm() -> None:
    for study in (modules.modules, modules.regularization, modules.ablation):
        assert len({len(grid) for grid in study.grids.values()}) == 1
    assert levels.rates({"loss": "MSE"})["lr"][0] > levels.rates({})["lr"][0]


def test_arms_are_pairs() -> None:
    """Dropout of nothing is no dropout: it sees the same images in the same order."""
    plain = run(images=100)
    for name in ("dropout", "DropConnect"):
        assert run(images=100, regularization=name, strength=0.0)["loss"] == plain["loss"]


def test_early_stopping_measures_the_weights_that_it_keeps() -> None:
    found = run(
        images=100, wrong=0.5, optimizer="momentum", lr=0.1, epochs=30,
        regularization="early stopping", strength=2,
    )  # fmt: skip
    assert 3 < len(found["val_loss"]) < 30
    assert found["val_loss"][-1] > min(found["val_loss"])


@pytest.mark.parametrize(
    ("name", "strength"), [("L1", 0.01), ("L2", 0.3), ("max-norm", 0.2), ("label smoothing", 0.5)]
)
def test_strong_regularization_learns_less_by_heart(name: str, strength: float) -> None:
    held = {"images": 100, "wrong": 0.5, "optimizer": "momentum", "lr": 0.05, "epochs": 40}
    plain, strong = run(**held), run(**held, regularization=name, strength=strength)
    assert strong["train_accuracy"] < plain["train_accuracy"] - 0.05


# --- inside ------------------------------------------------------------------------------------


def test_gradients_through_fifteen_layers() -> None:
    sigmoid = inside.through_depth("Sigmoid", "xavier_uniform_").gradients
    assert sigmoid[0] < 1e-6 * sigmoid[-1]
    relu = inside.through_depth("ReLU", "kaiming_normal_")
    assert 0.1 < relu.gradients[0] / relu.gradients[-1] < 10
    assert 0.2 < relu.spreads[-1] < 5
    assert inside.through_depth("ReLU", "large").spreads[-1] > 1e8
    assert inside.through_depth("ReLU", "small").spreads[-1] < 1e-18


def test_losses_of_the_margin_are_their_formulas() -> None:
    m = dl.linspace(-2, 3, 11)
    x = m.numpy().astype(np.float64)
    for name, formula in {
        "cross-entropy": np.log1p(np.exp(-x)),
        "hinge": np.maximum(0, 1 - x) / 2,  # a mean over two classes
        "perceptron": np.maximum(0, -x) / 2,
        "MSE": (1 - x) ** 2 / 4,
    }.items():
        values, slopes = inside.of_margin(name, m)
        np.testing.assert_allclose(values, formula, atol=2e-6)
        assert (slopes <= 0).all() or name == "MSE"


def test_l1_makes_weights_zero_and_l2_small() -> None:
    near, size = {}, {}
    for name in ("none", "L1", "L2"):
        weights = inside.weights_under(name, {"none": 0.0, "L1": 0.003, "L2": 0.03}[name])
        flat = np.concatenate([w.ravel() for w in weights.values()])
        near[name], size[name] = (np.abs(flat) < 1e-3).mean(), np.linalg.norm(flat)
    assert near["L1"] > 0.5
    assert near["L2"] < 0.1
    assert size["L2"] < 0.8 * size["none"]


def test_max_norm_bounds_units() -> None:
    for w in inside.weights_under("max-norm", 0.5, epochs=5).values():
        assert np.linalg.norm(w, axis=1).max() <= 0.5 * (1 + 1e-5)


def test_batch_norm_keeps_a_tanh_from_saturating() -> None:
    shares = {
        norm: [
            course.saturated[-1]
            for course in inside.logged(norm, "large", epochs=1).outputs.values()
        ]
        for norm in ("none", "batch")
    }
    assert min(shares["none"]) > 0.5
    assert max(shares["batch"]) < 0.1


# --- the page ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_parts_draw_each_module_from_a_small_form() -> None:
    pytest.importorskip("matplotlib")
    small = {"tune": None, "tune_by": None, "seeds": 2, "baseline": {"epochs": 1}}
    factors = {"activation": ["ReLU", "Sigmoid"], "init": ["default", "zeros_"]}
    few = {"regularization": ["none", "early stopping"]}
    found = {
        "modules": modules.modules.changed(factors=factors, **small).run(workers=1),
        "regularization": modules.regularization.changed(factors=few, **small).run(workers=1),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = list(parts.parts(found))
    for factor in ("Activation", "Optimizer", "Regularization", "Loss", "Normalization", "Initial"):
        assert any(part.title.startswith(factor) for part in made)
    assert all(part.figure is not None and part.alt and part.text for part in made)
    rows = {part.title: part.table[1] for part in made if part.table}
    assert ["zeros_", "0"] in rows["Initial values: forward and backward through 15 layers"]


def test_parts_do_without_results() -> None:
    pytest.importorskip("matplotlib")
    first, second = itertools.islice(parts.parts({}), 2)
    assert first.table is None
    assert second.table is None
