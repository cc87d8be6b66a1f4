"""The base class of all metrics, and the means of numbers and of losses.

A metric collects counts or sums in `state`, a small array to which each batch adds. The sum of two
states is the state of both data sets together. To store a metric, store this array.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dlframe.base.naming import name_inherited
from dlframe.errors import ShapeError
from dlframe.tensor import Tensor, to_array

__all__ = ["Mean", "MeanLoss", "Metric"]

State = NDArray[Any]


class Metric(ABC):
    """A number (or an array of numbers) that describes all batches since `reset`.

    A subclass defines the empty state, how a batch adds to it, and how the value is computed from
    it. States must be additive: the state of two data sets is the sum of their states.

        >>> class Positives(Metric):
        ...     def empty(self):
        ...         return np.zeros(2, np.int64)
        ...     def update(self, output, target):
        ...         positive = to_array(output) > 0
        ...         self.state += (positive.sum(), positive.size)
        ...     def compute(self):
        ...         return float(self.state[0] / self.state[1])
        >>> metric = Positives("positives")
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

    def __init__(self, name: str) -> None:
        self.name = name
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

    def merge(self, other: Metric) -> None:
        """Add the batches of another metric of the same kind, from other workers or other data."""
        if type(other) is not type(self) or other.name != self.name:
            raise TypeError(
                f"{type(self).__name__}: cannot merge {self.name!r} "
                f"with {other.name!r} ({type(other).__name__})"
            )
        self.state = add_states(self.state, other.state)

    def __add__(self, other: Metric) -> Self:
        if not isinstance(other, Metric):
            return NotImplemented
        result = copy.copy(self)
        result.merge(other)
        return result

    def __repr__(self) -> str:
        value = self.compute()
        return f"{self.name}={value:.4g}" if isinstance(value, float) else f"{self.name}={value}"


def add_states(first: State, second: State) -> State:
    """The sum, in a new array; the shorter state is filled up with zeros.

    A state becomes longer when a batch contains a new class.
    """
    if first.shape == second.shape:
        return np.asarray(first + second)
    shape = tuple(max(sizes) for sizes in zip(first.shape, second.shape, strict=True))
    total = np.zeros(shape, np.result_type(first, second))
    total[tuple(slice(size) for size in first.shape)] += first
    total[tuple(slice(size) for size in second.shape)] += second
    return total


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
