"""Integers, permutations, and choices by probability."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.random.checks import (
    F32,
    F64,
    Array,
    Shape,
    check_all,
    check_multinomial,
    float_dtype,
    shape_and_count,
)
from dlframe.random.real import RealNumbers

if TYPE_CHECKING:
    import numpy.typing as npt  # 12 ms, for annotations alone

_RANDPERM_LIMIT = (2**32 - 1) // 20  # from this size on PyTorch shuffles by another algorithm


class Choices(RealNumbers):
    """Integers, permutations, and choices by probability."""

    def randint(self, low: int, high: int, shape: Shape, dtype: npt.DTypeLike = np.int64) -> Array:
        """Integers from `low` to `high` − 1: `torch.randint(low, high, shape)`.

        >>> dl.Generator().manual_seed(0).randint(0, 10, 5)
        array([4, 9, 3, 0, 3])
        """
        shape, n = shape_and_count("randint", shape)
        dtype = np.dtype(dtype)
        low, high = operator.index(low), operator.index(high)
        if not low < high:
            raise ArgumentError(f"randint: low must be less than high, got [{low}, {high})")
        integer = dtype.kind in "iu" and dtype != np.uint64
        bounds = np.iinfo(dtype if integer else np.int64)
        if low < bounds.min or high - 1 > bounds.max:
            raise ArgumentError(f"randint: {dtype} cannot hold all of [{low}, {high})")
        width = high - low
        draws = self.raw64(n) if width >= 2**28 else self.raw32(n)
        if width == 2**64:  # then PyTorch uses the draw itself as a signed number
            return draws.astype(np.int64).astype(dtype, copy=False).reshape(shape)
        values = (draws % draws.dtype.type(width)).astype(np.int64)
        values += np.int64(low)  # integers wrap around, so a width above 2⁶³ comes out right, too
        return values.astype(dtype, copy=False).reshape(shape)

    def random(self, shape: Shape, dtype: npt.DTypeLike = np.int64) -> Array:
        """Any non-negative value of an integer dtype: `Tensor.random_()`.

        For a float dtype, any integer from 0 to 2^(bits of its precision); for bool, either value.
        """
        shape, n = shape_and_count("random", shape)
        dtype = np.dtype(dtype)
        if dtype == np.bool:
            count = 2
        elif dtype.kind == "f":
            count = 2 ** (np.finfo(dtype).nmant + 1) + 1
        else:
            count = int(np.iinfo(dtype).max) + 1
        draws = self.raw64(n) if dtype in (np.int64, F64) else self.raw32(n)
        return (draws % draws.dtype.type(count)).astype(dtype).reshape(shape)

    def random_int64(self, n: int) -> npt.NDArray[np.int64]:
        """`n` integers from 0 to 2⁶³ − 1: the seeds that PyTorch's loaders and samplers draw.

        >>> dl.Generator().manual_seed(0).random_int64(1)
        array([900450186894289455])
        """
        return self.random(n, np.int64)

    def randperm(self, n: int) -> npt.NDArray[np.int64]:
        """The integers from 0 to n − 1 in random order: `torch.randperm(n)`.

        >>> dl.Generator().manual_seed(0).randperm(4)
        array([0, 1, 3, 2])
        """
        if not 0 <= n < _RANDPERM_LIMIT:
            raise ArgumentError(f"randperm: n must lie in [0, {_RANDPERM_LIMIT}), got {n}")
        first = np.arange(max(n - 1, 0), dtype=np.uint32)
        second = first + self.raw32(first.size) % (np.uint32(n) - first)
        if n > 500:  # from there on faster
            return _shuffled(second.astype(np.int64))
        order = list(range(n))  # a list swaps faster than an array
        for i, j in enumerate(second.tolist()):
            order[i], order[j] = order[j], order[i]
        return np.array(order, dtype=np.int64)

    # --- choices -------------------------------------------------------------------------------

    def bernoulli(self, p: npt.ArrayLike) -> Array:
        """1 with probability p, else 0, for each p of an array, in its dtype: `torch.bernoulli(p)`.

        >>> dl.Generator().manual_seed(0).bernoulli(np.array([0.0, 0.8, 1.0]))
        array([0., 1., 1.])
        """
        p = np.asarray(p)
        dtype = float_dtype("bernoulli", p.dtype)
        check_all("bernoulli", "p must lie in [0, 1]", p, (p >= 0) & (p <= 1))
        u = self.uniform(p.shape, F64 if dtype == F64 else F32)
        return np.asarray(u < p).astype(dtype)

    def keep_mask(self, p: float, shape: Shape) -> npt.NDArray[np.bool]:
        """True with probability p, the same p for all: `Tensor.bernoulli_(p)`.

        Dropout with rate r keeps the elements where `keep_mask(1 - r, shape)` is True.

        >>> dl.Generator().manual_seed(0).keep_mask(0.5, 4)
        array([False, False,  True, False])
        """
        shape, n = shape_and_count("keep_mask", shape)
        if not 0 <= p <= 1:
            raise ArgumentError(f"keep_mask: p must lie in [0, 1], got {p}")
        # k · 2⁻⁵³ < p, in integers: this is exact and needs no array of floats.
        return ((self.raw64(n) & (2**53 - 1)) < math.ceil(float(p) * 2**53)).reshape(shape)

    def multinomial(
        self, probs: npt.ArrayLike, num_samples: int, replacement: bool = False
    ) -> npt.NDArray[np.int64]:
        """Indices drawn in proportion to `probs`, (n,) or (rows, n): `torch.multinomial`.

        Returns (num_samples,) or (rows, num_samples). The sums need not be one. Without replacement
        the indices with the largest p / q are taken, where q is exponential: index i comes first
        with probability p[i] / Σ p, the second is chosen from the rest in the same way, and so on.
        A single sample is drawn in this way with replacement, too: the stream is PyTorch's.

        >>> g = dl.Generator().manual_seed(0)
        >>> g.multinomial(np.array([0.1, 0.2, 0.7]), 2)
        array([2, 1])
        >>> g.multinomial(np.array([0.1, 0.2, 0.7]), 5, replacement=True)
        array([2, 2, 2, 1, 2])
        """
        probs = np.asarray(probs)
        check_multinomial(probs, num_samples, replacement)
        if replacement and num_samples > 1:
            u = self.uniform((*probs.shape[:-1], num_samples), F64)
            return _slots(probs, u)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # float16 may reach 0
            if probs.ndim == 2 and probs.strides[0] < probs.strides[1]:  # in the order of memory
                scores = probs / self.exponential(probs.shape[::-1], probs.dtype).T
            else:
                scores = probs / self.exponential(probs.shape, probs.dtype)
        best: npt.NDArray[np.int64]
        if num_samples == 1:
            best = scores.argmax(axis=-1, keepdims=True)
        else:
            best = np.argsort(-scores, axis=-1, kind="stable")[..., :num_samples].copy()
        return best


def _slots(probs: Array, u: Array) -> npt.NDArray[np.int64]:
    """For each u the first index whose cumulative probability reaches it, row by row."""
    cumulative = probs.astype(F64 if probs.dtype == F64 else F32).cumsum(axis=-1)
    cumulative /= cumulative[..., -1:].copy()
    # The last sum becomes 1, whatever rounding made of it. In float64, because u is float64.
    edges = cumulative[..., :-1].astype(F64)
    if probs.ndim == 1:
        return np.searchsorted(edges, u)
    found = np.empty(u.shape, np.int64)
    for row in range(len(found)):
        found[row] = np.searchsorted(edges[row], u[row])
    return found


def _shuffled(second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0 … n - 1 after the swaps i ↔ second[i], for i = 0 … n - 2 and second[i] ≥ i.

    They are not done one by one. Let `last` be the latest step before i with the same second place.
    Step i moves the element at its second place to place i. If no earlier step used that place,
    this is second[i] itself, else it is the element that was at place `last` when step `last` came.

    The element at place x when step x comes was put there by the latest earlier step with second
    place x, which took it from its own place, and so on: a chain of places. The starts of all
    chains are found at once, by jumping twice as far each time.
    """
    n = len(second) + 1
    steps = np.sort(second << 32 | np.arange(n - 1))  # by second place, then by step
    place, step = steps >> 32, steps & (2**32 - 1)
    again = np.flatnonzero(place[1:] == place[:-1])
    last = np.full(n, -1)
    last[step[again + 1]] = step[again]
    origin = np.arange(n)  # for the element at place x when step x comes: the place it came from
    origin[place] = step  # if a place occurs several times, the latest step is kept
    idle = np.flatnonzero(second == np.arange(n - 1))  # the swap x ↔ x brought nothing
    origin[idle] = np.where(last[idle] < 0, idle, last[idle])
    while not np.array_equal(further := origin[origin], origin):
        origin = further
    taken = np.where(last[:-1] < 0, second, origin[last[:-1]])
    return np.append(taken, origin[-1])
