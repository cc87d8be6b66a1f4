"""Checks of the options that several optimizers have."""

from __future__ import annotations

from typing import Any

from dlframe.optim.layout import scalar
from dlframe.tensor import Tensor


def check_not_negative(what: str, value: Any) -> None:
    """Refuse a negative number, NaN, and a tensor of more than one element."""
    if isinstance(value, Tensor) and value.array.size != 1:
        raise ValueError(f"Tensor lr must be 1-element, got shape {list(value.array.shape)}")
    if not scalar(value) >= 0.0:
        raise ValueError(f"Invalid {what}: {scalar(value)}")


def check_speed_options(foreach: bool | None, fused: bool | None) -> None:
    """PyTorch's `foreach` and `fused` have no effect here, but exclude each other there."""
    if foreach and fused:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
