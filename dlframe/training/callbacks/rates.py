"""A callback that sets learning rates by a function of the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dlframe import states
from dlframe.errors import ArgumentError
from dlframe.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch: rate = schedule(epoch, rate).

    This is Keras' way to write a schedule. `epoch` counts the epochs that are done, so it is 0 in
    the first. Each parameter group gets the value for its own rate. The schedules of
    `optim.lr_scheduler` can do more, and count batches as well.

    Raises:
        ArgumentError: at the start of `fit`, a trainer with a schedule, which would set the rates
            too; a rate that is negative or not finite.

    >>> x = dl.linspace(-1, 1, 8).reshape(8, 1)
    >>> model = nn.Linear(1, 1)
    >>> halve = dl.training.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    >>> trainer = dl.Trainer(
    ...     model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.4), callbacks=[halve]
    ... )
    >>> trainer.fit((x, x), epochs=3, progress=False)["lr"]
    [0.4, 0.2, 0.1]
    """

    def __init__(self, schedule: Callable[[int, float], float]) -> None:
        if not callable(schedule):
            raise TypeError(
                "LearningRateScheduler: schedule must be a function of (epoch, rate); got "
                f"{type(schedule).__name__}"
            )
        self.schedule = schedule
        self._epoch = -1  # the last one for which it was asked

    def on_train_begin(self, trainer: Trainer) -> None:
        if trainer.scheduler is not None:
            raise ArgumentError(
                "LearningRateScheduler: the trainer has a schedule, which sets the rates too; use "
                "one of them"
            )

    def on_epoch_begin(self, trainer: Trainer) -> None:
        if self._epoch == trainer.epoch:  # it goes on after a stop, or begins anew after an error
            return
        for group in trainer.optimizer.param_groups:
            given = self.schedule(trainer.epoch, float(group["lr"]))
            try:
                rate = float(given)
            except (TypeError, ValueError):
                rate = math.nan
            if not (math.isfinite(rate) and rate >= 0):
                raise ArgumentError(
                    f"LearningRateScheduler: the rate of epoch {trainer.epoch} is {given!r}; it "
                    "must be a finite number of 0 or more"
                )
            group["lr"] = rate
        self._epoch = trainer.epoch

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self._epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        where = "LearningRateScheduler.load_state_dict"
        self._epoch = states.take(state, where, epoch=states.integer(-1))["epoch"]
