"""Metrics of probabilities: how good they are, not only which class is the likeliest.

Every one of them reads outputs in the same way. `scores` says what they are: "probabilities" unless
given or assumed, then "logits" or "log_probabilities". Probabilities outside of [0, 1], or of
classes that do not add up to 1, are refused: they are none.

- (N, C, …) beside labels (N, …) or one-hot or probability targets: C classes, of which one is true.
- (N,) or (N, 1) beside zeros, ones or probabilities: two classes; the score is that of class 1.
- `multilabel=True`, (N, L) twice: L decisions for each sample, each a sample of two classes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlframe.base.quiet import quiet
from dlframe.errors import ArgumentError, LabelError, ShapeError, did_you_mean
from dlframe.metrics.labels import (
    check_kind,
    check_labels,
    class_weights,
    number_array,
    refuse_nan,
    whole_numbers,
)
from dlframe.metrics.metric import Collected, Metric, State, measured
from dlframe.tensor import to_array

__all__ = [
    "BrierScore",
    "CalibrationError",
    "LogLoss",
    "Perplexity",
    "Reliability",
    "brier_score",
    "calibration_error",
    "log_loss",
    "perplexity",
    "reliability_curve",
]

Values = NDArray[np.float64]

_SUM = 1e-3  # how far float32 and float16 probabilities may be from adding up to 1


class Beliefs(NamedTuple):
    """Probabilities, their natural logarithms, and the targets' weights: all (N, C)."""

    p: Values
    logs: Values
    weights: Values


@quiet
def beliefs(
    output: object,
    target: object,
    *,
    scores: str | None = None,
    multilabel: bool = False,
    ignore_index: int | None = None,
) -> Beliefs:
    """What a model believes of each sample, and what is true, as rows over all classes."""
    given, truth = number_array(output, "output"), number_array(target, "target")
    refuse_nan(given, "output")
    refuse_nan(truth, "target")
    x = given.astype(np.float64)
    one_score = multilabel or given.ndim == 1 or (given.ndim > 1 and given.shape[1] == 1)
    if not one_score and given.ndim > 1:
        weights = _class_targets(given, truth, ignore_index)
        logs = np.moveaxis(log_probabilities(x, scores), 1, -1).reshape(-1, given.shape[1])
        # not the exponential of a logarithm, which may differ in the last bit
        said = scores in (None, "probabilities")
        p = np.moveaxis(x, 1, -1).reshape(logs.shape) if said else np.exp(logs)
        kept = weights.any(axis=1)  # an ignored sample has no weight
        return Beliefs(p[kept], logs[kept], weights[kept])
    if given.size != truth.size or (multilabel and given.shape != truth.shape):
        raise ShapeError(
            f"metrics: output{given.shape} and target{truth.shape} do not fit; expected scores "
            "(N, C, ...) beside labels (N, ...), or one score per sample and target"
        )
    if given.shape != truth.shape and given.squeeze().shape != truth.squeeze().shape:
        raise ShapeError(f"metrics: output{given.shape} does not fit target{truth.shape}")
    y = truth.astype(np.float64).ravel()
    counted = np.ones(y.shape, bool) if ignore_index is None else y != ignore_index
    bad = counted & ((y < 0) | (y > 1))
    if bad.any():
        raise LabelError(
            f"metrics: a target is {y[bad][0]:g}; beside one score per sample targets are 0 or 1, "
            "or probabilities between"
        )
    weights = np.stack([1 - y, y], axis=1)
    return Beliefs(*(rows[counted] for rows in (*_two(x.ravel(), scores), weights)))


def _class_targets(given: NDArray[Any], truth: NDArray[Any], ignore: int | None) -> Values:
    """Targets of C classes as weights (N · d1 …, C); those to be ignored are zero."""
    classes = given.shape[1]
    if truth.shape == given.shape:
        weights = class_weights(truth).astype(np.float64)
        return np.moveaxis(weights, 1, -1).reshape(-1, classes)
    if truth.shape != given.shape[:1] + given.shape[2:]:
        raise ShapeError(
            f"metrics: output{given.shape} does not fit target{truth.shape}: expected labels "
            f"(N, ...) of shape {given.shape[:1] + given.shape[2:]}, or targets of the output's"
        )
    labels = whole_numbers(truth, "target")
    counted = np.ones(labels.shape, bool) if ignore is None else labels != ignore
    check_labels(labels, classes, "target", where=counted)
    weights = np.zeros((labels.size, classes))
    rows = np.flatnonzero(counted)
    weights[rows, labels.ravel()[rows]] = 1
    return weights


def log_probabilities(x: Values, scores: str | None) -> Values:
    """Scores (N, C, …) of any kind as logarithms of probabilities, which are checked."""
    if scores == "logits":
        shifted = x - x.max(axis=1, keepdims=True, initial=-np.inf)
        out: Values = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return out
    p = np.exp(x) if scores == "log_probabilities" else x
    _check_range(p, scores)
    total = p.sum(axis=1)
    bad = np.abs(total - 1) > _SUM
    if bad.any():
        place = np.unravel_index(int(bad.argmax()), bad.shape)
        raise ArgumentError(
            f"metrics: the {scores or 'probabilities'} of output[{int(place[0])}] add up to "
            f"{float(total[place]):g} instead of 1; {_ADVICE}"
        )
    return x if scores == "log_probabilities" else np.log(p)


def _two(x: Values, scores: str | None) -> tuple[Values, Values]:
    """One score per sample as both probabilities (N, 2), and their logarithms."""
    if scores == "logits":
        logs = np.stack([-np.logaddexp(0, x), -np.logaddexp(0, -x)], axis=1)
        return np.exp(logs), logs
    p = np.exp(x) if scores == "log_probabilities" else x
    _check_range(p, scores)
    p = np.clip(p, 0, 1)
    positive = x if scores == "log_probabilities" else np.log(p)
    return np.stack([1 - p, p], axis=1), np.stack([np.log1p(-p), positive], axis=1)


_ADVICE = 'if they are logits, pass scores="logits"; several labels per sample want multilabel=True'


def _check_range(p: Values, scores: str | None) -> None:
    bad = (p < -1e-6) | (p > 1 + 1e-6)
    if bad.any():
        place = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))
        kind = "a log-probability above 0" if scores == "log_probabilities" else "no probability"
        raise ArgumentError(
            f"metrics: output{list(place)} is {kind} ({float(p[place]):g} as a probability); "
            f"{_ADVICE}"
        )


# --- sums over samples -------------------------------------------------------------------------


class ProbabilityMetric(Metric):
    """The base class of means over samples of what their probabilities cost.

    Args:
        scores: "probabilities" (the default), "logits" or "log_probabilities"; a trainer tells it
            by its loss and model where it is not given.
        multilabel: output and target are (N, L), each element a decision of its own.
        ignore_index: targets of this value do not count.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        scores: str | None = None,
        multilabel: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        self.scores = check_kind(scores)
        self.assumed: str | None = None
        self.multilabel = multilabel
        self.ignore_index = ignore_index
        super().__init__(name)

    def assume(self, scores: str | None) -> None:
        self.assumed = check_kind(scores)

    def believed(self, output: Any, target: Any) -> Beliefs:
        """The rows of a batch."""
        return beliefs(
            output,
            target,
            scores=self.scores or self.assumed,
            multilabel=self.multilabel,
            ignore_index=self.ignore_index,
        )

    def empty(self) -> State:
        return np.zeros(2)

    def cost(self, rows: Beliefs) -> Any:
        """The cost of each sample; a subclass defines it."""
        raise NotImplementedError

    @quiet
    def update(self, output: Any, target: Any) -> None:
        costs = self.cost(self.believed(output, target))
        self.state += (costs.sum(), costs.size)

    def compute(self) -> float:
        total, samples = self.state
        return float(total / samples) if samples else float("nan")


class LogLoss(ProbabilityMetric):
    """The mean of -ln p of the true class: cross-entropy, in nats; infinite for p = 0.

    Of probability targets q it is -Σ q ln p. The state is float64 (sum, number of samples).

    >>> metric = LogLoss()
    >>> metric.update(np.array([0.5, 0.25]), np.array([1, 0]))
    >>> print(round(metric.compute(), 4))
    0.4904
    """

    def cost(self, rows: Beliefs) -> Any:
        return -np.where(rows.weights > 0, rows.weights * rows.logs, 0).sum(axis=1)


class Perplexity(LogLoss):
    """e to the log loss: among how many equally likely classes the model would be as unsure.

    >>> metric = Perplexity()
    >>> metric.update(np.array([[0.25, 0.25, 0.25, 0.25]]), np.array([2]))
    >>> metric.compute()
    4.0
    """

    @quiet
    def compute(self) -> float:
        return float(np.exp(super().compute()))


class BrierScore(ProbabilityMetric):
    """The mean squared distance of the probabilities from the truth (Brier 1950).

    Of two classes it is the mean of (p - y)², from 0 to 1; of more the mean of Σ_c (p_c - y_c)²,
    from 0 to 2.

    >>> metric = BrierScore()
    >>> metric.update(np.array([0.5, 0.25]), np.array([1, 0]))
    >>> metric.compute()
    0.15625
    """

    def cost(self, rows: Beliefs) -> Any:
        squares = (rows.p - rows.weights) ** 2
        return squares.sum(axis=1) / (2 if squares.shape[1] == 2 else 1)


def log_loss(output: object, target: object, **options: Any) -> float:
    """The mean of -ln p of the true class; the options are those of `LogLoss`.

    >>> print(round(log_loss(np.array([[2.0, 0.0]]), np.array([0]), scores="logits"), 4))
    0.1269
    """
    return float(measured(LogLoss(**options), output, target))


def perplexity(output: object, target: object, **options: Any) -> float:
    """e to the log loss; the options are those of `Perplexity`."""
    return float(measured(Perplexity(**options), output, target))


def brier_score(output: object, target: object, **options: Any) -> float:
    """The mean squared distance of the probabilities from the truth, see `BrierScore`."""
    return float(measured(BrierScore(**options), output, target))


# --- calibration -------------------------------------------------------------------------------

NORMS = ("ece", "mce", "rmsce")


class Reliability(NamedTuple):
    """Of each bin that is not empty: the mean confidence, the share that is right, the samples."""

    confidence: Values
    accuracy: Values
    samples: Values


def confidences(rows: Beliefs) -> Values:
    """Of each sample a confidence and whether it was right: (N, 2).

    Of two classes from one score: the probability of class 1, and whether it is true. Of several:
    the probability of the likeliest class, and whether this one is true.
    """
    first, true = rows.p.argmax(axis=1), rows.weights.argmax(axis=1)
    return np.stack([rows.p.max(axis=1, initial=0.0), first == true], axis=1)


class CalibrationError(Collected):
    """How far confidence is from accuracy: of samples of confidence 0.8, 80 % should be right.

    Samples fall into bins by confidence: for several classes that of the likeliest class, for one
    score per sample the probability of class 1, whose accuracy is then the share of ones.

    Args:
        norm: "ece", the mean over bins of |accuracy - confidence| weighted by samples (Naeini et
            al. 2015, Guo et al. 2017); "mce", the largest one; "rmsce", the root of the mean
            square.
        bins: how many.
        adaptive: bins of equally many samples instead of equal width; samples of one confidence
            stay together. This needs every sample: the state grows with the data. Otherwise it
            is float64 (3, bins): samples, sums of confidences, and how many are right.

    >>> metric = CalibrationError(bins=2)
    >>> metric.update(np.array([0.75, 0.75, 0.75, 0.75]), np.array([1, 1, 0, 0]))
    >>> metric.compute()
    0.25
    """

    def __init__(
        self,
        norm: str = "ece",
        bins: int = 15,
        *,
        adaptive: bool = False,
        scores: str | None = None,
        ignore_index: int | None = None,
        name: str | None = None,
    ) -> None:
        if norm not in NORMS:
            raise ArgumentError(
                f"CalibrationError: norm must be one of {', '.join(NORMS)}; got {norm!r}."
                f"{did_you_mean(norm, NORMS)}"
            )
        if bins < 1:
            raise ArgumentError(f"CalibrationError: bins must be 1 or more, got {bins}")
        self.norm, self.bins, self.adaptive = norm, bins, adaptive
        self.scores = check_kind(scores)
        self.assumed: str | None = None
        self.ignore_index = ignore_index
        super().__init__(name or (f"{norm}_adaptive" if adaptive else norm))

    def assume(self, scores: str | None) -> None:
        self.assumed = check_kind(scores)

    def empty(self) -> State:
        return np.zeros((0, 0)) if self.adaptive else np.zeros((3, self.bins))

    def rows(self, output: Any, target: Any) -> State:
        pairs = _confidence_pairs(output, target, self.scores or self.assumed, self.ignore_index)
        return pairs if self.adaptive else _binned(pairs, self.bins)

    def combine(self, first: State, second: State) -> State:
        return super().combine(first, second) if self.adaptive else first + second

    def add(self, part: State) -> None:
        if self.adaptive:
            super().add(part)
        else:
            self.state = self.state + part

    def curve(self) -> Reliability:
        """The reliability curve of all samples so far."""
        table = _adaptive(self.state, self.bins) if self.adaptive else self.state
        count, confidence, right = table[:, table[0] > 0]
        return Reliability(confidence / count, right / count, count)

    def value(self, rows: State) -> float:
        table = _adaptive(rows, self.bins) if self.adaptive else rows
        count, confidence, right = table[:, table[0] > 0]
        if not count.size:
            return float("nan")
        gaps = np.abs(right - confidence) / count
        if self.norm == "mce":
            return float(gaps.max())
        share = count / count.sum()
        mean = float((share * gaps ** (1 if self.norm == "ece" else 2)).sum())
        return mean if self.norm == "ece" else mean**0.5

    def interval(self, *args: Any, **options: Any) -> tuple[float, float]:
        """By resampling, with `adaptive=True`; bins alone do not have the samples."""
        return super().interval(*args, **options) if self.adaptive else Metric.interval(self)


@quiet
def _confidence_pairs(
    output: object, target: object, scores: str | None, ignore_index: int | None
) -> Values:
    rows = beliefs(output, target, scores=scores, ignore_index=ignore_index)
    given = to_array(output)
    if given.ndim == 1 or given.shape[1] == 1:
        return np.stack([rows.p[:, 1], rows.weights[:, 1]], axis=1)
    return confidences(rows)


def _binned(pairs: Values, bins: int) -> Values:
    """Pairs (N, 2) as sums (3, bins); a confidence on the edge of two bins is in the lower one."""
    edges = np.arange(1, bins) / bins
    place = np.searchsorted(edges, pairs[:, 0])
    sums = [np.bincount(place, weights, bins) for weights in (None, pairs[:, 0], pairs[:, 1])]
    return np.array(sums, np.float64)


def _adaptive(pairs: Values, bins: int) -> Values:
    """Pairs (N, 2) as sums (3, bins) over bins of about N / bins samples each."""
    if not pairs.size:
        return np.zeros((3, bins))
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ShapeError(f"CalibrationError: its state must be (samples, 2), got {pairs.shape}")
    found, place, count = np.unique(pairs[:, 0], return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - count / 2  # samples of one confidence stay together
    bin_of = np.minimum((middle * bins / len(pairs)).astype(np.int64), bins - 1)
    right = np.bincount(place, pairs[:, 1])
    return np.array([np.bincount(bin_of, w, bins) for w in (count, count * found, right)])


def calibration_error(output: object, target: object, norm: str = "ece", **options: Any) -> float:
    """How far confidence is from accuracy, see `CalibrationError`, whose options these are."""
    return float(measured(CalibrationError(norm, **options), output, target))


def reliability_curve(
    output: object, target: object, bins: int = 15, **options: Any
) -> Reliability:
    """The mean confidence, accuracy and number of samples of each bin that is not empty.

    >>> curve = reliability_curve(np.array([0.2, 0.2, 0.9]), np.array([0, 1, 1]), bins=2)
    >>> curve.confidence, curve.accuracy
    (array([0.2, 0.9]), array([0.5, 1. ]))
    """
    metric = CalibrationError("ece", bins, **options)
    metric.update(output, target)
    return metric.curve()
