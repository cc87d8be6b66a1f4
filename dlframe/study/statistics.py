"""What the runs of a study say, and how sure that is: intervals, tests, and how many runs decide.

Every function takes plain numbers, one for each run. The computations are SciPy's. What each one
assumes is in its docstring; a report draws the numbers themselves beside every interval.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlframe.errors import ArgumentError, ShapeError, did_you_mean

Array = NDArray[np.float64]

METHODS = ("t", "bca")
FLIPS = 20_000  # random choices of signs, where there are too many to try them all
RESAMPLES = 10_000
SEED = 20_161_224  # of the resampling: the same numbers give the same interval
MOST_RUNS = 100_000  # more would be needed: that is said, and not counted


@dataclass(frozen=True)
class Estimate:
    """A mean with its confidence interval, and what it was made of."""

    mean: float
    low: float
    high: float
    std: float
    runs: int
    method: str
    confidence: float = 0.95

    @property
    def decided(self) -> bool:
        """Whether the interval leaves 0 out; False if it has no ends."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """An arm beside another one: the mean difference over pairs of runs, and a test."""

    difference: Estimate
    p: float
    test: str
    more_runs: int | None

    @property
    def decided(self) -> bool:
        """Whether the interval of the difference leaves 0 out."""
        return self.difference.decided


# --- one mean ----------------------------------------------------------------------------------


def estimate(values: ArrayLike, *, confidence: float = 0.95, method: str | None = None) -> Estimate:
    """The mean of independent runs and its interval.

    "t" is Student's: mean ± t s / √n with n − 1 degrees of freedom, exact for normal values and
    good for others from about ten runs on. "bca" resamples the runs (`scipy.stats.bootstrap`,
    Efron 1987), for skewed values; below some fifteen runs its intervals are too short. "t" is the
    default. With one run there is no interval: its ends are NaN.

    Raises:
        ArgumentError: an unknown method, or a confidence outside 0 to 1.
        ShapeError: no values, or not one number for each run.

    >>> found = estimate([0.91, 0.94, 0.92, 0.93])
    >>> f"{found.mean:.3f} from {found.low:.3f} to {found.high:.3f}"
    '0.925 from 0.904 to 0.946'
    """
    x = _numbers("estimate", values)
    method = method or "t"
    _check("estimate", confidence, method)
    mean = float(x.mean())
    if x.size < 2 or not np.isfinite(x).all():
        nan = math.nan
        return Estimate(mean, nan, nan, nan, x.size, method, confidence)
    if _equal(x):
        return Estimate(float(x[0]), float(x[0]), float(x[0]), 0.0, x.size, method, confidence)
    std = float(x.std(ddof=1))
    low, high = _ends(x, confidence, method)
    return Estimate(mean, low, high, std, x.size, method, confidence)


def _equal(x: Array) -> bool:
    """Whether all values are equal but for rounding."""
    return bool(np.ptp(x) <= 8 * np.finfo(float).eps * np.abs(x).max())


def _ends(x: Array, confidence: float, method: str) -> tuple[float, float]:
    from scipy import stats  # on first use: it takes longer than all of dlframe

    mean = float(x.mean())
    if method == "t":
        half = float(stats.t.ppf(0.5 + confidence / 2, x.size - 1)) * float(stats.sem(x))
        return mean - half, mean + half
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (x,), np.mean, n_resamples=RESAMPLES, confidence_level=confidence, method="BCa",
            rng=np.random.default_rng(SEED),
        ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


# --- two arms ----------------------------------------------------------------------------------


def compare(
    a: ArrayLike,
    b: ArrayLike,
    *,
    confidence: float = 0.95,
    method: str | None = None,
    comparisons: int = 1,
) -> Comparison:
    """The mean of a − b over pairs of runs that share their seeds.

    What two arms have in common (initial weights, splits, orders) cancels in each difference, so
    that fewer runs decide than without pairs. The interval is that of `estimate` for the
    differences. The test is `sign_flip`, which assumes only that differences are as likely to have
    either sign; where there are too few runs for it to reach 1 − confidence in so many
    `comparisons`, it is Student's t-test of the differences, and `test` says so.

    Where all differences are equal, their spread is not known, and flips alone decide.

    `more_runs` says how many more pairs would probably decide, as `runs_needed` counts; None where
    the interval leaves 0 out already.

    Raises:
        ShapeError: not the same number of runs, or fewer than two.

    >>> found = compare([0.95, 0.97, 0.96, 0.97], [0.93, 0.96, 0.94, 0.94])
    >>> difference = found.difference
    >>> f"{difference.mean:.3f}, from {difference.low:.3f} to {difference.high:.3f}"
    '0.020, from 0.007 to 0.033'
    >>> found.decided, found.test
    (True, 't')
    """
    x, y = _numbers("compare", a), _numbers("compare", b)
    if x.size != y.size:
        raise ShapeError(
            f"compare: pairs need as many runs of each; got {x.size} and {y.size}. Take only the "
            "seeds that both have"
        )
    if x.size < 2:
        raise ShapeError("compare: one pair says nothing of its error; run two seeds or more")
    d = x - y
    rounding = 8 * np.finfo(float).eps * max(np.abs(x).max(), np.abs(y).max())
    if np.ptp(d) <= rounding:  # equal but for rounding in x and y
        d = np.full_like(d, 0.0 if np.abs(d).max() <= rounding else d[0])
    difference = estimate(d, confidence=confidence, method=method)
    flips = 2.0 ** (1 - d.size) * max(comparisons, 1) <= 1 - confidence
    p = sign_flip(d) if flips else t_test(d)
    more = None
    if difference.low == difference.high != 0 and p > 1 - confidence:  # as many as flips need
        more = math.ceil(1 + math.log2(max(comparisons, 1) / (1 - confidence))) - d.size
    elif not difference.decided:
        needed = runs_needed(d, confidence=confidence)
        more = None if needed is None else max(needed - d.size, 1)
    return Comparison(difference, p, "sign-flip" if flips else "t", more)


def t_test(differences: ArrayLike) -> float:
    """The p-value of Student's t-test that differences of pairs have mean 0, on both sides.

    >>> round(t_test([0.02, 0.01, 0.02, 0.03]), 4)
    0.0163
    """
    d = _numbers("t_test", differences)
    if d.size < 2 or not np.isfinite(d).all():
        return math.nan
    if _equal(d):  # a spread of 0 by chance, as of accuracies that are shares of few samples
        return sign_flip(d)
    from scipy import stats  # on first use

    return float(stats.ttest_1samp(d, 0.0).pvalue)


def sign_flip(differences: ArrayLike) -> float:
    """The p-value that differences of pairs have mean 0, by flipping their signs (Fisher 1935).

    If two arms do not differ, each difference could as well have had the other sign. p is the
    share of all 2ⁿ choices of signs whose mean is as far from 0 as the found one; of 20,000 random
    choices where there are more (`scipy.stats.permutation_test`). It cannot be below 2¹⁻ⁿ.

    >>> sign_flip([0.02, 0.01, 0.02, 0.03, 0.01])  # all five of one sign: 2 of 32 choices
    0.0625
    """
    d = _numbers("sign_flip", differences)
    if d.size < 2 or not np.isfinite(d).all():
        return math.nan
    if not d.any():
        return 1.0
    from scipy import stats  # on first use

    found = stats.permutation_test(
        (d,), _mean, permutation_type="samples", vectorized=True, n_resamples=FLIPS,
        rng=np.random.default_rng(SEED),
    )  # fmt: skip
    return float(found.pvalue)


def _mean(x: Any, axis: int = -1) -> Any:
    return np.mean(x, axis=axis)


def runs_needed(
    differences: ArrayLike, *, confidence: float = 0.95, power: float = 0.8
) -> int | None:
    """How many pairs of runs would decide, if mean and spread of the differences stay as they are.

    The smallest n for which the interval leaves 0 out with a probability of `power`: under the
    noncentral t distribution with n − 1 degrees of freedom and noncentrality √n |mean| / s. None if
    that is more than 100,000, as where the mean is 0.

    >>> runs_needed([0.02, -0.01, 0.03, 0.00, 0.01])
    22
    """
    d = _numbers("runs_needed", differences)
    _check("runs_needed", confidence, "t")
    if not 0 < power < 1:
        raise ArgumentError(f"runs_needed: power must be between 0 and 1, got {power}")
    if d.size < 2 or not np.isfinite(d).all():
        return None
    mean, std = abs(float(d.mean())), float(d.std(ddof=1))
    if mean <= 8 * np.finfo(float).eps * std or mean == 0:
        return None
    if std <= 8 * np.finfo(float).eps * mean:
        return 2
    from scipy import stats  # on first use

    def decides(n: int) -> bool:
        edge = stats.t.ppf(0.5 + confidence / 2, n - 1)
        shift = math.sqrt(n) * mean / std
        return shift > edge + 8 or float(stats.nct.sf(edge, n - 1, shift)) >= power

    low, high = 1, 2  # not enough, perhaps enough
    while not decides(high):
        low, high = high, 2 * high
        if low > MOST_RUNS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high if high <= MOST_RUNS else None


# --- many arms ---------------------------------------------------------------------------------


def holm(p: Sequence[float] | Mapping[str, float]) -> Any:
    """p-values of several tests, so raised that one false alarm among them all is as rare as said.

    Holm (1979): the smallest is multiplied by the number of tests m, the next by m − 1, and so on;
    none becomes smaller than the one before it, or larger than 1. Tests without a value (NaN) are
    left out of the count. A list gives a list, a dict gives a dict.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    if isinstance(p, Mapping):
        return dict(zip(p, holm(list(p.values())), strict=True))
    known = [i for i, value in enumerate(p) if not math.isnan(value)]
    raised, largest = [math.nan] * len(p), 0.0
    for rank, index in enumerate(sorted(known, key=lambda i: p[i])):
        largest = max(largest, min(1.0, (len(known) - rank) * p[index]))
        raised[index] = largest
    return raised


def dunnett(
    arms: Mapping[str, ArrayLike], baseline: ArrayLike, *, confidence: float = 0.95
) -> dict[str, Comparison]:
    """Many arms against one baseline: intervals that hold together (Dunnett 1955).

    With `confidence`, all intervals hold their true differences at once. It assumes independent
    runs of equal spread; pairs of runs are not used, so where seeds are shared, intervals are
    rather too wide. SciPy computes it (`scipy.stats.dunnett`), the same numbers again each time.

    >>> found = dunnett({"Adam": [97.0, 98.0, 97.5]}, baseline=[91.0, 93.0, 92.0])
    >>> round(found["Adam"].difference.mean, 3), found["Adam"].decided
    (5.5, True)
    """
    _check("dunnett", confidence, "t")
    if not arms:
        raise ArgumentError("dunnett: there are no arms to compare with the baseline")
    control = _numbers("dunnett", baseline)
    values = [_numbers("dunnett", arm) for arm in arms.values()]
    for name, runs in zip(["the baseline", *map(repr, arms)], [control, *values], strict=True):
        if runs.size < 2 or not np.isfinite(runs).all():
            raise ShapeError(f"dunnett: {name} needs two finite values or more; got {runs}")
    from scipy import stats  # on first use

    found = stats.dunnett(*values, control=control, rng=np.random.default_rng(SEED))
    ends = found.confidence_interval(confidence)
    return {
        name: Comparison(
            Estimate(
                float(runs.mean() - control.mean()),
                float(ends.low[i]),
                float(ends.high[i]),
                math.sqrt(float(runs.var(ddof=1) + control.var(ddof=1))),
                runs.size,
                "dunnett",
                confidence,
            ),
            float(found.pvalue[i]),
            "dunnett",
            None,
        )
        for i, (name, runs) in enumerate(zip(arms, values, strict=True))
    }


def interquartile_mean(scores: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """The mean of the middle half of all scores, over tasks and runs (Agarwal et al. 2021).

    `scores` has the shape (tasks, runs), each task on a scale that can be compared with the others.
    A quarter of the scores is left out at each end, so that one task or one broken run decides
    nothing. The interval is a percentile bootstrap that draws runs again within each task.

    >>> found = interquartile_mean([[0.90, 0.92, 0.91, 0.93], [0.70, 0.72, 0.10, 0.71]])
    >>> round(found.mean, 3)
    0.81
    """
    x = np.asarray(scores, dtype=float)
    if x.ndim != 2 or not x.size:
        raise ShapeError(
            f"interquartile_mean: scores must have the shape (tasks, runs); got {x.shape}"
        )
    _check("interquartile_mean", confidence, "t")
    from scipy import stats  # on first use

    def middle(values: Array) -> Array:  # over the last two axes
        flat = values.reshape(*values.shape[:-2], -1)
        return np.asarray(stats.trim_mean(flat, 0.25, axis=-1))

    mean = float(middle(x))
    tasks, runs = x.shape
    if runs < 2 or not np.isfinite(x).all():
        return Estimate(mean, math.nan, math.nan, math.nan, runs, "bootstrap", confidence)
    random = np.random.default_rng(SEED)
    drawn = []
    for _ in range(10):
        chosen = random.integers(runs, size=(RESAMPLES // 10, tasks, runs))
        drawn.append(middle(np.take_along_axis(np.broadcast_to(x, chosen.shape), chosen, axis=-1)))
    found = np.concatenate(drawn)
    low, high = np.quantile(found, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Estimate(
        mean, float(low), float(high), float(found.std(ddof=1)), runs, "bootstrap", confidence
    )


# --- checks ------------------------------------------------------------------------------------


def _numbers(where: str, values: ArrayLike) -> Array:
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or not x.size:
        raise ShapeError(f"{where}: needs one number for each run; got the shape {x.shape}")
    return x


def _check(where: str, confidence: float, method: str) -> None:
    if not 0 < confidence < 1:
        hint = f"; did you mean {confidence / 100:g}?" if 1 < confidence < 100 else ""
        raise ArgumentError(f"{where}: confidence must be between 0 and 1, got {confidence}{hint}")
    if method not in METHODS:
        raise ArgumentError(
            f"{where}: method is one of {', '.join(METHODS)}; got {method!r}."
            f"{did_you_mean(method, METHODS)}"
        )
