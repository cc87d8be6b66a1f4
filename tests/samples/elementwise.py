"""Samples of dlframe/ops/elementwise.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samples.table import ALL_FLOATS, Array, Edge, ErrorSample, Numbers, Sample

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


UNARY = [
    unary("negative", "neg", n.away(3, 4)),
    unary("positive", "positive", n.away(3, 4)),
    unary("absolute", "abs", n.away(3, 4)),
    unary("square", "square", n.away(3, 4)),
    unary("reciprocal", "reciprocal", n.away(3, 4)),
    unary("sqrt", "sqrt", n.positive(3, 4)),
    unary("rsqrt", "rsqrt", n.positive(3, 4), lambda x: 1 / np.sqrt(x)),
    unary("copy", "clone", n.away(3, 4)),
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
    unary("arcsinh", "asinh", n.away(3, 4)),
    unary("arccosh", "acosh", n.positive(3, 4) + 1),
    unary("arctanh", "atanh", n.unit(3, 4)),
    unary("sigmoid", "sigmoid", n.away(3, 4) * 3, sigmoid),
    unary("silu", "nn.functional.silu", n.away(3, 4), lambda x: x * sigmoid(x)),
    unary("erf", "erf", n.away(3, 4), erf),
    unary("relu", "relu", n.away(3, 4), lambda x: x * (x > 0)),
    unary("leaky_relu", "nn.functional.leaky_relu", n.away(3, 4),
          lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x)),
    unary("leaky_relu", "nn.functional.leaky_relu", n.away(3, 4),
          lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
          options={"negative_slope": 1.5}, public_options={"negative_slope": 1.5}),
    unary("elu", "nn.functional.elu", n.away(3, 4), lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    unary("elu", "nn.functional.elu", n.away(3, 4),
          lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
          options={"alpha": 0.7}, public_options={"alpha": 0.7}),
    unary("softplus", "nn.functional.softplus", n.away(3, 4), lambda x: np.log(1 + np.exp(x))),
    unary("softplus", "nn.functional.softplus", n.away(3, 4) * 10,
          lambda x, beta, threshold: np.where(beta * x > threshold, x, np.log1p(np.exp(beta * x)) / beta),
          options={"beta": 2.0, "threshold": 5.0}, public_options={"beta": 2.0, "threshold": 5.0}),
    unary("gelu", "nn.functional.gelu", n.away(3, 4), lambda x: x * 0.5 * (1 + erf(x / math.sqrt(2)))),
    unary("gelu", "nn.functional.gelu", n.away(3, 4),
          lambda x, approximate: x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)),
          options={"approximate": "tanh"}, public_options={"approximate": "tanh"}),
    unary("sign", "sign", n.away(3, 4)),
    unary("floor", "floor", n.away(3, 4)),
    unary("ceil", "ceil", n.away(3, 4)),
    unary("trunc", "trunc", n.away(3, 4)),
    unary("rint", "round", n.away(3, 4)),
]  # fmt: skip

BINARY = [
    binary("add", "add", n.away(3, 4), n.away(3, 4)),
    binary("add", "add", n.away(3, 4), n.away(4)),
    binary("add", "add", n.away(3, 1), n.away(1, 4)),
    binary("add", "add", n.away(3, 4), 2.5),
    binary("subtract", "sub", n.away(3, 4), n.away(2, 3, 4)),
    binary("multiply", "mul", n.away(3, 4), n.away(3, 1)),
    binary("divide", "div", n.away(3, 4), n.away(4)),
    binary("divide", "div", n.away(3, 4), 3.0),
    binary("power", "pow", n.positive(3, 4), n.away(3, 4)),
    binary("power", "pow", n.positive(3, 4), n.away(4)),
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
    ErrorSample("gelu: approximate", lambda lib: lib.nn.functional.gelu(lib.ones(2), approximate="erf"), Exception,
                "approximate"),
    ErrorSample("bitwise_and: floats", lambda lib: lib.ones(2) & lib.ones(2), Exception, "bitwise_and"),
]  # fmt: skip


def edge(name: str, call: Any, *inputs: Any) -> Edge:
    return Edge(name, call, tuple(np.asarray(x, np.float64) for x in inputs))


POINTS = (-inf, -100.0, -20.5, -1.0, -0.0, 0.0, 0.5, 1.0, 20.5, 100.0, inf, nan)

EDGES = [
    *(
        edge(name, lambda lib, x, name=name: getattr(lib, name)(x), POINTS)
        for name in (
            "sign", "square", "sqrt", "rsqrt", "reciprocal", "exp", "expm1", "log", "log2", "log10", "log1p",
            "sin", "tanh", "atan", "sinh", "asin", "acosh", "sigmoid", "relu", "erf", "floor", "ceil", "trunc",
        )
    ),
    edge("abs", lambda lib, x: lib.abs(x), POINTS[:-1]),  # at nan PyTorch's gradient is 0, ours nan
    edge("round", lambda lib, x: lib.round(x), (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)),
    edge("round_decimals", lambda lib, x: lib.round(x, decimals=1), (-0.25, 0.35, 12.345)),
    edge("round_tens", lambda lib, x: lib.round(x, decimals=-1), (15.0, 24.9, -5.0)),
    *(
        edge(name, lambda lib, x, name=name: getattr(lib.nn.functional, name)(x), POINTS)
        for name in ("leaky_relu", "elu", "softplus", "silu", "gelu")
    ),
    edge("gelu_tanh", lambda lib, x: lib.nn.functional.gelu(x, approximate="tanh"), (-20.5, -1.0, 0.0, 0.5, 20.5)),
    edge("softplus_beta", lambda lib, x: lib.nn.functional.softplus(x, beta=3.0, threshold=6.0), (1.9, 2.0, 2.1, -300.0)),
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
