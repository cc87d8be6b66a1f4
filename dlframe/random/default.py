"""The default generator, which `dlframe.manual_seed` seeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np

from dlframe.random.generator import Generator
from dlframe.random.transform import as_transformed

if TYPE_CHECKING:
    import numpy.typing as npt  # 12 ms, for annotations alone

default_generator = Generator()
default_generator.seed()  # as in PyTorch: without `manual_seed` no two runs are alike


# A thread that works for a loader draws from a generator of its own, as PyTorch's processes do.
_of_thread: ContextVar[Generator | None] = ContextVar("default_generator", default=None)


def present() -> Generator:
    """The default generator where this is called: `default_generator`, or that of the thread."""
    own = _of_thread.get()
    return default_generator if own is None else own


def use_in_thread(generator: Generator) -> None:
    """Let this thread, whose context is its own, draw from `generator` by default."""
    _of_thread.set(generator)


def or_default(generator: Generator | None) -> Generator:
    """The generator itself, or the default one for None."""
    chosen: Generator = as_transformed(present() if generator is None else generator)
    return chosen


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, and return it.

    In a thread that works for a loader it is the generator of that thread.

    >>> import dlframe as dl
    >>> dl.manual_seed(1).uniform(2)
    array([0.7576316 , 0.27931088], dtype=float32)
    """
    return present().manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator from the operating system's entropy; returns the seed."""
    return present().seed()


def initial_seed() -> int:
    """The default generator's seed."""
    return present().initial_seed()


def get_rng_state() -> npt.NDArray[np.uint8]:
    """The default generator's state, see `Generator.get_state`."""
    return present().get_state()


def set_rng_state(new_state: npt.ArrayLike) -> None:
    """Set the default generator's state, see `Generator.set_state`."""
    present().set_state(new_state)


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
