"""NumPy's ufuncs, and which op does the work of each.

An op made of a ufunc knows it (`Op.ufunc`), so only the others are listed here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from dlframe import ops
from dlframe.ops.definition import Op
from dlframe.ops.numpy_api import elementwise, policy
from dlframe.ops.op import OpFunction

Function = Callable[..., Any]


# Where the operations are that are ufuncs; a test knows that no other module of `ops` has one.
MODULES = [
    "dlframe.ops.comparison",
    "dlframe.ops.elementwise",
    "dlframe.ops.exponential",
    "dlframe.ops.steps",
    "dlframe.ops.trigonometric",
    "dlframe.ops.numpy_api.elementwise",
]


def _of(modules: list[str]) -> dict[np.ufunc, OpFunction]:
    """The operations of some modules that are ufuncs, by these."""
    values = [value for name in modules for value in vars(importlib.import_module(name)).values()]
    found = [f for f in values if isinstance(getattr(f, "definition", None), Op)]
    return {f.definition.ufunc: f for f in found if f.definition.ufunc is not None}


def _named(functions: dict[str, Function]) -> dict[np.ufunc, Function]:
    """By the ufunc itself; what this NumPy does not have, or not as a ufunc, is left out."""
    found = {getattr(np, name, None): f for name, f in functions.items()}
    return {ufunc: f for ufunc, f in found.items() if isinstance(ufunc, np.ufunc)}


_OPS = _of(MODULES)

DIFFERENTIABLE: dict[np.ufunc, Function] = {
    **{u: f for u, f in _OPS.items() if f.definition.differentiable},
    **_named(
        {
            # second names of ops
            "conjugate": ops.positive,
            "deg2rad": elementwise.radians,
            "fabs": ops.absolute,
            "rad2deg": elementwise.degrees,
            # not elementwise, or made of several ops
            "divmod": elementwise.divmod,
            "float_power": elementwise.float_power,
            "frexp": ops.frexp,
            "ldexp": elementwise.ldexp,
            "matmul": elementwise.matmul,
            "matvec": elementwise.matvec,
            "modf": elementwise.modf,
            "vecdot": elementwise.vecdot,
            "vecmat": elementwise.vecmat,
        }
    ),
}

# Ops too, whose results are bools or whole numbers; `policy` has those that are not ops.
PLAIN: dict[np.ufunc, Function] = {u: f for u, f in _OPS.items() if not f.definition.differentiable}

UFUNCS: dict[np.ufunc, Function] = {**DIFFERENTIABLE, **PLAIN}

# Methods: the function that does the same, by its name in the table of rules.
METHODS: dict[str, dict[np.ufunc, str]] = {
    "reduce": {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min"},
    "accumulate": {np.add: "cumsum", np.multiply: "cumprod"},
}


def is_plain(ufunc: np.ufunc) -> bool:
    """Whether all its results are bools or whole numbers."""
    return ufunc in PLAIN or ufunc.__name__ in policy.PLAIN_UFUNCS
