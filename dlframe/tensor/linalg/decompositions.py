"""Matrices as products of simpler ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, LinAlgError
from dlframe.ops import lapack
from dlframe.ops.calling import wrap
from dlframe.tensor.arguments import (
    also_named,
    require_matrices,
)
from dlframe.tensor.functions import factors, return_types

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "cholesky",
    "cholesky_ex",
    "eigh",
    "eigvalsh",
    "householder_product",
    "ldl_factor",
    "ldl_factor_ex",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "qr",
    "svd",
    "svdvals",
]


# --- symmetric matrices ------------------------------------------------------------------------


@also_named(A="input")
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular L with L Lᵀ = A, or the upper triangular U with Uᵀ U = A.

    Of the symmetric positive definite `A` only that triangle is read. (..., n, n) gives the same
    shape. The gradient is L⁻ᵀ P L⁻¹ with P the lower triangle of Lᵀ g, its diagonal halved, made
    symmetric (Murray, *Differentiation of the Cholesky decomposition*, 2016).

    Raises:
        LinAlgError: a matrix is not positive definite.

    >>> dl.linalg.cholesky(dl.tensor([[4.0, 2.0], [2.0, 10.0]]))
    tensor([[2., 0.],
            [1., 3.]])
    """
    require_matrices("linalg.cholesky", A)
    return ops.cholesky(A, upper=upper)


@also_named(A="input")
def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """`cholesky`, and per matrix an int32: 0, or the order of a leading minor that is not positive.

    Raises:
        LinAlgError: a matrix is not positive definite, if `check_errors`.

    >>> dl.linalg.cholesky_ex(dl.tensor([[4.0, 2.0], [2.0, -1.0]])).info
    tensor(2, dtype=dlframe.int32)
    """
    require_matrices("linalg.cholesky_ex", A)
    try:
        factor = ops.cholesky(A, upper=upper)
        info = np.zeros(A.shape[:-2], np.int32)
    except LinAlgError:
        if check_errors:
            raise lapack.not_positive_definite("linalg.cholesky_ex", A.array, upper=upper) from None
        partial, info = lapack.cholesky(A.array, upper=upper)
        factor = wrap(partial)
    return return_types.linalg_cholesky_ex(factor, wrap(info))


@also_named(A="input")
def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """Eigenvalues λ, ascending, and orthonormal eigenvectors V of symmetric A: A V = V diag(λ).

    Of `A` only the lower triangle is read, or the upper one for `UPLO="U"`. The gradient is
    V [diag(gλ) + skew(Vᵀ gV) / (λ[j] - λ[i])] Vᵀ (Giles 2008, section 3.1): through the vectors it
    is infinite where eigenvalues are equal, and it only makes sense for functions that do not
    depend on the signs of the vectors.

    >>> values, vectors = dl.linalg.eigh(dl.tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> values
    tensor([1., 3.])
    """
    require_matrices("linalg.eigh", A)
    return return_types.linalg_eigh(*ops.eigh(A, UPLO=_triangle(UPLO)))


@also_named(A="input")
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices, ascending; their gradient always exists.

    >>> dl.linalg.eigvalsh(dl.tensor([[2.0, 1.0], [1.0, 2.0]]))
    tensor([1., 3.])
    """
    require_matrices("linalg.eigvalsh", A)
    return ops.eigvalsh(A, UPLO=_triangle(UPLO))


def _triangle(UPLO: str) -> str:
    found = str(UPLO).upper()
    if found not in ("L", "U"):
        raise ArgumentError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return found


# --- any matrices ------------------------------------------------------------------------------


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and an upper triangular R: Q R = A.

    (..., m, n) gives Q (..., m, k) and R (..., k, n) with k = min(m, n); `mode="complete"` makes
    Q square, `mode="r"` leaves it empty. The gradient is (gQ + Q sym(M)) R⁻ᵀ with
    M = triu(gR Rᵀ - Qᵀ gQ) (Roberts and Roberts 2020, who treat wide matrices too); for "r", and
    for "complete" with m > n, there is none.

    >>> Q, R = dl.linalg.qr(dl.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> Q @ R
    tensor([[3.0000, 1.0000],
            [4.0000, 2.0000]])
    """
    require_matrices("linalg.qr", A, square=False)
    if mode not in ("reduced", "complete", "r"):
        raise ArgumentError(
            f"qr received unrecognized mode {mode!r} but expected one of 'reduced' (default), "
            "'r', or 'complete'"
        )
    return return_types.linalg_qr(*ops.qr(A, mode=mode))


@also_named(A="input")
def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """The first n columns of H₁ H₂ … Hₖ with Hᵢ = 1 - τᵢ vᵢ vᵢᵀ, as a QR decomposition keeps its Q.

    vᵢ is the i-th column of A (..., m, n) below the diagonal, with 1 on it and 0 above; `tau` is
    (..., k) with k ≤ n ≤ m.

    >>> dl.linalg.householder_product(dl.tensor([[9.0], [1.0]]), dl.tensor([1.0]))
    tensor([[ 0.],
            [-1.]])
    """
    m, n, _ = factors.checked_reflections("linalg.householder_product", A, tau)
    one = wrap(np.eye(m, n, dtype=A.dtype))
    return factors.reflected(A, tau, ops.broadcast_to(one, shape=tuple(A.shape)))


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """U, S and Vh with A = U diag(S) Vh: U and Vh orthogonal, S descending and not negative.

    (..., m, n) gives U (..., m, m), S (..., k) and Vh (..., n, n) with k = min(m, n); without
    `full_matrices` U (..., m, k) and Vh (..., k, n). The gradient
    U [diag(gS) + skew(Uᵀ gU) / E S + S skew(Vᵀ gV) / E] Vᵀ with E[i, j] = s[j]² - s[i]²
    (Townsend, *Differentiating the singular value decomposition*, 2016) exists for U and Vh only
    if all singular values differ. It only makes sense for functions that do not depend on the signs
    of the vectors. What depends on the last columns of full matrices is not differentiated.

    >>> U, S, Vh = dl.linalg.svd(dl.tensor([[3.0, 0.0], [0.0, 4.0]]))
    >>> S
    tensor([4., 3.])
    """
    require_matrices("linalg.svd", A, square=False)
    _require_no_driver("linalg.svd", driver)
    return return_types.linalg_svd(*ops.svd(A, full_matrices=full_matrices))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values, descending; their gradient is U diag(g) Vh.

    >>> dl.linalg.svdvals(dl.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    require_matrices("linalg.svdvals", A, square=False)
    _require_no_driver("linalg.svdvals", driver)
    return ops.svdvals(A)


def _require_no_driver(name: str, driver: str | None) -> None:
    if driver is not None:
        raise ArgumentError(
            f"{name}: keyword argument `driver=` is only supported by cuSOLVER, on a GPU; got "
            f"{driver!r}"
        )


# --- LDLᵀ --------------------------------------------------------------------------------------


@also_named(A="input")
def ldl_factor(A: Tensor, *, hermitian: bool = False) -> Any:
    """L D Lᵀ = P A Pᵀ for symmetric A, in a compact form for `ldl_solve`.

    L is lower triangular with 1 on its diagonal (left out), D has blocks of one or two rows, so it
    exists where Cholesky's factor does not: for matrices with negative eigenvalues. Only the lower
    triangle of A is read. Bunch and Kaufman (1977). There is no gradient; `linalg.solve` has one.

    Args:
        A: (..., n, n).
        hermitian: means the same for real numbers.

    Raises:
        LinAlgError: D has a zero on its diagonal.

    >>> LD, pivots = dl.linalg.ldl_factor(dl.tensor([[2.0, 0.0], [1.0, -3.0]]))
    >>> LD
    tensor([[ 2.0000,  0.0000],
            [ 0.5000, -3.5000]])
    """
    LD, pivots, _ = ldl_factor_ex(A, hermitian=hermitian, check_errors=True)
    return return_types.linalg_ldl_factor(LD, pivots)


@also_named(A="input")
def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """`ldl_factor`, and per matrix an int32: 0, or k if D[k, k], counted from 1, is 0.

    >>> dl.linalg.ldl_factor_ex(dl.zeros(2, 2)).info
    tensor(1, dtype=dlframe.int32)
    """
    require_matrices("linalg.ldl_factor_ex", A)
    found = factors.without_gradient(
        "linalg.ldl_factor", "differentiate linalg.solve", lapack.ldl, A
    )
    info = found[2].array
    if check_errors and info.any():
        where, k = lapack.first_failure(info)
        raise LinAlgError(
            f"linalg.ldl_factor: {where}D[{k},{k}] is zero, so that no system can be solved with "
            "it; ldl_factor_ex gives the factors nevertheless"
        )
    return return_types.linalg_ldl_factor_ex(*found)


# --- LU ----------------------------------------------------------------------------------------


def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """P, L and U with A = P L U: a permutation, a lower (diagonal 1) and an upper triangle.

    (..., m, n) gives P (..., m, m), L (..., m, k) and U (..., k, n) with k = min(m, n). The
    gradient is P L⁻ᵀ [tril(Lᵀ gL, -1) + triu(gU Uᵀ)] U⁻ᵀ for square matrices.

    >>> P, L, U = dl.linalg.lu(dl.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> L, U
    (tensor([[1.0000, 0.0000],
            [0.5000, 1.0000]]), tensor([[2., 2.],
            [0., 1.]]))
    """
    require_matrices("linalg.lu", A, square=False)
    _require_pivots("linalg.lu", pivot)
    return return_types.linalg_lu(*ops.lu_unpack(*ops.lu_factor(A)))


def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """`lu` in a compact form for `lu_solve`: L and U in one matrix, and the row exchanges.

    The diagonal of L, which is 1, is left out. Row i was exchanged with row pivots[i] - 1.

    Raises:
        LinAlgError: a matrix is singular; `lu` and `lu_factor_ex` take those too.

    >>> LU, pivots = dl.linalg.lu_factor(dl.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> LU, pivots
    (tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]]), tensor([2, 2], dtype=dlframe.int32))
    """
    return return_types.linalg_lu_factor(*_factored("linalg.lu_factor", A, pivot, True)[:2])


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """`lu_factor`, and per matrix an int32: 0, or k if U[k, k], counted from 1, is 0.

    Raises:
        LinAlgError: a matrix is singular, if `check_errors`.

    >>> dl.linalg.lu_factor_ex(dl.tensor([[1.0, 2.0], [2.0, 4.0]])).info
    tensor(2, dtype=dlframe.int32)
    """
    found = _factored("linalg.lu_factor_ex", A, pivot, check_errors)
    return return_types.linalg_lu_factor_ex(*found)


def _factored(name: str, A: Any, pivot: bool, check: bool) -> tuple[Any, Any, Any]:
    require_matrices(name, A, square=False)
    _require_pivots(name, pivot)
    factors, pivots = ops.lu_factor(A)
    info = lapack.zero_pivot(factors.array)
    if check and info.any():
        where, k = lapack.first_failure(info)
        raise LinAlgError(
            f"{name}: {where}U[{k},{k}] is zero and using it on lu_solve would result in a "
            "division by zero. If you still want to perform the factorization, consider calling "
            "linalg.lu(A) or linalg.lu_factor_ex(A)."
        )
    return factors, pivots, wrap(info)


def _require_pivots(name: str, pivot: bool) -> None:
    if not pivot:
        raise ArgumentError(f"{name}: LU without pivoting is not implemented on the CPU")
