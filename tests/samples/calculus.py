"""Calls of differences, derivatives and integrals of sampled functions."""

from __future__ import annotations

import numpy as np

from samples.table import Call, ErrorSample, Numbers, calls

n = Numbers(33)

x, cube, v = n.away(3, 4), n.away(4, 3, 5), n.away(6)
whole, flags = n.ints(-5, 6, 3, 4), n.bools(6)
places = np.array([0.0, 0.5, 2.0, 2.25, 4.0, 4.5])

CALLS = [
    *calls("diff", v, (x, 1, 0), (x, 2), (x, 0), (x, 9), (x, 1, -1, n.away(3, 2)), (x, {"n": 2, "dim": 0, "prepend": n.away(1, 4), "append": n.away(2, 4)}), (x, {"axis": 0})),
    *calls("diff", flags, whole, whole.astype("uint8"), order=0), Call("diff", (x,), {"prepend": whole[:, :1]}, note="of two dtypes", dtypes=False),
    Call("diff", (whole,), {"append": n.away(3, 1)}, note="of two dtypes", dtypes=False),
    # derivatives
    *calls("gradient", v, x, cube, (x, {"spacing": 0.5}), (x, {"spacing": [0.5, 2.0]}), (cube, {"dim": 1}), (cube, {"dim": (0, -1), "spacing": (0.5, 2)}), (cube, {"dim": -1, "spacing": 2, "edge_order": 2}),
           (v, {"edge_order": 2}), (v, {"spacing": (places,)}), (v, {"spacing": [places], "edge_order": 2}), (cube, {"spacing": [places[:4], places[1:4]], "dim": (0, 1), "edge_order": 2}), forms=False),
    Call("gradient", (n.away(2),), note="two values"), Call("gradient", (n.away(3),), {"edge_order": 2}, note="three values"), *calls("gradient", n.ints(-9, 9, 6), (n.ints(-9, 9, 6), {"spacing": 2}), order=0),
    Call("gradient", (n.ints(-9, 9, 6),), {"edge_order": 2}, order=0), Call("gradient", (n.ints(-9, 9, 6),), {"spacing": (np.array([0, 1, 3, 4, 6, 7]),)}, order=0),
    # integrals
    *[row for name in ("trapezoid", "cumulative_trapezoid") for row in calls(
        name, v, x, (x, n.away(4)), (cube, n.away(4), {"dim": 0}), (x, n.away(3, 4)), (cube, n.away(3, 5)), (v, places), (x, {"dx": 0.5}), (x, {"dx": 2, "dim": 0}), (cube, n.away(4, 3, 5), {"dim": 1}), (x, {"axis": 0}))],
    *calls("trapz", v, (x, n.away(4)), (x, n.away(3), {"dim": 0}), (x, {"dx": 0.5, "dim": 0}), forms=False), *calls("trapezoid", whole, (whole, {"dx": 2}), (whole, np.arange(4)), order=0), *calls("cumulative_trapezoid", whole, (whole, np.arange(4)), order=0),
    Call("trapezoid", (x, np.arange(4)), note="of two dtypes"), Call("trapezoid", (np.zeros((3, 0)),), note="nothing"), Call("cumulative_trapezoid", (np.zeros((3, 1)),), note="one value"),
    Call("diff", (np.array([1.0, 4.0]),), {"n": 0, "prepend": np.array([0.0])}, note="n = 0 leaves the ends away"),
]  # fmt: skip

ERRORS = [
    ErrorSample("diff: a number", lambda lib: lib.diff(lib.tensor(1.0)), RuntimeError, "one-dimensional"),
    ErrorSample("diff: n", lambda lib: lib.diff(lib.zeros(2), -1), RuntimeError, "non-negative"),
    ErrorSample("diff: prepend", lambda lib: lib.diff(lib.zeros(2, 2), prepend=lib.zeros(2)), RuntimeError, "same dimension"),
    ErrorSample("diff: append", lambda lib: lib.diff(lib.zeros(2, 2), append=lib.zeros(3, 2)), RuntimeError, "must match"),
    ErrorSample("gradient: one value", lambda lib: lib.gradient(lib.zeros(1)), RuntimeError, r"edge_order\+1"),
    ErrorSample("gradient: edge_order", lambda lib: lib.gradient(lib.zeros(5), edge_order=3), RuntimeError, "edge_order"),
    ErrorSample("gradient: spacings", lambda lib: lib.gradient(lib.zeros(5, 5), spacing=[1.0]), RuntimeError, "length"),
    ErrorSample("gradient: coordinates", lambda lib: lib.gradient(lib.zeros(5), spacing=(lib.arange(4.0),)), RuntimeError, "size"),
    ErrorSample("gradient: one tensor of coordinates", lambda lib: lib.gradient(lib.zeros(5), spacing=lib.arange(5.0)), TypeError, "gradient"),
    ErrorSample("gradient: dim twice", lambda lib: lib.gradient(lib.zeros(5, 5), dim=(0, 0)), RuntimeError, "multiple times"),
    ErrorSample("gradient: uint8", lambda lib: lib.gradient(lib.zeros(5, dtype=lib.uint8)), RuntimeError, "uint8"),
    ErrorSample("trapezoid: number of x", lambda lib: lib.trapezoid(lib.zeros(3), lib.zeros(2)), RuntimeError, "one `x` value"),
    ErrorSample("trapezoid: bools", lambda lib: lib.trapezoid(lib.zeros(3) > 0), RuntimeError, "bool"),
    ErrorSample("trapezoid: a number", lambda lib: lib.trapezoid(lib.tensor(1.0)), IndexError, "no dimensions"),
    ErrorSample("trapezoid: x and dx", lambda lib: lib.trapezoid(lib.zeros(3), lib.zeros(3), dx=1), TypeError, "trapezoid"),
    ErrorSample("cumulative_trapezoid: number of x", lambda lib: lib.cumulative_trapezoid(lib.zeros(3), lib.zeros(2)), RuntimeError, "one `x` value"),
    ErrorSample("cumulative_trapezoid: bools", lambda lib: lib.cumulative_trapezoid(lib.zeros(3) > 0), RuntimeError, "bool"),
    ErrorSample("gradient: no dimensions", lambda lib: lib.gradient(lib.tensor(1.0), dim=0), IndexError, "(?i)dimension|range"),
]  # fmt: skip
