"""Reflections, and decompositions of matrices of low rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import ops
from dlframe.autograd import Function
from dlframe.dtypes import get_default_dtype
from dlframe.errors import ArgumentError, GradientError, LinAlgError, ShapeError
from dlframe.ops import lapack
from dlframe.ops.calling import wrap
from dlframe.ops.record import Array
from dlframe.random import or_default
from dlframe.tensor.arguments import require_matrices, require_same_dtype, to_dtype
from dlframe.tensor.functions import return_types

if TYPE_CHECKING:
    from dlframe.tensor import Tensor

__all__ = ["geqrf", "lu", "orgqr", "ormqr", "pca_lowrank", "svd_lowrank"]


class _WithoutGradient(Function):
    """A computation whose gradient nobody has derived: asking for it is an error, not a zero."""

    @staticmethod
    def forward(ctx: Any, name: str, instead: str, compute: Any, *tensors: Any) -> Any:
        ctx.text = f"{name}: there is no gradient; {instead}"
        outputs = tuple(wrap(a) for a in compute(*[x.array for x in tensors]))
        ctx.mark_non_differentiable(*[y for y in outputs if y.dtype.kind != "f"])
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise GradientError(ctx.text)


def without_gradient(name: str, instead: str, compute: Any, *tensors: Any) -> Any:
    """The tensors of `compute(*arrays)`; their backward raises, and says what to use instead."""
    return _WithoutGradient.apply(name, instead, compute, *tensors)


# --- reflections -------------------------------------------------------------------------------


def geqrf(input: Tensor) -> Any:
    """R and the reflections whose product is Q, in one matrix, as LAPACK keeps a QR decomposition.

    `a` (..., m, n) is R on and above its diagonal. Column i below it is the vector vᵢ (its first
    number, 1, is left out) of Hᵢ = 1 - τᵢ vᵢ vᵢᵀ, and Q = H₁ H₂ … is `orgqr(a, tau)`. There is no
    gradient; `linalg.qr` has one.

    >>> a, tau = dl.geqrf(dl.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> a.triu()
    tensor([[-5.0000, -2.2000],
            [ 0.0000,  0.4000]])
    """
    require_matrices("geqrf", input, square=False)
    found = without_gradient("geqrf", "differentiate linalg.qr", _reflections, input)
    return return_types.geqrf(*found)


def _reflections(a: Array) -> tuple[Array, Array]:
    if not a.size:
        return a.copy(), np.zeros((*a.shape[:-2], min(a.shape[-2:])), a.dtype)
    columns, tau = np.linalg.qr(a, mode="raw")
    return np.ascontiguousarray(columns.swapaxes(-1, -2)), tau


def orgqr(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of the product of reflections, as `linalg.householder_product`.

    >>> dl.orgqr(dl.tensor([[9.0], [1.0]]), dl.tensor([1.0]))
    tensor([[ 0.],
            [-1.]])
    """
    m, n, _ = checked_reflections("orgqr", input, tau)
    one = np.eye(m, n, dtype=input.dtype)
    return reflected(input, tau, ops.broadcast_to(wrap(one), shape=tuple(input.shape)))


def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False
) -> Tensor:
    """Q C for C = `other` and the whole square Q of reflections, which is never formed.

    Args:
        input, tau: reflections (..., m, k) and (..., k), as `geqrf` gives them.
        other: (..., m, n), or (..., n, m) without `left`.
        left: Q C; otherwise C Q.
        transpose: use Qᵀ instead of Q.

    >>> a, tau = dl.geqrf(dl.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> dl.ormqr(a, tau, dl.tensor([[3.0], [4.0]]), transpose=True)
    tensor([[-5.0000],
            [ 0.0000]])
    """
    m, _, _ = checked_reflections("ormqr", input, tau)
    require_same_dtype("ormqr", input, other)
    if other.ndim != input.ndim or other.shape[:-2] != input.shape[:-2]:
        raise ShapeError(
            f"ormqr: batch dimensions of input and other must be equal, got {list(input.shape)} "
            f"and {list(other.shape)}"
        )
    if other.shape[-2 if left else -1] != m:
        where = "other.shape[-2]" if left else "other.shape[-1]"
        raise ShapeError(
            f"ormqr: {where} must be equal to input.shape[-2], got other{list(other.shape)} and "
            f"input{list(input.shape)}"
        )
    if left:
        return reflected(input, tau, other, forward=transpose)
    turned = ops.swapaxes(other, axis1=-1, axis2=-2)  # C Q = (Qᵀ Cᵀ)ᵀ
    out = reflected(input, tau, turned, forward=not transpose)
    return ops.swapaxes(out, axis1=-1, axis2=-2)


def reflected(a: Any, tau: Any, x: Any, *, forward: bool = False) -> Any:
    """H₁ H₂ … Hₖ x; with `forward` Hₖ … H₁ x, which is the transposed product."""
    vectors = ops.tril(a, k=-1) + np.eye(*a.shape[-2:], dtype=a.dtype)
    for i in range(tau.shape[-1]) if forward else reversed(range(tau.shape[-1])):
        v = vectors[..., i, None]
        x = x - tau[..., i, None, None] * v @ (ops.swapaxes(v, axis1=-1, axis2=-2) @ x)
    return x


def checked_reflections(name: str, a: Any, tau: Any) -> tuple[int, int, int]:
    """The sizes m, n and k of reflections (..., m, n) and (..., k)."""
    require_matrices(name, a, square=False)
    require_same_dtype(name, a, tau)
    m, n = a.shape[-2:]
    k = tau.shape[-1] if tau.ndim else -1
    if not 0 <= k <= n <= m or tuple(tau.shape[:-1]) != tuple(a.shape[:-2]):
        raise ShapeError(
            f"{name}: the reflections are (..., m, n) and tau (..., k) with k <= n <= m; got "
            f"{list(a.shape)} and tau{list(tau.shape)}"
        )
    return m, n, k


# --- LU, in the older form ---------------------------------------------------------------------


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """The factors and row exchanges of `linalg.lu_factor_ex`; `linalg.lu` gives P, L and U.

    >>> LU, pivots = dl.lu(dl.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> LU
    tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]])
    """
    require_matrices("lu", A, square=False)
    if not pivot:
        raise ArgumentError("lu: LU without pivoting is not implemented on the CPU")
    factors, pivots = ops.lu_factor(A)
    info = lapack.zero_pivot(factors.array)
    if get_infos:
        return factors, pivots, wrap(info)
    if info.any():
        where, k = lapack.first_failure(info)
        raise LinAlgError(
            f"lu: {where}U[{k},{k}] is zero, so that no system can be solved with it; "
            "get_infos=True gives the factors nevertheless"
        )
    return factors, pivots


# --- low rank ----------------------------------------------------------------------------------


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> Any:
    """U, S and V of about the q largest singular values of A - M: A - M ≈ U diag(S) Vᵀ.

    q random vectors, multiplied by A and Aᵀ in turn, span about the space of the largest singular
    vectors; the decomposition is that of A in this small space. It is fast for large matrices
    of low rank. Halko, Martinsson and Tropp (2011), "Finding structure with randomness",
    algorithms 4.4 and 5.1.

    Args:
        A: (..., m, n).
        q: the number of singular values, a little more than the rank.
        niter: how often A Aᵀ is applied: more for singular values that fall off slowly.
        M: what is subtracted from A, such as its mean.

    Returns:
        U (..., m, q), S (..., q) and V (..., n, q).

    >>> _ = dl.manual_seed(0)
    >>> dl.svd_lowrank(dl.tensor([[3.0, 0.0], [0.0, 4.0]]), q=2)[1]
    tensor([4.0000, 3.0000])
    """
    require_matrices("svd_lowrank", A, square=False)
    a: Any = A if M is None else A - ops.broadcast_to(M, shape=tuple(A.shape))
    wide = a.shape[-2] < a.shape[-1]
    if wide:
        a = _turned(a)
    basis = _basis(a, 6 if q is None else q, 2 if niter is None else niter)
    u, s, vh = ops.svd(_turned(basis) @ a, full_matrices=False)
    u, v = basis @ u, _turned(vh)
    return (v, s, u) if wide else (u, s, v)


def _turned(a: Any) -> Any:
    return ops.swapaxes(a, axis1=-1, axis2=-2)


def _basis(a: Any, q: int, niter: int) -> Any:
    """q orthonormal columns that span about the space of the largest singular vectors."""
    start = or_default(None).normal((a.shape[-1], q), a.dtype)
    basis, _ = ops.qr(a @ wrap(start), mode="reduced")
    for _ in range(niter):
        basis, _ = ops.qr(_turned(a) @ basis, mode="reduced")
        basis, _ = ops.qr(a @ basis, mode="reduced")
    return basis


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """Principal components: `svd_lowrank` of A without its mean row, A - μ ≈ U diag(S) Vᵀ.

    The rows of A (..., m, n) are samples. The columns of V are the directions in which they vary
    most, S² / (m - 1) their variances, and A @ V[:, :k] the samples in k coordinates.

    Args:
        A: (..., m, n).
        q: the number of components, by default min(6, m, n).
        center: whether to subtract the mean.
        niter: as in `svd_lowrank`.

    >>> _ = dl.manual_seed(0)
    >>> points = dl.tensor([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    >>> dl.pca_lowrank(points, q=1)[2].abs()
    tensor([[0.7071],
            [0.7071]])
    """
    most = min(A.shape[-2:]) if A.ndim > 1 else 0
    if q is None:
        q = min(6, most)
    elif not 0 <= q <= most:
        raise ArgumentError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={most}"
        )
    if niter < 0:
        raise ArgumentError(f"niter(={niter}) must be non-negative integer")
    a: Any = A if A.dtype.kind == "f" else to_dtype(A, get_default_dtype())
    return svd_lowrank(a - a.mean(-2, keepdim=True) if center else a, q, niter)
