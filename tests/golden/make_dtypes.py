"""Write dtypes.json: PyTorch's promotion of dtypes, for every pair and kind of operand.

`promote`, `can_cast`: for two dtypes. `functions`: the dtype that each function of two
operands gives, where an operand is a tensor with dimensions ("3"), one without ("0"), or a Python
scalar ("s", its dtype the nearest); null where it raises. Functions with the same answers share a
table, and `keys` says what its entries are. tests/test_dtypes.py compares with dlframe,
tests/oracle/test_dtypes.py checks that the file is PyTorch's.
"""

from __future__ import annotations

import itertools
import json
import operator
import warnings
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
SCALARS = {"bool": True, "int64": 2, "float64": 2.5}
FUNCTIONS = [
    *("result_type", "add", "sub", "mul", "div", "floor_divide", "remainder", "fmod", "pow"),
    *("float_power", "maximum", "minimum", "fmax", "fmin", "atan2", "hypot", "copysign"),
    *("logaddexp", "logaddexp2", "nextafter", "heaviside", "xlogy", "ldexp", "special.xlog1py"),
    *("special.zeta", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or"),
    *("logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift"),
    *("bitwise_right_shift", "gcd", "lcm", "clamp", "masked_fill", "where", "cat", "isclose"),
]
OPERATORS = [
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "lshift"),
    *("rshift", "lt", "eq", "iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow"),
    *("iand", "ior", "ixor"),
]


def calls(lib: Any) -> dict[str, Callable[[Any, Any], Any]]:
    """Every function of two operands, by name, as a user of `lib` (dlframe or torch) writes it."""
    special = {
        "masked_fill": lambda x, y: lib.masked_fill(x, lib.ones(3, dtype=lib.bool), y),
        "where": lambda x, y: lib.where(lib.ones(3, dtype=lib.bool), x, y),
        "cat": lambda x, y: lib.cat([x, y]),
        "clamp": lambda x, y: lib.clamp(x, min=y),
    }
    found: dict[str, Callable[[Any, Any], Any]] = {}
    for name in FUNCTIONS:
        found[name] = special.get(name) or attrgetter(name)(lib)
    for name in OPERATORS:
        found[f"operator.{name}"] = getattr(operator, name)
    return found


def operands(lib: Any) -> list[tuple[str, str, Callable[[], Any]]]:
    """The kind of an operand, the name of its dtype, and how it is made."""
    found: list[tuple[str, str, Callable[[], Any]]] = []
    for name in NAMES:
        for kind, shape in (("3", (3,)), ("0", ())):
            made = lambda shape=shape, name=name: lib.ones(shape, dtype=getattr(lib, name))
            found.append((kind, name, made))
        if name in SCALARS:
            found.append(("s", name, lambda name=name: SCALARS[name]))
    return found


def outcome(call: Callable[[Any, Any], Any], x: Any, y: Any) -> str | None:
    """The name of the result's dtype; None if the call raised."""
    try:
        out = call(x, y)
    except (RuntimeError, TypeError, AttributeError):
        return None
    return str(getattr(out, "dtype", out)).removeprefix("torch.")


def answers(lib: Any, call: Callable[[Any, Any], Any]) -> dict[str, str | None]:
    """The dtype for every pair of operands that is not two Python scalars."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for (p, a, x), (q, b, y) in itertools.product(operands(lib), operands(lib)):
            if p != "s" or q != "s":
                found[f"{p} {a} {q} {b}"] = outcome(call, x(), y())
    return found


def tables(lib: Any) -> dict[str, Any]:
    """All that the file holds."""
    pairs = list(itertools.product(NAMES, NAMES))
    text = lambda dtype: str(dtype).removeprefix("torch.")
    dtypes = {name: getattr(lib, name) for name in NAMES}
    distinct: list[dict[str, str | None]] = []
    functions = {}
    for name, call in calls(lib).items():
        found = answers(lib, call)
        if found not in distinct:
            distinct.append(found)
        functions[name] = distinct.index(found)
    return {
        "promote": {f"{a} {b}": text(lib.promote_types(dtypes[a], dtypes[b])) for a, b in pairs},
        "can_cast": {f"{a} {b}": lib.can_cast(dtypes[a], dtypes[b]) for a, b in pairs},
        "functions": functions,
        "keys": list(distinct[0]),
        "tables": [list(table.values()) for table in distinct],
    }


def main() -> None:
    import torch

    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in tables(torch).items()]
    body = ",\n".join(lines)
    Path(__file__).with_name("dtypes.json").write_text(f"{{\n{body}\n}}\n", "utf-8")


if __name__ == "__main__":
    main()
