"""Equations, inverses and determinants."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.errors import ArgumentError, DTypeError, LinAlgError, ShapeError
from dlframe.ops import lapack
from dlframe.ops.calling import wrap
from dlframe.ops.matrix_functions import inverse_or_infinite
from dlframe.ops.record import Array
from dlframe.tensor import functions as F
from dlframe.tensor.arguments import (
    also_named,
    checked_dims,
    is_vector,
    require_floating,
    require_matrices,
    require_same_dtype,
    require_system,
    require_to_broadcast,
    tolerance,
)
from dlframe.tensor.functions import factors, return_types

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = [
    "det",
    "inv",
    "inv_ex",
    "ldl_solve",
    "lstsq",
    "lu_solve",
    "pinv",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]


# --- equations ---------------------------------------------------------------------------------


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The X with A X = B, or X A = B if not `left`.

    (..., n, n) and (..., n, k) give (..., n, k), batches broadcast; a `B` of shape (n) or of A's
    batch and (n) is one vector for each matrix. The gradient with respect to B is A⁻ᵀ g,
    that with respect to A is -A⁻ᵀ g Xᵀ (Giles 2008, section 2.3.1).

    Raises:
        LinAlgError: a matrix is singular.
        ShapeError: the shapes do not fit.

    >>> dl.linalg.solve(dl.tensor([[2.0, 0.0], [0.0, 4.0]]), dl.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    return _solved("linalg.solve", A, B, left, ops.solve)


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """The X with A X = B, for the factors of a symmetric A that `ldl_factor` gives.

    (..., n, n), (..., n) and (..., n, k) give (..., n, k), and batches broadcast. There is no
    gradient; `linalg.solve` has one.

    >>> factors = dl.linalg.ldl_factor(dl.tensor([[2.0, 0.0], [0.0, -4.0]]))
    >>> dl.linalg.ldl_solve(*factors, dl.tensor([[2.0], [2.0]]))
    tensor([[ 1.0000],
            [-0.5000]])
    """
    name = "linalg.ldl_solve"
    require_matrices(name, LD)
    require_system(name, LD, B)
    if pivots.dtype.kind not in "iu":
        raise DTypeError(f"{name}: pivots must be integers, got {pivots.dtype}")
    if pivots.shape != LD.shape[:-1]:
        raise ShapeError(
            f"{name}: pivots must have shape {list(LD.shape[:-1])} for LD{list(LD.shape)}, got "
            f"{list(pivots.shape)}"
        )
    rows = pivots.array.astype(np.int32)

    def solved(ld: Array, b: Array) -> tuple[Array]:
        return (lapack.ldl_solve(ld, rows, b),)

    out: Tensor = factors.without_gradient(name, "differentiate linalg.solve", solved, LD, B)[0]
    return out


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """`solve`, and per matrix an int32: 0, or k if it is singular with U[k, k] = 0.

    Raises:
        LinAlgError: a matrix is singular, if `check_errors`.

    >>> dl.linalg.solve_ex(dl.ones(2, 2), dl.ones(2)).info
    tensor(2, dtype=dlframe.int32)
    """
    require_matrices("linalg.solve_ex", A)
    info = np.zeros(A.shape[:-2], np.int32)
    try:
        result = _solved("linalg.solve_ex", A, B, left, ops.solve)
    except LinAlgError:
        if check_errors:
            raise
        info = lapack.lu(A.array)[2]
        result = _solved("linalg.solve_ex", A, B, left, _divided)
    return return_types.linalg_solve_ex(result, wrap(info))


def _divided(A: Any, B: Any) -> Any:
    """The solution by LU factors, infinite where a matrix is singular."""
    factors, pivots = ops.lu_factor(A)
    return ops.lu_solve(factors, pivots, B)


def _solved(name: str, A: Any, B: Any, left: bool, solver: Any) -> Any:
    require_matrices(name, A)
    require_same_dtype(name, A, B)
    if is_vector(A, B):
        if not left:
            raise ShapeError(
                f"{name}: Incompatible shapes of A and B for the equation XA = B "
                f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-1]}x1); a row vector is "
                "b.unsqueeze(-2)"
            )
        require_system(name, A, B[..., None])
        return ops.squeeze(solver(A, B[..., None]), axis=-1)
    require_system(name, A, B, left=left)
    if left:
        return solver(A, B)
    return ops.swapaxes(solver(_transposed(A), _transposed(B)), axis1=-1, axis2=-2)


def _transposed(x: Any) -> Any:
    return ops.swapaxes(x, axis1=-1, axis2=-2)


@also_named(A="input")
def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """The X with A X = B, or X A = B if not `left`, for a triangular `A`; batches broadcast.

    Only the triangle counts; with `unitriangular` its diagonal is taken as 1. A zero on the
    diagonal gives infinities. The gradients are those of `solve`, but for A only in
    the triangle.

    >>> A = dl.tensor([[2.0, 1.0], [0.0, 4.0]])
    >>> dl.linalg.solve_triangular(A, dl.tensor([[3.0], [4.0]]), upper=True)
    tensor([[1.],
            [1.]])
    """
    require_matrices("linalg.solve_triangular", A)
    require_system("linalg.solve_triangular", A, B, left=left)
    return ops.solve_triangular(A, B, upper=upper, left=left, unitriangular=unitriangular)


def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """`solve` for an A given by its `lu_factor`; for its transpose with `adjoint`.

    >>> A = dl.tensor([[1.0, 2.0], [2.0, 2.0]])
    >>> dl.linalg.lu_solve(*dl.linalg.lu_factor(A), dl.tensor([[3.0], [4.0]]))
    tensor([[1.],
            [1.]])
    """
    require_matrices("linalg.lu_solve", LU)
    require_system("linalg.lu_solve", LU, B, left=left)
    if tuple(pivots.shape) != tuple(LU.shape[:-1]):
        raise ShapeError(
            f"linalg.lu_solve: Number of pivots per batch should be same as the dimension of the "
            f"matrix; got pivots{list(pivots.shape)} and LU{list(LU.shape)}"
        )
    return ops.lu_solve(LU, pivots, B, left=left, adjoint=adjoint)


# --- inverses ----------------------------------------------------------------------------------


def inv(A: Tensor) -> Tensor:
    """The inverse, A⁻¹; its gradient is -A⁻ᵀ g A⁻ᵀ (Giles 2008, section 2.2.3).

    A⁻¹ b is faster and more accurate as `solve(A, b)`.

    Raises:
        LinAlgError: a matrix is singular.

    >>> dl.linalg.inv(dl.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return F.inverse(A)


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """`inv`, and per matrix an int32: 0, or k if it is singular with U[k, k] = 0.

    Raises:
        LinAlgError: a matrix is singular, if `check_errors`.

    >>> dl.linalg.inv_ex(dl.ones(2, 2)).info
    tensor(2, dtype=dlframe.int32)
    """
    require_matrices("linalg.inv_ex", A)
    info = np.zeros(A.shape[:-2], np.int32)
    try:
        inverse = ops.inv(A)
    except LinAlgError:
        if check_errors:
            raise lapack.singular("linalg.inv_ex", "the inversion", A.array) from None
        info = lapack.lu(A.array)[2]
        inverse = inverse_or_infinite(A)
    return return_types.linalg_inv_ex(inverse, wrap(info))


@also_named(A="input")
def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """The pseudo-inverse of Moore and Penrose, V diag(1/s) Uᵀ for A = U diag(s) Vᵀ.

    (..., m, n) gives (..., n, m). Singular values up to max(atol, rtol · the largest) count as 0;
    without `atol`, rtol is max(m, n) ε. `rcond` is an older name of `rtol`. With `hermitian` the
    eigenvalues of the lower triangle are used. The gradient is Golub and Pereyra's (1973), which
    holds while the rank stays the same.

    >>> dl.linalg.pinv(dl.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]))
    tensor([[1.0000, 0.0000, 0.0000],
            [0.0000, 0.0000, 0.5000]])
    """
    require_matrices("linalg.pinv", A, square=hermitian and A.numel() > 0)
    rtol = rcond if rtol is None else rtol
    return ops.pinv(
        A,
        atol=tolerance("linalg.pinv", atol),
        rtol=tolerance("linalg.pinv", rtol),
        hermitian=hermitian,
    )


@also_named(A="input", B="b")
def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """The X that minimizes ‖A X - B‖; if there are several, the one with the smallest norm.

    (..., m, n) and (..., m, k) give (..., n, k); a `B` with one dimension less is a vector for each
    matrix. `driver` is the method of LAPACK: "gelsy" (QR with pivoting, the default), "gels" (QR,
    for full rank), "gelsd" or "gelss" (singular values). Singular values up to `rcond` times the
    largest count as 0, by default ε max(m, n). All drivers but "gelsy" return the residuals
    ‖A X - B‖² of each column, if m > n and all matrices have full rank. All but "gels" return the
    rank; "gelsd" and "gelss" return the singular values.

    With X = A⁺ B, the gradient with respect to B is (A⁺)ᵀ g; that with respect to A is what `pinv`
    makes of its gradient g Bᵀ.

    >>> A = dl.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> dl.linalg.lstsq(A, dl.tensor([[1.0], [3.0], [5.0]])).solution
    tensor([[1.0000],
            [2.0000]])
    """
    name = "linalg.lstsq"
    require_matrices(name, A, square=False)
    require_same_dtype(name, A, B)
    driver = driver or "gelsy"
    if driver not in ("gels", "gelsd", "gelss", "gelsy"):
        raise ArgumentError(
            f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got "
            f"{driver!r}"
        )
    if not 0 <= A.ndim - B.ndim <= 1:
        raise ShapeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - "
            f"other.dim()) <= 1; got A{list(A.shape)} and B{list(B.shape)}"
        )
    vector = B.ndim < A.ndim
    if A.shape[-2] != B.shape[-1 if vector else -2]:
        raise ShapeError(
            f"{name}: A and B need the same number of rows, {A.shape[-2]} are not "
            f"{B.shape[-1 if vector else -2]}; got A{list(A.shape)} and B{list(B.shape)}"
        )
    B = B[..., None] if vector else B
    batch = require_to_broadcast(name, A.shape[:-2], B.shape[:-2])
    A, B = (ops.broadcast_to(x, shape=(*batch, *x.shape[-2:])) for x in (A, B))
    m, n = A.shape[-2:]
    if rcond is None:
        rcond = float(np.finfo(A.dtype).eps) * max(m, n)
    x, rank = ops.least_squares(A, B, rcond=float(rcond), driver=driver)
    residuals = wrap(np.zeros(0, A.dtype))
    if m > n and driver != "gelsy" and (driver == "gels" or bool((rank.array == n).all())):
        difference = A @ x - B
        residuals = (difference * difference).sum(-2)
    return return_types.linalg_lstsq(
        ops.squeeze(x, axis=-1) if vector else x,
        residuals,
        wrap(np.zeros(0, np.int64) if driver == "gels" else rank.array),
        wrap(ops.svdvals(A.array) if driver in ("gelsd", "gelss") else np.zeros(0, A.dtype)),
    )


# --- determinants ------------------------------------------------------------------------------


def det(A: Tensor) -> Tensor:
    """The determinant; its gradient is the matrix of cofactors, det · A⁻ᵀ for an invertible A.

    The gradient is right for singular matrices too, by way of the singular value decomposition.

    >>> dl.linalg.det(dl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    return F.det(A)


def slogdet(A: Tensor) -> Any:
    """The determinant's sign and ln |det A|, without overflow; the gradient of ln |det A| is A⁻ᵀ.

    >>> sign, logabsdet = dl.linalg.slogdet(dl.eye(3) * 1e-30)
    >>> sign, logabsdet
    (tensor(1.), tensor(-207.2327))
    """
    return return_types.linalg_slogdet(*F.slogdet(A))


# --- tensors as matrices -----------------------------------------------------------------------


@also_named(A="input")
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of A as a map: `tensordot(tensorinv(A, ind), B, ind)` is `tensorsolve(A, B)`.

    The first `ind` dimensions, taken as one, must be as large as the others together.

    >>> dl.linalg.tensorinv(dl.eye(6).reshape(2, 3, 6)).shape
    (6, 2, 3)
    """
    if ind <= 0:
        raise ArgumentError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    n = math.prod(first)
    if math.prod(last) != n or not A.ndim:
        raise ShapeError(
            "linalg.tensorinv: Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {math.prod(last)} != {n}; shape {list(A.shape)}"
        )
    require_floating("linalg.tensorinv", A, wide=True)
    return ops.tensorinv(A, ind=ind)


@also_named(A="input", B="other")
def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """The X with `tensordot(A, X, X.ndim) == B`; `dims` of A are moved to the end first.

    >>> A = dl.eye(6).reshape(2, 3, 6) * 2
    >>> dl.linalg.tensorsolve(A, dl.ones(2, 3))
    tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000])
    """
    require_same_dtype("linalg.tensorsolve", A, B)
    moved: tuple[int, ...] = ()
    if dims is not None and A.ndim:
        moved = checked_dims((dims,) if isinstance(dims, int) else dims, A.ndim)
    shape = [A.shape[d] for d in (*(d for d in range(A.ndim) if d not in moved), *moved)]
    n, k = math.prod(shape[: B.ndim]), math.prod(shape[B.ndim :])
    if n != k:
        raise ShapeError(
            "linalg.tensorsolve: Expected self to satisfy the requirement "
            f"prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got {k} != {n}; "
            f"A{shape} and B{list(B.shape)}"
        )
    require_floating("linalg.solve", A, wide=True)
    return ops.tensorsolve(A, B, axes=moved)
