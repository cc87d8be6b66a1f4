"""Dropout: random zeros, and the factors that keep the mean, or mean and variance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dlframe.errors import ArgumentError, DTypeError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.ops.memory import drawn_like
from dlframe.ops.record import Array
from dlframe.random import Generator, or_default

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "alpha_dropout",
    "alpha_dropout_",
    "dropout",
    "dropout_",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "feature_dropout",
    "feature_dropout_",
]

# What SELU tends to for very negative numbers is -λα; alpha dropout sets this instead of 0.
_FLOOR = 1.7580993408473766


def dropout(input: Tensor, p: float, train: bool, *, generator: Generator | None = None) -> Tensor:
    """Each element is 0 with probability p, else divided by 1 - p; without `train` nothing is done.

    >>> _ = dl.manual_seed(0)
    >>> dl.dropout(dl.ones(5), 0.5, train=True)
    tensor([0., 0., 2., 0., 0.])
    """
    if _idle("dropout", input, p, train):
        return input
    return input * wrap(_scaled(_elements(input.array, p, generator), p))


def dropout_(input: Tensor, p: float, train: bool, *, generator: Generator | None = None) -> Tensor:
    """`dropout` in place."""
    if _idle("dropout_", input, p, train):
        return input
    return input.mul_(wrap(_scaled(_elements(input.array, p, generator), p)))


def feature_dropout(
    input: Tensor, p: float, train: bool, *, generator: Generator | None = None
) -> Tensor:
    """`dropout` of whole channels: `input` is (N, C, *), and each of the N · C is kept or not.

    >>> _ = dl.manual_seed(4)
    >>> dl.feature_dropout(dl.ones(1, 3, 2), 0.5, train=True)
    tensor([[[2., 2.],
             [0., 0.],
             [2., 2.]]])
    """
    if _idle("feature_dropout", input, p, train):
        return input
    return input * wrap(_scaled(_features("feature_dropout", input.array, p, generator), p))


def feature_dropout_(
    input: Tensor, p: float, train: bool, *, generator: Generator | None = None
) -> Tensor:
    """`feature_dropout` in place."""
    if _idle("feature_dropout_", input, p, train):
        return input
    return input.mul_(wrap(_scaled(_features("feature_dropout_", input.array, p, generator), p)))


def alpha_dropout(
    input: Tensor, p: float, train: bool, *, generator: Generator | None = None
) -> Tensor:
    """Each element is a fixed negative number with probability p; mean 0 and variance 1 stay.

    Klambauer et al. (2017). The number is SELU's limit at -∞; a line restores mean and variance.

    >>> _ = dl.manual_seed(0)
    >>> dl.alpha_dropout(dl.zeros(5), 0.5, train=True)
    tensor([-0.7792, -0.7792,  0.7792, -0.7792, -0.7792])
    """
    if _idle("alpha_dropout", input, p, train):
        return input
    scale, shift = _line(_elements(input.array, p, generator), p)
    return input * wrap(scale) + wrap(shift)


def alpha_dropout_(
    input: Tensor, p: float, train: bool, *, generator: Generator | None = None
) -> Tensor:
    """`alpha_dropout` in place."""
    if _idle("alpha_dropout_", input, p, train):
        return input
    scale, shift = _line(_elements(input.array, p, generator), p)
    return input.mul_(wrap(scale)).add_(wrap(shift))


def feature_alpha_dropout(
    input: Tensor, p: float, train: bool, *, generator: Generator | None = None
) -> Tensor:
    """`alpha_dropout` of whole channels: `input` is (N, C, *).

    >>> _ = dl.manual_seed(4)
    >>> dl.feature_alpha_dropout(dl.zeros(1, 3, 2), 0.5, train=True)
    tensor([[[ 0.7792,  0.7792],
             [-0.7792, -0.7792],
             [ 0.7792,  0.7792]]])
    """
    if _idle("feature_alpha_dropout", input, p, train):
        return input
    scale, shift = _line(_features("feature_alpha_dropout", input.array, p, generator), p)
    return input * wrap(scale) + wrap(shift)


def feature_alpha_dropout_(
    input: Tensor, p: float, train: bool, *, generator: Generator | None = None
) -> Tensor:
    """`feature_alpha_dropout` in place."""
    if _idle("feature_alpha_dropout_", input, p, train):
        return input
    scale, shift = _line(_features("feature_alpha_dropout_", input.array, p, generator), p)
    return input.mul_(wrap(scale)).add_(wrap(shift))


# --- masks and factors -------------------------------------------------------------------------


def _idle(name: str, x: Tensor, p: float, train: bool) -> bool:
    """Whether there is nothing to do, as in evaluation."""
    if not 0 <= p <= 1:
        raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not train or p == 0 or 0 in x.shape:
        return True
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: expected floats, got {x.dtype}; convert with .float()")
    return False


def _elements(x: Array, p: float, generator: Generator | None) -> Array:
    """0 with probability p, else 1, in the shape, dtype and order of `x`."""
    if p == 1:
        return np.zeros_like(x)  # as PyTorch, without drawing
    draw = or_default(generator).keep_mask
    return drawn_like(x, lambda shape: draw(1 - p, shape)).astype(x.dtype)


def _features(name: str, x: Array, p: float, generator: Generator | None) -> Array:
    """The same once for each channel of each sample, of shape (N, C, 1, …)."""
    if p == 1:
        return np.zeros_like(x)
    if x.ndim < 2:
        raise ShapeError(
            f"{name}: needs at least 2 dimensions, (N, C, *), got {list(x.shape)}; use dropout() "
            "to drop single elements, or unsqueeze(0) to add a batch"
        )
    shape = (*x.shape[:2], *(1,) * (x.ndim - 2))
    return or_default(generator).keep_mask(1 - p, shape).astype(x.dtype)


def _scaled(mask: Array, p: float) -> Array:
    """m / (1 - p), whose mean is 1."""
    if p < 1:
        mask /= 1 - p
    return mask


def _line(mask: Array, p: float) -> tuple[Array, Array]:
    """The factor and the shift of alpha dropout: a m and a d (m - 1 + p), with d the floor.

    With x of mean 0 and variance 1, x m - d (1 - m) has mean -d p and variance (1 - p)(1 + d² p);
    a = 1 / √variance and a shift by a d p bring them back.
    """
    if p == 1:
        return mask, mask  # as PyTorch: zeros
    a = 1 / math.sqrt((_FLOOR * _FLOOR * p + 1) * (1 - p))
    shift = mask - 1
    shift *= _FLOOR * a
    shift += _FLOOR * a * p
    mask *= a
    return mask, shift
