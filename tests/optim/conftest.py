"""Fixtures for optimizers: the golden file, parameters with gradients, formulas as optimizers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlframe.nn import Parameter
from dlframe.optim.adam import adam_formula
from dlframe.optim.rmsprop import rmsprop_formula
from dlframe.optim.sgd import sgd_formula
from dlframe.tensor import Tensor


@pytest.fixture(scope="session")
def optim_golden(golden: Callable[[str], dict[str, np.ndarray]]) -> dict[str, Any]:
    """The arrays of optim.npz, and what they are under "description"."""
    arrays: dict[str, Any] = golden("optim")
    return {**arrays, "description": json.loads(str(arrays["description"]))}


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


@pytest.fixture(scope="session")
def formula_step() -> Callable[..., Any]:
    """One step by the readable formula: `(name, options, p, g, memory, t) -> (p, memory)`."""

    def step(
        name: str, options: dict[str, Any], p: np.ndarray, g: np.ndarray, memory: Any, t: int
    ) -> Any:
        zeros = np.zeros_like(p)
        if name == "SGD":
            defaults = {
                "momentum": 0,
                "dampening": 0,
                "weight_decay": 0,
                "nesterov": False,
                "maximize": False,
            }
            return sgd_formula(p, g, memory, **{**defaults, **options})
        if name in ("Adam", "AdamW"):
            defaults = {
                "betas": (0.9, 0.999),
                "eps": 1e-8,
                "weight_decay": 1e-2 if name == "AdamW" else 0,
                "amsgrad": False,
                "maximize": False,
                "decoupled_weight_decay": name == "AdamW",
            }
            memory = memory or (zeros, zeros, zeros)
            p, *memory = adam_formula(p, g, *memory, t, **{**defaults, **options})
            return p, memory
        defaults = {
            "alpha": 0.99,
            "eps": 1e-8,
            "weight_decay": 0,
            "momentum": 0,
            "centered": False,
            "maximize": False,
        }
        memory = memory or (zeros, zeros, zeros)
        p, *memory = rmsprop_formula(p, g, *memory, **{**defaults, **options})
        return p, memory

    return step
