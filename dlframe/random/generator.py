"""The generator: a stream of random numbers, and all distributions that draw from it."""

from __future__ import annotations

from dlframe.random.rejection import Counts


class Generator(Counts):
    """A stream of random numbers, equal to that of `torch.Generator` on a CPU.

    >>> from dlframe.random import Generator
    >>> g = Generator().manual_seed(0)
    >>> g.uniform(3)
    array([0.4962566 , 0.7682218 , 0.08847743], dtype=float32)
    >>> g.randperm(5)
    array([0, 4, 2, 1, 3])
    """
