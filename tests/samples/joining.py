"""Calls of what joins tensors, spans grids by them, and cuts them into pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.table import Call, ErrorSample, Numbers, calls

n = Numbers(31)

x, y, z = n.away(2, 3), n.away(2, 3), n.away(4, 3)
u, v = n.away(3), n.away(4)
scalar = np.array(1.5)
cube = n.away(2, 4, 6)
whole, flags = n.ints(-3, 4, 2, 3), n.bools(2, 3)


def promoted(name: str, *arrays: Any, **options: Any) -> Call:
    """Arrays of several dtypes: which one the result has."""
    return Call(name, (list(arrays),), options, note="of several dtypes", dtypes=False, narrow=0)


JOINED = [
    *calls("cat", ([x, z],), ([x, y], 1), ([x, y], -1), ([x, z, x[:0]], {"dim": 0}), ([x, y], {"axis": 1}), ([x],), ((u, v),), ([u, n.away(0)],)),
    promoted("cat", x, whole), promoted("cat", whole, flags), promoted("cat", x, y.astype("float16")), promoted("cat", whole.astype("uint8"), whole.astype("int8")),
    promoted("cat", u, np.zeros(0, "int64")), promoted("cat", u.astype("float32"), np.zeros(0)),
    *calls("concat", ([x, z],), ([x, y], 1)), *calls("concatenate", ([x, z],), ([x, y], 1), ([x, y], {"axis": -1})),
    *calls("stack", ([x, y],), ([x, y, x], 1), ([x, y], -1), ([scalar, scalar],), ([u], {"dim": -2}), ([x, y], {"axis": 1})),
    promoted("stack", x, whole), promoted("stack", scalar, np.array(2)), promoted("stack", scalar, np.array(2.0, "float32")),
    *calls("hstack", ([x, y],), ([u, v],), ([scalar, u],), ([cube, cube],)), *calls("vstack", ([x, z],), ([u, x],), ([scalar, scalar],)),
    *calls("row_stack", ([x, z],)), *calls("dstack", ([x, y],), ([u, u],), ([scalar],), ([cube, cube],)),
    *calls("column_stack", ([u, u],), ([u, z.T.copy()],), ([scalar, scalar],)), promoted("hstack", u, np.arange(2)), promoted("vstack", u, np.arange(3)),
    promoted("column_stack", u, np.arange(3)), promoted("dstack", u, np.arange(3)),
    *calls("block_diag", (x, u, scalar), (x,), (z, n.away(2, 0))), Call("block_diag", (), order=0), Call("block_diag", (x, np.arange(3)), note="of several dtypes", dtypes=False),
    # grids
    *calls("meshgrid", (u, v, {"indexing": "ij"}), (u, v, scalar, {"indexing": "xy"}), ([u, v], {"indexing": "xy"}), (u, {"indexing": "xy"}), (u, v)),
    *calls("cartesian_prod", (u, v), (u,), (u, v, n.away(2)), variants=False),
    *calls("combinations", u, (v, 3), (v, {"r": 2, "with_replacement": True}), (v, 1), (v, 0), (u, 4), (u, 3, True), variants=False),
    *calls("broadcast_tensors", (x, u), (u, n.away(2, 1), scalar)),
    *calls("broadcast_shapes", ((2, 1), (3,)), ((), (1, 4)), (5, (2, 1)), order=0, dtypes=False, variants=False),
]  # fmt: skip


PIECES = [
    *calls("split", (cube, 2), (cube, 3, 1), (cube, [1, 3], 1), (cube, {"split_size_or_sections": 4, "dim": -1}), (u, [3]), (u, [1, 0, 2]), forms=False),
    *calls("Tensor.split", (cube, 2, 2), (cube, {"split_size": [2, 2, 2], "dim": -1})), *calls("Tensor.unsafe_split", (cube, 2, 2), (cube, {"split_size": 1, "dim": 1})),
    *calls("unsafe_split", (cube, 2), (cube, 4, -1), (cube, 3, {"dim": 1}), forms=False), *calls("split_with_sizes", (cube, [1, 3], 1), (cube, {"split_sizes": [2, 4], "dim": -1})),
    *calls("unsafe_split_with_sizes", (cube, [1, 3], 1), (cube, {"split_sizes": [2, 4], "dim": -1})),
    *calls("chunk", (cube, 2), (cube, 3, 1), (cube, {"chunks": 4, "dim": -1}), (v, 3), (v, 9)), *calls("unsafe_chunk", (cube, 2), (cube, {"chunks": 4, "dim": -1})),
    *calls("tensor_split", (cube, 2), (cube, 3, 1), (cube, (1, 2), 2), (cube, [2, -1, 9], {"dim": -1}), (v, (3, 1)), (v, 7)),
    Call("tensor_split", (v, np.array([1, 3])), note="a tensor of indices", forms=False), Call("tensor_split", (v, np.array(3)), note="a tensor", forms=False, variants=False),
    Call("tensor_split", (v,), {"sections": 3}, forms=False), Call("tensor_split", (v,), {"indices": [1]}, forms=False),
    *calls("hsplit", (cube, 2), (v, 2), (x, [1]), (x, {"sections": 3}), forms=False), *calls("vsplit", (cube, 2), (z, [1, 2]), (z, {"sections": 4}), forms=False),
    *calls("dsplit", (cube, 2), (cube, [1, 5]), (cube, {"indices": [3]}), forms=False),
    *calls("Tensor.hsplit", (cube, 2), (v, {"indices": [1]})), *calls("Tensor.vsplit", (cube, 2), (z, {"indices": [1]})),
    *calls("Tensor.dsplit", (cube, 2), (cube, {"indices": [1]})),
    *calls("unbind", cube, (cube, 1), (cube, {"dim": -1}), u),
    *calls("narrow", (cube, 1, 1, 2), (cube, -1, -3, 2), (cube, 0, 2, 0), (cube, {"dim": 2, "start": 1, "length": 3})), Call("narrow", (cube, 1, np.array(1), 2), note="a tensor as start", forms=False, variants=False),
    *calls("narrow_copy", (cube, 1, 1, 2), (cube, {"dim": 2, "start": 1, "length": 3})),
    *calls("select", (cube, 1, 2), (cube, -1, -2), (cube, {"dim": 0, "index": 1}), (u, 0, -1)),
    Call("Tensor.__iter__", (z,), run=lambda lib, x: list(x)), Call("Tensor.__iter__", (u,), run=lambda lib, x: [2 * row for row in x]),
]  # fmt: skip

CALLS = [*JOINED, *PIECES]

ERRORS = [
    ErrorSample("cat: sizes", lambda lib: lib.cat([lib.zeros(2, 3), lib.zeros(2, 4)]), RuntimeError, "must match"),
    ErrorSample("cat: numbers of dimensions", lambda lib: lib.cat([lib.zeros(2, 3), lib.zeros(2)]), RuntimeError, "must match|number of dimensions"),
    ErrorSample("cat: nothing", lambda lib: lib.cat([]), Exception, "non-empty"),
    ErrorSample("cat: 0-d", lambda lib: lib.cat([lib.tensor(1.0)]), RuntimeError, "zero-dimensional"),
    ErrorSample("cat: one tensor", lambda lib: lib.cat(lib.zeros(2)), TypeError, "tensor"),
    ErrorSample("cat: dim", lambda lib: lib.cat([lib.zeros(2, 3)], 2), IndexError, r"\[-2, 1\]"),
    ErrorSample("stack: sizes", lambda lib: lib.stack([lib.zeros(2), lib.zeros(3)]), RuntimeError, "equal size"),
    ErrorSample("stack: nothing", lambda lib: lib.stack([]), RuntimeError, "non-empty"),
    ErrorSample("stack: dim", lambda lib: lib.stack([lib.zeros(2)], 2), IndexError, r"\[-2, 1\]"),
    ErrorSample("hstack: sizes", lambda lib: lib.hstack([lib.zeros(2, 1), lib.zeros(2)]), RuntimeError, "must match|number of dimensions"),
    ErrorSample("vstack: nothing", lambda lib: lib.vstack([]), RuntimeError, "non-empty"),
    ErrorSample("dstack: sizes", lambda lib: lib.dstack([lib.zeros(2), lib.zeros(3)]), RuntimeError, "must match"),
    ErrorSample("column_stack: sizes", lambda lib: lib.column_stack([lib.zeros(2), lib.zeros(3)]), RuntimeError, "must match"),
    ErrorSample("block_diag: three dimensions", lambda lib: lib.block_diag(lib.zeros(1, 1, 1)), RuntimeError, "2 or fewer"),
    ErrorSample("meshgrid: dtypes", lambda lib: lib.meshgrid(lib.zeros(2), lib.arange(2), indexing="ij"), RuntimeError, "same dtype"),
    ErrorSample("meshgrid: matrices", lambda lib: lib.meshgrid(lib.zeros(2, 2), indexing="ij"), RuntimeError, "0D or 1D"),
    ErrorSample("meshgrid: indexing", lambda lib: lib.meshgrid(lib.zeros(2), indexing="yx"), RuntimeError, "indexing"),
    ErrorSample("cartesian_prod: a matrix", lambda lib: lib.cartesian_prod(lib.zeros(2, 2)), RuntimeError, "1D vector"),
    ErrorSample("combinations: a matrix", lambda lib: lib.combinations(lib.zeros(2, 2)), RuntimeError, "1D vector"),
    ErrorSample("combinations: negative", lambda lib: lib.combinations(lib.zeros(2), -1), RuntimeError, "non-negative"),
    ErrorSample("broadcast_shapes: sizes", lambda lib: lib.broadcast_shapes((2, 1), (3, 1)), RuntimeError, "broadcast"),
    ErrorSample("broadcast_tensors: sizes", lambda lib: lib.broadcast_tensors(lib.zeros(2, 4), lib.zeros(3)), RuntimeError, "broadcast|must match"),
    ErrorSample("split: sizes", lambda lib: lib.split(lib.zeros(5), [2, 2]), RuntimeError, "sum exactly to 5"),
    ErrorSample("split: negative", lambda lib: lib.split(lib.zeros(5), -1), RuntimeError, "split_size"),
    ErrorSample("split: 0-d", lambda lib: lib.split(lib.tensor(1.0), 1), RuntimeError, "1-dimensional"),
    ErrorSample("split: written to", lambda lib: lib.split((lib.ones(4, requires_grad=True) * 1), 2)[0].add_(1), RuntimeError, "modified inplace"),
    ErrorSample("unbind: written to", lambda lib: (lib.ones(4, requires_grad=True) * 1).unbind()[0].add_(1), RuntimeError, "modified inplace"),
    ErrorSample("unbind: 0-d", lambda lib: lib.unbind(lib.tensor(1.0)), IndexError, "0-dim|no dimensions"),
    ErrorSample("chunk: none", lambda lib: lib.chunk(lib.zeros(5), 0), Exception, "greater than 0"),
    ErrorSample("tensor_split: none", lambda lib: lib.tensor_split(lib.zeros(5), 0), RuntimeError, "larger than 0"),
    ErrorSample("tensor_split: 0-d", lambda lib: lib.tensor_split(lib.tensor(1.0), 1), RuntimeError, "1-dimensional"),
    ErrorSample("tensor_split: floats", lambda lib: lib.tensor_split(lib.zeros(5), lib.ones(2)), RuntimeError, "long"),
    ErrorSample("hsplit: rest", lambda lib: lib.hsplit(lib.zeros(2, 3), 2), RuntimeError, "not divisible"),
    ErrorSample("hsplit: 0-d", lambda lib: lib.hsplit(lib.tensor(1.0), 2), RuntimeError, "at least 1 dim"),
    ErrorSample("vsplit: a vector", lambda lib: lib.vsplit(lib.zeros(2), 2), RuntimeError, "at least 2 dim"),
    ErrorSample("dsplit: a matrix", lambda lib: lib.dsplit(lib.zeros(2, 2), 2), RuntimeError, "at least 3 dim"),
    ErrorSample("narrow: beyond the end", lambda lib: lib.zeros(3).narrow(0, 2, 2), RuntimeError, "exceeds"),
    ErrorSample("narrow: negative length", lambda lib: lib.zeros(3).narrow(0, 1, -1), RuntimeError, "non-negative"),
    ErrorSample("narrow: start", lambda lib: lib.zeros(3).narrow(0, 4, 0), IndexError, r"\[-3, 3\]"),
    ErrorSample("narrow: 0-d", lambda lib: lib.tensor(1.0).narrow(0, 0, 1), RuntimeError, "0-dim"),
    ErrorSample("select: index", lambda lib: lib.zeros(2, 3).select(1, 5), IndexError, "out of range"),
]  # fmt: skip
