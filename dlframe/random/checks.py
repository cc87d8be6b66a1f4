"""Checks of the arguments of the distributions."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe.errors import ArgumentError, DTypeError, ShapeError

if TYPE_CHECKING:
    import numpy.typing as npt  # 12 ms, for annotations alone

Array = np.ndarray[Any, np.dtype[Any]]
Shape = int | Sequence[int]

F16, F32, F64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)


def shape_and_count(name: str, shape: Shape) -> tuple[tuple[int, ...], int]:
    """The shape as a tuple, and the number of elements."""
    sizes = tuple(shape) if isinstance(shape, Sequence) else (operator.index(shape),)
    if any(size < 0 for size in sizes):
        raise ShapeError(f"{name}: a shape cannot have negative sizes, got {sizes}")
    return sizes, math.prod(sizes)


def float_dtype(name: str, dtype: npt.DTypeLike) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found not in (F16, F32, F64):
        raise DTypeError(f"{name}: the dtype must be float16, float32 or float64, got {found}")
    return found


def check_std(std: float) -> None:
    if not std >= 0:
        raise ArgumentError(f"normal: std must not be negative, got {std}")


def check_positive(name: str, argument: str, value: float) -> None:
    if not value > 0:
        raise ArgumentError(f"{name}: {argument} must be positive, got {value}")


def check_all(name: str, rule: str, values: Array, good: npt.NDArray[np.bool]) -> None:
    if not good.all():
        place = tuple(int(i) for i in np.argwhere(~good)[0])
        raise ArgumentError(f"{name}: every {rule}, got {values[place]} at index {place}")


def check_multinomial(probs: Array, num_samples: int, replacement: bool) -> None:
    if probs.ndim not in (1, 2):
        raise ShapeError(f"multinomial: probs must be (n,) or (rows, n), got shape {probs.shape}")
    float_dtype("multinomial", probs.dtype)
    n = probs.shape[-1]
    if num_samples <= 0:
        raise ArgumentError(f"multinomial: num_samples must be positive, got {num_samples}")
    if num_samples > n and not replacement:
        raise ArgumentError(
            f"multinomial: cannot take {num_samples} of {n} without replacement; "
            "pass replacement=True, or ask for fewer"
        )
    good = (probs >= 0) & np.isfinite(probs)
    check_all("multinomial", "probability must be finite and not negative", probs, good)
    if not (probs.sum(axis=-1) > 0).all():
        raise ArgumentError("multinomial: the probabilities of each row must have a positive sum")
