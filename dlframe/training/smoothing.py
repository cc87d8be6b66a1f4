"""Running means of noisy numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


class RunningMean:
    """m ← weight · m + (1 - weight) · y, corrected for its start at zero.

    The correction is that of Adam (Kingma and Ba, 2015, section 3). Written as a step from the old
    mean towards y, the mean of equal numbers is that number in every digit.

    >>> mean = RunningMean(0.5)
    >>> mean.update(3.0), mean.update(6.0)
    (3.0, 5.0)
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.mean = self.total = 0.0

    def update(self, y: float) -> float:
        """The mean with `y`; NaN, and the mean is as before, if `y` is not finite."""
        if not math.isfinite(y):
            return math.nan
        self.total = self.weight * self.total + (1 - self.weight)
        self.mean += (1 - self.weight) / self.total * (y - self.mean)
        return self.mean


def smoothed(y: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """The running mean at each of the numbers."""
    mean = RunningMean(weight)
    return np.array([mean.update(value) for value in y.tolist()], np.float64)
