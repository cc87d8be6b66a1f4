"""The plan of one `fit`: how long it trains, and when it validates."""

from __future__ import annotations

import datetime as dt
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError

_PARTS = re.compile(
    r"(?:(?P<d>\d+(?:\.\d+)?)d)?(?:(?P<h>\d+(?:\.\d+)?)h)?"
    r"(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?",
    re.ASCII,
)
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True)
class Plan:
    """What was asked of one `fit`.

    Attributes:
        epochs: the number of epochs, in all, at which it ends.
        max_steps: the number of steps of the optimizer, in all, at which it ends.
        seconds: how long it may take.
        validate_every: validate after so many epochs.
        validate_every_batches: validate also inside of an epoch, after so many batches each.
        validation_steps: how many batches a validation has.
        begun: when it began, by `time.monotonic`.
    """

    epochs: int = 0
    max_steps: int | None = None
    seconds: float | None = None
    validate_every: int = 1
    validate_every_batches: int | None = None
    validation_steps: int | None = None
    begun: float = 0.0

    def validates(self, epoch: int) -> bool:
        """Whether an epoch, counted from 1, ends with a validation."""
        return epoch % self.validate_every == 0

    @property
    def validates_once_per_epoch(self) -> bool:
        """Whether there is one validation after each epoch, as usual."""
        return self.validate_every == 1 and self.validate_every_batches is None

    def validates_inside(self, batch: int) -> bool:
        """Whether a validation follows the batch of this number, inside of an epoch."""
        every = self.validate_every_batches
        return every is not None and batch > 0 and batch % every == 0

    def why_over(self, updates: int) -> str | None:
        """Why training ends now, after so many steps of the optimizer; None if it goes on."""
        if self.max_steps is not None and updates >= self.max_steps:
            return f"max_steps={self.max_steps} steps are done"
        if self.seconds is not None and time.monotonic() - self.begun >= self.seconds:
            return f"max_time is over: {self.seconds:g} seconds"
        return None


def make_plan(
    *,
    epochs: int,
    updates: int,
    max_steps: int | None,
    max_time: Any,
    validate_every: int,
    validate_every_batches: int | None,
    validation_steps: int | None,
) -> Plan:
    """The plan for what `fit` was given; raises ArgumentError for what makes no sense."""
    check_count("validate_every", validate_every)
    for name, value in (
        ("max_steps", max_steps),
        ("validate_every_batches", validate_every_batches),
        ("validation_steps", validation_steps),
    ):
        if value is not None:
            check_count(name, value)
    seconds = None if max_time is None else seconds_of(max_time)
    if max_steps is not None and updates >= max_steps:
        raise ArgumentError(
            f"fit: {updates} steps are done already, and max_steps={max_steps} counts all steps of "
            "this trainer's optimizer"
        )
    return Plan(
        int(epochs), max_steps, seconds, validate_every, validate_every_batches, validation_steps,
        time.monotonic(),
    )  # fmt: skip


def epochs_until(
    *, done: int, epochs: int | None, more: int | None, for_steps: Callable[[], int | None]
) -> int:
    """How many epochs `fit` trains in all; `for_steps` is how many `max_steps` would take."""
    if epochs is not None and more is not None:
        raise ArgumentError(
            f"fit: epochs={epochs} counts all epochs, more_epochs={more} further ones; pass one"
        )
    if more is not None:
        check_count("more_epochs", more)
        return done + more
    if epochs is None:
        return for_steps() or 1
    check_count("epochs", epochs)
    if done >= epochs:
        raise ArgumentError(
            f"fit: {done} epochs are done already, and epochs={epochs} counts all epochs of this "
            f"trainer; to train {epochs} more, say epochs={done + epochs} or more_epochs={epochs}"
        )
    return epochs


def check_count(name: str, value: Any, where: str = "fit") -> None:
    """Raise ArgumentError unless it is an int of 1 or more."""
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_int or value < 1:
        raise ArgumentError(f"{where}: {name} must be an int of 1 or more; got {value!r}")


def seconds_of(duration: Any) -> float:
    """Seconds of a number, a timedelta, or a text of days, hours, minutes and seconds.

    >>> seconds_of(90), seconds_of("1h30m"), seconds_of(dt.timedelta(minutes=2))
    (90.0, 5400.0, 120.0)
    """
    seconds = math.nan
    if isinstance(duration, dt.timedelta):
        seconds = duration.total_seconds()
    elif isinstance(duration, (int, float, np.number)) and not isinstance(duration, bool):
        seconds = float(duration)
    elif isinstance(duration, str):
        found = _PARTS.fullmatch(duration.replace(" ", ""))
        if found is not None and any(found.groups()):
            parts = found.groupdict(default="0")
            seconds = sum(float(parts[unit]) * size for unit, size in _SECONDS.items())
    if not (math.isfinite(seconds) and seconds > 0):
        raise ArgumentError(
            "fit: max_time must be a number of seconds above 0, a datetime.timedelta, or a text "
            f'such as "1h30m", "45m" or "90s"; got {duration!r}'
        )
    return seconds


# --- accumulation ------------------------------------------------------------------------------


class Accumulation:
    """How many batches make one step of the optimizer, which may depend on the epoch.

    >>> four_then_one = Accumulation({0: 4, 10: 1})
    >>> four_then_one.at(9), four_then_one.at(10)
    (4, 1)
    """

    def __init__(self, given: int | Mapping[int, int]) -> None:
        schedule = dict(given) if isinstance(given, Mapping) else {0: given}
        numbers = [*schedule, *schedule.values()]
        is_whole = all(isinstance(n, (int, np.integer)) and n is not True for n in numbers)
        if not is_whole or min(schedule, default=0) < 0 or min(schedule.values(), default=0) < 1:
            raise ArgumentError(
                "Trainer: accumulate must be a number of batches, 1 or more, or a schedule such as "
                f"{{0: 4, 10: 1}}: 4 batches, and 1 from when 10 epochs are done; got {given!r}"
            )
        self.schedule = dict(sorted(schedule.items()))
        self._any = any(count > 1 for count in schedule.values())  # it is asked in each batch

    def __bool__(self) -> bool:
        """Whether there is anything to accumulate."""
        return self._any

    def at(self, epochs_done: int) -> int:
        """How many batches make one step, when so many epochs are done."""
        counts = [count for start, count in self.schedule.items() if start <= epochs_done]
        return counts[-1] if counts else 1

    def steps(self, batches: int, first: int, end: int) -> int:
        """How many steps of the optimizer the epochs from `first` to before `end` have."""
        return sum(-(-batches // self.at(epoch)) for epoch in range(first, end))
