"""Activation functions: of each element, of several, in place, and as layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from samples.functional import case, custom, ints, of
from samples.modules import Row, live, row, rows
from samples.table import ALL_FLOATS, Array, Call, Edge, ErrorSample, Numbers, Sample, calls

n = Numbers(31)
inf, nan = math.inf, math.nan


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[float])(x)


# --- operations --------------------------------------------------------------------------------


def unary(
    op: str, public: str, x: Array, reference: Any, public_options: Any = None, **options: Any
) -> Sample:
    """With options of the operation, and those of PyTorch's function where they have other names."""
    return Sample(
        op, (x,), options, reference=reference, public=public, public_options=public_options or options,
        dtypes=ALL_FLOATS, elementwise=True,
    )  # fmt: skip


def wide(*shape: int) -> Array:
    """Points on all pieces of hardsigmoid and its like."""
    return n.away(*shape) * 2.3


def gated(x: Array, axis: int) -> Array:
    first, second = np.split(x, 2, axis)
    return first * sigmoid(second)


F = "nn.functional."
# what goes through other formulas than a few numbers do
LARGE: list[tuple[str, dict[str, float]]] = [
    ("relu", {}), ("hardtanh", {}), ("hardswish", {}), ("hardshrink", {"lambd": 1.1}), ("elu", {}), ("selu", {}), ("celu", {"alpha": 0.75}),
]  # fmt: skip
SAMPLES = [
    unary("relu", "relu", n.away(3, 4), lambda x: x * (x > 0)),
    unary("leaky_relu", F + "leaky_relu", n.away(3, 4), lambda x: np.where(x > 0, x, 0.01 * x)),
    unary("leaky_relu", F + "leaky_relu", n.away(3, 4),
          lambda x, negative_slope: np.where(x > 0, x, negative_slope * x), negative_slope=1.5),
    Sample("prelu", (n.away(3, 4), n.unit(4)), reference=lambda x, w: x * np.where(x > 0, 1, w), public="prelu",
           dtypes=ALL_FLOATS),
    unary("hardtanh", F + "hardtanh", n.away(3, 4), lambda x: np.clip(x, -1, 1)),
    unary("hardtanh", F + "hardtanh", n.away(3, 4), lambda x, **ends: np.clip(x, *ends.values()),
          {"min_val": -0.1, "max_val": 1.5}, min=-0.1, max=1.5),
    unary("hardsigmoid", "", wide(3, 4), lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    unary("hardswish", F + "hardswish", wide(3, 4), lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    unary("hardshrink", "hardshrink", n.away(3, 4), lambda x: x * (abs(x) > 0.5)),
    unary("hardshrink", "hardshrink", n.away(3, 4), lambda x, lambd: x * (abs(x) > lambd), lambd=1.1),
    unary("softshrink", F + "softshrink", n.away(3, 4), lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0)),
    unary("softshrink", F + "softshrink", n.away(3, 4), lambda x, lambd: np.sign(x) * np.maximum(abs(x) - lambd, 0),
          lambd=1.1),
    unary("silu", F + "silu", n.away(3, 4), lambda x: x * sigmoid(x)),
    unary("elu", F + "elu", n.away(3, 4), lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    unary("elu", F + "elu", n.away(3, 4), lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)), alpha=0.7),
    unary("celu", "celu", n.away(3, 4), lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    unary("celu", "celu", n.away(3, 4), lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(x / alpha) - 1)),
          alpha=0.75),  # exact in float32, to which PyTorch rounds it
    unary("selu", "selu", n.away(3, 4),
          lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1))),
    unary("softplus", F + "softplus", n.away(3, 4), lambda x: np.log(1 + np.exp(x))),
    unary("softplus", F + "softplus", n.away(3, 4) * 10,
          lambda x, beta, threshold: np.where(beta * x > threshold, x, np.log1p(np.exp(beta * x)) / beta),
          beta=2.0, threshold=5.0),
    unary("log_sigmoid", F + "logsigmoid", n.away(3, 4) * 3, lambda x: np.log(sigmoid(x))),
    unary("mish", F + "mish", n.away(3, 4), lambda x: x * np.tanh(np.log(1 + np.exp(x)))),
    unary("gelu", F + "gelu", n.away(3, 4), lambda x: x * 0.5 * (1 + erf(x / math.sqrt(2)))),
    unary("gelu", F + "gelu", n.away(3, 4),
          lambda x, approximate: x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)), approximate="tanh"),
    *(Sample("glu", (n.away(2, 4, 6),), {"axis": axis}, reference=gated, dtypes=ALL_FLOATS) for axis in (-1, 0, 1)),
    *(unary(op, "", n.away(70, 60), None, **options) for op, options in LARGE),
]  # fmt: skip


# --- functions ---------------------------------------------------------------------------------

x = n.away(3, 4)
images = n.away(2, 3, 2, 2)
IN_PLACE = {  # the arguments that a form in place may take, besides the input
    "celu": {"alpha": 0.5},
    "elu": {"alpha": 0.5},
    "hardtanh": {"min_val": -0.5, "max_val": 0.7},
    "leaky_relu": {"negative_slope": 0.3},
    "relu": {},
    "rrelu": {"lower": 0.1, "upper": 0.3, "training": True},
    "selu": {},
    "threshold": {"threshold": 0.5, "value": 9.0},
}
WITH_INPLACE = IN_PLACE | {name: {} for name in ("hardswish", "mish", "relu6", "silu")}


def again(name: str, **options: Any) -> Callable[..., Any]:
    """Written into a copy."""
    return lambda lib, F, x: getattr(F, name)(x * 1, **options)


CALLS: list[Call] = [
    *calls("threshold", (n.spread(3, 4), 0.13, -2.0), (n.ints(-5, 5, 6), 1, 9), (n.ints(-5, 5, 6), 0.9, -1.7)),
    *calls("celu", (x, {"alpha": -1.5})),
    *calls("prelu", (x, np.array(0.3)), (x, np.array([0.3])), (images, n.unit(3)), (x[:, 0], np.array([0.3])),
           (x, n.away(4)), dtypes=False, variants=False),
    *calls("rrelu", (x, 0.1, 0.3), (x, {"lower": 0.2, "upper": 0.2})),
    *calls("rrelu", (x, 0.1, 0.3, True), (np.array([[0.0, -1, nan], [inf, -inf, 2]]), 0.1, 0.3, True),
           (images.transpose(0, 2, 3, 1), {"training": True}),
           dtypes=False, variants=False),  # PyTorch does not draw for float16
    Call("rrelu", (x,), note="generator", passes=("generator",), dtypes=False, variants=False,
         run=lambda lib, x: lib.rrelu(x, 0.1, 0.3, True, lib.Generator().manual_seed(3))),
    *(of(name, "", x) for name in ("relu", "celu", "selu", "hardshrink", "rrelu", "sigmoid", "tanh", "relu6")),
    *(of(name, "", 2 * x) for name in ("softsign", "tanhshrink")),
    of("prelu", "", images, n.unit(3)),
    of("hardshrink", "lambd", x, lambd=0.9),
    of("celu", "alpha", x, alpha=0.5),
    of("rrelu", "training", x, lower=0.1, upper=0.3, training=True),
    of("threshold", "", x, threshold=0.1, value=20.0),
    *(custom(f"{name}: in place", again(name, inplace=True, **options), (x,)) for name, options in WITH_INPLACE.items()),
    *(replace(call, order=1, tolerance=1e-7) for call in (
        of("hardsigmoid", "", wide(3, 4)),
        custom("hardsigmoid: in place", again("hardsigmoid", inplace=True), (x,)),
    )),
    *(custom(f"{name}_: ", again(f"{name}_", **options), (x,)) for name, options in IN_PLACE.items()),
    *(of(name, f"dim {dim}", n.away(2, 3, 4), dim=dim)
      for name in ("softmax", "log_softmax", "softmin") for dim in (0, 1, -1)),
    *(custom(f"{name}: dtype", lambda lib, F, x, name=name: getattr(F, name)(x, 1, dtype=lib.float64), (x,))
      for name in ("softmax", "log_softmax", "softmin")),
    *(of("glu", f"dim {dim}", n.away(2, 4, 6), dim=dim) for dim in (-1, 0, 1)),
    of("gumbel_softmax", "", x),
    of("gumbel_softmax", "tau and dim", x, tau=0.3, dim=0),
    of("gumbel_softmax", "hard", x, hard=True),
    of("gumbel_softmax", "eps", x, eps=1e-3),
]  # fmt: skip


ERRORS: list[ErrorSample] = [
    *(case(f"{name}: integers", lambda lib, F, f=name: getattr(F, f)(ints(lib, [1, 2])),
           rf"{name}: not implemented for int64", RuntimeError)
      for name in ("leaky_relu", "elu", "celu", "silu", "gelu", "softplus", "selu", "mish", "logsigmoid",
                   "hardsigmoid", "hardswish", "hardshrink", "softshrink", "rrelu", "glu")),
    *(case(f"{name}: dim", lambda lib, F, f=name: getattr(F, f)(lib.ones(2, 3), dim=2), "Dimension out of range",
           IndexError) for name in ("softmax", "log_softmax", "softmin", "glu")),
    case("celu: alpha", lambda lib, F: F.celu(lib.ones(2), alpha=0), "alpha cannot be 0", RuntimeError),
    case("gelu: approximate", lambda lib, F: F.gelu(lib.ones(2), approximate="erf"), "approximate", RuntimeError),
    case("glu: an odd size", lambda lib, F: F.glu(lib.ones(2, 3)), r"must be even.*\[2, 3\]", RuntimeError),
    case("glu: no dimension", lambda lib, F: F.glu(lib.tensor(1.0)), "scalars", RuntimeError),
    case("hardtanh: bools", lambda lib, F: F.hardtanh(lib.tensor([True])), "Bool", RuntimeError),
    case("hardtanh: unsigned", lambda lib, F: F.hardtanh(lib.ones(2).byte()), "unsigned", RuntimeError),
    case("hardtanh: ends", lambda lib, F: F.hardtanh(lib.ones(2), 1.0, -1.0), "min_val cannot be greater"),
    case("Hardtanh: ends", lambda lib, F: lib.nn.Hardtanh(1.0, 1.0), "must be greater",
         in_torch=False),
    case("softshrink: negative", lambda lib, F: F.softshrink(lib.ones(2), -1.0), "lambda? must be in range", RuntimeError),
    case("prelu: channels", lambda lib, F: F.prelu(lib.ones(2, 3), lib.ones(2)), r"weight\[2\].*input\[2, 3\]",
         RuntimeError),
    case("prelu: no channels", lambda lib, F: F.prelu(lib.ones(3), lib.ones(3)), r"weight\[3\]", RuntimeError),
    case("prelu: no dimension", lambda lib, F: F.prelu(lib.tensor(1.0), lib.ones(2)), r"weight\[2\]", RuntimeError),
    case("prelu: a matrix", lambda lib, F: F.prelu(lib.ones(2, 3), lib.ones(1, 1)), "scalar or 1D", RuntimeError),
    case("prelu: dtypes", lambda lib, F: F.prelu(lib.ones(2), lib.ones(1).double()), "Type promoting", RuntimeError),
    case("rrelu: ends", lambda lib, F: F.rrelu(lib.ones(2), 0.5, 0.1), "Lower bound should be less", RuntimeError),
    case("rrelu: no end", lambda lib, F: F.rrelu(lib.ones(2), 0.5, inf, True), "must be finite", RuntimeError),
    case("threshold: bools", lambda lib, F: F.threshold(lib.tensor([True]), 0, 1), "threshold.*not implemented",
         RuntimeError),
    case("softsign: bools", lambda lib, F: F.softsign(lib.tensor([True])), "abs", RuntimeError),
    case("gumbel_softmax: integers", lambda lib, F: F.gumbel_softmax(ints(lib, [1, 2])), "float", RuntimeError),
    case("Softmax2d: a matrix", lambda lib, F: lib.nn.Softmax2d()(lib.ones(2, 3)), r"3D.*4D"),
]  # fmt: skip


# --- where derivatives jump, and at the ends of the numbers ------------------------------------


def edge(name: str, call: Callable[..., Any], points: Any) -> Edge:
    return Edge(name, lambda lib, x: call(lib.nn.functional, x), (np.asarray(points, np.float64),))


POINTS = (-inf, -100.0, -20.5, -3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 6.0, 20.5, 100.0, inf)
KINKS = ("relu", "leaky_relu", "elu", "celu", "selu", "softplus", "silu", "gelu", "hardshrink", "softshrink", "hardswish",
         "hardtanh", "relu6", "logsigmoid", "mish", "softsign", "tanhshrink", "rrelu")  # fmt: skip
EDGES = [
    *(edge(name, lambda F, x, name=name: getattr(F, name)(x), POINTS) for name in KINKS),
    # alone, since in rows PyTorch's answer depends on the place and on the processor
    *(edge(f"{name}_nan", lambda F, x, name=name: getattr(F, name)(x), (nan,)) for name in KINKS),
    edge("hardsigmoid", lambda F, x: F.hardsigmoid(x.float()), (*POINTS, nan)),
    edge("gelu_tanh", lambda F, x: F.gelu(x, approximate="tanh"), (-20.5, -1.0, 0.0, 0.5, 20.5)),
    edge("softplus_beta", lambda F, x: F.softplus(x, beta=3.0, threshold=6.0), (1.9, 2.0, 2.1, -300.0)),
    edge("threshold", lambda F, x: F.threshold(x, 0.5, 9.0), POINTS),
    edge("hardtanh_of_one_value", lambda F, x: F.hardtanh(x, 1.0, 1.0), POINTS),
    *(edge(f"{name}_0", lambda F, x, name=name: getattr(F, name)(x, 0.0), POINTS) for name in ("hardshrink", "softshrink")),
    edge("hardshrink_negative", lambda F, x: F.hardshrink(x, -1.0), POINTS),
    Edge("prelu", lambda lib, x, w: lib.prelu(x, w), (np.asarray(POINTS), np.asarray([0.25]))),
    Edge("glu", lambda lib, a, b: lib.nn.functional.glu(lib.stack([a, b]), 0),
         (np.asarray(POINTS), np.asarray(POINTS[::-1]))),
]  # fmt: skip


# --- layers ------------------------------------------------------------------------------------

ONE = "dl.randn(3, 4)"
# PyTorch has no second derivative of it, and takes 1/6 in float32 in the first
SIXTH: dict[str, Any] = {"order": 1, "tolerance": 1e-7}
HALF = ("float32", "float64", "float16")
PLAIN = ("GELU", "Hardshrink", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid", "Mish", "ReLU", "ReLU6",
         "SELU", "SiLU", "Sigmoid", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "ELU", "CELU")  # fmt: skip
INPLACE = (
    "CELU",
    "ELU",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "Mish",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "SiLU",
)

MODULES: list[Row] = [
    *(row(f"nn.{name}()", ONE, dtypes=HALF) for name in PLAIN),
    *(row(f"nn.{name}(inplace=True)", ONE, call="m(x[0] * 1)", order=1, kit=None) for name in INPLACE),
    row("nn.Hardsigmoid()", ONE, **SIXTH, dtypes=HALF),
    row("nn.Hardsigmoid(inplace=True)", ONE, call="m(x[0] * 1)", **SIXTH, kit=None),
    row("nn.CELU(0.75)", ONE, kit={}),
    row("nn.ELU(0.7)", ONE, kit={}),
    row("nn.GELU('tanh')", ONE, kit={}),
    row("nn.Hardshrink(1.1)", ONE),
    row("nn.Hardtanh(-0.3, 0.8)", ONE, kit={}),
    row("nn.Hardtanh(min_value=-0.3, max_value=0.8)", ONE, recorded=False),
    row("nn.LeakyReLU(0.2)", ONE, kit={}),
    row("nn.PReLU()", ONE),
    row("nn.PReLU(3, 0.1)", "dl.randn(2, 3, 2)", kit={}),
    row("nn.RReLU()", ONE),
    row("nn.RReLU(0.1, 0.9)", ONE, kit=None),
    row("nn.Softplus(2.0, 1.15)", ONE, kit={}),
    row("nn.Softshrink(0.2)", ONE),
    row("nn.Threshold(0.3, -2.0)", ONE),
    row("nn.Threshold(0.3, -2.0, inplace=True)", ONE, call="m(x[0] * 1)", kit=None),
    *(row(f"nn.{name}(1)", ONE, dtypes=HALF) for name in ("Softmax", "Softmin", "LogSoftmax")),
    *(row(f"nn.{name}(-3)", "dl.randn(2, 3, 2)", kit={}) for name in ("Softmax", "Softmin", "LogSoftmax")),
    *(row(f"nn.{name}()", ONE, recorded=False, kit=None) for name in ("Softmax", "Softmin", "LogSoftmax")),  # with a warning
    row("nn.Softmax2d()", "dl.randn(2, 3, 2, 2)"),
    row("nn.GLU()", "dl.randn(2, 3, 4)", dtypes=HALF),
    row("nn.GLU(1)", "dl.randn(2, 4, 3)", kit={}),
    *live(rows("nn.{name}()", "dl.randn(())", "dl.randn(0, 3)", "dl.randn(2, 3, 2).transpose(0, 2)",
               choices={"name": list(PLAIN)}, order=1)),
    *live(rows("nn.Hardsigmoid()", "dl.randn(())", "dl.randn(0, 3)", **SIXTH)),
    *live(rows("nn.{name}()", "dl.randn(())", "dl.randn(3)", "dl.randn(2, 3, 2)", choices={"name": ["Softmax", "Softmin", "LogSoftmax"]})),
    *live(rows("nn.PReLU({c})", "dl.randn(0, 3, 2)", "dl.randn(2, 3, 2, 3)", choices={"c": [1, 3]})),
    *live(rows("nn.RReLU()", "dl.randn(())", "dl.randn(2, 3, 2).transpose(0, 2)")),
    *live(rows("nn.Softmax2d()", "dl.randn(3, 2, 2)")),
    *live([row("nn.PReLU(dtype=dl.float64)", ONE, dtypes=("float64",)), row("nn.PReLU(device='cpu')", ONE)]),
]  # fmt: skip
