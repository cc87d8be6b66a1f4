"""Samples of counts, histograms, quantiles and covariances, which are made of other operations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import Call, ErrorSample, Numbers, calls

n = Numbers(23)
inf, nan = math.inf, math.nan

order, cube = n.spread(3, 5), n.spread(2, 3, 4)
holes = np.array([[1.0, nan, 3.0, 2.0], [nan, nan, nan, nan], [3.0, 1.0, 2.0, 4.0]])
fractions = np.array([0.0, 0.2, 0.5, 0.77, 1.0])
rows = n.away(3, 6)
often, weights = np.array([1, 2, 0, 3, 1, 1]), n.positive(6)

QUANTILES = [
    row
    for name in ("quantile", "nanquantile")
    for row in (
        # the arguments, each in every form
        *calls(name, (order, 0.3), (order, 0.3, 0), (order, 0.3, -1, True), (cube, 0.6, 1), (cube, {"q": 0.6, "dim": 1, "keepdim": True}),
               (order, {"q": 0.5, "axis": 0, "keepdims": True}), (order, 1), (order, fractions), (order, fractions, 1), (cube, fractions, 0, True), (order, np.array(0.4), 1)),
        *(Call(name, (order, fractions, 1), {"interpolation": kind}) for kind in ("linear", "lower", "higher", "midpoint", "nearest")),
        *(Call(name, (cube, 0.25), {"interpolation": kind}) for kind in ("linear", "lower", "higher", "midpoint", "nearest")),
        # halves go to the even rank
        Call(name, (n.spread(6), np.array([0.1, 0.3, 0.5, 0.7, 0.9])), {"interpolation": "nearest"}, note="halves", order=1),
        Call(name, (holes, fractions, 1), note="nan", fixed=(1,), dtypes=False),
        Call(name, (holes, 0.5), note="nan among all", dtypes=False),
        Call(name, (np.array([1.0, inf, inf]), fractions), note="inf", order=0, dtypes=False),
    )
]  # fmt: skip

COVARIANCES = [
    *calls("cov", rows, rows[0], (rows, {"correction": 0}), (rows, {"correction": 2}), (rows, {"fweights": often}), (rows, {"aweights": weights}),
           (rows, {"correction": 0, "aweights": weights}), (rows, {"correction": 2, "fweights": often, "aweights": weights}), (rows, {"fweights": often, "correction": 0}), rows[:1]),
    Call("cov", (n.ints(-3, 4, 3, 5),), note="integers", tolerance=1e-5),
    Call("cov", (rows[:, :1],), note="one observation", order=0),
    Call("cov", (rows,), {"correction": 6}, note="no freedom", order=0),
    *calls("corrcoef", rows, rows[0], rows[:1], n.away(4, 2)),
    Call("corrcoef", (np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]]),), note="a constant", order=0),
    Call("corrcoef", (n.ints(-3, 4, 3, 5),), note="integers", tolerance=1e-5),
]  # fmt: skip

few = n.ints(0, 4, 3, 4)
runs = np.array([[1, 1, 2, 2], [2, 3, 1, 1], [2, 3, 1, 1]])
twice = np.array([[1.0, 2.0, 1.0], [0.0, 9.0, 0.0], [1.0, 2.0, 1.0]])
everything = {"return_inverse": True, "return_counts": True}

COUNTS = [
    *calls("unique", few, (few, True, True, True), (few, {"return_inverse": True}), (few, {"return_counts": True}), (few, {"sorted": False}),
           (twice, {"dim": 0, **everything}), (twice, {"dim": -1, **everything}), (twice, {"dim": 1}), (n.bools(5), everything), (twice, everything), order=0),
    Call("unique", (holes,), everything, note="nan", order=0, dtypes=False),
    *calls("unique_consecutive", runs, (runs, True, True), (runs, {"return_inverse": True}), (runs, {"return_counts": True}),
           (runs, {"dim": 0, **everything}), (runs, {"dim": 1, **everything}), (twice, {"dim": -1, **everything}), (twice, everything), order=0),
    Call("unique_consecutive", (holes,), everything, note="nan", order=0, dtypes=False),
    *calls("bincount", often, (often, {"minlength": 6}), (often, weights), (often, {"weights": weights, "minlength": 9}), (often, n.ints(0, 9, 6)), (np.zeros(0, np.int64), {"minlength": 2}),
           (often.astype(np.uint8), {"minlength": 2}), order=0),
    *calls("histc", rows, (rows, 5), (rows, 5, -1, 1), (rows, {"bins": 4, "min": -2, "max": 0.5}), (np.array([0.0, 1.0, 2.0, 3.0]), 3, 0, 3), (np.array([2.0, 2.0]), 4),
           order=0),
    Call("histc", (holes, 4, 0, 5), note="nan", order=0, dtypes=False),
    Call("histc", (np.array([inf, 1.0]), 4, 0, 2), note="inf", order=0, dtypes=False),
    *calls("histogram", (rows, 4), rows, (rows, 4, {"range": (-1.0, 1.0)}), (rows, 4, {"weight": n.positive(3, 6)}), (rows, 4, {"density": True}),
           (rows, {"bins": 3, "range": (-1.0, 2.0), "weight": n.positive(3, 6), "density": True}), (rows, np.array([-1.0, 0.0, 0.25, 2.0])),
           (rows, np.array([-1.0, 0.0, 0.25, 2.0]), {"density": True}), (rows, np.array([-3.0, 3.0]), {"weight": n.positive(3, 6)}), (np.array([2.0, 2.0]), 3), order=0),
    Call("histogram", (holes, 3), {"range": (1.0, 4.0)}, note="nan", order=0, dtypes=False),
    *calls("histogramdd", (n.unit(9, 2), [3, 2]), (n.unit(9, 2), 3), (n.unit(9, 2), [2, 2], {"range": [-0.5, 1.0, 0.0, 1.0]}), (n.unit(9, 2), [3, 2], {"weight": n.positive(9)}),
           (n.unit(9, 2), [3, 2], {"density": True}), (n.unit(9, 1), [np.array([-1.0, 0.0, 0.5])]), (n.unit(2, 9, 2), (np.array([-1.0, 0.0, 1.0]), np.array([-1.0, 1.0])), {"weight": n.positive(2, 9), "density": True}),
           order=0),
]  # fmt: skip

CALLS: list[Call] = [*QUANTILES, *COVARIANCES, *COUNTS]


def of(name: str, *args: Any, **options: Any) -> Any:
    """A call with arrays, for errors."""
    return lambda lib: getattr(lib, name)(
        *(lib.tensor(x) if isinstance(x, (list, np.ndarray)) else x for x in args),
        **{
            k: lib.tensor(x) if isinstance(x, list) and k != "range" else x
            for k, x in options.items()
        },
    )


ERRORS = [
    ErrorSample("quantile: q", of("quantile", [1.0, 2.0], 1.5), RuntimeError, r"\[0, 1\]"),
    ErrorSample("quantile: one q of many", of("quantile", [1.0, 2.0], [0.5, -0.5]), RuntimeError, r"\[0, 1\]"),
    ErrorSample("quantile: q is nan", of("quantile", [1.0, 2.0], nan), RuntimeError, r"\[0, 1\]"),
    ErrorSample("quantile: dims of q", of("quantile", [1.0, 2.0], [[0.5]]), RuntimeError, "scalar or 1D"),
    ErrorSample("quantile: dtype of q", lambda lib: lib.quantile(lib.zeros(2), lib.zeros(1, dtype=lib.float64)), RuntimeError, "same dtype"),
    ErrorSample("quantile: integers", of("quantile", [1, 2], 0.5), RuntimeError, "float or double"),
    ErrorSample("quantile: float16", lambda lib: lib.quantile(lib.zeros(2, dtype=lib.float16), 0.5), RuntimeError, "float or double"),
    ErrorSample("quantile: nothing", lambda lib: lib.quantile(lib.zeros(0), 0.5), RuntimeError, "non-empty"),
    ErrorSample("quantile: interpolation", of("quantile", [1.0, 2.0], 0.5, interpolation="cubic"), RuntimeError, "interpolation"),
    ErrorSample("nanquantile: dim", of("nanquantile", [1.0, 2.0], 0.5, 1), IndexError, r"\[-1, 0\]"),
    ErrorSample("cov: bools", of("cov", [True, False]), RuntimeError, "bool"),
    ErrorSample("cov: dims", lambda lib: lib.cov(lib.zeros(2, 2, 2)), RuntimeError, "two or fewer"),
    ErrorSample("cov: fweights of floats", of("cov", [1.0, 2.0], fweights=[1.0, 2.0]), RuntimeError, "integral"),
    ErrorSample("cov: aweights of integers", of("cov", [1.0, 2.0], aweights=[1, 2]), RuntimeError, "floating"),
    ErrorSample("cov: negative fweights", of("cov", [1.0, 2.0], fweights=[1, -1]), RuntimeError, "negative"),
    ErrorSample("cov: negative aweights", of("cov", [1.0, 2.0], aweights=[1.0, -1.0]), RuntimeError, "negative"),
    ErrorSample("cov: number of fweights", of("cov", [1.0, 2.0], fweights=[1, 1, 1]), RuntimeError, "same numel"),
    ErrorSample("cov: number of aweights", of("cov", [1.0, 2.0], aweights=[1.0]), RuntimeError, "same numel"),
    ErrorSample("cov: weights of zero", of("cov", [1.0, 2.0], aweights=[0.0, 0.0]), RuntimeError, "sum to zero"),
    ErrorSample("corrcoef: dims", lambda lib: lib.corrcoef(lib.zeros(2, 2, 2)), RuntimeError, "two or fewer"),
    ErrorSample("unique: dim of 0-d", lambda lib: lib.unique(lib.tensor(1), dim=0), IndexError, "dim"),
    ErrorSample("unique: dim beside an empty one", lambda lib: lib.unique(lib.zeros(2, 0), dim=0), RuntimeError, "0"),
    ErrorSample("unique_consecutive: dim of 0-d", lambda lib: lib.unique_consecutive(lib.tensor(1), dim=0), IndexError, "dim"),
    ErrorSample("unique_consecutive: dim", lambda lib: lib.unique_consecutive(lib.zeros(2), dim=1), IndexError, r"\[-1, 0\]"),
    ErrorSample("bincount: negative", of("bincount", [-1]), RuntimeError, "non-negative"),
    ErrorSample("bincount: matrix", of("bincount", [[1]]), RuntimeError, "1-d"),
    ErrorSample("bincount: floats", of("bincount", [1.0]), RuntimeError, "bincount"),
    ErrorSample("bincount: minlength", of("bincount", [1], minlength=-1), RuntimeError, "minlength"),
    ErrorSample("bincount: number of weights", of("bincount", [1, 1], [0.5]), RuntimeError, "length"),
    ErrorSample("histc: no bins", of("histc", [1.0], 0), RuntimeError, "bins must be > 0"),
    ErrorSample("histc: a fraction of bins", of("histc", [1.0], 2.5), TypeError, "bins"),
    ErrorSample("histc: range reversed", of("histc", [1.0], 2, 3, 1), RuntimeError, "larger than min"),
    ErrorSample("histc: range of nan", of("histc", [nan, 1.0], 2), RuntimeError, "not finite"),
    ErrorSample("histc: infinite range", of("histc", [1.0], 2, -inf, 1), RuntimeError, "not finite"),
    ErrorSample("histc: integers", of("histc", [1, 2], 2), RuntimeError, "not implemented"),
    ErrorSample("histogram: no bins", of("histogram", [1.0], 0), RuntimeError, "bins must be > 0"),
    ErrorSample("histogram: one edge", of("histogram", [1.0], [1.0]), RuntimeError, "bins must be > 0"),
    ErrorSample("histogram: edges in a matrix", of("histogram", [1.0], [[1.0]]), RuntimeError, "one dimension"),
    ErrorSample("histogram: dtype of edges", of("histogram", [1.0], [1, 2]), RuntimeError, "same dtype"),
    ErrorSample("histogram: edges and range", of("histogram", [1.0], [1.0, 2.0], range=(0.0, 1.0)), TypeError, "range"),
    ErrorSample("histogram: range", of("histogram", [1.0], 2, range=(0.0, 1.0, 2.0)), RuntimeError, "2 elements"),
    ErrorSample("histogram: range reversed", of("histogram", [1.0], 2, range=(1.0, 0.0)), RuntimeError, "min should not exceed max"),
    ErrorSample("histogram: infinite range", of("histogram", [1.0], 2, range=(0.0, inf)), RuntimeError, "not finite"),
    ErrorSample("histogram: shape of weight", of("histogram", [1.0], 2, weight=[1.0, 2.0]), RuntimeError, "shape"),
    ErrorSample("histogram: dtype of weight", of("histogram", [1.0], 2, weight=[1]), RuntimeError, "same dtype"),
    ErrorSample("histogram: integers", of("histogram", [1, 2], 2), RuntimeError, "not implemented"),
    ErrorSample("histogramdd: a vector", of("histogramdd", [1.0], 2), RuntimeError, "2 dimensions"),
    ErrorSample("histogramdd: number of bins", of("histogramdd", [[1.0, 2.0]], (2,)), RuntimeError, "innermost"),
    ErrorSample("histogramdd: range", of("histogramdd", [[1.0, 2.0]], 2, range=[0.0, 1.0]), RuntimeError, "4 elements"),
]  # fmt: skip
