"""Schedules of the learning rate that are made when `fit` knows how many steps there will be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.optim import Optimizer
from dlframe.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    OneCycleLR,
    ReduceLROnPlateau,
)
from dlframe.optim.lr_scheduler.order import hand_over
from dlframe.training.by_name import make_schedule
from dlframe.training.several import SCHEDULES, Several

Factory = Callable[[Any, int], Any]


def one_cycle(optimizer: Optimizer, steps: int) -> OneCycleLR:
    """OneCycleLR up to the optimizer's own rates; with momentum, if the optimizer has one."""
    groups = optimizer.param_groups
    has_momentum = all("betas" in group or group.get("momentum") for group in groups)
    return OneCycleLR(
        optimizer,
        max_lr=[float(group["lr"]) for group in groups],
        total_steps=steps,
        cycle_momentum=has_momentum,
    )


def cosine(optimizer: Optimizer, steps: int) -> CosineAnnealingLR:
    """From the optimizer's rates to zero, along half a cosine."""
    return CosineAnnealingLR(optimizer, T_max=steps)


def linear(optimizer: Optimizer, steps: int) -> LinearLR:
    """From the optimizer's rates to zero, along a line."""
    return LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=steps)


NAMED: dict[str, Factory] = {"one_cycle": one_cycle, "cosine": cosine, "linear": linear}


class Schedule:
    """The schedule of a trainer: an object, or a function that makes one when `fit` begins.

    Attributes:
        scheduler: the object; None where there is no schedule, or none yet.
        interval: "batch" or "epoch".
        steps: for how many steps `fit` made it; None for an object of the user's.
    """

    def __init__(self, given: Any, optimizer: Any, interval: str | None) -> None:
        if isinstance(given, str):
            given = _by_name(given)
        self._make: Factory | None = None
        self._optimizer = optimizer
        self.scheduler: Any = None
        self.steps: int | None = None
        if isinstance(given, Mapping):
            self.scheduler = _of_several(given, optimizer)
        elif given is None:
            pass
        elif hasattr(given, "step") and not isinstance(given, type):
            if given.optimizer is not optimizer:
                raise ArgumentError("Trainer: the scheduler belongs to another optimizer")
            self.scheduler = given
        elif callable(given) and not isinstance(given, type):
            if isinstance(optimizer, Several):
                raise ArgumentError(SCHEDULES)
            self._make = given
        else:
            name = given.__name__ if isinstance(given, type) else type(given).__name__
            raise TypeError(
                f"Trainer: scheduler has no step(); got {name}. Pass a schedule, a name "
                f"({', '.join(map(repr, NAMED))}), or a function of (optimizer, steps) that makes "
                "one"
            )
        if interval not in (None, "epoch", "batch"):
            raise ArgumentError(
                f'Trainer: scheduler_interval must be "epoch" or "batch"; got {interval!r}'
            )
        if interval == "batch" and self.watches:
            raise ArgumentError(
                "Trainer: ReduceLROnPlateau watches a value that is known once per epoch; use "
                'scheduler_interval="epoch"'
            )
        self.interval = interval or ("epoch" if self._make is None else "batch")

    @property
    def is_made_by_fit(self) -> bool:
        """Whether `fit` makes it, since only `fit` knows the number of steps."""
        return self._make is not None

    @property
    def exists(self) -> bool:
        """Whether there is a schedule, or will be one."""
        return self.scheduler is not None or self._make is not None

    @property
    def watches(self) -> bool:
        parts = self.scheduler.values() if isinstance(self.scheduler, Several) else [self.scheduler]
        return any(isinstance(one, ReduceLROnPlateau) for one in parts)

    def make(self, steps: int | None) -> None:
        """Make it for so many steps, or, for None, take it back to none."""
        self.steps = steps
        self.scheduler = None
        if steps is not None:
            assert self._make is not None
            self.scheduler = self._make(self._optimizer, steps)
            if not hasattr(self.scheduler, "step"):
                raise TypeError(
                    "Trainer: the function given as scheduler must return a schedule; got "
                    f"{type(self.scheduler).__name__}"
                )

    def begin(self, steps: Callable[[], int | None]) -> None:
        """`fit` begins, with so many steps in all."""
        if self._make is not None:
            planned = steps()
            if planned is None:
                raise ArgumentError(
                    "fit: the schedule needs the number of all steps, and these data do not know "
                    "how many batches they have; say steps_per_epoch=n"
                )
            if self.steps is None:
                self.make(planned)
            elif planned > self.steps:
                raise ArgumentError(
                    f"fit: the schedule was made for {self.steps} steps, and {planned} are asked "
                    "for now. Give all epochs to the first fit (max_time, max_steps, stop() and "
                    "Ctrl-C may end it sooner), or pass a schedule of your own"
                )
        # training may be stopped before the first step of the schedule
        parts = self.scheduler.values() if isinstance(self.scheduler, Several) else [self.scheduler]
        for one in parts:
            hand_over(one)

    def step(self, value: Callable[[], Any]) -> None:
        """A step of the schedule; `value` gives what ReduceLROnPlateau watches, None for none."""
        parts = self.scheduler.values() if isinstance(self.scheduler, Several) else [self.scheduler]
        for one in parts:
            if isinstance(one, ReduceLROnPlateau):
                watched = value()
                if watched is not None:
                    one.step(watched)
            elif one is not None:
                one.step()


def _by_name(name: str) -> Factory:
    if name not in NAMED:
        raise ArgumentError(
            f"Trainer: there is no schedule {name!r}.{did_you_mean(name, NAMED)} "
            f"Known: {', '.join(NAMED)}; or pass a schedule, or a function of (optimizer, steps)"
        )
    return NAMED[name]


def _of_several(given: Mapping[str, Any], optimizer: Any) -> Several:
    known = list(optimizer) if isinstance(optimizer, Several) else []
    made = {}
    for name, one in given.items():
        if name in known and isinstance(one, (str, tuple, list)):
            one = make_schedule(one, optimizer[name])
        if name in known and (isinstance(one, str) or callable(one)) and not hasattr(one, "step"):
            raise ArgumentError(
                f"Trainer: with several optimizers fit makes no schedule; for {name!r} pass one of "
                'lr_scheduler, or its name with options: ("StepLR", {"step_size": 10})'
            )
        if name not in known or getattr(one, "optimizer", None) is not optimizer[name]:
            raise ArgumentError(
                f"Trainer: the schedule {name!r} is of none of the optimizers by that name; they "
                f"are {', '.join(known) or 'not named'}"
            )
        made[name] = one
    return Several(made)
