"""Numbers of events and of successes. The number of uniforms per value varies.

For small means the events are counted (Knuth; geometric gaps). For large means there is transformed
rejection (Hörmann, 1993): a point (u, v) of a box is turned into a candidate k. Most candidates are
accepted at once by a cheap test, the others are compared with the probability of k. Since the
number of draws differs from value to value, these cannot be vectorized and run in plain Python.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.random.checks import F64, Array, check_all, float_dtype
from dlframe.random.integers import Choices

if TYPE_CHECKING:
    import numpy.typing as npt  # 12 ms, for annotations alone

Draw = Callable[[], float]

_BLOCK = 512  # uniforms drawn at a time


class Counts(Choices):
    """The distributions of counts."""

    def poisson(self, rate: npt.ArrayLike) -> Array:
        """Numbers of events whose mean is `rate`, for each of an array: `torch.poisson(rate)`.

        >>> dl.Generator().manual_seed(0).poisson(np.array([0.0, 2.0, 50.0]))
        array([ 0.,  6., 47.])
        """
        rate = np.asarray(rate)
        dtype = float_dtype("poisson", rate.dtype)
        check_all("poisson", "rate must be non-negative", rate, rate >= 0)
        with self._one_by_one() as draw:
            values = [_poisson(mean, draw) for mean in rate.ravel().tolist()]
        return np.array(values, dtype).reshape(rate.shape)

    def binomial(self, count: npt.ArrayLike, prob: npt.ArrayLike) -> Array:
        """Numbers of successes in `count` trials with probability `prob`: `torch.binomial`.

        >>> dl.Generator().manual_seed(0).binomial(np.array([5.0, 100.0]), np.array([0.5, 0.3]))
        array([ 4., 34.])
        """
        count, prob = np.asarray(count), np.asarray(prob)
        dtype = float_dtype("binomial", count.dtype)
        if prob.dtype != dtype:
            raise DTypeError(f"binomial: Found dtype {prob.dtype} but expected {dtype}")
        try:
            pairs = np.broadcast_arrays(count, prob)
        except ValueError:
            raise ShapeError(
                f"binomial: count of shape {list(count.shape)} and prob of shape "
                f"{list(prob.shape)} cannot be broadcast together"
            ) from None
        check_all("binomial", "count must be finite", count, np.isfinite(count))
        with self._one_by_one() as draw:
            values = [_binomial(n, p, draw) for n, p in zip(*(a.ravel() for a in pairs))]
        return np.array(values, dtype).reshape(pairs[0].shape)

    @contextmanager
    def _one_by_one(self) -> Iterator[Draw]:
        """Gives a function that draws one uniform; then the stream continues after the last one."""
        taken = 0

        def numbers() -> Iterator[float]:
            nonlocal taken
            ahead = self.clone_state()
            while True:
                for u in ahead.uniform(_BLOCK, F64).tolist():
                    taken += 1
                    yield u

        with self._lock:
            yield numbers().__next__
            self.raw64(taken)


# --- Poisson -----------------------------------------------------------------------------------


def _poisson(mean: float, draw: Draw) -> float:
    if mean >= 10:
        return _poisson_by_rejection(mean, draw)
    if mean == 0:
        return 0
    # uniforms are multiplied until the product falls below exp(-mean) (Knuth)
    limit, product = math.exp(-mean), 1.0
    for k in itertools.count():
        product *= draw()
        if product <= limit:
            return k
    raise AssertionError("there is always another uniform")


def _poisson_by_rejection(mean: float, draw: Draw) -> float:
    """Hörmann's PTRS."""
    if not math.isfinite(mean):
        raise ArgumentError(f"poisson: every rate must be finite, got {mean}")
    log_mean = math.log(mean)
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    sure = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = draw() - 0.5, draw()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + mean + 0.43) if us else -1
        if us >= 0.07 and v <= sure:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        ratio = math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if ratio <= -mean + k * log_mean - math.lgamma(k + 1):
            return k


# --- binomial ----------------------------------------------------------------------------------

# log k! minus Stirling's formula, for k = 0 … 9.
_TAILS = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
    0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
    0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _binomial(count: np.floating, prob: np.floating, draw: Draw) -> float:
    """`count` and `prob` are NumPy's numbers: products of them round to their dtype."""
    if count <= 0 or prob <= 0:
        return 0
    if prob >= 1:
        return float(count)
    if prob <= 0.5:
        return _few_successes(count, prob, draw)
    if prob > 0.5:
        return float(count) - _few_successes(count, 1 - prob, draw)
    return math.nan


def _few_successes(count: np.floating, prob: np.floating, draw: Draw) -> float:
    if count * prob >= 10:
        return _binomial_by_rejection(count, prob, draw)
    # the gaps between successes are geometric
    log_failure, trials, limit = float(np.log1p(-prob)), 0.0, float(count)
    for k in itertools.count():
        u = draw()
        trials += math.ceil(math.log(u) / log_failure) if u else math.inf
        if trials > limit:
            return k
    raise AssertionError("there is always another uniform")


def _binomial_by_rejection(count: np.floating, prob: np.floating, draw: Draw) -> float:
    """Hörmann's BTRS; the logarithm of v, which his paper lacks, is taken."""
    n, p, mean = float(count), float(prob), float(count * prob)
    deviation = math.sqrt(count * prob * (1 - prob))
    odds = float(prob / (1 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    sure = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * deviation
    mode = math.floor((count + 1) * prob)
    while True:
        u, v = draw() - 0.5, draw()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + mean + 0.5) if us else -1
        if k < 0 or k > n:
            continue
        if us >= 0.07 and v <= sure:
            return k
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (n - mode + 1)))
            + (n + 1) * math.log((n - mode + 1) / (n - k + 1))
            + (k + 0.5) * math.log(odds * (n - k + 1) / (k + 1))
            + _tail(mode) + _tail(n - mode) - _tail(k) - _tail(n - k)
        )  # fmt: skip
        if v == 0 or math.log(v * alpha / (a / (us * us) + b)) <= bound:
            return k


def _tail(k: float) -> float:
    """log k! minus Stirling's formula."""
    if k < len(_TAILS):
        return _TAILS[int(k)]
    square = (k + 1) ** 2
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
