"""Random numbers for augmentation, one stream for each sample.

Inside a loader, a transform's draws depend on (seed, epoch, sample index) and on nothing else: not
on the number of workers, the batch size, the order of the batches, nor on where a run was
interrupted. The streams are counter-based: draw number d of a sample is a hash of (seed, epoch,
index, d), so a whole batch is drawn in a few array operations, and a batch and its single samples
get equal numbers.

The hash is SplitMix64's output function (Steele, Lea, Flood: "Fast splittable pseudorandom number
generators", OOPSLA 2014), which passes BigCrush on consecutive counters; it is applied twice, first
to the key, then to the counter.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt

from dlframe import random

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15  # 2⁶⁴ / golden ratio, odd


class SampleDraws:
    """The streams of the samples in one batch; each call draws the next number of every sample.

    >>> both = SampleDraws(seed=1, epoch=0, indices=[5, 9]).uniform()
    >>> alone = SampleDraws(seed=1, epoch=0, indices=[9]).uniform()
    >>> bool(both[1] == alone[0])
    True
    """

    def __init__(self, seed: int, epoch: int, indices: Sequence[Any], drawn: int = 0) -> None:
        self.seed = seed
        self.epoch = epoch
        self.indices = indices
        self.drawn = drawn
        self._mixed: npt.NDArray[np.uint64] | None = None  # the indices' part of the hash

    def uniform(self) -> npt.NDArray[np.float64]:
        """One number in [0, 1) for each sample, with 53 random bits."""
        return (self._next() >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integers(self, high: Any) -> npt.NDArray[np.int64]:
        """One integer in 0 … high-1 for each sample; `high` may be an array."""
        # floor(u · high) stays below high for every high that an image size can have
        numbers: npt.NDArray[np.int64] = (self.uniform() * high).astype(np.int64)
        return numbers

    def generator(self) -> np.random.Generator:
        """NumPy's generator for the first sample, another one at each call."""
        return random.sample_rng(int(self._next()[0]), self.epoch, _counter(self.indices[0]))

    def select(self, places: Sequence[int]) -> SampleDraws:
        """The streams of some of the samples, at their present positions."""
        return SampleDraws(self.seed, self.epoch, [self.indices[p] for p in places], self.drawn)

    def _next(self) -> npt.NDArray[np.uint64]:
        key = _mix_int(_mix_int(self.seed & _MASK) ^ (self.epoch & _MASK)) ^ self.drawn
        self.drawn += 1
        if self._mixed is None:
            self._mixed = _mix(np.array([_counter(i) for i in self.indices], dtype=np.uint64))
        return _mix(self._mixed + np.uint64(_mix_int(key)))


def _counter(index: Any) -> int:
    """The sample's number; for a key that is not a number, a checksum of its repr."""
    try:
        return int(index) & _MASK
    except (TypeError, ValueError):
        return zlib.crc32(repr(index).encode())


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's next output for the states x."""
    x = x + np.uint64(_GOLDEN)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _mix_int(x: int) -> int:
    """The same for one Python integer."""
    x = (x + _GOLDEN) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


_current: ContextVar[SampleDraws | None] = ContextVar("sample_draws", default=None)


def current_draws() -> SampleDraws | None:
    """The streams of the samples that a loader is fetching right now; None outside a loader."""
    return _current.get()


def sample_generator() -> np.random.Generator:
    """A generator for a random transform of your own, a new one at each call.

    Inside a loader it belongs to the sample that is being fetched, so the result does not depend on
    workers or interruptions; outside, its seed is drawn from the default generator.

    >>> def add_noise(x):
    ...     return x + 0.1 * sample_generator().standard_normal(x.shape)
    >>> add_noise(np.zeros(2)).shape
    (2,)
    """
    draws = _current.get()
    if draws is None:
        return np.random.default_rng(int(random.or_default(None).random_int64(1)[0]))
    return draws.generator()


class drawing:
    """In the block, these are the current streams."""

    __slots__ = ("draws", "token")

    def __init__(self, draws: SampleDraws | None) -> None:
        self.draws = draws

    def __enter__(self) -> None:
        self.token = _current.set(self.draws)

    def __exit__(self, *exception: object) -> None:
        _current.reset(self.token)


@contextmanager
def splitting() -> Iterator[Callable[[Sequence[int]], AbstractContextManager[None]]]:
    """Gives a function that narrows the current streams to some places of the batch.

    Each part starts at the present position of the whole. Afterwards the whole continues after the
    part that drew most.
    """
    whole = _current.get()
    if whole is None:
        yield lambda _places: nullcontext()
        return
    parts: list[SampleDraws] = []

    def narrow(places: Sequence[int]) -> AbstractContextManager[None]:
        parts.append(whole.select(places))
        return drawing(parts[-1])

    yield narrow
    whole.drawn = max((part.drawn for part in parts), default=whole.drawn)
