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
    return tensordot(a, b, ([-1], [-2]))


@rule_for("vdot")
def vdot(a: Any, b: Any) -> Any:
    a, b = array_likes((a, b))
    return ops.matmul(ops.ravel(a), ops.ravel(b))


@rule_for("inner")
def inner(a: Any, b: Any) -> Any:
    a, b = operands(a, b)
    if np.ndim(to_array(a)) and np.ndim(to_array(b)):
        _check_sizes("inner", a, [-1], b, [-1])
    return ops.inner(a, b)


def _check_sizes(name: str, a: Any, of_a: list[int], b: Any, of_b: list[int]) -> None:
    """Refuse axes that are to be multiplied and added up, but differ in size.

    The ops stretch an axis of size 1, as PyTorch does in some of these products; NumPy does not.
    """
    sizes = [a.shape[k] for k in of_a], [b.shape[k] for k in of_b]
    if sizes[0] != sizes[1]:
        raise ShapeError(
            f"np.{name}: the axes {of_a} of shape {list(a.shape)} have the sizes {sizes[0]}, and "
            f"the axes {of_b} of shape {list(b.shape)} the sizes {sizes[1]}; they must be equal"
        )


@rule_for("linalg.outer")
def linalg_outer(x1: Any, x2: Any, /) -> Any:
    x1, x2 = array_likes((x1, x2))
    if len(x1.shape) != 1 or len(x2.shape) != 1:
        raise ShapeError(
            "np.linalg.outer: both must be vectors, got shapes "
            f"{list(x1.shape)} and {list(x2.shape)}"
        )
    return outer(x1, x2)


@rule_for("outer")
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
        places = _places(of_a, len(a.shape)), _places(of_b, len(b.shape))
    elif axes > min(len(a.shape), len(b.shape)):
        raise DimensionError(
            f"np.tensordot: axes={axes} is more than the dimensions of shapes {list(a.shape)} and "
            f"{list(b.shape)}"
        )
    else:
        first = len(a.shape) - axes
        places = list(range(first, len(a.shape))), list(range(axes))
    _check_sizes("tensordot", a, places[0], b, places[1])
    return ops.tensordot(a, b, axes=places)


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
    a, v = vectors("convolve", a, v)
    if a.shape[0] < v.shape[0]:
        a, v = v, a
    n, m = a.shape[0], v.shape[0]
    v = ops.flip(v, axis=0)
    windows = rearranged(a, np.lib.stride_tricks.sliding_window_view, m)
    middle = ops.matmul(windows, v)
    if mode == "valid":
        return middle
    # At the ends `v` reaches beyond `a`; what it meets there does not count, be it nan.
    starts = np.r_[1 - m : 0, n - m + 1 : n]
    places = starts[:, None] + np.arange(m)
    inside = (places >= 0) & (places < n)
    products = ops.take_at(a, index=places.clip(0, n - 1)) * v
    ends = ops.sum(ops.where(inside, products, np.zeros((), products.dtype)), axis=1)
    full = ops.concatenate(ends[: m - 1], middle, ends[m - 1 :], axis=0)
    return full if mode == "full" else full[(m - 1) // 2 : (m - 1) // 2 + n]


def vectors(name: str, a: Any, v: Any) -> list[Any]:
    """Two vectors that are not empty; a number is a vector of one."""
    found = [ops.reshape(x, shape=(-1,)) if not x.shape else x for x in array_likes((a, v))]
    if any(len(x.shape) != 1 or not x.shape[0] for x in found):
        shapes = " and ".join(str(list(x.shape)) for x in found)
        raise ShapeError(f"np.{name}: both must be vectors of at least one element, got {shapes}")
    return found
