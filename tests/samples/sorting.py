"""Samples of dlframe/ops/sorting.py: orders, and elements picked by rank."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import Array, Call, Edge, ErrorSample, Numbers, Sample, calls

n = Numbers(22)
inf, nan = math.inf, math.nan


def ranks(*shape: int) -> Array:
    """All different, and different as integers of any kind too."""
    return n.rng.permutation(math.prod(shape)).reshape(shape).astype(np.float64)


order, many = ranks(3, 4), ranks(2, 40)
few = n.ints(0, 4, 4, 9)


def descending(x: Array, axis: int = -1) -> Array:
    return np.argsort(-x, axis=axis, kind="stable")


def mode_index(x: Array, axis: int) -> Array:
    """The last place of the smallest of the most frequent numbers, line by line."""

    def of(row: Array) -> int:
        counts = {value: list(row).count(value) for value in sorted(row)}
        return max(i for i, v in enumerate(row) if v == max(counts, key=lambda k: counts[k]))

    return np.apply_along_axis(of, axis, x)


# long enough for other algorithms, which must find the same
long = np.where(n.rng.random((3, 300)) < 0.05, nan, n.rng.standard_normal((3, 300)))
long[0] = n.ints(0, 40, 300)
long[1] = n.rng.permutation(300)


def stable(x: Array, axis: int = -1) -> Array:
    return np.argsort(x, axis, kind="stable")


SAMPLES = [
    *(Sample("argsort", (x,), {"axis": axis}, reference=stable, order=0, dtypes=()) for x, axis in ((long, 1), (long.T, 0))),
    *(
        Sample("index_of_rank", (x,), {"rank": rank, "axis": axis}, order=0, dtypes=(),
               reference=lambda x, rank, axis: stable(x, axis).take(rank, axis))
        for x, axis in ((long, 1), (long.T, 0))
        for rank in (0, 149, 299)
    ),
    Sample("argsort", (order,), {"axis": 0}, reference=np.argsort, public="argsort", public_options={"dim": 0}, order=0),
    Sample("argsort", (few,), {"descending": True}, reference=lambda x, descending: np.argsort(-x, kind="stable"),
           public="argsort", public_options={"descending": True, "stable": True}, order=0),
    *(
        Sample("pick", (order,), {"places": places}, reference=lambda x, places: x.reshape(-1)[places])
        for places in (np.array([[3, 0], [7, 11]]), np.array(5))
    ),
    Sample("place", (n.away(2, 2),), {"places": np.array([[3, 0], [7, 11]]), "size": (3, 4)},
           reference=lambda x, places, size: np.bincount(places.reshape(-1), x.reshape(-1), 12).reshape(size)),
    *(
        Sample("index_of_rank", (order,), {"rank": rank, "axis": axis}, order=0,
               reference=lambda x, rank, axis: np.argsort(x, axis).take(rank, axis))
        for rank, axis in ((0, 0), (2, 1), (1, -1))
    ),
    Sample("index_of_rank", (few,), {"rank": 3, "axis": 1, "keepdims": True}, order=0,
           reference=lambda x, rank, axis, keepdims: np.argsort(x, axis, kind="stable").take([rank], axis)),
    *(
        Sample("topk_indices", (x,), {"k": k, "axis": 1, "largest": largest}, order=0,
               reference=lambda x, k, axis, largest: (descending(x) if largest else np.argsort(x))[:, :k])
        for x, k in ((order, 2), (many, 3), (many, 1), (order, 0))
        for largest in (True, False)
    ),
    *(Sample("mode_index", (few,), {"axis": axis}, reference=mode_index, order=0) for axis in (0, 1)),
]  # fmt: skip


def values(lib: Any, out: Any) -> Any:
    """Which index equal elements have is not promised."""
    return out.values


ties = np.array([[1.0, 3.0, 3.0, 2.0], [2.0, 2.0, 2.0, 1.0]])
holes = np.array(
    [[1.0, nan, 3.0, nan], [nan, nan, nan, nan], [3.0, 1.0, 2.0, 4.0], [nan, 3.0, 1.0, 2.0]]
)
flags = n.bools(2, 5)
cube = ranks(2, 3, 4)

CALLS: list[Call] = [
    # sort, argsort, msort
    *calls("sort", order, (order, 0), (order, -1, True), (order, {"dim": 0, "descending": True}), (order, {"axis": 0}),
           (order, {"stable": True}), (few, {"stable": True, "descending": True}), (few, {"dim": 0, "stable": True}), (flags, {"stable": True}), (cube, 1)),
    *calls("argsort", order, (order, 0), (order, -1, True), (order, {"dim": 0, "descending": True}), (order, {"axis": 0}),
           (few, {"stable": True}), (few, {"stable": True, "descending": True, "dim": 0}), (flags, {"stable": True}), order=0),
    *calls("msort", order, cube, ranks(5)),
    *(
        Call("sort", (holes, 1, down), note=f"nan {down}", run=lambda lib, x, d, down: lib.sort(x, stable=True, dim=d, descending=down), dtypes=False)
        for down in (False, True)
    ),
    Call("sort", (ties, 1), {"stable": True}, note="ties", run=lambda lib, x, d, stable: lib.sort(x, dim=d, stable=stable)),
    Call("msort", (holes,), note="nan", dtypes=False),
    # topk, kthvalue
    *calls("topk", (order, 2), (order, 2, 0), (order, 1, -1, False), (order, {"k": 3, "dim": 1, "largest": True, "sorted": True}),
           (order, {"k": 2, "axis": 0}), (many, 3), (many, 2, 1, False), (order, 0), (cube, 2, 1)),
    Call("topk", (ties, 3), note="ties", then=values, order=0),
    Call("topk", (few, 4), note="integers", then=values),
    Call("topk", (holes, 2), note="nan", then=values, order=0, dtypes=False),
    Call("topk", (holes, 2, 1, False), note="nan, smallest", then=values, order=0, dtypes=False),
    Call("topk", (many, 3), {"sorted": False}, note="unsorted", then=lambda lib, out: out.values.sort().values),
    *calls("kthvalue", (order, 2), (order, 1, 0), (order, 3, 1, True), (order, {"k": 2, "dim": 0, "keepdim": True}), (order, {"k": 1, "axis": 0}), (cube, 2, 1)),
    Call("kthvalue", (few, 4), note="ties", then=values),
    Call("kthvalue", (holes, 2, 1), note="nan", then=values, order=0, dtypes=False),
    # median, nanmedian, mode
    *(
        row
        for name in ("median", "nanmedian")
        for row in (
            *calls(name, order, cube, (order, 0), (order, -1, True), (order, {"dim": 1, "keepdim": True}), (order, {"axis": 0, "keepdims": True}), (cube, 1), (ranks(5), 0)),
            Call(name, (ties,), note="ties share"),
            Call(name, (few,), note="integers"),
            Call(name, (few, 0), note="integers of a dim", then=values),
            Call(name, (ties, 1), note="ties of a dim"),
            Call(name, (holes,), note="nan", dtypes=False),
            Call(name, (holes, 1), note="nan of a dim", then=values, order=0, dtypes=False),
            Call(name, (np.array([nan, nan]),), note="nan only", dtypes=False),
        )
    ),
    *calls("mode", order, few, (few, 0), (few, -1, True), (few, {"dim": 0, "keepdim": True}), (few, {"axis": 0}), (flags, 1)),
    Call("mode", (ties, 1), note="ties"),
    Call("mode", (holes[:3], 1), note="nan", dtypes=False),
]  # fmt: skip

ERRORS = [
    ErrorSample("sort: dim", lambda lib: lib.sort(lib.zeros(2), 1), IndexError, r"\[-1, 0\]"),
    ErrorSample("topk: k", lambda lib: lib.topk(lib.zeros(3), 4), RuntimeError, "out of range"),
    ErrorSample("topk: negative k", lambda lib: lib.topk(lib.zeros(3), -1), RuntimeError, "out of range"),
    ErrorSample("topk: bools", lambda lib: lib.topk(lib.tensor([True, False]), 1), RuntimeError, "bool"),
    ErrorSample("kthvalue: k", lambda lib: lib.kthvalue(lib.zeros(3), 4), RuntimeError, "out of range"),
    ErrorSample("kthvalue: k = 0", lambda lib: lib.kthvalue(lib.zeros(3), 0), RuntimeError, "out of range"),
    ErrorSample("kthvalue: nothing", lambda lib: lib.kthvalue(lib.zeros(2, 0), 1, 1), IndexError, "non-zero size"),
    ErrorSample("kthvalue: bools", lambda lib: lib.kthvalue(lib.tensor([True, False]), 1), RuntimeError, "(?i)bool"),
    ErrorSample("median: bools", lambda lib: lib.median(lib.tensor([True, False])), RuntimeError, "(?i)bool"),
    ErrorSample("median: nothing", lambda lib: lib.median(lib.zeros(2, 0), 1), IndexError, "non-zero size"),
    ErrorSample("mode: nothing", lambda lib: lib.mode(lib.zeros(0)), IndexError, "non-zero size"),
    ErrorSample("nanmedian: dim", lambda lib: lib.nanmedian(lib.zeros(2), 1), IndexError, r"\[-1, 0\]"),
]  # fmt: skip


def edge(name: str, call: Any, *inputs: Any) -> Edge:
    return Edge(name, call, tuple(np.asarray(x, np.float64) for x in inputs))


EDGES = [
    edge("sort", lambda lib, x: lib.sort(x, 1).values, [[3.0, 1.0, 2.0], [1.0, 1.0, 0.0]]),
    edge("sort_descending", lambda lib, x: lib.sort(x, 0, descending=True).values, [[3.0, 1.0], [1.0, 5.0]]),
    edge("topk", lambda lib, x: lib.topk(x, 2).values, [[3.0, 1.0, 2.0], [9.0, 7.0, 8.0]]),
    edge("topk_smallest", lambda lib, x: lib.topk(x, 1, 0, largest=False).values, [[3.0, 1.0, 2.0], [9.0, 7.0, 8.0]]),
]  # fmt: skip
