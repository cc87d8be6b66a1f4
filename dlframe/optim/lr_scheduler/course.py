"""What a schedule will do, before it does it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from dlframe.errors import ArgumentError
from dlframe.optim.optimizer import Optimizer, StepCount
from dlframe.tensor import Tensor

__all__ = ["course_of"]


class _StandIn(Optimizer):
    """Has the groups of an optimizer without their parameters, so that its steps do nothing."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.defaults = optimizer.defaults
        self.state = {}  # type: ignore[assignment] # nothing is remembered
        self.param_groups = [
            {key: copy.deepcopy(value) for key, value in group.items() if key != "params"}
            for group in optimizer.param_groups
        ]
        self._make_hook_tables()
        self._steps = StepCount()

    def step(self, closure: Any = None) -> None:
        """Count a step."""

    def _look_after_step(self) -> None:
        """Nothing: there are no gradients."""


def course_of(
    schedule: Any, steps: int, option: str, metrics: Iterable[float] | None = None
) -> list[list[Any]]:
    """An option of each group at the coming steps, found with copies of schedule and groups."""
    optimizer = schedule.optimizer
    where = f"{type(schedule).__name__}.course"
    if not isinstance(steps, int) or steps < 0:
        raise ArgumentError(f"{where}: steps is an int of 0 or more; got {steps!r}")
    for i, group in enumerate(optimizer.param_groups):
        if option not in group:
            there = ", ".join(sorted(set(group) - {"params"}))
            raise ArgumentError(f"{where}: group {i} has no option {option!r}; it has {there}")
    stand_in = _StandIn(optimizer)
    replaced: dict[int, Any] = {id(optimizer): stand_in, id(optimizer._steps): stand_in._steps}
    twin = copy.deepcopy(schedule, replaced)
    values = None if metrics is None else iter(metrics)
    found: list[list[Any]] = []
    while len(found) < steps:
        if found:
            stand_in.step()
            twin.step(*(() if values is None else (next(values),)))
        found.append([_plain(group[option]) for group in stand_in.param_groups])
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_plain(entry) for entry in value)
    return value.item() if isinstance(value, Tensor) else value
