"""The default generator, which `dlframe.manual_seed` seeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from dlframe.random.generator import Generator
from dlframe.random.transform import as_transformed

if TYPE_CHECKING:
    import numpy.typing as npt  # 12 ms, for annotations alone

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
