"""Samples of dlframe/ops/reduction.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import ALL_FLOATS, Array, Call, Edge, ErrorSample, Named, Numbers, Sample, calls

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

PRODUCTS = [
    *(
        Sample("prod", (x,), {"axis": axis}, reference=np.prod, public="prod",
               public_options={} if axis is None else {"dim": axis})
        for x in (n.away(3, 4), zeros)
        for axis in (None, 0, -1)
    ),
    Sample("prod", (n.away(3, 4),), {"axis": 1, "keepdims": True}, reference=np.prod, public="prod",
           public_options={"dim": 1, "keepdim": True}),
    Sample("prod", (n.ints(1, 5, 3, 4),), {"axis": 1}, reference=np.prod, public="prod", public_options={"dim": 1}, order=0),
]  # fmt: skip

SAMPLES = [
    *SUMS,
    *EXTREMES,
    *PRODUCTS,
    Sample(
        "shared",
        (n.spread(3, 4),),
        {"place": 5},
        reference=lambda x, place: np.asarray(x.reshape(-1)[place]),
    ),
]

x, order, cube = n.away(3, 4), n.spread(3, 4), n.away(2, 3, 4)
ints, flags = n.ints(-3, 4, 3, 4), n.ints(0, 2, 2, 3, 4).astype(bool)
nothing = np.zeros((2, 0, 3))
ties = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
some = np.array([[1.0, nan, 3.0], [nan, nan, nan], [2.0, 0.5, -1.0]])

# every kind of dim, in every form
DIMS: tuple[Any, ...] = ({}, {"dim": 0}, {"dim": -1, "keepdim": True}, {"dim": (0, 2)}, {"dim": [-1, 0], "keepdim": True},
                         {"dim": ()}, {"dim": None, "keepdim": True}, {"axis": 1}, {"axis": (0, 1), "keepdims": True})  # fmt: skip


def over_dims(
    name: str,
    x: Array,
    *,
    more: tuple[dict[str, Any], ...] = ({},),
    dims: Any = DIMS,
    **common: Any,
) -> list[Call]:
    """Calls along every kind of dim, some by place, and all with other options besides."""
    rows = [
        (x, {**dim, **options}) if {**dim, **options} else (x,) for dim in dims for options in more
    ]
    return calls(name, *rows, (x, 1), (x, 1, True), **common)


def typed(name: str, *args: Any, dtypes: tuple[str, ...]) -> list[Call]:
    """Calls with the argument dtype."""
    return [
        Call(name, args, {"dtype": Named(dtype)}, note=f"dtype {dtype}", order=2 if dtype == "float64" else 0,
             tolerance=1e-6 if dtype == "float32" else 1e-10)
        for dtype in dtypes
    ]  # fmt: skip


ONE_DIM: tuple[Any, ...] = (
    {},
    {"dim": 0},
    {"dim": -1, "keepdim": True},
    {"axis": 1, "keepdims": True},
)
ANY_DTYPE = ("float64", "float32", "int64", "int8", "bool")

CALLS: list[Call] = [
    *(row for name in ("sum", "nansum", "mean", "nanmean") for row in over_dims(name, cube)),
    *(row for name in ("sum", "nansum", "prod") for row in calls(name, ints, flags, nothing, (nothing, 1), (ints, 0), (flags, 1))),
    *(row for name in ("sum", "prod") for row in (*typed(name, x, dtypes=ANY_DTYPE), *typed(name, ints, dtypes=("float32", "int8", "uint8")), *typed(name, x, 1, dtypes=("float64", "int64")))),
    *typed("nansum", x, 1, dtypes=("float64", "float32")),
    *typed("mean", ints, dtypes=("float64", "float32")),
    *typed("mean", x, 1, dtypes=("float32",)),
    *typed("nanmean", x, 1, dtypes=("float64", "float32")),
    *(row for name in ("nansum", "nanmean") for row in calls(name, (some[::2],), (some[::2], 1), (some[::2], {"dim": 0, "keepdim": True}), dtypes=False)),
    Call("nanmean", (some, 1), note="nan only", order=0, dtypes=False),
    *(row for name in ("mean", "nanmean", "nansum") for row in calls(name, nothing, (nothing, 1))),
    # prod, trace
    *calls("prod", x, (x, 0), (x, -1, True), (x, {"dim": 1, "keepdim": True}), (x, {"axis": 0}), zeros, (zeros, 0), (zeros, 1)),
    Call("prod", (np.array([2.0, 0.0, 3.0, 0.0]),), note="two zeros"),
    Call("prod", (np.array([nan, 0.0, 3.0]),), note="nan", order=1, dtypes=False),
    *calls("trace", x, n.away(4, 2), ints, np.zeros((0, 3))),
    # variances
    *(
        row
        for name in ("var", "std", "var_mean", "std_mean")
        for row in (
            *over_dims(name, cube, more=({}, {"correction": 0}), dims=[d for d in DIMS[:-2] if d.get("dim") != ()]),
            Call(name, (cube, ()), note="dim=() has no gradient in PyTorch", order=0),
            *calls(name, (cube, {"correction": 2.5}), (cube, {"correction": None, "dim": 1}), (cube, {"axis": 1, "keepdims": True}), (x, False), (x, True), (x, 1, False), (x, 1, False, True), (x, {"dim": (0, 1), "unbiased": False, "keepdim": True}),
                   (x, {"unbiased": False})),
            Call(name, (np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]]), 1), note="constant"),
            Call(name, (np.array([[2.0], [3.0]]), 1), note="one element", order=1),
            Call(name, (np.array([[2.0], [3.0]]), 1), {"correction": 0}, note="one element, biased"),
            Call(name, (np.array([2.0, 3.0]),), {"correction": 4}, note="no freedom", order=1),
            Call(name, (np.array([1.0, inf]),), note="inf", order=0, dtypes=False),
            Call(name, (nothing, 1), note="nothing", order=0),
        )
    ),
    # logarithms of sums, softmax
    *calls("logsumexp", (x, 0), (x, -1, True), (cube, (0, 2)), (cube, {"dim": [-1, 0], "keepdim": True}), (x, {"axis": 1, "keepdims": True}), (nothing, 1)),
    Call("logsumexp", (ints, 0), tolerance=1e-6),
    Call("logsumexp", (np.array([[1000.0, 999.0], [-1000.0, -1001.0]]), 1), note="large", narrow=0),
    Call("logsumexp", (np.array([[-inf, 0.0], [inf, 1.0], [nan, 0.0]]), 1), note="infinite", order=1, dtypes=False),
    *(
        row
        for name in ("softmax", "log_softmax")
        for row in (
            *calls(name, (x, 0), (x, -1), (x, {"dim": 1}), (x, {"axis": 0}), (np.array([[1000.0, 999.0], [-1000.0, -999.0]]), 1)),
            *typed(name, ints, 1, dtypes=("float64", "float32")),
            *typed(name, x, 0, dtypes=("float64", "float32")),
            Call(name, (np.array([[-inf, 0.0, 1.0], [-inf, -inf, -inf]]), 1), note="-inf", order=1, dtypes=False),
        )
    ),
    # logic
    *(row for name in ("any", "all") for row in (*over_dims(name, flags), *calls(name, x, ints, nothing, (nothing, 1), flags.astype(np.uint8), (some, 1), order=0))),
    *calls("count_nonzero", flags, ints, (ints, 1), (ints, -1), (flags, (0, 2)), (flags, [0, 1]), (ints, {"dim": 0}), (ints, {"axis": 1}), x, (nothing, 1), (some, 1), order=0),
    # extremes
    *(row for name in ("amax", "amin") for row in over_dims(name, n.spread(2, 3, 4))),
    *(
        row
        for name in ("max", "min")
        for row in (
            *calls(name, order, (order, 0), (order, -1, True), (order, {"dim": 1, "keepdim": True}), (order, {"axis": 0, "keepdims": True}), ints, (ints, 1), (flags, 0), (flags,), (n.spread(2, 3, 4), 1)),
            *calls(name, (order, n.away(3, 4)), (order, {"other": n.away(4)}), (ints, n.ints(-3, 4, 4))),
        )
    ),
    *(
        Call(name, args, options, note=note, order=1, dtypes=False)
        for name in ("max", "min", "amax", "amin")
        for note, args, options in (("ties", (ties,), {}), ("ties of a dim", (ties, 1), {}), ("nan", (some,), {}), ("nan of a dim", (some, 1), {}), ("nothing to reduce", (nothing, 0), {}))
    ),
    *calls("aminmax", order, (order, {"dim": 0}), (order, {"dim": -1, "keepdim": True}), (order, {"axis": 0}), (order, {"keepdim": True}), ints, (flags, {"dim": 1})),
    *(Call("aminmax", (values,), options, note=note, order=1, dtypes=False) for note, values in (("ties", ties), ("nan", some)) for options in ({}, {"dim": 1})),
    *(
        row
        for name in ("argmax", "argmin")
        for row in (*calls(name, order, ints, (ints, 1), *((order, dim) for dim in ONE_DIM[1:]), (order, 0), (order, -1, True), (order, {"keepdim": True}), (order, None, True), (some, 1), (nothing, 0), order=0),)
    ),
    # norms
    *(
        Call("norm", args, options, order=1 if p in (0, 1, inf, -inf) else 2)
        for p in ("fro", None, 0, 0.5, 1, 1.5, 2, 3, -1, -2, inf, -inf)
        for args, options in (((x, p), {}), ((x, p, 1), {}), ((cube, p, (0, 2), True), {}), ((x,), {"p": p, "dim": -1, "keepdim": True}))
    ),
    *calls("norm", x, (x, "nuc"), (cube, "nuc", (0, 2), True), (cube, {"p": "nuc", "dim": (1, 2)}), (x, {"dim": 0}), tolerance=1e-9),
    *(
        Call("norm", (np.array([[0.0, 0.0, 0.0], [0.0, 3.0, -4.0], [1.0, -1.0, 1.0]]), p, 1), note="zeros and ties", order=1)
        for p in (0, 0.5, 1, 1.5, 2, 3, -1, inf, -inf)
    ),
    Call("norm", (some, inf, 1), note="nan", order=1, dtypes=False),
    *(Call("norm", (nothing, p, 1), note="nothing", order=0) for p in (0, 1, 2)),
    Call("norm", (x.astype(np.float32), 2, 0), {"dtype": Named("float64")}, note="dtype float64", tolerance=1e-6),
    Call("norm", (x.astype(np.float16), 3), {"dtype": Named("float32")}, note="dtype float32", tolerance=1e-3),
    *calls("dist", (x, n.away(3, 4)), (x, n.away(4), 3), (x, n.away(3, 4), {"p": 1.5}), (x, n.away(3, 4), 0.5)),
    *calls("dist", (x, n.away(3, 4), 1), (x, n.away(3, 4), inf), (x, n.away(3, 4), -inf), (x, x.copy()), order=1),
    Call("dist", (x, n.away(3, 4), 0), order=0),
    *calls("renorm", (x, 2, 0, 1.0), (x, 1, 1, 0.5), (x, 3, -1, 1.2), (cube, {"p": 2, "dim": 1, "maxnorm": 2.0}), (x, 2.5, 0, 100.0), (x, 2, 0, 0.0)),
    Call("renorm", (x, inf, 0, 1.0), order=1),
    Call("renorm", (np.array([[3.0, 4.0], [0.0, 0.0]]), 2, 0, 5.0), note="exactly", order=1),
    *calls("all", (np.array([[1.0, 0.0]]), []), (np.array([[1.0, 0.0]]), {"dim": []}), order=0, note="an empty list of dims is none", forms=True),
    *calls("any", (np.array([[1.0, 0.0]]), []), order=0, note="an empty list of dims is none"),
    *calls("nansum", (np.array([nan, 1.0]), {"dtype": Named("int64")}), (np.array([nan]), {"dtype": Named("bool")}), order=0, note="nan is left out before the dtype changes"),
]  # fmt: skip


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
    ErrorSample("aminmax: nothing", lambda lib: lib.zeros(0).aminmax(), RuntimeError, "identity"),
    ErrorSample("aminmax: nothing along dim", lambda lib: lib.zeros(2, 0).aminmax(dim=1), IndexError, "non-zero size"),
    ErrorSample("argmax: bools", lambda lib: lib.tensor([True, False]).argmax(), RuntimeError, "bool"),
    ErrorSample("nanmean: integers", lambda lib: lib.tensor([1, 2]).nanmean(), RuntimeError, "floating point"),
    ErrorSample("var: unbiased and correction", lambda lib: lib.zeros(3).var(0, unbiased=False, correction=0), TypeError, "invalid combination"),
    ErrorSample("var: two bools", lambda lib: lib.zeros(3).var(True, True), TypeError, "invalid combination"),
    ErrorSample("softmax: integers", lambda lib: lib.tensor([1, 2]).softmax(0), RuntimeError, "softmax"),
    ErrorSample("softmax: dim of 0-d", lambda lib: lib.tensor(1.0).softmax(1), IndexError, r"\[-1, 0\]"),
    ErrorSample("prod: dims", lambda lib: lib.zeros(2, 3).prod((0, 1)), TypeError, "."),
    ErrorSample("max: dims", lambda lib: lib.zeros(2, 3).max((0, 1)), TypeError, "."),
    ErrorSample("trace: vector", lambda lib: lib.zeros(3).trace(), RuntimeError, "expected a matrix"),
    ErrorSample("trace: bools", lambda lib: lib.tensor([[True]]).trace(), RuntimeError, "trace"),
    ErrorSample("norm: order", lambda lib: lib.zeros(2).norm("foo"), RuntimeError, "not supported"),
    ErrorSample("norm: integers", lambda lib: lib.tensor([1, 2]).norm(), RuntimeError, "floating point"),
    ErrorSample("norm: integers with dtype", lambda lib: lib.norm(lib.tensor([1, 2]), dtype=lib.float32), RuntimeError, "floating point"),
    ErrorSample("norm: dtype of integers", lambda lib: lib.norm(lib.zeros(2), dtype=lib.int64), RuntimeError, "floating point"),
    ErrorSample("norm: narrower dtype", lambda lib: lib.norm(lib.zeros(2, dtype=lib.float64), dtype=lib.float32), RuntimeError, "without narrowing"),
    ErrorSample("norm: nuc of a vector", lambda lib: lib.norm(lib.zeros(2), "nuc"), RuntimeError, "dim"),
    ErrorSample("norm: nuc of three dims", lambda lib: lib.norm(lib.zeros(2, 2, 2), "nuc"), RuntimeError, "dim"),
    ErrorSample("norm: fro of three dims", lambda lib: lib.norm(lib.zeros(2, 2, 2), "fro", (0, 1, 2)), RuntimeError, "dim"),
    ErrorSample("norm: largest of nothing", lambda lib: lib.norm(lib.zeros(0), math.inf), RuntimeError, "identity"),
    ErrorSample("norm: smallest of nothing", lambda lib: lib.norm(lib.zeros(2, 0), -1, 1), RuntimeError, "identity"),
    ErrorSample("dist: number", lambda lib: lib.dist(lib.zeros(2), 1.0), TypeError, "must be Tensor"),
    ErrorSample("dist: order", lambda lib: lib.dist(lib.zeros(2), lib.zeros(2), "fro"), TypeError, "must be Number"),
    ErrorSample("dist: integers", lambda lib: lib.dist(lib.tensor([1]), lib.tensor([2])), RuntimeError, "floating point"),
    ErrorSample("dist: shapes", lambda lib: lib.dist(lib.zeros(2), lib.zeros(3)), RuntimeError, "."),
    ErrorSample("renorm: p", lambda lib: lib.renorm(lib.zeros(2, 2), 0, 0, 1.0), RuntimeError, "non-positive"),
    ErrorSample("renorm: maxnorm", lambda lib: lib.renorm(lib.zeros(2, 2), 2, 0, -1.0), RuntimeError, "maxnorm"),
    ErrorSample("renorm: vector", lambda lib: lib.renorm(lib.zeros(2), 2, 0, 1.0), RuntimeError, "at least 2"),
    ErrorSample("renorm: dim", lambda lib: lib.renorm(lib.zeros(2, 2), 2, 2, 1.0), IndexError, r"\[-2, 1\]"),
    ErrorSample("max: argument", lambda lib: lib.max(lib.zeros(2), 0, dimension=1), TypeError, "dimension"),
    *(ErrorSample(f"{name}: the graph of integers", lambda lib, name=name: getattr(lib.ones(2, requires_grad=True), name)(dtype=lib.int64), RuntimeError, "Autograd not support dtype")
      for name in ("sum", "nansum", "prod")),
    ErrorSample("nanmean: dtype of integers", lambda lib: lib.nanmean(lib.ones(2), dtype=lib.int32), RuntimeError, "floating point"),
]  # fmt: skip


def edge(name: str, call: Any, *inputs: Any) -> Edge:
    return Edge(name, call, tuple(np.asarray(x, np.float64) for x in inputs))


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
