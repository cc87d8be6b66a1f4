"""Samples of the functions that read by index, by mask, and that say where elements are."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.table import Call, ErrorSample, Numbers, calls

n = Numbers(12)

x = n.away(3, 4)
mask = x > 0
row = np.array([True, False, True, False])
edges = np.array([-1.0, 0.5, 0.5, 2.0])
several = np.sort(n.away(3, 5))

CALLS = [
    *calls("gather", (x, 0, np.array([[0, 2, 1, 0], [1, 1, 0, 2]])), (x, 1, np.array([[3], [0], [3]])),
           (x, -1, np.array([[0, 0, 1]])), (np.array(1.5), 0, np.array([0, 0])), (n.away(4), 0, np.array(2)),
           (x, 0, np.zeros((0, 4), np.int64)), (x, 1, np.array([[3, 1]], np.int32)),
           (n.away(2, 3, 2), 1, n.ints(0, 3, 2, 4, 2)), (x, 0, np.array([[1]]), {"sparse_grad": False})),
    *calls("take_along_dim", (x, np.array([[0], [1], [3]]), 1), (x, np.array([[0, 1, 2]]), {"dim": -1}), (x, np.array([[0, 5]])),
           (n.away(1, 4), np.array([[1], [-1], [2]]), 1), (x, np.array([[0, 0, 0, 2]]), {"dim": 0})),
    *calls("index_select", (x, 0, np.array([2, 0, 2])), (x, 1, np.array(3)), (x, {"dim": -1, "index": np.array([1, 1])}),
           (np.array(1.5), 0, np.array([0])), (x, 0, np.array([], np.int64)), (x, 0, np.array([1], np.int32))),
    *calls("take", (x, np.array([[0, 11], [-1, -12]])), (x, np.array(5)), (x, np.array([2, 2])), (np.array(1.5), np.array([0]))),
    *calls("select", (x, 0, 1), (x, -1, -2), (n.away(2, 3, 2), 1, 2)),
    *calls("masked_fill", (x, mask, 0.0), (x, row, np.array(1.5)), (n.away(4), mask, -1), (x, np.array([[True], [False], [True]]), 2.5),
           (x, mask, np.array(3))),
    *calls("masked_scatter", (x, mask, n.away(12)), (x, row, n.away(3, 4)), (x, np.array([[True], [False], [True]]), n.away(8)),
           (np.array(1.5), np.array(True), np.array(2.5))),
    Call("masked_scatter", (n.away(4), mask, n.away(12)), note="larger mask"),
    *calls("masked_select", (x, mask), (x, row), (n.away(4), mask), (np.array(1.5), np.array(True)),
           (x, np.array([[True], [False], [True]]))),
    *calls("nonzero", (n.ints(0, 2, 3, 4),), (n.ints(0, 2, 2, 2, 2), {"as_tuple": True}), (mask,),
           (np.array([0.0, np.nan, -0.0, 2.0]),), (np.array(3),), (np.array(0), {"as_tuple": True}), order=0),
    *calls("nonzero_static", (mask, {"size": 3}), (mask, {"size": 15, "fill_value": 7}), (mask, {"size": 0}), order=0),
    *calls("argwhere", (n.ints(0, 2, 3, 4),), (mask,), (np.array(3.5),), order=0),
    *calls("unravel_index", (np.array([0, 5, 11]), (3, 4)), (np.array([[3], [7]]), 12), (np.array(13), (2, 3, 4)), order=0),
    *calls("searchsorted", (edges, x), (edges, x, {"right": True}), (edges, np.array([0.5, 9.0]), {"side": "right"}),
           (edges, np.array([0.5, 9.0]), {"side": "left"}), (edges, 0.5), (edges, x, {"out_int32": True}),
           (several, n.away(3, 2)), (several, n.away(3, 4), {"right": True}), (edges, np.array([np.nan, np.inf])),
           (edges[[2, 0, 3, 1]], x, {"sorter": np.array([1, 3, 0, 2])}), (np.array([1, 3, 5]), np.array([[0, 3], [4, 9]])),
           (several[:, ::-1].copy(), several[:, :2].copy(), {"sorter": np.tile(np.arange(5)[::-1], (3, 1))}), (edges, 1), order=0),
    *calls("bucketize", (x, edges), (x, edges, {"right": True}), (0.5, edges), (2, edges, {"out_int32": True}),
           (np.array([1, 7]), np.array([1, 3, 7])), order=0),
    *calls("isin", (np.array([[1, 2], [3, 4]]), np.array([2, 3])), (np.array([1, 2, 3]), np.array([[2], [9]]), {"invert": True}),
           (np.array([1, 2, 3]), 2), (2, np.array([1, 2, 3])), (np.array([1.0, 2.5, np.nan]), np.array([2.5, np.nan])),
           (np.array([1, 2, 3]), np.array([2.0, 2.5])), (np.array([4, 1, 2]), np.array([1, 9]), {"assume_unique": True}), order=0),
    *calls("unravel_index", (np.array([5, 11], "int32"), (3, 4)), note="indices of int32 give int64", order=0),
    *calls("searchsorted", (np.zeros((2, 3, 0)), np.zeros((2, 3, 0))), (np.zeros((0, 3)), np.zeros((0, 2))), note="nothing to search", order=0, dtypes=False),
]  # fmt: skip


def long(lib: Any, data: Any) -> Any:
    return lib.tensor(data, dtype=lib.int64)


def wrong(
    name: str, call: Any, error: type[BaseException], message: str, **more: Any
) -> ErrorSample:
    return ErrorSample(name, call, error, message, **more)


ERRORS = [
    wrong("gather: out of range, empty", lambda lib: lib.gather(lib.zeros(0, 3), 0, long(lib, [[0]])), RuntimeError, "out of bounds"),
    wrong("gather: dim", lambda lib: lib.gather(lib.zeros(2, 3), 2, long(lib, [[0]])), IndexError, "Dimension out of range"),
    wrong("gather: uint8", lambda lib: lib.gather(lib.zeros(2, 3), 0, lib.tensor([[0]], dtype=lib.uint8)), RuntimeError, "int64"),
    wrong("take: out of range", lambda lib: lib.take(lib.zeros(2, 3), long(lib, [6])), IndexError, "index 6"),
    wrong("take: before the first", lambda lib: lib.take(lib.zeros(2, 3), long(lib, [-7])), IndexError, "index -7"),
    wrong("take: int32", lambda lib: lib.take(lib.zeros(3), lib.tensor([0], dtype=lib.int32)), RuntimeError, "long"),
    wrong("take: empty", lambda lib: lib.take(lib.zeros(0), long(lib, [0])), IndexError, "empty"),
    wrong("take_along_dim: int32", lambda lib: lib.take_along_dim(lib.zeros(1, 2), lib.tensor([[0]], dtype=lib.int32), 1),
          RuntimeError, "(?i)long"),
    wrong("take_along_dim: dimensions", lambda lib: lib.take_along_dim(lib.zeros(1, 2), long(lib, [0]), 1), RuntimeError,
          "same number of dimensions"),
    wrong("take_along_dim: shapes", lambda lib: lib.take_along_dim(lib.zeros(3, 2), long(lib, [[0], [0]]), 1), RuntimeError,
          "broadcast|must match"),
    wrong("take_along_dim: 0-d", lambda lib: lib.take_along_dim(lib.tensor(1.0), long(lib, 0), 0), IndexError, "no dimensions"),
    wrong("index_select: scalar", lambda lib: lib.index_select(lib.tensor(1.0), 0, long(lib, [0, 0])), RuntimeError, "only 1 value"),
    wrong("index_select: int8", lambda lib: lib.index_select(lib.zeros(2), 0, lib.tensor([0], dtype=lib.int8)), RuntimeError, "int64"),
    wrong("select: out of range", lambda lib: lib.zeros(2, 3).select(1, 3), IndexError, "index 3 out of range"),
    wrong("select: 0-d", lambda lib: lib.tensor(1.0).select(0, 0), IndexError, "0-dim"),
    wrong("masked_fill: None", lambda lib: lib.zeros(2).masked_fill(lib.tensor([True, False]), None), TypeError, "None"),
    wrong("masked_fill: overflow", lambda lib: lib.zeros(2, dtype=lib.float16).masked_fill(lib.tensor([True, False]), 1e6),
          RuntimeError, "without overflow"),
    wrong("masked_fill: shapes", lambda lib: lib.zeros(2, 3).masked_fill(lib.tensor([True, False]), 0.0), RuntimeError,
          "broadcast|must match"),
    wrong("masked_fill_: larger mask", lambda lib: lib.zeros(2).masked_fill_(lib.ones(2, 2).bool(), 0.0), RuntimeError,
          "broadcast shape"),
    wrong("masked_scatter: too few", lambda lib: lib.zeros(3).masked_scatter(lib.ones(3).bool(), lib.zeros(2)), RuntimeError,
          "Number of elements"),
    wrong("masked_scatter: dtype", lambda lib: lib.zeros(2).masked_scatter(lib.ones(2).bool(), long(lib, [1, 2])), RuntimeError,
          "same dtype"),
    wrong("masked_scatter: mask", lambda lib: lib.zeros(2).masked_scatter(long(lib, [1, 0]), lib.zeros(2)), RuntimeError, "boolean"),
    wrong("masked_select: mask", lambda lib: lib.zeros(2).masked_select(long(lib, [1, 0])), RuntimeError, "(?i)bool"),
    wrong("masked_select: shapes", lambda lib: lib.zeros(2, 3).masked_select(lib.tensor([True, False])), RuntimeError,
          "broadcast|must match"),
    wrong("nonzero_static: size", lambda lib: lib.nonzero_static(lib.zeros(2), size=-1), RuntimeError, "non-negative"),
    wrong("unravel_index: floats", lambda lib: lib.unravel_index(lib.zeros(1), (2, 2)), TypeError, "integer"),
    wrong("unravel_index: size", lambda lib: lib.unravel_index(long(lib, [0]), (2, -2)), ValueError, "negative"),
    wrong("searchsorted: side", lambda lib: lib.searchsorted(lib.zeros(2), lib.zeros(2), side="up"), RuntimeError, "'left' or 'right'"),
    wrong("searchsorted: opposites", lambda lib: lib.searchsorted(lib.zeros(2), lib.zeros(2), side="left", right=True),
          RuntimeError, "opposites"),
    wrong("searchsorted: shapes", lambda lib: lib.searchsorted(lib.zeros(2, 3), lib.zeros(2)), RuntimeError, "N-1 dimensions"),
    wrong("searchsorted: scalar", lambda lib: lib.searchsorted(lib.zeros(2, 3), 1.0), RuntimeError, "dim"),
    wrong("searchsorted: 0-d", lambda lib: lib.searchsorted(lib.tensor(1.0), lib.zeros(2)), RuntimeError, "positive dimension"),
    wrong("searchsorted: bools", lambda lib: lib.searchsorted(lib.tensor([False, True]), lib.tensor([True])), RuntimeError,
          "(?i)not implemented.*bool"),
    wrong("searchsorted: sorter dtype", lambda lib: lib.searchsorted(lib.zeros(2), lib.zeros(1), sorter=lib.zeros(2)), RuntimeError,
          "long dtype"),
    wrong("searchsorted: sorter shape", lambda lib: lib.searchsorted(lib.zeros(3), lib.zeros(1), sorter=long(lib, [0])), RuntimeError,
          "same size"),
    wrong("searchsorted: sorter range", lambda lib: lib.searchsorted(lib.zeros(1), lib.zeros(1), sorter=long(lib, [1])), RuntimeError,
          "out of range"),
    wrong("bucketize: matrix", lambda lib: lib.bucketize(lib.zeros(2), lib.zeros(1, 2)), RuntimeError, "1 dimension"),
    wrong("isin: numbers", lambda lib: lib.isin(1, 1), TypeError, "isin"),
    wrong("isin: bools", lambda lib: lib.isin(lib.tensor([True]), lib.tensor([True])), RuntimeError, "Unsupported input type"),
]  # fmt: skip
