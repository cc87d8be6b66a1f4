"""NumPy's ufuncs, and which op does the work of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.ops.numpy_api import elementwise, policy

Function = Callable[..., Any]


def _table(functions: dict[str, Function]) -> dict[np.ufunc, Function]:
    """By the ufunc itself; what this NumPy does not have, or not as a ufunc, is left out."""
    found = {getattr(np, name, None): f for name, f in functions.items()}
    return {ufunc: f for ufunc, f in found.items() if isinstance(ufunc, np.ufunc)}


DIFFERENTIABLE = _table(
    {
        "absolute": ops.absolute,
        "add": ops.add,
        "arccos": ops.arccos,
        "arccosh": ops.arccosh,
        "arcsin": ops.arcsin,
        "arcsinh": ops.arcsinh,
        "arctan": ops.arctan,
        "arctan2": ops.arctan2,
        "arctanh": ops.arctanh,
        "cbrt": elementwise.cbrt,
        "ceil": ops.ceil,
        "conjugate": ops.positive,
        "copysign": ops.copysign,
        "cos": ops.cos,
        "cosh": ops.cosh,
        "deg2rad": elementwise.radians,
        "degrees": elementwise.degrees,
        "divide": ops.divide,
        "divmod": elementwise.divmod,
        "exp": ops.exp,
        "exp2": ops.exp2,
        "expm1": ops.expm1,
        "fabs": ops.absolute,
        "float_power": elementwise.float_power,
        "floor": ops.floor,
        "floor_divide": ops.floor_divide,
        "fmax": ops.fmax,
        "fmin": ops.fmin,
        "fmod": ops.fmod,
        "heaviside": elementwise.heaviside,
        "frexp": ops.frexp,
        "hypot": ops.hypot,
        "ldexp": elementwise.ldexp,
        "log": ops.log,
        "log10": ops.log10,
        "log1p": ops.log1p,
        "log2": ops.log2,
        "logaddexp": ops.logaddexp,
        "logaddexp2": ops.logaddexp2,
        "matmul": elementwise.matmul,
        "matvec": elementwise.matvec,
        "maximum": ops.maximum,
        "minimum": ops.minimum,
        "modf": elementwise.modf,
        "multiply": ops.multiply,
        "negative": ops.negative,
        "nextafter": ops.nextafter,
        "positive": ops.positive,
        "power": ops.power,
        "rad2deg": elementwise.degrees,
        "radians": elementwise.radians,
        "reciprocal": ops.reciprocal,
        "remainder": ops.remainder,
        "rint": ops.rint,
        "sign": ops.sign,
        "sin": ops.sin,
        "sinh": ops.sinh,
        "spacing": elementwise.spacing,
        "sqrt": ops.sqrt,
        "square": ops.square,
        "subtract": ops.subtract,
        "tan": ops.tan,
        "tanh": ops.tanh,
        "trunc": ops.trunc,
        "vecdot": elementwise.vecdot,
        "vecmat": elementwise.vecmat,
    }
)

# Ops too, whose results are bools or whole numbers; `policy` has those that are no ops.
PLAIN = _table(
    {
        "bitwise_and": ops.bitwise_and,
        "bitwise_or": ops.bitwise_or,
        "bitwise_xor": ops.bitwise_xor,
        "equal": ops.equal,
        "gcd": ops.gcd,
        "greater": ops.greater,
        "greater_equal": ops.greater_equal,
        "invert": ops.bitwise_not,
        "isfinite": ops.isfinite,
        "isinf": ops.isinf,
        "isnan": ops.isnan,
        "lcm": ops.lcm,
        "left_shift": ops.left_shift,
        "less": ops.less,
        "less_equal": ops.less_equal,
        "logical_and": ops.logical_and,
        "logical_not": ops.logical_not,
        "logical_or": ops.logical_or,
        "logical_xor": ops.logical_xor,
        "not_equal": ops.not_equal,
        "right_shift": ops.right_shift,
        "signbit": ops.signbit,
    }
)

UFUNCS: dict[np.ufunc, Function] = {**DIFFERENTIABLE, **PLAIN}

# Methods: the function that does the same, by its name in the table of rules.
METHODS: dict[str, dict[np.ufunc, str]] = {
    "reduce": {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min"},
    "accumulate": {np.add: "cumsum", np.multiply: "cumprod"},
}


def is_plain(ufunc: np.ufunc) -> bool:
    """Whether all its results are bools or whole numbers."""
    return ufunc in PLAIN or ufunc.__name__ in policy.PLAIN_UFUNCS
