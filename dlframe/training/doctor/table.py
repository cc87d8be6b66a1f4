"""The table of checks, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dlframe.training.doctor import (
    costs,
    direction,
    gradients,
    inputs,
    learning,
    modes,
    optimizers,
    outputs,
    splits,
    targets,
    units,
)
from dlframe.training.doctor.case import Case
from dlframe.training.doctor.report import Finding


@dataclass(frozen=True)
class Check:
    """A check: its name, the function that makes it, and whether it trains (which takes longer)."""

    name: str
    function: Callable[[Case], Iterable[Finding]]
    trains: bool = False

    @property
    def meaning(self) -> str:
        """What it looks at, in a line."""
        text: Any = self.function.__doc__
        return str(text).splitlines()[0]


CHECKS: tuple[Check, ...] = (
    # the data
    Check("empty-data", splits.empty),
    Check("readable", splits.readable),
    Check("not-finite", inputs.not_finite),
    Check("dtypes", inputs.dtypes),
    Check("class-indices", targets.class_indices),
    Check("labels-in-range", targets.labels_in_range),
    Check("binary-targets", targets.binary_targets),
    Check("constant-targets", targets.constant_targets),
    Check("unbalanced-classes", targets.unbalanced_classes),
    Check("missing-classes", targets.missing_classes),
    Check("contradictions", targets.contradictions),
    Check("leaks", splits.leaks),
    Check("copies", splits.copies),
    Check("repeatable", inputs.repeatable),
    Check("shuffled", splits.shuffled),
    Check("last-batch", splits.last_batch),
    Check("constant-inputs", inputs.constant_inputs),
    Check("bytes-unscaled", inputs.bytes_unscaled),
    Check("input-scale", inputs.input_scale),
    Check("same-scale", inputs.same_scale),
    # model and loss
    Check("runs", outputs.runs),
    Check("loss-is-finite", outputs.loss_is_finite),
    Check("broadcast", outputs.broadcast),
    Check("activation-twice", outputs.activation_twice),
    Check("targets-in-reach", outputs.targets_in_reach),
    Check("output-width", targets.output_width),
    Check("initial-loss", outputs.initial_loss),
    Check("loss-direction", direction.loss_direction),
    Check("mode", modes.mode),
    Check("chance-in-evaluation", modes.chance_in_evaluation),
    Check("mixed-samples", modes.mixed_samples),
    Check("dead-units", units.dead_units),
    Check("saturated", units.saturated),
    # gradients and the optimizer
    Check("detached", gradients.detached),
    Check("hidden-parameters", gradients.hidden_parameters),
    Check("frozen", gradients.frozen),
    Check("optimizer-parameters", optimizers.optimizer_parameters),
    Check("no-rate", optimizers.no_rate),
    Check("weight-decay", optimizers.weight_decay),
    Check("tied", optimizers.tied),
    Check("unused-parameters", gradients.unused_parameters, trains=True),
    Check("zero-gradients", gradients.zero_gradients, trains=True),
    Check("gradient-sizes", gradients.gradient_sizes, trains=True),
    Check("symmetric-weights", gradients.symmetric_weights, trains=True),
    Check("one-batch", learning.overfits_one_batch, trains=True),
    Check("learning-rate", learning.learning_rate, trains=True),
    # costs
    Check("time", costs.time_per_epoch, trains=True),
    Check("memory", costs.memory),
)
