"""The seeds of a run: one for each source of chance, the same in every arm."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from dlframe.errors import ArgumentError, did_you_mean

STREAMS = ("data", "split", "weights", "order", "noise")
"""Data that are drawn, splits, initial weights, orders of samples, noise such as dropout."""


@dataclass(frozen=True)
class Seeds:
    """The seeds of run number `run`, an attribute for each stream of random numbers.

    Run 3 of every arm has the same seeds, so that arms are compared in pairs that start from the
    same weights and see the same data in the same order. The streams differ from each other, so
    that drawing more of one changes nothing in another. Streams in `held` are those of run 0 in
    every run: what the others contribute to the spread is then seen alone.

    A seed is the first 32 bits of a SHA-256 sum of the study's seed, the stage, the number of the
    run, and the stream's name: for `dlframe.manual_seed`, `Generator`, or any other library's.

    >>> seeds = Seeds(run=0)
    >>> seeds.weights, seeds.order
    (1302357695, 437628628)
    >>> Seeds(run=1).weights == seeds.weights, Seeds(run=1, held=("weights",)).weights
    (False, 1302357695)
    """

    run: int
    study: int = 0
    stage: str = "run"
    held: tuple[str, ...] = field(default=())

    @property
    def data(self) -> int:
        """For data that are drawn, such as points or added noise."""
        return self.stream("data")

    @property
    def split(self) -> int:
        """For the split into training, validation and test data."""
        return self.stream("split")

    @property
    def weights(self) -> int:
        """For initial values."""
        return self.stream("weights")

    @property
    def order(self) -> int:
        """For the order of samples in each epoch."""
        return self.stream("order")

    @property
    def noise(self) -> int:
        """For dropout, augmentation and other noise in training."""
        return self.stream("noise")

    def stream(self, name: str) -> int:
        """The seed of any other stream, by a name of your own."""
        run = 0 if name in self.held else self.run
        text = f"{self.study}/{self.stage}/{run}/{name}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def check_streams(where: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names of streams, if they are some; a stream of one's own begins with "own_"."""
    found = tuple(names)
    for name in found:
        if name not in STREAMS and not name.startswith("own_"):
            raise ArgumentError(
                f"{where}: there is no stream {name!r}; there are {', '.join(STREAMS)}, and those "
                f'that begin with "own_".{did_you_mean(name, STREAMS)}'
            )
    return found
