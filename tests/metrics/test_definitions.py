"""Values from the definitions, counted one by one, on random data with ties and empty classes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlframe import metrics
from dlframe.metrics import averages

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=25)
SCORED = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=25)
NUMBERS = st.lists(st.tuples(st.integers(-40, 40), st.integers(-40, 40)), min_size=1, max_size=20)


def near(value: Any, wanted: Any) -> bool:
    return bool(np.allclose(value, wanted, rtol=1e-12, atol=1e-12, equal_nan=True))


def over(above: float, below: float, otherwise: float) -> float:
    return above / below if below else otherwise


@given(LABELS, st.sampled_from([0.0, 1.0, math.nan]))
def test_ratios_of_counts(pairs: Any, zero: float) -> None:
    predicted, true = np.array(pairs).T
    n = len(pairs)
    hits, wrong, missed, rest = (
        [sum((p == c) is a and (t == c) is b for p, t in pairs) for c in range(4)]
        for a, b in ((True, True), (True, False), (False, True), (False, False))
    )
    for kind, above, below in (
        ("precision", hits, np.add(hits, wrong)),
        ("recall", hits, np.add(hits, missed)),
        ("specificity", rest, np.add(rest, wrong)),
        ("jaccard", hits, n - np.array(rest)),
        ("f1", np.multiply(2, hits), np.multiply(2, hits) + wrong + missed),
    ):
        measure = getattr(metrics, kind)
        each = [over(a, b, zero) for a, b in zip(above, below, strict=True)]
        assert near(measure(predicted, true, "per_class", 4, zero_division=zero), each)
        seen = [v for v, r in zip(each, rest, strict=True) if r < n and not math.isnan(v)]
        wanted = sum(seen) / len(seen) if seen else math.nan
        assert near(measure(predicted, true, "macro", 4, zero_division=zero), wanted)
        assert near(
            measure(predicted, true, "micro", 4, zero_division=zero),
            over(sum(above), sum(below), zero),
        )


@given(LABELS, st.floats(0.25, 4.0))
def test_f_beta_is_the_weighted_harmonic_mean(pairs: Any, beta: float) -> None:
    predicted, true = np.array(pairs).T
    p, r = (getattr(metrics, k)(predicted, true, "per_class", 4) for k in ("precision", "recall"))
    wanted = [over((1 + beta**2) * a * b, beta**2 * a + b, 0.0) for a, b in zip(p, r, strict=True)]
    assert near(metrics.fbeta(predicted, true, "per_class", 4, beta=beta), wanted)
    assert near(
        metrics.fbeta(predicted, true, "macro", beta=1), metrics.f1(predicted, true, "macro")
    )


@given(SCORED)
def test_the_area_counts_pairs_in_the_right_order(samples: Any) -> None:
    scores, true = np.array([s for s, _ in samples], float), np.array([t for _, t in samples])
    pairs = [(a > b) + (a == b) / 2 for a in scores[true] for b in scores[~true]]
    wanted = sum(pairs) / len(pairs) if pairs else math.nan
    assert near(metrics.auroc(scores, true), wanted)
    curve = metrics.roc_curve(scores, true)
    for fpr, tpr, cut in zip(*curve, strict=True):
        assert near(tpr, (scores[true] >= cut).mean() if true.any() else math.nan)
        assert near(fpr, (scores[~true] >= cut).mean() if not true.all() else math.nan)


@given(SCORED)
def test_average_precision_is_the_mean_over_positive_samples(samples: Any) -> None:
    scores, true = np.array([s for s, _ in samples], float), np.array([t for _, t in samples])
    at = [true[scores >= s].mean() for s in scores[true]]
    assert near(metrics.average_precision(scores, true), np.mean(at) if at else math.nan)
    best = [max(true[scores >= u].mean() for u in scores[scores <= s]) for s in scores[true]]
    found = metrics.average_precision(scores, true, interpolated=True)
    assert near(found, np.mean(best) if best else math.nan)


@given(SCORED)
def test_bins_that_separate_all_scores_are_exact(samples: Any) -> None:
    scores, true = np.array([s for s, _ in samples]) / 6, np.array([t for _, t in samples])
    cuts = np.arange(7) / 6
    for make in (metrics.AUROC, metrics.AveragePrecision):
        exact, binned = make(), make(thresholds=cuts)
        for metric in (exact, binned):
            metric.update(scores[:3], true[:3])
            metric.update(scores[3:], true[3:])
        assert near(binned.compute(), exact.compute())
        assert binned.state.dtype == np.int64
        assert binned.state.shape == (1, 2, 8)


@given(LABELS)
def test_agreement(pairs: Any) -> None:
    predicted, true = np.array(pairs).T
    n = len(pairs)
    for weights, cost in ((None, lambda d: d != 0), ("linear", abs), ("quadratic", np.square)):
        seen = sum(int(cost(p - t)) for p, t in pairs) / n
        chance = sum(int(cost(p - t)) for p in predicted for t in true) / n**2
        value = metrics.cohen_kappa(predicted, true, weights=weights)
        assert near(value, 1 - over(seen, chance, math.nan) if chance else math.nan)
    a, b = np.eye(4)[predicted], np.eye(4)[true]
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size = math.sqrt((a**2).sum() * (b**2).sum())
    assert near(metrics.matthews_coefficient(predicted, true), over((a * b).sum(), size, 0.0))


@given(NUMBERS)
def test_errors_of_numbers(pairs: Any) -> None:
    x, y = np.array(pairs, float).T / 8
    up = np.abs(x), np.abs(y) + 0.125
    assert near(
        metrics.mean_squared_log_error(*up), np.mean((np.log1p(up[0]) - np.log1p(up[1])) ** 2)
    )
    assert near(metrics.mean_absolute_percentage_error(*up), np.mean(abs(up[0] - up[1]) / up[1]))
    smape = [over(2 * abs(a - b), abs(a) + abs(b), 0.0) for a, b in zip(x, y, strict=True)]
    assert near(metrics.symmetric_mean_absolute_percentage_error(x, y), np.mean(smape))
    assert metrics.max_error(x, y) == abs(x - y).max()
    assert metrics.median_absolute_error(x, y) == np.median(abs(x - y))


@given(NUMBERS)
def test_explained_variation_and_correlations(pairs: Any) -> None:
    x, y = np.array(pairs, float).T / 8
    spread = len(y) > 1 and np.ptp(y) > 0
    r2 = 1 - ((x - y) ** 2).sum() / ((y - y.mean()) ** 2).sum() if spread else math.nan
    assert near(metrics.r2_score(x, y), r2)
    assert near(
        metrics.explained_variance(x, y), 1 - (x - y).var() / y.var() if spread else math.nan
    )
    both = spread and np.ptp(x) > 0
    pearson = np.mean((x - x.mean()) * (y - y.mean())) / (x.std() * y.std()) if both else math.nan
    assert near(metrics.pearson_correlation(x, y), pearson)
    ranks = [[(one < v).sum() + ((one == v).sum() + 1) / 2 for v in one] for one in (x, y)]
    spearman = metrics.pearson_correlation(*ranks) if both else math.nan
    assert near(metrics.spearman_correlation(x, y), spearman)
    signs = [
        (np.sign(x[i] - x[j]), np.sign(y[i] - y[j]))
        for i, j in itertools.combinations(range(len(x)), 2)
    ]
    a, b = np.array(signs).reshape(-1, 2).T
    tau = (a * b).sum() / math.sqrt((a**2).sum() * (b**2).sum()) if both else math.nan
    assert near(metrics.kendall_correlation(x, y), tau)


@given(
    st.lists(st.tuples(st.integers(0, 16), st.booleans()), min_size=1, max_size=30),
    st.integers(1, 8),
)
def test_calibration_by_bins(samples: Any, bins: int) -> None:
    p, true = np.array([s for s, _ in samples]) / 16, np.array([t for _, t in samples])
    inside = [  # from the lower end, which is outside except at 0, to the upper one
        ((p > k / bins) | ((k == 0) & (p == 0))) & (p <= (k + 1) / bins) for k in range(bins)
    ]
    gaps = [(abs(true[one].mean() - p[one].mean()), one.mean()) for one in inside if one.any()]
    wanted = {
        "ece": sum(gap * share for gap, share in gaps),
        "mce": max(gap for gap, _ in gaps),
        "rmsce": math.sqrt(sum(gap**2 * share for gap, share in gaps)),
    }
    for norm, value in wanted.items():
        assert near(metrics.calibration_error(p, true, norm, bins=bins), value)
    curve = metrics.reliability_curve(p, true, bins)
    assert curve.samples.sum() == len(samples)
    assert near(curve.accuracy, [true[one].mean() for one in inside if one.any()])


def test_adaptive_bins_have_equally_many_samples() -> None:
    p = np.array([0.1, 0.11, 0.12, 0.13, 0.5, 0.9, 0.91, 0.92])
    true = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    curve = metrics.reliability_curve(p, true, 2, adaptive=True)
    assert curve.samples.tolist() == [4, 4]
    assert near(curve.confidence, [p[:4].mean(), p[4:].mean()])
    tied = metrics.reliability_curve(np.full(9, 0.25), np.ones(9), 3, adaptive=True)
    assert tied.samples.tolist() == [9]  # samples of one confidence stay together


def test_probabilities_of_several_classes() -> None:
    p = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]])
    assert near(metrics.log_loss(p, np.array([0, 2])), (math.log(2) + math.log(4)) / 2)
    assert near(metrics.perplexity(p, np.array([0, 2])), math.sqrt(8))
    soft = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    assert near(metrics.log_loss(p, soft), ((math.log(2) + math.log(4)) / 2 + math.log(4)) / 2)
    assert near(
        metrics.brier_score(p, np.array([0, 2])), ((0.25 + 0.125) + (0.0625 + 0.25 + 0.5625)) / 2
    )
    assert metrics.log_loss(np.array([0.0]), np.array([1])) == math.inf
    assert metrics.log_loss(np.array([0.0, 1.0]), np.array([0, 1])) == 0.0
    assert near(metrics.log_loss(np.array([0.25]), np.array([0.5])), -math.log(0.25 * 0.75) / 2)
    sure = metrics.log_loss(np.array([[800.0, 0.0]]), np.array([1]), scores="logits")
    assert sure == 800.0  # not infinite


@pytest.mark.parametrize("average", sorted(averages.AVERAGES))
def test_the_functions_by_average_are_the_general_ones(average: str) -> None:
    predicted, true = np.array([0, 1, 1, 0, 1]), np.array([0, 1, 0, 0, 0])
    for kind in ("precision", "recall", "f1"):
        named = getattr(metrics, f"{kind}_{average}")(predicted, true)
        assert near(named, getattr(metrics, kind)(predicted, true, average))
