"""Which checks a call goes through: tests run them, and the coverage report counts them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from samples.evaluate import leaves
from samples.table import Call, is_float

SIGNATURES = Path(__file__).resolve().parents[1] / "golden" / "signatures.json"


@cache
def signatures() -> dict[str, list[list[str]]]:
    """PyTorch's signatures: per path the parameters of each overload."""
    with SIGNATURES.open(encoding="utf-8") as file:
        found: dict[str, list[list[str]]] = json.load(file)["calls"]
    return found


def in_pytorch(path: str) -> bool:
    return f"torch.{path}" in signatures()


def is_differentiated(call: Call) -> bool:
    floats = [x for x in leaves((call.args, call.options)) if is_float(x)]
    return call.order > 0 and len(floats) > len(call.fixed)


# x.where(condition, y) is where(condition, x, y): the method has another first argument.
OTHER_ORDER = {"where"}


def takes_tensor_first(call: Call) -> bool:
    """Whether the call could be written as a method of its first argument."""
    return bool(
        call.forms
        and call.run is None
        and call.args
        and isinstance(call.args[0], np.ndarray)
        and "." not in call.name
        and call.name not in OTHER_ORDER
    )


def has_arrays(call: Call) -> bool:
    return any(isinstance(x, np.ndarray) and x.size for x in leaves((call.args, call.options)))


# Per check: what it compares, and which calls go through it.
CHECKS: dict[str, Callable[[Call], Any]] = {
    "value": lambda call: True,
    "gradient": is_differentiated,
    "second gradient": lambda call: is_differentiated(call) and call.order > 1,
    "float32": lambda call: bool(call.narrow) and any(is_float(x) for x in leaves((call.args, call.options))),
    "dtypes": lambda call: call.dtypes and any(is_float(x) for x in leaves((call.args, call.options))),
    "empty and 0-d": lambda call: call.variants and has_arrays(call),
    "layout": has_arrays,
    "method": lambda call: takes_tensor_first(call) and in_pytorch(f"Tensor.{call.name}"),
    "in place": lambda call: takes_tensor_first(call) and in_pytorch(f"Tensor.{call.name}_"),
}  # fmt: skip


def chosen(calls: list[Call], check: str) -> list[Call]:
    """The calls that go through `check`."""
    return [call for call in calls if CHECKS[check](call)]
