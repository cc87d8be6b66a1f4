"""Fixtures for optimizers: the golden file, parameters with gradients, formulas as optimizers."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlframe import optim
from dlframe.nn import Parameter
from dlframe.tensor import Tensor


@pytest.fixture(scope="session")
def optim_golden(golden: Callable[[str], dict[str, np.ndarray]]) -> dict[str, Any]:
    """The arrays of optim.npz, and what they are under "description"."""
    arrays: dict[str, Any] = golden("optim")
    return {**arrays, "description": json.loads(str(arrays["description"]))}


@pytest.fixture(scope="session")
def schedule_golden(golden: Callable[[str], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Rates and momenta of each case in tests/samples/schedules.py, (steps + 1, 2, groups)."""
    return golden("schedules")


@pytest.fixture
def make_params(rng: np.random.Generator) -> Callable[..., list[Parameter]]:
    """`make_params((3, 4), (2,))`: parameters of these shapes."""

    def make(*shapes: tuple[int, ...], dtype: Any = np.float32) -> list[Parameter]:
        return [Parameter(np.array(rng.normal(size=s), dtype)) for s in shapes]

    return make


@pytest.fixture
def give_gradients(rng: np.random.Generator) -> Callable[[list[Parameter]], None]:
    """Give every parameter a new random gradient."""

    def give(params: list[Parameter]) -> None:
        for p in params:
            p.grad = Tensor(np.array(rng.normal(size=p.array.shape), p.array.dtype))

    return give


@pytest.fixture
def memory_of_a_step() -> Callable[[Any], int]:
    """The most bytes that a step of an optimizer allocates at a time."""

    def measure(optimizer: Any) -> int:
        tracemalloc.start()
        try:
            optimizer.step()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure


@pytest.fixture(scope="session")
def formula_step() -> Callable[..., Any]:
    """One step by the readable formula: `(name, options, p, g, memory, t) -> (p, memory)`.

    The formula stands beside the optimizer: `adam_formula(p, g, *memory, *, options)`, with the
    number of the step as `t` if it asks for it. Its options default to the optimizer's.
    """

    def step(
        name: str, options: dict[str, Any], p: np.ndarray, g: np.ndarray, memory: Any, t: int
    ) -> Any:
        formula = formula_of(name)
        parameters = inspect.signature(formula).parameters
        kept = [n for n, q in parameters.items() if q.kind is not q.KEYWORD_ONLY and n != "t"][2:]
        q = Parameter(np.array(p))
        optimizer = getattr(optim, name)([q], **options)
        if memory is None:  # what the optimizer starts with, else zeros, else nothing
            first = optimizer._first_state(q, optimizer.param_groups[0])
            memory = [a.array for key, a in first.items() if key != "step"]
            rest = kept[len(memory) :]
            memory += [None if name == "SGD" else np.zeros_like(p) for _ in rest]
        known = {**optimizer.defaults, "t": t}
        known = {n: known[n] for n in parameters if n in known}
        result, *memory = formula(p, g, **dict(zip(kept, memory, strict=True)), **known)
        return result, [np.float32(a) if isinstance(a, float) else a for a in memory]

    return step


def formula_of(name: str) -> Any:
    """The readable function that the optimizer's docstring names."""
    path = re.search(r"readable function: `(\S+)\.(\w+_formula)`", getattr(optim, name).__doc__)
    assert path, f"the docstring of {name} does not say where its formula stands"
    return getattr(importlib.import_module(path[1]), path[2])
