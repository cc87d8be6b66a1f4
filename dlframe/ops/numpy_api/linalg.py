"""NumPy's products and norms on tensors, with NumPy's arguments."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.errors import GradientError, ShapeError
from dlframe.ops.numpy_api import elementwise
from dlframe.ops.numpy_api.shape import moveaxis, rearranged
from dlframe.ops.numpy_api.support import (
    array_like,
    array_likes,
    floating,
    operands,
    plain,
    rule_for,
)

# --- products -----------------------------------------------------------------------------------

rule_for("linalg.matmul")(elementwise.matmul)
rule_for("linalg.vecdot")(elementwise.vecdot)


@rule_for("dot")
def dot(a: Any, b: Any) -> Any:
    """The sum over the last axis of `a` and the last but one of `b`."""
    a, b = operands(a, b)
    if not np.ndim(plain(a)) or not np.ndim(plain(b)):
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
    """The sum over the last axes of both."""
    a, b = operands(a, b)
    if not np.ndim(plain(a)) or not np.ndim(plain(b)):
        return ops.multiply(a, b)
    return ops.tensordot(a, b, axes=([-1], [-1]))


@rule_for("outer", "linalg.outer")
def outer(a: Any, b: Any) -> Any:
    a, b = array_likes((a, b))
    return ops.reshape(a, shape=(-1, 1)) * ops.reshape(b, shape=(1, -1))


@rule_for("kron")
def kron(a: Any, b: Any) -> Any:
    """Every element of `a` times the whole of `b`, as blocks."""
    a, b = array_likes((a, b))
    n = max(len(a.shape), len(b.shape))
    sizes = [(1,) * (n - len(x.shape)) + x.shape for x in (a, b)]
    a = ops.reshape(a, shape=tuple(k for size in sizes[0] for k in (size, 1)))
    b = ops.reshape(b, shape=tuple(k for size in sizes[1] for k in (1, size)))
    return ops.reshape(a * b, shape=tuple(i * j for i, j in zip(*sizes)))


@rule_for("tensordot", "linalg.tensordot")
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = array_likes((a, b))
    if not isinstance(axes, int):
        axes = [[part] if isinstance(part, int) else part for part in axes]
    return ops.tensordot(a, b, axes=axes)


@rule_for("einsum")
def einsum(subscripts: str, *operands: Any, optimize: Any = None) -> Any:
    """Einstein's notation; the order of products is chosen by the op."""
    if not isinstance(subscripts, str):
        raise GradientError(
            "np.einsum has no gradient rule for operands with lists of subscripts; "
            "write the subscripts as a string, as in 'ij,jk->ik'"
        )
    return ops.einsum(subscripts, *array_likes(operands))


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
    (a1, a2), (b1, b2) = (
        [ops.take(x, turned, axis=-1) for turned in ([1, 2, 0], [2, 0, 1])] for x in (a, b)
    )
    return moveaxis(a1 * b2 - a2 * b1, -1, axisc)


@rule_for("linalg.cross")
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(x1, x2, axis=axis)


@rule_for("linalg.multi_dot")
def multi_dot(arrays: Any) -> Any:
    """The product of all, from left to right."""
    return functools.reduce(ops.matmul, array_likes(arrays))


@rule_for("linalg.matrix_power")
def matrix_power(a: Any, n: int) -> Any:
    """The product of `n` copies, by repeated squaring."""
    a = array_like(a)
    if n < 0:
        raise GradientError(
            "np.linalg.matrix_power has no gradient rule for negative n, which needs the inverse: "
            "use t.detach().numpy() for the values"
        )
    out = None
    while n:
        if n & 1:
            out = a if out is None else ops.matmul(out, a)
        n >>= 1
        a = ops.matmul(a, a) if n else a
    return a * 0 + np.eye(a.shape[-1], dtype=a.dtype) if out is None else out


@rule_for("convolve")
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """``out[k] = Σ a[i] v[k - i]`` for vectors; `mode` says how much of the ends counts."""
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


# --- norms -------------------------------------------------------------------------------------


@rule_for("linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """A vector's or a matrix's norm, as `ord` and the number of axes say."""
    x = floating(x)
    n = len(x.shape)
    if axis is None and (ord is None or (ord == 2 and n == 1) or (ord == "fro" and n == 2)):
        return ops.norm(x, axis=None, keepdims=keepdims)
    axes = tuple(range(n)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) == 2:
        return _matrix_norm(x, "fro" if ord is None else ord, axes, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


@rule_for("linalg.vector_norm")
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """(Σ |x|^ord)^(1/ord), and its limits for ±∞ and 0."""
    x = floating(x)
    if ord == 2:
        return ops.norm(x, axis=axis, keepdims=keepdims)
    if ord == 0:
        return ops.sum(ops.where(plain(x) != 0, 1.0, x * 0), axis=axis, keepdims=keepdims)
    size = ops.absolute(x)
    if ord in (math.inf, -math.inf):
        return (ops.amax if ord > 0 else ops.amin)(size, axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord == 1:
        return ops.sum(size, axis=axis, keepdims=keepdims)
    return ops.power(ops.sum(ops.power(size, float(ord)), axis=axis, keepdims=keepdims), 1.0 / ord)


@rule_for("linalg.matrix_norm")
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _matrix_norm(floating(x), ord, (-2, -1), keepdims)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord == "fro":
        return ops.norm(x, axis=axes, keepdims=keepdims)
    if ord not in (1, -1, math.inf, -math.inf):
        raise GradientError(
            f"np.linalg.norm has no gradient rule for ord={ord!r} of a matrix, which needs its "
            "singular values: use t.detach().numpy() for the values"
        )
    # 1: the largest sum of a column; ∞: of a row; negative: the smallest
    rows, columns = axes
    inside, outside = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = ops.sum(ops.absolute(x), axis=inside, keepdims=True)
    out = (ops.amax if ord > 0 else ops.amin)(sums, axis=outside, keepdims=True)
    return out if keepdims else ops.squeeze(out, axis=axes)
