"""Checks that several functions share."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import DTypeError, LabelError, ShapeError
from dlframe.ops.record import Array


def batched(name: str, nd: int, x: Any) -> Any:
    """`x` with a batch dimension."""
    if len(x.shape) not in (nd + 1, nd + 2):
        raise ShapeError(
            f"{name}: expected {nd + 1}D (unbatched) or {nd + 2}D (batched) input, got a {len(x.shape)}D one of shape "
            f"{list(x.shape)}; add missing dimensions with unsqueeze()"
        )
    return ops.expand_dims(x, axis=0) if len(x.shape) == nd + 1 else x


def sizes_of(name: str, argument: str, value: Any, nd: int, least: int = 1) -> tuple[int, ...]:
    values = (value,) * nd if isinstance(value, (int, np.integer)) else tuple(value)
    if len(values) == 1:
        values *= nd
    if len(values) != nd or any(v < least for v in values):
        raise ValueError(
            f"{name}: {argument} must be one number ≥ {least}, or {nd} of them, got {value}"
        )
    return values


def check_range(
    name: str, what: str, values: Array, count: int, where: str, ignore: int | None = None
) -> None:
    """Raise a LabelError that names the first value outside 0 … count - 1 and its place."""
    if not values.size or (values.min() >= 0 and values.max() < count):
        return
    wrong = (values < 0) | (values >= count)
    if ignore is not None:
        wrong &= values != ignore
    places = np.argwhere(wrong)
    if len(places):
        at = tuple(int(i) for i in places[0])
        raise LabelError(
            f"{name}: {what} {values[at]} is out of bounds: {where.format(count)}, so values lie in 0 … {count - 1}; "
            f"found at index {list(at)} ({len(places)} such in all)"
        )


def same_dtype(name: str, **tensors: Any) -> None:
    found = {key: value.dtype for key, value in tensors.items() if value is not None}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{key} {dtype}" for key, dtype in found.items())
        raise DTypeError(
            f"{name}: expected all of one dtype, got {listed}; convert with .to(dtype)"
        )
