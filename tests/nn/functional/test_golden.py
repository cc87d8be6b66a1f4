"""Every call of tests/samples/functional.py gives PyTorch's numbers, to the second derivative."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples.functional import CALLS, Call, assert_same, results

import dlframe as dl

Numbers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def numbers(golden: Callable[[str], Any]) -> Numbers:
    """PyTorch's results: call → result → array."""
    file = golden("functional")
    index = json.loads(str(file["index"]))
    metas = [meta for results in index.values() for meta in results.values()]
    ends = np.cumsum([math.prod(shape) for shape, _ in metas])
    parts = iter(np.split(file["numbers"], ends[:-1]))
    return {
        name: {
            key: next(parts).reshape(shape).astype(dtype) for key, (shape, dtype) in entry.items()
        }
        for name, entry in index.items()
    }


@pytest.mark.parametrize("call", CALLS, ids=lambda c: c.name)
def test_call_is_pytorchs(call: Call, numbers: Numbers) -> None:
    assert_same(results(call, dl), numbers[call.name], rtol=1e-6, atol=1e-6)


def test_every_golden_call_is_tested(numbers: Numbers) -> None:
    names = [call.name for call in CALLS]
    assert len(set(names)) == len(names)
    assert set(numbers) == set(names), "run tests/golden/make_functional.py"


@functools.cache
def public() -> list[str]:
    """The functions of nn.functional that PyTorch has."""
    return [name for name in dl.nn.functional.__all__ if name not in {"hinge_loss", "pad"}]


def test_every_function_is_called() -> None:
    called = {call.name.partition(":")[0] for call in CALLS}
    assert [name for name in public() if name not in called] == []
