"""Notices a schedule that is stepped before its optimizer, twice, or never; says each once."""

from __future__ import annotations

import sys
import warnings
import weakref
from typing import Any

from dlframe.errors import ScheduleWarning
from dlframe.ops.watching import users_frame
from dlframe.optim.optimizer import Optimizer, StepCount

__all__ = ["Order", "hand_over"]

_FORGOTTEN_AFTER = 10  # steps of the optimizer; a try at the prompt has fewer

_BEFORE = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite "
    "order: `optimizer.step()` before `lr_scheduler.step()`. Otherwise the first value of the "
    "learning rate schedule is skipped."
)
_REPLACED = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
    "initialization. Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`."
)
_TWICE = (
    "{} was stepped twice without a step of its optimizer between, so a learning rate was skipped. "
    "Call `lr_scheduler.step()` once, after `optimizer.step()`."
)
_NEVER = (
    "{}, made here, was never stepped, though its optimizer made {} steps: the learning rate was "
    "that of the beginning all the time. Call `lr_scheduler.step()` after each epoch, or after "
    "each batch if the schedule counts batches."
)


class Order:
    """When a schedule and its optimizer made their last steps.

    Attributes:
        used: whether the schedule was stepped, restored, or given to one that steps it.
    """

    def __init__(self, schedule: Any, optimizer: Optimizer) -> None:
        if optimizer._steps is None:
            optimizer._steps = StepCount()
        self.steps = optimizer._steps
        self.before = self.steps.made  # when the schedule was made
        self.last: int | None = None  # at the schedule's last step
        self.used = False
        self.said = False
        self.kind = type(schedule).__name__
        frame = users_frame()
        self.place = None if frame is None else (frame.f_code.co_filename, frame.f_lineno)
        weakref.finalize(schedule, _check_use, self)

    def note_step(self, step: Any, *, first: bool, chosen: bool = False) -> None:
        """The schedule is about to step; `step` is its optimizer's method.

        `chosen` is for a step to a place that the caller names: nothing is skipped by it.
        """
        if first and not hasattr(step, "hooked"):
            say(_REPLACED)
        elif first and self.steps.made == 0:
            say(_BEFORE)
        elif self.steps.made > 0 and self.last == self.steps.made and not (self.said or chosen):
            self.said = True
            say(_TWICE.format(self.kind))
        self.last = self.steps.made
        self.used = True

    def restored(self) -> None:
        """The schedule has taken over the state of another one."""
        self.last = None
        self.used = True


def hand_over(schedule: Any) -> None:
    """Note that somebody else steps a schedule from now on: another schedule, or a trainer."""
    order = getattr(schedule, "_order", None)  # a user's own has none
    if order is not None:
        order.used = True


def say(message: str) -> None:
    """Warn, with the line in the user's program that led here."""
    frame = users_frame()
    if frame is None:
        warnings.warn(message, ScheduleWarning, stacklevel=2)
        return
    scope = frame.f_globals
    registry = scope.setdefault("__warningregistry__", {})
    place = frame.f_code.co_filename, frame.f_lineno
    warnings.warn_explicit(message, ScheduleWarning, *place, scope["__name__"], registry)


def _check_use(order: Order) -> None:
    """Called when the schedule is no more, at the latest when the program ends."""
    steps = order.steps.made - order.before
    failed = getattr(sys, "last_value", None) is not None  # the program did not get so far
    if order.place is not None and not (order.used or failed) and steps >= _FORGOTTEN_AFTER:
        message = _NEVER.format(order.kind, steps)
        warnings.warn_explicit(message, ScheduleWarning, *order.place)
