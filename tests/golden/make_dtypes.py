"""Write dtypes.json: PyTorch's promotion of dtypes, for every pair and kind of operand.

``promote``, ``can_cast``: for two dtypes. ``result``: for two operands, each a tensor with
dimensions ("3"), one without ("0"), or a Python scalar ("s", its dtype the nearest). ``add`` and
``div`` are the dtypes of a sum and a quotient of such operands. tests/test_dtypes.py compares.
"""

from __future__ import annotations

import itertools
import json
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
SCALARS = {"bool": True, "int64": 2, "float64": 2.5}
OPERATIONS: dict[str, Callable[..., Any]] = {
    "result": torch.result_type,
    "add": lambda x, y: operator.add(x, y).dtype,
    "div": lambda x, y: operator.truediv(x, y).dtype,
    "pow": lambda x, y: operator.pow(x, y).dtype,
    "maximum": lambda x, y: torch.maximum(x, y).dtype,
    "less": lambda x, y: operator.lt(x, y).dtype,
}


def operands() -> list[tuple[str, str, Any]]:
    found = []
    for name in NAMES:
        dtype = getattr(torch, name)
        found += [("3", name, torch.ones(3, dtype=dtype)), ("0", name, torch.ones((), dtype=dtype))]
        if name in SCALARS:
            found.append(("s", name, SCALARS[name]))
    return found


def text(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def outcome(operation: Callable[..., Any], x: Any, y: Any) -> str | None:
    try:
        return text(operation(x, y))
    except (RuntimeError, TypeError):
        return None


def main() -> None:
    pairs = list(itertools.product(NAMES, NAMES))
    dtypes = {name: getattr(torch, name) for name in NAMES}
    table: dict[str, Any] = {
        "promote": {f"{a} {b}": text(torch.promote_types(dtypes[a], dtypes[b])) for a, b in pairs},
        "can_cast": {f"{a} {b}": torch.can_cast(dtypes[a], dtypes[b]) for a, b in pairs},
    }
    for name, operation in OPERATIONS.items():
        table[name] = {
            f"{p} {a} {q} {b}": outcome(operation, x, y)
            for (p, a, x), (q, b, y) in itertools.product(operands(), operands())
            if "s" not in (p, q) or (p != q and name != "maximum")
        }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in table.items())
    Path(__file__).with_name("dtypes.json").write_text(f"{{\n{lines}\n}}\n", "utf-8")


if __name__ == "__main__":
    main()
