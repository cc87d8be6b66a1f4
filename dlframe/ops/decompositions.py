"""Matrices as products of simpler ones: Cholesky, QR, singular values, eigenvalues, LU.

The last two axes are a matrix, and those before them a batch. The factors come from LAPACK, and so
do their signs; a function of the factors has a gradient if it does not depend on the signs.

M. Seeger et al., *Auto-differentiating linear algebra* (2017) and M. B. Giles, *An extended
collection of matrix derivative results* (2008) derive these rules, unless a rule names its source.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlframe.errors import GradientError, LinAlgError
from dlframe.ops import lapack
from dlframe.ops.calling import wrap
from dlframe.ops.op import op
from dlframe.ops.record import Array, TensorBase, to_array
from dlframe.ops.shape import concatenate, put_diagonal, tril, triu
from dlframe.ops.solvers import solve_triangular, transposed

__all__ = [
    "cholesky",
    "eigh",
    "eigvalsh",
    "lu_factor",
    "lu_unpack",
    "qr",
    "svd",
    "svdvals",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


def as_diagonal(x: Any) -> Any:
    """Diagonal matrices, with the vectors `x` on the diagonals."""
    n = x.shape[-1]
    return put_diagonal(x, size=(*x.shape, n), axis1=-2, axis2=-1)


# --- Cholesky ----------------------------------------------------------------------------------


@op(latex=r"L: A = L L^\top")
def cholesky(a: Array, *, upper: bool = False) -> Any:
    """The triangular L with L Lᵀ = a (upper: U with Uᵀ U = a); one triangle of `a` is read."""
    try:
        out = np.linalg.cholesky(a, upper=upper)
        # with nan no minor is positive
        if not np.isnan(np.diagonal(out, axis1=-2, axis2=-1)).any():
            return out
    except np.linalg.LinAlgError:
        pass
    raise lapack.not_positive_definite("linalg.cholesky", a, upper=upper)


@cholesky.vjp("a", latex=r"\frac{1}{2} L^{-\top} \cdot \mathrm{copyltu}(L^\top G) L^{-1}")
def _(g, out, *, upper):
    # L⁻¹ da L⁻ᵀ = L⁻¹ dL + (L⁻¹ dL)ᵀ, so dL = L Φ(L⁻¹ da L⁻ᵀ), where Φ keeps the lower triangle and
    # half the diagonal: the gradient is L⁻ᵀ P L⁻¹, P the symmetric matrix of that part of Lᵀ g
    # (I. Murray, Differentiation of the Cholesky decomposition, 2016)
    if upper:
        g, out = transposed(g), transposed(out)
    part = tril(transposed(out) @ g)
    symmetric = (part + transposed(tril(part, k=-1))) * 0.5
    half = solve_triangular(out, symmetric, upper=False, left=False)
    return solve_triangular(transposed(out), half, upper=True)


# --- QR ----------------------------------------------------------------------------------------


@op(latex="Q, R: A = Q R")
def qr(a: Array, *, mode: Any = "reduced") -> Any:
    """Q with orthogonal columns and a triangular R, with Q R = a; mode "r" gives only R."""
    if mode == "r":
        return np.empty(0, a.dtype), np.linalg.qr(a, "r")
    q, r = np.linalg.qr(a, mode)
    return q, r


@qr.vjp(
    "a", latex=r"(\bar{Q} + Q \cdot \mathrm{copyltu}(R \bar{R}^\top - \bar{Q}^\top Q)) R^{-\top}"
)
def _(g, out, shape, *, mode):
    (gq, gr), (q, r) = g, out
    m, n = shape[-2:]
    if mode == "r" or (mode == "complete" and m > n):
        raise GradientError(_NO_QR_GRADIENT[mode])
    if m >= n:
        return _qr_gradient(gq, gr, q, r)
    # a = [x y] and R = [u v] with x = Q u and y = Q v, so v = Qᵀ y: the gradient of v goes to y
    # through Q, and to Q (D. Roberts, L. Roberts, QR and LQ decomposition matrix backpropagation
    # algorithms for square, wide, and deep matrices, 2020)
    gu, gv, u, v = gr[..., :m], gr[..., m:], r[..., :m], r[..., m:]
    gx = _qr_gradient(gq + q @ (v @ transposed(gv)), gu, q, u)
    return concatenate(gx, q @ gv, axis=-1)


_NO_QR_GRADIENT = {
    "r": "linalg.qr: The derivative depends on Q, which is not computed when mode='r'. Use "
    "linalg.qr(A, mode='reduced') to differentiate.",
    "complete": "linalg.qr: The QR decomposition is not differentiable when mode='complete' and "
    "nrows > ncols: the last columns of Q are any basis. Use mode='reduced'.",
}


def _qr_gradient(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    # Qᵀ da R⁻¹ = Qᵀ dQ + dR R⁻¹, a skew and a triangular matrix: with M = triu(gR Rᵀ - Qᵀ gQ) and M
    # made symmetric from its upper triangle, the gradient is (gQ + Q sym(M)) R⁻ᵀ
    m = triu(gr @ transposed(r) - transposed(q) @ gq)
    symmetric = m + transposed(triu(m, k=1))
    return solve_triangular(transposed(r), gq + q @ symmetric, upper=False, left=False)


# --- singular values ---------------------------------------------------------------------------


@op(latex=r"U, \sigma, V: A = U \cdot \mathrm{diag}(\sigma) V^\top")
def svd(a: Array, *, full_matrices: bool = True) -> Any:
    """U, S and Vᵀ with a = U diag(S) Vᵀ, where U and V are orthogonal and S ≥ 0 is descending."""
    return tuple(_converged("linalg.svd", a, np.linalg.svd, full_matrices=full_matrices))


svd.definition.materialize = False  # a gradient of S alone does not need 1 / (s² - s²)


@svd.vjp(
    "a",
    latex=r"U \left(\mathrm{diag}(\bar{\sigma})"
    r" + (F \odot (U^\top \bar{U} - \bar{U}^\top U)) \Sigma"
    r" + \Sigma (F \odot (V^\top \bar{V} - \bar{V}^\top V))\right) V^\top"
    r" + (I - U U^\top) \bar{U} \Sigma^{-1} V^\top + U \Sigma^{-1} \bar{V}^\top (I - V V^\top)",
)
def _(g, out):
    # the rotations of U and Vᵀ that keep them orthogonal, written in the bases U and V:
    # the gradient is U [diag(gS) + (skew(Uᵀ gU) / E) S + S (skew(Vᵀ gV) / E)] Vᵀ with
    # E[i, j] = s[j]² - s[i]², and what gU and gV have outside the spans of U and V, divided by S
    # (J. Townsend, Differentiating the singular value decomposition, 2016)
    u, s, vh = out
    k = s.shape[-1]
    gu, gs, gvh = g
    # the last columns of full matrices are not unique, so gradients of them are ignored
    u, vh = u[..., :k], vh[..., :k, :]
    if gu is None and gvh is None:
        return (u * gs[..., None, :]) @ vh
    inner: Any = 0.0 if gs is None else as_diagonal(gs)
    gaps = _gaps(s * s)
    if gu is not None:
        gu = gu[..., :k]
        uh = transposed(u)
        inner = inner + _skew(uh @ gu) / gaps * s[..., None, :]
    if gvh is not None:
        gvh = gvh[..., :k, :]
        v = transposed(vh)
        inner = inner + s[..., :, None] * (_skew(vh @ transposed(gvh)) / gaps)
    ga = u @ inner @ vh
    if gu is not None and u.shape[-2] > k:
        outside = gu / s[..., None, :]
        ga = ga + (outside - u @ (uh @ outside)) @ vh
    if gvh is not None and vh.shape[-1] > k:
        outside = gvh / s[..., :, None]
        ga = ga + u @ (outside - (outside @ v) @ vh)
    return ga


def _gaps(x: Any) -> Any:
    """x[j] - x[i] at [i, j], and 1 on the diagonal."""
    return x[..., None, :] - x[..., :, None] + np.eye(x.shape[-1], dtype=x.dtype)


def _skew(x: Any) -> Any:
    return x - transposed(x)


@op(latex=r"\sigma: A = U \cdot \mathrm{diag}(\sigma) V^\top")
def svdvals(a: Array) -> Any:
    """The singular values, descending."""
    return _converged("linalg.svdvals", a, np.linalg.svd, compute_uv=False)


@svdvals.fast_forward
def _(a):
    u, s, vh = svd(a, full_matrices=False)
    return s, (u, vh)


@svdvals.vjp("a", latex=r"U \cdot \mathrm{diag}(g) V^\top")
def _(g, a):
    # ds[i] = u[i]ᵀ da v[i]
    u, _, vh = svd(a, full_matrices=False)
    return (u * g[..., None, :]) @ vh


@svdvals.fast_backward
def _(g, needs, residuals):
    u, vh = residuals
    return ((u * g[..., None, :]) @ vh,)


def _converged(name: str, a: Array, function: Any, *args: Any, **options: Any) -> Any:
    """`function(a)`, which iterates; for infinities some functions of LAPACK never end."""
    lapack.require_finite(name, a)
    try:
        return function(a, *args, **options)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            f"{name}: The algorithm failed to converge because the input matrix is "
            f"ill-conditioned. Shape {list(a.shape)}."
        ) from None


# --- eigenvalues of symmetric matrices ---------------------------------------------------------


@op(latex=r"\lambda, V: A = V \cdot \mathrm{diag}(\lambda) V^\top")
def eigh(a: Array, *, UPLO: str = "L") -> Any:
    """Eigenvalues, ascending, and orthogonal eigenvectors; one triangle of `a` is read."""
    half = np.tril(a) if UPLO == "L" else np.triu(a)
    return tuple(_converged("linalg.eigh", half, np.linalg.eigh, UPLO))


# as for svd: the gradient of the eigenvalues alone exists also if some are equal
eigh.definition.materialize = False


@eigh.vjp(
    "a",
    latex=r"V \left(\mathrm{diag}(\bar{\lambda}) + \frac{1}{2} F \odot (V^\top \bar{V}"
    r" - \bar{V}^\top V)\right) V^\top",
)
def _(g, out):
    # dλ[i] = v[i]ᵀ da v[i], and dV = V (Vᵀ da V / (λ[j] - λ[i])) off the diagonal: the gradient is
    # V [diag(gλ) + Vᵀ gV / (λ[j] - λ[i])] Vᵀ, with only the skew part of Vᵀ gV
    (gw, gv), (w, v) = g, out
    vh = transposed(v)
    if gv is None:
        return (v * gw[..., None, :]) @ vh
    inner = _skew(vh @ gv) * 0.5 / _gaps(w)
    return v @ (inner if gw is None else inner + as_diagonal(gw)) @ vh


@op(latex=r"\lambda: A V = V \cdot \mathrm{diag}(\lambda)")
def eigvalsh(a: Array, *, UPLO: str = "L") -> Any:
    """The eigenvalues of symmetric matrices, ascending."""
    half = np.tril(a) if UPLO == "L" else np.triu(a)
    return _converged("linalg.eigvalsh", half, np.linalg.eigvalsh, UPLO)


@eigvalsh.fast_forward
def _(a, *, UPLO="L"):
    return eigh(a, UPLO=UPLO)


@eigvalsh.vjp("a", latex=r"V \cdot \mathrm{diag}(g) V^\top")
def _(g, a, *, UPLO):
    # dλ[i] = v[i]ᵀ da v[i]
    v = eigh(a, UPLO=UPLO)[1]
    return (v * g[..., None, :]) @ transposed(v)


@eigvalsh.fast_backward
def _(g, needs, residuals):
    return ((residuals * g[..., None, :]) @ transposed(residuals),)


# --- LU ----------------------------------------------------------------------------------------


@op(latex="L, U: P A = L U")
def lu_factor(a: Array) -> Any:
    """L (below the diagonal, which is 1) and U in one matrix, and the row exchanges, from 1."""
    factors, pivots, _ = lapack.lu(a)
    return factors, pivots


@lu_factor.vjp(
    "a",
    latex=r"P^\top L^{-\top} (\mathrm{tril}_{-1}(L^\top \bar{L})"
    r" + \mathrm{triu}(\bar{U} U^\top)) U^{-\top}",
)
def _(g, out):
    # L⁻¹ Pᵀ da U⁻¹ = L⁻¹ dL + dU U⁻¹, a strictly lower and an upper triangle. In blocks, with
    # L = [l; l'] and U = [u u'] where a is not square: the gradient is P [[t, l⁻ᵀ g'ᵤ], [g'ₗ u⁻ᵀ]],
    # t = l⁻ᵀ [tril(lᵀ gₗ - g'ᵤ u'ᵀ, -1) + triu(gᵤ uᵀ - l'ᵀ g'ₗ)] u⁻ᵀ
    factors, pivots = out
    g = g[0]
    m, n = factors.shape[-2:]
    k = min(m, n)
    square, below, beside = factors[..., :k, :k], factors[..., k:, :k], factors[..., :k, k:]
    g_square, g_below, g_beside = g[..., :k, :k], g[..., k:, :k], g[..., :k, k:]
    lh = transposed(tril(square, k=-1)) + np.eye(k, dtype=factors.dtype)
    uh = transposed(triu(square))
    lower = tril(lh @ tril(g_square, k=-1) - g_beside @ transposed(beside), k=-1)
    upper = triu(triu(g_square) @ uh - transposed(below) @ g_below)

    def over_u(x: Any) -> Any:
        return solve_triangular(uh, x, upper=False, left=False)

    top = concatenate(over_u(lower + upper), g_beside, axis=-1)
    top = solve_triangular(lh, top, upper=True, unitriangular=True)
    rows = concatenate(top, over_u(g_below), axis=-2) if m > n else top
    return permutation(pivots, m, factors.dtype) @ rows


def lu_unpack(factors: Any, pivots: Any) -> tuple[Any, Any, Any]:
    """P, L and U with P L U = a, from the result of `lu_factor`."""
    m, n = factors.shape[-2:]
    k = min(m, n)
    p = permutation(pivots, m, factors.dtype)
    lower = tril(factors[..., :, :k], k=-1) + np.eye(m, k, dtype=factors.dtype)
    wrapped = wrap(p) if isinstance(factors, TensorBase) else p
    return wrapped, lower, triu(factors[..., :k, :])


def permutation(pivots: Any, m: int, dtype: Any) -> Array:
    """The matrix P with P L U = a, from row exchanges counted from 1."""
    rows = lapack.row_order(to_array(pivots), m)  # row k of L U is row rows[k] of a
    return np.swapaxes(np.eye(m, dtype=dtype)[rows], -1, -2)
