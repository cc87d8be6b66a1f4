"""The loop of a Trainer: epochs, their batches and validations, and where they are gone on with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.tensor import Tensor
from dlframe.training import trainer_state
from dlframe.training.data import batches
from dlframe.training.data.stream import Stream
from dlframe.training.evaluator import plain_value
from dlframe.training.history import History
from dlframe.training.interrupt import Interrupt
from dlframe.training.plan import Plan
from dlframe.training.random_state import copied, random_state, set_random_state
from dlframe.training.stepping import Stepping


class Looping(Stepping):
    """The part of a Trainer that runs epochs; `Trainer.fit` calls it, and callbacks ask it."""

    history: History
    logs: dict[str, Any]
    epochs: int
    val_batch: int
    val_batches: int | None
    monitor: str | None
    interrupted: bool
    stop_reason: str | None
    _plan: Plan
    _stream: Stream
    _val_loader: Any
    _seconds: float
    _pass_done: bool
    _validated_at: int
    _pending: dict[str, Any] | None
    _set_aside: dict[str, Any] | None

    # --- for callbacks -------------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        """End training after this batch, for callbacks; `fit` returns with `stop_reason`."""
        self.stop_reason = reason

    def use_weights(self, weights: dict[str, Any]) -> None:
        """Give the model other weights to be used, for callbacks, in `on_pass_end` or at the end.

        Training itself stays where it is. The next epoch or the next `fit`, also one in a new
        process after `save` and `resume`, puts back the weights that the model has now and goes on
        from them, unless you have changed the model's parameters in between.
        """
        aside = self._set_aside or {"weights": copied(self.model.state_dict())}
        self.model.load_state_dict(weights)
        self._set_aside = {**aside, "instead": trainer_state.fingerprint(self.model)}

    @property
    def is_inside_epoch(self) -> bool:
        """Whether batches of the present epoch are left, as far as is known."""
        return not self._pass_done

    @property
    def validates_once_per_epoch(self) -> bool:
        """Whether the present `fit` validates after each epoch and at no other time."""
        return self._plan.validates_once_per_epoch

    @property
    def weights_set_aside(self) -> bool:
        """Whether the model has other weights than those of training; see `use_weights`."""
        return self._set_aside is not None

    # --- epochs --------------------------------------------------------------------------------

    def _run_epoch(self, interrupt: Interrupt) -> None:
        """Run the epoch, or the rest of it; an interruption leaves it unfinished."""
        self._put_weights_back()
        if self.batch == 0:
            self._sums = self._training_sums()
            self._seconds = 0.0
        started = time.perf_counter() - self._seconds
        self.model.train()
        self._call("on_epoch_begin")
        if not self._pass_done and not self._run_batches(interrupt, started):
            return
        self._pass_done = True
        self._call("on_pass_end")
        validation: dict[str, Any] | None = {}
        if self._plan.validates(self.epoch + 1):
            validation = self._validate(interrupt)
        self._seconds = time.perf_counter() - started
        if validation is None:
            self._put_weights_back()
        else:
            self._end_epoch(validation)

    def _run_batches(self, interrupt: Interrupt, started: float) -> bool:
        """The batches that are left of this epoch; False if training ends before the last one."""
        if not self._validate_inside(interrupt):  # of a run that was stopped before it
            return False
        for batch in self._stream.rest(self.batch):
            self._train_batch(batch)
            self._seconds = time.perf_counter() - started
            over = self._plan.why_over(self.updates)
            if over is not None and not self._is_last(self.batch):
                self.stop(over)
            if self._is_to_end(interrupt) or not self._validate_inside(interrupt):
                return False
        if self._group.batches:  # the length was not known
            self._update()
        self._check_not_empty()
        return True

    def _validate_inside(self, interrupt: Interrupt) -> bool:
        """A validation inside of the epoch, if it is due; False if it was interrupted."""
        if not self._plan.validates_inside(self.batch) or self._validated_at == self.step:
            return True
        if self._is_last(self.batch) and self._plan.validates(self.epoch + 1):
            return True  # it follows
        results = self._validate(interrupt)
        self._put_weights_back()
        return results is not None

    def _end_epoch(self, validation: dict[str, Any]) -> None:
        measured = {**self.running_means(), **validation}
        self.logs = {**measured, **self._rates, "seconds": self._seconds}
        reports: dict[str, Any] = {}
        for callback in self._active:
            given = callback.report(self)  # type: ignore[arg-type] # a Trainer
            reports |= {name: _recorded(value) for name, value in given.items()}
        self.logs = {**measured, **self._rates, **reports, "seconds": self._seconds}
        self.history.append(self.logs)
        self.epoch += 1
        self.batch = 0
        self._pass_done = False
        if self._schedule.interval == "epoch":
            self._schedule.step(lambda: self.logs.get(self._plateau_monitor))
        over = self._plan.why_over(self.updates)
        if over is not None and self.epoch < self.epochs:
            self.stop(over)
        self._call("on_epoch_end")

    def _validate(self, interrupt: Interrupt) -> dict[str, Any] | None:
        """The results of validation, or None if it was interrupted: then it left no trace."""
        if self._val_loader is None:
            return {}
        self.val_batch, self.val_batches = 0, batches.length_of(self._val_loader)
        self._call("on_validation_begin")
        randomness, positions = random_state(), trainer_state.position_of(self._val_loader)
        results = self._measure(self._counted(self._val_loader), lambda: not interrupt.requested)
        if results is None:
            set_random_state(randomness)
            trainer_state.go_to(self._val_loader, positions)
            return None
        named = {f"val_{name}": value for name, value in results.items()}
        self.logs = {**self.running_means(), **named}
        if not self._pass_done:
            place = {"epoch": self.epoch + 1, "batch": self.batch, "step": self.step}
            self.history.validations.append({**place, **named})
            self._validated_at = self.step  # before callbacks save
        self._call("on_validation_end")
        return named

    def _counted(self, loader: Any) -> Iterator[Any]:
        """The batches of a validation, with a call after each one."""
        for batch in loader:
            yield batch
            self.val_batch += 1
            self._call("on_validation_batch_end")

    def _go_to_position(self) -> None:
        """Go to the position of a loaded state or of an interrupted fit."""
        if self._pending is None:
            return
        stream = self._stream
        # after a fit that ended between two epochs, inside of a pass: by epochs of some batches
        # the pass is gone on with, if these are the same data
        same = stream.goes_on or trainer_state.has_position(stream.loader)
        if self._pending["random"] is not None or (stream.per_epoch is not None and same):
            stream.go_to(self._pending["train"], self._pending["drawn"])
        trainer_state.go_to(self._val_loader, self._pending["val"])
        if self._pending["random"] is not None:
            set_random_state(self._pending["random"])
        self._group.put_back(self.optimizer)
        self._pending = None

    def _put_weights_back(self) -> None:
        """Undo `use_weights`, unless the parameters are others now: then those were meant."""
        aside = self._set_aside
        if aside is not None and aside["instead"] == trainer_state.fingerprint(self.model):
            self.model.load_state_dict(aside["weights"])
        self._set_aside = None

    def _finish(self, interrupt: Interrupt) -> None:
        """Note how training ended, and tell the callbacks."""
        is_over = self.epoch >= self.epochs or self.stop_reason is not None
        self.interrupted = interrupt.requested and not is_over
        if self.interrupted or self.batch:
            self._pending = self._positions()
            self._group.keep(self.optimizer)
        elif self._stream.drawn:  # between two epochs, in the middle of the loader's pass
            self._pending = {**self._positions(), "random": None}
        if self.interrupted or self.batch:
            self._call("on_interrupt")
        self._call("on_train_end")

    def _abandon_epoch(self) -> None:
        """After an error: the next fit begins the epoch anew."""
        if self._pending is None:  # otherwise the epoch has not begun yet
            self.batch = 0
            self._pass_done = False
            self._group.clear()
            self._stream.drawn = 0

    def _is_to_end(self, interrupt: Interrupt) -> bool:
        return interrupt.requested or self.stop_reason is not None

    def _check_not_empty(self) -> None:
        if self.batch == 0:
            raise ArgumentError(
                f"fit: the training data gave no batch in epoch {self.epoch + 1}"
                f"{batches.why_empty(self._stream.loader)}"
            )

    @property
    def _plateau_monitor(self) -> str:
        if self.monitor is not None:
            return self.monitor
        return "loss" if self._val_loader is None else "val_loss"

    def _positions(self) -> dict[str, Any]:
        if self._pending is not None:
            random = self._pending["random"]
            return {**self._pending, "random": random_state() if random is None else random}
        return {
            "train": trainer_state.position_of(self._stream.loader),
            "drawn": self._stream.drawn,
            "val": trainer_state.position_of(self._val_loader),
            "random": random_state(),
        }


def _recorded(value: Any) -> Any:
    """What a callback reports, as the history and its files hold it: no arrays."""
    return plain_value(value) if isinstance(value, (Tensor, np.ndarray, np.generic)) else value
