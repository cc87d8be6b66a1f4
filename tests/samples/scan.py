"""Samples of dlframe/ops/scan.py: running results."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import ALL_FLOATS, Array, Call, Edge, ErrorSample, Named, Numbers, Sample, calls

n = Numbers(21)
inf, nan = math.inf, math.nan


def linear_scan(b: Array, a: Array, axis: int) -> Array:
    """The recurrence, a step at a time."""
    b, a = np.moveaxis(b, axis, 0), np.moveaxis(a, axis, 0)
    y = [b[0]]
    for i in range(1, len(b)):
        y.append(b[i] + a[i] * y[-1])
    return np.moveaxis(np.array(y), 0, axis)


def cummax_indices(x: Array, axis: int) -> Array:
    """The last place so far that no element before it exceeds."""
    x = np.moveaxis(x, axis, 0)
    best, found = np.zeros(x.shape[1:], np.int64), []
    for i in range(len(x)):
        best = np.where(x[i] >= np.take_along_axis(x, best[None], 0)[0], i, best)
        found.append(best)
    return np.moveaxis(np.array(found), 0, axis)


zeros = n.away(3, 4)
zeros[0, 1] = zeros[2, 0] = zeros[2, 2] = 0

SAMPLES = [
    *(
        Sample("cumsum", (n.away(2, 3, 4),), {"axis": axis}, reference=np.cumsum, public="cumsum",
               public_options={"dim": axis}, dtypes=ALL_FLOATS)
        for axis in (0, -1)
    ),
    Sample("cumsum", (n.bools(5),), {"axis": 0}, reference=np.cumsum, public="cumsum", public_options={"dim": 0}, order=0),
    *(
        Sample("cumprod", (x,), {"axis": axis}, reference=np.cumprod, public="cumprod", public_options={"dim": axis})
        for x in (n.away(3, 4), zeros)
        for axis in (0, -1)
    ),
    Sample("cumprod", (n.ints(1, 4, 2, 3),), {"axis": 1}, reference=np.cumprod, public="cumprod", public_options={"dim": 1}, order=0),
    *(
        Sample("linear_scan", (n.away(*shape), n.away(*shape)), {"axis": axis}, reference=linear_scan)
        for shape, axis in (((2, 5, 3), 1), ((4, 3), 0), ((2, 7), -1), ((1,), 0), ((2, 2), 1))
    ),
    *(
        Sample("logcumsumexp", (n.away(2, 3, 4) * 3,), {"axis": axis}, reference=np.logaddexp.accumulate, public="logcumsumexp",
               public_options={"dim": axis}, dtypes=ALL_FLOATS)
        for axis in (0, 1, -1)
    ),
    *(
        Sample(f"cum{kind}_indices", (sign * n.ints(0, 4, 3, 6),), {"axis": axis}, order=0,
               reference=lambda x, axis, sign=sign: cummax_indices(sign * x, axis))
        for kind, sign in (("max", 1), ("min", -1))
        for axis in (0, 1)
    ),
]  # fmt: skip

x, order, flags = n.away(3, 4), n.spread(3, 4), n.bools(3, 4)
ties = np.array([[1.0, 3.0, 3.0, 2.0], [2.0, 2.0, 2.0, 1.0]])
holes = np.array([[1.0, nan, 3.0, nan], [nan, 1.0, 2.0, 0.0]])

CALLS: list[Call] = [
    *calls("cumsum", (x, 0), (x, -1), (x, {"dim": 1}), (x, {"axis": 0}), (n.ints(-3, 3, 4), 0), (flags, 1), (n.away(3, 4), {"dim": 0})),
    *calls("cumprod", (x, 0), (x, -1), (x, {"dim": 1}), (x, {"axis": 0}), (n.ints(-3, 3, 4), 0), (flags, 1), (zeros, 0), (zeros, 1)),
    *(
        Call(name, (x, 0), {"dtype": Named(dtype)}, note=f"dtype {dtype}", order=order, tolerance=1e-6,
             differs={} if dtype == "float64" else
             {"in place": "the result is brought to the tensor's dtype, where PyTorch raises"})
        for name in ("cumsum", "cumprod")
        for dtype, order in (("float64", 2), ("float32", 0), ("int64", 0), ("int8", 0))
    ),
    *calls("cummax", (order, 0), (order, -1), (order, {"dim": 1}), (order, {"axis": 0}), (n.ints(0, 4, 3, 6), 1), (flags, 0)),
    *calls("cummin", (order, 0), (order, -1), (order, {"dim": 1}), (order, {"axis": 0}), (n.ints(0, 4, 3, 6), 1), (flags, 0)),
    *(Call(name, (values, 1), note=note, dtypes=False) for name in ("cummax", "cummin") for note, values in (("ties", ties), ("nan", holes))),
    *calls("logcumsumexp", (x, 0), (x, -1), (x, {"dim": 1}), (x, {"axis": 0}), (np.array([700.0, -700.0, 710.0, 0.0]), 0)),
    Call("logcumsumexp", (np.array([1.0, nan, 2.0]), 0), note="nan", order=1, dtypes=False),
    Call("logcumsumexp", (np.array([-inf, -inf, 1.0, 2.0]), 0), note="-inf", order=1, dtypes=False),
    Call("logcumsumexp", (np.array([-inf, 1.0, inf, 2.0]), 0), note="inf", order=1, dtypes=False),
]  # fmt: skip

ERRORS = [
    ErrorSample("cumsum: dim", lambda lib: lib.zeros(2).cumsum(1), IndexError, r"\[-1, 0\]"),
    ErrorSample("cumprod: dim", lambda lib: lib.zeros(2, 2).cumprod(-3), IndexError, r"\[-2, 1\]"),
    ErrorSample("cumsum: no dim", lambda lib: lib.zeros(2).cumsum(None), TypeError, "."),
    ErrorSample("cumsum: bool dtype", lambda lib: lib.zeros(2).cumsum(0, dtype=lib.bool), RuntimeError, "Bool"),
    ErrorSample("cummax: dim", lambda lib: lib.cummax(lib.zeros(2), 1), IndexError, "Dimension out of range|dim"),
    ErrorSample("logcumsumexp: integers", lambda lib: lib.logcumsumexp(lib.tensor([1, 2]), 0), RuntimeError, "logcumsumexp"),
    *(ErrorSample(f"{name}: the graph of integers", lambda lib, name=name: getattr(lib.ones(2, requires_grad=True), name)(0, dtype=lib.int64), RuntimeError, "Autograd not support dtype")
      for name in ("cumsum", "cumprod")),
]  # fmt: skip


def edge(name: str, call: Any, *inputs: Any) -> Edge:
    return Edge(name, call, tuple(np.asarray(x, np.float64) for x in inputs))


EDGES = [
    edge("cumprod_zeros", lambda lib, x: lib.cumprod(x, 1), [[2.0, 0.0, 3.0], [0.0, 0.0, 4.0], [1.0, 2.0, 3.0]]),
]  # fmt: skip
