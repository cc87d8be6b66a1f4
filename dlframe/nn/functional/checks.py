"""Checks that several functions share, and the form in which their arguments come out of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe import ops
from dlframe.autograd import is_grad_enabled
from dlframe.errors import ArgumentError, DTypeError, GradientError, LabelError, ShapeError
from dlframe.ops.batched import all_examples
from dlframe.ops.record import Array
from dlframe.tensor import Tensor, to_array


def batched(name: str, nd: int, x: Any) -> Any:
    """`x` with a batch dimension in front, if it has none."""
    if len(x.shape) not in (nd + 1, nd + 2):
        raise ShapeError(
            f"{name}: expected {nd + 1}D (unbatched) or {nd + 2}D (batched) input, got "
            f"{list(x.shape)}; add missing dimensions with unsqueeze()"
        )
    return ops.expand_dims(x, axis=0) if len(x.shape) == nd + 1 else x


def sizes_of(name: str, argument: str, value: Any, nd: int, least: int = 1) -> tuple[int, ...]:
    """One integer per dimension, from one for all or one for each."""
    single = isinstance(value, (int, np.integer))
    values = (int(value),) * nd if single else tuple(int(v) for v in value)
    if len(values) == 1:
        values *= nd
    if len(values) != nd or any(v < least for v in values):
        raise ArgumentError(
            f"{name}: {argument} must be one integer of at least {least}, or {nd}, got {value}"
        )
    return values


def check_range(
    name: str, what: str, values: Array, count: int, where: str, ignore: int | None = None
) -> None:
    """Raise a LabelError that names the first value outside 0 … count - 1 and its place."""
    values = all_examples(values)
    if not values.size or (values.min() >= 0 and values.max() < count):
        return
    wrong = (values < 0) | (values >= count)
    if ignore is not None:
        wrong &= values != ignore
    places = np.argwhere(wrong)
    if len(places):
        at = tuple(int(i) for i in places[0])
        raise LabelError(
            f"{name}: {what} {values[at]} is out of bounds: {where.format(count)}, so values lie "
            f"in 0 … {count - 1}; found at index {list(at)} ({len(places)} such in all)"
        )


def same_dtype(name: str, **tensors: Any) -> None:
    """Raise unless all that are given have one dtype."""
    found = {key: value.dtype for key, value in tensors.items() if value is not None}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{key} {dtype}" for key, dtype in found.items())
        raise DTypeError(
            f"{name}: expected all to have one dtype, got {listed}; convert with .to(dtype)"
        )


def require_floats(name: str, x: Any) -> None:
    """Raise unless `x` has a float dtype; PyTorch has no kernels for others either."""
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: not implemented for {x.dtype}; convert with .float()")


def constant(name: str, what: str, value: Any) -> Array:
    """The array of an argument by which there is no gradient, refused if one is asked for."""
    if isinstance(value, Tensor) and value.requires_grad and is_grad_enabled():
        raise GradientError(
            f"{name}: not differentiable with respect to {what}, which requires grad; "
            f"pass {what}.detach()"
        )
    return to_array(value)
