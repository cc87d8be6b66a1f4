"""Values that make no sense, and nests with one of them in some place."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import dlframe as dl

DEEP: list[Any] = []
for _ in range(5000):
    DEEP = [DEEP]

WRONG = [
    None, "x", "", 7, -7, 2.5, True, math.nan, math.inf, -math.inf, 1 << 70, 1 << 2000, -(1 << 70),
    1e300, b"x", [], [1], {}, {"a": 1}, (), [[]], np.zeros(3), np.zeros((2, 3), complex),
    np.array(["x"]), np.array(math.nan), np.zeros((0,)), dl.zeros(5), np.int8(3), np.float32(2),
    DEEP,
]  # fmt: skip


def places(state: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something in a state can be replaced."""
    if isinstance(state, dict):
        for key in state:
            yield (*before, key)
            yield from places(state[key], (*before, key))
    elif isinstance(state, (list, tuple)):
        for i in range(min(len(state), 2)):
            yield (*before, i)
            yield from places(state[i], (*before, i))


GONE = object()


def replaced(state: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value in one place, or without it."""
    if not place:
        return value
    first, *rest = place
    new = copy.copy(state) if isinstance(state, dict) else list(state)
    if value is GONE and not rest:
        del new[first]
    else:
        new[first] = replaced(state[first], tuple(rest), value)
    return tuple(new) if isinstance(state, tuple) else new
