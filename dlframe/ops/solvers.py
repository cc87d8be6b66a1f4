"""Operations that solve linear equations: inverses, triangular systems, determinants.

The last two axes are a matrix, those before them a batch. The derivations are those of M. B. Giles,
*An extended collection of matrix derivative results* (2008), unless a rule says otherwise.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe.ops import lapack
from dlframe.ops.op import op
from dlframe.ops.record import Array
from dlframe.ops.shape import reshape, transpose, tril, triu

__all__ = [
    "cholesky_solve",
    "inv",
    "solve",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# (rules are typed by their names: g, out, the inputs and options of their op)


def transposed(x: Any) -> Any:
    """Every matrix of the batch transposed."""
    return x.swapaxes(-1, -2)


# --- inverse and equations ---------------------------------------------------------------------


@op(latex="A^{-1}")
def inv(a: Array) -> Any:
    """The inverse of every matrix."""
    if not lapack.is_small(a) and a.size:
        return lapack.factored("linalg.inv", "the inversion", a).inverse()
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        raise lapack.singular("linalg.inv", "the inversion", a) from None


@inv.vjp("a", latex=r"-Z^\top G Z^\top")
def _(g, out):
    # a a⁻¹ = 1 gives da⁻¹ = -a⁻¹ da a⁻¹, so the gradient is -a⁻ᵀ g a⁻ᵀ
    t = transposed(out)
    return -(t @ g @ t)


@op(broadcasts=True, latex="Z: A Z = B")
def solve(a: Array, b: Array) -> Any:
    """The x with a x = b, for matrices `b`; the batches of both broadcast."""
    return _solved(a, b)[0]


@solve.fast_forward
def _(a, b):
    return _solved(a, b)


def _solved(a: Array, b: Array) -> tuple[Array, lapack.Factored | None]:
    """The solution, and the factors of `a` if they were needed for it."""
    if lapack.is_small(a) or not a.size:
        try:
            return _for_all_columns(np.linalg.solve, a, b), None
        except np.linalg.LinAlgError:
            raise lapack.singular("linalg.solve", "the solution", a) from None
    factors = lapack.factored("linalg.solve", "the solution", a)
    return _for_all_columns(lambda _, columns: factors.solve(columns), a, b), factors


@solve.vjp("a", latex=r"-A^{-\top} G Z^\top")
def _(g, a, out):
    # a x = b gives a dx = db - da x, so the gradient of b is a⁻ᵀ g, and that of a is a⁻ᵀ g (-xᵀ)
    return -(solve(transposed(a), g) @ transposed(out))


@solve.vjp("b", latex=r"A^{-\top} G")
def _(g, a):
    # x = a⁻¹ b is linear in b
    return solve(transposed(a), g)


@solve.fast_backward
def _(g, needs, a, out, residuals):
    if residuals is None:
        gb = solve(transposed(a), g)
    else:  # the factors of the forward can be used for aᵀ, too
        gb = _for_all_columns(lambda _, columns: residuals.solve(columns, transposed=True), a, g)
    return (-(gb @ transposed(out)) if needs[0] else None), gb


@op(broadcasts=True, latex="Z: A Z = B")
def solve_triangular(
    a: Array, b: Array, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Any:
    """The x with a x = b (or x a = b) for a triangular `a`; `unitriangular`: its diagonal is 1.

    A zero on the diagonal gives infinities.
    """
    solved = functools.partial(
        lapack.triangular, upper=upper, left=left, unitriangular=unitriangular
    )
    return _for_all_columns(solved, a, b) if left else solved(a, b)


@solve_triangular.vjp("a", latex=r"\mathrm{triangle}(-A^{-\top} G Z^\top)")
def _(g, a, out, *, upper, left=True, unitriangular=False):
    # as for solve, but only the triangle of a counts, without its diagonal if that is taken as 1
    gb = _triangular_gradient(g, a, upper, left, unitriangular)
    ga = -(gb @ transposed(out)) if left else -(transposed(out) @ gb)
    return triu(ga, k=int(unitriangular)) if upper else tril(ga, k=-int(unitriangular))


@solve_triangular.vjp("b", latex=r"A^{-\top} G")
def _(g, a, *, upper, left=True, unitriangular=False):
    # linear in b: the same with aᵀ, which is the other triangle
    return _triangular_gradient(g, a, upper, left, unitriangular)


def _triangular_gradient(g: Any, a: Any, upper: bool, left: bool, unitriangular: bool) -> Any:
    return solve_triangular(
        transposed(a), g, upper=not upper, left=left, unitriangular=unitriangular
    )


@op(broadcasts=True, latex=r"Z: L L^\top Z = B")
def cholesky_solve(b: Array, factor: Array, *, upper: bool = False) -> Any:
    """The x with a x = b, a given by its Cholesky factor: L Lᵀ x = b, or Uᵀ U x = b for `upper`."""
    lower = transposed(factor) if upper else factor
    half = solve_triangular(lower, b, upper=False)
    return solve_triangular(transposed(lower), half, upper=True)


@cholesky_solve.vjp("b", latex=r"(L L^\top)^{-1} G")
def _(g, factor, *, upper):
    # linear in b, by a⁻¹, which is symmetric
    return cholesky_solve(g, factor, upper=upper)


@cholesky_solve.vjp("factor", latex=r"-(M + M^\top) L, \quad M = (L L^\top)^{-1} G Z^\top")
def _(g, factor, out, *, upper):
    # a = L Lᵀ with all of L: the gradient of a, -gb xᵀ, made symmetric, times L
    half = cholesky_solve(g, factor, upper=upper) @ transposed(out)
    both = -(half + transposed(half))
    return factor @ both if upper else both @ factor


def _for_all_columns(solved: Callable[[Array, Array], Array], a: Array, b: Array) -> Array:
    """One matrix with a batch of right sides is factorized once; they become its columns."""
    if a.ndim > 2 or b.ndim == 2:
        return solved(a, b)
    columns = np.moveaxis(b, -2, 0)
    out = solved(a, columns.reshape(len(columns), -1)).reshape(columns.shape)
    return np.moveaxis(out, 0, -2)


# --- of tensors as maps ------------------------------------------------------------------------


def tensorinv(a: Any, *, ind: int) -> Any:
    """The inverse of `a` as a matrix; its first `ind` axes, taken as one, are the rows."""
    first, last = tuple(a.shape[:ind]), tuple(a.shape[ind:])
    square = reshape(a, shape=(math.prod(first), math.prod(last)))
    return reshape(inv(square), shape=(*last, *first))


def tensorsolve(a: Any, b: Any, *, axes: tuple[int, ...] = ()) -> Any:
    """The x with `tensordot(a, x, x.ndim) == b`; `axes` of `a` are moved to the end first."""
    rest = [k for k in range(len(a.shape)) if k not in axes]
    a = transpose(a, axes=(*rest, *axes)) if axes else a
    last = tuple(a.shape[len(b.shape) :])
    square = reshape(a, shape=(math.prod(b.shape), math.prod(last)))
    return reshape(solve(square, reshape(b, shape=(-1, 1))), shape=last)
