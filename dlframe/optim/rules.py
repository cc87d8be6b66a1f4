"""The running average that several rules share, as a formula and in place."""

from __future__ import annotations

import numpy as np

from dlframe.optim.layout import Array, Chunk


def lerp_formula(start: Array, end: Array, weight: float) -> Array:
    """`start + weight (end − start)`, computed from the nearer of the two, as PyTorch does."""
    if weight < 0.5:
        return start + weight * (end - start)
    return end - (1 - weight) * (end - start)


def lerp(start: Array, end: Array, weight: float, chunk: Chunk, temporary: Array) -> None:
    """`lerp_formula`, written into `start`."""
    np.subtract(end, start, out=temporary)
    if weight < 0.5:
        np.multiply(temporary, chunk.number(weight), out=temporary)
        np.add(start, temporary, out=start)
    else:
        np.multiply(temporary, chunk.number(1 - weight), out=temporary)
        np.subtract(end, temporary, out=start)
