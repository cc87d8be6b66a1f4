"""How much of the targets' variation outputs explain: R², explained variance, correlations.

R², explained variance and Pearson's r come from means and sums of squared deviations, which are
joined batch by batch as Chan, Golub and LeVeque (1983) say. Sums of squares minus the square of a
sum would lose all digits where the mean is large; these do not. Rank correlations need all samples.

Outputs and targets are (N,), or (N, D, …) for D outputs. `multioutput` is "uniform_average" (the
mean over outputs), "raw_values" (an array) or, of the first two, "variance_weighted".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlframe.base.quiet import quiet
from dlframe.errors import ArgumentError, ShapeError, did_you_mean
from dlframe.metrics.metric import Collected, Metric, State, measured
from dlframe.metrics.regression import pair_of

__all__ = [
    "ExplainedVariance",
    "KendallCorrelation",
    "PearsonCorrelation",
    "R2Score",
    "SpearmanCorrelation",
    "explained_variance",
    "kendall_correlation",
    "pearson_correlation",
    "r2_score",
    "spearman_correlation",
]

Values = NDArray[np.float64]
OUTPUTS = ("uniform_average", "raw_values", "variance_weighted")


def _columns(name: str, output: object, target: object) -> tuple[Values, Values]:
    """Output and target as float64 (N, D)."""
    x, y = pair_of(name, output, target)
    if not x.ndim:
        raise ShapeError(f"{name}: needs samples along a first dimension, got single numbers")
    if not len(x):
        return np.zeros((0, 0)), np.zeros((0, 0))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ArgumentError(f"{name}: output or target is infinite")
    return x.reshape(len(x), -1), y.reshape(len(y), -1)


def _averaged(values: Values, multioutput: str, weights: Values) -> Any:
    if multioutput == "raw_values":
        return values
    if multioutput == "uniform_average":
        return float(values.mean())
    return float((values * weights).sum() / weights.sum()) if weights.sum() else float("nan")


def _check(name: str, multioutput: str, known: tuple[str, ...]) -> str:
    if multioutput in known:
        return multioutput
    raise ArgumentError(
        f"{name}: multioutput must be one of {', '.join(known)}; got {multioutput!r}."
        f"{did_you_mean(multioutput, known)}"
    )


# --- moments -----------------------------------------------------------------------------------


class MomentMetric(Metric):
    """The base class of what means and squared deviations say.

    The state is float64 (11, D), rows for n samples of outputs x, targets y and errors e = x - y:
    n; the first x, y and e; how far the means are from them; and the sums of (x - x̄)², (y - ȳ)²,
    (x - x̄)(y - ȳ) and (e - ē)². Means are kept as distances, which are small where means are not.
    """

    outputs: tuple[str, ...] = OUTPUTS

    def __init__(self, multioutput: str = "uniform_average", *, name: str | None = None) -> None:
        self.multioutput = _check(type(self).__name__, multioutput, self.outputs)
        super().__init__(name)

    def empty(self) -> State:
        return np.zeros((11, 0))

    @quiet
    def update(self, output: Any, target: Any) -> None:
        x, y = _columns(type(self).__name__, output, target)
        if not len(x):
            return
        e = x - y
        mean_x, dx = _deviations(x)
        mean_y, dy = _deviations(y)
        mean_e, de = _deviations(e)
        rows = [
            np.full(x.shape[1], float(len(x))), x[0], y[0], e[0], mean_x, mean_y, mean_e,
            *((a * b).sum(axis=0) for a, b in ((dx, dx), (dy, dy), (dx, dy), (de, de))),
        ]  # fmt: skip
        self.add(np.stack(rows))

    def combine(self, first: State, second: State) -> State:
        if not first.shape[1] or not second.shape[1]:
            return (second if second.shape[1] else first).copy()
        if first.shape != second.shape:
            raise ShapeError(
                f"{type(self).__name__}: batches of {first.shape[1]} and of {second.shape[1]} "
                "outputs"
            )
        n, m = first[0], second[0]
        total = n + m
        apart = (second[1:4] - first[1:4]) + (second[4:7] - first[4:7])  # of the means
        dx, dy, de = apart
        between = np.stack([dx * dx, dy * dy, dx * dy, de * de]) * (n * m / total)
        means = first[4:7] + apart * (m / total)
        return np.concatenate([[total], first[1:4], means, first[7:] + second[7:] + between])

    def values(self, state: State) -> Values:
        """The value of each output; a subclass defines it."""
        raise NotImplementedError

    @quiet
    def compute(self) -> float | NDArray[Any]:
        state = self.state
        if len(state) != 11:
            raise ShapeError(f"{type(self).__name__}: its state has 11 rows, got {len(state)}")
        if not state.shape[1] or state[0, 0] < 2:
            one = self.multioutput != "raw_values"
            return float("nan") if one else np.full(state.shape[1], np.nan)
        value: float | NDArray[Any] = _averaged(self.values(state), self.multioutput, state[8])
        return value


def _deviations(x: Values) -> tuple[Values, Values]:
    """The mean as its distance from the first value, and how far each value is from the mean.

    Both are exactly 0 if all values are equal.
    """
    shifted = x - x[0]  # exact for values near each other, however large
    mean = shifted.mean(axis=0)
    return mean, shifted - mean


class R2Score(MomentMetric):
    """R² = 1 - Σ (x - y)² / Σ (y - ȳ)²: 1 is perfect, 0 as good as always saying the mean.

    It is negative for outputs that are worse than the mean, and NaN for targets that are all equal
    or fewer than two.

    >>> metric = R2Score()
    >>> metric.update(np.array([2.5, 0.0, 2.0, 8.0]), np.array([3.0, -0.5, 2.0, 7.0]))
    >>> print(round(metric.compute(), 4))
    0.9486
    """

    def __init__(self, multioutput: str = "uniform_average", *, name: str = "r2") -> None:
        super().__init__(multioutput, name=name)

    def values(self, state: State) -> Values:
        n, mean_e, yy, ee = state[0], state[3] + state[6], state[8], state[10]
        return np.where(yy > 0, 1 - (ee + n * mean_e**2) / yy, np.nan)


class ExplainedVariance(MomentMetric):
    """1 - Var(x - y) / Var(y): R² that does not count an error that all outputs share."""

    def values(self, state: State) -> Values:
        return np.where(state[8] > 0, 1 - state[10] / state[8], np.nan)


class PearsonCorrelation(MomentMetric):
    """Pearson's r: how near outputs and targets are to a rising line, from -1 to 1.

    NaN if all outputs or all targets are equal. Scale and offset do not count: outputs of r = 1 may
    be far off.

    >>> metric = PearsonCorrelation()
    >>> metric.update(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    >>> metric.compute()
    0.5
    """

    outputs = OUTPUTS[:2]

    def __init__(self, multioutput: str = "uniform_average", *, name: str = "pearson") -> None:
        super().__init__(multioutput, name=name)

    def values(self, state: State) -> Values:
        xx, yy, xy, _ = state[7:]
        size = np.sqrt(xx) * np.sqrt(yy)
        return np.clip(np.where(size > 0, xy / size, np.nan), -1, 1)


# --- ranks -------------------------------------------------------------------------------------


class RankMetric(Collected):
    """The base class of rank correlations, which keep every output and target: (N, 2 D)."""

    def __init__(self, multioutput: str = "uniform_average", *, name: str | None = None) -> None:
        self.multioutput = _check(type(self).__name__, multioutput, OUTPUTS[:2])
        super().__init__(name)

    def rows(self, output: Any, target: Any) -> State:
        return np.concatenate(_columns(type(self).__name__, output, target), axis=1)

    def correlation(self, x: Values, y: Values) -> float:
        """The correlation of one output (N,); a subclass defines it."""
        raise NotImplementedError

    def value(self, rows: State) -> Any:
        if rows.shape[1] % 2:
            raise ShapeError(f"{type(self).__name__}: its state has {rows.shape[1]} columns")
        half = rows.shape[1] // 2
        values = [self.correlation(rows[:, i], rows[:, half + i]) for i in range(half)]
        return _averaged(np.array(values), self.multioutput, np.ones(half))


class SpearmanCorrelation(RankMetric):
    """Spearman's ρ: Pearson's r of the ranks; equal values share the mean of their ranks.

    1 for every rising relation, straight or not. It keeps all samples.

    >>> metric = SpearmanCorrelation()
    >>> metric.update(np.array([1.0, 20.0, 300.0]), np.array([1.0, 2.0, 3.0]))
    >>> metric.compute()
    1.0
    """

    def __init__(self, multioutput: str = "uniform_average", *, name: str = "spearman") -> None:
        super().__init__(multioutput, name=name)

    def correlation(self, x: Values, y: Values) -> float:
        # ranks minus their mean, doubled: whole numbers, so that equal orders give exactly 1
        a, b = _doubled_ranks(x), _doubled_ranks(y)
        size = float(a @ a) ** 0.5 * float(b @ b) ** 0.5
        if not size:
            return float("nan")
        return 1.0 if np.array_equal(a, b) else max(-1.0, min(1.0, float(a @ b) / size))


def _doubled_ranks(x: Values) -> Values:
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return (2 * ends - count - len(x)).astype(np.float64)[place]


class KendallCorrelation(RankMetric):
    """Kendall's τ_b: pairs in the same order minus pairs in the opposite one, corrected for ties.

    It keeps all samples, and is computed by `scipy.stats.kendalltau` in n log n steps.
    """

    def __init__(self, multioutput: str = "uniform_average", *, name: str = "kendall") -> None:
        super().__init__(multioutput, name=name)

    def correlation(self, x: Values, y: Values) -> float:
        if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
            return float("nan")
        from scipy import stats  # on first use: it takes longer than all of dlframe

        return float(stats.kendalltau(x, y).statistic)


# --- functions ---------------------------------------------------------------------------------


def r2_score(output: object, target: object, multioutput: str = "uniform_average") -> Any:
    """R², the share of the targets' variation that outputs explain; see `R2Score`."""
    return measured(R2Score(multioutput), output, target)


def explained_variance(output: object, target: object, multioutput: str = "uniform_average") -> Any:
    """1 - Var(output - target) / Var(target); see `ExplainedVariance`."""
    return measured(ExplainedVariance(multioutput), output, target)


def pearson_correlation(
    output: object, target: object, multioutput: str = "uniform_average"
) -> Any:
    """Pearson's r; see `PearsonCorrelation`."""
    return measured(PearsonCorrelation(multioutput), output, target)


def spearman_correlation(
    output: object, target: object, multioutput: str = "uniform_average"
) -> Any:
    """Spearman's ρ, of ranks; see `SpearmanCorrelation`."""
    return measured(SpearmanCorrelation(multioutput), output, target)


def kendall_correlation(
    output: object, target: object, multioutput: str = "uniform_average"
) -> Any:
    """Kendall's τ_b, of pairs; see `KendallCorrelation`."""
    return measured(KendallCorrelation(multioutput), output, target)
