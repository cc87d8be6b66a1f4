"""Calls of LAPACK and BLAS, one per matrix of a batch, where NumPy has no function for batches.

SciPy is imported on first use. These functions take and return plain arrays.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlframe.errors import LinAlgError, needs
from dlframe.ops.record import Array

Shape = tuple[int, ...]


def routine(name: str, array: Array) -> Callable[..., Any]:
    """LAPACK's or BLAS' function `name` for the dtype of `array`: `dgetrf` for float64."""
    return _routine({"f": "s", "d": "d"}[array.dtype.char] + name)


@functools.cache
def _routine(name: str) -> Callable[..., Any]:
    with needs("scipy"):
        from scipy.linalg import blas, lapack

    return getattr(lapack, name, None) or getattr(blas, name)  # type: ignore[no-any-return] # SciPy has no types


def triangular(a: Array, b: Array, *, upper: bool, left: bool, unitriangular: bool) -> Array:
    """The x with a x = b, or x a = b; only one triangle of `a` is used, and batches broadcast."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    n = a.shape[-1]
    if are_many(batch, n):
        return _substituted(a, b, upper, left, unitriangular)
    a = np.ascontiguousarray(np.broadcast_to(a, (*batch, n, n)))
    out = np.empty((*batch, *b.shape[-2:]), b.dtype)
    out[...] = b
    if out.size:
        trsm = routine("trsm", out)
        for i in np.ndindex(batch):
            # BLAS reads arrays by columns, so for it a, b and the equation are transposed
            out[i] = trsm(
                1, a[i].T, out[i].T, side=left, lower=upper, diag=unitriangular, overwrite_b=True
            ).T
    return out


def _substituted(a: Array, b: Array, upper: bool, left: bool, unitriangular: bool) -> Array:
    """The same for many small matrices: each row of all matrices of the batch at once."""
    if not left:
        at, bt = a.swapaxes(-1, -2), b.swapaxes(-1, -2)
        return _substituted(at, bt, not upper, True, unitriangular).swapaxes(-1, -2)
    n = a.shape[-1]
    x = np.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), b.dtype)
    x[...] = b
    for i in reversed(range(n)) if upper else range(n):
        if not unitriangular:
            x[..., i, :] /= a[..., i, i, None]
        rest = slice(i) if upper else slice(i + 1, None)
        x[..., rest, :] -= a[..., rest, i, None] * x[..., i, None, :]
    return x


def lu(a: Array) -> tuple[Array, Array, Array]:
    """L and U in one matrix, the rows exchanged (counted from 1), and info: k if U[k, k] is 0."""
    *batch, m, n = a.shape
    if are_many(batch, max(m, n)):
        factors, pivots = _eliminated(a)
    else:
        factors = np.array(a, order="C")
        pivots = np.empty((*batch, min(m, n)), np.int32)
        if a.size:
            getrf = routine("getrf", a)
            for i in np.ndindex(*batch):
                factors[i], rows, _ = getrf(factors[i])
                pivots[i] = rows + 1
    return factors, pivots, zero_pivot(factors)


def ldl(a: Array) -> tuple[Array, Array, Array]:
    """L and the blocks of D in one matrix (Bunch and Kaufman), LAPACK's pivots, and info.

    Only the lower triangle is read. D[k, k] is 0 for info k; blocks of two rows have negative
    pivots.
    """
    *batch, n, _ = a.shape
    factors = np.tril(a)
    pivots, info = np.zeros((*batch, n), np.int32), np.zeros(batch, np.int32)
    if a.size:
        sytrf = routine("sytrf", a)
        for i in np.ndindex(*batch):
            found, pivots[i], info[i] = sytrf(a[i], lower=True)
            factors[i] = np.tril(found)
    return factors, pivots, info


def ldl_solve(factors: Array, pivots: Array, b: Array) -> Array:
    """The x with a x = b for the factors of `ldl`; batches broadcast."""
    n = factors.shape[-1]
    batch = np.broadcast_shapes(factors.shape[:-2], b.shape[:-2])
    factors = np.broadcast_to(factors, (*batch, n, n))
    pivots = np.broadcast_to(pivots, (*batch, n))
    out = np.array(np.broadcast_to(b, (*batch, *b.shape[-2:])))
    if out.size:
        sytrs = routine("sytrs", out)
        for i in np.ndindex(*batch):
            out[i], _ = sytrs(factors[i], pivots[i], out[i], lower=True)
    return out


def are_many(batch: Sequence[int], n: int) -> bool:
    """Whether n steps for all matrices at once are faster than a call of LAPACK for each."""
    return math.prod(batch) > 8 * n


def _eliminated(a: Array) -> tuple[Array, Array]:
    """Gaussian elimination of many small matrices: each column of all matrices at once."""
    *batch, m, n = a.shape
    x = a.reshape(math.prod(batch), m, n).copy()
    each = np.arange(len(x))
    pivots = np.empty((len(x), min(m, n)), np.int32)
    for k in range(min(m, n)):
        p = np.abs(x[:, k:, k]).argmax(axis=1) + k
        pivots[:, k] = p + 1
        x[each, k], x[each, p] = x[each, p], x[each, k]
        pivot = x[:, k, k, None]
        x[:, k + 1 :, k] /= np.where(pivot == 0, 1, pivot)
        x[:, k + 1 :, k + 1 :] -= x[:, k + 1 :, k, None] * x[:, k, None, k + 1 :]
    return x.reshape(a.shape), pivots.reshape(*batch, -1)


def zero_pivot(factors: Array) -> Array:
    """For each matrix the first k, counted from 1, for which U[k, k] is 0; 0 if there is none."""
    zeros = np.diagonal(factors, axis1=-2, axis2=-1) == 0
    if not zeros.size:
        return np.zeros(factors.shape[:-2], np.int32)
    found = np.where(zeros.any(axis=-1), zeros.argmax(axis=-1) + 1, 0)
    return np.asarray(found, np.int32)


def row_order(pivots: Array, m: int) -> Array:
    """Where each row of L U is in the matrix, by the row exchanges that were made."""
    *batch, k = pivots.shape
    flat = pivots.reshape(math.prod(batch), k)
    rows = np.empty((len(flat), m), np.intp)
    if are_many(batch, m):
        rows[:] = np.arange(m)
        each = np.arange(len(flat))
        for k, p in enumerate(flat.T - 1):
            rows[each, k], rows[each, p] = rows[each, p], rows[each, k]
    else:
        for i, exchanges in enumerate(flat.tolist()):
            order = list(range(m))
            for k, p in enumerate(exchanges):
                order[k], order[p - 1] = order[p - 1], order[k]
            rows[i] = order
    return rows.reshape(*batch, m)


# --- LU factors, for inverses, equations and determinants --------------------------------------


def is_small(a: Array) -> bool:
    """Whether NumPy's loop over a batch, in C, gains more than SciPy's faster LAPACK."""
    return bool(a.shape[-1] <= 12)


class Factored:
    """Square matrices and their LU factors, in LAPACK's order: for it the matrix is aᵀ."""

    def __init__(self, a: Array):
        self.factors = np.array(a, order="C")
        self.batch = a.shape[:-2]
        self.pivots = np.empty(a.shape[:-1], np.int32)
        self.info = np.zeros(self.batch, np.int32)
        getrf = routine("getrf", a)
        for i in np.ndindex(self.batch):
            factors, self.pivots[i], self.info[i] = getrf(self.factors[i].T, overwrite_a=True)
            self.factors[i] = factors.T

    def solve(self, b: Array, *, transposed: bool = False) -> Array:
        """The x with a x = b, or aᵀ x = b."""
        batch = np.broadcast_shapes(self.batch, b.shape[:-2])
        n, k = b.shape[-2:]
        factors = np.broadcast_to(self.factors, (*batch, n, n))
        pivots = np.broadcast_to(self.pivots, (*batch, n))
        b = np.broadcast_to(b, (*batch, n, k))
        out = np.empty((*batch, n, k), b.dtype)
        if out.size:
            getrs = routine("getrs", out)
            for i in np.ndindex(batch):
                out[i] = getrs(factors[i].T, pivots[i], b[i], trans=not transposed)[0]
        return out

    def inverse(self) -> Array:
        out = np.empty_like(self.factors)
        getri = routine("getri", out)
        for i in np.ndindex(self.batch):
            out[i] = getri(self.factors[i].T, self.pivots[i])[0].T
        return out

    def diagonal(self) -> Array:
        """The diagonal of U with the sign of the row exchanges; its product is the determinant."""
        out = np.diagonal(self.factors, axis1=-2, axis2=-1).copy()
        exchanges = (self.pivots != np.arange(self.pivots.shape[-1])).sum(axis=-1)
        out[..., 0] *= 1 - 2 * (exchanges % 2)
        return out


def factored(name: str, what: str, a: Array) -> Factored:
    """The factors of the matrices; raises unless all have an inverse."""
    found = Factored(a)
    if found.info.any():
        raise singular(name, what, a, found.info)
    return found


# --- other factors -----------------------------------------------------------------------------


def cholesky(a: Array, *, upper: bool) -> tuple[Array, Array]:
    """The factor, and info: k if the leading minor of order k is not positive."""
    batch = a.shape[:-2]
    out = np.zeros_like(a)
    info = np.zeros(batch, np.int32)
    if a.size:
        potrf = routine("potrf", a)
        for i in np.ndindex(batch):
            out[i], info[i] = potrf(a[i], lower=not upper, clean=True)
        nans = np.isnan(np.diagonal(out, axis1=-2, axis2=-1))
        info = np.where((info == 0) & nans.any(axis=-1), nans.argmax(axis=-1) + 1, info)
    return out, info.astype(np.int32)


def least_squares(a: Array, b: Array, rcond: float, driver: str) -> tuple[Array, int]:
    """The x that minimizes ‖a x - b‖ for one matrix, and the rank."""
    if driver != "gels":
        with needs("scipy"):
            from scipy.linalg import lstsq

        x, _, rank, _ = lstsq(a, b, cond=rcond, lapack_driver=driver, check_finite=False)
        return x, rank
    m, n = a.shape
    right = np.zeros((max(m, n), b.shape[-1]), a.dtype)
    right[:m] = b
    _, x, info = routine("gels", a)(a, right)
    if info:
        raise LinAlgError(
            "linalg.lstsq: The least squares solution could not be computed because the input "
            f"matrix does not have full rank (error code: {info}). Shape {list(a.shape)}; use "
            "driver='gelsd', which takes any rank."
        )
    return x[:n], min(m, n)


def require_finite(name: str, a: Array) -> None:
    """Raise if a matrix contains a nan or an infinity, and say which one of the batch."""
    finite = np.isfinite(a)
    if not finite.all():
        first = int(np.argmin(finite.all(axis=(-2, -1)).reshape(-1)))
        where = f" (batch element {first})" if a.ndim > 2 else ""
        raise LinAlgError(
            f"{name}: The algorithm failed to converge because the input matrix{where} contained "
            f"non-finite values. Shape {list(a.shape)}."
        )


def singular(name: str, what: str, a: Array, infos: Any = None) -> LinAlgError:
    """The error for a batch with a matrix that has no inverse: which one, and why."""
    found = lu(a)[2]
    if not found.any():  # sums in another order may differ in the last bit, and then be 0 or not
        found = np.full(a.shape[:-2], a.shape[-1]) if infos is None else infos
    where, info = first_failure(found)
    return LinAlgError(
        f"{name}: {where}The diagonal element {info} is zero, {what} could not be completed "
        f"because the input matrix is singular. Shape {list(a.shape)}; a pseudo-inverse always "
        "exists: linalg.pinv(), linalg.lstsq()."
    )


def not_positive_definite(name: str, a: Array, *, upper: bool) -> LinAlgError:
    """The error for a batch with a matrix that has no Cholesky factor."""
    where, info = first_failure(cholesky(a, upper=upper)[1])
    return LinAlgError(
        f"{name}: {where}The factorization could not be completed because the input is not "
        f"positive-definite (the leading minor of order {info} is not positive-definite). Shape "
        f"{list(a.shape)}; adding a little to the diagonal may help, or linalg.eigh()."
    )


def first_failure(infos: Array) -> tuple[str, int]:
    """The first matrix of a batch that failed, in words, and its info."""
    flat = infos.reshape(-1)
    k = int(np.flatnonzero(flat)[0]) if flat.any() else 0
    return (f"(Batch element {k}): " if infos.ndim else ""), int(flat[k])
