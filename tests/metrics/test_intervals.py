"""Confidence intervals: against SciPy, against the truth, and where there can be none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import dlframe as dl
from dlframe import metrics
from dlframe.errors import ArgumentError, ShapeError

Y = np.array([0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1])
Z = np.array([0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0])


def fed(metric: Any, output: Any = Z, target: Any = Y) -> Any:
    metric.update(output, target)
    return metric


@pytest.mark.parametrize("method", ["wilson", "exact", "wilsoncc"])
def test_shares_are_counted(method: str) -> None:
    wanted = stats.binomtest(9, 12).proportion_ci(0.9, method)
    assert fed(metrics.Accuracy()).interval(0.9, method) == (wanted.low, wanted.high)


@pytest.mark.parametrize(
    ("metric", "hits", "size"),
    [
        (metrics.Precision("binary"), 5, 6),
        (metrics.Recall("binary"), 5, 7),
        (metrics.Specificity("binary"), 4, 5),
        (metrics.Jaccard("binary"), 5, 8),
        (metrics.Precision("micro"), 9, 12),
    ],
)
def test_ratios_of_one_count_are_shares(metric: Any, hits: int, size: int) -> None:
    wanted = stats.binomtest(hits, size).proportion_ci(method="wilson")
    assert fed(metric).interval() == (wanted.low, wanted.high)


def test_wilson_is_no_point_at_the_ends() -> None:
    low, high = fed(metrics.Accuracy(), Y, Y).interval()
    assert 0.7 < low < 0.8
    assert high == 1.0
    assert all(map(math.isnan, metrics.Accuracy().interval()))


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_resampling_is_scipys(method: str) -> None:
    x, y = np.arange(20) % 7 * 1.0, np.arange(20) % 5 * 1.0
    found = metrics.interval(
        metrics.mean_absolute_error, x, y, method=method, resamples=300, generator=3
    )
    wanted = stats.bootstrap(
        (x, y), lambda a, b: np.abs(a - b).mean(), paired=True, vectorized=False,
        n_resamples=300, method=method, rng=np.random.default_rng(3),
    ).confidence_interval  # fmt: skip
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_functions_and_metrics_alike_and_seeds() -> None:
    metric, (x, y) = metrics.MeanAbsoluteError(), np.random.default_rng(1).normal(size=(2, 30))
    by_function = metrics.interval(metrics.mean_absolute_error, x, y, generator=5)
    assert metrics.interval(metric, dl.tensor(x), dl.tensor(y), generator=5) == by_function
    assert not metric.state.any()  # a copy was measured
    assert metrics.interval(metric, x, y, generator=6) != by_function
    dl.manual_seed(2)
    first = metrics.interval(metric, x, y)
    assert metrics.interval(metric, x, y) != first
    dl.manual_seed(2)
    assert metrics.interval(metric, x, y) == first
    own = dl.Generator().manual_seed(2)
    assert metrics.interval(metric, x, y, generator=own) == first


def test_metrics_that_keep_their_samples_resample_them() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=60), rng.integers(0, 2, 60)
    scores += truth
    metric = fed(metrics.AUROC(), scores, truth)
    low, high = metric.interval(generator=1, resamples=400)
    assert low < metric.compute() < high
    found = metrics.interval(metrics.auroc, scores, truth, generator=1, resamples=400)
    np.testing.assert_allclose((low, high), found, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["wilson", "bca"])
def test_95_of_100_hold_the_truth(metric: str, rng: np.random.Generator) -> None:
    held = 0
    for _ in range(300):
        if metric == "wilson":
            low, high = fed(metrics.Accuracy(), rng.random(80) < 0.8, np.ones(80, int)).interval()
            held += low <= 0.8 <= high
        else:
            x = rng.normal(size=60)
            error = metrics.mean_absolute_error
            low, high = metrics.interval(error, x, 0 * x, resamples=400, generator=0)
            held += low <= math.sqrt(2 / math.pi) <= high
    assert 265 <= held <= 298  # 285 expected; five standard deviations of a binomial are 19


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fed(metrics.F1("macro")).interval(), ArgumentError, "f1_macro: not a share"),
        (lambda: fed(metrics.F1("binary")).interval(), ArgumentError, "not a share of one count"),
        (lambda: fed(metrics.MeanSquaredError()).interval(),
         ArgumentError, r"use metrics.interval\("),
        (lambda: fed(metrics.Accuracy()).interval(95), ArgumentError, "did you mean 0.95"),
        (lambda: fed(metrics.Accuracy()).interval(0), ArgumentError, "between 0 and 1, got 0"),
        (lambda: fed(metrics.Accuracy()).interval(0.9, "bca"),
         ArgumentError, r"metrics.interval\(m"),
        (lambda: fed(metrics.Accuracy()).interval(0.9, "wilsn"), ArgumentError, "mean 'wilson'"),
        (lambda: metrics.interval(metrics.accuracy, Y, Y), ArgumentError, "all resamples have the"),
        (lambda: metrics.interval(metrics.accuracy, Z, Y[:3]), ShapeError, "of one length"),
        (lambda: metrics.interval(metrics.accuracy, Z[:1], Y[:1]),
         ShapeError, "two samples or more"),
        (lambda: metrics.interval(metrics.accuracy, Z, Y, method="exact"),
         ArgumentError, "only shares"),
        (lambda: metrics.interval(metrics.accuracy, Z, Y, resamples=1), ArgumentError, "2 or more"),
        (lambda: metrics.interval(metrics.confusion_matrix, Z, Y), ShapeError, "one number"),
        (lambda: metrics.interval("accuracy", Z, Y), TypeError, "needs a function"),
        (lambda: metrics.interval(metrics.accuracy, [0] * 6000, [0] * 6000, method="bca"),
         ArgumentError, "bca would measure 6000 times"),
        (lambda: metrics.interval(metrics.auroc, [0.1, 0.2, 0.3], [0, 0, 1], generator=0),
         ArgumentError,
         "have no value, as where a class is missing"),
        (lambda: fed(metrics.AUROC(thresholds=5), Z * 0.5, Y).interval(),
         ArgumentError, "use metrics.int"),
    ],
)  # fmt: skip
def test_what_has_no_interval(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
