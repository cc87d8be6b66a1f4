"""Samples of dlframe/ops/scatter.py, and of the functions that write by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.table import Array, Call, ErrorSample, Numbers, Sample, calls

n = Numbers(11)

x = n.away(3, 4)
along = np.array([[0, 2, 0, 1], [2, 2, 0, 0]])  # into the rows; several go to one place
src = n.away(2, 4)
flat = np.array([0, 3, 3, 5, 0])
values = n.away(5)
zeros_among = np.array([0.0, 2.0, -3.0, 0.0, 0.5])
ties = np.array([1.0, 2.0, 2.0, -1.0, 1.0])


def reduced(
    x: Array, src: Array, places: Array, ufunc: Any, include_self: bool, first: float
) -> Array:
    out = x.copy().reshape(-1)
    if not include_self:
        out[places] = first
    for place, value in zip(places.reshape(-1), src.reshape(-1), strict=True):
        out[place] = ufunc(out[place], value)
    return out.reshape(x.shape)


def product(x: Array, src: Array, places: Array, include_self: bool) -> Array:
    return reduced(x, src, places, np.multiply, include_self, 1.0)


def extreme(x: Array, src: Array, places: Array, reduce: str, include_self: bool) -> Array:
    ufunc, first = (np.maximum, -np.inf) if reduce == "amax" else (np.minimum, np.inf)
    return reduced(x, src, places, ufunc, include_self, first)


SAMPLES = [
    *[Sample("scatter_prod", (n.away(2, 3), s), {"places": flat, "include_self": include}, reference=product)
      for include in (True, False) for s in (values, n.away(5))],
    Sample("scatter_prod", (n.away(6), np.array([0.0, 2.0, 3.0, 0.5, 4.0])), {"places": flat, "include_self": True},
           reference=product),
    Sample("scatter_prod", (n.away(6), n.away(2, 3)), {"places": np.array([[0, 1, 1], [5, 5, 5]]), "include_self": False},
           reference=product),
    *[Sample("scatter_extreme", (n.spread(6), n.spread(5) + 0.03), {"places": flat, "reduce": reduce, "include_self": include},
             reference=extreme)
      for reduce in ("amax", "amin") for include in (True, False)],
]  # fmt: skip

n = Numbers(13)  # again: the calls have recorded results, and stay as they are when samples change

CALLS = [
    *calls("scatter", (x, 0, along, src), (x, 1, np.array([[3, 0], [1, 2]]), n.away(2, 2)), (x, -1, np.array([[0]]), n.away(1, 1)),
           (x, 0, along, 1.5), (x, 0, along, {"value": -2}), (x, 1, np.array([[3], [0], [0]]), 2),
           (np.array(1.5), 0, np.array(0), np.array(2.5)), (n.away(4), 0, np.array([1, 3]), n.away(2)),
           (x, 0, np.zeros((0, 4), np.int64), n.away(0, 4)), (x, 0, along.astype(np.int32), src)),
    # PyTorch has no gradient where src is larger than index
    *calls("scatter", (x, 1, np.array([[3, 0], [1, 2]]), src), (x, -1, np.array([[0]]), src), order=0),
    *calls("scatter", (x, 0, along, src, {"reduce": "add"}), (x, 0, along, src, {"reduce": "multiply"}),
           (x, 0, along, 2.0, {"reduce": "multiply"}), (x, 0, along, {"value": 3, "reduce": "add"}), order=0),
    *calls("scatter_add", (x, 0, along, src), (x, 1, np.array([[3, 3], [1, 1], [0, 2]]), n.away(3, 2)),
           (x, -2, along[:, :2], n.away(2, 2)), (np.array(1.5), 0, np.array([0]), np.array([2.5])),
           (n.away(2, 3, 2), 1, n.ints(0, 3, 2, 4, 2), n.away(2, 4, 2)), (x, 0, along.astype(np.int32), src)),
    *[Call("segment_reduce", (n.spread(6), reduce), {"lengths": np.array(lengths)}, dtypes=False, variants=False, forms=False, order=1)
      for reduce in ("sum", "mean", "prod", "max", "min") for lengths in ([2, 4], [1, 2, 3])],
    *[Call("segment_reduce", (n.spread(6), reduce), {"lengths": np.array([2, 0, 4]), "initial": 0.3, "axis": 0, "unsafe": False}, dtypes=False, variants=False, forms=False, order=1)
      for reduce in ("sum", "mean", "prod", "max", "min")],
    *[Call("segment_reduce", (n.spread(2, 3, 2), reduce), {"lengths": np.array([[1, 2], [2, 1]]), "axis": 1}, dtypes=False, variants=False, forms=False, order=1)
      for reduce in ("sum", "mean", "max")],
    Call("segment_reduce", (n.spread(6), "sum"), {"offsets": np.array([0, 2, 6])}, dtypes=False, variants=False, forms=False, order=1),
    Call("segment_reduce", (n.spread(6), "sum"), {"lengths": np.array([2, 3]), "unsafe": True}, note="unsafe", dtypes=False, variants=False, forms=False, order=1),
    Call("segment_reduce", (n.spread(4), "sum"), {"lengths": np.array([2, 2]), "indices": None}, note="indices", dtypes=False, variants=False, forms=False, order=1),
    *[Call("scatter_reduce", (x, 0, along, src, reduce), {"include_self": include})
      for reduce in ("sum", "prod", "mean", "amax", "amin") for include in (True, False)],
    *[Call("scatter_reduce", (n.away(2, 3, 2), 1, n.ints(0, 3, 2, 4, 2), n.spread(2, 4, 2), reduce))
      for reduce in ("sum", "prod", "mean", "amax", "amin")],
    Call("scatter_reduce", (n.away(6), 0, flat, ties, "amax"), note="ties"),
    Call("scatter_reduce", (np.array([1.0, 0, 0, 2.0, 0, -1.0]), 0, flat, ties, "amin"), note="ties with self"),
    Call("scatter_reduce", (n.away(6), 0, flat, zeros_among, "prod"), note="zeros", order=1),
    Call("scatter_reduce", (np.zeros(6), 0, flat, values, "prod"), note="zeros in self", order=1),
    Call("scatter_reduce", (n.away(6), 0, flat, np.array([1.0, 0.0, 3.0, 0.5, 4.0]), "prod"), note="one zero"),
    Call("scatter_reduce", (n.away(6), 0, flat, np.array([np.nan, 1, 2, 3, 4]), "amax"), note="nan", order=0),
    Call("scatter_reduce", (n.ints(-9, 9, 6), 0, flat, n.ints(-9, 9, 5), "mean"), note="integers"),
    Call("scatter_reduce", (np.array(2.0), 0, np.array(0), np.array(3.0), "prod"), note="0-d"),
    *calls("index_add", (x, 0, np.array([2, 0, 2]), n.away(3, 4)), (x, 1, np.array([3]), n.away(3, 1)),
           (x, -1, np.array([1, 1]), n.away(3, 2), {"alpha": 2.5}), (x, 0, np.array([], np.int64), n.away(0, 4)),
           (np.array(1.5), 0, np.array(0), np.array(2.5)), (n.away(4), 0, np.array([3, 3]), n.away(2), {"alpha": -1}),
           (x, 0, np.array([2, 0], np.int32), n.away(2, 4)), (n.away(2, 3, 2), 1, np.array([2, 0, 2]), n.away(2, 3, 2))),
    *calls("index_copy", (x, 0, np.array([2, 0]), n.away(2, 4)), (x, 1, np.array([3, 1, 0]), n.away(3, 3)),
           (x, -1, np.array([2]), n.away(3, 1)), (np.array(1.5), 0, np.array(0), np.array(2.5)),
           (n.away(4), 0, np.array(2), np.array([2.5])), (x, 0, np.array([1, 1]), n.away(2, 4))),
    *calls("index_fill", (x, 0, np.array([2, 0]), 1.5), (x, 1, np.array([-1, 1, 1]), -2), (x, -1, np.array(2), np.array(0.5)),
           (np.array(1.5), 0, np.array([0]), 3.0)),
    *calls("index_put", (x, (np.array([0, 2]), np.array([1, 3])), n.away(2)), (x, (np.array([2, 0]),), n.away(4)),
           (x, (np.array([1, -1]),), n.away(2, 4)), (x, (np.array([[0], [2]]), np.array([1, 3])), n.away(2, 2))),
    *calls("index_put", (x, (x > 0,), np.array(0.5)), (x, (x > 0,), n.away(1), {"accumulate": True}),
           differs={"0-d": "a 0-d mask of a 0-d tensor is a mask; PyTorch has no index_put for it"}),
    *calls("index_put", (x, (np.array([0, 0]), np.array([1, 1])), n.away(2), {"accumulate": True}),
           (x, (np.array([2, 2, 0]),), n.away(4), {"accumulate": True})),
    *[Call("index_reduce", (x, 0, np.array([2, 0, 2]), n.away(3, 4), reduce), {"include_self": include})
      for reduce in ("prod", "mean", "amax", "amin") for include in (True, False)],
    *[Call("index_reduce", (n.away(2, 3, 2), 1, np.array([2, 0, 2]), n.spread(2, 3, 2), reduce))
      for reduce in ("prod", "mean", "amax", "amin")],
    *calls("put", (x, np.array([0, 11, -2]), n.away(3)), (x, np.array([[1, 2], [3, 4]]), n.away(4)),
           (np.array(1.5), np.array(0), np.array(2.5)),
           (x, np.array([1, 1, -1]), n.away(3), {"accumulate": True}), (x, np.array([1, 1, -1]), n.away(3), True)),
]  # fmt: skip


def long(lib: Any, *data: Any) -> Any:
    return lib.tensor(*data, dtype=lib.int64)


def bad(name: str, call: Any, error: type[BaseException], message: str, **more: Any) -> ErrorSample:
    return ErrorSample(name, call, error, message, **more)


def on(method: str, *args: Any, shape: tuple[int, ...] = (3, 4), **options: Any) -> Any:
    """A call of a method on zeros; lists become tensors of indices, tuples of floats become floats."""

    def call(lib: Any) -> Any:
        def arg(a: Any) -> Any:
            if isinstance(a, list):
                return lib.tensor(a, dtype=lib.int64)
            return lib.tensor(a) if isinstance(a, np.ndarray) else a

        self = lib.zeros(shape)
        return getattr(self, method)(
            *[arg(a) for a in args], **{k: arg(v) for k, v in options.items()}
        )

    return call


def ones(*shape: int, dtype: Any = np.float32) -> Array:
    return np.ones(shape, dtype)


ERRORS = [
    ErrorSample("segment_reduce: nothing given", lambda lib: lib.segment_reduce(lib.ones(3), "sum"), RuntimeError, "lengths or offsets"),
    ErrorSample("segment_reduce: sum of lengths", lambda lib: lib.segment_reduce(lib.ones(3), "sum", lengths=lib.tensor([1, 1])), RuntimeError, "sum to data.size"),
    ErrorSample("segment_reduce: negative", lambda lib: lib.segment_reduce(lib.ones(3), "sum", lengths=lib.tensor([4, -1])), RuntimeError, "negative"),
    ErrorSample("segment_reduce: reduction", lambda lib: lib.segment_reduce(lib.ones(3), "median", lengths=lib.tensor([3])), RuntimeError, "median"),
    ErrorSample("segment_reduce: indices", lambda lib: lib.segment_reduce(lib.ones(3), "sum", indices=lib.tensor([0, 0, 1])), RuntimeError, "not supported"),
    ErrorSample("segment_reduce: shape of lengths", lambda lib: lib.segment_reduce(lib.ones(3, 2), "sum", lengths=lib.tensor([2]), axis=1), RuntimeError, "shape|lengths"),
    bad("scatter: dtype", on("scatter", 0, [[0]], ones(1, 1, dtype=np.float64)), RuntimeError, "Expected self.dtype to be equal"),
    bad("scatter: src smaller", on("scatter", 0, [[0, 1]], ones(1, 1)), RuntimeError, "no larger than src"),
    bad("scatter: index larger", on("scatter", 0, [[0, 1, 0, 1, 0]], ones(1, 5)), RuntimeError, "apart from dimension 0"),
    bad("scatter: dimensions", on("scatter", 0, [0], ones(1, 1)), RuntimeError, "same number of dimensions"),
    bad("scatter: src dimensions", on("scatter", 0, [0], ones(1, 1), shape=(3,)), RuntimeError, "same number of dimensions as src"),
    bad("scatter: out of range", on("scatter", 0, [[3]], 1.0), RuntimeError, "index 3 is out of bounds for dimension 0"),
    bad("scatter: negative", on("scatter", 0, [[-1]], 1.0), RuntimeError, "index -1 is out of bounds"),
    bad("scatter: reduce", on("scatter", 0, [[0]], 1.0, reduce="sum"), RuntimeError, "either add or multiply"),
    bad("scatter: dim", on("scatter", 2, [[0]], 1.0), IndexError, "Dimension out of range"),
    bad("scatter: index dtype", on("scatter", 0, ones(1, 1), 1.0), RuntimeError, "int64"),
    bad("scatter: no source", on("scatter", 0, [[0]]), TypeError, "must be given|combination"),
    bad("scatter_add: number", on("scatter_add", 0, [[0]], 1.0), TypeError, "must be Tensor"),
    bad("scatter_add: dtype", on("scatter_add", 0, [[0]], ones(1, 1, dtype=np.int64)), RuntimeError, "dtype"),
    bad("scatter_reduce: reduce", on("scatter_reduce", 0, [[0]], ones(1, 1), "most"), RuntimeError, "sum, prod, mean, amax or amin"),
    bad("scatter_reduce: out of range", on("scatter_reduce", 0, [[7]], ones(1, 1), "amax"), RuntimeError, "out of bounds"),
    bad("scatter_reduce: mean of bools",
        lambda lib: lib.tensor([True]).scatter_reduce(0, long(lib, [0]), lib.tensor([True]), "mean"), RuntimeError, "(?i)bool"),
    bad("index_add: dtype", on("index_add", 0, [0], ones(1, 4, dtype=np.float64)), RuntimeError, "same"),
    bad("index_add: shape", on("index_add", 0, [0], ones(1, 3)), RuntimeError, "shape must match"),
    bad("index_add: count", on("index_add", 0, [0, 1], ones(1, 4)), RuntimeError, "Number of indices"),
    bad("index_add: matrix", on("index_add", 0, [[0]], ones(1, 4)), IndexError, "supposed to be a vector"),
    bad("index_add: index dtype", on("index_add", 0, ones(1), ones(1, 4)), RuntimeError, "int32/int64"),
    bad("index_add: out of range", on("index_add", 0, [3], ones(1, 4)), RuntimeError, "out of bounds"),
    bad("index_add: negative", on("index_add", 0, [-1], ones(1, 4)), RuntimeError, "out of bounds"),
    bad("index_copy: int32", on("index_copy", 0, np.array([0], np.int32), ones(1, 4)), RuntimeError, "long"),
    bad("index_copy: dtype", on("index_copy", 0, [0], ones(1, 4, dtype=np.int64)), RuntimeError, "same dtype"),
    bad("index_copy: dimensions", on("index_copy", 0, [0], ones(4)), IndexError, "dimension"),
    bad("index_copy: out of range", on("index_copy", 0, [3], ones(1, 4)), IndexError, "out of bounds"),
    bad("index_copy: count", on("index_copy", 0, [0, 1, 2], ones(2, 4)), IndexError, "Number of indices"),
    bad("index_copy: shape", on("index_copy", 0, [0], ones(1, 3)), RuntimeError, "shape"),
    bad("index_fill: dtype", on("index_fill", 0, np.array([0], np.int32), 1.0), IndexError, "int64"),
    bad("index_fill: matrix", on("index_fill", 0, [[0]], 1.0), RuntimeError, "vector/scalar"),
    bad("index_fill: out of range", on("index_fill", 0, [-4], 1.0), IndexError, "out of bounds"),
    bad("index_fill: value", on("index_fill", 0, [0], ones(1)), RuntimeError, "0-dim"),
    bad("index_put: dtype", lambda lib: lib.zeros(3).index_put((long(lib, [0]),), long(lib, 1)), RuntimeError, "dtypes match"),
    bad("index_put: number", lambda lib: lib.zeros(3).index_put((long(lib, [0]),), 1.0), TypeError, "must be Tensor"),
    bad("index_put: no tuple", lambda lib: lib.zeros(3).index_put(long(lib, [0]), lib.tensor(1.0)), TypeError, "tuple of Tensors"),
    bad("index_put: integer", lambda lib: lib.zeros(3).index_put((0,), lib.tensor(1.0)), TypeError, "expected Tensor"),
    bad("index_put: shape", lambda lib: lib.zeros(3, 2).index_put((long(lib, [0, 1, 2]),), lib.ones(3)), RuntimeError, "broadcast"),
    bad("index_put: shape, accumulating",
        lambda lib: lib.zeros(3, 2).index_put((long(lib, [0, 1, 2]),), lib.ones(3), True), RuntimeError, "broadcast"),
    bad("index_put: out of range", lambda lib: lib.zeros(3).index_put((long(lib, [3]),), lib.tensor(1.0)), IndexError,
        "out of bounds"),
    bad("index_reduce: sum", on("index_reduce", 0, [0], ones(1, 4), "sum"), RuntimeError, "prod, mean, amax or amin"),
    bad("index_reduce: shape", on("index_reduce", 0, [0], ones(1, 3), "prod"), RuntimeError, "shape"),
    bad("put: count", on("put", [0, 1], ones(1)), IndexError, "same number of elements"),
    bad("put: dtype", on("put", [0], ones(1, dtype=np.int64)), RuntimeError, "same dtype"),
    bad("put: int32", on("put", np.array([0], np.int32), ones(1)), RuntimeError, "long"),
    bad("put: out of range", on("put", [12], ones(1)), IndexError, "index 12"),
    bad("put: empty", on("put", [0], ones(1), shape=(0,)), IndexError, "empty"),
]  # fmt: skip
