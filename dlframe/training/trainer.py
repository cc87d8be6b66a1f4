"""Trainer: the loop of training, with validation, history, callbacks and exact resumption."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError
from dlframe.metrics import Mean, Metric
from dlframe.nn import Module
from dlframe.nn.modes import modes_kept
from dlframe.optim import Optimizer, Regularizer
from dlframe.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from dlframe.optim.lr_scheduler.order import hand_over
from dlframe.tensor import Tensor
from dlframe.training import batches, trainer_state
from dlframe.training.batches import NonFiniteLossError
from dlframe.training.callback import Callback, ordered
from dlframe.training.checks import check_lists, check_parts
from dlframe.training.evaluator import Evaluator, add_batch, plain_value
from dlframe.training.history import History
from dlframe.training.interrupt import Interrupt
from dlframe.training.monitor import check_monitor
from dlframe.training.progress import ProgressBar
from dlframe.training.random_state import copied, random_state, set_random_state
from dlframe.training.regularizing import (
    clipping,
    hooks_attached,
    reporting,
    values_kept,
    with_penalties,
)


class Trainer(Evaluator):
    """Trains a model: `Trainer(model, loss, optimizer).fit(train, val, epochs=10)`.

    Args:
        loss: a function of (output, target) that returns one number.
        optimizer: of the model's parameters; ArgumentError if it holds none of them.
        metrics: measured on each training batch as it is trained on, and on the validation data.
            A metric that was not told what scores are learns it from the last layer of the model or
            from the loss (`metrics.scores_of`): probabilities are cut at 0.5, logits at 0.
        callbacks: see `Callback`.
        scheduler: of the learning rate; stepped after each epoch, or after each batch with
            `scheduler_interval="batch"`. ReduceLROnPlateau gets the value of `monitor`, which
            is "val_loss" unless given ("loss" where there is no validation).
        clip_grad_norm, clip_grad_value: limit the gradients before each step: short for
            `optim.ClipGradNorm` and `optim.ClipGradValue` before the other regularizers.
        regularizers: penalties, such as `optim.L1`, are added to what is minimized, not to the
            loss that is reported, and not in validation. Constraints, decay, noise and clipping,
            such as `optim.MaxNorm`, are attached to the optimizer during `fit`. The history has the
            mean of each one's number under its name.
        extra: values to keep in every file that `save` writes, such as the configuration.

    It does nothing that a loop of your own could not do with the public API. A subclass can
    override `split` and `forward`, see `Evaluator`.

    >>> x = dl.linspace(-1, 1, 64).reshape(64, 1)
    >>> model = nn.Linear(1, 1)
    >>> trainer = Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.5))
    >>> history = trainer.fit((x, 2 * x + 1), epochs=20, batch_size=16, progress=False)
    >>> history["loss"][-1] < 0.01, model.bias.item()
    (True, 1.0)
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Any],
        optimizer: Optimizer,
        metrics: Sequence[Metric] = (),
        callbacks: Sequence[Callback] = (),
        scheduler: LRScheduler | None = None,
        *,
        scheduler_interval: str = "epoch",
        monitor: str | None = None,
        clip_grad_norm: float | None = None,
        clip_grad_value: float | None = None,
        regularizers: Sequence[Regularizer] = (),
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(model, loss, metrics)
        check_lists("Trainer", callbacks=callbacks, regularizers=regularizers)
        regularizers = [*clipping(clip_grad_norm, clip_grad_value), *regularizers]
        check_parts(model, loss, optimizer, metrics, scheduler, regularizers)
        if scheduler_interval not in ("epoch", "batch"):
            raise ArgumentError(
                'Trainer: scheduler_interval must be "epoch" or "batch"; '
                f"got {scheduler_interval!r}"
            )
        if scheduler_interval == "batch" and isinstance(scheduler, ReduceLROnPlateau):
            raise ArgumentError(
                "Trainer: ReduceLROnPlateau watches a value that is known once per epoch; use "
                'scheduler_interval="epoch"'
            )
        self.optimizer = optimizer
        self.callbacks = ordered(callbacks)
        self.scheduler = scheduler
        self.scheduler_interval = scheduler_interval
        self.monitor = monitor
        self.regularizers = regularizers
        self.extra = extra or {}

        self.epoch = 0  # epochs completed
        self.batch = 0  # batches done in the present epoch
        self.step = 0  # batches done in all epochs
        self.epochs = 0  # the number of epochs at which the present fit ends
        self.batches_per_epoch: int | None = None
        self.val_batch = 0  # batches done in the present validation
        self.val_batches: int | None = None
        self.batch_loss = float("nan")
        self.logs: dict[str, Any] = {}
        self.history = History()
        self.quantities: list[str] = []  # the names in the history
        self.interrupted = False
        self.stop_reason: str | None = None

        self._sums = self._training_sums()
        self._rates: dict[str, float] = {}  # the learning rates of the last batch
        self._seconds = 0.0  # spent in the present epoch
        self._pass_done = False  # whether of this epoch only the validation is left
        self._train_loader: Any = None
        self._val_loader: Any = None
        self._pending: dict[str, Any] | None = None  # positions and random state for the next fit
        self._set_aside: dict[str, Any] | None = None  # weights for the next fit; see use_weights
        self._active: list[Callback] = []

    # --- training ------------------------------------------------------------------------------

    def fit(
        self,
        train: Any,
        val: Any = None,
        epochs: int = 1,
        *,
        batch_size: int = 32,
        shuffle: bool = True,
        num_workers: int = 0,
        progress: bool | None = None,
    ) -> History:
        """Train until `epochs` epochs are done in all, and return the history.

        `train` and `val` are DataLoaders, pairs (x, y) of arrays or tensors, data sets (both
        are put into loaders with `batch_size`, `num_workers` and, for `train`, `shuffle`),
        or iterables of batches. `progress=None` shows a bar on a terminal and prints a line per
        epoch, True always shows the bar, and False shows nothing.

        After Ctrl-C, `fit` finishes the batch, lets ModelCheckpoint save, and returns with
        `interrupted` set. Call `fit` again to continue. A second Ctrl-C raises KeyboardInterrupt
        at once.

        It raises ArgumentError if a loader has no batches, ShapeError if the loss is not one
        number, and NonFiniteLossError if the loss is NaN or infinite.
        """
        self._begin(train, val, epochs, batch_size, shuffle=shuffle, num_workers=num_workers)
        self._active = self._with_progress(progress)
        try:
            with (
                Interrupt() as interrupt,
                modes_kept(self.model),
                hooks_attached(self.optimizer, self.regularizers),
            ):
                self._call("on_train_begin")
                self._go_to_position()
                self._put_weights_back()
                while self.epoch < epochs and not self._is_to_end(interrupt):
                    self._run_epoch(interrupt)
                self._finish(interrupt)
        except BaseException:
            self._abandon_epoch()
            raise
        finally:
            for callback in self._active:
                callback.close()
        return self.history

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
    def weights_set_aside(self) -> bool:
        """Whether the model has other weights than those of training; see `use_weights`."""
        return self._set_aside is not None

    def _begin(
        self, train: Any, val: Any, epochs: int, batch_size: int, *, shuffle: bool, num_workers: int
    ) -> None:
        if not isinstance(epochs, (int, np.integer)) or epochs < 1:
            raise ArgumentError(f"fit: epochs must be an int of 1 or more; got {epochs!r}")
        if self.epoch >= epochs:
            raise ArgumentError(
                f"fit: {self.epoch} epochs are done already, and epochs={epochs} counts all epochs "
                f"of this trainer; to train {epochs} more, say epochs={self.epoch + epochs}"
            )
        self._train_loader = batches.make_loader(
            train, batch_size, shuffle=shuffle, num_workers=num_workers, where="fit"
        )
        self._val_loader = None
        if val is not None:
            self._val_loader = batches.make_loader(
                val, batch_size, shuffle=False, num_workers=num_workers, where="fit"
            )
        batches.check_not_empty("training", self._train_loader)
        batches.check_not_empty("validation", self._val_loader)  # now, not after a long epoch
        hand_over(self.scheduler)  # training may be stopped before the first step of the schedule
        self.epochs = epochs
        self.batches_per_epoch = batches.length_of(self._train_loader)
        self.interrupted = False
        self.stop_reason = None
        names = ["loss", *[metric.name for metric in self.metrics]]
        validated = [f"val_{name}" for name in names] if val is not None else []
        named = [one.name for one in self._reporting()]
        measured = [*names, *named, *validated, *self._learning_rates(), "seconds"]
        self.quantities = self._with_reported(measured)
        if isinstance(self.scheduler, ReduceLROnPlateau):
            check_monitor("Trainer, for ReduceLROnPlateau", self._plateau_monitor, self.quantities)

    def _with_reported(self, measured: list[str]) -> list[str]:
        """The names of what is measured, and of what callbacks report; two may report the same."""
        reported = dict.fromkeys(name for one in self.callbacks for name in one.reported)
        taken = [name for name in reported if name in measured]
        if taken:
            raise ArgumentError(
                f"fit: a callback reports {', '.join(taken)}, which is measured as well; give the "
                "metric or regularizer another name="
            )
        return [*measured, *reported]

    def _with_progress(self, progress: bool | None) -> list[Callback]:
        if progress is False or any(isinstance(c, ProgressBar) for c in self.callbacks):
            return self.callbacks
        return [ProgressBar(bar=progress), *self.callbacks]

    def _run_epoch(self, interrupt: Interrupt) -> None:
        """Run the epoch, or the rest of it; an interruption leaves it unfinished."""
        self._put_weights_back()
        if self.batch == 0:
            self._sums = self._training_sums()
            self._seconds = 0.0
        started = time.perf_counter() - self._seconds
        self._call("on_epoch_begin")
        if not self._pass_done:
            self.model.train()
            for batch in self._remaining_batches():
                self._train_batch(batch)
                self._seconds = time.perf_counter() - started
                if self._is_to_end(interrupt):
                    return
            self._check_not_empty()
            self._pass_done = True
        self._call("on_pass_end")
        validation = self._validate(interrupt)
        self._seconds = time.perf_counter() - started
        if validation is None:
            self._put_weights_back()
        else:
            self._end_epoch(validation)

    def _train_batch(self, batch: Any) -> None:
        self._call("on_batch_begin")
        inputs, target = self.split(batch)
        output = self.forward(*inputs)
        loss = self.loss(output, target)
        batches.check_scalar(loss)
        self.batch_loss = float(loss.item())
        objective = with_penalties(loss, self.regularizers, output, target)
        try:
            # it is not finite if the loss or a penalty is not
            batches.check_finite(float(objective.item()), self._place(), inputs, self.model)
        except NonFiniteLossError as error:
            if not any(callback.on_bad_loss(self, error) for callback in self._active):
                raise
            return
        self._back(objective)
        if self.optimizer.needs_closure:
            self._step_with_closure(objective, inputs, target)
        else:
            self.optimizer.step()
        self._rates = self._learning_rates()
        if self.scheduler is not None and self.scheduler_interval == "batch":
            self.scheduler.step()
        add_batch(self._sums, self.loss, self.batch_loss, output, target, self._reporting())
        self.batch += 1
        self.step += 1
        self._call("on_batch_end")

    def _back(self, objective: Tensor) -> None:
        """New gradients."""
        self.optimizer.zero_grad()
        objective.backward()

    def _step_with_closure(self, objective: Tensor, inputs: list[Any], target: Any) -> None:
        """Let an optimizer compute the loss again and again; the first time it is known already."""
        known = [objective]

        def closure() -> Tensor:
            if known:
                return known.pop()
            output = self.forward(*inputs)
            loss = self.loss(output, target)
            again = with_penalties(loss, self.regularizers, output, target)
            self._back(again)
            return again

        with values_kept(self.regularizers):
            self.optimizer.step(closure)

    def _end_epoch(self, validation: dict[str, Any]) -> None:
        measured = {**self.running_means(), **validation}
        self.logs = {**measured, **self._rates, "seconds": self._seconds}
        reports: dict[str, Any] = {}
        for callback in self._active:
            reports |= callback.report(self)
        self.logs = {**measured, **self._rates, **reports, "seconds": self._seconds}
        self.history.append(self.logs)
        self.epoch += 1
        self.batch = 0
        self._pass_done = False
        if self.scheduler is not None and self.scheduler_interval == "epoch":
            if isinstance(self.scheduler, ReduceLROnPlateau):
                self.scheduler.step(self.logs[self._plateau_monitor])
            else:
                self.scheduler.step()
        self._call("on_epoch_end")

    def _validate(self, interrupt: Interrupt) -> dict[str, Any] | None:
        """The results of validation, or None if it was interrupted: then it left no trace."""
        if self._val_loader is None:
            return {}
        randomness, positions = random_state(), trainer_state.position_of(self._val_loader)
        self.val_batch, self.val_batches = 0, batches.length_of(self._val_loader)
        self._call("on_validation_begin")
        results = self._measure(self._counted(self._val_loader), lambda: not interrupt.requested)
        if results is None:
            set_random_state(randomness)
            trainer_state.go_to(self._val_loader, positions)
            return None
        return {f"val_{name}": value for name, value in results.items()}

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
        trainer_state.go_to(self._train_loader, self._pending["train"])
        trainer_state.go_to(self._val_loader, self._pending["val"])
        set_random_state(self._pending["random"])
        self._pending = None

    def _put_weights_back(self) -> None:
        """Undo `use_weights`, unless the parameters are others now: then those were meant."""
        aside = self._set_aside
        if aside is not None and aside["instead"] == trainer_state.fingerprint(self.model):
            self.model.load_state_dict(aside["weights"])
        self._set_aside = None

    def _remaining_batches(self) -> Iterable[Any]:
        """The batches that are left of this epoch; our own loaders know which those are."""
        if self.batch and not trainer_state.has_position(self._train_loader):
            return itertools.islice(self._train_loader, self.batch, None)
        return self._train_loader  # type: ignore[no-any-return] # any iterable of batches

    def _finish(self, interrupt: Interrupt) -> None:
        """Note how training ended, and tell the callbacks."""
        is_over = self.epoch >= self.epochs or self.stop_reason is not None
        self.interrupted = interrupt.requested and not is_over
        if self.interrupted or self.batch:
            self._pending = self._positions()
        if self.interrupted:
            self._call("on_interrupt")
        self._call("on_train_end")

    def _abandon_epoch(self) -> None:
        """After an error: the next fit begins the epoch anew."""
        if self._pending is None:  # otherwise the epoch has not begun yet
            self.batch = 0
            self._pass_done = False

    def _is_to_end(self, interrupt: Interrupt) -> bool:
        return interrupt.requested or self.stop_reason is not None

    def _call(self, moment: str) -> None:
        for callback in self._active:
            getattr(callback, moment)(self)

    def _check_not_empty(self) -> None:
        if self.batch == 0:
            raise ArgumentError(
                f"fit: the training data gave no batch in epoch {self.epoch + 1}"
                f"{batches.why_empty(self._train_loader)}"
            )

    def _place(self) -> str:
        of = "" if self.batches_per_epoch is None else f" of {self.batches_per_epoch}"
        return f"step {self.step + 1} (epoch {self.epoch + 1}, batch {self.batch + 1}{of})"

    @property
    def _plateau_monitor(self) -> str:
        if self.monitor is not None:
            return self.monitor
        return "loss" if self._val_loader is None else "val_loss"

    def _learning_rates(self) -> dict[str, float]:
        """The rates by name: lr of the first parameter group, lr_1 … of further ones."""
        groups = self.optimizer.param_groups
        return {f"lr_{i}" if i else "lr": float(group["lr"]) for i, group in enumerate(groups)}

    # --- measuring -----------------------------------------------------------------------------

    def running_means(self) -> dict[str, Any]:
        """Loss and metrics over the batches of this epoch so far, weighted by samples."""
        return {name: plain_value(metric.compute()) for name, metric in self._sums.items()}

    def _training_sums(self) -> dict[str, Metric]:
        """Empty sums for what is measured in training: also what regularizers report."""
        named = [one.name for one in self._reporting()]
        return {**self._new_sums(), **{name: Mean(name) for name in named}}

    def _reporting(self) -> list[Any]:
        """What reports a number in each step."""
        return reporting(self.optimizer, self.regularizers)

    # --- saving --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """A copy of everything that a resumed run needs to continue exactly, bit for bit.

        It holds weights, optimizer, scheduler, regularizers, the loaders' positions, random states,
        counters, the sums of an unfinished epoch, history, callbacks' states, and `extra`; where a
        callback gave the model its best weights (`use_weights`), also the last ones.
        """
        return trainer_state.state_of(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state; the next `fit` continues from it, in the middle of an epoch if need be.

        Build model, optimizer, scheduler, metrics and callbacks as they were, and pass the same
        data and batch size. Raises StateDictError if something does not fit.
        """
        trainer_state.load_state(self, state)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `state_dict()` to a file, atomically."""
        trainer_state.write(self, path)

    def resume(self, path: str | os.PathLike[str]) -> None:
        """Load a file that `save` wrote; raises FileFormatError for another kind of file."""
        trainer_state.read(self, path)

    def _positions(self) -> dict[str, Any]:
        if self._pending is not None:
            return self._pending
        return {
            "train": trainer_state.position_of(self._train_loader),
            "val": trainer_state.position_of(self._val_loader),
            "random": random_state(),
        }
