"""The page of the runner's own test."""

from __future__ import annotations

from dlframe.study.experiments import alike


def test_intervals_that_miss_are_counted() -> None:
    results = alike.alike.changed(seeds=4 * alike.PAIRS, baseline={"epochs": 1}).run(workers=1)
    promises, intervals = alike.parts({"alike": results})
    assert promises.table is not None
    assert promises.table[1][0][1] == "4"
    assert intervals.figure is not None
    assert intervals.alt.startswith("4 upright lines")


def test_less_than_one_study_is_said() -> None:
    results = alike.alike.changed(seeds=2, baseline={"epochs": 1}).run(workers=1)
    (only,) = alike.parts({"alike": results})
    assert "fewer than 8 pairs" in only.text
