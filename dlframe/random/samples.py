"""A stream of random numbers for each sample of a data set, for data augmentation."""

from __future__ import annotations

import numpy as np

from dlframe.errors import ArgumentError


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
