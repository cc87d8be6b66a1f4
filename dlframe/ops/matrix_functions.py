"""Determinants, pseudo-inverses, least squares, and functions of matrices.

The last two axes are a matrix, those before them a batch. The derivations are those of M. B. Giles,
*An extended collection of matrix derivative results* (2008), unless a rule says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlframe.errors import LinAlgError, needs
from dlframe.ops import lapack
from dlframe.ops.decompositions import eigh, lu_factor, permutation, svd
from dlframe.ops.linalg import matmul
from dlframe.ops.op import op
from dlframe.ops.record import Array, to_array
from dlframe.ops.reduction import prod
from dlframe.ops.shape import concatenate
from dlframe.ops.solvers import inv, solve_triangular, transposed
from dlframe.ops.steps import zeros_like

__all__ = [
    "det",
    "expm",
    "least_squares",
    "lu_solve",
    "matrix_power",
    "pinv",
    "slogdet",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


def _scaled(g: Any, x: Any) -> Any:
    """Each matrix of `x` times the number in `g` that belongs to it."""
    return g[..., None, None] * x


# --- determinants ------------------------------------------------------------------------------


@op(latex=r"\det A")
def det(a: Array) -> Any:
    """The determinant of every matrix."""
    return _factored_det(a)[0]


@det.fast_forward
def _(a):
    return _factored_det(a)


def _factored_det(a: Array) -> tuple[Array, Any]:
    with np.errstate(all="ignore"):
        if lapack.is_small(a):
            return np.linalg.det(a), None
        factors = lapack.Factored(a)
        return factors.diagonal().prod(axis=-1), factors


@det.vjp("a", latex=r"g z A^{-\top}")
def _(g, a, out):
    # the derivative with respect to an element is its cofactor (Jacobi)
    return _scaled(g, _cofactors(a, out))


@det.fast_backward
def _(g, needs, a, out, residuals):
    if residuals is None or residuals.info.any():
        return (_scaled(g, _cofactors(a, out)),)
    return (_scaled(g * out, transposed(residuals.inverse())),)


def _cofactors(a: Any, det_a: Any) -> Any:
    """det(a) a⁻ᵀ, which exists even if the inverse does not.

    With a = U diag(s) Vᵀ the cofactors are det(U) det(V) U diag(∏ s without s[i]) Vᵀ.
    """
    if np.all(to_array(det_a)):
        return _scaled(det_a, transposed(inv(a)))
    u, s, vh = svd(a)
    signs = np.linalg.det(to_array(u)) * np.linalg.det(to_array(vh))
    unit = np.eye(s.shape[-1], dtype=s.dtype)
    others = prod(s[..., None, :] * (1 - unit) + unit, axis=-1)
    return (u * (signs[..., None] * others)[..., None, :]) @ vh


@op(latex=r"\mathrm{sign}(\det A), \ln |\det A|")
def slogdet(a: Array) -> Any:
    """The determinant's sign and ln |det|, which does not overflow; -∞ if it is 0."""
    return _factored_slogdet(a)[0]


@slogdet.fast_forward
def _(a):
    return _factored_slogdet(a)


def _factored_slogdet(a: Array) -> tuple[tuple[Array, Array], Any]:
    with np.errstate(all="ignore"):
        if lapack.is_small(a):
            sign, logabs = np.linalg.slogdet(a)
            return (np.asarray(sign, a.dtype), np.asarray(logabs, a.dtype)), None
        factors = lapack.Factored(a)
        d = factors.diagonal()
        return (np.sign(d).prod(axis=-1), np.log(np.abs(d)).sum(axis=-1)), factors


@slogdet.vjp("a", latex=r"g A^{-\top}")
def _(g, a):
    # d ln |det a| = tr(a⁻¹ da); the sign is constant
    return _scaled(g[1], transposed(inverse_or_infinite(a)))


@slogdet.fast_backward
def _(g, needs, a, residuals):
    if residuals is None or residuals.info.any():
        return (_scaled(g[1], transposed(inverse_or_infinite(a))),)
    return (_scaled(g[1], transposed(residuals.inverse())),)


def inverse_or_infinite(a: Any) -> Any:
    """The inverse; for a singular matrix the result of a division by zero, not an error."""
    try:
        return inv(a)
    except LinAlgError:
        factors, pivots = lu_factor(a)
        return lu_solve(factors, pivots, np.eye(a.shape[-1], dtype=a.dtype))


def lu_solve(factors: Any, pivots: Any, b: Any, *, left: bool = True, adjoint: bool = False) -> Any:
    """The x with a x = b for a given `lu_factor` of a; x a = b if not `left`, aᵀ for `adjoint`."""
    if not left:
        return transposed(lu_solve(factors, pivots, transposed(b), adjoint=not adjoint))
    p = permutation(pivots, factors.shape[-1], factors.dtype)
    if adjoint:  # aᵀ = Uᵀ Lᵀ Pᵀ
        y = solve_triangular(transposed(factors), b, upper=False)
        return matmul(p, solve_triangular(transposed(factors), y, upper=True, unitriangular=True))
    y = solve_triangular(factors, matmul(transposed(p), b), upper=False, unitriangular=True)
    return solve_triangular(factors, y, upper=True)


# --- pseudo-inverse, least squares -------------------------------------------------------------


@op(latex="A^{+}")
def pinv(a: Array, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Any:
    """The Moore-Penrose inverse; singular values up to max(atol, rtol · the largest) count as 0."""
    if not a.size:
        return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    if hermitian:
        w, u = eigh(a)
        s, vh = np.abs(w), np.sign(w)[..., :, None] * transposed(u)
    else:
        u, s, vh = svd(a, full_matrices=False)
    large = s > threshold(s, a.shape, atol, rtol)[..., None]
    return transposed(vh) @ (
        np.divide(1, s, out=np.zeros_like(s), where=large)[..., None] * transposed(u)
    )


def threshold(s: Array, shape: Sequence[int], atol: Any, rtol: Any) -> Array:
    """The bound up to which singular values count as 0; PyTorch's default is rtol = ε max(m, n)."""
    atol = np.asarray(0.0 if atol is None else atol, s.dtype)
    if rtol is None:
        default = max(shape[-2:]) * np.finfo(s.dtype).eps
        rtol = np.where(atol > 0, 0.0, default)
    largest = s.max(axis=-1, initial=0)
    return np.asarray(np.maximum(atol, np.asarray(rtol, s.dtype) * largest))


@pinv.vjp("a", latex=r"-Z^\top G Z^\top + (I - A Z) G^\top Z Z^\top + Z^\top Z G^\top (I - Z A)")
def _(g, a, out):
    return _pinv_gradient(g, a, out)


def _pinv_gradient(g: Any, a: Any, p: Any) -> Any:
    # while the rank stays: dp = -p da p + p pᵀ daᵀ (1 - a p) + (1 - p a) daᵀ pᵀ p (G. Golub, V.
    # Pereyra, The differentiation of pseudo-inverses …, 1973), so with k = gᵀ p or p gᵀ, whichever
    # is smaller, the gradient is
    ph, gh = transposed(p), transposed(g)
    if a.shape[-2] <= a.shape[-1]:
        k = gh @ p
        kph = k @ ph
        return -transposed(p @ k) + kph - (a @ p) @ kph + (ph @ p) @ (gh - k @ a)
    k = p @ gh
    phk = ph @ k
    return -transposed(k @ p) + (gh - a @ k) @ p @ ph + phk - (phk @ p) @ a


@op(latex=r"A^{+} B")
def least_squares(a: Array, b: Array, *, rcond: float, driver: str) -> Any:
    """The smallest x that minimizes ‖a x - b‖, and the rank of `a`."""
    batch, (m, n), k = a.shape[:-2], a.shape[-2:], b.shape[-1]
    x = np.zeros((*batch, n, k), a.dtype)
    rank = np.zeros(batch, np.int64)
    if a.size:
        lapack.require_finite("linalg.lstsq", a)
        for i in np.ndindex(batch):
            columns = b[i] if k else np.zeros((m, 1), a.dtype)  # the rank is needed in any case
            x[i], rank[i] = lapack.least_squares(a[i], columns, rcond, driver)
    return x, rank


@least_squares.vjp("a", latex=r"(B - A Z) (A^{+} A^{+\top} G)^\top - A^{+\top} G Z^\top")
def _(g, a, b):
    # x = p b with p the pseudo-inverse: the gradient of p is g bᵀ
    return _pinv_gradient(g[0] @ transposed(b), a, pinv(a))


@least_squares.vjp("b", latex=r"A^{+\top} G")
def _(g, a):
    # x = p b is linear in b
    return transposed(pinv(a)) @ g[0]


# --- functions of matrices ---------------------------------------------------------------------


@op(latex=r"e^A = \sum_{k=0}^\infty \frac{A^k}{k!}")
def expm(a: Array) -> Any:
    """Σ aᵏ / k!, by scaling and squaring."""
    with needs("scipy"):
        from scipy.linalg import expm as scipys

    return scipys(a) if a.size else zeros_like(a)


@expm.vjp("a", latex=r"\int_0^1 e^{t A^\top} G e^{(1 - t) A^\top} dt")
def _(g, a):
    # exp [[a, e], [0, a]] = [[exp a, L], [0, exp a]] with L the derivative in the direction e; its
    # adjoint is the derivative at aᵀ (N. Higham, Functions of Matrices, 2008, section 10.6)
    n = a.shape[-1]
    t = transposed(a)
    top = concatenate(t, g, axis=-1)
    bottom = concatenate(zeros_like(a), t, axis=-1)
    return expm(concatenate(top, bottom, axis=-2))[..., :n, n:]


def matrix_power(a: Any, n: int) -> Any:
    """The product of `n` copies, or of |n| copies of the inverse, by repeated squaring."""
    if n < 0:
        a, n = inv(a), -n
    if n == 0:
        return zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    out = None
    while n:
        if n & 1:
            out = a if out is None else matmul(out, a)
        n >>= 1
        a = matmul(a, a) if n else a
    return out
