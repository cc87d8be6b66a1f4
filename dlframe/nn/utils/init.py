"""Modules without initial values."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from dlframe.errors import ArgumentError
from dlframe.nn.init import left_out
from dlframe.nn.module import Module
from dlframe.random import get_rng_state, set_rng_state

__all__ = ["skip_init"]

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """A module whose parameters hold arbitrary numbers: for one whose state is loaded next.

    Nothing is drawn, so the generator does not move. Arguments are those of the class, which must
    take `device`, as every layer does.

    >>> from dlframe import nn
    >>> nn.utils.skip_init(nn.Linear, 5, 1)
    Linear(in_features=5, out_features=1, bias=True)
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise ArgumentError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise ArgumentError("Module must support a 'device' arg to skip initialization")
    state = get_rng_state()
    try:
        with left_out():
            return module_cls(*args, **kwargs)
    finally:
        set_rng_state(state)  # some layers draw by other means than nn.init
