"""Copies of states, and the state of everything that draws random numbers."""

from __future__ import annotations

import random as python_random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlframe import random
from dlframe.base import nests
from dlframe.nn import Module
from dlframe.tensor import Tensor


def copied(value: Any) -> Any:
    """A nest of dicts, lists and tuples with its arrays and tensors copied, detached."""
    return nests.map_leaves(_copied, value)


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Tensor(value.array.copy())
    return value.copy() if isinstance(value, np.ndarray) else value


def random_state() -> dict[str, Any]:
    """The states of the default generator, of NumPy's global one and of Python's.

    dlframe does not draw from the last two, but a data set or a transform of yours may.
    """
    version, numbers, gauss = python_random.getstate()
    state: dict[str, Any] = {
        "default": np.array(random.get_rng_state()),
        "python": {"version": version, "numbers": np.array(numbers, np.int64), "gauss": gauss},
    }
    if "numpy.random" in sys.modules:
        legacy: Any = np.random.get_state(legacy=False)  # noqa: NPY002 - to save it, not to draw
        if legacy["bit_generator"] == "MT19937":
            state["numpy"] = {
                "key": legacy["state"]["key"].copy(),
                "pos": legacy["state"]["pos"],
                "has_gauss": legacy["has_gauss"],
                "gauss": legacy["gauss"],
            }
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Restore the states that `random_state` returned."""
    random.set_rng_state(state["default"])
    python = state["python"]
    numbers = tuple(np.asarray(python["numbers"]).tolist())
    python_random.setstate((python["version"], numbers, python["gauss"]))
    if "numpy" in state:
        saved = state["numpy"]
        np.random.set_state(  # noqa: NPY002 - to restore it, not to draw
            ("MT19937", saved["key"], saved["pos"], saved["has_gauss"], saved["gauss"])
        )


@contextmanager
def modes_kept(model: Module) -> Iterator[None]:
    """Restore the training or evaluation mode of each part of the model after the block."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
