"""Samples of dlframe/ops/elementwise.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import ALL_FLOATS, Array, Call, Edge, ErrorSample, Numbers, Sample, calls

n = Numbers(1)
inf, nan = math.inf, math.nan


def unary(op: str, public: str, x: Array, reference: Any = None, **more: Any) -> Sample:
    return Sample(
        op, (x,), reference=reference or getattr(np, op), public=public, dtypes=ALL_FLOATS,
        elementwise=True, **more,
    )  # fmt: skip


def binary(op: str, public: str, x: Any, y: Any, reference: Any = None, **more: Any) -> Sample:
    return Sample(
        op, (x, y), reference=reference or getattr(np, op), public=public, elementwise=True, **more
    )


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[float])(x)


def logit(x: Array, eps: float | None = None) -> Array:
    x = x if eps is None else np.clip(x, eps, 1 - eps)
    return np.log(x / (1 - x))


UNARY = [
    unary("negative", "neg", n.away(3, 4)),
    unary("positive", "positive", n.away(3, 4)),
    unary("absolute", "abs", n.away(3, 4)),
    unary("square", "square", n.away(3, 4)),
    unary("reciprocal", "reciprocal", n.away(3, 4)),
    unary("sqrt", "sqrt", n.positive(3, 4)),
    unary("rsqrt", "rsqrt", n.positive(3, 4), lambda x: 1 / np.sqrt(x)),
    unary("copy", "clone", n.away(3, 4)),
    unary("contiguous", "", np.arange(12.0).reshape(3, 4) - 5.5, np.copy),
    unary("exp", "exp", n.away(3, 4)),
    unary("exp2", "exp2", n.away(3, 4)),
    unary("expm1", "expm1", n.away(3, 4)),
    unary("log", "log", n.positive(3, 4)),
    unary("log2", "log2", n.positive(3, 4)),
    unary("log10", "log10", n.positive(3, 4)),
    unary("log1p", "log1p", n.positive(3, 4)),
    unary("sin", "sin", n.away(3, 4)),
    unary("cos", "cos", n.away(3, 4)),
    unary("tan", "tan", n.unit(3, 4)),
    unary("arcsin", "asin", n.unit(3, 4)),
    unary("arccos", "acos", n.unit(3, 4)),
    unary("arctan", "atan", n.away(3, 4)),
    unary("sinh", "sinh", n.away(3, 4)),
    unary("cosh", "cosh", n.away(3, 4)),
    unary("tanh", "tanh", n.away(3, 4)),
    unary("arcsinh", "", n.away(3, 4)),  # for these three see CALLS
    unary("arccosh", "", n.positive(3, 4) + 1),
    unary("arctanh", "", n.unit(3, 4)),
    unary("sinc", "sinc", n.away(3, 4)),
    unary("sinc", "sinc", n.unit(3, 4) * 0.05),  # by the series, in the gradients
    unary("sigmoid", "sigmoid", n.away(3, 4) * 3, sigmoid),
    unary("logit", "logit", n.unit(3, 4) / 2 + 0.5, logit),
    unary("logit", "logit", n.unit(3, 4) / 2 + 0.5, logit, options={"eps": 0.2}, public_options={"eps": 0.2}),
    unary("entr", "special.entr", n.positive(3, 4), lambda x: -x * np.log(x)),
    unary("erf", "erf", n.away(3, 4), erf),
    unary("sign", "sign", n.away(3, 4)),
    unary("floor", "floor", n.away(3, 4)),
    unary("ceil", "ceil", n.away(3, 4)),
    unary("trunc", "trunc", n.away(3, 4)),
    unary("rint", "round", n.away(3, 4)),
    unary("frac", "frac", n.away(3, 4), lambda x: np.modf(x)[0]),
    unary("angle", "angle", n.away(3, 4)),
    Sample("frexp", (n.away(3, 4) * 9,), reference=np.frexp, public="frexp", dtypes=ALL_FLOATS),
    unary("nan_to_num", "nan_to_num", n.away(3, 4), lambda x: x),
]  # fmt: skip


def lerp(x: Any, y: Any, weight: Any) -> Any:
    return x + weight * (y - x)


BINARY = [
    binary("add", "add", n.away(3, 4), n.away(3, 4)),
    binary("add", "add", n.away(3, 4), n.away(4)),
    binary("add", "add", n.away(3, 1), n.away(1, 4)),
    binary("add", "add", n.away(3, 4), 2.5),
    binary("subtract", "sub", n.away(3, 4), n.away(2, 3, 4)),
    binary("multiply", "mul", n.away(3, 4), n.away(3, 1)),
    binary("divide", "div", n.away(3, 4), n.away(4)),
    binary("divide", "div", n.away(3, 4), 3.0),
    binary("power", "", n.positive(3, 4), n.away(3, 4)),  # see CALLS
    binary("power", "", n.positive(3, 4), n.away(4)),
    *(binary("power", "pow", n.away(3, 4), y) for y in (2.0, 3.0, 1.0, 0.0, -1.0, -2.0)),
    binary("power", "pow", n.positive(3, 4), 0.5),
    binary("power", "pow", 2.5, n.away(3, 4)),
    binary("remainder", "remainder", n.away(3, 4) * 3, n.away(4) + 0.01),
    binary("fmod", "fmod", n.away(3, 4) * 3, n.away(4) + 0.01),
    binary("floor_divide", "div", n.away(3, 4) * 3, n.away(4) + 0.01, public_options={"rounding_mode": "floor"}),
    Sample("trunc_divide", (n.away(3, 4) * 3, n.away(4)), reference=lambda x, y: np.trunc(x / y), elementwise=True,
           public="div", public_options={"rounding_mode": "trunc"}),
    binary("arctan2", "atan2", n.away(3, 4), n.away(4)),
    binary("logaddexp", "logaddexp", n.away(3, 4), n.away(4)),
    binary("logaddexp2", "logaddexp2", n.away(3, 4), n.away(4)),
    binary("hypot", "hypot", n.away(3, 4), n.away(4)),
    binary("copysign", "copysign", n.away(3, 4), n.away(4)),
    binary("copysign", "copysign", n.away(3, 4), -1.5),
    binary("nextafter", "nextafter", n.away(3, 4), n.away(4)),
    binary("heaviside", "", n.away(3, 4) * (n.ints(0, 2, 3, 4)), n.away(4), fixed=(0,)),  # PyTorch has no gradient
    binary("xlogy", "xlogy", n.away(3, 4), n.positive(4), lambda x, y: x * np.log(y)),
    binary("xlogy", "xlogy", n.away(3, 4), 2.5, lambda x, y: x * np.log(y)),
    binary("xlogy", "xlogy", 2.5, n.positive(3, 4), lambda x, y: x * np.log(y)),
    binary("xlog1py", "special.xlog1py", n.away(3, 4), n.positive(4), lambda x, y: x * np.log1p(y)),
    binary("xlog1py", "special.xlog1py", n.away(3, 4), 2.5, lambda x, y: x * np.log1p(y)),
    binary("fmax", "fmax", n.spread(3, 4), n.spread(3, 4) + 0.07),
    binary("fmin", "fmin", n.spread(3, 4), n.spread(4) + 0.07),
    Sample("lerp", (n.away(3, 4), n.away(3, 4), n.unit(3, 4)), reference=lerp, public="lerp", elementwise=True),
    Sample("lerp", (n.away(3, 4), n.away(4), 0.3), reference=lerp, public="lerp", elementwise=True),
    Sample("lerp", (n.away(3, 1), n.away(4), -1.7), reference=lerp, public="lerp", elementwise=True),
    binary("maximum", "maximum", n.spread(3, 4), n.spread(3, 4) + 0.07),
    binary("minimum", "minimum", n.spread(3, 4), n.spread(4) + 0.07),
]  # fmt: skip


def where(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)


def clip(x: Any, low: Any, high: Any) -> Any:
    return np.clip(x, low, high)


def plain(op: str, public: str, *inputs: Any) -> Sample:
    """An operation without gradient; integers and bools come out as NumPy says."""
    return Sample(
        op, inputs, reference=getattr(np, op), public=public, order=0, elementwise=True, dtypes=()
    )


small, other = n.ints(-3, 4, 3, 4), n.ints(-3, 4, 3, 4)

CHOICES = [
    Sample("where", (n.bools(3, 4), n.away(3, 4), n.away(4)), reference=where, public="where", elementwise=True),
    Sample("where", (n.bools(3, 1), n.away(4), 0.5), reference=where, public="where", elementwise=True),
    Sample("clip", (n.spread(3, 4), -0.43, 0.43), reference=clip, public="clamp", elementwise=True),
    Sample("clip", (n.spread(3, 4), None, 0.43), reference=clip, public="clamp", elementwise=True),
    Sample("clip", (n.spread(3, 4), -0.43), reference=lambda x, low: np.maximum(x, low), public="clamp",
           elementwise=True),
    Sample("clip", (n.spread(3, 4), n.spread(4) - 0.57, n.spread(3, 1) + 0.53),
           reference=lambda x, a, b: np.minimum(np.maximum(x, a), b), public="clamp", elementwise=True),
]  # fmt: skip

PLAIN = [
    *(
        plain(op, public, *inputs)
        for op, public in [
            ("equal", "eq"), ("not_equal", "ne"), ("less", "lt"), ("less_equal", "le"), ("greater", "gt"),
            ("greater_equal", "ge"),
        ]
        for inputs in [(small, other), (small, 1), (small * 0.5, other * 0.5), (small * 0.5, 0.5)]
    ),
    *(
        plain(op, op, *inputs)
        for op in ("logical_and", "logical_or", "logical_xor")
        for inputs in [(small, other), (n.bools(3, 4), n.bools(4)), (small * 0.5, other * 0.5)]
    ),
    plain("logical_not", "logical_not", small),
    *(
        plain(op, op, *inputs)
        for op in ("bitwise_and", "bitwise_or", "bitwise_xor")
        for inputs in [(small, other), (n.bools(3, 4), n.bools(4)), (small, 3)]
    ),
    plain("bitwise_not", "bitwise_not", small),
    plain("bitwise_not", "bitwise_not", n.bools(3, 4)),
    plain("left_shift", "bitwise_left_shift", n.ints(0, 9, 3, 4), n.ints(0, 4, 4)),
    plain("right_shift", "bitwise_right_shift", small, n.ints(0, 4, 4)),
    *(
        plain(op, op, np.array([1.0, -inf, nan, inf, -0.0]))
        for op in ("isnan", "isinf", "isfinite", "signbit")
    ),
    plain("isnan", "isnan", small),
    *(plain(op, op, np.array([1.0, -inf, nan, inf, -0.0])) for op in ("isposinf", "isneginf")),
    plain("gcd", "gcd", 6 * small, 4 * other),
    plain("gcd", "gcd", small, n.ints(0, 9, 4)),
    plain("lcm", "lcm", 6 * small, 4 * other),
    *(
        Sample(op, inputs, reference=getattr(np, op), public=public, order=0)
        for op, public in [
            ("add", "add"), ("subtract", "sub"), ("multiply", "mul"), ("floor_divide", "floor_divide"),
            ("remainder", "remainder"), ("maximum", "maximum"),
        ]
        for inputs in [(small, np.abs(other) + 1), (small, 2 * np.ones(4, np.int64))]
    ),
    Sample("zeros_like", (n.away(3, 4),), reference=np.zeros_like, public="zeros_like", order=0, dtypes=ALL_FLOATS),
    Sample("cast", (n.away(3, 4),), {"dtype": np.dtype("float64")}, reference=lambda x, dtype: x.astype(dtype),
           call=lambda lib, x: x.to(lib.float64), dtypes=()),
]  # fmt: skip

SAMPLES = [*UNARY, *BINARY, *CHOICES, *PLAIN]


# --- calls: what the operations' samples do not call by themselves -----------------------------

halves = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 7.0])
signs = np.array([-inf, -3.7, -1.0, -0.0, 0.0, 0.3, 2.0, inf, nan])


def at(note: str, order: int = 1) -> dict[str, Any]:
    """Options of a call at points where numbers end: there dtypes and shapes are of no interest."""
    return {"note": note, "dtypes": False, "variants": False, "order": order, "narrow": 0.0}


def pairs(*values: float) -> tuple[Array, Array]:
    """Every value with every other."""
    x, y = np.meshgrid(np.array(values), np.array(values))
    return x, y


LOST = "PyTorch's in-place form overwrites what its gradient needs, and then refuses to compute it"
CUT = "PyTorch cuts the fraction of a factor off; here a fraction times integers is refused, as alpha is"
NEGATIVE = "PyTorch makes 0 of a negative power of an integer; here it is refused, as PyTorch does for a number"

CALLS = [
    *(
        Call(name, (x,), differs={"in place": LOST})
        for name, x in (("asinh", n.away(3, 4)), ("acosh", n.positive(3, 4) + 1), ("atanh", n.unit(3, 4)))
    ),
    *calls("pow", (n.positive(3, 4), n.away(3, 4)), (n.positive(3, 4), n.away(4)),
           differs={"int32": NEGATIVE, "int64": NEGATIVE}),
    *calls("add", (n.away(3, 4), n.away(4), {"alpha": 0.5}), (n.ints(0, 9, 4), 3, {"alpha": 2}),
           (2, n.away(3)), (n.away(3), True)),
    *calls("sub", (n.away(3, 4), n.away(4), {"alpha": -2}), (2, n.away(3))),
    *calls("rsub", (n.away(3, 4), n.away(4)), (n.away(3, 4), 2.5, {"alpha": 3}), (n.away(3, 4), n.away(3, 1), {"alpha": 0.5})),
    *calls("mul", (2, n.away(3)), (n.ints(1, 9, 4), 2.5)),
    *calls("div", (n.away(3, 4), n.away(4), {"rounding_mode": None}), (n.away(3, 4) * 5, 1.7, {"rounding_mode": "floor"}),
           (n.ints(-9, 9, 6), 4, {"rounding_mode": "trunc"}), (n.ints(-9, 9, 6), -4, {"rounding_mode": "floor"}), (2, n.away(3))),
    *calls("floor_divide", (n.away(3, 4) * 5, n.away(4)), (n.away(3, 4) * 5, 0.7), (n.ints(-9, 9, 6), -4), (7, n.away(3)), order=0),
    *calls("remainder", (n.away(3, 4) * 5, 0.7), (n.ints(-9, 9, 6), -4)),
    *calls("remainder", (7, n.away(3)), order=0),
    *calls("fmod", (n.away(3, 4) * 5, 0.7), (n.ints(-9, 9, 6), -4)),
    *calls("addcmul", (n.away(3, 4), n.away(3, 1), n.away(4), {"value": -0.7}),
           differs=dict.fromkeys(("int32", "int64"), CUT)),
    *calls("addcmul", (n.away(3, 4), n.away(3, 4), n.away(4)),
           (n.ints(0, 5, 4), n.ints(0, 5, 4), n.ints(0, 5, 4), {"value": 3})),
    *calls("addcdiv", (n.away(3, 4), n.away(3, 4), n.away(4)), (n.away(3, 4), n.away(3, 1), n.away(4), {"value": -0.7})),
    *calls("pow", (n.positive(3, 4), n.ints(0, 3, 4)), (n.ints(1, 5, 4), 2), (2, n.ints(0, 5, 4)), (n.ints(1, 5, 4), 0.5)),
    *calls("float_power", (n.positive(3, 4), n.away(4)), (n.away(3, 4), 2), (2.5, n.away(3, 4)), (n.ints(1, 5, 4), -1)),
    *calls("ldexp", (n.away(3, 4), n.ints(0, 4, 4)), (n.away(3, 4), n.away(4))),
    *calls("ldexp", (n.away(3, 4), n.ints(-3, 0, 4)), order=0, note="PyTorch's gradient is 0 by mistake"),
    *calls("round", (halves,), (n.away(3, 4) * 100, {"decimals": 1}), (n.away(3, 4) * 100, {"decimals": -1}),
           (n.ints(0, 99, 4),)),
    *calls("heaviside", (n.away(3, 4) * (n.ints(0, 2, 3, 4)), n.away(4)), (n.ints(-1, 2, 6), n.ints(5, 9, 6)), order=0),
    *calls("sgn", (n.away(3, 4),), (n.ints(-2, 3, 4),)),
    *calls("deg2rad", (n.away(3, 4) * 90,)),
    *calls("rad2deg", (n.away(3, 4),)),
    *calls("nan_to_num", (signs, {"nan": 0.5, "posinf": 9.0, "neginf": -8.0}), (signs, 1.5), (signs,), variants=False, narrow=0),
    *calls("clamp", (n.spread(3, 4), {"min": -0.43}), (n.spread(3, 4), {"max": 0.43}), (n.ints(-5, 5, 6), -2, 3),
           (n.ints(-5, 5, 6), -1.5)),
    *calls("clamp_min", (n.spread(3, 4), 0.03), (n.spread(3, 4), n.spread(4) + 0.07), (n.ints(-5, 5, 6), 1.5)),
    *calls("clamp_max", (n.spread(3, 4), 0.03), (n.spread(3, 4), n.spread(4) + 0.07)),
    *calls("where", (n.bools(3, 4),), (n.bools(3, 4), 1, 2), (n.bools(3, 4), 1.0, 2), (n.bools(3, 4), n.ints(0, 5, 4), n.away(4))),
    *calls("Tensor.where", (n.away(3, 4), n.bools(3, 4), n.away(4)), run=lambda lib, x, c, y: x.where(c, y), passes=("condition", "y")),
    *calls("equal", (small, other), (small, small.copy()), (small, small[0]), variants=False),
    *calls("isclose", (n.away(3, 4), n.away(4)), (np.array([1.0, 2.0, 3.0]), np.array([1.01, 2.0, 3.5]), {"rtol": 0.02}),
           (np.array([1.0, 2.0, 3.0]), np.array([1.01, 2.0, 3.5]), 0, {"atol": 0.6}), (signs, signs), (signs, signs, {"equal_nan": True}),
           (small, other, {"atol": 1.0})),
    *calls("allclose", (n.away(3, 4), n.away(4)), (np.array([1.0, 2.0]), np.array([1.01, 2.0]), {"rtol": 0.02}),
           (np.array([1.0, 2.0]), np.array([1.01, 2.0]), {"atol": 0.1}), (signs, signs, {"equal_nan": True})),
    *calls("isreal", (signs,), (small,)),
    *calls("is_nonzero", (np.array([0.0]),), (np.array(3),), (np.array([[nan]]),), variants=False),
    *calls("eq", (np.array([0.1, 0.2]), np.array(0.1)), (np.array([0.1], np.float32), np.array(0.1)), dtypes=False),
    *calls("lt", (np.array([0.1, 0.2], np.float32), np.array(0.1)), (np.array([16777217]), 16777216.0), dtypes=False),
    *calls("bitwise_left_shift", (n.ints(0, 9, 4), 2), (np.array([1, -1, 3]), np.array([63, 64, -1])), (2, n.ints(0, 9, 4))),
    *calls("bitwise_right_shift", (n.ints(-9, 9, 4), 2), (np.array([1, -1, -9]), np.array([63, 64, -1])), (99, n.ints(0, 9, 4))),
    *calls("bitwise_and", (n.bools(4), 3), (3, small), (small.astype(np.uint8), np.array(7))),
    # where numbers end
    *(
        Call(name, (np.array([-inf, -100.0, -2.0, -1.0, -0.5, -0.0, 0.0, 1e-200, 0.5, 1.0, 2.0, 100.0, inf, nan]),),
             **at("where numbers end"))
        for name in ("sgn", "abs", "sinc", "frac", "angle", "exp2", "cos", "cosh", "tan", "acos",
                     "reciprocal", "log10", "deg2rad")
    ),
    *(
        Call(name, (np.array([-inf, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, inf, nan]),), differs={"in place": LOST},
             **at("where numbers end"))
        for name in ("asinh", "acosh", "atanh")
    ),
    *(
        Call(name, pairs(-inf, -2.0, -0.0, 0.0, 0.7, inf, nan), **at("where numbers end"))
        for name in ("atan2", "hypot", "copysign", "logaddexp", "logaddexp2", "xlogy", "fmax", "fmin", "maximum", "minimum",
                     "mul", "div", "remainder", "fmod", "pow", "nextafter", "clamp_min")
    ),
    *(
        Call(name, pairs(-inf, -2.0, -0.0, 0.0, 0.7, inf, nan), **at("where numbers end", order=0))
        for name in ("heaviside", "floor_divide")
    ),
    Call("logit", (np.array([-0.5, 0.0, 0.3, 1.0, 1.2, nan]),), **at("where numbers end")),
    Call("logit", (np.array([-0.5, 0.0, 0.05, 0.1, 0.3, 0.9, 1.0, 1.2]), 0.1), **at("beyond eps")),
    Call("lerp", (*pairs(-inf, 0.0, 1.5, inf), 0.3), **at("where numbers end")),
    Call("lerp", (*pairs(-inf, 0.0, 1.5, inf), 1.0), **at("to the end")),
    Call("frexp", (np.array([0.0, 8.0, -3.0, inf, nan, 1e-320, 1e300]),), **at("where numbers end")),
    Call("nan_to_num", (signs,), **at("where numbers end")),
    Call("round", (np.array([1.15, 2.5, -123.456, inf, nan]),), {"decimals": 400}, **at("beyond floats", order=0)),
    *calls("add", (np.array([True, False]), np.array([True, True]), {"alpha": 0}), (np.array([True, False]), np.array([True, True]), {"alpha": 2}), order=0, dtypes=False, note="bools stay bools"),
    Call("logit", (np.array([-0.5, 0.45, 0.5, 0.7, 2.0]), 0.6), note="eps above 1/2", order=0),
    *calls("true_divide", (n.away(3, 4), n.away(4)), (n.ints(-9, 9, 6), 4)),
]  # fmt: skip


ERRORS = [
    ErrorSample("add: shapes", lambda lib: lib.zeros(2, 3) + lib.zeros(4), RuntimeError, r"\[2, 3\].*\[4\]"),
    ErrorSample("sub: bools", lambda lib: lib.tensor([True]) - lib.tensor([True]), RuntimeError, r"logical_xor"),
    ErrorSample("floor_divide: integer by zero", lambda lib: lib.tensor([1]) // lib.tensor([0]), RuntimeError,
                "ZeroDivisionError"),
    ErrorSample("remainder: integer by zero", lambda lib: lib.tensor([1]) % lib.tensor([0]), RuntimeError,
                "ZeroDivisionError"),
    ErrorSample("div: rounding_mode", lambda lib: lib.div(lib.ones(2), 2, rounding_mode="up"), Exception, "rounding_mode"),
    ErrorSample("clamp: no bound", lambda lib: lib.clamp(lib.ones(2)), Exception, "At least one of"),
    ErrorSample("where: condition of integers",
                lambda lib: lib.where(lib.tensor([1, 0]), lib.ones(2), lib.zeros(2)), RuntimeError, "bool"),
    ErrorSample("add: a fraction times integers", lambda lib: lib.add(lib.tensor([1]), lib.tensor([1]), alpha=1.5), RuntimeError,
                "alpha must not be"),
    ErrorSample("addcmul: a fraction times integers",
                lambda lib: lib.addcmul(lib.tensor([1]), lib.tensor([1]), lib.tensor([1]), value=1.5), RuntimeError,
                "value must not be", in_torch=False),
    ErrorSample("add: a list", lambda lib: lib.add(lib.ones(2), [1.0, 2.0]), TypeError, r"add\(\)"),
    ErrorSample("mul: text", lambda lib: lib.mul(lib.ones(2), "2"), TypeError, r"mul\(\)"),
    ErrorSample("maximum: shapes", lambda lib: lib.maximum(lib.ones(2), lib.ones(3)), RuntimeError, r"2.*3"),
    ErrorSample("neg: bools", lambda lib: -lib.tensor([True]), RuntimeError, "bool"),
    ErrorSample("abs: bools", lambda lib: lib.abs(lib.tensor([True])), RuntimeError, "abs"),
    ErrorSample("relu: bools", lambda lib: lib.relu(lib.tensor([True])), RuntimeError, "Bool"),
    ErrorSample("pow: integers to a negative power", lambda lib: lib.pow(lib.tensor([2]), -1), RuntimeError, "negative"),
    ErrorSample("pow: bools", lambda lib: lib.pow(lib.tensor([True]), lib.tensor([True])), RuntimeError, "pow"),
    ErrorSample("lerp: integers", lambda lib: lib.lerp(lib.tensor([1]), lib.tensor([2]), 0.5), RuntimeError, "lerp"),
    ErrorSample("lerp: two dtypes", lambda lib: lib.lerp(lib.ones(2), lib.ones(2).double(), 0.5), RuntimeError, "dtype"),
    ErrorSample("addcdiv: integers", lambda lib: lib.addcdiv(lib.ones(1), lib.tensor([1]), lib.tensor([2])), RuntimeError,
                "Integer division"),
    ErrorSample("frexp: integers", lambda lib: lib.frexp(lib.tensor([1])), RuntimeError, "floating"),
    ErrorSample("frac: integers", lambda lib: lib.frac(lib.tensor([1])), RuntimeError, "frac"),
    ErrorSample("nextafter: integers", lambda lib: lib.nextafter(lib.tensor([1]), lib.tensor([2])), RuntimeError, "nextafter"),
    ErrorSample("round: decimals of integers", lambda lib: lib.round(lib.tensor([15]), decimals=-1), RuntimeError, "round"),
    ErrorSample("round: a fraction of decimals", lambda lib: lib.round(lib.ones(2), decimals=1.5), TypeError, "integer"),
    ErrorSample("heaviside: two dtypes", lambda lib: lib.heaviside(lib.ones(1), lib.tensor([1])), RuntimeError, "dtype"),
    ErrorSample("where: one choice", lambda lib: lib.where(lib.tensor([True]), lib.ones(1)), TypeError, "where"),
    ErrorSample("isclose: dtypes", lambda lib: lib.isclose(lib.ones(1), lib.ones(1).double()), RuntimeError, "(?i)float"),
    ErrorSample("isclose: negative rtol", lambda lib: lib.isclose(lib.ones(1), lib.ones(1), rtol=-1.0), RuntimeError, "rtol"),
    ErrorSample("is_nonzero: several elements", lambda lib: lib.is_nonzero(lib.ones(2)), RuntimeError, "ambiguous"),
    ErrorSample("gcd: floats", lambda lib: lib.gcd(lib.ones(2), lib.ones(2)), RuntimeError, "gcd"),
    ErrorSample("lcm: bools", lambda lib: lib.lcm(lib.tensor([True]), lib.tensor([True])), RuntimeError, "lcm"),
    ErrorSample("bitwise_left_shift: bools", lambda lib: lib.tensor([True]) << lib.tensor([True]), RuntimeError, "shift"),
    ErrorSample("float_power_: float32", lambda lib: lib.ones(2).float_power_(2), RuntimeError, "float_power_"),
    ErrorSample("bitwise_and: operator", lambda lib: lib.ones(2) & lib.ones(2), Exception, "bitwise_and"),
    *(ErrorSample(f"{name}: a string", lambda lib, name=name: getattr(lib, name)(lib.tensor([1]), "a"), TypeError, "str") for name in ("logical_and", "logical_or", "logical_xor")),
    *(ErrorSample(f"bitwise_{name}: floats", lambda lib, name=name: getattr(lib, f"bitwise_{name}")(lib.ones(2), lib.ones(2)), NotImplementedError, "not implemented for") for name in ("and", "or", "xor", "left_shift", "right_shift")),
    ErrorSample("bitwise_not: floats", lambda lib: ~lib.ones(2), TypeError, "only.*integer"),
]  # fmt: skip


def edge(name: str, call: Any, *inputs: Any) -> Edge:
    return Edge(name, call, tuple(np.asarray(x, np.float64) for x in inputs))


POINTS = (-inf, -100.0, -20.5, -1.0, -0.0, 0.0, 0.5, 1.0, 20.5, 100.0, inf, nan)

EDGES = [
    *(
        edge(name, lambda lib, x, name=name: getattr(lib, name)(x), POINTS)
        for name in (
            "sign", "square", "sqrt", "rsqrt", "reciprocal", "exp", "expm1", "log", "log2", "log10", "log1p",
            "sin", "tanh", "atan", "sinh", "asin", "acosh", "sigmoid", "erf", "floor", "ceil", "trunc",
        )
    ),
    edge("abs", lambda lib, x: lib.abs(x), POINTS),
    edge("round", lambda lib, x: lib.round(x), (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)),
    edge("round_decimals", lambda lib, x: lib.round(x, decimals=1), (-0.25, 0.35, 12.345)),
    edge("round_tens", lambda lib, x: lib.round(x, decimals=-1), (15.0, 24.9, -5.0)),
    *(
        edge(f"pow_{y}", lambda lib, x, y=y: lib.pow(x, y), [x for x in POINTS if y % 1 == 0 or x > 0 or -inf < x < -1])
        for y in (0, 0.5, 1, 2, 3, -1, -0.5)
    ),
    edge("pow", lambda lib, x, y: lib.pow(x, y), (0.0, 0.0, 0.0, 1.0, -2.0, -2.0, 2.0), (0.0, 2.0, 0.5, 0.0, 2.0, 3.0, 0.0)),
    edge("pow_base_0", lambda lib, y: lib.pow(0.0, y), (0.0, 0.5, 1.0, 2.0)),
    edge("pow_base_2", lambda lib, y: lib.pow(2, y), (0.0, 0.5, -1.0)),
    edge("maximum_ties", lambda lib, x, y: lib.maximum(x, y), (1.0, 2.0, 0.0, nan, inf), (1.0, 1.0, -0.0, 1.0, inf)),
    edge("minimum_ties", lambda lib, x, y: lib.minimum(x, y), (1.0, 2.0, 0.0, nan, inf), (1.0, 1.0, -0.0, 1.0, inf)),
    edge("clamp_at_bounds", lambda lib, x: lib.clamp(x, -1, 1), (-2.0, -1.0, 0.0, 1.0, 2.0, nan)),
    edge("clamp_crossed", lambda lib, x: lib.clamp(x, 1, -1), (-2.0, -1.0, 0.0, 1.0, 2.0)),
    edge("clamp_tensors", lambda lib, x, a, b: lib.clamp(x, a, b), (0.0, 1.0, 2.0, 3.0, 0.0), (1.0, 1.0, 1.0, 1.0, 2.0),
         (2.0, 2.0, 2.0, 2.0, -2.0)),
    edge("clamp_min_tensor", lambda lib, x, a: lib.clamp(x, min=a), (0.0, 1.0, 2.0), (1.0, 1.0, 1.0)),
    edge("where_hides_inf", lambda lib, x: lib.where(x > 0, lib.log(x), x * 0), (1.0, 2.0)),
    edge("div_by_zero", lambda lib, x, y: x / y, (1.0, -1.0, 0.0), (0.0, 0.0, 0.0)),
    edge("div_floor", lambda lib, x, y: lib.div(x, y, rounding_mode="floor"), (7.0, -7.0, 7.0), (2.0, 2.0, -2.0)),
    edge("div_trunc", lambda lib, x, y: lib.div(x, y, rounding_mode="trunc"), (7.0, -7.0, 7.0), (2.0, 2.0, -2.0)),
    edge("remainder_signs", lambda lib, x, y: lib.remainder(x, y), (7.0, -7.0, 7.0, -7.0), (3.0, 3.0, -3.0, -3.0)),
    edge("fmod_signs", lambda lib, x, y: lib.fmod(x, y), (7.0, -7.0, 7.0, -7.0), (3.0, 3.0, -3.0, -3.0)),
    edge("logaddexp_far", lambda lib, x, y: lib.logaddexp(x, y), (1000.0, -1000.0, 0.0), (1000.0, 0.0, -1000.0)),
    edge("lerp", lambda lib, x, y: lib.lerp(x, y, 0.3), (1.0, 2.0), (3.0, -1.0)),
    edge("lerp_tensor", lambda lib, x, y, w: lib.lerp(x, y, w), (1.0, 2.0), (3.0, -1.0), (0.2, 0.9)),
    edge("addcmul", lambda lib, x, y, z: lib.addcmul(x, y, z, value=0.5), (1.0, 2.0), (3.0, -1.0), (2.0, 4.0)),
    edge("addcdiv", lambda lib, x, y, z: lib.addcdiv(x, y, z, value=0.5), (1.0, 2.0), (3.0, -1.0), (2.0, 4.0)),
    edge("add_alpha", lambda lib, x, y: lib.add(x, y, alpha=3), (1.0, 2.0), (3.0, -1.0)),
    edge("sub_alpha", lambda lib, x, y: lib.sub(x, y, alpha=0.5), (1.0, 2.0), (3.0, -1.0)),
]  # fmt: skip
