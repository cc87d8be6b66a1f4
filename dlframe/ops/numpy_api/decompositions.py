"""NumPy's linear algebra on tensors: factors, equations, determinants, norms of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from dlframe import ops
from dlframe.dtypes import result_type
from dlframe.errors import ArgumentError, LinAlgError
from dlframe.ops.numpy_api.support import array_like, array_likes, floating, rule_for
from dlframe.ops.record import to_array


def _of_one_dtype(*xs: Any) -> list[Any]:
    """Tensors or arrays of one float dtype."""
    xs = tuple(floating(x) for x in array_likes(xs))
    dtype = result_type(*(to_array(x) for x in xs))
    return [floating(x, dtype) for x in xs]


def _named(function: Any, parts: Any) -> Any:
    """The named tuple that `function` returns, with `parts`."""
    return type(function(np.eye(1)))(*parts)


# --- factors -----------------------------------------------------------------------------------


@rule_for("linalg.cholesky")
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return ops.cholesky(floating(a), upper=upper)


@rule_for("linalg.qr")
def qr(a: Any, mode: str = "reduced") -> Any:
    """Q and R; R alone for mode "r"."""
    if mode == "r":
        return ops.qr(floating(a), mode="reduced")[1]
    if mode not in ("reduced", "complete"):
        raise ArgumentError(
            f"np.linalg.qr: tensors have the modes 'reduced', 'complete' and 'r'; got {mode!r}"
        )
    return _named(np.linalg.qr, ops.qr(floating(a), mode=mode))


@rule_for("linalg.svd")
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, S and Vᵀ; S alone without `compute_uv`."""
    if not compute_uv:
        return ops.svdvals(floating(a))
    return _named(np.linalg.svd, ops.svd(floating(a), full_matrices=full_matrices))


@rule_for("linalg.svdvals")
def svdvals(x: Any, /) -> Any:
    return ops.svdvals(floating(x))


@rule_for("linalg.eigh")
def eigh(a: Any, UPLO: str = "L") -> Any:
    return _named(np.linalg.eigh, ops.eigh(_square("eigh", a), UPLO=UPLO.upper()))


@rule_for("linalg.eigvalsh")
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return ops.eigvalsh(_square("eigvalsh", a), UPLO=UPLO.upper())


def _square(name: str, a: Any) -> Any:
    """`a` in floats, which must be square matrices."""
    a = floating(a)
    if len(a.shape) < 2 or a.shape[-1] != a.shape[-2]:
        raise LinAlgError(f"np.linalg.{name}: expected square matrices, got shape {list(a.shape)}")
    return a


# --- equations, inverses, determinants ---------------------------------------------------------


@rule_for("linalg.solve")
def solve(a: Any, b: Any) -> Any:
    """A 1-d `b` is a vector; any other is a matrix, or a batch of them."""
    a, b = _of_one_dtype(a, b)
    if len(b.shape) == 1:
        return ops.squeeze(ops.solve(a, b[:, None]), axis=-1)
    return ops.solve(a, b)


@rule_for("linalg.inv")
def inv(a: Any) -> Any:
    return ops.inv(floating(a))


@rule_for("linalg.pinv")
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = 1e-15) -> Any:
    """`rcond` and `rtol` are one thing; None as `rtol` means ε max(m, n)."""
    a = floating(a)
    rtol = rtol if rcond is None else rcond
    return ops.pinv(a, rtol=None if rtol is None else to_array(rtol), hermitian=hermitian)


@rule_for("linalg.lstsq")
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """The solution, the residuals if they are there, the rank and the singular values."""
    a, b = _of_one_dtype(a, b)
    m, n = a.shape
    eps = float(np.finfo(a.dtype).eps)
    limit = eps * max(m, n) if rcond is None else eps if rcond == -1 else float(rcond)
    columns = b[:, None] if len(b.shape) == 1 else b
    x, rank = ops.least_squares(a, columns, rcond=limit, driver="gelsd")
    difference = ops.matmul(a, x) - columns
    residuals = (difference * difference).sum(axis=0)
    if int(rank) < n or m <= n:
        residuals = residuals[:0]
    if len(b.shape) == 1:
        x = ops.squeeze(x, axis=-1)
    return x, residuals, int(rank), ops.svdvals(a)


@rule_for("linalg.tensorinv")
def tensorinv(a: Any, ind: int = 2) -> Any:
    a = floating(a)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    return ops.tensorinv(a, ind=ind)


@rule_for("linalg.tensorsolve")
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = _of_one_dtype(a, b)
    moved = normalize_axis_tuple(() if axes is None else axes, len(a.shape))
    sizes = [n for k, n in enumerate(a.shape) if k not in moved] + [a.shape[k] for k in moved]
    rows, columns = sizes[: len(b.shape)], sizes[len(b.shape) :]
    if math.prod(rows) != math.prod(columns):
        raise LinAlgError(
            f"np.linalg.tensorsolve: `a` must be square: its sizes {rows}, as many as `b` has, and "
            f"the rest {columns} must multiply to the same number"
        )
    return ops.tensorsolve(a, b, axes=moved)


@rule_for("linalg.det")
def det(a: Any) -> Any:
    return ops.det(floating(a))


@rule_for("linalg.slogdet")
def slogdet(a: Any) -> Any:
    return _named(np.linalg.slogdet, ops.slogdet(floating(a)))


# --- products ----------------------------------------------------------------------------------


@rule_for("linalg.matrix_power")
def matrix_power(a: Any, n: int) -> Any:
    a = array_like(a)
    floats = _square("matrix_power", a)
    return ops.matrix_power(floats if n < 0 else a, n)


@rule_for("linalg.multi_dot")
def multi_dot(arrays: Any) -> Any:
    """The product of all in the cheapest order; the first and the last may be vectors."""
    return ops.multi_dot(*array_likes(arrays))


# --- norms -------------------------------------------------------------------------------------


@rule_for("linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """A vector's or a matrix's norm, as `ord` and the number of axes say."""
    x = floating(x)
    if not math.prod(x.shape):  # nothing that a gradient could go to
        return np.asarray(np.linalg.norm(to_array(x), ord, axis, keepdims))
    n = len(x.shape)
    if axis is None and (ord is None or (ord == 2 and n == 1) or (ord == "fro" and n == 2)):
        return ops.vector_norm(x, axis=None, keepdims=keepdims)
    axes = tuple(range(n)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) == 2:
        return _matrix_norm(x, "fro" if ord is None else ord, axes, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


@rule_for("linalg.vector_norm")
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if not math.prod(np.shape(x)):
        return np.asarray(np.linalg.vector_norm(to_array(x), axis=axis, keepdims=keepdims, ord=ord))
    return ops.vector_norm(floating(x), ord=float(ord), axis=axis, keepdims=keepdims)


@rule_for("linalg.matrix_norm")
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    if not math.prod(np.shape(x)):
        return np.asarray(np.linalg.matrix_norm(to_array(x), keepdims=keepdims, ord=ord))
    return _matrix_norm(floating(x), ord, (-2, -1), keepdims)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    _check_order(ord)
    rows, columns = normalize_axis_tuple(axes, len(x.shape))
    return ops.matrix_norm(x, ord or "fro", axis=(rows, columns), keepdims=keepdims)


def _check_order(ord: Any) -> None:
    if ord not in (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise ValueError("Invalid norm order for matrices.")


@rule_for("linalg.cond")
def cond(x: Any, p: Any = None) -> Any:
    """‖x‖ ‖x⁻¹‖; of the matrix 0, too, it is ∞, where PyTorch's is nan."""
    x = floating(x)
    _check_order(p)
    if len(x.shape) < 2:
        raise LinAlgError(
            f"{len(x.shape)}-dimensional array given. Array must be at least two-dimensional"
        )
    if p not in (None, 2, -2) and x.shape[-1] != x.shape[-2]:
        raise LinAlgError("Last 2 dimensions of the array must be square")
    out = ops.cond(x, p)
    undefined = np.isnan(to_array(out)) & ~np.isnan(to_array(x)).any(axis=(-2, -1))
    return ops.where(undefined, math.inf, out) if undefined.any() else out
