"""The disk problem in a form of seconds: what must hold of its runs, and the parts of its page."""

from __future__ import annotations

import matplotlib.figure
import pytest

from dlframe.study import Results, Seeds
from dlframe.study.experiments import disk


@pytest.fixture(scope="module")
def found() -> dict[str, Results]:
    small = {"seeds": 2, "tuning_runs": 1, "baseline": {"epochs": 1}}
    adam = {**small, "baseline": {"epochs": 1, "optimizer": "Adam"}}
    return {
        "disk": disk.disk.changed(
            factors={"optimizer": ["SGD", "Adam"], "activation": ["ReLU", "Tanh"], "loss": ["MSE"]},
            tune=lambda arm: {"lr": disk.RATES[arm["optimizer"]][1:3]},
            **small,
        ).run(workers=1),
        "recipe": disk.recipe.changed(tune={"lr": [0.1]}, **small).run(workers=1),
        "recipe_adam": disk.recipe_adam.changed(tune={"lr": [0.01]}, **adam).run(workers=1),
    }


def test_a_run_measures_both_errors_after_each_epoch() -> None:
    run = disk.run(Seeds(0), epochs=4, lr=0.3)
    assert [len(run[name]) for name in ("loss", "accuracy", "val_accuracy", "train_error")] == [
        4
    ] * 4
    test = run["test_error"]()
    assert run["test_accuracy"]() == [1 - share for share in test]
    assert test[-1] < 0.1  # the test points are read by functions, once training is over
    assert run["loss"][-1] < run["loss"][0]


def test_the_recipe_is_what_makes_the_difference() -> None:
    best = disk.run(Seeds(1), epochs=3, lr=0.3)["accuracy"][-1]
    plain = disk.run(Seeds(1), epochs=3, lr=0.3, inputs="raw", batch_size=50, schedule="constant")
    assert best > plain["accuracy"][-1] + 0.1


@pytest.mark.slow
def test_the_page_has_its_pictures_also_from_two_seeds_and_one_epoch(
    found: dict[str, Results],
) -> None:
    parts = disk.explanation.parts
    assert parts is not None
    made = list(parts(found))
    assert len({part.title for part in made}) == 8
    assert sum(part.figure is not None for part in made) == 6
    assert all(isinstance(p.figure, matplotlib.figure.Figure) for p in made if p.figure is not None)
    recipe = next(part for part in made if part.title == "What the recipe gives")
    assert recipe.table is not None
    assert len(recipe.table[1]) == 8


def test_arms_that_failed_leave_gaps_in_the_tables(found: dict[str, Results]) -> None:
    broken = disk.disk.changed(
        factors={"activation": ["ReLU", "NoSuchLayer"]}, tune=None, tune_by=None, seeds=2,
        baseline={"epochs": 1},
    ).run(workers=1)  # fmt: skip
    rows = disk.pictures.reached(broken).table
    assert rows is not None
    assert rows[1][1][1:5] == ["–", "–", "–", "–"]
