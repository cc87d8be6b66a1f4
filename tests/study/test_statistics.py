"""Intervals and tests against SciPy's own, their coverage, and what they refuse."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dlframe.errors import ArgumentError, ShapeError
from dlframe.study import statistics


@pytest.mark.parametrize("runs", [2, 3, 5, 20])
def test_t_intervals_are_scipys(runs: int) -> None:
    x = np.random.default_rng(runs).normal(0.9, 0.02, runs)
    found = statistics.estimate(x, confidence=0.9)
    low, high = stats.ttest_1samp(x, 0.0).confidence_interval(0.9)
    assert [found.low, found.high] == pytest.approx([low, high])
    assert found.mean == pytest.approx(x.mean())
    assert found.std == pytest.approx(x.std(ddof=1))


def test_bca_is_not_symmetric_for_skewed_values() -> None:
    x = np.random.default_rng(0).exponential(1.0, 30)
    found = statistics.estimate(x, method="bca")
    assert found.high - found.mean > found.mean - found.low > 0
    assert found == statistics.estimate(x, method="bca")  # the same numbers again


def test_one_run_has_no_interval() -> None:
    found = statistics.estimate([0.5])
    assert found.mean == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert not found.decided


@pytest.mark.parametrize("method", statistics.METHODS)
def test_equal_values_have_a_narrow_interval_without_a_warning(method: str) -> None:
    found = statistics.estimate([0.1 + 0.2] * 4, method=method)
    assert found.low == found.high == found.mean


def test_values_that_are_not_finite_have_no_interval() -> None:
    found = statistics.estimate([1.0, math.nan, 2.0])
    assert math.isnan(found.mean)
    assert not found.decided


@pytest.mark.parametrize("runs", [2, 4, 8])
def test_sign_flip_counts_all_choices_of_signs(runs: int) -> None:
    d = np.random.default_rng(runs).normal(0.5, 1.0, runs)
    means = [np.mean(d * signs) for signs in itertools.product([1, -1], repeat=runs)]
    as_far = np.sum(np.abs(means) >= abs(d.mean()) * (1 - 1e-12))
    assert statistics.sign_flip(d) == pytest.approx(as_far / 2**runs)


def test_pairs_decide_where_separate_runs_would_not() -> None:
    common = np.array([0.1, 0.5, 0.9, 0.3, 0.7, 0.2])
    gain = np.array([0.010, 0.012, 0.009, 0.011, 0.010, 0.012])
    found = statistics.compare(common + gain, common)
    assert found.decided
    assert found.more_runs is None
    assert found.difference.mean == pytest.approx(gain.mean())
    assert not stats.ttest_ind(common + gain, common).pvalue < 0.5


def test_the_test_is_one_that_can_decide() -> None:
    """With five runs and one comparison, flipping signs cannot reach 0.05."""
    x, y = np.arange(5.0) + 1, np.zeros(5)
    assert statistics.compare(x, y).test == "t"
    assert statistics.compare(x, y).p == pytest.approx(stats.ttest_rel(x, y).pvalue)
    x, y = np.arange(6.0) + 1, np.zeros(6)
    assert statistics.compare(x, y).test == "sign-flip"
    assert statistics.compare(x, y).p == pytest.approx(2 / 2**6)
    assert statistics.compare(x, y, comparisons=10).test == "t"


def test_runs_needed_decide_as_often_as_said() -> None:
    """80 % of studies with so many runs leave 0 out, and fewer with a tenth less."""
    d = np.array([0.02, -0.01, 0.03, 0.00, 0.01])
    needed = statistics.runs_needed(d)
    assert needed is not None
    random = np.random.default_rng(1)

    def share(n: int) -> float:
        x = random.normal(d.mean(), d.std(ddof=1), (20_000, n))
        half = stats.t.ppf(0.975, n - 1) * x.std(axis=1, ddof=1) / math.sqrt(n)
        return float(np.mean(np.abs(x.mean(axis=1)) > half))

    assert share(needed) > 0.79
    assert share(needed - max(2, needed // 10)) < 0.79


def test_equal_differences_of_few_runs_decide_nothing() -> None:
    """Accuracies are shares of few samples, so two differences can be equal by chance."""
    found = statistics.compare([0.9, 0.6], [0.6, 0.3])  # 0.3, but for rounding
    assert found.p == 0.5
    assert found.more_runs == 4
    found = statistics.compare([0.9, 0.6] * 3, [0.6, 0.3] * 3)
    assert found.p <= 0.05
    assert found.more_runs is None


@pytest.mark.parametrize("d", [[0.0, 0.0], [1.0, -1.0], [math.nan, 1.0], [1.0]])
def test_no_number_of_runs_decides_without_a_difference(d: list[float]) -> None:
    assert statistics.runs_needed(d) is None


def test_runs_needed_of_equal_differences() -> None:
    assert statistics.runs_needed([0.5, 0.5, 0.5]) == 2


def test_holm_keeps_false_alarms_of_the_family_rare() -> None:
    random = np.random.default_rng(0)
    alarms = [min(statistics.holm(list(random.random(8)))) <= 0.05 for _ in range(4000)]
    assert 0.03 < np.mean(alarms) <= 0.06


def test_holm_leaves_out_what_has_no_value() -> None:
    assert statistics.holm({"a": 0.02, "b": math.nan, "c": 0.5}) == pytest.approx(
        {"a": 0.04, "b": math.nan, "c": 0.5}, nan_ok=True
    )
    assert statistics.holm([]) == []


def test_dunnett_is_scipys() -> None:
    random = np.random.default_rng(3)
    control, a, b = random.normal(0, 1, (3, 8)) + np.array([[0.0], [0.2], [3.0]])
    found = statistics.dunnett({"a": a, "b": b}, control)
    expected = stats.dunnett(a, b, control=control, rng=np.random.default_rng(0))
    assert [found["a"].p, found["b"].p] == pytest.approx(expected.pvalue, abs=0.005)
    assert found["b"].decided
    assert not found["a"].decided
    assert found["b"].difference.mean == pytest.approx(b.mean() - control.mean())


def test_one_task_does_not_decide_the_interquartile_mean() -> None:
    scores = np.full((5, 4), 0.8) + np.random.default_rng(0).normal(0, 0.01, (5, 4))
    scores[0] = 0.0
    found = statistics.interquartile_mean(scores)
    assert found.mean == pytest.approx(stats.trim_mean(scores.ravel(), 0.25))
    assert found.low < found.mean < found.high
    assert found.mean > 0.78


ERRORS = {
    "no values": (lambda: statistics.estimate([]), ShapeError, "one number for each run"),
    "a matrix": (lambda: statistics.estimate([[1.0]]), ShapeError, r"\(1, 1\)"),
    "confidence": (
        lambda: statistics.estimate([1.0], confidence=95),
        ArgumentError,
        "did you mean 0.95",
    ),
    "method": (lambda: statistics.estimate([1.0], method="bac"), ArgumentError, "bca"),
    "pairs": (lambda: statistics.compare([1.0], [1.0, 2.0]), ShapeError, "1 and 2"),
    "one pair": (lambda: statistics.compare([1.0], [1.0]), ShapeError, "two seeds or more"),
    "no arms": (lambda: statistics.dunnett({}, [1.0, 2.0]), ArgumentError, "no arms"),
    "one value": (lambda: statistics.dunnett({"a": [1.0]}, [1.0, 2.0]), ShapeError, "'a' needs"),
    "flat": (lambda: statistics.interquartile_mean([1.0]), ShapeError, "tasks, runs"),
    "power": (
        lambda: statistics.runs_needed([1.0, 2.0], power=2),
        ArgumentError,
        "power must be",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_refused(name: str) -> None:
    call, kind, words = ERRORS[name]
    with pytest.raises(kind, match=words):
        call()
