"""Checks of the activations: units that are always off, and those that are flat."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlframe.training.distributions import FLAT, active_units, flat_share, unit_axis
from dlframe.training.doctor.case import Case, name_of
from dlframe.training.doctor.observing import Step
from dlframe.training.doctor.report import Finding
from dlframe.training.doctor.rows import Array, as_array

# Half of the units may be off for all samples by chance, where a deep network without normalization
# makes all samples look alike. Of 16 units, 14.4 are so with probability 0.03 %.
_DEAD, _UNITS = 0.9, 16
_SAMPLES = 16  # with fewer samples, a unit is off for all of them by chance
_SHARE = 0.5  # of the values that are where the function is flat


def dead_units(case: Case) -> Iterator[Finding]:
    """Units of a relu that are 0 for all samples."""
    for step, array in _activations(case, {"relu"}):
        if len(array) < _SAMPLES or array.shape[unit_axis(array.ndim)] < _UNITS:
            continue
        dead = ~active_units(array)
        share = float(dead.mean())
        if share >= _DEAD:
            yield Finding(
                "warning", _where(case, step),
                f"{int(dead.sum())} of {len(dead)} units are 0 for all {len(array)} samples of the "
                "batch",
                share,
                "where relu is 0 its gradient is 0, too: these units do not learn",
                "smaller initial weights or biases, inputs with mean 0, a smaller learning rate; "
                "leaky_relu or gelu",
            )  # fmt: skip


def saturated(case: Case) -> Iterator[Finding]:
    """Values of tanh and sigmoid where they are flat."""
    for step, array in _activations(case, set(FLAT)):
        low, high = FLAT[step.name]
        share = flat_share(array, FLAT[step.name])
        if share > _SHARE and array.size >= _SAMPLES:
            yield Finding(
                "warning", _where(case, step),
                f"{share:.0%} of the {array.size:,} values of {step.name} lie outside "
                f"{low:g} … {high:g}",
                share,
                "the slope there is at most a fiftieth of the largest: little gradient passes",
                "scale the inputs to variance 1, draw smaller initial weights "
                "(nn.init.xavier_uniform_), or put a normalization before it",
            )  # fmt: skip


def _activations(case: Case, names: set[str]) -> Iterator[tuple[Step, Array]]:
    if case.seen is None:
        return
    for step in case.seen.steps:
        if step.in_loss or step.name not in names:
            continue
        array = as_array(step.outputs[0])
        if array is not None and array.ndim >= 2 and np.isfinite(array).all():
            yield step, array


def _where(case: Case, step: Step) -> str:
    return f"{step.name} in {name_of(case.model, step.path)}"
