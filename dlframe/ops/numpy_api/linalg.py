"""NumPy's products on tensors, with NumPy's arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dlframe import ops
from dlframe.errors import DimensionError, ShapeError
from dlframe.ops.contraction import equation_of
from dlframe.ops.numpy_api import elementwise
from dlframe.ops.numpy_api.shape import moveaxis, rearranged
from dlframe.ops.numpy_api.support import (
    array_like,
    array_likes,
    operands,
    rule_for,
)
from dlframe.ops.record import to_array

# --- products ----------------------------------------------------------------------------------

rule_for("linalg.matmul")(elementwise.matmul)
rule_for("linalg.vecdot")(elementwise.vecdot)


@rule_for("dot")
def dot(a: Any, b: Any) -> Any:
    """The sum over the last axis of `a` and the last but one of `b`."""
    a, b = operands(a, b)
    if not np.ndim(to_array(a)) or not np.ndim(to_array(b)):
        return ops.multiply(a, b)
    if len(b.shape) <= 2:
        return ops.matmul(a, b)
    return ops.tensordot(a, b, axes=([-1], [-2]))


@rule_for("vdot")
def vdot(a: Any, b: Any) -> Any:
    a, b = array_likes((a, b))
    return ops.matmul(ops.ravel(a), ops.ravel(b))


@rule_for("inner")
def inner(a: Any, b: Any) -> Any:
    return ops.inner(*operands(a, b))


@rule_for("outer", "linalg.outer")
def outer(a: Any, b: Any) -> Any:
    a, b = array_likes((a, b))
    return ops.reshape(a, shape=(-1, 1)) * ops.reshape(b, shape=(1, -1))


@rule_for("kron")
def kron(a: Any, b: Any) -> Any:
    """Every element of `a` times the whole of `b`, as blocks."""
    return ops.kron(*array_likes((a, b)))


@rule_for("tensordot", "linalg.tensordot")
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = array_likes((a, b))
    if not isinstance(axes, int):
        of_a, of_b = ([part] if np.ndim(part) == 0 else part for part in axes)
        axes = [_places(of_a, len(a.shape)), _places(of_b, len(b.shape))]
    elif axes > min(len(a.shape), len(b.shape)):
        raise DimensionError(
            f"np.tensordot: axes={axes} is more than the dimensions of shapes {list(a.shape)} and "
            f"{list(b.shape)}"
        )
    return ops.tensordot(a, b, axes=axes)


def _places(axes: Any, ndim: int) -> list[int]:
    """The axes counted from the front."""
    return [normalize_axis_index(k, ndim) for k in axes]


@rule_for("einsum")
def einsum(*operands: Any, optimize: Any = None) -> Any:
    """Einstein's notation; the order of products is chosen by the op."""
    equation, operands = equation_of(operands)
    return ops.einsum(equation, *array_likes(operands))


@rule_for("cross")
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """a × b for vectors of three."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(array_like(a), axisa, -1), moveaxis(array_like(b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(
            f"np.cross: the vectors must have 3 elements; got a{list(a.shape)}, b{list(b.shape)}"
        )
    return moveaxis(ops.cross(a, b), -1, axisc)


@rule_for("linalg.cross")
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(x1, x2, axis=axis)


@rule_for("convolve")
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """`out[k] = Σ a[i] v[k - i]` for vectors; `mode` says how much of the ends counts."""
    a, v = array_likes((a, v))
    if a.shape[0] < v.shape[0]:
        a, v = v, a
    m = v.shape[0]
    padded = ops.pad(a, pad_width=((m - 1, m - 1),), value=0)
    windows = rearranged(padded, np.lib.stride_tricks.sliding_window_view, m)
    full = ops.matmul(windows, ops.flip(v, axis=0))
    if mode == "full":
        return full
    start = m - 1 if mode == "valid" else (m - 1) // 2
    return full[start : len(full) - start if mode == "valid" else start + a.shape[0]]
