"""Determinants, inverses, factors and powers of matrices, under the names they have in `torch`.

`dlframe.linalg` has more, and newer forms of some.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.dtypes import float32, result_type
from dlframe.errors import ArgumentError, LinAlgError, ShapeError
from dlframe.ops.calling import wrap
from dlframe.tensor.arguments import (
    also_named,
    require_floating,
    require_matrices,
    require_system,
    to_dtype,
    tolerance,
)
from dlframe.tensor.functions import return_types

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "inverse",
    "logdet",
    "lu_solve",
    "lu_unpack",
    "matrix_exp",
    "matrix_power",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
    "triangular_solve",
    "vander",
]


# --- determinants and inverses -----------------------------------------------------------------


def det(input: Tensor) -> Tensor:
    """The determinant; its gradient is the matrix of cofactors, det · A⁻ᵀ for an invertible A.

    The gradient is right for singular matrices too, by way of the singular value decomposition.

    >>> dl.det(dl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    require_matrices("linalg.det", input)
    return ops.det(input)


def slogdet(input: Tensor) -> Any:
    """The determinant's sign and ln |det|, without overflow; the gradient of ln |det| is A⁻ᵀ.

    >>> dl.slogdet(dl.tensor([[1.0, 2.0], [3.0, 4.0]])).sign
    tensor(-1.)
    """
    require_matrices("linalg.slogdet", input)
    return return_types.slogdet(*ops.slogdet(input))


def logdet(input: Tensor) -> Tensor:
    """ln det, nan where the determinant is negative and -∞ where it is 0; its gradient is A⁻ᵀ.

    >>> dl.logdet(dl.eye(2) * 2)
    tensor(1.3863)
    """
    require_matrices("logdet", input)
    sign, logabs = ops.slogdet(input)
    return ops.where(ops.less(sign, 0.0), np.nan, logabs)


def inverse(input: Tensor) -> Tensor:
    """The inverse, as `linalg.inv`.

    >>> dl.inverse(dl.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    require_matrices("linalg.inv", input)
    return ops.inv(input)


def pinverse(input: Tensor, rcond: Any = 1e-15) -> Tensor:
    """The pseudo-inverse, as `linalg.pinv`: singular values up to rcond · the largest count as 0.

    >>> dl.pinverse(dl.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]))
    tensor([[1.0000, 0.0000, 0.0000],
            [0.0000, 0.0000, 0.5000]])
    """
    require_matrices("linalg.pinv", input, square=False)
    return ops.pinv(input, rtol=tolerance("linalg.pinv", rcond))


# --- factors and what they solve ---------------------------------------------------------------


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The triangular factor of symmetric positive definite matrices, as `linalg.cholesky`.

    >>> dl.cholesky(dl.tensor([[4.0, 2.0], [2.0, 10.0]]), upper=True)
    tensor([[2., 1.],
            [0., 3.]])
    """
    require_matrices("cholesky", input)
    return ops.cholesky(input, upper=upper)


@also_named(L="input")
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """(L Lᵀ)⁻¹ of a lower triangle, or (Uᵀ U)⁻¹ of an upper one.

    Raises:
        LinAlgError: there is a zero on the diagonal.

    >>> dl.cholesky_inverse(dl.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([[0.2500, 0.0000],
            [0.0000, 1.0000]])
    """
    require_matrices("cholesky_inverse", L)
    zeros = np.diagonal(L.array, axis1=-2, axis2=-1) == 0
    if zeros.any():
        raise LinAlgError(
            f"cholesky_inverse: The diagonal element {int(np.argwhere(zeros)[0][-1]) + 1} is zero, "
            "the inversion could not be completed because the input matrix is singular. Shape "
            f"{list(L.shape)}."
        )
    return ops.cholesky_solve(np.eye(L.shape[-1], dtype=L.dtype), L, upper=upper)


@also_named(B="input", L="input2")
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """The X with L Lᵀ X = B for a lower triangle, or Uᵀ U X = B for an upper one.

    If G is the gradient with respect to B, that with respect to L is -(G Xᵀ + X Gᵀ) L. As in
    PyTorch, it treats L as a full matrix.

    >>> dl.cholesky_solve(dl.tensor([[8.0], [1.0]]), dl.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([[2.],
            [1.]])
    """
    require_matrices("cholesky_solve", L)
    require_system("cholesky_solve", L, B)
    return ops.cholesky_solve(B, L, upper=upper)


@also_named(b="input")
def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """The X with A X = b (Aᵀ X = b with `transpose`), as `linalg.solve_triangular`; and A.

    >>> dl.triangular_solve(dl.tensor([[3.0], [4.0]]), dl.tensor([[2.0, 1.0], [0.0, 4.0]])).solution
    tensor([[1.],
            [1.]])
    """
    require_matrices("triangular_solve", A)
    require_system("triangular_solve", A, b)
    matrix = ops.swapaxes(A, axis1=-1, axis2=-2) if transpose else A
    x = ops.solve_triangular(matrix, b, upper=upper != transpose, unitriangular=unitriangular)
    return return_types.triangular_solve(x, ops.copy(A))


@also_named(b="input")
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """The X with A X = b for an A given by its `linalg.lu_factor`.

    >>> factors = dl.linalg.lu_factor(dl.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> dl.lu_solve(dl.tensor([[3.0], [4.0]]), *factors)
    tensor([[1.],
            [1.]])
    """
    require_matrices("lu_solve", LU_data)
    require_system("lu_solve", LU_data, b)
    return ops.lu_solve(LU_data, LU_pivots, b)


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> Any:
    """P, L and U with A = P L U, from the result of `linalg.lu_factor`; empty if not asked for.

    >>> P, L, U = dl.lu_unpack(*dl.linalg.lu_factor(dl.tensor([[1.0, 2.0], [2.0, 2.0]])))
    >>> P
    tensor([[0., 1.],
            [1., 0.]])
    """
    require_matrices("lu_unpack", LU_data, square=False)
    P, L, U = ops.lu_unpack(LU_data, LU_pivots)
    empty = wrap(np.empty(0, LU_data.dtype))
    return return_types.lu_unpack(
        P if unpack_pivots else empty, *((L, U) if unpack_data else (empty, empty))
    )


def qr(input: Tensor, some: bool = True) -> Any:
    """Q and R, as `linalg.qr`; Q is square without `some`.

    >>> dl.qr(dl.tensor([[3.0, 1.0], [4.0, 2.0]])).R
    tensor([[-5.0000, -2.2000],
            [ 0.0000,  0.4000]])
    """
    require_matrices("linalg.qr", input, square=False)
    return return_types.qr(*ops.qr(input, mode="reduced" if some else "complete"))


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """U, S and V with A = U diag(S) Vᵀ, as `linalg.svd`, which returns Vᵀ.

    U and V are square without `some`, and zeros without `compute_uv`.

    >>> dl.svd(dl.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    require_matrices("linalg.svd", input, square=False)
    if compute_uv:
        U, S, Vh = ops.svd(input, full_matrices=not some)
        return return_types.svd(U, S, ops.swapaxes(Vh, axis1=-1, axis2=-2))
    *batch, m, n = input.shape
    U, V = (wrap(np.zeros((*batch, k, k), input.dtype)) for k in (m, n))
    return return_types.svd(U, ops.svdvals(input), V)


# --- powers ------------------------------------------------------------------------------------


def matrix_power(input: Tensor, n: int) -> Tensor:
    """The product of `n` copies, of the inverse for negative n; the identity for n = 0.

    Raises:
        LinAlgError: n < 0 and a matrix is singular.

    >>> dl.matrix_power(dl.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    n = operator.index(n)
    if n < 0:
        require_matrices("linalg.inv", input)
    elif input.ndim < 2 or input.shape[-1] != input.shape[-2]:
        sizes = " by ".join(str(k) for k in input.shape[-2:])
        raise ShapeError(
            f"linalg.matrix_power: A must be batches of square matrices, but they are {sizes}"
        )
    out = ops.matrix_power(input, n)
    return ops.copy(input) if out is input else out  # with its own memory


@also_named(A="input")
def matrix_exp(A: Tensor) -> Tensor:
    """The exponential Σ Aᵏ / k! of square matrices.

    Its gradient is the upper right block of exp [[Aᵀ, g], [0, Aᵀ]] (Higham, *Functions of
    Matrices*, 2008, section 10.6).

    >>> dl.matrix_exp(dl.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    require_floating("linalg.matrix_exp", A)
    wide = to_dtype(A, result_type(A, wrap(np.zeros(1, float32))))
    require_matrices("linalg.matrix_exp", wide)
    return to_dtype(ops.expm(wide), A.dtype)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Vandermonde's matrix: a row of `N` powers for each element, the highest first.

    >>> dl.vander(dl.tensor([2, 3]), N=3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    if x.ndim != 1:
        raise ShapeError(f"x must be a one-dimensional tensor. Got shape {list(x.shape)}")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise ArgumentError(f"N must be non-negative. Got {count}")
    return ops.vander(x, n=count, increasing=increasing)
