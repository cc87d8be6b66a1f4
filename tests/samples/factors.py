"""Samples of reflections, LDLᵀ and decompositions of low rank, and of norms that weights have."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.decompositions import square, symmetric
from samples.table import Call, ErrorSample, Numbers, calls

n = Numbers(67)
_PLAIN: dict[str, Any] = {"order": 0}


def of_rank(rank: int, rows: int, columns: int) -> Any:
    """With singular values that lie apart."""
    u, v = (np.linalg.qr(n.away(size, rank))[0] for size in (rows, columns))
    return (u * (3.0 ** -np.arange(rank))) @ v.T


def sizes_of(lib: Any, out: Any) -> Any:
    """Of U, S and V what does not depend on signs."""
    u, s, v = out
    return s, u**2, v**2, (u * s[..., None, :]) @ v.transpose(-1, -2)


def seeded(run: Any) -> Any:
    """The same start of the random method."""

    def call(lib: Any, *args: Any) -> Any:
        lib.manual_seed(0)
        return run(lib, *args)

    return call


def ldl(lib: Any, a: Any, b: Any) -> Any:
    return lib.linalg.ldl_solve(*lib.linalg.ldl_factor(a), b)


A, B = n.away(4, 3), n.away(2, 3, 3)
TAU = n.positive(3)

CALLS = [
    *calls("geqrf", n.away(3, 3), n.away(4, 2), n.away(2, 2, 3), **_PLAIN),
    *calls("orgqr", (A, TAU), (B, n.positive(2, 2)), (n.away(3, 2), n.positive(1))),
    *calls("ormqr", (A, TAU, n.away(4, 2)), (A, TAU, n.away(2, 4), False), (A, TAU, n.away(4, 2), True, True),
           (B, n.positive(2, 3), n.away(2, 3, 2), {"transpose": True}), (A, TAU, n.away(1, 4), {"left": False, "transpose": True}), variants=False, narrow=2e-3),
    *calls("lu", square(3, 3)[::-1].copy(), (square(2, 3, 3), True)),
    Call("lu", (square(3, 3), ), {"get_infos": True, "pivot": True}, then=lambda lib, out: (out[0], out[1], out[2]), **_PLAIN),
    *(Call("svd_lowrank", (of_rank(2, *size),), run=seeded(lambda lib, a: lib.svd_lowrank(a, 2, niter=3)), passes=("q", "niter"), then=sizes_of, order=1, dtypes=False, variants=False)
      for size in ((6, 4), (3, 7))),
    Call("svd_lowrank", (of_rank(2, 5, 4), np.ones((1, 4))), run=seeded(lambda lib, a, m: lib.svd_lowrank(a, 3, 2, m)), passes=("M",), then=sizes_of, order=1, dtypes=False, variants=False),
    Call("pca_lowrank", (of_rank(2, 8, 4),), run=seeded(lambda lib, a: lib.pca_lowrank(a, 2, center=True, niter=2)), passes=("q", "center", "niter"), then=sizes_of, order=1, dtypes=False, variants=False),
    Call("pca_lowrank", (of_rank(2, 8, 4),), run=seeded(lambda lib, a: lib.pca_lowrank(a, 2, False)), then=sizes_of, order=1, dtypes=False, variants=False),
    *calls("linalg.ldl_factor", symmetric(3, 3), (symmetric(2, 3, 3), {"hermitian": True}), **_PLAIN),
    *calls("linalg.ldl_factor_ex", symmetric(3, 3), (symmetric(3, 3) - 4 * np.eye(3), {"check_errors": True, "hermitian": True}), **_PLAIN),
    Call("linalg.ldl_factor_ex", (np.zeros((2, 2)),), note="singular", dtypes=False, variants=False, **_PLAIN),
    Call("linalg.ldl_solve", (symmetric(3, 3) - 4 * np.eye(3), n.away(3, 2)), run=ldl, passes=("LD", "pivots", "B"), variants=False, **_PLAIN),
    Call("linalg.ldl_solve", (symmetric(2, 3, 3), n.away(2, 3, 1)), run=lambda lib, a, b: lib.linalg.ldl_solve(*lib.linalg.ldl_factor(a), b, hermitian=True), variants=False, **_PLAIN),
    *calls("norm_except_dim", n.away(3, 4), (n.away(3, 4), 2, 1), (n.away(2, 3, 2), 1, -1), (n.away(2, 3, 2), {"pow": 3, "dim": 0}), (n.away(3),), variants=False, dtypes=False),
    *calls("frobenius_norm", (n.away(3, 4), 0), (n.away(2, 3, 4), (0, 2), True), (n.away(3, 4), {"dim": (0, 1), "keepdim": True}), variants=False, dtypes=False),
    *calls("nuclear_norm", n.away(3, 4), (n.away(2, 3, 4), (1, 2)), (n.away(3, 4), {"dim": (1, 0), "keepdim": True}), order=1, variants=False, dtypes=False),
]  # fmt: skip

ERRORS = [
    ErrorSample("ormqr: sizes", lambda lib: lib.ormqr(lib.ones(3, 2), lib.ones(2), lib.ones(2, 2)), RuntimeError, r"other\.shape"),
    ErrorSample("ormqr: batches", lambda lib: lib.ormqr(lib.ones(1, 3, 2), lib.ones(1, 2), lib.ones(3, 2)), RuntimeError, "batch|dimensions"),
    ErrorSample("orgqr: wide", lambda lib: lib.orgqr(lib.ones(2, 3), lib.ones(2)), RuntimeError, "k <= n <= m"),
    ErrorSample("geqrf: gradient", lambda lib: lib.geqrf(lib.ones(2, 2, requires_grad=True))[0].sum().backward(), RuntimeError, r"differentiate linalg\.qr"),
    ErrorSample("ldl_factor: gradient", lambda lib: lib.linalg.ldl_factor(lib.eye(2).requires_grad_())[0].sum().backward(), RuntimeError, r"differentiate linalg\.solve"),
    ErrorSample("ldl_factor: singular", lambda lib: lib.linalg.ldl_factor(lib.zeros(2, 2)), RuntimeError, r"D\[1,1\] is zero"),
    ErrorSample("ldl_solve: pivots", lambda lib: lib.linalg.ldl_solve(lib.eye(2), lib.ones(3).int(), lib.ones(2, 1)), RuntimeError, "pivots"),
    ErrorSample("ldl_solve: pivots of floats", lambda lib: lib.linalg.ldl_solve(lib.eye(2), lib.ones(2), lib.ones(2, 1)), RuntimeError, "integers"),
    ErrorSample("pca_lowrank: q", lambda lib: lib.pca_lowrank(lib.ones(2, 2), 3), ValueError, r"q\(=3\)"),
    ErrorSample("pca_lowrank: niter", lambda lib: lib.pca_lowrank(lib.ones(2, 2), 1, niter=-1), ValueError, "niter"),
    ErrorSample("lu: singular matrix", lambda lib: lib.lu(lib.zeros(2, 2)), RuntimeError, r"U\[1,1\] is zero", in_torch=False),
]  # fmt: skip
