"""Objects that break a rule of dlframe.testing, and the list of its claims."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlframe as dl
from dlframe import testing
from dlframe.autograd import Function
from dlframe.ops import elementwise
from dlframe.testing import ConformanceError

KIT = Path(testing.__file__).parent


class BrokenObjects:
    """For each a call of a check, and what the check has to say about it."""

    def __init__(self) -> None:
        self.calls: dict[str, Callable[[], Any]] = {}

    def breaks(self, message: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
        """Enter a call that breaks the claim; `message` is a pattern."""

        def add(call: Callable[[], Any]) -> Callable[[], Any]:
            assert message not in self.calls
            self.calls[message] = call
            return call

        return add

    def find(self, message: str) -> None:
        """Fail unless the check of that object says so."""
        with pytest.raises(ConformanceError, match=message) as caught:
            self.calls[message]()
        assert isinstance(caught.value, AssertionError)  # to pytest a failure, and no error

    def covers(self, claim: str) -> bool:
        """Whether an object breaks that claim, a pattern from `claims`."""
        stated = (re.sub(r"\\(.)", r"\1", message) for message in self.calls)
        return any(re.search(claim, message) for message in stated)


def claims(module: str) -> list[str]:
    """Every claim in a module of dlframe.testing, as a pattern: what is filled in is anything."""
    found = []
    for node in ast.walk(ast.parse((KIT / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim":
            text = node.args[1]
            values = text.values if isinstance(text, ast.JoinedStr) else [text]
            parts = (v.value if isinstance(v, ast.Constant) else "*" for v in values)
            claim = re.sub(r" \([^=]*[.=].*\)$", "", "".join(parts))  # without its advice
            found.append(re.escape(claim).replace(r"\*", ".*"))
    assert found
    return found


# --- parts of broken objects -------------------------------------------------------------------

noise = np.random.default_rng(0)


def contiguous(x: Any) -> bool:
    """Whether a tensor or an array has no gaps in memory."""
    return bool((x.array if isinstance(x, dl.Tensor) else x).flags.c_contiguous)


def written(x: Any) -> Any:
    """2x, and x is written to."""
    x.array[0] = 0.0
    return x * 2.0


def written_and_restored(x: Any) -> Any:
    """2x, and x is written to, but not changed."""
    x.array *= 1.0
    return x * 2.0


class HalfGradient(Function):
    """2x, with 1 for a derivative."""

    @staticmethod
    def forward(_: Any, x: Any) -> Any:
        return x * 2.0

    @staticmethod
    def backward(_: Any, g: Any) -> Any:
        return g


# x², whose derivative hides that it depends on x
no_curvature = elementwise(
    lambda x: x * x, name="no_curvature", x=lambda g, x: g * (2.0 * getattr(x, "array", x))
)

# x², whose derivative depends on how x lies in memory
by_memory = elementwise(
    lambda x: x * x, name="by_memory", x=lambda g, x: g * x * (2.0 if contiguous(x) else 3.0)
)
