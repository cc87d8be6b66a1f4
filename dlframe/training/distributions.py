"""The values of weights, gradients and activations as few numbers: moments, quantiles, histograms.

`Pool` measures the values of one tensor at one moment, which may come in several parts: the batches
of one step, the calls of a shared layer. `Course` has what pools gave along training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 50
VALUES = 65_536

NEAR_ZERO = 0.05
"""Activations below this are near zero, as in fastai's ActivationStats."""

TAIL = 0.005
"""The share of the values in the first bin, and in the last, which reach to the ends."""

FLAT = {"tanh": (-0.99, 0.99), "sigmoid": (0.01, 0.99)}
"""Outside of these limits the slope is below 2 % (1 %) of the largest.

Of normal numbers with variance 1, 0.8 % of the values of tanh are there, and none of sigmoid.
"""

NUMBERS = (
    "count",
    "mean",
    "std",
    "mean_abs",
    "norm",
    "min",
    "max",
    "zeros",
    "near_zero",
    "dead",
    "saturated",
    "not_finite",
)
"""The single numbers of a distribution, in the order of a row; `Course` says what they mean."""

_INNER = ("inner_low", "inner_high")
_HEAD = len(NUMBERS) + len(_INNER)


def unit_axis(ndim: int) -> int:
    """The axis of the units: images have channels second, sequences features last."""
    return 1 if ndim != 3 else 2


def active_units(array: NDArray[Any]) -> NDArray[np.bool_]:
    """Which units of activations (samples, units, …) are other than 0 for some sample."""
    axis = unit_axis(array.ndim)
    others = tuple(i for i in range(array.ndim) if i != axis)
    return np.asarray((array != 0).any(axis=others))


def flat_share(array: NDArray[Any], limits: tuple[float, float]) -> float:
    """The share of the values outside of two limits."""
    low, high = limits
    return float(((array < low) | (array > high)).mean()) if array.size else 0.0


class Pool:
    """The values of one tensor at one moment, added part by part; `row` gives the numbers.

    Moments and shares are those of all values. Quantiles and the histogram are those of at most
    `most` values: of more, every third is kept, then every ninth … An odd distance, so that they
    do not all belong to one unit where the units are a power of two. No random number is drawn.

    >>> pool = Pool()
    >>> pool.add(np.array([[0.0, 1.0], [0.0, 3.0]]), units=True)
    >>> course = Course.of([pool.row()], QUANTILES)
    >>> course.mean.item(), course.zeros.item(), course.dead.item()
    (1.0, 0.5, 0.5)
    """

    def __init__(self, most: int = VALUES) -> None:
        self.most = most
        self.count = 0
        self._not_finite = 0
        self._mean = self._squares = self._absolute = 0.0
        self._low, self._high = math.inf, -math.inf
        self._zeros = self._near = 0
        self._flat: float | None = None
        self._active: NDArray[np.bool_] | None = None
        self._parts: list[NDArray[Any]] = []
        self._kept, self._every = 0, 1

    def add(
        self, array: NDArray[Any], *, units: bool = False, limits: tuple[float, float] | None = None
    ) -> None:
        """Add values: of several units if it says so, of a function that is flat beyond limits."""
        if array.dtype.kind == "c":
            array = np.stack([array.real, array.imag])
        elif array.dtype.kind != "f":
            array = array.astype(np.float64)
        x = array.reshape(-1)
        finite = np.isfinite(x)
        if not finite.all():
            self._not_finite += int(x.size - finite.sum())
            x = x[finite]
        if units and array.ndim >= 2 and array.size:
            self._add_units(active_units(array))
        if not x.size:
            return
        if limits is not None:
            # as a share of all values, so that the parts can be added
            flat = flat_share(x, limits)
            before = 0.0 if self._flat is None else self._flat
            self._flat = before + (flat - before) * x.size / (self.count + x.size)
        self._keep(x)
        self._add_moments(x)

    def _add_moments(self, x: NDArray[Any]) -> None:
        """Chan, Golub and LeVeque (1979): the mean and the squares of two samples as of one."""
        with np.errstate(over="ignore"):
            mean = float(x.mean(dtype=np.float64))
            squares = float(x.var(dtype=np.float64)) * x.size
            size = np.abs(x)
            absolute = float(size.mean(dtype=np.float64))
        before, self.count = self.count, self.count + x.size
        share = x.size / self.count
        step = mean - self._mean
        self._mean += step * share
        self._squares += squares + step * step * before * share
        self._absolute += (absolute - self._absolute) * share
        self._low = min(self._low, float(x.min()))
        self._high = max(self._high, float(x.max()))
        self._zeros += int(x.size - np.count_nonzero(x))
        self._near += int((size < NEAR_ZERO).sum())

    def _add_units(self, active: NDArray[np.bool_]) -> None:
        if self._active is None:
            self._active = active
        elif self._active.shape == active.shape:
            self._active = self._active | active
        else:  # a layer that is called with other numbers of units
            self._active = np.zeros(0, bool)

    def _keep(self, x: NDArray[Any]) -> None:
        while self._kept + x.size / self._every > self.most:
            self._parts = [np.concatenate(self._parts)[::3]] if self._parts else []
            self._kept = sum(part.size for part in self._parts)
            self._every *= 3
        part = x[-self.count % self._every :: self._every].copy()
        self._parts.append(part)
        self._kept += part.size

    def row(
        self, quantiles: Sequence[float] = QUANTILES, bins: int = BINS, scale: float = 1.0
    ) -> Array:
        """All numbers of the values times `scale`, above 0: what `Course.of` takes.

        They are NUMBERS, two edges, the quantiles and the counts of the bins. NaN stands for what
        is not known, and for everything where there is no finite value.
        """
        row = np.full(_HEAD + len(quantiles) + bins, np.nan)
        row[0] = self.count
        all_values = self.count + self._not_finite
        row[NUMBERS.index("not_finite")] = self._not_finite / all_values if all_values else np.nan
        if not self.count:
            return row
        n = self.count
        with np.errstate(over="ignore"):
            norm = math.hypot(math.sqrt(self._squares), math.sqrt(n) * abs(self._mean))
            moments = np.array(
                [self._mean, math.sqrt(self._squares / n), self._absolute, norm, self._low,
                 self._high]
            )  # fmt: skip
            row[1:7] = moments * scale
            values = np.concatenate(self._parts).astype(np.float64) * scale
        row[7:9] = self._zeros / n, self._near / n
        if self._active is not None and self._active.size:
            row[9] = 1 - self._active.mean()
        if self._flat is not None:
            row[10] = self._flat
        inner, levels = [TAIL, 1 - TAIL], list(quantiles)
        row[len(NUMBERS) : _HEAD + len(levels)] = np.quantile(values, inner + levels)
        edges = _edges_of(row, bins)
        row[_HEAD + len(levels) :] = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
        return row


def measured(
    array: NDArray[Any], quantiles: Sequence[float] = QUANTILES, bins: int = BINS, **options: Any
) -> Array:
    """The row of one array; the options are those of `Pool.add`, and `most`."""
    pool = Pool(options.pop("most", VALUES))
    pool.add(array, **options)
    return pool.row(quantiles, bins)


def bin_edges(low: float, inner_low: float, inner_high: float, high: float, bins: int) -> Array:
    """The edges (bins + 1,) of a histogram whose first and last bin have the few values far away.

    The others are equally wide, and the first and the last one are wider, with half a percent of
    the values at most. If none are far away, or nearly all values are equal, all bins are equally
    wide; where all are equal, very narrow.
    """
    if not low < high:
        pad = max(1e-6 * abs(low), 1e-12)
        return np.asarray(np.linspace(low - pad, low + pad, bins + 1))
    if not low <= inner_low < inner_high <= high or bins < 3:
        return np.asarray(np.linspace(low, high, bins + 1))
    width = (inner_high - inner_low) / bins
    if inner_low - low < width:  # a tail narrower than the others would be a tower of few values
        inner_low = low
    if high - inner_high < width:
        inner_high = high
    # where the end is the most frequent value, as 0 for a relu, there is no tail
    tails = int(low < inner_low) + int(inner_high < high)
    inner = np.linspace(inner_low, inner_high, bins + 1 - tails)
    return np.concatenate([[low][: low < inner_low], inner, [high][: inner_high < high]])


def _edges_of(row: Array, bins: int) -> Array:
    low, high = NUMBERS.index("min"), NUMBERS.index("max")
    inner_low, inner_high = row[len(NUMBERS) : _HEAD]
    return bin_edges(float(row[low]), float(inner_low), float(inner_high), float(row[high]), bins)


@dataclass(frozen=True)
class Course:
    """The distribution of one tensor's values at n moments; an array (n,) for each number.

    NaN stands for what was not known at a moment. Values that are not finite count in `not_finite`
    only, the share that they have.

    Fields:
        count: how many finite values.
        mean, std: x̄ and √(Σ (x − x̄)² / n), as `np.std`.
        mean_abs: the mean of |x|.
        norm: ‖x‖₂.
        min, max: the ends.
        zeros: the share that is exactly 0.
        near_zero: the share with |x| < 0.05.
        dead: of outputs, the share of units that are 0 for all samples. The units are on the second
            axis, or on the third of three.
        saturated: of the outputs of sigmoid and tanh, the share where these are flat: outside of
            0.01 … 0.99 or −0.99 … 0.99.
        not_finite: the share of NaN and infinities.
        levels: (q,), from 0 to 1, of the quantiles.
        quantiles: (n, q).
        edges, counts: (n, bins + 1) and (n, bins): a histogram for each moment. The first and the
            last bin hold half a percent of the values each where those are far away; the others
            are equally wide.
    """

    count: Array
    mean: Array
    std: Array
    mean_abs: Array
    norm: Array
    min: Array
    max: Array
    zeros: Array
    near_zero: Array
    dead: Array
    saturated: Array
    not_finite: Array
    levels: Array
    quantiles: Array
    edges: Array
    counts: Array

    @classmethod
    def of(cls, rows: Sequence[Array], levels: Sequence[float]) -> Course:
        """The course of rows that `Pool.row` gave."""
        table = np.stack(rows) if len(rows) else np.zeros((0, _HEAD + len(levels)))
        numbers = {name: table[:, i] for i, name in enumerate(NUMBERS)}
        counts = table[:, _HEAD + len(levels) :]
        bins = counts.shape[1]
        edges = [_edges_of(row, bins) for row in table]
        return cls(
            **numbers,
            levels=np.array(levels, np.float64),
            quantiles=table[:, _HEAD : _HEAD + len(levels)],
            edges=np.array(edges).reshape(len(table), bins + 1),
            counts=counts,
        )

    def __len__(self) -> int:
        return len(self.count)


def row_width(levels: Sequence[float], bins: int) -> int:
    """The length of a row."""
    return _HEAD + len(levels) + bins
