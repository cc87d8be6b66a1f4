"""Metrics of numbers: the mean of squared and of absolute errors, as functions and as objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.base.quiet import quiet
from dlframe.errors import ShapeError
from dlframe.metrics.labels import number_array
from dlframe.metrics.metric import Metric, State

__all__ = [
    "MeanAbsoluteError",
    "MeanSquaredError",
    "mean_absolute_error",
    "mean_squared_error",
]


def mean_squared_error(output: object, target: object, *, squared: bool = True) -> float:
    """The mean of (output - target)² over all elements; NaN without any.

    Args:
        output, target: tensors or arrays of one shape.
        squared: False takes the square root: the error in the units of the target.

    Raises:
        ShapeError: the shapes differ. DTypeError: not real numbers.

        >>> mean_squared_error(np.array([1.0, 5.0]), np.array([1.0, 1.0]))
        8.0
    """
    error = _differences("mean_squared_error", output, target)
    return _root_or_not(_mean(float((error * error).sum()), error.size), squared)


def mean_absolute_error(output: object, target: object) -> float:
    """The mean of |output - target| over all elements; NaN without any.

    Raises:
        ShapeError: the shapes differ. DTypeError: not real numbers.

        >>> mean_absolute_error(np.array([1.0, 5.0]), np.array([1.0, 1.0]))
        2.0
    """
    error = _differences("mean_absolute_error", output, target)
    return _mean(float(np.abs(error).sum()), error.size)


class MeanSquaredError(Metric):
    """The mean squared error over all batches; its root with `squared=False`.

    The state is float64 (sum of squared errors, number of elements).

        >>> error = MeanSquaredError()
        >>> error.update(np.array([1.0, 5.0]), np.array([1.0, 1.0]))
        >>> error.update(np.array([3.0, 3.0]), np.array([3.0, 3.0]))
        >>> error.compute()
        4.0
    """

    def __init__(self, squared: bool = True, *, name: str | None = None) -> None:
        super().__init__(name or ("mse" if squared else "rmse"))
        self.squared = squared

    def empty(self) -> State:
        return np.zeros(2)

    def update(self, output: Any, target: Any) -> None:
        error = _differences("MeanSquaredError", output, target)
        self.state += ((error * error).sum(), error.size)

    def compute(self) -> float:
        return _root_or_not(_mean(*self.state), self.squared)


class MeanAbsoluteError(Metric):
    """The mean absolute error over all batches.

    The state is float64 (sum of absolute errors, number of elements).
    """

    def __init__(self, *, name: str = "mae") -> None:
        super().__init__(name)

    def empty(self) -> State:
        return np.zeros(2)

    def update(self, output: Any, target: Any) -> None:
        error = _differences("MeanAbsoluteError", output, target)
        self.state += (np.abs(error).sum(), error.size)

    def compute(self) -> float:
        return _mean(*self.state)


@quiet
def _differences(name: str, output: object, target: object) -> Any:
    """output - target in float64, whose sums are exact enough for any number of batches."""
    x, y = number_array(output, "output"), number_array(target, "target")
    if x.shape != y.shape:
        raise ShapeError(
            f"{name}: output and target must have the same shape, got output{list(x.shape)} and "
            f"target{list(y.shape)}; squeeze() or reshape() one of them"
        )
    return x.astype(np.float64) - y.astype(np.float64)


def _mean(total: float, count: float) -> float:
    return float(total / count) if count else float("nan")


def _root_or_not(mean: float, squared: bool) -> float:
    return mean if squared else mean**0.5
