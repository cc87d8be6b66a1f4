"""Random numbers, equal to those of PyTorch's CPU generator.

After the same `manual_seed`, a `Generator` gives the numbers that PyTorch 2.13 gives on a CPU, so
initial weights, shuffles and dropout masks are the same. Its methods return ndarrays.
`generator=None`, here and elsewhere, means `default_generator`, which `manual_seed` seeds.

All numbers come from one stream, the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998),
32 bits a draw; a 64-bit draw is two of them, the high word first. Each distribution uses them thus:

===============  ================================================================================
`uniform`        float32: the low 24 bits of a draw · 2⁻²⁴; float64: the low 53 bits of 64 · 2⁻⁵³
`normal`         Box–Muller: 16 values and more in blocks of 16, fewer in pairs
`randint`        low + draw mod (high − low); a range of 2²⁸ or more takes 64-bit draws
`random`         draw mod (the dtype's maximum + 1): PyTorch's `random_()`
`randperm`       Fisher–Yates from the front: swap i with i + draw mod (n − i)
`bernoulli`      uniform < p, in p's dtype
`keep_mask`      float64 uniform < p: PyTorch's `bernoulli_(p)` for a number p, and its dropout
`multinomial`    several with replacement: where float64 uniforms fall among the cumulative
                 sums; without replacement, or a single one: the largest p / exponential
`poisson`        products of uniforms, or transformed rejection, one value after the other
`binomial`       sums of geometric gaps, or transformed rejection
the rest         the inverse distribution function of a float64 uniform, rounded to the dtype
===============  ================================================================================

Which numbers are equal to PyTorch's, and where that depends on the build:

- On every build: `uniform` on [0, 1), integers, permutations, `bernoulli`, `keep_mask`, `poisson`,
  `binomial`, the state; `multinomial`, unless candidates tie to the last bit (a single
  one, or without replacement, from many float32).
- To rounding: `normal`, `log_normal`, `exponential`, `cauchy` (and `geometric` next to an integer),
  since every build of PyTorch and of NumPy has its own `log`, `sin` and `cos`.
- `uniform` on another [low, high) is x · (high − low) + low, in float32 rounded once: PyTorch on
  x86 with AVX2 (a fused multiply-add); without it PyTorch rounds twice. NumPy cannot fuse in
  float64: there the last bit can differ.
- PyTorch 2.13 does not use the generator of Intel's MKL. Versions up to 2.4 or so, if built with
  MKL and run on an Intel processor, took `bernoulli_(p)`, dropout, `exponential_` and `multinomial`
  from it, and its numbers repeated. They are not reproduced here.

Methods are atomic, so threads may share a generator; but then it depends on chance which thread
gets which numbers. `sample_rng` gives every sample a separate stream instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.random.generator import Generator
from dlframe.random.transform import as_transformed

if TYPE_CHECKING:
    import numpy.typing as npt  # 12 ms, for annotations alone

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "or_default",
    "sample_rng",
    "seed",
    "set_rng_state",
]

default_generator = Generator()
default_generator.seed()  # as in PyTorch: without `manual_seed` no two runs are alike


def or_default(generator: Generator | None) -> Generator:
    """The generator itself, or `default_generator` for None."""
    chosen: Generator = as_transformed(default_generator if generator is None else generator)
    return chosen


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, and return it.

    >>> import dlframe as dl
    >>> dl.manual_seed(1).uniform(2)
    array([0.7576316 , 0.27931088], dtype=float32)
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator from the operating system's entropy; returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The default generator's seed."""
    return default_generator.initial_seed()


def get_rng_state() -> npt.NDArray[np.uint8]:
    """The default generator's state, see `Generator.get_state`."""
    return default_generator.get_state()


def set_rng_state(new_state: npt.ArrayLike) -> None:
    """Set the default generator's state, see `Generator.set_state`."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(enabled: bool = True) -> Iterator[None]:
    """Restore the state of the default generator at the end of the block.

    >>> from dlframe import random
    >>> before = random.get_rng_state()
    >>> with random.fork_rng():
    ...     numbers = random.manual_seed(1).uniform(100)
    >>> bool((random.get_rng_state() == before).all())
    True
    """
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)


# --- data augmentation -------------------------------------------------------------------------


def sample_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """A NumPy generator for each (seed, epoch, sample index), for data augmentation.

    The numbers for a sample depend only on these three: not on the number of workers, the order in
    which they work, or the point at which a run was interrupted. Philox (Salmon et al., 2011)
    encrypts a counter; here seed (modulo 2⁶⁴) and epoch are the key, and the index is the counter's
    highest word, so the streams of two samples cannot overlap.

    >>> from dlframe.random import sample_rng
    >>> sample_rng(seed=0, epoch=3, index=41).random() == sample_rng(0, 3, 41).random()
    True
    """
    if epoch < 0 or index < 0:
        raise ArgumentError(f"sample_rng: negative epoch or index: epoch={epoch}, index={index}")
    key = np.array([seed % 2**64, epoch], dtype=np.uint64)
    counter = np.array([0, 0, 0, index], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
