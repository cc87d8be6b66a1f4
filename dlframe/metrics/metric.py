"""The base classes of all metrics, and the means of numbers, of losses and of functions.

A metric collects counts or sums in `state`, a small array to which each batch adds. The sum of two
states is the state of both data sets together; a metric whose states join in another way says how
(`combine`). To store a metric, store this array.
"""

from __future__ import annotations

import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dlframe.base.naming import name_inherited
from dlframe.errors import ArgumentError, ShapeError
from dlframe.metrics.intervals import resampled
from dlframe.random import Generator
from dlframe.tensor import Tensor, to_array

__all__ = ["Averaged", "Collected", "Mean", "MeanLoss", "Metric"]

State = NDArray[Any]


class Metric(ABC):
    """A number (or an array of numbers) that describes all batches since `reset`.

    A subclass defines the empty state, how a batch adds to it, and how the value is computed from
    it. Usually states are additive: the state of two data sets is the sum of their states. If not,
    the subclass defines `combine`. The name is that of the class unless one is given.

        >>> class Positives(Metric):
        ...     def empty(self):
        ...         return np.zeros(2, np.int64)
        ...     def update(self, output, target):
        ...         positive = to_array(output) > 0
        ...         self.state += (positive.sum(), positive.size)
        ...     def compute(self):
        ...         return float(self.state[0] / self.state[1])
        >>> metric = Positives()
        >>> metric.update(np.array([1.0, -1.0]), None)
        >>> metric.update(np.array([2.0, 3.0]), None)
        >>> metric
        positives=0.75
    """

    name: str
    state: State

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name_inherited(cls, "__init__")

    def __init__(self, name: str | None = None) -> None:
        self.name = name or _snake_case(type(self).__name__)
        self.reset()

    @abstractmethod
    def empty(self) -> State:
        """The state before the first batch."""

    @abstractmethod
    def update(self, output: Any, target: Any) -> None:
        """Add one batch."""

    @abstractmethod
    def compute(self) -> float | NDArray[Any]:
        """The value over everything added so far; NaN if there was nothing."""

    def assume(self, scores: str | None) -> None:  # noqa: B027 - doing nothing is right for most
        """Take knowledge of what outputs are, where the user of the metric said nothing.

        Args:
            scores: "logits", "probabilities" or "log_probabilities", as `metrics.scores_of` gives
                it; None says nothing. A trainer calls this with what its loss and model say.

        Metrics to which this makes no difference do nothing.
        """

    def reset(self) -> None:
        """Forget everything added so far."""
        self.state = self.empty()

    def combine(self, first: State, second: State) -> State:
        """The state of two data sets together, in a new array: the sum of their states."""
        return add_states(first, second)

    def add(self, part: State) -> None:
        """Add the state of a batch."""
        self.state = self.combine(self.state, part)

    def interval(
        self,
        confidence: float = 0.95,
        method: str | None = None,
        *,
        resamples: int = 2000,
        generator: Generator | int | None = None,
    ) -> tuple[float, float]:
        """The ends of a confidence interval of the value, as far as the state knows enough.

        Shares of samples, such as the accuracy, have Wilson's interval for proportions
        (`method="wilson"`, also "exact" and "wilsoncc"). Metrics that keep all samples resample
        them: "percentile" or "bca" (Efron and Tibshirani 1993), see `metrics.interval`, which does
        it for every other metric from outputs and targets.

        Raises:
            ArgumentError: this metric has no interval, or not by this method.
        """
        raise ArgumentError(
            f"{type(self).__name__}: its state of {self.state.size} numbers does not say how the "
            "samples vary; use metrics.interval(metric, output, target)"
        )

    def merge(self, other: Metric) -> None:
        """Add the batches of another metric of the same kind, from other workers or other data."""
        if type(other) is not type(self) or other.name != self.name:
            raise TypeError(
                f"{type(self).__name__}: cannot merge {self.name!r} "
                f"with {other.name!r} ({type(other).__name__})"
            )
        self.state = self.combine(self.state, other.state)

    def __add__(self, other: Metric) -> Self:
        if not isinstance(other, Metric):
            return NotImplemented
        result = copy.copy(self)
        result.merge(other)
        return result

    def __repr__(self) -> str:
        value = self.compute()
        return f"{self.name}={value:.4g}" if isinstance(value, float) else f"{self.name}={value}"


def _snake_case(name: str) -> str:
    """`MyMetric` as `my_metric`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def measured(metric: Metric, output: object, target: object) -> Any:
    """The value of one batch by a metric that is new."""
    metric.update(output, target)
    return metric.compute()


def add_states(first: State, second: State) -> State:
    """The sum, in a new array; the shorter state is filled up with zeros.

    A state becomes longer when a batch contains a new class.
    """
    if first.shape == second.shape:
        return np.asarray(first + second)
    if first.ndim != second.ndim:
        raise ShapeError(
            f"metrics: states of shapes {first.shape} and {second.shape} do not add up"
        )
    shape = tuple(max(sizes) for sizes in zip(first.shape, second.shape, strict=True))
    total: State = np.zeros(shape, np.result_type(first, second))
    total[tuple(slice(size) for size in first.shape)] += first
    total[tuple(slice(size) for size in second.shape)] += second
    return total


class Collected(Metric):
    """A metric that keeps numbers of every sample, since its value needs all of them at once.

    The state is float64 of shape (samples, numbers of each): its memory grows with the data. A
    subclass defines which rows a batch gives, and the value of rows.
    """

    def __init__(self, name: str | None = None) -> None:
        self._parts: list[State] = []
        super().__init__(name)

    def empty(self) -> State:
        return np.zeros((0, 0))

    @abstractmethod
    def rows(self, output: Any, target: Any) -> State:
        """The rows of a batch: float64 (samples, numbers of each), in memory of their own."""

    @abstractmethod
    def value(self, rows: State) -> float | NDArray[Any]:
        """The value of all rows; there is at least one."""

    @property
    def state(self) -> State:
        """All rows so far, in one array."""
        if len(self._parts) != 1:
            kept = [part for part in self._parts if part.size]
            self._parts = [np.concatenate(kept) if kept else self.empty()]
        return self._parts[0]

    @state.setter
    def state(self, value: State) -> None:
        self._parts = [value]

    def combine(self, first: State, second: State) -> State:
        """The rows of both, which have to be of one length."""
        if first.size and second.size and first.shape[1] != second.shape[1]:
            raise ShapeError(
                f"{type(self).__name__}: rows of {first.shape[1]} and of {second.shape[1]} "
                "numbers; all batches need the same number of classes or outputs"
            )
        kept = [part for part in (first, second) if part.size]
        return np.concatenate(kept) if kept else self.empty()

    def add(self, part: State) -> None:
        """Keep the rows of a batch; they are joined when the state is asked for."""
        if not part.size:
            return
        last = self._parts[-1] if self._parts else part
        if last.size and last.shape[1] != part.shape[1]:
            self.combine(last, part)  # raises
        self._parts.append(part)

    def update(self, output: Any, target: Any) -> None:
        self.add(self.rows(output, target))

    def compute(self) -> float | NDArray[Any]:
        rows = self.state
        if not rows.size:
            return float("nan")
        if rows.ndim != 2 or np.isnan(rows).any():
            raise ShapeError(
                f"{type(self).__name__}: its state must be an array (samples, numbers) without "
                f"NaN; got {rows.shape}"
            )
        return self.value(rows)

    def interval(
        self,
        confidence: float = 0.95,
        method: str | None = None,
        *,
        resamples: int = 2000,
        generator: Generator | int | None = None,
    ) -> tuple[float, float]:
        """An interval of the value by resampling the rows; see `metrics.interval`."""
        rows = self.state
        return resampled(
            lambda some: self.value(rows[some]), len(rows), confidence, method, resamples, generator
        )


class Mean(Metric):
    """The mean of weighted numbers, such as the means of batches with the batches' sizes.

    The state is float64 (sum of weight · value, sum of weights).

        >>> mean = Mean("loss")
        >>> mean.update(0.5, 64)  # the mean loss of 64 samples
        >>> mean.update(2.0, 32)  # the last batch is smaller, and weighs less
        >>> mean.compute()
        1.0
    """

    def __init__(self, name: str = "mean") -> None:
        super().__init__(name)

    def empty(self) -> State:
        return np.zeros(2)

    def update(self, output: Any, target: Any = 1.0) -> None:
        """Add values (`output`) with weights (`target`): one for all, or of the same shape."""
        values = np.asarray(to_array(output), np.float64)
        weights = np.asarray(to_array(target), np.float64)
        if weights.shape not in ((), values.shape):
            raise ShapeError(
                f"Mean: weights{weights.shape} must be one number or have the shape of "
                f"values{values.shape}"
            )
        weights = np.broadcast_to(weights, values.shape)
        self.state += ((values * weights).sum(), weights.sum())

    def compute(self) -> float:
        total, weight = self.state
        return float(total / weight) if weight else float("nan")


class MeanLoss(Mean):
    """The mean of a loss over all samples, whatever the sizes of the batches.

    `loss` is called with `(output, target)`. A batch's mean is weighted by the number of its
    targets; a loss with `reduction="sum"` or `"none"` is divided by that number at the end.
    A loss that weights classes or ignores targets divides by another number in each batch. Then
    the result is the mean of the batches' means, weighted by batch size.
    """

    def __init__(self, loss: Callable[[Any, Any], Any], name: str = "loss") -> None:
        super().__init__(name)
        self.loss = loss

    def update(self, output: Any, target: Any = 1.0) -> None:
        """Add one batch: the model's output and its targets."""
        # new tensors with the same memory, so that the graph of the output is not used
        targets = to_array(target)
        if not targets.size:
            return  # the mean loss of no samples is nan, and would make the whole mean nan
        values = to_array(self.loss(Tensor(to_array(output)), Tensor(targets)))
        is_mean = values.ndim == 0 and getattr(self.loss, "reduction", "mean") == "mean"
        total = float(values) * targets.size if is_mean else float(values.sum(dtype=np.float64))
        self.state += (total, targets.size)


class Averaged(Metric):
    """The values of a function on each batch, averaged with the numbers of samples as weights.

    This equals the function of all samples only if that is a mean over samples, as the accuracy
    and the squared error are; precision, F1 and correlations are not. So the name says it:
    "averaged_" and the function's own. The state is float64 (sum of values · samples, samples).

    Args:
        function: of (output, target); returns a number.

        >>> def within(output, target):
        ...     return (abs(output - target) < 0.5).float().mean()
        >>> metric = Averaged(within)
        >>> metric.update(Tensor(np.array([1.0, 2.0])), Tensor(np.array([1.1, 4.0])))
        >>> metric
        averaged_within=0.5
    """

    def __init__(self, function: Callable[[Any, Any], Any], name: str | None = None) -> None:
        if not callable(function):
            raise TypeError(
                f"Averaged: needs a function of (output, target), got {type(function).__name__}"
            )
        self.function = function
        own = getattr(function, "__name__", None) or type(function).__name__
        super().__init__(name or f"averaged_{own.strip('<>')}")

    def empty(self) -> State:
        return np.zeros(2)

    def update(self, output: Any, target: Any) -> None:
        first, second = to_array(output), to_array(target)
        if first.ndim and second.ndim and len(first) != len(second):
            raise ShapeError(f"{self.name}: {len(first)} outputs and {len(second)} targets")
        samples = len(second) if second.ndim else 1
        if not samples:
            return  # the mean over no samples is nan, and would make all of it nan
        value = to_array(self.function(Tensor(first), Tensor(second)))
        if value.size != 1:
            raise ShapeError(
                f"{self.name}: the function must return one number for a batch, got {value.shape}"
            )
        self.state += (float(value.reshape(())) * samples, samples)

    def compute(self) -> float:
        total, samples = self.state
        return float(total / samples) if samples else float("nan")
