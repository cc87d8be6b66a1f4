"""Schedules of the learning rate: each changes `group["lr"]` of an optimizer, step by step.

Call `scheduler.step()` after `optimizer.step()`, once per epoch or once per batch, as the
schedule's length is meant. Most schedules follow from the current learning rate and not from the
first one, so that several may act on one optimizer: their factors multiply.
"""

from __future__ import annotations

from dlframe.optim.lr_scheduler.plateau import ReduceLROnPlateau
from dlframe.optim.lr_scheduler.scheduler import LRScheduler
from dlframe.optim.lr_scheduler.schedules import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    StepLR,
)
from dlframe.optim.lr_scheduler.sequential import SequentialLR

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
