"""Callbacks that end training: without further improvement, or with a loss that is NaN."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dlframe import states
from dlframe.errors import ArgumentError
from dlframe.training.callbacks.callback import Callback
from dlframe.training.callbacks.monitor import better, check_mode, check_monitor, infer_mode
from dlframe.training.random_state import copied
from dlframe.training.trainer_state import check_weights

if TYPE_CHECKING:
    from dlframe.training.data.batches import NonFiniteLossError
    from dlframe.training.trainer import Trainer


class EarlyStopping(Callback):
    """Ends training when a quantity has not improved for `patience` epochs.

    `mode` is "min" or "max"; for names like "val_loss" and "val_accuracy" it is inferred. A value
    is an improvement if it is better by more than `min_delta`; NaN never is. With `restore_best`
    the model has the weights of its best epoch when `fit` returns, unless it was interrupted.
    A further `fit`, also after `save` and `resume`, goes on from the weights of the last epoch, to
    which the optimizer's state belongs: training in two parts gives the same as in one.

    Where `fit` validates less or more often than after each epoch (`validate_every`,
    `validate_every_batches`), `patience` counts validations, for a quantity that begins with
    `val_`. Epochs in which the quantity was not measured do not count.

    Args:
        monitor: the name in the history.
        patience: after how many values without an improvement training ends.
        min_delta: by how much a value must be better than the best so far.
        mode: whether low ("min") or high ("max") values are good.
        restore_best: whether the best weights are left in the model.
        baseline: values that are not better than this one are no improvement, also the first.
        start_from_epoch: the first so many epochs do not count, for values that begin wildly.
        goal: training ends as soon as a value is as good as this one.

    The history gets the best value and its epoch so far, as `best_val_loss` and
    `best_val_loss_epoch` (0 before there is one).

    At the start of `fit` it raises ArgumentError for a quantity that training does not measure,
    and for one whose name does not tell the mode.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 5,
        *,
        min_delta: float = 0.0,
        mode: str | None = None,
        restore_best: bool = True,
        baseline: float | None = None,
        start_from_epoch: int = 0,
        goal: float | None = None,
    ) -> None:
        if patience < 1:
            raise ArgumentError(f"EarlyStopping: patience must be 1 or more; got {patience}")
        if min_delta < 0:
            raise ArgumentError(f"EarlyStopping: min_delta cannot be negative; got {min_delta}")
        if start_from_epoch < 0:
            raise ArgumentError(
                f"EarlyStopping: start_from_epoch cannot be negative; got {start_from_epoch}"
            )
        self.monitor = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.mode = check_mode(mode)
        self.restore_best = restore_best
        self.baseline = baseline
        self.start_from_epoch = start_from_epoch
        self.goal = goal
        self.best: float | None = None
        self.best_epoch = 0
        self.waited = 0
        self.best_weights: dict[str, Any] | None = None

    @property
    def reported(self) -> tuple[str, str]:  # type: ignore[override] # read only here
        """The names of the best value and of its epoch."""
        return f"best_{self.monitor}", f"best_{self.monitor}_epoch"

    def on_train_begin(self, trainer: Trainer) -> None:
        others = [name for name in trainer.quantities if name not in self.reported]
        check_monitor("EarlyStopping", self.monitor, others)
        self.mode = self.mode or infer_mode(self.monitor)
        if self.best_weights is not None:  # of a loaded state: better now than after the training
            check_weights("EarlyStopping, best_weights", trainer.model, self.best_weights)
        self._stop_if_patience_is_over(trainer)  # a resumed run may have ended already

    def on_validation_end(self, trainer: Trainer) -> None:
        if trainer.is_inside_epoch and self.monitor.startswith("val_"):
            self._look(trainer, trainer.epoch + 1)

    def on_epoch_end(self, trainer: Trainer) -> None:
        self._look(trainer, trainer.epoch)

    def _look(self, trainer: Trainer, epoch: int) -> None:
        """A new value, measured in the epoch of this number."""
        if self.monitor not in trainer.logs or epoch <= self.start_from_epoch:
            return
        value = trainer.logs[self.monitor]
        if self._is_better(value):
            self.best, self.best_epoch = value, epoch
            self.waited = 0
            if self.restore_best:
                self.best_weights = dict(copied(trainer.model.state_dict()))
        else:
            self.waited += 1
            self._stop_if_patience_is_over(trainer)
        mode = self.mode or "min"
        if self.goal is not None and (value <= self.goal if mode == "min" else value >= self.goal):
            trainer.stop(f"{self.monitor} is {value:.6g}, as good as the goal {self.goal:g}")

    def _is_better(self, value: float) -> bool:
        mode = self.mode or "min"
        if self.best is None:
            return better(value, self.baseline, mode)
        return better(value, self.best, mode, self.min_delta)

    def report(self, trainer: Trainer) -> dict[str, Any]:
        best, epoch = self.best, self.best_epoch
        now = trainer.epoch + 1  # the epoch counts as done after the record
        value = trainer.logs.get(self.monitor, math.nan)
        if now > self.start_from_epoch and self._is_better(value):
            best, epoch = value, now
        values = (math.nan if best is None else best, epoch)
        return dict(zip(self.reported, values, strict=True))

    def _stop_if_patience_is_over(self, trainer: Trainer) -> None:
        if self.waited >= self.patience:
            best = (
                "no value" if self.best is None else f"{self.best:.6g} in epoch {self.best_epoch}"
            )
            times = "epochs" if trainer.validates_once_per_epoch else "validations"
            trainer.stop(
                f"{self.monitor} has not improved for {self.waited} {times} (best: {best})"
            )

    def on_train_end(self, trainer: Trainer) -> None:
        if self.restore_best and self.best_weights is not None and not trainer.interrupted:
            trainer.use_weights(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "waited": self.waited,
            "best_weights": self.best_weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        given = states.take(
            state,
            "EarlyStopping.load_state_dict",
            best=states.optional(states.any_number),
            best_epoch=states.count,
            waited=states.count,
            best_weights=states.optional(states.mapping(states.plain)),
        )
        for name, value in given.items():
            setattr(self, name, value)


class TerminateOnNaN(Callback):
    """Ends training at the first loss that is NaN or infinite, before it changes the weights.

    Without it such a loss raises NonFiniteLossError. `trainer.stop_reason` says which step and
    which batch it was.
    """

    def on_bad_loss(self, trainer: Trainer, error: NonFiniteLossError) -> bool:
        trainer.stop(str(error))
        return True
