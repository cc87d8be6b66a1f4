"""Schedules of the learning rate: each changes `group["lr"]` of an optimizer, step by step.

Call `scheduler.step()` after `optimizer.step()`: once per epoch if the schedule counts epochs, once
per batch if it counts batches. Most schedules compute the next learning rate from the current one,
not from the first one. So several may act on one optimizer: their factors multiply.
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
