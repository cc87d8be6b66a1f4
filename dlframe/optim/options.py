"""The options that several optimizers have, and their checks."""

from __future__ import annotations

from typing import Any

from dlframe.optim.layout import scalar
from dlframe.tensor import Tensor

WITHOUT_EFFECT = {"foreach": None, "fused": None, "capturable": False, "differentiable": False}
"""PyTorch's choices between its implementations of one formula, with their defaults.

Here there is one implementation, always on. `FlatOptimizer` takes these and keeps them.
"""


def check_not_negative(what: str, value: Any) -> None:
    """Refuse a negative number, NaN, and a tensor of more than one element."""
    if isinstance(value, Tensor) and value.array.size != 1:
        raise ValueError(f"Tensor lr must be 1-element, got shape {list(value.array.shape)}")
    if not scalar(value) >= 0.0:
        raise ValueError(f"Invalid {what}: {scalar(value)}")
