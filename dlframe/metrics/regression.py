"""Metrics of numbers: means of errors, and the largest and the median one.

Each is a mean over all elements of output and target, which have one shape; nothing is broadcast.
Errors are computed in float64. `metrics.correlation` has R² and the correlations.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.base.quiet import quiet
from dlframe.errors import ArgumentError, ShapeError
from dlframe.metrics.labels import number_array, refuse_nan
from dlframe.metrics.metric import Collected, Metric, State, measured

__all__ = [
    "MaxError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogError",
    "MedianAbsoluteError",
    "SymmetricMeanAbsolutePercentageError",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_log_error",
    "median_absolute_error",
    "symmetric_mean_absolute_percentage_error",
]


class ErrorMetric(Metric):
    """The base class of means of errors: a float64 state (sum of errors, number of elements)."""

    def empty(self) -> State:
        return np.zeros(2)

    def errors(self, x: Any, y: Any) -> Any:
        """The errors of output `x` and target `y`, one for each element; a subclass says it."""
        raise NotImplementedError

    @quiet
    def update(self, output: Any, target: Any) -> None:
        errors = self.errors(*pair_of(type(self).__name__, output, target))
        self.state += (errors.sum(), errors.size)

    def compute(self) -> float:
        total, count = self.state
        return float(total / count) if count else float("nan")


@quiet
def pair_of(name: str, output: object, target: object) -> tuple[Any, Any]:
    """Output and target in float64, of one shape and without NaN."""
    x, y = number_array(output, "output"), number_array(target, "target")
    if x.shape != y.shape:
        raise ShapeError(
            f"{name}: output and target must have the same shape, got output{list(x.shape)} and "
            f"target{list(y.shape)}; squeeze() or reshape() one of them"
        )
    refuse_nan(x, "output")
    refuse_nan(y, "target")
    return x.astype(np.float64), y.astype(np.float64)


class MeanSquaredError(ErrorMetric):
    """The mean of (output - target)²; its root, in the units of the target, with `squared=False`.

    >>> error = MeanSquaredError()
    >>> error.update(np.array([1.0, 5.0]), np.array([1.0, 1.0]))
    >>> error.update(np.array([3.0, 3.0]), np.array([3.0, 3.0]))
    >>> error.compute()
    4.0
    """

    def __init__(self, squared: bool = True, *, name: str | None = None) -> None:
        super().__init__(name or ("mse" if squared else "rmse"))
        self.squared = squared

    def errors(self, x: Any, y: Any) -> Any:
        return (x - y) ** 2

    def compute(self) -> float:
        mean = super().compute()
        return mean if self.squared else mean**0.5


class MeanAbsoluteError(ErrorMetric):
    """The mean of |output - target|."""

    def __init__(self, *, name: str = "mae") -> None:
        super().__init__(name)

    def errors(self, x: Any, y: Any) -> Any:
        return np.abs(x - y)


class MeanSquaredLogError(ErrorMetric):
    """The mean of (ln(1 + output) - ln(1 + target))², for numbers above -1; its root likewise.

    It weighs ratios: 10 instead of 100 costs about what 100 instead of 1000 costs.
    """

    def __init__(self, squared: bool = True, *, name: str | None = None) -> None:
        super().__init__(name or ("msle" if squared else "rmsle"))
        self.squared = squared

    def errors(self, x: Any, y: Any) -> Any:
        for what, values in (("output", x), ("target", y)):
            if (values <= -1).any():
                low = float(values.min())
                raise ArgumentError(
                    f"MeanSquaredLogError: the smallest {what} is {low:g}, and ln(1 + x) needs "
                    "numbers above -1; use MeanSquaredError"
                )
        return (np.log1p(x) - np.log1p(y)) ** 2

    def compute(self) -> float:
        mean = super().compute()
        return mean if self.squared else mean**0.5


class MeanAbsolutePercentageError(ErrorMetric):
    """The mean of |output - target| / |target|, as a share: 0.1 is ten per cent.

    A target of 0 has none, and is refused; near 0 it explodes.

    >>> error = MeanAbsolutePercentageError()
    >>> error.update(np.array([9.0, 110.0]), np.array([10.0, 100.0]))
    >>> error.compute()
    0.1
    """

    def __init__(self, *, name: str = "mape") -> None:
        super().__init__(name)

    def errors(self, x: Any, y: Any) -> Any:
        if (y == 0).any():
            place = [int(i) for i in np.unravel_index(int((y == 0).argmax()), y.shape)]
            raise ArgumentError(
                f"MeanAbsolutePercentageError: target{place} is 0, of which there is no per cent; "
                "use SymmetricMeanAbsolutePercentageError or MeanAbsoluteError"
            )
        return np.abs((x - y) / y)


class SymmetricMeanAbsolutePercentageError(ErrorMetric):
    """The mean of 2 |output - target| / (|output| + |target|), from 0 to 2; 0 where both are 0."""

    def __init__(self, *, name: str = "smape") -> None:
        super().__init__(name)

    def errors(self, x: Any, y: Any) -> Any:
        size = np.abs(x) + np.abs(y)
        return np.divide(2 * np.abs(x - y), size, out=np.zeros(size.shape), where=size > 0)


class MaxError(Metric):
    """The largest |output - target|: what no element exceeds. The state is (maximum, elements)."""

    def __init__(self, *, name: str = "max_error") -> None:
        super().__init__(name)

    def empty(self) -> State:
        return np.zeros(2)

    def combine(self, first: State, second: State) -> State:
        return np.array([max(first[0], second[0]), first[1] + second[1]])

    @quiet
    def update(self, output: Any, target: Any) -> None:
        x, y = pair_of("MaxError", output, target)
        self.add(np.array([np.abs(x - y).max(initial=0.0), x.size]))

    def compute(self) -> float:
        return float(self.state[0]) if self.state[1] else float("nan")


class MedianAbsoluteError(Collected):
    """The median of |output - target|, which a few large errors do not move.

    It keeps every error: the state is float64 (elements, 1) and grows with the data.
    """

    def __init__(self, *, name: str = "median_absolute_error") -> None:
        super().__init__(name)

    @quiet
    def rows(self, output: Any, target: Any) -> State:
        x, y = pair_of("MedianAbsoluteError", output, target)
        return np.asarray(np.abs(x - y).reshape(-1, 1))

    def value(self, rows: State) -> float:
        return float(np.median(rows))


# --- functions ---------------------------------------------------------------------------------


def mean_squared_error(output: object, target: object, *, squared: bool = True) -> float:
    """The mean of (output - target)² over all elements; NaN without any.

    Args:
        output, target: tensors or arrays of one shape.
        squared: False takes the square root: the error in the units of the target.

    Raises:
        ShapeError: the shapes differ. DTypeError: not real numbers. ArgumentError: NaN.

        >>> mean_squared_error(np.array([1.0, 5.0]), np.array([1.0, 1.0]))
        8.0
    """
    return float(measured(MeanSquaredError(squared), output, target))


def mean_absolute_error(output: object, target: object) -> float:
    """The mean of |output - target| over all elements; NaN without any.

    >>> mean_absolute_error(np.array([1.0, 5.0]), np.array([1.0, 1.0]))
    2.0
    """
    return float(measured(MeanAbsoluteError(), output, target))


def mean_squared_log_error(output: object, target: object, *, squared: bool = True) -> float:
    """The mean of (ln(1 + output) - ln(1 + target))²; its root with `squared=False`."""
    return float(measured(MeanSquaredLogError(squared), output, target))


def mean_absolute_percentage_error(output: object, target: object) -> float:
    """The mean of |output - target| / |target|, as a share; a target of 0 is refused."""
    return float(measured(MeanAbsolutePercentageError(), output, target))


def symmetric_mean_absolute_percentage_error(output: object, target: object) -> float:
    """The mean of 2 |output - target| / (|output| + |target|), from 0 to 2."""
    return float(measured(SymmetricMeanAbsolutePercentageError(), output, target))


def max_error(output: object, target: object) -> float:
    """The largest |output - target|."""
    return float(measured(MaxError(), output, target))


def median_absolute_error(output: object, target: object) -> float:
    """The median of |output - target|."""
    return float(measured(MedianAbsoluteError(), output, target))
