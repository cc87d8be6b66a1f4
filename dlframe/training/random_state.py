"""Copies of states, and the state of everything that draws random numbers."""

from __future__ import annotations

import random as python_random
import sys
from typing import Any

import numpy as np

from dlframe import random, states
from dlframe.base import nests
from dlframe.base.printable import error_text
from dlframe.errors import DlframeError, StateDictError
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
    """Restore the states that `random_state` returned; StateDictError, and no change, otherwise."""
    where = "the state of the random generators"
    given = states.take(
        state, where, default=states.array(np.uint8), python=states.mapping(states.plain)
    )
    python = states.take(
        given["python"], where, version=states.count, numbers=states.array(np.int64, ndim=1),
        gauss=states.optional(states.number),
    )  # fmt: skip
    numbers = (python["version"], tuple(python["numbers"].tolist()), python["gauss"])
    legacy: tuple[Any, ...] | None = None
    if "numpy" in state:
        saved = states.take(
            state["numpy"], where, key=states.array(np.uint32, shape=(624,)),
            pos=states.integer(0, 624), has_gauss=states.integer(0, 1), gauss=states.number,
        )  # fmt: skip
        legacy = ("MT19937", saved["key"], saved["pos"], saved["has_gauss"], saved["gauss"])
    try:  # on others first, which nobody draws from
        random.Generator().set_state(given["default"])
        python_random.Random().setstate(numbers)
    except (DlframeError, TypeError, ValueError, OverflowError) as error:
        raise StateDictError(f"{where}: {error_text(error)}") from error
    random.set_rng_state(given["default"])
    python_random.setstate(numbers)
    if legacy is not None:
        np.random.set_state(legacy)  # noqa: NPY002 - to restore it, not to draw
