"""Products of vectors, matrices and batches of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.errors import DTypeError, ShapeError
from dlframe.ops.op import op
from dlframe.ops.record import Array

Shape = tuple[int, ...]


@op(broadcasts=True)
def matmul(x: Array, y: Array) -> Any:
    """The matrix product of the last two axes; axes before them broadcast, 1-d operands are vectors."""
    try:
        if x.ndim > 2 and y.ndim == 2 and x.size:
            # one product of tall matrices: NumPy would call BLAS once for each batch
            return (x.reshape(-1, x.shape[-1]) @ y).reshape(*x.shape[:-1], y.shape[-1])
        out = x @ y
    except (ValueError, AttributeError, TypeError):
        raise _mismatch(np.shape(x), np.shape(y)) from None
    if x.dtype is not y.dtype and x.dtype != y.dtype:
        raise DTypeError(
            f"matmul: expected both operands to have the same dtype, but got {x.dtype} and {y.dtype}; "
            "convert one of them with .to(dtype)"
        )
    return out


@matmul.vjp("x")
def _(g: Any, y: Any, shape: Shape) -> Any:
    # d(xy) = dx y, so the gradient is g yᵀ
    if y.ndim == 1:
        return g[..., None] * y
    if len(shape) == 1:
        return (y @ g[..., None])[..., 0]
    if y.ndim == 2 and len(shape) > 2:
        return matmul(g, y.swapaxes(0, 1))
    return g @ y.swapaxes(-1, -2)


@matmul.vjp("y")
def _(g: Any, x: Any, shape: Shape) -> Any:
    # d(xy) = x dy, so the gradient is xᵀ g
    if x.ndim == 1:
        return x * g if len(shape) == 1 else x[:, None] * g[..., None, :]
    if len(shape) == 1:
        return (x.swapaxes(-1, -2) @ g[..., None])[..., 0]
    if len(shape) == 2 and x.ndim > 2:
        # the batches add up: one product of tall matrices
        return x.reshape((-1, x.shape[-1])).swapaxes(0, 1) @ g.reshape((-1, g.shape[-1]))
    return x.swapaxes(-1, -2) @ g


def _mismatch(x: Shape, y: Shape) -> ShapeError:
    got = f"got x{list(x)} and y{list(y)}"
    if not x or not y:
        return ShapeError(f"matmul: both operands need at least one dimension, {got}; use * for a 0-d tensor")
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] != inner:
        advice = " Did you mean x @ y.mT?" if len(y) > 1 and x[-1] == y[-1] else ""
        return ShapeError(
            f"matmul: mat1 and mat2 shapes cannot be multiplied: the last dimension of x ({x[-1]}) must equal "
            f"the second to last of y ({inner}); {got}.{advice}"
        )
    return ShapeError(f"matmul: the batch dimensions before the last two do not broadcast; {got}")
