"""Samples of dlframe/ops/linalg.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.table import ErrorSample, Numbers, Sample

n = Numbers(5)


def matmul(*shapes: tuple[int, ...], public: str = "matmul") -> Sample:
    return Sample("matmul", tuple(n.away(*s) for s in shapes), reference=np.matmul, public=public)


def einsum(equation: str, *shapes: tuple[int, ...]) -> Sample:
    return Sample(
        "einsum", tuple(n.away(*s) for s in shapes), before=(equation,), name=f"einsum {equation}",
        reference=lambda *xs: np.einsum(equation, *xs), call=lambda lib, *xs: lib.einsum(equation, *xs),
    )  # fmt: skip


def tensordot(a: tuple[int, ...], b: tuple[int, ...], axes: Any) -> Sample:
    return Sample("tensordot", (n.away(*a), n.away(*b)), {"axes": axes}, reference=np.tensordot, public="tensordot",
                  public_options={"dims": axes})  # fmt: skip


SAMPLES = [
    matmul((3,), (3,)),
    matmul((3,), (3,), public="dot"),
    matmul((3,), (3,), public="inner"),
    matmul((2, 3), (3,)),
    matmul((2, 3), (3,), public="mv"),
    matmul((3,), (3, 4)),
    matmul((2, 3), (3, 4)),
    matmul((2, 3), (3, 4), public="mm"),
    matmul((5, 2, 3), (3,)),
    matmul((3,), (5, 3, 4)),
    matmul((5, 2, 3), (3, 4)),
    matmul((2, 3), (5, 3, 4)),
    matmul((5, 2, 3), (5, 3, 4)),
    matmul((5, 2, 3), (5, 3, 4), public="bmm"),
    matmul((6, 1, 2, 3), (5, 3, 4)),
    matmul((1, 2, 3), (5, 3, 4)),
    matmul((0, 3), (3, 4)),
    matmul((2, 0), (0, 4)),
    matmul((4, 0, 3), (3, 2)),
    matmul((4, 2, 0), (0, 3)),
    einsum("i,i->", (3,), (3,)),
    einsum("i,j->ij", (3,), (2,)),
    einsum("ij,jk->ik", (2, 3), (3, 4)),
    einsum("ij,jk", (2, 3), (3, 4)),
    einsum("ba", (2, 3)),
    einsum("ij->j", (2, 3)),
    einsum("ij->", (2, 3)),
    einsum("ii", (3, 3)),
    einsum("ii->i", (3, 3)),
    einsum("iij,jj->ij", (2, 2, 3), (3, 3)),
    einsum("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    einsum("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
    einsum("...i->...", (2, 3, 4)),
    einsum("i...,i...", (3, 2), (3, 2)),
    einsum("bn,anm,bm->ba", (2, 3), (5, 3, 4), (2, 4)),
    einsum("ij,kl->ki", (2, 3), (4, 5)),
    Sample("contract", (n.away(2, 3), n.away(3, 4)), {"inputs": ("ij", "jk"), "output": "ki"},
           reference=lambda x, y, **_: (x @ y).T, call=lambda lib, x, y: lib.einsum("ij,jk->ki", x, y)),
    tensordot((2, 3, 4), (3, 4, 5), 2),
    tensordot((2, 3), (4, 5), 0),
    tensordot((2, 3, 4), (4, 5, 3), ([1, 2], [2, 0])),
    Sample("multiply", (n.away(3, 1), n.away(4)), name="outer", reference=np.multiply,
           call=lambda lib, x, y: lib.outer(x.reshape(3), y)),
]  # fmt: skip


ERRORS = [
    ErrorSample("matmul: sizes", lambda lib: lib.zeros(2, 3) @ lib.zeros(2, 3), RuntimeError, "cannot be multiplied"),
    ErrorSample("matmul: advice", lambda lib: lib.zeros(2, 3) @ lib.zeros(4, 3), RuntimeError, "mat1 and mat2"),
    ErrorSample("matmul: batches", lambda lib: lib.zeros(2, 2, 3) @ lib.zeros(3, 3, 2), RuntimeError, "batch|broadcast|size"),
    ErrorSample("matmul: 0-d", lambda lib: lib.matmul(lib.tensor(1.0), lib.zeros(2)), RuntimeError, "dimension"),
    ErrorSample("matmul: dtypes", lambda lib: lib.zeros(2, 2) @ lib.zeros(2, 2, dtype=lib.float64), RuntimeError, "dtype"),
    ErrorSample("mm: batch", lambda lib: lib.mm(lib.zeros(2, 2, 2), lib.zeros(2, 2)), RuntimeError, "2D|matri"),
    ErrorSample("mv: matrix", lambda lib: lib.mv(lib.zeros(2, 2), lib.zeros(2, 2)), RuntimeError, "vector"),
    ErrorSample("dot: matrix", lambda lib: lib.dot(lib.zeros(2, 2), lib.zeros(2)), RuntimeError, "1D"),
    ErrorSample("dot: sizes", lambda lib: lib.dot(lib.zeros(2), lib.zeros(3)), RuntimeError, "2.*3|size"),
    ErrorSample("bmm: batches", lambda lib: lib.bmm(lib.zeros(1, 2, 3), lib.zeros(2, 3, 2)), RuntimeError, "batch2"),
    ErrorSample("einsum: number", lambda lib: lib.einsum("ij,jk", lib.zeros(2, 3)), Exception, "operands"),
    ErrorSample("einsum: dimensions", lambda lib: lib.einsum("ij", lib.zeros(2, 3, 4)), Exception, "subscripts"),
    ErrorSample("einsum: sizes", lambda lib: lib.einsum("i,i", lib.zeros(2), lib.zeros(3)), RuntimeError, "broadcast"),
    ErrorSample("einsum: output", lambda lib: lib.einsum("i->j", lib.zeros(2)), Exception, "output"),
    ErrorSample("tensordot: sizes", lambda lib: lib.tensordot(lib.zeros(2, 3), lib.zeros(2, 3), 1), RuntimeError,
                "contracted dimensions"),
]  # fmt: skip
