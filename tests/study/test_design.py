"""Which arms a design has, what they are called, what makes a run another one, what is refused."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import nn
from dlframe.errors import ArgumentError
from dlframe.study import Random, Seeds, Study
from dlframe.study.design import name_of
from dlframe.study.identity import checksum, code_of, resolved
from dlframe.study.seeds import STREAMS


def run(seeds: Any, optimizer: str = "SGD", layers: int = 2, dropout: float = 0.0) -> Any:
    """Does it matter?"""
    bonus = {"SGD": 0.0, "Adam": 0.1}[optimizer]
    return {"val_accuracy": bonus - abs(dropout - 0.2), "test_accuracy": lambda: bonus + layers}


def arms(factors: Any, **options: Any) -> list[str]:
    study = Study(run, factors, measure="test_accuracy", **options)
    return [arm.label for arm in study.arms]


def test_a_grid_has_all_combinations() -> None:
    factors = {"optimizer": ["SGD", "Adam"], "layers": [1, 2, 3]}
    expected = [f"{o}, layers {n}" for o in ("SGD", "Adam") for n in (1, 2, 3)]
    assert arms(factors) == expected


def test_one_at_a_time_begins_with_the_baseline() -> None:
    factors = {"optimizer": ["SGD", "Adam"], "layers": [1, 3]}
    found = arms(factors, design="one at a time")
    assert found == ["baseline", "Adam", "layers 1", "layers 3"]
    found = arms(factors, design="one at a time", baseline={"optimizer": "Adam"})
    assert found == ["baseline", "SGD", "layers 1", "layers 3"]


def test_without_one_is_an_ablation() -> None:
    factors = {"optimizer": ["SGD", "Adam"], "dropout": [0.0, 0.5]}
    best = {"optimizer": "Adam", "dropout": 0.5}
    assert arms(factors, design="without one", baseline=best) == ["baseline", "SGD", "dropout 0"]


def test_random_arms_are_different_and_the_same_again() -> None:
    factors = {"optimizer": ["SGD", "Adam"], "layers": [1, 2, 3]}
    found = arms(factors, design=Random(4))
    assert len(set(found)) == 4
    assert found == arms(factors, design=Random(4))
    assert set(arms(factors, design=Random(6))) == set(arms(factors))


def test_levels_may_have_names() -> None:
    factors = {"dropout": {"off": 0.0, "strong": 0.5}}
    assert arms(factors) == ["dropout off", "dropout strong"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (nn.ReLU, "ReLU"),
        (True, "yes"),
        (1e-4, "0.0001"),
        (3, "3"),
        ([25, 5], "25-5"),
        (None, "none"),
    ],
)
def test_names_of_levels(value: object, name: str) -> None:
    assert name_of(value) == name


# --- seeds -------------------------------------------------------------------------------------


def test_every_stream_of_every_run_has_a_seed_of_its_own() -> None:
    seeds = [
        Seeds(number, study, stage).stream(name)
        for number in range(20)
        for study in range(3)
        for stage in ("run", "tune")
        for name in STREAMS
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_arms_share_seeds_and_held_streams_stay() -> None:
    def noting(seeds: Any, level: int = 0) -> dict[str, float]:
        return {"score": level, "weights": seeds.weights, "order": seeds.order}

    held = Study(noting, {"level": [0, 1]}, measure="score", seeds=3, held=["weights"])
    results = held.run(workers=1)
    weights, order = results.values("weights"), results.values("order")
    assert weights["level 0"] == weights["level 1"]
    assert len(set(weights["level 0"])) == 1
    assert order["level 0"] == order["level 1"]
    assert len(set(order["level 0"])) == 3


# --- tuning ------------------------------------------------------------------------------------


def test_tuning_chooses_by_validation_and_reads_the_test_once() -> None:
    read = []

    def counted(seeds: Any, optimizer: str = "SGD", rate: float = 0.0) -> dict[str, Any]:
        def test() -> float:
            read.append((optimizer, rate))
            return rate

        best = {"SGD": 0.3, "Adam": 0.1}[optimizer]
        return {"val_accuracy": -abs(rate - best), "test_accuracy": test}

    study = Study(
        counted,
        {"optimizer": ["SGD", "Adam"]},
        measure="test_accuracy",
        tune={"rate": [0.1, 0.2, 0.3]},
        tune_by="val_accuracy",
        tuning_runs=2,
        seeds=2,
    )
    results = study.run(workers=1)
    assert results.chosen == {"SGD": {"rate": 0.3}, "Adam": {"rate": 0.1}}
    assert read == [("SGD", 0.3), ("Adam", 0.1)] * 2
    assert len(results.tried) == 2 * 3 * 2
    final = {run["key"] for run in results.runs}
    assert not final & {run["key"] for run in results.tried}


def test_a_value_that_fails_is_not_chosen() -> None:
    def failing(seeds: Any, level: int = 0, rate: float = 0.0) -> dict[str, float]:
        if rate > 0.5:
            raise OverflowError
        value = float("nan") if rate == 0.5 else rate
        return {"val_accuracy": value, "test_accuracy": value}

    study = Study(
        failing, {"level": [0]}, measure="test_accuracy", tune={"rate": [0.9, 0.5, 0.1, 0.2]},
        tune_by="val_accuracy", seeds=1,
    )  # fmt: skip
    results = study.run(workers=1)
    assert results.chosen == {"level 0": {"rate": 0.2}}
    assert [run["status"] for run in results.failures()] == ["failed"] * 2 + ["nan"] * 2


# --- what makes a run the one it is ------------------------------------------------------------


def test_levels_that_mean_the_same_are_resolved_alike() -> None:
    assert resolved("x", (1, 2)) == resolved("x", [1, 2])
    assert resolved("x", np.float64(0.1)) == resolved("x", 0.1)
    assert resolved("x", float("inf")) == {"float": "inf"}
    one, two = functools.partial(nn.LeakyReLU, 0.1), functools.partial(nn.LeakyReLU, 0.2)
    assert resolved("x", one) != resolved("x", two)
    assert resolved("x", one) == resolved("x", functools.partial(nn.LeakyReLU, 0.1))
    assert resolved("x", np.zeros(2)) != resolved("x", np.zeros(3))
    assert resolved("x", lambda: 1) != resolved("x", lambda: 2)


def test_functions_without_a_file_are_known_by_their_code() -> None:
    def made(text: str) -> Any:
        space: dict[str, Any] = {"__name__": "typed"}
        exec(text, space)  # as a notebook does
        return space["run"]

    text = (
        "def helper(x):\n    return x + {0}\ndef run(seeds, level=0):\n    return helper(level)\n"
    )
    one, same, other = (made(text.format(n)) for n in (1, 1, 2))
    assert code_of(one) == code_of(same)
    assert code_of(one) != code_of(other)


def test_all_files_that_are_used_count() -> None:
    found = code_of(run, [nn, dl.optim, nn])
    assert len(found) == 4  # dlframe, this file, and two __init__.py
    assert list(found)[2:] == ["__init__.py", "optim/__init__.py"]


def test_checksums_tell_data_apart(tmp_path: Any) -> None:
    found = {
        checksum("x", data)
        for data in (
            np.zeros(3), np.zeros(3, "f4"), np.zeros((3, 1)), dl.zeros(4), [np.zeros(3), 1.0],
            {"a": np.zeros(3)},
        )
    }  # fmt: skip
    assert len(found) == 6
    (tmp_path / "a").write_text("1")
    first = checksum("x", tmp_path)
    (tmp_path / "b").write_text("1")
    assert checksum("x", tmp_path) != first


# --- what is refused ---------------------------------------------------------------------------


def no_seeds(optimizer: str = "SGD") -> None: ...


def no_default(seeds: Any, rate: float, optimizer: str = "SGD") -> None: ...


MEASURE = {"measure": "test_accuracy"}
REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no such factor": (run, {"factors": {"optimiser": ["SGD"]}, **MEASURE}, "mean 'optimizer'"),
    "no factors": (run, {"factors": {}, **MEASURE}, "dict from parameters"),
    "no levels": (run, {"factors": {"layers": []}, **MEASURE}, "levels of 'layers'"),
    "a text": (run, {"factors": {"optimizer": "SGD"}, **MEASURE}, "levels of 'optimizer'"),
    "twice": (run, {"factors": {"layers": [1, 1]}, **MEASURE}, "level '1' twice"),
    "a module": (run, {"factors": {"layers": [nn.ReLU()]}, **MEASURE}, "the class or function"),
    "no seeds": (no_seeds, {"factors": {"optimizer": ["SGD"]}, **MEASURE}, "parameter `seeds`"),
    "held": (no_default, {"factors": {"optimizer": ["SGD"]}, **MEASURE}, "'rate' is not varied"),
    "design": (run, {"factors": {"layers": [1]}, "design": "gird", **MEASURE}, "mean 'grid'"),
    "random": (run, {"factors": {"layers": [1]}, "design": Random(2), **MEASURE}, "from 1 to 1"),
    "seeds": (run, {"factors": {"layers": [1]}, "seeds": 0, **MEASURE}, "seeds must be"),
    "mode": (run, {"factors": {"layers": [1]}, "measure": "x"}, "pass mode"),
    "stream": (run, {"factors": {"layers": [1]}, "held": ["weight"], **MEASURE}, "'weights'"),
    "baseline": (run, {"factors": {"layers": [1]}, "baseline": {"lr": 1}, **MEASURE}, "'lr'"),
    "tune_by": (
        run,
        {"factors": {"layers": [1]}, "tune": {"dropout": [0.1]}, **MEASURE},
        "validation data",
    ),
    "tuned by test": (
        run,
        {
            "factors": {"layers": [1]},
            "tune": {"dropout": [0.1]},
            "tune_by": "test_accuracy",
            **MEASURE,
        },
        "would flatter",
    ),
    "tuned factor": (
        run,
        {
            "factors": {"layers": [1]},
            "tune": {"layers": [1]},
            "tune_by": "val_accuracy",
            **MEASURE,
        },
        "varied as a factor",
    ),
    "budget": (
        run,
        {
            "factors": {"layers": [1, 2]},
            "tune": lambda arm: {"dropout": [0.1] * arm["layers"] and list(range(arm["layers"]))},
            "tune_by": "val_accuracy",
            **MEASURE,
        },
        "1 values for 'layers 1' and 2 for 'layers 2'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    function, options, words = REFUSED[name]
    options = dict(options)
    with pytest.raises(ArgumentError, match=words):
        Study(function, options.pop("factors"), **options)


def test_a_run_that_measures_something_else_says_what() -> None:
    study = Study(run, {"layers": [1]}, measure="accuracy", seeds=1)
    with pytest.warns(UserWarning, match="none of 1 runs"):
        [found] = study.run(workers=1).runs
    assert found["status"] == "failed"
    assert "'accuracy'; it returned 'val_accuracy', 'test_accuracy'" in found["error"]


def test_an_ablation_of_levels_that_lack_the_default() -> None:
    assert arms({"dropout": [0.5]}, design="without one") == ["baseline", "dropout 0.5"]


def test_an_array_can_be_a_default() -> None:
    def of_array(seeds: Any, scale: Any = np.ones(2)) -> Any:  # noqa: B008 - never changed
        return {"score": float(scale.sum())}

    study = Study(of_array, {"scale": {"big": np.full(2, 5.0)}}, measure="score",
                  design="one at a time", seeds=1)  # fmt: skip
    assert list(study.run(workers=1).values().values()) == [[2.0], [10.0]]


@pytest.mark.parametrize(
    "tried",
    [lambda: map(float, [1, 2]), lambda: {"low": 1.0, "high": 2.0}, lambda: (1.0, 2.0)],
    ids=["iterator", "names", "tuple"],
)
def test_what_is_tried_may_be_given_in_many_forms(tried: Any) -> None:
    study = Study(run, {"layers": [1, 2]}, measure="test_accuracy", tune_by="val_accuracy",
                  tune=lambda arm: {"dropout": tried()})  # fmt: skip
    assert study.grids["layers 1"] == [{"dropout": 1.0}, {"dropout": 2.0}]
