"""np.pad on tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, ShapeError
from dlframe.ops.numpy_api.shape import rearranged
from dlframe.ops.numpy_api.support import array_like, rule_for
from dlframe.ops.record import to_array

Widths = tuple[int, int]

_pad: Any = np.pad  # Any: its type lists every mode by name

# Modes in which the places of elements do not depend on their values.
REARRANGING = {"edge", "reflect", "symmetric", "wrap"}

STATISTICS = {"mean": ops.mean, "maximum": ops.amax, "minimum": ops.amin}


@rule_for("pad")
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    array = array_like(array)
    widths = _pairs(pad_width, len(array.shape))
    if mode in REARRANGING and options.get("reflect_type", "even") == "even":
        return rearranged(array, np.pad, widths, mode)
    if mode in ("constant", "empty"):
        values = _pairs(to_array(options.get("constant_values", 0)), len(array.shape))
        return _each_axis(array, widths, values, _constant)
    if array.dtype.kind != "f" and mode in {"linear_ramp", "reflect", "symmetric", *STATISTICS}:
        return np.pad(to_array(array), widths, mode, **options)
    if mode in ("reflect", "symmetric"):
        return _each_axis(array, widths, [mode] * len(array.shape), _odd)
    if mode == "linear_ramp":
        targets = _pairs(options.get("end_values", 0), len(array.shape))
        return _each_axis(array, widths, targets, _ramp)
    if mode in STATISTICS:
        lengths = _pairs(options.get("stat_length"), len(array.shape))
        return _each_axis(array, widths, lengths, functools.partial(_statistic, STATISTICS[mode]))
    raise ArgumentError(
        "np.pad: tensors have the modes 'constant', 'edge', 'empty', 'linear_ramp', 'maximum', "
        f"'mean', 'minimum', 'reflect', 'symmetric' and 'wrap'; got {mode!r}"
    )


def _pairs(value: Any, axes: int) -> Any:
    """(before, after) for each axis, from any form that NumPy accepts; a dict names some axes."""
    if isinstance(value, dict):
        found: Any = [(0, 0)] * axes
        for axis, pair in value.items():
            found[axis] = (pair, pair) if isinstance(pair, int) else tuple(pair)
        return found
    if value is None:
        return [(None, None)] * axes
    return [tuple(pair) for pair in np.broadcast_to(np.asarray(value), (axes, 2)).tolist()]


def _each_axis(x: Any, widths: Any, options: Any, grow: Callable[..., Any]) -> Any:
    """One axis after the other, as NumPy does: so the corners get their values from the last."""
    for axis, (width, option) in enumerate(zip(widths, options)):
        x = grow(x, axis, width, option)
    return x


def _constant(x: Any, axis: int, width: Widths, values: Any) -> Any:
    rest = (len(x.shape) - axis - 1) * ((0, 0),)
    before = ops.pad(x, pad_width=(*((0, 0),) * axis, (width[0], 0), *rest), value=values[0])
    return ops.pad(before, pad_width=(*((0, 0),) * axis, (0, width[1]), *rest), value=values[1])


def _statistic(statistic: Any, x: Any, axis: int, width: Widths, lengths: Any) -> Any:
    """The mean or an extreme of the elements next to each end, repeated."""
    n = _not_empty(x, axis, width)
    first, last = (n if length is None else min(length, n) for length in lengths)
    ends = [ops.part_of(x, axis, 0, first), ops.part_of(x, axis, n - last, n)]
    start, end = (
        ops.broadcast_to(statistic(end, axis=axis, keepdims=True), shape=_with(x, axis, count))
        for end, count in zip(ends, width)
    )
    return ops.concatenate(start, x, end, axis=axis)


def _not_empty(x: Any, axis: int, width: Widths) -> int:
    """The size of an axis, which must have an element to pad it with."""
    size: int = x.shape[axis]
    if not size and any(width):
        raise ShapeError(
            f"np.pad: axis {axis} of shape {list(x.shape)} is empty; only the modes 'constant' and "
            "'empty' can extend it"
        )
    return size


def _with(x: Any, axis: int, size: int) -> tuple[int, ...]:
    return (*x.shape[:axis], size, *x.shape[axis + 1 :])


def _ramp(x: Any, axis: int, width: Widths, targets: Any) -> Any:
    """From the target outside to the element at the end, in equal steps."""
    n = _not_empty(x, axis, width)
    shape = (-1, *(1,) * (len(x.shape) - axis - 1))

    def between(target: Any, end: Any, count: int, step: int) -> Any:
        share = (np.arange(count) / max(count, 1))[::step]  # 0 at the target
        share = share.reshape(shape).astype(x.dtype)
        return target * (1 - share) + end * share

    start = between(targets[0], ops.part_of(x, axis, 0, 1), width[0], 1)
    end = between(targets[1], ops.part_of(x, axis, n - 1, n), width[1], -1)
    return ops.concatenate(start, x, end, axis=axis)


def _odd(x: Any, axis: int, width: Widths, mode: str) -> Any:
    """Reflected through the point at each end: twice the last element minus the mirrored one.

    Beyond that it goes on, and every value is s x[i] + first x[0] + last x[-1]. The places i are
    those of the ordinary reflection; NumPy says `first` and `last` when it pads the two unit
    vectors, and since constants stay constant, s + first + last = 1.
    """
    n = x.shape[axis]
    places = _pad(np.arange(n), width, mode)
    if n == 1:
        return ops.take(x, places, axis=axis)
    units = np.zeros((2, n))
    units[0, 0] = units[1, -1] = 1
    first, last = (_pad(unit, width, mode, reflect_type="odd") for unit in units)
    s = np.where((places > 0) & (places < n - 1), 1 - first - last, 0)  # or they contain it
    outside = np.r_[0 : width[0], width[0] + n : sum(width) + n]
    shape = (-1, *(1,) * (len(x.shape) - axis - 1))

    def times(weights: Any, values: Any) -> Any:
        weights = weights[outside].reshape(shape).astype(x.dtype)
        return ops.where(weights != 0, weights * values, np.zeros((), x.dtype))

    padding = times(s, ops.take(x, places[outside], axis=axis))
    padding = padding + times(first, ops.part_of(x, axis, 0, 1))
    padding = padding + times(last, ops.part_of(x, axis, n - 1, n))
    start = ops.part_of(padding, axis, 0, width[0])
    end = ops.part_of(padding, axis, width[0], sum(width))
    return ops.concatenate(start, x, end, axis=axis)
