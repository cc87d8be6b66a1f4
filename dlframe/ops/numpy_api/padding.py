"""np.pad on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError
from dlframe.ops.numpy_api.shape import rearranged
from dlframe.ops.numpy_api.support import array_like, rule_for
from dlframe.ops.record import to_array

Widths = tuple[int, int]

# Modes in which the places of elements do not depend on their values.
REARRANGING = {"edge", "reflect", "symmetric", "wrap"}

# Sums of elements with weights that do not depend on the values.
LINEAR = {"linear_ramp", "mean", "reflect", "symmetric"}


@rule_for("pad")
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    array = array_like(array)
    widths = _pairs(pad_width, len(array.shape))
    if mode in REARRANGING and options.get("reflect_type", "even") == "even":
        return rearranged(array, np.pad, widths, mode)
    if mode in ("constant", "empty"):
        values = _pairs(to_array(options.get("constant_values", 0)), len(array.shape))
        return _each_axis(array, widths, values, _constant)
    if array.dtype.kind != "f" and mode in {*LINEAR, "maximum", "minimum"}:
        return np.pad(to_array(array), widths, mode, **options)
    if mode in LINEAR:
        return _linear(array, widths, mode, options)
    if mode in ("maximum", "minimum"):
        lengths = _pairs(options.get("stat_length"), len(array.shape))
        extreme = ops.amax if mode == "maximum" else ops.amin
        return _each_axis(array, widths, lengths, lambda *args: _extreme(extreme, *args))
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


def _extreme(extreme: Any, x: Any, axis: int, width: Widths, lengths: Any) -> Any:
    """The largest or smallest of the elements next to each end, repeated."""
    n = x.shape[axis]
    first, last = (n if length is None else min(length, n) for length in lengths)
    ends = [ops.part_of(x, axis, 0, first), ops.part_of(x, axis, n - last, n)]
    values = [extreme(end, axis=axis, keepdims=True) for end in ends]
    shapes = [(*x.shape[:axis], count, *x.shape[axis + 1 :]) for count in width]
    start, end = (ops.broadcast_to(v, shape=s) for v, s in zip(values, shapes))
    return ops.concatenate(start, x, end, axis=axis)


def _linear(x: Any, widths: Any, mode: Any, options: Any) -> Any:
    """NumPy pads the unit vectors: the columns of the matrix that pads any vector."""
    targets = options.pop("end_values", 0)
    ends = _pairs(targets, len(x.shape)) if mode == "linear_ramp" else widths
    lengths = _pairs(options.pop("stat_length", None), len(x.shape))
    for axis, width in enumerate(widths):
        if mode == "mean" and lengths[axis] != (None, None):
            options["stat_length"] = (lengths[axis], (1, 1))
        n = x.shape[axis]
        matrix = np.pad(np.eye(n), (width, (0, 0)), mode, **options).astype(x.dtype)
        x = ops.matmul(matrix, x.swapaxes(axis, -1)[..., None])[..., 0].swapaxes(axis, -1)
        if mode == "linear_ramp":  # what comes from the targets alone
            ramp = np.pad(np.zeros(n), width, mode, end_values=ends[axis]).astype(x.dtype)
            x = x + ramp.reshape(-1, *(1,) * (len(x.shape) - axis - 1))
    return x
