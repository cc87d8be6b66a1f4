"""Samples of dlframe/ops/linalg.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import ErrorSample, Numbers, Sample, calls

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


def distances(x: Any, y: Any, p: float) -> Any:
    return np.linalg.norm(x[..., :, None, :] - y[..., None, :, :], p, axis=-1)


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
    Sample("tensordot", (n.away(2, 3), n.away(1, 4)), {"axes": 1}, public="tensordot", public_options={"dims": 1},
           reference=lambda x, y, axes: np.tensordot(x.sum(1, keepdims=True), y, axes)),
    Sample("addmm", (n.away(3), n.away(2, 4), n.away(4, 3)), {"beta": 2.0, "alpha": 0.5},
           reference=lambda m, x, y, beta, alpha: beta * m + alpha * (x @ y), public="addmm",
           public_options={"beta": 2.0, "alpha": 0.5}),
    Sample("addmm", (n.away(2, 3), n.away(2, 4), n.away(4, 3)), reference=lambda m, x, y: m + x @ y, public="addmm"),
    Sample("addmm", (n.away(5, 2, 3), n.away(5, 2, 4), n.away(5, 4, 3)), {"beta": 0.0},
           reference=lambda m, x, y, beta: x @ y, public="baddbmm", public_options={"beta": 0.0}),
    Sample("addmm", (n.away(2), n.away(2, 4), n.away(4)), {"alpha": 0.0},
           reference=lambda m, x, y, alpha: m, public="addmv", public_options={"alpha": 0.0}),
    Sample("cross", (n.away(2, 3), n.away(2, 3)), reference=np.cross, public="linalg.cross"),
    Sample("cross", (n.away(3, 1), n.away(3, 4)), {"axis": 0}, reference=lambda x, y, axis: np.cross(x, y, axis=0),
           public="linalg.cross", public_options={"dim": 0}),
    Sample("kron", (n.away(2, 3), n.away(4)), reference=np.kron, public="kron"),
    Sample("multi_dot", (n.away(2, 7), n.away(7, 3), n.away(3, 5), n.away(5, 2)),
           reference=lambda *xs: np.linalg.multi_dot(xs), call=lambda lib, *xs: lib.linalg.multi_dot(list(xs))),
    *(Sample("cdist", (n.away(4, 3), n.away(5, 3)), {"p": p},
             reference=lambda x, y, p: distances(x, y, p)) for p in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf)),
    Sample("cdist", (n.away(2, 1, 4, 3), n.away(5, 2, 3)), reference=lambda x, y: distances(x, y, 2.0)),
    Sample("euclidean_distances", (n.away(4, 3), n.away(5, 3)), reference=lambda x, y: distances(x, y, 2.0),
           public="cdist", public_options={"compute_mode": "use_mm_for_euclid_dist"}),
]  # fmt: skip


# --- public calls ------------------------------------------------------------------------------

SCALED = {"beta": 0.5, "alpha": -2.0}
NAN = np.full((2, 3), np.nan)
POINTS = n.away(4, 3)
NEAR = np.concatenate([POINTS[:2], n.away(3, 3)])  # two of them equal
MODE = {name: f"{name}_mm_for_euclid_dist" for name in ("use", "donot_use")}


SUMMED = {
    "bool": "sums of products of bools are refused, as matmul refuses them; PyTorch has a few shapes in which it does not"
}
GROWS = {"in place": "a tensor does not grow in place"}


CALLS = [
    # half and integers are summed in another order: small whole numbers are exact in any
    *calls("addmm", (n.away(2, 3), n.away(2, 4), n.away(4, 3)), (n.away(3), n.away(2, 4), n.away(4, 3), SCALED),
             (n.away(2, 1), n.away(2, 4), n.away(4, 3)), (np.asarray(1.5), n.away(2, 4), n.away(4, 3)),
             (n.away(2, 3), n.away(2, 4), n.away(4, 3), {"alpha": 0}), (n.away(2, 3), n.away(2, 0), n.away(0, 3), {"beta": 3})),
    *calls("addmm", (NAN, n.away(2, 4), n.away(4, 3), {"beta": 0}), note="nan that does not count", order=0),
    *calls("addmm", (n.ints(-5, 5, 2, 3), n.ints(-5, 5, 2, 4), n.ints(-5, 5, 4, 3), {"beta": 2, "alpha": 3}),
             (n.ints(-5, 5, 2, 3), n.ints(-5, 5, 2, 4), n.ints(-5, 5, 4, 3), {"beta": 2.5}), note="integers"),
    *calls("addmv", (n.away(2), n.away(2, 4), n.away(4)), (np.asarray(1.5), n.away(2, 4), n.away(4), SCALED)),
    *calls("addmv", (n.away(2), n.away(2, 0), n.away(0), {"beta": 2}), note="empty", order=0,
           differs={"0-d": "the result has the shape of the product, here as elsewhere; PyTorch's has that of the input if nothing is summed"}),
    *calls("addmv", (NAN[:, 0], n.away(2, 4), n.away(4), {"beta": 0}), note="nan that does not count", order=0),
    *calls("addr", (n.away(2, 3), n.away(2), n.away(3)), (n.away(3), n.away(2), n.away(3), SCALED),
             (np.asarray(0.5), n.away(2), n.away(3)), (n.away(2, 1), n.away(2), n.away(3), {"beta": 0.0})),
    *calls("addr", (n.ints(-5, 5, 2, 3), n.ints(-5, 5, 2), n.ints(-5, 5, 3), {"beta": 2, "alpha": 3}), note="integers"),
    *calls("addr", (n.bools(2, 3), n.bools(2), n.bools(3)), (n.bools(2, 3), n.bools(2), n.bools(3), {"beta": 0}),
             (n.bools(2, 3), n.bools(2), n.bools(3), {"alpha": 0}), note="bools", dtypes=False),
    *calls("addr", (n.ints(-5, 5, 2, 3), n.ints(-5, 5, 2), n.away(3)), note="promoted", dtypes=False, forms=False, order=0),
    *calls("baddbmm", (n.away(5, 2, 3), n.away(5, 2, 4), n.away(5, 4, 3)), (n.away(3), n.away(5, 2, 4), n.away(5, 4, 3), SCALED),
             (n.away(5, 1, 1), n.away(5, 2, 4), n.away(5, 4, 3)), (n.away(1, 2, 3), n.away(0, 2, 4), n.away(0, 4, 3))),
    *calls("baddbmm", (NAN, n.away(5, 2, 4), n.away(5, 4, 3), {"beta": 0}), note="nan that does not count", order=0),
    *calls("addbmm", (n.away(3), n.away(5, 2, 4), n.away(5, 4, 3), SCALED), (np.asarray(0.5), n.away(5, 2, 4), n.away(5, 4, 3)),
             differs=GROWS),
    *calls("addbmm", (n.away(2, 3), n.away(5, 2, 4), n.away(5, 4, 3)), (n.away(2, 3), n.away(0, 2, 4), n.away(0, 4, 3), {"beta": 2})),
    *calls("addbmm", (NAN, n.away(5, 2, 4), n.away(5, 4, 3), {"beta": 0}), note="nan that does not count", order=0),

    *calls("matmul", (n.away(4, 1, 2, 3), n.away(5, 3, 4)), (n.away(2, 3), n.away(4, 5, 3, 2)), (n.away(0), n.away(0)),
             (n.away(0, 3), n.away(3)), (n.ints(-9, 9, 2, 3), n.ints(-9, 9, 3, 4))),
    *calls("matmul", (np.full((2, 2), np.inf), np.zeros((2, 2))), note="infinite", order=0),
    *calls("matmul", (n.ints(2**40, 2**45, 2, 3), n.ints(0, 2**17, 3, 2)), note="exact", dtypes=False),
    *calls("matmul", (np.full((2, 3), 100, np.int8), np.full((3, 2), 100, np.int8)), note="wraps around", dtypes=False),
    *calls("mm", (n.away(2, 0), n.away(0, 3)), (n.away(0, 2), n.away(2, 3)), (n.ints(-9, 9, 2, 3), n.ints(-9, 9, 3, 4))),
    *calls("mv", (n.away(2, 0), n.away(0)), (n.ints(-9, 9, 2, 3), n.ints(-9, 9, 3))),
    *calls("bmm", (n.away(0, 2, 3), n.away(0, 3, 2)), (n.away(2, 2, 0), n.away(2, 0, 3)), (n.ints(-9, 9, 2, 2, 3), n.ints(-9, 9, 2, 3, 2))),
    *calls("dot", (n.away(0), n.away(0)), (n.ints(-9, 9, 4), n.ints(-9, 9, 4))),
    *calls("vdot", (n.away(4), n.away(4)), (n.away(0), n.away(0)), (n.ints(-9, 9, 4), n.ints(-9, 9, 4))),
    *calls("inner", (n.away(2, 3), n.away(4, 3)), (n.away(2, 5, 3), n.away(3)), (np.asarray(1.5), n.away(2, 3)),
             (n.away(2, 3), np.asarray(1.5)), (n.away(2, 0), n.away(3, 0)), (n.ints(-9, 9, 2, 3), n.ints(-9, 9, 3))),
    *calls("outer", (n.away(3), n.away(4)), (n.away(3), n.ints(-5, 5, 2)), (n.away(0), n.away(2)), (n.ints(-9, 9, 3), n.bools(2))),
    *calls("ger", (n.away(3), n.away(4)), (n.ints(-9, 9, 3), n.away(2))),
    *calls("kron", (n.away(2, 3), n.away(2, 2)), (n.away(2), n.away(3, 1, 2)), (np.asarray(1.5), n.away(2, 2)),
             (n.away(2, 0), n.away(3)), (n.ints(-5, 5, 2), n.away(2, 2)), (n.bools(2), n.bools(3))),
    *calls("cross", (n.away(2, 3), n.away(2, 3)), (n.away(3, 2, 3), n.away(3, 2, 3)), (n.away(2, 3), n.away(2, 3), 1),
             (n.away(3, 3), n.away(3, 3), {"dim": -1}), (n.away(4, 1, 3), n.away(1, 2, 3), {"dim": 2}), (n.away(1, 3), n.away(4, 3)),
             (n.away(0, 3), n.away(0, 3)), (n.ints(-9, 9, 3), n.ints(-9, 9, 3))),
    *calls("tensordot", (n.away(2, 3), n.away(3, 4), 1), (n.away(2, 3), n.away(4), {"dims": 0}), (n.away(2, 3, 4), n.away(3, 4)),
             (n.away(2, 3, 4), n.away(4, 5, 3), {"dims": ([-1, 1], [0, 2])}),
             (n.away(2, 3), n.away(1, 4), 1), (n.away(2, 1), n.away(3, 4), 1), (n.away(2, 0), n.away(0, 4), 1),
             (n.away(2, 3), n.away(4, 2), {"dims": ((0,), (1,))}), (n.ints(-9, 9, 2, 3), n.ints(-9, 9, 3), 1), forms=False),
    *calls("tensordot", (n.away(2, 3), n.away(3, 2), {"dims": ([0, 1], [1, 0])}), note="everything summed", forms=False, differs=SUMMED),
    *calls("tensordot", (n.away(2, 3), n.away(3, 4), {"dims": np.array(1)}),
             (n.away(2, 3), n.away(3, 2), {"dims": np.array([[0], [1]])}), note="dims in a tensor", forms=False, dtypes=False),
    *calls("chain_matmul", (n.away(2, 3),), (n.away(2, 3), n.away(3, 4)), (n.away(2, 9), n.away(9, 3), n.away(3, 8), n.away(8, 2)),
             forms=False),
    *calls("einsum", ("ij,jk->ik", [n.away(2, 3), n.away(3, 4)]), (" i j , j k ", n.away(2, 3), n.away(3, 4)),
             ("bA,Bb", n.away(2, 3), n.away(4, 2)), ("Ba", n.away(2, 3)), ("...", n.away(2, 3)), ("i...->i", n.away(2, 3, 2)),
             ("...ij->...ji", n.away(2, 3, 4)), ("ij->...ij", n.away(2, 3)), ("...ij,jk...", n.away(2, 3, 4), n.away(4, 5, 2)),
             ("i,j", n.away(1), n.away(3)),
             (",", np.asarray(1.5), np.asarray(2.5)), (",i->i", np.asarray(1.5), n.away(3)), ("a,ab,abc->abc", n.away(2), n.away(2, 3), n.away(2, 3, 4)),
             ("ij,jk,kl,lm->im", n.away(2, 3), n.away(3, 4), n.away(4, 2), n.away(2, 3)), ("iij->ij", n.away(2, 2, 3)),
             ("iji->j", n.away(2, 3, 2)), ("i->", n.away(0)), ("bij,bij->b", n.away(2, 3, 4), n.away(2, 3, 4)),
             ("bhqd,bhkd->bhqk", n.away(2, 2, 3, 4), n.away(2, 2, 5, 4)), ("i,i,i->", n.away(3), n.away(3), n.away(3)),
             ("ij,kj,lj->ikl", n.away(2, 3), n.away(4, 3), n.away(2, 3)), forms=False),
    *calls("einsum", ("i,i", n.away(1), n.away(3)), ("ij,ij->j", n.away(1, 3), n.away(2, 1)), ("ij,jk", n.away(2, 0), n.away(0, 3)),
           note="sizes 1 and 0", forms=False, differs=SUMMED),
    *calls("einsum", (n.away(2, 3), [0, 1], n.away(3, 4), [1, 2], [0, 2]), (n.away(2, 3), [0, 1], n.away(3, 4), [1, 2]),
             (n.away(2, 3), [..., 1], n.away(3, 4), [1, 30], [..., 30]), (n.away(2, 3), (1, 0)), (n.away(2, 3), [51, 26], [26, 51]),
             note="lists", forms=False, dtypes=False, run=lambda lib, *args: lib.einsum(*(
                 a.tolist() if isinstance(a, lib.Tensor) and a.dtype == lib.int64 else a for a in args))),
    *calls("einsum", ("ij->i", n.ints(0, 9, 2, 3)), ("ij->i", n.bools(2, 3)), ("ij->ji", n.bools(2, 3)), ("i,j->ij", n.bools(2), n.bools(3)),
             ("i,j->ij", n.away(2), n.ints(-5, 5, 3)), ("ij,jk", n.ints(-9, 9, 2, 3), n.ints(-9, 9, 3, 2)), note="integers", forms=False, dtypes=False),
    *(call for p in (0, 0.5, 1, 1.5, 2, 2.5, math.inf) for call in calls(
        "cdist", (NEAR, POINTS, p), note="equal points", forms=False, order=1)),
    *calls("cdist", (POINTS, NEAR), (n.away(2, 4, 3), n.away(2, 5, 3), {"p": 3.0}), (n.away(0, 3), POINTS), (n.away(2, 0), n.away(3, 0)),
             (n.away(2, 1, 4, 3), n.away(3, 2, 3), {"p": 1.0}), forms=False, order=1),
    *calls("cdist", (POINTS, n.away(5, 3), {"compute_mode": MODE["use"]}), (n.away(27, 3), POINTS), (n.away(2, 3, 2), n.away(2, 26, 2)),
             note="products", forms=False, narrow=1e-2),
    *calls("cdist", (n.away(27, 3), POINTS, {"compute_mode": MODE["donot_use"]}), note="differences", forms=False, order=1),
    *calls("addmm", (np.ones((2, 2)), np.ones((2, 0)), np.ones((0, 2)), {"alpha": float("inf")}), note="no products times infinity", order=0, dtypes=False, variants=False),
]  # fmt: skip


def error(
    what: str, call: Any, message: str, kind: type[BaseException] = RuntimeError, **more: Any
) -> ErrorSample:
    return ErrorSample(what, call, kind, message, **more)


ERRORS = [
    error("matmul: sizes", lambda lib: lib.zeros(2, 3) @ lib.zeros(2, 3), "cannot be multiplied"),
    error("matmul: advice", lambda lib: lib.zeros(2, 3) @ lib.zeros(4, 3), "mat1 and mat2"),
    error("matmul: batches", lambda lib: lib.zeros(2, 2, 3) @ lib.zeros(3, 3, 2), "batch|broadcast|size"),
    error("matmul: 0-d", lambda lib: lib.matmul(lib.tensor(1.0), lib.zeros(2)), "dimension"),
    error("matmul: dtypes", lambda lib: lib.zeros(2, 2) @ lib.zeros(2, 2, dtype=lib.float64), "dtype"),
    error("matmul: bool", lambda lib: lib.zeros(2, 2).bool() @ lib.zeros(2, 2).bool(), "bool|Bool"),
    error("matmul: list", lambda lib: lib.matmul(lib.zeros(2), [1.0, 2.0]), "[tT]ensor", TypeError),
    error("mm: batch", lambda lib: lib.mm(lib.zeros(2, 2, 2), lib.zeros(2, 2)), "2D|matri"),
    error("mm: sizes", lambda lib: lib.mm(lib.zeros(2, 3), lib.zeros(2, 3)), "cannot be multiplied"),
    error("mv: matrix", lambda lib: lib.mv(lib.zeros(2, 2), lib.zeros(2, 2)), "vector"),
    error("mv: sizes", lambda lib: lib.mv(lib.zeros(2, 2), lib.zeros(3)), "size|multiplied"),
    error("dot: matrix", lambda lib: lib.dot(lib.zeros(2, 2), lib.zeros(2)), "1D"),
    error("dot: sizes", lambda lib: lib.dot(lib.zeros(2), lib.zeros(3)), "2.*3|size"),
    error("dot: dtypes", lambda lib: lib.dot(lib.zeros(2), lib.zeros(2).double()), "dtype"),
    error("vdot: matrix", lambda lib: lib.vdot(lib.zeros(2, 2), lib.zeros(2)), "1D"),
    error("vdot: sizes", lambda lib: lib.vdot(lib.zeros(2), lib.zeros(3)), "same number of elements"),
    error("bmm: batches", lambda lib: lib.bmm(lib.zeros(1, 2, 3), lib.zeros(2, 3, 2)), "batch2"),
    error("bmm: matrix", lambda lib: lib.bmm(lib.zeros(2, 3), lib.zeros(2, 3, 2)), "3D"),
    error("inner: sizes", lambda lib: lib.inner(lib.zeros(2, 3), lib.zeros(2, 2)), "last dimension must match"),
    error("inner: dtypes", lambda lib: lib.inner(lib.zeros(2), lib.zeros(2).double()), "dtype"),
    error("outer: matrix", lambda lib: lib.outer(lib.zeros(2, 2), lib.zeros(2)), "1-?D"),
    error("ger: matrix", lambda lib: lib.ger(lib.zeros(2, 2), lib.zeros(2)), "1-?D"),
    error("cross: no dimension of 3", lambda lib: lib.cross(lib.zeros(2, 2), lib.zeros(2, 2)), "no dimension of size 3"),
    error("cross: length", lambda lib: lib.cross(lib.zeros(2, 3), lib.zeros(2, 3), dim=0), "must have length 3"),
    error("cross: other's length", lambda lib: lib.cross(lib.zeros(3, 1), lib.zeros(1, 3)), "must have length 3"),
    error("cross: ranks", lambda lib: lib.cross(lib.zeros(3), lib.zeros(2, 3)), "same number of dimensions"),
    error("cross: dim", lambda lib: lib.cross(lib.zeros(2, 3), lib.zeros(2, 3), dim=2), "out of range", IndexError),
    error("cross: batches", lambda lib: lib.cross(lib.zeros(2, 3), lib.zeros(4, 3)), "shapes|size"),
    error("cross: dtypes", lambda lib: lib.cross(lib.zeros(3), lib.zeros(3).long()), "dtype|scalar type"),
    error("addmm: sizes", lambda lib: lib.addmm(lib.zeros(2, 2), lib.zeros(2, 3), lib.zeros(2, 2)), "multiplied"),
    error("addmm: input", lambda lib: lib.addmm(lib.zeros(3, 3), lib.zeros(2, 2), lib.zeros(2, 2)), "broadcast|expanded"),
    error("addmm: input's rank", lambda lib: lib.addmm(lib.zeros(1, 2, 2), lib.zeros(2, 2), lib.zeros(2, 2)), "broadcast|expand"),
    error("addmm: matrix", lambda lib: lib.addmm(lib.zeros(2, 2), lib.zeros(2, 2, 2), lib.zeros(2, 2)), "matrix"),
    error("addmm: dtypes", lambda lib: lib.addmm(lib.zeros(2, 2).double(), lib.zeros(2, 2), lib.zeros(2, 2)), "same dtype"),
    error("addmv: sizes", lambda lib: lib.addmv(lib.zeros(2), lib.zeros(2, 3), lib.zeros(2)), "size|multiplied"),
    error("addmv: input", lambda lib: lib.addmv(lib.zeros(3), lib.zeros(2, 2), lib.zeros(2)), "broadcast|size"),
    error("addmv: dtypes", lambda lib: lib.addmv(lib.zeros(2), lib.zeros(2, 2).long(), lib.zeros(2)), "same dtype"),
    error("addr: input", lambda lib: lib.addr(lib.zeros(3, 2), lib.zeros(2), lib.zeros(2)), "broadcast|expanded"),
    error("addr: matrix", lambda lib: lib.addr(lib.zeros(2, 2), lib.zeros(2, 2), lib.zeros(2)), "1-?D"),
    error("addr: fraction", lambda lib: lib.addr(lib.zeros(2, 2).long(), lib.zeros(2).long(), lib.zeros(2).long(), beta=1.5), "beta"),
    error("baddbmm: batches", lambda lib: lib.baddbmm(lib.zeros(3, 2, 2), lib.zeros(3, 2, 2), lib.zeros(2, 2, 2)), "batch2"),
    error("baddbmm: dtypes", lambda lib: lib.baddbmm(lib.zeros(1, 2, 2).double(), lib.zeros(1, 2, 2), lib.zeros(1, 2, 2)), "dtype"),
    error("baddbmm: input", lambda lib: lib.baddbmm(lib.zeros(2, 3, 2), lib.zeros(1, 2, 2), lib.zeros(1, 2, 2)), "broadcast|expanded"),
    error("addbmm: batches", lambda lib: lib.addbmm(lib.zeros(2, 2), lib.zeros(3, 2, 2), lib.zeros(2, 2, 2)), "batch"),
    error("addbmm: input", lambda lib: lib.addbmm(lib.zeros(3, 2), lib.zeros(3, 2, 2), lib.zeros(3, 2, 2)), "broadcast|expanded"),
    error("chain_matmul: nothing", lambda lib: lib.chain_matmul(), "one or more matrices"),
    error("chain_matmul: vector", lambda lib: lib.chain_matmul(lib.zeros(2, 3), lib.zeros(3)), "2D|[Dd]imension"),
    error("chain_matmul: sizes", lambda lib: lib.chain_matmul(lib.zeros(2, 3), lib.zeros(2, 3)), "multiplied"),
    error("einsum: number", lambda lib: lib.einsum("ij,jk", lib.zeros(2, 3)), "operands"),
    error("einsum: dimensions", lambda lib: lib.einsum("ij", lib.zeros(2, 3, 4)), "subscripts"),
    error("einsum: sizes", lambda lib: lib.einsum("i,i", lib.zeros(2), lib.zeros(3)), "broadcast"),
    error("einsum: dots", lambda lib: lib.einsum("...i,...j", lib.zeros(2, 3), lib.zeros(4, 3)), "broadcast"),
    error("einsum: two dots", lambda lib: lib.einsum("i..j", lib.zeros(2, 3)), "subscripts|'\\.'"),
    error("einsum: dots twice", lambda lib: lib.einsum("...i...", lib.zeros(2, 3)), "subscripts|'\\.'"),
    error("einsum: output", lambda lib: lib.einsum("i->j", lib.zeros(2)), "output"),
    error("einsum: output twice", lambda lib: lib.einsum("ij->ijj", lib.zeros(2, 3)), "output"),
    error("einsum: digit", lambda lib: lib.einsum("i1", lib.zeros(2, 3)), "letter|subscript"),
    error("einsum: arrows", lambda lib: lib.einsum("ij->i->j", lib.zeros(2, 3)), "letter|subscript|output"),
    error("einsum: diagonal", lambda lib: lib.einsum("ii", lib.zeros(2, 3)), "repeated|sizes"),
    error("einsum: dtypes", lambda lib: lib.einsum("i,i", lib.zeros(2), lib.zeros(2).long()), "dtype|scalar type"),
    error("einsum: bool", lambda lib: lib.einsum("ij,jk", lib.zeros(2, 2).bool(), lib.zeros(2, 2).bool()), "bool|Bool"),
    error("einsum: number among operands", lambda lib: lib.einsum("i,i->", lib.zeros(2), 3.0), "[tT]ensor", TypeError),
    error("einsum: no operands", lambda lib: lib.einsum("i"), "at least one operand", ValueError),
    error("einsum: subscript", lambda lib: lib.einsum(lib.zeros(2, 3), [0, 52]), "valid range", ValueError),
    error("tensordot: sizes", lambda lib: lib.tensordot(lib.zeros(2, 3), lib.zeros(2, 3), 1), "contracted dimensions"),
    error("tensordot: negative", lambda lib: lib.tensordot(lib.zeros(2, 2), lib.zeros(2, 2), -1), "dims"),
    error("tensordot: too many", lambda lib: lib.tensordot(lib.zeros(2, 2), lib.zeros(2, 2), 3), "dims"),
    error("tensordot: lengths", lambda lib: lib.tensordot(lib.zeros(2, 2), lib.zeros(2, 2), ([0], [0, 1])), "same length"),
    error("tensordot: twice", lambda lib: lib.tensordot(lib.zeros(2, 2), lib.zeros(2, 2), ([0, 0], [0, 1])), "multiple times"),
    error("tensordot: one list", lambda lib: lib.tensordot(lib.zeros(2, 2), lib.zeros(2, 2), ([0],)), "dims|values", ValueError),
    error("tensordot: fraction", lambda lib: lib.tensordot(lib.zeros(2, 2), lib.zeros(2, 2), 1.5), "dims to be int"),
    error("tensordot: dtypes", lambda lib: lib.tensordot(lib.zeros(2, 2), lib.zeros(2, 2).double(), 1), "dtype"),
    error("cdist: integers", lambda lib: lib.cdist(lib.zeros(2, 2).long(), lib.zeros(2, 2).long()), "floating-point"),
    error("cdist: vector", lambda lib: lib.cdist(lib.zeros(2), lib.zeros(2, 2)), "at least 2D"),
    error("cdist: columns", lambda lib: lib.cdist(lib.zeros(2, 3), lib.zeros(2, 2)), "number of columns"),
    error("cdist: p", lambda lib: lib.cdist(lib.zeros(2, 2), lib.zeros(2, 2), p=-1), "non-negative"),
    error("cdist: mode", lambda lib: lib.cdist(lib.zeros(2, 2), lib.zeros(2, 2), compute_mode="x"), "compute_mode", ValueError),
    error("cdist: batches", lambda lib: lib.cdist(lib.zeros(4, 2, 3), lib.zeros(5, 3, 3)), "shapes|size"),
    error("cdist: dtypes", lambda lib: lib.cdist(lib.zeros(2, 2), lib.zeros(2, 2).double()), "dtype|scalar type"),
    error("addmv: alpha", lambda lib: lib.addmv(lib.tensor([1]), lib.tensor([[1]]), lib.tensor([1]), alpha=float("nan")), "without overflow"),
    error("cross: bools", lambda lib: lib.cross(lib.ones(1, 3).bool(), lib.ones(1, 3).bool(), dim=-1), "(?i)not implemented"),
]  # fmt: skip
