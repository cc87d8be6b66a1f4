"""Samples of linear algebra: dlframe/ops/{decompositions,solvers,matrix_functions,norms}.py and dlframe/linalg."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.linalg

from samples.table import Array, Call, ErrorSample, Named, Numbers, Sample, calls

n = Numbers(23)
INF = math.inf


# --- matrices ----------------------------------------------------------------------------------


def square(*shape: int) -> Array:
    """Well-conditioned, and far from symmetric."""
    return n.away(*shape) * 0.5 + 2 * np.eye(shape[-1])


def symmetric(*shape: int) -> Array:
    """With eigenvalues that lie apart."""
    a = n.away(*shape) * 0.3
    return a + a.swapaxes(-1, -2) + np.diag(np.arange(shape[-1]) * 2.0 + 3)


def positive(*shape: int) -> Array:
    """Symmetric, positive definite."""
    a = n.away(*shape)
    return a @ a.swapaxes(-1, -2) + np.eye(shape[-1])


def spread(*shape: int) -> Array:
    """Any sizes, with singular values that lie apart."""
    k = min(shape[-2:])
    return n.away(*shape) * 0.2 + np.eye(*shape[-2:]) * (np.arange(shape[-1]) % k * 0.8 + 1)


def lower(*shape: int) -> Array:
    return np.tril(n.away(*shape) * 0.5 + 2 * np.eye(shape[-1]))


def of_rank(rank: int, rows: int, columns: int) -> Array:
    return spread(rows, rank) @ spread(rank, columns)


# --- what is unique about factors --------------------------------------------------------------


def between(lib: Any, left: Any, values: Any, right: Any) -> Any:
    """A function of the singular values between the vectors: their signs cancel."""
    return (left * lib.cos(values)[..., None, :]) @ right


def of_svd(lib: Any, out: Any) -> Any:
    u, s, vh = out
    k = s.shape[-1]
    u, vh = u[..., :k], vh[..., :k, :]
    return s, between(lib, u, s, vh), u**2, vh**2


def of_old_svd(lib: Any, out: Any) -> Any:
    return of_svd(lib, (out[0], out[1], out[2].transpose(-1, -2)))


def of_eigh(lib: Any, out: Any) -> Any:
    w, v = out
    return w, between(lib, v, w, v.transpose(-1, -2)), v**2


def listed(lib: Any, out: Any) -> Any:
    return list(out)


def symmetrized(a: Any) -> Any:
    return (a + a.swapaxes(-1, -2)) * 0.5


def in_triangle(half: Any) -> Any:
    """Zeros in the other half of square matrices."""

    def through(x: Any) -> Any:
        return x * half(np.ones((3, 3), x.dtype)) if x.shape[-2:] == (3, 3) else x

    return through


# --- samples of the operations -----------------------------------------------------------------


def each(function: Any, *arrays: Array, **options: Any) -> Any:
    """`function` of every matrix of a batch; SciPy's have no batches in older versions."""
    batch = arrays[0].shape[:-2]
    if not batch:
        return function(*arrays, **options)
    found = [function(*(a[i] for a in arrays), **options) for i in np.ndindex(batch)]
    if isinstance(found[0], tuple):
        return tuple(np.array(parts).reshape(*batch, *parts[0].shape) for parts in zip(*found))
    return np.array(found).reshape(*batch, *found[0].shape)


def lu_of(a: Array) -> Any:
    factors, pivots = scipy.linalg.lu_factor(a)
    return factors, (pivots + 1).astype(np.int32)


def triangle_of(a: Array, upper: bool, unitriangular: bool) -> Array:
    t = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        i = np.arange(a.shape[-1])
        t[..., i, i] = 1
    return t


def by_inverse(
    a: Array, b: Array, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Array:
    inverse = np.linalg.inv(triangle_of(a, upper, unitriangular))
    return inverse @ b if left else b @ inverse


def by_factor(b: Array, factor: Array, upper: bool = False) -> Array:
    t = triangle_of(factor, upper, False)
    return np.linalg.solve(t.T @ t if upper else t @ t.T, b)


def length(x: Array, *, ord: float, axis: Any = None, keepdims: bool = False) -> Array:
    return np.asarray(np.linalg.vector_norm(x, ord=ord, axis=axis, keepdims=keepdims))


def closest(a: Array, b: Array, *, rcond: float, driver: str) -> Any:
    x, _, rank, _ = np.linalg.lstsq(a, b, rcond)
    return x, np.int64(rank)


def triangular(a: Array, b: Array, **options: Any) -> Sample:
    return Sample("solve_triangular", (a, b), options, reference=by_inverse)


SAMPLES = [
    Sample("inv", (square(3, 3),), reference=np.linalg.inv, public="inverse"),
    Sample("inv", (square(2, 1, 3, 3),), reference=np.linalg.inv, public="linalg.inv"),
    Sample("solve", (square(3, 3), n.away(3, 2)), reference=np.linalg.solve, public="linalg.solve"),
    Sample("solve", (square(2, 3, 3), n.away(3, 2)), reference=np.linalg.solve, public="linalg.solve"),
    Sample("solve", (square(3, 3), n.away(4, 3, 2)), reference=np.linalg.solve, public="linalg.solve"),
    # larger ones go to LAPACK one by one
    Sample("inv", (square(2, 13, 13),), reference=np.linalg.inv),
    Sample("solve", (square(2, 1, 13, 13), n.away(3, 13, 2)), reference=np.linalg.solve),
    Sample("solve", (square(13, 13), n.away(3, 13, 1)), reference=np.linalg.solve),
    Sample("det", (square(2, 13, 13) * 0.4,), reference=np.linalg.det),
    Sample("slogdet", (square(2, 13, 13)[:, ::-1].copy(),), reference=lambda a: tuple(np.linalg.slogdet(a))),
    triangular(lower(3, 3), n.away(3, 2), upper=False),
    triangular(square(2, 3, 3), n.away(3, 2), upper=True),
    triangular(square(3, 3), n.away(2, 3, 2), upper=True, unitriangular=True),
    triangular(square(2, 1, 3, 3), n.away(4, 2, 3), upper=False, left=False),
    triangular(square(40, 2, 2), n.away(2, 1), upper=False),
    triangular(square(40, 2, 2), n.away(1, 1, 2), upper=True, left=False, unitriangular=True),
    Sample("cholesky_solve", (n.away(3, 2), square(3, 3)), through=in_triangle(np.tril), reference=by_factor),
    Sample("cholesky_solve", (n.away(2, 3, 1), square(3, 3)), {"upper": True}, through=in_triangle(np.triu), reference=by_factor),
    Sample("cholesky", (positive(3, 3),), through=symmetrized, reference=np.linalg.cholesky),
    Sample("cholesky", (positive(2, 3, 3),), {"upper": True}, through=symmetrized,
           reference=lambda a, upper: np.linalg.cholesky(a).swapaxes(-1, -2)),
    Sample("eigh", (symmetric(3, 3),), through=symmetrized, reference=lambda a: tuple(np.linalg.eigh(a))),
    Sample("eigh", (symmetric(2, 3, 3),), {"UPLO": "U"}, through=symmetrized,
           reference=lambda a, UPLO: tuple(np.linalg.eigh(a, UPLO))),
    Sample("eigvalsh", (symmetric(2, 3, 3),), through=symmetrized, reference=np.linalg.eigvalsh),
    *(Sample("qr", (spread(*shape),), reference=lambda a: tuple(np.linalg.qr(a))) for shape in ((3, 3), (2, 4, 3), (2, 3, 5))),
    Sample("qr", (spread(3, 5),), {"mode": "complete"}, reference=lambda a, mode: tuple(np.linalg.qr(a, mode))),
    *(Sample("svd", (spread(*shape),), {"full_matrices": False}, reference=lambda a, **o: tuple(np.linalg.svd(a, **o)))
      for shape in ((3, 3), (2, 4, 3), (2, 3, 5))),
    *(Sample("svdvals", (spread(*shape),), reference=lambda a: np.linalg.svd(a)[1], public="linalg.svdvals")
      for shape in ((3, 3), (2, 4, 3), (2, 3, 5))),
    *(Sample("lu_factor", (spread(*shape)[..., ::-1, :].copy(),), reference=lambda a: each(lu_of, a)) for shape in ((3, 3), (2, 4, 3), (2, 3, 5))),
    Sample("lu_factor", (spread(30, 2, 3)[:, ::-1].copy(),), reference=lambda a: each(lu_of, a)),
    Sample("lu_factor", (spread(40, 3, 2)[:, ::-1].copy(),), reference=lambda a: each(lu_of, a)),
    Sample("det", (square(3, 3),), reference=np.linalg.det, public="det"),
    Sample("det", (square(2, 2, 3, 3),), reference=np.linalg.det, public="linalg.det"),
    Sample("slogdet", (square(2, 3, 3),), reference=lambda a: tuple(np.linalg.slogdet(a)), public="slogdet"),
    Sample("expm", (square(3, 3),), reference=scipy.linalg.expm),
    Sample("expm", (square(2, 2, 2) * 0.1,), reference=scipy.linalg.expm),
    Sample("pinv", (spread(2, 4, 3),), reference=np.linalg.pinv, public="linalg.pinv"),
    Sample("pinv", (spread(3, 5),), reference=np.linalg.pinv, public="linalg.pinv"),
    *(Sample("least_squares", (spread(4, 2), n.away(4, 3)), {"rcond": 1e-12, "driver": driver}, reference=closest)
      for driver in ("gels", "gelsd", "gelss", "gelsy")),
    Sample("least_squares", (spread(2, 4), n.away(2, 3)), {"rcond": 1e-12, "driver": "gelsd"}, reference=closest),
    *(Sample("vector_norm", (n.away(3, 4),), {"ord": p}, reference=length) for p in (2, 1, 3, 0.5, 1.5, -1)),
    *(Sample("vector_norm", (n.spread(3, 4),), {"ord": p, "axis": 1}, reference=length) for p in (INF, -INF)),
    Sample("vector_norm", (n.away(2, 3, 4),), {"ord": 3, "axis": (0, 2), "keepdims": True}, reference=length),
    Sample("vector_norm", (n.away(2, 3),), {"ord": 0, "axis": 0}, reference=length),
]  # fmt: skip


# --- calls of the public functions -------------------------------------------------------------

RANKED = of_rank(2, 4, 3)  # one singular value is 0
SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
TIED = np.array([[1.0, -2.0, 2.0], [0.0, 0.0, 0.0], [-2.0, 1.0, 2.0]])
NO_HALF = {"float16": "PyTorch returns infinities and nan"}
NO_ROWS = {"empty": "no rows and three columns are not square"}
POINTS = np.array([2.0, -1.5, 0.0, 3.0])


def factors(lib: Any, a: Any, b: Any, **options: Any) -> Any:
    return lib.linalg.lu_solve(*lib.linalg.lu_factor(a), b, **options)


CALLS = [
    # --- factors -------------------------------------------------------------------------------
    *calls("linalg.cholesky", positive(3, 3), positive(2, 2, 3, 3), (positive(2, 3, 3), {"upper": True})),
    *calls("cholesky", positive(3, 3), differs=NO_ROWS),
    *calls("cholesky", (positive(2, 3, 3), True)),
    *calls("cholesky", (positive(3, 3), {"upper": True}), differs=NO_ROWS),
    *calls("linalg.cholesky_ex", positive(2, 3, 3), (positive(3, 3), {"upper": True}), (positive(3, 3), {"check_errors": True})),
    Call("linalg.cholesky_ex", (np.array([[4.0, 2], [2, -1]]),), note="not positive", order=0, then=lambda lib, out: out.info),
    *calls("linalg.qr", spread(3, 3), spread(2, 4, 3), spread(2, 3, 5), (spread(3, 5), "complete"), (spread(3, 3), {"mode": "complete"})),
    *calls("linalg.qr", (spread(4, 3), {"mode": "complete"}), (spread(4, 3), {"mode": "r"}), (spread(2, 3, 4), "r"), order=0),
    *calls("qr", spread(3, 3), spread(2, 4, 3), (spread(3, 5), False), (spread(3, 4), {"some": True})),
    *calls("qr", (spread(4, 3), {"some": False}), order=0),
    *calls("linalg.svd", spread(3, 3), (spread(2, 4, 3), False), (spread(2, 3, 5), {"full_matrices": False}), spread(4, 3), spread(2, 3, 4), then=of_svd),
    *calls("linalg.svdvals", spread(3, 3), spread(2, 4, 3), spread(2, 3, 5), (spread(4, 3), {"driver": None})),
    *calls("svd", spread(3, 3), spread(2, 4, 3), spread(3, 5), (spread(4, 3), False), (spread(3, 4), {"some": False}), then=of_old_svd),
    *calls("svd", (spread(2, 3, 4), {"compute_uv": False}), (spread(4, 3), True, False), then=listed),
    *calls("linalg.eigh", symmetric(3, 3), symmetric(2, 3, 3), (symmetric(3, 3), "U"), (square(3, 3), {"UPLO": "L"}), (symmetric(2, 1, 2, 2), {"UPLO": "u"}), then=of_eigh),
    *calls("linalg.eigvalsh", symmetric(3, 3), symmetric(2, 3, 3), (symmetric(3, 3), "U"), (square(3, 3), {"UPLO": "U"})),
    Call("linalg.eigvalsh", (np.eye(3),), note="equal"),
    Call("linalg.svdvals", (np.eye(3),), note="equal", order=1),
    Call("linalg.svd", (np.eye(3),), note="equal", order=1, then=lambda lib, out: out[1]),
    *calls("linalg.lu", square(3, 3)[::-1].copy(), spread(2, 4, 3), spread(2, 3, 5), (square(2, 2, 3, 3), {"pivot": True})),
    *calls("linalg.lu_factor", square(3, 3)[::-1].copy(), spread(2, 4, 3), spread(2, 3, 5), (square(2, 3, 3), {"pivot": True})),
    *calls("linalg.lu_factor_ex", square(3, 3), (spread(2, 4, 3), {"check_errors": True, "pivot": True})),
    *calls("linalg.lu_factor_ex", SINGULAR, (np.zeros((2, 2, 2)), {"check_errors": False}), order=0, dtypes=False),
    Call("linalg.lu", (spread(40, 3, 3)[:, ::-1].copy(),), note="many"),
    *calls("linalg.lu_factor_ex", np.stack([SINGULAR, np.eye(3)] * 15), note="many", order=0, dtypes=False),
    Call("linalg.lu", (SINGULAR,), note="singular", order=0, dtypes=False),
    Call("lu_unpack", (square(3, 3)[::-1].copy(),), run=lambda lib, a: list(lib.lu_unpack(*lib.linalg.lu_factor(a)))),
    Call("lu_unpack", (spread(2, 4, 3),), run=lambda lib, a: list(lib.lu_unpack(*lib.linalg.lu_factor(a), unpack_pivots=False))),
    Call("lu_unpack", (spread(2, 3, 4),), run=lambda lib, a: list(lib.lu_unpack(*lib.linalg.lu_factor(a), unpack_data=False)), order=0),
    Call("lu_unpack", (spread(3, 3),), run=lambda lib, a: list(lib.lu_unpack(*lib.linalg.lu_factor(a), True, True))),
    # --- equations -----------------------------------------------------------------------------
    *calls("linalg.solve", (square(3, 3), n.away(3)), (square(2, 3, 3), n.away(2, 3)), (square(2, 3, 3), n.away(3)), (square(3, 3), n.away(4, 3, 2)),
           (square(2, 1, 3, 3), n.away(4, 3, 2)), (square(3, 3), n.away(2, 3), {"left": False}), (square(2, 3, 3), n.away(2, 2, 3), {"left": False}),
           (square(3, 3), n.away(5, 2, 3), {"left": False}), (square(3, 3), n.away(3, 3), {"left": True})),
    *calls("linalg.solve_ex", (square(3, 3), n.away(3)), (square(2, 3, 3), n.away(3, 2), {"check_errors": True}), (square(3, 3), n.away(2, 3), {"left": False})),
    Call("linalg.solve_ex", (np.array([[1.0, 2], [2, 4]]), np.array([1.0, 1])), note="singular", order=0, dtypes=False),
    *(Call("linalg.solve_triangular", (square(3, 3), n.away(3, 2)), {"upper": upper, "unitriangular": unit}) for upper in (True, False) for unit in (True, False)),
    *(Call("linalg.solve_triangular", (square(2, 1, 3, 3), n.away(4, 2, 3)), {"upper": upper, "left": False, "unitriangular": unit})
      for upper in (True, False) for unit in (True, False)),
    *calls("linalg.solve_triangular", (square(3, 3), n.away(4, 3, 2), {"upper": True}), (square(3, 3), n.away(4, 2, 3), {"upper": False, "left": False}),
           (square(60, 2, 2), n.away(2, 1), {"upper": True, "left": True})),
    Call("linalg.solve_triangular", (np.array([[1.0, 2], [0, 0]]), np.ones((2, 1))), {"upper": True}, note="singular", order=0),
    *calls("triangular_solve", (n.away(3, 2), square(3, 3)), (n.away(2, 3, 1), square(2, 3, 3), False), (n.away(3, 2), square(3, 3), True, True),
           (n.away(3, 2), square(3, 3), {"upper": False, "transpose": True, "unitriangular": True}), then=lambda lib, out: out.solution),
    *(Call("linalg.lu_solve", (square(3, 3), n.away(*(3, 2) if left else (2, 3))), {"left": left, "adjoint": adjoint}, run=factors)
      for left in (True, False) for adjoint in (True, False)),
    *(Call("linalg.lu_solve", (square(2, 1, 3, 3), n.away(4, 3, 2)), {"adjoint": adjoint}, run=factors) for adjoint in (True, False)),
    Call("lu_solve", (square(3, 3), n.away(3, 2)), run=lambda lib, a, b: lib.lu_solve(b, *lib.linalg.lu_factor(a))),
    Call("lu_solve", (square(2, 3, 3), n.away(2, 3, 2)), run=lambda lib, a, b: b.lu_solve(*lib.linalg.lu_factor(a))),
    *calls("cholesky_solve", (n.away(3, 2), lower(3, 3)), (n.away(2, 3, 1), lower(2, 3, 3)), (n.away(3, 2), lower(2, 3, 3)),
           (n.away(3, 2), lower(3, 3).T.copy(), True), (n.away(3, 2), lower(3, 3).T.copy(), {"upper": True})),
    *calls("cholesky_inverse", lower(3, 3), lower(2, 3, 3), (lower(3, 3).T.copy(), True), (lower(3, 3).T.copy(), {"upper": True})),
    *calls("linalg.inv_ex", square(3, 3), (square(2, 3, 3), {"check_errors": True})),
    Call("linalg.inv_ex", (np.array([[[1.0, 2], [2, 4]], [[1, 0], [0, 1]]]),), note="singular", order=0, dtypes=False),
    *calls("linalg.pinv", spread(3, 3), (spread(2, 4, 3), {"rtol": 1e-9}), (spread(3, 5), {"atol": 1e-9}), (spread(3, 4), 1e-9), (spread(2, 3, 3), {"rtol": np.array([1e-9, 0.01])}), fixed=(1,)),
    *calls("linalg.pinv", (symmetric(2, 3, 3), {"hermitian": True}), (symmetric(3, 3), {"hermitian": True, "atol": 1e-9, "rtol": 1e-9})),
    *calls("linalg.pinv", (RANKED, {"rtol": 1e-8}), (RANKED.T.copy(), {"atol": 1e-8}), (spread(3, 3), {"rtol": 0.6}), (symmetric(3, 3), {"hermitian": True, "rtol": 0.5}),
           note="of less than full rank", dtypes=False, narrow=0, tolerance=1e-8, order=1),
    *calls("pinverse", spread(3, 3), (spread(2, 4, 3), 1e-9), (spread(3, 5), {"rcond": 1e-9})),
    *(Call("linalg.lstsq", (spread(4, 2), n.away(4, 3)), {"driver": driver}, then=listed) for driver in ("gels", "gelsd", "gelss", "gelsy")),
    *(Call("linalg.lstsq", (spread(2, 4), n.away(2, 3)), {"driver": driver}, then=listed) for driver in ("gels", "gelsd", "gelss", "gelsy")),
    *calls("linalg.lstsq", (spread(3, 3), n.away(3, 2)), (spread(2, 4, 3), n.away(2, 4)), (spread(2, 4, 3), n.away(2, 4), {"driver": "gelsd"}),
           (spread(4, 3), n.away(4), {"driver": "gels"}), (spread(2, 4, 3), n.away(1, 4, 2), {"rcond": 1e-9, "driver": "gelss"}), (spread(4, 3), n.away(4, 1), 1e-9), then=listed),
    Call("linalg.lstsq", (RANKED, n.away(4, 2)), {"driver": "gelsd"}, note="of less than full rank", order=0, narrow=0, dtypes=False),
    Call("linalg.lstsq", (RANKED, n.away(4, 2)), {"driver": "gelsy"}, note="of less than full rank", order=0, narrow=0, dtypes=False),
    Call("linalg.lstsq", (np.diag([3.0, 1.0]), n.away(2, 2)), {"driver": "gelsd", "rcond": 0.5}, note="rcond", order=0),
    *calls("linalg.tensorinv", square(6, 6).reshape(2, 3, 6), (square(6, 6).reshape(6, 3, 2), {"ind": 1}), (square(6, 6).reshape(6, 2, 3), 1)),
    *calls("linalg.tensorsolve", (square(6, 6).reshape(2, 3, 6), n.away(2, 3)), (square(6, 6).reshape(6, 2, 3), n.away(6)),
           (square(6, 6).reshape(2, 6, 3), n.away(2, 3), {"dims": (1,)}), (square(6, 6).reshape(3, 2, 2, 3), n.away(2, 3), (0, 1)),
           variants=False),
    # of condition 52: second gradients of up to 400 are sums that cancel, with 1e-3 left in float32
    *calls("linalg.inv", square(2, 13, 13), note="larger", narrow=1e-2),
    *calls("linalg.solve", (square(13, 13), n.away(2, 13, 1)), (square(2, 13, 13), n.away(13)), note="larger"),
    # --- determinants --------------------------------------------------------------------------
    *calls("linalg.det", square(2, 13, 13) * 0.4, note="larger"),
    *calls("linalg.slogdet", square(2, 13, 13)[:, ::-1].copy(), note="larger"),
    *calls("logdet", square(3, 3), square(2, 3, 3)),
    Call("logdet", (np.array([[[0.0, 1], [1, 0]], [[2, 0], [0, 1]]]),), note="negative", order=0),
    Call("logdet", (np.zeros((2, 2)),), note="singular", order=0),
    Call("linalg.slogdet", (square(3, 3),)),
    Call("linalg.slogdet", (-square(2, 3, 3),)),
    Call("linalg.slogdet", (np.zeros((2, 2, 2)),), note="singular", order=0),
    Call("linalg.det", (SINGULAR,), note="singular", tolerance=1e-9, narrow=1e-3, dtypes=False),
    # --- functions of matrices -----------------------------------------------------------------
    *(Call("matrix_power", (square(2, 3, 3) * 0.5, k)) for k in (-3, -1, 0, 1, 2, 5)),
    *(Call("linalg.matrix_power", (square(3, 3) * 0.5,), {"n": k}) for k in (-2, 0, 3)),
    Call("matrix_power", (square(3, 3),), {"n": 3}),
    *calls("matrix_exp", square(3, 3), square(2, 2, 2) * 0.1, differs=NO_HALF),
    *calls("matrix_exp", np.zeros((2, 2))),
    *calls("linalg.matrix_exp", square(3, 3), differs=NO_HALF),
    *calls("linalg.matrix_exp", square(2, 1, 1, 1)),
    Call("matrix_exp", (square(2, 3, 3) * 3,), note="large", tolerance=1e-9, narrow=1e-3, differs=NO_HALF),
    Call("linalg.multi_dot", ([n.away(2, 3), n.away(3, 4), n.away(4, 2)],)),
    Call("linalg.multi_dot", ([n.away(3), n.away(3, 4), n.away(4, 2)],)),
    Call("linalg.multi_dot", ([n.away(2, 3), n.away(3, 4), n.away(4)],)),
    Call("linalg.multi_dot", ([n.away(3), n.away(3)],)),
    Call("linalg.multi_dot", ([n.away(5, 2), n.away(2, 6), n.away(6, 3), n.away(3, 4), n.away(4, 1)],)),
    *calls("chain_matmul", (n.away(2, 3), n.away(3, 4), n.away(4, 2)), (n.away(2, 3), n.away(3, 2)), variants=False),
    *calls("linalg.vander", POINTS, (POINTS, {"N": 2}), (n.away(2, 3), {"N": 5})),
    *calls("vander", POINTS, (POINTS, 3), (POINTS, 3, True), (POINTS, {"N": 1, "increasing": True}), (POINTS, {"increasing": True}), (POINTS, 0),
           order=0),  # PyTorch's gradient fails: it writes into what it kept
    *calls("linalg.vecdot", (n.away(2, 3), n.away(2, 3)), (n.away(2, 3), n.away(3)), (n.away(2, 3), n.away(2, 1), {"dim": 0}), (n.away(2, 3, 4), n.away(2, 3, 4), {"dim": -2})),
    *calls("linalg.cross", (n.away(2, 3), n.away(2, 3)), (n.away(3, 2), n.away(3, 1), {"dim": 0}), (n.away(4, 1, 3), n.away(1, 2, 3), {"dim": -1})),
    *calls("linalg.matmul", (n.away(2, 3), n.away(3, 4)), (n.away(5, 2, 3), n.away(3))),
    *calls("linalg.diagonal", n.away(3, 4), (n.away(2, 3, 4), {"offset": 1}), (n.away(2, 3, 4), {"offset": -1, "dim1": 0, "dim2": 2}), (n.away(2, 3, 4), {"dim1": -1, "dim2": 0})),
    # --- norms ---------------------------------------------------------------------------------
    *(Call(f"linalg.{name}", (spread(4, 3),), {"dtype": Named("float64")}) for name in ("vector_norm", "matrix_norm", "norm")),
    Call("linalg.svd", (spread(4, 3),), {"driver": None, "full_matrices": False}, then=of_svd),
    *(Call("linalg.vector_norm", (n.spread(3, 4), p)) for p in (2, 1, 3, 0.5, 1.5, -1, -2.5, 0, INF, -INF)),
    *(Call("linalg.vector_norm", (n.spread(2, 3, 4), p), {"dim": (0, -1), "keepdim": True}) for p in (2, 1, 3, 0.5, 0, INF, -INF)),
    *calls("linalg.vector_norm", (n.away(3, 4), {"ord": 3, "dim": 1}), (n.away(3, 4), 2, 0, True), (n.away(3, 4), {"dim": ()}), (n.away(3, 4), {"axis": 1, "keepdims": True})),
    *(Call("linalg.vector_norm", (TIED, p), {"dim": 1}, note="ties and zeros", order=1) for p in (2, 1, 3, 0.5, 1.5, 0, INF, -INF)),
    *(Call("linalg.vector_norm", (np.array([1.0, np.nan, 3.0]), p), note="nan", order=1) for p in (2, 1, 0.5, INF, -INF)),
    *(Call("linalg.matrix_norm", (spread(4, 3), p)) for p in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)),
    *(Call("linalg.matrix_norm", (n.away(2, 3, 4), p), {"dim": (2, 0), "keepdim": True}) for p in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)),
    *(Call("linalg.matrix_norm", (TIED,), {"ord": p}, note="ties", order=1) for p in ("fro", 1, -1, INF, -INF)),
    Call("linalg.matrix_norm", (spread(2, 3, 4),), {"axis": (-2, -1), "keepdims": True}),
    *calls("linalg.norm", n.away(3), n.away(2, 3, 4), (n.away(3, 4), 1), (n.away(3, 4), "nuc"), (n.away(3, 4), 2), (n.away(5), 3), (n.away(3, 4), None, 1),
           (n.away(2, 3, 4), "fro", (0, 2)), (n.away(2, 3, 4), 1, 1, True), (n.away(2, 3, 4), INF, (1,)), (n.away(2, 3, 4), {"dim": (0, 1), "keepdim": True})),
    *calls("linalg.cond", spread(3, 3), spread(2, 4, 3), *((square(2, 3, 3), p) for p in (2, -2, "nuc"))),
    *calls("linalg.cond", *((square(2, 3, 3), p) for p in ("fro", 1, -1, INF, -INF)), (square(3, 3), {"p": 1}),
           order=0),  # PyTorch's gradient fails: it writes into what it kept
    *calls("linalg.cond", *((np.array([[1.0, 2], [2, 4]]), p) for p in ("fro", 1, INF, -1, -INF)), note="singular", order=0, dtypes=False, variants=False),
    *calls("linalg.matrix_rank", spread(2, 4, 3), RANKED, (RANKED, {"atol": 1e-8}), (spread(3, 3), {"rtol": 0.6}), (spread(3, 3), {"tol": 1.5}),
           (symmetric(3, 3), {"hermitian": True}), (spread(3, 3), {"atol": 0.5, "rtol": 0.1}), (spread(2, 3, 3), {"atol": np.array([0.1, 1.5])}),
           order=0, dtypes=False, narrow=0),
    *calls("linalg.householder_product", (n.away(4, 3), n.positive(3)), (n.away(2, 3, 3), n.positive(2, 2)), (n.away(4, 2), n.positive(2) * 0), variants=False),
]  # fmt: skip


# --- bad input ---------------------------------------------------------------------------------


ERRORS = [
    *(ErrorSample(f"{name}: not square", lambda lib, name=name: getattr(lib.linalg, name)(lib.zeros(2, 3)), RuntimeError, "2 by 3")
      for name in ("cholesky", "cholesky_ex", "det", "eigh", "eigvalsh", "inv", "inv_ex", "slogdet", "matrix_exp")),
    *(ErrorSample(f"{name}: integers", lambda lib, name=name: getattr(lib.linalg, name)(lib.eye(2).long()), RuntimeError, "float")
      for name in ("cholesky", "det", "inv", "slogdet", "svd", "svdvals", "qr", "matrix_exp", "matrix_norm", "vector_norm", "cond")),
    *(ErrorSample(f"{name}: half", lambda lib, name=name: getattr(lib.linalg, name)(lib.eye(2).half()), RuntimeError, "Low precision")
      for name in ("cholesky", "det", "inv", "svd", "qr", "eigh", "pinv", "lu")),
    *(ErrorSample(f"{name}: vector", lambda lib, name=name: getattr(lib.linalg, name)(lib.ones(3)), RuntimeError, "at least 2")
      for name in ("cholesky", "det", "inv", "svd", "qr", "eigh", "lu", "matrix_rank", "matrix_norm")),
    ErrorSample("cholesky: not positive", lambda lib: lib.linalg.cholesky(lib.tensor([[1.0, 2], [2, 1]])), RuntimeError, "minor of order 2"),
    ErrorSample("cholesky: which of a batch", lambda lib: lib.linalg.cholesky(lib.stack([lib.eye(2), -lib.eye(2)])), RuntimeError, "Batch element 1"),
    ErrorSample("cholesky: its own class", lambda lib: lib.linalg.cholesky(-lib.eye(2)), np.linalg.LinAlgError, "minor of order 1", in_torch=False),
    ErrorSample("cholesky_ex: check", lambda lib: lib.linalg.cholesky_ex(-lib.eye(2), check_errors=True), RuntimeError, "cholesky_ex"),
    ErrorSample("inv: singular", lambda lib: lib.linalg.inv(lib.ones(2, 2)), RuntimeError, "diagonal element 2 is zero"),
    ErrorSample("inverse: which of a batch", lambda lib: lib.inverse(lib.stack([lib.eye(2), lib.ones(2, 2)])), RuntimeError, "Batch element 1"),
    ErrorSample("inv_ex: check", lambda lib: lib.linalg.inv_ex(lib.zeros(2, 2), check_errors=True), RuntimeError, "diagonal element 1"),
    ErrorSample("cholesky_inverse: singular", lambda lib: lib.cholesky_inverse(lib.zeros(2, 2)), RuntimeError, "diagonal element 1"),
    ErrorSample("matrix_power: singular", lambda lib: lib.linalg.matrix_power(lib.ones(2, 2), -1), RuntimeError, "singular"),
    ErrorSample("matrix_power: not square", lambda lib: lib.matrix_power(lib.ones(2, 3), 2), RuntimeError, "2 by 3"),
    ErrorSample("matrix_power: no integer", lambda lib: lib.matrix_power(lib.ones(2, 2), 2.5), TypeError, "float"),
    ErrorSample("solve: singular", lambda lib: lib.linalg.solve(lib.ones(2, 2), lib.ones(2)), RuntimeError, "singular"),
    ErrorSample("solve: rows", lambda lib: lib.linalg.solve(lib.eye(2), lib.ones(3, 2)), RuntimeError, "AX = B .2x2 and 3x2"),
    ErrorSample("solve: vector", lambda lib: lib.linalg.solve(lib.eye(2), lib.ones(3)), RuntimeError, "2x2 and 3x1"),
    ErrorSample("solve: columns", lambda lib: lib.linalg.solve(lib.eye(2), lib.ones(2, 3), left=False), RuntimeError, "XA = B"),
    ErrorSample("solve: vector at the left", lambda lib: lib.linalg.solve(lib.eye(2), lib.ones(2), left=False), RuntimeError, "XA = B"),
    ErrorSample("solve: batches", lambda lib: lib.linalg.solve(lib.eye(2).expand(4, 2, 2), lib.ones(3, 2, 2)), RuntimeError, "size|batch"),
    ErrorSample("solve: dtypes", lambda lib: lib.linalg.solve(lib.eye(2), lib.ones(2, 1).double()), RuntimeError, "same dtype"),
    ErrorSample("solve_ex: check", lambda lib: lib.linalg.solve_ex(lib.ones(2, 2), lib.ones(2), check_errors=True), RuntimeError, "singular"),
    ErrorSample("solve_triangular: vector", lambda lib: lib.linalg.solve_triangular(lib.eye(2), lib.ones(2), upper=True), RuntimeError, "at least 2"),
    ErrorSample("solve_triangular: rows", lambda lib: lib.linalg.solve_triangular(lib.eye(2), lib.ones(3, 1), upper=True), RuntimeError, "2x2 and 3x1"),
    ErrorSample("solve_triangular: upper", lambda lib: lib.linalg.solve_triangular(lib.eye(2), lib.ones(2, 1)), TypeError, "upper"),
    ErrorSample("lu_factor: singular", lambda lib: lib.linalg.lu_factor(lib.ones(2, 2)), RuntimeError, r"U\[2,2\] is zero"),
    ErrorSample("lu_factor_ex: check", lambda lib: lib.linalg.lu_factor_ex(lib.ones(2, 2), check_errors=True), RuntimeError, r"U\[2,2\] is zero"),
    ErrorSample("lu: without pivots", lambda lib: lib.linalg.lu(lib.eye(2), pivot=False), RuntimeError, "without pivoting"),
    ErrorSample("lu_factor: without pivots", lambda lib: lib.linalg.lu_factor(lib.eye(2), pivot=False), RuntimeError, "without pivoting"),
    ErrorSample("qr: mode", lambda lib: lib.linalg.qr(lib.eye(2), mode="all"), RuntimeError, "unrecognized mode"),
    ErrorSample("qr: gradient of r", lambda lib: lib.linalg.qr(lib.ones(3, 2, requires_grad=True), "r")[1].sum().backward(), RuntimeError, "mode='r'"),
    ErrorSample("qr: gradient of complete", lambda lib: lib.linalg.qr(lib.ones(3, 2, requires_grad=True), "complete")[1].sum().backward(), RuntimeError, "mode='complete'"),
    ErrorSample("svd: nan", lambda lib: lib.linalg.svd(lib.full((2, 2), math.nan)), RuntimeError, "non-finite"),
    ErrorSample("svdvals: nan", lambda lib: lib.linalg.svdvals(lib.full((2, 2), math.nan)), RuntimeError, "non-finite"),
    ErrorSample("cholesky: nan", lambda lib: lib.linalg.cholesky(lib.full((2, 2), math.nan)), RuntimeError, "minor of order 1"),
    ErrorSample("svd: infinity", lambda lib: lib.linalg.svd(lib.full((3, 2, 2), math.inf)), RuntimeError, "batch element 0.*non-finite", in_torch=False),
    ErrorSample("eigh: nan", lambda lib: lib.linalg.eigh(lib.full((3, 3), math.nan)), RuntimeError, "failed to converge"),
    ErrorSample("lstsq: nan", lambda lib: lib.linalg.lstsq(lib.full((3, 3), math.nan), lib.ones(3, 1)), RuntimeError, "non-finite|INTERNAL"),
    ErrorSample("svd: driver", lambda lib: lib.linalg.svd(lib.eye(2), driver="gesvd"), RuntimeError, "driver"),
    ErrorSample("eigh: triangle", lambda lib: lib.linalg.eigh(lib.eye(2), UPLO="X"), RuntimeError, "UPLO"),
    ErrorSample("lstsq: driver", lambda lib: lib.linalg.lstsq(lib.eye(2), lib.ones(2, 1), driver="x"), RuntimeError, "driver"),
    ErrorSample("lstsq: rank", lambda lib: lib.linalg.lstsq(lib.tensor([[1.0, 0], [1, 0], [1, 0]]), lib.ones(3, 1), driver="gels"), RuntimeError, "full rank"),
    ErrorSample("lstsq: rows", lambda lib: lib.linalg.lstsq(lib.eye(2), lib.ones(3, 1)), RuntimeError, "match|rows"),
    ErrorSample("lstsq: dimensions", lambda lib: lib.linalg.lstsq(lib.eye(2), lib.ones(4, 2, 1)), RuntimeError, "greater or equal"),
    ErrorSample("lstsq: dtypes", lambda lib: lib.linalg.lstsq(lib.eye(2), lib.ones(2, 1).double()), RuntimeError, "same dtype"),
    ErrorSample("pinv: hermitian", lambda lib: lib.linalg.pinv(lib.ones(2, 3), hermitian=True), RuntimeError, "2 by 3"),
    ErrorSample("multi_dot: one", lambda lib: lib.linalg.multi_dot([lib.eye(2)]), RuntimeError, "at least 2 tensors"),
    ErrorSample("multi_dot: sizes", lambda lib: lib.linalg.multi_dot([lib.eye(2), lib.ones(3, 2)]), RuntimeError, "cannot be multiplied"),
    ErrorSample("multi_dot: dimensions", lambda lib: lib.linalg.multi_dot([lib.eye(2), lib.ones(2), lib.eye(2)]), RuntimeError, "must be 2D"),
    ErrorSample("multi_dot: dtypes", lambda lib: lib.linalg.multi_dot([lib.eye(2), lib.eye(2).double()]), RuntimeError, "dtype"),
    ErrorSample("tensorinv: sizes", lambda lib: lib.linalg.tensorinv(lib.zeros(2, 3, 4)), RuntimeError, "4 != 6"),
    ErrorSample("tensorinv: ind", lambda lib: lib.linalg.tensorinv(lib.eye(2), ind=0), RuntimeError, "strictly positive"),
    ErrorSample("tensorsolve: sizes", lambda lib: lib.linalg.tensorsolve(lib.zeros(2, 3, 5), lib.zeros(2, 3)), RuntimeError, "5 != 6"),
    ErrorSample("vander: one power", lambda lib: lib.linalg.vander(lib.ones(3), N=1), RuntimeError, "N must be greater than 1"),
    ErrorSample("vander: negative", lambda lib: lib.vander(lib.ones(3), -1), RuntimeError, "non-negative"),
    ErrorSample("vander: matrix", lambda lib: lib.vander(lib.ones(3, 3)), RuntimeError, "one-dimensional"),
    ErrorSample("vander: bool", lambda lib: lib.linalg.vander(lib.ones(3).bool()), RuntimeError, "supports"),
    ErrorSample("vecdot: dtypes", lambda lib: lib.linalg.vecdot(lib.ones(3), lib.ones(3).double()), RuntimeError, "same dtype"),
    ErrorSample("vecdot: bool", lambda lib: lib.linalg.vecdot(lib.ones(3).bool(), lib.ones(3).bool()), RuntimeError, "floating point"),
    ErrorSample("linalg.cross: length", lambda lib: lib.linalg.cross(lib.ones(2), lib.ones(2)), RuntimeError, "length 3"),
    ErrorSample("linalg.cross: dimensions", lambda lib: lib.linalg.cross(lib.ones(3), lib.ones(2, 3)), RuntimeError, "same number of dimensions"),
    ErrorSample("vector_norm: order", lambda lib: lib.linalg.vector_norm(lib.ones(3), "fro"), TypeError, "number|Number"),
    ErrorSample("vector_norm: of nothing", lambda lib: lib.linalg.vector_norm(lib.zeros(0), INF), RuntimeError, "identity"),
    ErrorSample("vector_norm: of nothing along a dim", lambda lib: lib.linalg.vector_norm(lib.zeros(2, 0), -1, dim=1), RuntimeError, "identity"),
    ErrorSample("vector_norm: narrow", lambda lib: lib.linalg.vector_norm(lib.zeros(2).double(), dtype=lib.float32), RuntimeError, "without narrowing"),
    ErrorSample("vector_norm: dtype", lambda lib: lib.linalg.vector_norm(lib.zeros(2), dtype=lib.int64), RuntimeError, "floating point"),
    ErrorSample("vector_norm: dim", lambda lib: lib.linalg.vector_norm(lib.zeros(2), dim=3), IndexError, "out of range"),
    ErrorSample("matrix_norm: order", lambda lib: lib.linalg.matrix_norm(lib.eye(2), 3), RuntimeError, "Order 3 not supported"),
    ErrorSample("matrix_norm: one dim", lambda lib: lib.linalg.matrix_norm(lib.eye(2), dim=(0,)), RuntimeError, "2-tuple"),
    ErrorSample("matrix_norm: a number as dim", lambda lib: lib.linalg.matrix_norm(lib.eye(2), dim=1), TypeError, "dim"),
    ErrorSample("matrix_norm: equal dims", lambda lib: lib.linalg.matrix_norm(lib.eye(2), dim=(0, 0)), RuntimeError, "different"),
    ErrorSample("matrix_norm: half", lambda lib: lib.linalg.matrix_norm(lib.eye(2).half(), "nuc"), RuntimeError, "Low precision"),
    ErrorSample("matrix_norm: smallest of nothing", lambda lib: lib.linalg.matrix_norm(lib.zeros(0, 3), -2), IndexError, "smallest"),
    ErrorSample("linalg.norm: dims", lambda lib: lib.linalg.norm(lib.ones(2, 3, 4), 2, dim=(0, 1, 2)), RuntimeError, "length 1 or 2"),
    ErrorSample("linalg.norm: 3-d", lambda lib: lib.linalg.norm(lib.ones(2, 3, 4), 2), RuntimeError, "1D or 2D"),
    ErrorSample("linalg.norm: fro of a vector", lambda lib: lib.linalg.norm(lib.ones(2), "fro"), RuntimeError, "at least 2"),
    ErrorSample("cond: order", lambda lib: lib.linalg.cond(lib.eye(2), 3), RuntimeError, "invalid norm type"),
    ErrorSample("cond: not square", lambda lib: lib.linalg.cond(lib.ones(3, 2), "fro"), RuntimeError, "3 by 2"),
    ErrorSample("cholesky_solve: rows", lambda lib: lib.cholesky_solve(lib.ones(3, 1), lib.eye(2)), RuntimeError, "3 by 1|3x1"),
    ErrorSample("lu_solve: pivots", lambda lib: lib.linalg.lu_solve(lib.eye(2), lib.ones(3).int(), lib.ones(2, 1)), RuntimeError, "[Pp]ivots"),
    ErrorSample("householder_product: wide", lambda lib: lib.linalg.householder_product(lib.ones(2, 3), lib.ones(2)), RuntimeError, "m"),
    ErrorSample("householder_product: too many", lambda lib: lib.linalg.householder_product(lib.ones(3, 2), lib.ones(3)), RuntimeError, "k|tau"),
    ErrorSample("logdet: integers", lambda lib: lib.logdet(lib.eye(2).long()), RuntimeError, "float"),
]  # fmt: skip
