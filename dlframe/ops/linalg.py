"""Products of vectors, matrices and batches of them."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from dlframe.errors import DTypeError, ShapeError
from dlframe.ops.elementwise import multiply
from dlframe.ops.op import cast, op
from dlframe.ops.products import dot
from dlframe.ops.record import Array, to_array
from dlframe.ops.reduction import sum
from dlframe.ops.shape import expand_dims, squeeze, transpose

__all__ = [
    "addmm",
    "cross",
    "inner",
    "kron",
    "matmul",
    "multi_dot",
    "tensordot",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)

Shape = tuple[int, ...]


def product(x: Array, y: Array) -> Array:
    """x @ y of arrays, by BLAS if possible: float16 in float32, integers in float64."""
    if x.dtype == np.float16 == y.dtype:
        wide = product(x.astype(np.float32), y.astype(np.float32))
        return np.asarray(wide, np.float16)
    if x.dtype.kind in "iu" and x.size > _FEW and _fits_floats(x, y):
        floats = product(x.astype(np.float64), y.astype(np.float64))
        return np.asarray(floats).astype(np.int64).astype(x.dtype)
    if x.ndim > 2 and y.ndim == 2 and x.size:
        # one product of tall matrices: NumPy would call BLAS once for each batch
        rows: Array = dot(x.reshape(-1, x.shape[-1]), y)
        return rows.reshape(*x.shape[:-1], y.shape[-1])
    out: Array = dot(x, y) if 0 < x.ndim <= 2 and 0 < y.ndim <= 2 else x @ y
    return out


_FEW = 256  # elements, for which NumPy's own loop takes no longer than this check


def _fits_floats(x: Array, y: Array) -> bool:
    """Whether no sum of the product of two integer arrays is too large to be exact in float64."""
    if x.dtype != y.dtype or not y.size:
        return False
    largest = [max(int(v.max()), -int(v.min())) for v in (x, y)]
    return bool(x.shape[-1] * largest[0] * largest[1] < 2**53)


@op(broadcasts=True, latex="X Y")
def matmul(x: Array, y: Array) -> Any:
    """The matrix product of the last two axes; axes before them broadcast, 1-d is a vector."""
    try:
        dtype = x.dtype
        if dtype is y.dtype and 0 < x.ndim <= 2 and 0 < y.ndim <= 2 and dtype.char in "fd":
            return dot(x, y)  # the common case, before all other checks
        out = product(x, y)
        alike = dtype is y.dtype or dtype == y.dtype
    except (ValueError, AttributeError, TypeError):
        raise _mismatch(x, y) from None
    if not alike or (out.dtype.kind == "b" and x.size):
        raise _no_product(x, y)
    return out


# d(x y) = dx y + x dy, so the gradients are
#     gx = g yᵀ
#     gy = xᵀ g
# and the other cases are those of vectors and of batches.


@matmul.vjp("x", latex=r"G Y^\top")
def _to_x(g, y, shape):
    if y.ndim == 1:
        return g[..., None] * y
    if len(shape) == 1:
        return _times(y, g[..., None])[..., 0]
    if y.ndim == 2 and len(shape) > 2:
        return matmul(g, y.swapaxes(0, 1))
    return _times(g, y.swapaxes(-1, -2))


@matmul.vjp("y", latex=r"X^\top G")
def _to_y(g, x, shape):
    if x.ndim == 1:
        return x * g if len(shape) == 1 else x[:, None] * g[..., None, :]
    if len(shape) == 1:
        return _times(x.swapaxes(-1, -2), g[..., None])[..., 0]
    if len(shape) == 2 and x.ndim > 2:
        # a sum over the batches is one product of tall matrices
        rows = math.prod(x.shape[:-1])
        return _times(x.reshape((rows, x.shape[-1])).swapaxes(0, 1), g.reshape((rows, g.shape[-1])))
    return _times(x.swapaxes(-1, -2), g)


def _times(x: Any, y: Any) -> Any:
    """x @ y, without the cost of a call where `product` would do nothing else."""
    if type(x) is np.ndarray is type(y) and x.ndim == y.ndim == 2 and x.dtype.char in "fd":
        return dot(x, y)
    return matmul(x, y) if x.dtype == np.float16 else x @ y


def _mismatch(x: Any, y: Any) -> Exception:
    for operand in (x, y):
        if not isinstance(operand, np.ndarray):
            return DTypeError(
                f"matmul: both operands must be tensors, got {type(operand).__name__}; "
                "wrap it in dl.tensor(), or use * for a number"
            )
    got = f"got x{list(x.shape)} and y{list(y.shape)}"
    if not x.ndim or not y.ndim:
        return ShapeError(
            f"matmul: both operands need at least one dimension, {got}; use * for a 0-d tensor"
        )
    inner = y.shape[-2] if y.ndim > 1 else y.shape[0]
    if x.shape[-1] != inner:
        advice = " Did you mean x @ y.mT?" if y.ndim > 1 and x.shape[-1] == y.shape[-1] else ""
        return ShapeError(
            "matmul: mat1 and mat2 shapes cannot be multiplied: the last dimension of x "
            f"({x.shape[-1]}) must equal the second to last of y ({inner}); {got}.{advice}"
        )
    return ShapeError(f"matmul: the batch dimensions before the last two do not broadcast; {got}")


def _no_product(x: Array, y: Array) -> DTypeError:
    if x.dtype != y.dtype:
        return DTypeError(
            f"matmul: expected both operands to have the same dtype, but got {x.dtype} and "
            f"{y.dtype}; convert one of them with .to(dtype)"
        )
    return DTypeError("matmul: not defined for bool; convert with .float() or .long()")


@op(broadcasts=True, latex=r"\beta M + \alpha X Y")
def addmm(input: Array, x: Array, y: Array, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta · input + alpha · xy; with a factor of 0 its term is ignored, NaN included."""
    out = matmul(x, y)
    if not alpha or not x.shape[-1]:  # without any products alpha does not matter
        out = np.zeros_like(out)
    elif alpha != 1:
        out *= _factor(alpha, out)
    if beta:
        out += input if beta == 1 else _factor(beta, out) * input
    return out


def _factor(number: Any, like: Array) -> Any:
    """A number in the dtype of `like`; -2 is 254 in uint8."""
    return number if like.dtype.kind == "f" else np.asarray(number).astype(like.dtype)


@addmm.vjp("input", latex=r"\beta G")
def _(g, *, beta):
    return g if beta == 1 else g * beta


@addmm.vjp("x", latex=r"\alpha G Y^\top")
def _(g, y, shape, *, alpha):
    # as of matmul, times alpha
    return _to_x(g if alpha == 1 else g * alpha, y, shape)


@addmm.vjp("y", latex=r"\alpha X^\top G")
def _(g, x, shape, *, alpha):
    return _to_y(g if alpha == 1 else g * alpha, x, shape)


@op(broadcasts=True, latex=r"x \times y")
def cross(x: Array, y: Array, *, axis: int = -1) -> Any:
    """The vectors orthogonal to both x and y, of three elements along `axis`."""
    if x.dtype.kind == "b" == y.dtype.kind:
        raise DTypeError("cross: not implemented for bool; convert with .float() or .long()")
    (x1, x2, x3), (y1, y2, y3) = (np.moveaxis(v, axis, 0) for v in (x, y))
    return np.stack([x2 * y3 - x3 * y2, x3 * y1 - x1 * y3, x1 * y2 - x2 * y1], axis=axis)


@cross.vjp("x", latex=r"y \times g")
def _(g, y, *, axis):
    # ⟨g, dx × y⟩ = ⟨y × g, dx⟩, since the factors of a triple product may be rotated
    return cross(y, g, axis=axis)


@cross.vjp("y", latex=r"g \times x")
def _(g, x, *, axis):
    # ⟨g, x × dy⟩ = ⟨g × x, dy⟩
    return cross(g, x, axis=axis)


# --- made of products --------------------------------------------------------------------------


def kron(x: Any, y: Any) -> Any:
    """Every element of `x` times the whole of `y`, as blocks."""
    n = max(x.ndim, y.ndim)
    left, right = ((1,) * (n - v.ndim) + tuple(v.shape) for v in (x, y))
    x = x.reshape(tuple([k for size in left for k in (size, 1)]))
    y = y.reshape(tuple([k for size in right for k in (1, size)]))
    return (x * y).reshape(tuple([i * j for i, j in zip(left, right)]))


def tensordot(x: Any, y: Any, *, axes: Any = 2) -> Any:
    """Products summed over `axes`: the last n of `x` and first n of `y`, or two lists of axes."""
    if isinstance(axes, int):
        axes = (range(x.ndim - axes, x.ndim), range(axes))
    ax, ay = ([a % v.ndim for a in part] for v, part in zip((x, y), axes, strict=True))
    x, y = _without_stretched(x, ax, y, ay), _without_stretched(y, ay, x, ax)
    if [x.shape[a] for a in ax] != [y.shape[a] for a in ay]:
        raise ShapeError(
            f"tensordot: contracted dimensions need to match, but dimensions {ax} of shape "
            f"{list(x.shape)} and {ay} of shape {list(y.shape)} do not"
        )
    rest_x = [a for a in range(x.ndim) if a not in ax]
    rest_y = [a for a in range(y.ndim) if a not in ay]
    n = math.prod(x.shape[a] for a in ax)
    rows = transpose(x, axes=(*rest_x, *ax)).reshape((math.prod(x.shape[a] for a in rest_x), n))
    columns = transpose(y, axes=(*ay, *rest_y)).reshape((n, math.prod(y.shape[a] for a in rest_y)))
    return matmul(rows, columns).reshape(
        (*(x.shape[a] for a in rest_x), *(y.shape[a] for a in rest_y))
    )


def _without_stretched(x: Any, ax: list[int], y: Any, ay: list[int]) -> Any:
    """`x` summed over its axes for which `y` has size 1, instead of broadcasting `y`."""
    met = tuple([a for a, b in zip(ax, ay, strict=True) if y.shape[b] == 1 != x.shape[a]])
    return cast(sum(x, axis=met, keepdims=True), dtype=x.dtype) if met else x


def inner(x: Any, y: Any) -> Any:
    """Products summed over the last axes of both; with a number, the product."""
    if not np.ndim(to_array(x)) or not np.ndim(to_array(y)):
        return multiply(x, y)
    return tensordot(x, y, axes=((-1,), (-1,)))


def multi_dot(*xs: Any) -> Any:
    """The product of all matrices, in the order that takes the fewest multiplications.

    The first and the last may be vectors.
    """
    first, last = len(xs[0].shape) == 1, len(xs[-1].shape) == 1
    if len(xs) > 1 and (first or last):
        left = expand_dims(xs[0], axis=0) if first else xs[0]
        right = expand_dims(xs[-1], axis=1) if last else xs[-1]
        return squeeze(multi_dot(left, *xs[1:-1], right), axis=(0,) * first + (1,) * last)
    if len(xs) < 3:
        return functools.reduce(matmul, xs)
    sizes = [x.shape[0] for x in xs] + [xs[-1].shape[1]]
    splits = _best_splits(sizes)

    def multiplied(i: int, j: int) -> Any:
        if i == j:
            return xs[i]
        k = splits[i, j]
        return matmul(multiplied(i, k), multiplied(k + 1, j))

    return multiplied(0, len(xs) - 1)


def _best_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to split each part i…j of a chain (Cormen et al., Introduction to Algorithms, 14.2).

    Matrix i has sizes[i] rows and sizes[i + 1] columns.
    """
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    splits = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            costs = {
                k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            }
            splits[i, j] = min(costs, key=costs.__getitem__)
            cost[i, j] = costs[splits[i, j]]
    return splits
