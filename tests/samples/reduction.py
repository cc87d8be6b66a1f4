"""Samples of dlframe/ops/reduction.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import ALL_FLOATS, Array, Edge, ErrorSample, Numbers, Sample

n = Numbers(2)
inf, nan = math.inf, math.nan

AXES: list[tuple[Any, bool]] = [
    (None, False),
    (0, False),
    (-1, True),
    ((0, 2), False),
    ((-1, 0), True),
    (1, False),
]


def public(axis: Any, keepdims: bool, **more: Any) -> dict[str, Any]:
    return {
        **({} if axis is None else {"dim": axis}),
        **({"keepdim": True} if keepdims else {}),
        **more,
    }


def over_axes(op: str, x: Array, reference: Any, name: str = "", **more: Any) -> list[Sample]:
    """A reduction along every kind of axis."""
    return [
        Sample(op, (x,), {"axis": axis, "keepdims": keep}, reference=reference, public=name or op,
               public_options=public(axis, keep), **more)
        for axis, keep in AXES
    ]  # fmt: skip


def logsumexp(x: Array, axis: Any, keepdims: bool = False) -> Array:
    return np.log(np.exp(x).sum(axis=axis, keepdims=keepdims))


def norm(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.sqrt((x * x).sum(axis=axis, keepdims=keepdims))


def var(x: Array, correction: float, axis: Any = None, keepdims: bool = False) -> Array:
    return np.var(x, axis=axis, keepdims=keepdims, ddof=correction)


def std(x: Array, correction: float, axis: Any = None, keepdims: bool = False) -> Array:
    return np.std(x, axis=axis, keepdims=keepdims, ddof=correction)


def keep(axis: Any, keepdims: bool) -> dict[str, Any]:
    return {"axis": axis, "keepdims": keepdims}


SUMS = [
    *over_axes("sum", n.away(2, 3, 4), np.sum, dtypes=ALL_FLOATS),
    *over_axes("mean", n.away(2, 3, 4), np.mean, dtypes=ALL_FLOATS),
    *over_axes("norm", n.away(2, 3, 4), norm),
    *(
        Sample(op, (n.away(2, 3, 4),), {**keep(axis, k), "correction": c}, reference=reference, public=op,
               public_options=public(axis, k, correction=c))
        for op, reference in (("var", var), ("std", std))
        for (axis, k), c in zip(AXES, (1, 0, 1, 2, 0, 1), strict=True)
    ),
    *(
        Sample("logsumexp", (n.away(2, 3, 4) * 3,), keep(axis, k), reference=logsumexp,
               call=lambda lib, x, axis=axis, k=k: lib.logsumexp(x, (0, 1, 2) if axis is None else axis, k))
        for axis, k in AXES
    ),
    Sample("sum", (n.ints(-5, 5, 3, 4),), {"axis": 1}, reference=np.sum, public="sum", public_options={"dim": 1}, order=0),
    Sample("sum", (n.bools(3, 4),), reference=np.sum, public="sum", order=0),
    Sample("sum", (np.array(2.5),), reference=np.sum, public="sum"),
    Sample("sum", (np.zeros((0, 3)),), {"axis": 0}, reference=np.sum, public="sum", public_options={"dim": 0}),
    Sample("sum", (np.zeros((2, 0)),), {"axis": 0}, reference=np.sum, public="sum", public_options={"dim": 0}),
    Sample("mean", (np.array(2.5),), reference=np.mean, public="mean"),
    Sample("logsumexp", (np.array(2.5),), reference=lambda x: x, call=lambda lib, x: lib.logsumexp(x, 0)),
]  # fmt: skip

EXTREMES = [
    *over_axes("amax", n.spread(2, 3, 4), np.max, dtypes=ALL_FLOATS),
    *over_axes("amin", n.spread(2, 3, 4), np.min, dtypes=ALL_FLOATS),
    Sample("amax", (n.spread(3, 4),), reference=np.max, public="max"),
    Sample("amin", (n.spread(3, 4),), reference=np.min, public="min"),
    *(
        Sample(op, (n.spread(3, 4),), {"axis": axis}, reference=getattr(np, op), public=op,
               public_options={} if axis is None else {"dim": axis}, order=0)
        for op in ("argmax", "argmin")
        for axis in (None, 0, -1)
    ),
    Sample("argmax", (n.ints(0, 3, 3, 4),), {"axis": 1, "keepdims": True}, reference=np.argmax, public="argmax",
           public_options={"dim": 1, "keepdim": True}, order=0),
    *(
        Sample(op, (n.ints(0, 2, 2, 3, 4),), keep(axis, k), reference=getattr(np, op), public=op,
               public_options=public(axis, k), order=0)
        for op in ("any", "all")
        for axis, k in AXES
    ),
    *(
        Sample("count_nonzero", (n.ints(0, 2, 2, 3, 4),), {"axis": axis}, reference=np.count_nonzero,
               public="count_nonzero", public_options=public(axis, False), order=0)
        for axis, k in AXES
    ),
]  # fmt: skip

zeros = n.away(3, 4)
zeros[0, 1] = zeros[2, 0] = zeros[2, 2] = 0

RUNNING = [
    *(
        Sample("prod", (x,), {"axis": axis}, reference=np.prod, public="prod",
               public_options={} if axis is None else {"dim": axis})
        for x in (n.away(3, 4), zeros)
        for axis in (None, 0, -1)
    ),
    Sample("prod", (n.away(3, 4),), {"axis": 1, "keepdims": True}, reference=np.prod, public="prod",
           public_options={"dim": 1, "keepdim": True}),
    Sample("prod", (n.ints(1, 5, 3, 4),), {"axis": 1}, reference=np.prod, public="prod", public_options={"dim": 1}, order=0),
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
]  # fmt: skip

SAMPLES = [*SUMS, *EXTREMES, *RUNNING]


ERRORS = [
    ErrorSample("sum: dim", lambda lib: lib.zeros(2, 3).sum(dim=2), IndexError, r"\[-2, 1\].*got 2"),
    ErrorSample("sum: dim of 0-d", lambda lib: lib.tensor(1.0).sum(dim=1), IndexError, r"\[-1, 0\].*got 1"),
    ErrorSample("sum: dim twice", lambda lib: lib.zeros(2, 3).sum(dim=(0, -2)), Exception, "multiple times"),
    ErrorSample("mean: integers", lambda lib: lib.tensor([1, 2]).mean(), RuntimeError, "floating point"),
    ErrorSample("std: integers", lambda lib: lib.tensor([1, 2]).std(), RuntimeError, "floating point"),
    ErrorSample("max: nothing", lambda lib: lib.zeros(0).max(), RuntimeError, "numel"),
    ErrorSample("max: nothing along dim", lambda lib: lib.zeros(2, 0).max(dim=1), IndexError, "non-zero size"),
    ErrorSample("amax: nothing along dim", lambda lib: lib.zeros(2, 0).amax(dim=1), IndexError, "non-zero size"),
    ErrorSample("argmax: nothing", lambda lib: lib.zeros(0).argmax(), Exception, "argmax"),
    ErrorSample("cumsum: dim", lambda lib: lib.zeros(2).cumsum(1), IndexError, r"\[-1, 0\]"),
    ErrorSample("max: argument", lambda lib: lib.max(lib.zeros(2), 0, dimension=1), TypeError, "dimension"),
]  # fmt: skip


def edge(name: str, call: Any, *inputs: Any) -> Edge:
    return Edge(name, call, tuple(np.asarray(x, np.float64) for x in inputs))


ties = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
holes = [[2.0, 0.0, 3.0], [0.0, 0.0, 4.0], [1.0, 2.0, 3.0]]

EDGES = [
    *(
        edge(f"{op}_ties", lambda lib, x, op=op: getattr(lib, op)(x), ties)
        for op in ("amax", "amin", "max", "min")
    ),
    *(
        edge(f"{op}_ties_dim", lambda lib, x, op=op: getattr(lib, op)(x, 1), ties)
        for op in ("amax", "amin")
    ),
    *(
        edge(f"{op}_values_dim", lambda lib, x, op=op: getattr(lib, op)(x, 0).values, [[1.0, 3.0], [2.0, 2.0], [0.0, 9.0]])
        for op in ("max", "min")
    ),
    edge("max_keepdim", lambda lib, x: lib.max(x, 1, keepdim=True).values, [[1.0, 5.0], [7.0, 2.0]]),
    edge("max_nan", lambda lib, x: lib.max(x, 1).values, [[1.0, nan, 2.0], [3.0, 1.0, 2.0]]),
    edge("prod_zeros", lambda lib, x: lib.prod(x, 1), holes),
    edge("prod_all_zeros", lambda lib, x: lib.prod(x), holes),
    edge("cumprod_zeros", lambda lib, x: lib.cumprod(x, 1), holes),
    edge("std_constant", lambda lib, x: lib.std(x, 1), [[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]]),
    edge("var_constant", lambda lib, x: lib.var(x, 1), [[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]]),
    edge("norm_zero", lambda lib, x: lib.norm(x, dim=1), [[0.0, 0.0], [3.0, 4.0]]),
    edge("norm_1", lambda lib, x: lib.norm(x, p=1, dim=1), [[1.0, -2.0], [3.0, 4.0]]),
    edge("norm_3", lambda lib, x: lib.norm(x, p=3), [[1.0, -2.0], [3.0, 4.0]]),
    edge("norm_inf", lambda lib, x: lib.norm(x, p=inf, dim=1), [[1.0, -2.0], [3.0, 4.0]]),
    edge("logsumexp_large", lambda lib, x: lib.logsumexp(x, 1), [[1000.0, 999.0], [-1000.0, -1001.0]]),
    edge("logsumexp_some_infinite", lambda lib, x: lib.logsumexp(x, 1), [[-inf, 0.0], [0.0, 1.0]]),
    edge("logsumexp_all_infinite", lambda lib, x: lib.logsumexp(x, 1), [[-inf, -inf], [0.0, 1.0]]),
    edge("mean_nan", lambda lib, x: lib.mean(x, 0), [[1.0, nan], [3.0, 4.0]]),
]  # fmt: skip
