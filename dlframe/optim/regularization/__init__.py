"""Regularization: penalties in the loss, decay, constraints, noise, clipping, and SAM.

Decoupled weight decay is also an option of the optimizers (`decay_groups` makes their groups), and
label smoothing one of the losses; dropout is in `nn`, early stopping in `training`.

>>> model = nn.Linear(3, 1)
>>> penalty = optim.L1(model, 0.01)
>>> bool(penalty() == 0.01 * model.weight.abs().sum())
True
"""

from __future__ import annotations

from dlframe.base.lazily import IN_ADVANCE, lazily

if IN_ADVANCE:
    from dlframe.optim.regularization.constraints import (
        Bounds,
        Constraint,
        MaxNorm,
        NonNegative,
        UnitNorm,
    )
    from dlframe.optim.regularization.decay import WeightDecay
    from dlframe.optim.regularization.gradients import ClipGradNorm, ClipGradValue, GradientNoise
    from dlframe.optim.regularization.penalties import (
        L1,
        L2,
        Elastic,
        LabelSmoothing,
        OutputPenalty,
        Penalty,
    )
    from dlframe.optim.regularization.regularizer import Regularizer, StepHook
    from dlframe.optim.regularization.sam import SAM
    from dlframe.optim.regularization.selection import decay_groups, weights

__all__ = [
    "L1",
    "L2",
    "SAM",
    "Bounds",
    "ClipGradNorm",
    "ClipGradValue",
    "Constraint",
    "Elastic",
    "GradientNoise",
    "LabelSmoothing",
    "MaxNorm",
    "NonNegative",
    "OutputPenalty",
    "Penalty",
    "Regularizer",
    "StepHook",
    "UnitNorm",
    "WeightDecay",
    "decay_groups",
    "weights",
]

lazily(__name__)
