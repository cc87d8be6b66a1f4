"""Schedules of the learning rate: each changes `group["lr"]` of an optimizer, step by step.

Call `scheduler.step()` after `optimizer.step()`: once per epoch if the schedule counts epochs, once
per batch if it counts batches. Most schedules compute the next learning rate from the current one,
not from the first one. So several may act on one optimizer: their factors multiply.
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.optim.lr_scheduler.cyclic import (
        CosineAnnealingWarmRestarts,
        CyclicLR,
        OneCycleLR,
    )
    from dlframe.optim.lr_scheduler.functions import LambdaLR, MultiplicativeLR
    from dlframe.optim.lr_scheduler.plateau import ReduceLROnPlateau
    from dlframe.optim.lr_scheduler.scheduler import LRScheduler
    from dlframe.optim.lr_scheduler.schedules import (
        ConstantLR,
        CosineAnnealingLR,
        ExponentialLR,
        LinearLR,
        MultiStepLR,
        PolynomialLR,
        StepLR,
    )
    from dlframe.optim.lr_scheduler.sequential import ChainedScheduler, SequentialLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

lazily(__name__)
