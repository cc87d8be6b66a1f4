"""Norms of vectors and of matrices, and condition numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlframe.ops.decompositions import lu_factor, svdvals
from dlframe.ops.elementwise import absolute, where
from dlframe.ops.matrix_functions import inverse_or_infinite
from dlframe.ops.op import cast, op
from dlframe.ops.record import Array, to_array
from dlframe.ops.reduction import amax, amin, kept_shape, sum
from dlframe.ops.shape import squeeze, transpose
from dlframe.ops.solvers import inv
from dlframe.ops.steps import sign
from dlframe.ops.sums import add

__all__ = [
    "cond",
    "matrix_norm",
    "vector_norm",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Axis = int | tuple[int, ...] | None
Shape = tuple[int, ...]


@op(latex=r"\left(\sum |x_i|^p\right)^{1/p}")
def vector_norm(x: Array, *, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Any:
    """(Σ |x|ᵖ)^(1/p) with p = ord; max |x| and min |x| for ±∞, and for 0 the count of nonzeros."""
    wide = np.float32 if x.dtype == np.float16 else x.dtype
    size = np.abs(x).astype(wide, copy=False)
    over: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
    if math.isinf(ord):
        out = size.max(**over) if ord > 0 else size.min(**over)
    elif ord == 0:
        out = (size != 0).sum(**over).astype(wide)
    elif ord == 1:
        out = add(size, **over)
    elif ord == 2:
        out = np.sqrt(add(size * size, **over))
    else:
        out = add(size ** float(ord), **over) ** (1.0 / ord)
    return out.astype(x.dtype, copy=False)


@vector_norm.vjp("x", latex=r"g \cdot \mathrm{sign}(x_i) \left(\frac{|x_i|}{z}\right)^{p-1}")
def _(g, out, x, shape, dtype, *, ord, axis, keepdims):
    # ∂‖x‖ₚ / ∂x = sign(x) (|x| / ‖x‖ₚ)^(p-1); at corners PyTorch's choice: 0 at the origin, and
    # equal shares for equal extremes
    kept = kept_shape(shape, axis)
    g, out = g.reshape(kept), out.reshape(kept)
    if ord == 0:
        return np.zeros(shape, dtype)
    if math.isinf(ord):
        size = absolute(x)
        chosen = cast((size == out) | np.isnan(size), dtype=dtype)
        return sign(x) * (g / sum(chosen, axis=axis, keepdims=True) * chosen)
    if ord == 1:
        return sign(x) * g
    if ord == 2:
        return x * (g / where(out == 0.0, math.inf, out))
    p = float(ord)
    if p < 1:
        return sign(x) * where(x == 0.0, 0.0, absolute(x) ** (p - 1.0)) * g * out ** (1.0 - p)
    scale = where(out == 0.0, 0.0, g / out ** (p - 1.0))
    if p < 2:
        return sign(x) * absolute(x) ** (p - 1.0) * scale
    return x * absolute(x) ** (p - 2.0) * scale


def matrix_norm(
    x: Any, ord: Any, *, axis: tuple[int, int] = (-2, -1), keepdims: bool = False
) -> Any:
    """A norm of the matrices in the two axes.

    `"fro"` is √Σx², `"nuc"` the sum of the singular values; 2 is the largest of them, 1 the
    largest Σ|x| of a column, ∞ of a row; -2, -1 and -∞ are the smallest.
    """
    rows, columns = (a % x.ndim for a in axis)
    if ord == "fro":
        return vector_norm(x, axis=(rows, columns), keepdims=keepdims)
    extreme = amin if ord in (-1, -2, -math.inf) else amax
    if ord in (1, -1, math.inf, -math.inf):
        inside, outside = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = vector_norm(x, ord=1, axis=inside, keepdims=True)
        out = extreme(sums, axis=outside, keepdims=True)
        return out if keepdims else squeeze(out, axis=(rows, columns))
    others = [i for i in range(x.ndim) if i not in (rows, columns)]
    s = svdvals(transpose(x, axes=(*others, rows, columns)))
    out = s.sum(axis=-1) if ord == "nuc" else extreme(s, axis=-1)
    return out.reshape(kept_shape(x.shape, (rows, columns))) if keepdims else out


def cond(x: Any, p: Any = None) -> Any:
    """The condition numbers ‖x‖ ‖x⁻¹‖ in the norm `p`; ∞ for singular matrices.

    By default it is the ratio of the largest singular value to the smallest; for -2 the inverse.
    """
    if p in (None, 2, -2, "nuc"):
        s = svdvals(x)
        if p == "nuc":
            return s.sum(axis=-1) * (1.0 / s).sum(axis=-1)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    size = matrix_norm(x, p)
    try:
        return size * matrix_norm(inv(x), p)
    except np.linalg.LinAlgError:
        factors = lu_factor(to_array(x))[0]
        singular = (np.diagonal(factors, axis1=-2, axis2=-1) == 0).any(axis=-1)
        return where(singular, math.inf, size * matrix_norm(inverse_or_infinite(x), p))
