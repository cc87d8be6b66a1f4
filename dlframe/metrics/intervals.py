"""Confidence intervals: of shares by counting, of other metrics by resampling their samples.

Resampling (Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993) draws as many samples as
there are, with replacement, and measures again; the interval holds the middle of what was measured.
"percentile" takes the quantiles as they are. "bca" corrects them for bias and skewness, for which
it also leaves out each sample once.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, ShapeError, did_you_mean
from dlframe.random import Generator
from dlframe.random.default import or_default
from dlframe.tensor import to_array

__all__ = ["interval"]

PROPORTION = ("wilson", "exact", "wilsoncc")
RESAMPLING = ("percentile", "bca")

MOST_LEFT_OUT = 5_000
"""Samples up to which "bca" is tried: it measures once without each of them, n² numbers in all."""

AT_ONCE = 1 << 22
"""Indices drawn at once, 32 MB of them."""


def interval(
    metric: Any,
    output: object,
    target: object,
    *,
    confidence: float = 0.95,
    method: str | None = None,
    resamples: int = 2000,
    generator: Generator | int | None = None,
) -> tuple[float, float]:
    """The ends of a confidence interval of any metric, by resampling the samples.

    Args:
        metric: a function of (output, target) that returns one number, or a Metric, which is copied
            and left as it is.
        output, target: of the samples, along the first dimension. They have to be drawn one by one
            and independently: frames of one video are not.
        confidence: of what share of all data sets such an interval is to hold the true value.
        method: "percentile", or "bca", which is better with few samples and measures n times more;
            by default "bca" up to 1000 samples.
        resamples: how often to measure; the ends vary by chance, and less with more.
        generator: a `Generator` or a seed, by default `dlframe`'s own generator.

    Raises:
        ArgumentError: all resamples have one value, so that they say nothing (of an accuracy of
            1, ask `Accuracy().interval()`); "bca" of more than 5000 samples.
        ShapeError: no samples, or a metric of several numbers.

    >>> from dlframe import metrics
    >>> predicted, target = np.array([0, 1, 1, 0, 1, 1, 0, 0]), np.array([0, 1, 0, 0, 1, 1, 0, 1])
    >>> low, high = interval(metrics.f1_macro, predicted, target, generator=0)
    >>> low < metrics.f1_macro(predicted, target) < high
    True
    """
    x, t = to_array(output), to_array(target)
    if not x.ndim or not t.ndim or len(x) != len(t):
        raise ShapeError(f"interval: output{x.shape} and target{t.shape} must be of one length")
    if hasattr(metric, "update"):
        blank = copy.deepcopy(metric)

        def measure(some: Any) -> Any:
            blank.reset()
            blank.update(x[some], t[some])
            return blank.compute()
    elif callable(metric):

        def measure(some: Any) -> Any:
            return metric(x[some], t[some])
    else:
        raise TypeError(
            f"interval: needs a function of (output, target) or a Metric; got {metric!r}"
        )
    return resampled(measure, len(x), confidence, method, resamples, generator)


def of_share(hits: int, samples: int, confidence: float, method: str | None) -> tuple[float, float]:
    """The interval of hits / samples, by Wilson (1927) or Clopper and Pearson ("exact", 1934)."""
    _check_confidence(confidence)
    if method not in (None, *PROPORTION):
        other = "; metrics.interval(metric, output, target) resamples"
        raise ArgumentError(
            f"interval: the method for a share is one of {', '.join(PROPORTION)}; got {method!r}."
            f"{other if method in RESAMPLING else did_you_mean(method, PROPORTION)}"
        )
    if not samples:
        return float("nan"), float("nan")
    from scipy import stats  # on first use: it takes longer than all of dlframe

    found = stats.binomtest(hits, samples).proportion_ci(confidence, method=method or "wilson")
    return float(found.low), float(found.high)


def resampled(
    measure: Callable[[Any], Any],
    samples: int,
    confidence: float,
    method: str | None,
    resamples: int,
    generator: Generator | int | None,
) -> tuple[float, float]:
    """The interval of `measure(indices)` by `scipy.stats.bootstrap`."""
    _check_confidence(confidence)
    method = method or ("bca" if samples <= 1000 else "percentile")
    if method not in RESAMPLING:
        other = "; only shares have those" if method in PROPORTION else ""
        raise ArgumentError(
            f"interval: the method of resampling is percentile or bca; got {method!r}{other}."
            f"{did_you_mean(method, RESAMPLING)}"
        )
    if resamples < 2:
        raise ArgumentError(f"interval: resamples must be 2 or more, got {resamples}")
    if samples < 2:
        raise ShapeError(f"interval: needs two samples or more to resample, got {samples}")
    if method == "bca" and samples > MOST_LEFT_OUT:
        raise ArgumentError(
            f"interval: bca would measure {samples} times without one sample of {samples}; "
            'pass method="percentile", which is as good for so many'
        )
    whole = to_array(measure(np.arange(samples)))
    if whole.size != 1:
        raise ShapeError(f"interval: needs a metric of one number, got one of shape {whole.shape}")
    values: list[float] = []

    def statistic(some: Any) -> float:
        values.append(float(to_array(measure(some)).reshape(())))
        return values[-1]

    from scipy import stats  # on first use

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (np.arange(samples),),
            statistic,
            n_resamples=resamples,
            batch=max(1, AT_ONCE // samples),
            vectorized=False,
            confidence_level=confidence,
            method="BCa" if method == "bca" else "percentile",
            rng=np.random.default_rng(_seed(generator)),
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    if np.ptp(values) == 0:
        raise ArgumentError(
            f"interval: all resamples have the value {values[0]:g}, which says nothing of its "
            "accuracy; of a share, such as an accuracy, take Accuracy().interval()"
        )
    if np.isnan([low, high]).any():
        missing = int(np.isnan(values).sum())
        raise ArgumentError(
            f"interval: {missing} of {len(values)} resamples have no value, as where a class is "
            f"missing; there are too few samples ({samples}) to resample"
            if missing
            else 'interval: bca has no result for these values; pass method="percentile"'
        )
    return low, high


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        hint = f"; did you mean {confidence / 100:g}?" if 1 < confidence < 100 else ""
        raise ArgumentError(f"interval: confidence must be between 0 and 1, got {confidence}{hint}")


def _seed(generator: Generator | int | None) -> int:
    if isinstance(generator, int):
        return generator
    return int(or_default(generator).randint(0, 2**31 - 1, ())[()])
