"""Dropout."""

from __future__ import annotations

import numpy as np

from dlframe.errors import ArgumentError, DTypeError
from dlframe.ops.memory import drawn_like
from dlframe.ops.record import Array
from dlframe.random import Generator, or_default
from dlframe.tensor import Tensor

__all__ = ["dropout"]


def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Zero each element with probability p and multiply the rest by 1 / (1 - p).

    So the expectation stays the same (Srivastava et al. 2014). Without `training` the input comes
    back as it is. Each call draws a new mask; with the same seed PyTorch draws the same one.

    Args:
        input: any shape.
        p: between 0 and 1.
        training: whether to do anything.
        inplace: write into the input.
        generator: what to draw from, by default the global one.

    >>> import dlframe as dl
    >>> import dlframe.nn.functional as F
    >>> _ = dl.manual_seed(0)
    >>> sorted(set(F.dropout(dl.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    if input.dtype.kind != "f":
        raise DTypeError(f"dropout: expected floats, got {input.dtype}; convert with .float()")
    noise = Tensor(_noise(p, input.array, generator))
    return input.mul_(noise) if inplace else input * noise


def _noise(p: float, x: Array, generator: Generator | None) -> Array:
    """0 with probability p, else 1 / (1 - p), in the shape, dtype and order of `x`."""
    if p == 1:
        return np.zeros_like(x)  # as PyTorch, without drawing
    draw = or_default(generator).keep_mask
    mask = drawn_like(x, lambda shape: draw(1 - p, shape)).astype(x.dtype)
    mask /= 1 - p
    return mask
