"""Trainer: the loop of training, with validation, history, callbacks and exact resumption."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlframe.base.elsewhere import Elsewhere
from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.nn.modes import modes_kept
from dlframe.optim import Regularizer
from dlframe.training import trainer_state
from dlframe.training.accumulating import Group
from dlframe.training.by_name import make_optimizer, make_schedule
from dlframe.training.callbacks.callback import Callback, ordered
from dlframe.training.callbacks.monitor import check_monitor
from dlframe.training.callbacks.progress import ProgressBar, for_verbose
from dlframe.training.checks import check_lists, check_parts
from dlframe.training.data import batches
from dlframe.training.data.data_forms import fit_data, make_loader, with_target
from dlframe.training.data.outputs import LossPerOutput
from dlframe.training.data.stream import Limited, Stream, first_batches
from dlframe.training.data.weighting import ClassWeights, adds_up, ignored_by
from dlframe.training.history import History
from dlframe.training.initializing import initialize
from dlframe.training.interrupt import Interrupt
from dlframe.training.keywords import with_known_keywords
from dlframe.training.looping import Looping
from dlframe.training.plan import Accumulation, Plan, check_count, epochs_until, make_plan
from dlframe.training.rate_range import RateRange, find_rate
from dlframe.training.regularizing import clipping, hooks_attached
from dlframe.training.scheduling import Schedule
from dlframe.training.several import Several
from dlframe.training.trial import tried

if TYPE_CHECKING:
    from dlframe.training.doctor.report import Report


class Trainer(Looping):
    """Trains a model: `Trainer(model, loss, optimizer).fit(train, val, epochs=10)`.

    Args:
        loss, metrics, loss_weights, inputs, target, weight, scale: see `Evaluator`: names, several
            outputs, the parts of a batch, bytes.
        optimizer: of the model's parameters; ArgumentError if it holds none of them. A dict of
            several, by name, for a subclass with a `train_step` of its own.
        metrics: measured on each training batch as it is trained on, and on the validation data.
            A metric that was not told what scores are learns it from the last layer of the model or
            from the loss (`metrics.scores_of`): probabilities are cut at 0.5, logits at 0.
        callbacks: see `Callback`.
        scheduler: of the learning rate; stepped after each epoch, or after each step of the
            optimizer with `scheduler_interval="batch"`. ReduceLROnPlateau gets the value of
            `monitor`, which is "val_loss" unless given ("loss" where there is no validation).
            "one_cycle", "cosine", "linear", or a function of (optimizer, steps) that returns a
            schedule: made when `fit` knows the number of all steps, and stepped with each of them.
        clip_grad_norm, clip_grad_value: limit the gradients before each step: short for
            `optim.ClipGradNorm` and `optim.ClipGradValue` before the other regularizers.
        regularizers: penalties, such as `optim.L1`, are added to what is minimized, not to the
            loss that is reported, and not in validation. Constraints, decay, noise and clipping,
            such as `optim.MaxNorm`, are attached to the optimizer during `fit`. The history has the
            mean of each one's number under its name.
        extra: values to keep in every file that `save` writes, such as the configuration.
        accumulate: the batches of one step of the optimizer, whose gradients are averaged over all
            their samples; or a schedule: `{0: 4, 10: 1}` is 4, and 1 from when 10 epochs are done.
        initializer: new values for the weights, see `initialize`; None leaves them as they are.

    It does nothing that a loop of your own could not do with the public API. A subclass can
    override `split` and `forward`, see `Evaluator`, and `train_step`.

    >>> x = dl.linspace(-1, 1, 64).reshape(64, 1)
    >>> model = nn.Linear(1, 1)
    >>> trainer = Trainer(model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.5))
    >>> history = trainer.fit((x, 2 * x + 1), epochs=20, batch_size=16, progress=False)
    >>> history["loss"][-1] < 0.01, model.bias.item()
    (True, 1.0)
    """

    @with_known_keywords
    def __init__(
        self,
        model: Module,
        loss: Any,
        optimizer: Any,
        metrics: Any = (),
        callbacks: Sequence[Callback] = (),
        scheduler: Any = None,
        *,
        scheduler_interval: str | None = None,
        monitor: str | None = None,
        clip_grad_norm: float | None = None,
        clip_grad_value: float | None = None,
        regularizers: Sequence[Regularizer] = (),
        extra: dict[str, Any] | None = None,
        accumulate: int | Mapping[int, int] = 1,
        initializer: Any = None,
        loss_weights: Any = None,
        inputs: Any = None,
        target: Any = None,
        weight: Any = None,
        scale: float | None = None,
    ) -> None:
        super().__init__(
            model, loss, metrics, loss_weights=loss_weights,
            inputs=inputs, target=target, weight=weight, scale=scale,
        )  # fmt: skip
        check_lists("Trainer", callbacks=callbacks, regularizers=regularizers)
        regularizers = [*clipping(clip_grad_norm, clip_grad_value), *regularizers]
        self.accumulation = Accumulation(accumulate)
        if isinstance(optimizer, Mapping):
            together: Any = Several(optimizer)
        else:
            together = make_optimizer(optimizer, model)
        check_parts(
            model, self.loss, together, self.metrics, regularizers,
            accumulates=bool(self.accumulation),
            own_step=type(self).train_step is not Trainer.train_step,
        )  # fmt: skip
        if self.accumulation:
            adds_up(self.loss)  # raises where there is no answer
        self.optimizer = together
        self._schedule = Schedule(make_schedule(scheduler, together), together, scheduler_interval)
        self.callbacks = ordered(callbacks)
        self.monitor = monitor
        self.regularizers = regularizers
        self.extra = extra or {}
        if initializer is not None:
            initialize(model, initializer)

        self.epoch = 0  # epochs completed
        self.batch = 0  # batches done in the present epoch
        self.step = 0  # batches done in all epochs
        self.updates = 0  # steps of the optimizer in all epochs
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

        self._plan = Plan()
        self._group = Group()  # the batches since the last step of the optimizer
        self._sums = self._training_sums()
        self._rates: dict[str, float] = {}  # the learning rates of the last batch
        self._seconds = 0.0  # spent in the present epoch
        self._pass_done = False  # whether of this epoch only the validation is left
        self._validated_at = 0  # the step of the last validation inside of an epoch
        self._stream = Stream(())
        self._val_loader: Any = None
        self._pending: dict[str, Any] | None = None  # positions and random state for the next fit
        self._set_aside: dict[str, Any] | None = None  # weights for the next fit; see use_weights
        self._active: list[Callback] = []
        self._class_weights: ClassWeights | None = None

    @property
    def scheduler(self) -> Any:
        """The schedule; None where there is none, or where `fit` has not made it yet."""
        return self._schedule.scheduler

    @scheduler.setter
    def scheduler(self, scheduler: Any) -> None:
        self._schedule = Schedule(scheduler, self.optimizer, None)

    @property
    def scheduler_interval(self) -> str:
        """When the schedule makes its step: "epoch" or "batch"."""
        return self._schedule.interval

    @scheduler_interval.setter
    def scheduler_interval(self, interval: str) -> None:
        self._schedule.interval = interval

    if not TYPE_CHECKING:  # in Keras, Lightning, skorch and fastai; see also Evaluator
        add_callback = add_cb = Elsewhere("It is trainer.callbacks.append(callback)")
        auto_lr_find = lr_find = tune = tuner = Elsewhere("It is trainer.find_lr(data)")
        callback_metrics = logged_metrics = Elsewhere("The last values are in trainer.logs")
        current_epoch = Elsewhere("The epochs that are done are trainer.epoch")
        fine_tune = freeze = unfreeze = Elsewhere("Freeze layers with training.Freeze(…)")
        fit_generator = Elsewhere("It is trainer.fit(loader)")
        fit_one_cycle = Elsewhere('It is Trainer(…, scheduler="one_cycle") and fit')
        global_step = Elsewhere("It is trainer.step in batches, trainer.updates in steps")
        history_ = recorder = Elsewhere("It is trainer.history")
        load = load_checkpoint = Elsewhere("It is trainer.resume(path), before fit")
        lr = learning_rate = Elsewhere("It is trainer.optimizer.param_groups[0]['lr']")
        max_epochs = num_epochs = Elsewhere("It is an argument: trainer.fit(data, epochs=n)")
        model_ = Elsewhere("It is trainer.model")
        opt = optimizer_ = optimizers = Elsewhere("It is trainer.optimizer")
        partial_fit = Elsewhere("It is trainer.fit(x, y, more_epochs=1)")
        save_checkpoint = save_model = Elsewhere("It is trainer.save(path)")
        should_stop = stop_training = Elsewhere("Stop with trainer.stop(reason)")
        train = Elsewhere("It is trainer.fit(data, epochs=n)")
        train_on_batch = training_step = Elsewhere("It is trainer.train_step(batch)")

    # --- training ------------------------------------------------------------------------------

    @with_known_keywords
    def fit(
        self,
        train: Any,
        val: Any = None,
        epochs: int | None = None,
        *,
        more_epochs: int | None = None,
        y: Any = None,
        validation_data: Any = None,
        validation_split: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        num_workers: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validate_every: int = 1,
        validate_every_batches: int | None = None,
        max_steps: int | None = None,
        max_time: Any = None,
        overfit_batches: int | None = None,
        fast_dev_run: bool | int = False,
        progress: bool | None = None,
        verbose: Any = None,
    ) -> History:
        """Train until `epochs` epochs are done in all, and return the history.

        `fit(x, y)` and `fit((x, y))` train on arrays, `fit(loader)` on a loader, a data set or an
        iterable of batches; arrays and data sets are put into loaders with `batch_size`,
        `num_workers` and, for the training data, `shuffle`. See `Evaluator` for what a batch may
        be. `progress=None` shows a bar on a terminal and prints a line per epoch, True always shows
        the bar, and False shows nothing.

        Args:
            train: arrays (of NumPy, pandas or SciPy, tensors, lists of numbers) of inputs, the pair
                (x, y) of them, several inputs as (a, b, y), a list or dict, or what gives batches.
            val: the targets, if `train` holds inputs only; otherwise data to validate on.
            y: the targets, where the second argument is not to be used for them.
            validation_data: the same as `val`: (x, y), (x, y, weights), a loader, …
            validation_split: validate on this share of the data, the last part of them, as they
                are before they are shuffled. Or a `data.Split`, which draws them at random, by
                class or by group; a splitter of scikit-learn, or anything else that `data.split`
                takes. Of arrays and data sets; not of loaders.
            sample_weight: (N,), of arrays: the loss is the weighted mean Σ wᵢ ℓᵢ / Σ wᵢ of each
                batch, as with `nn.CrossEntropyLoss(weight=…)`. Metrics are not weighted.
            class_weight: of the training loss, not in validation: a dict from classes to weights
                (classes that are not in it weigh 1), a list with one for each class, or "balanced",
                N / (C · N_c). It is multiplied with the weights of samples. A label that the loss
                ignores is no class.
            verbose: Keras' way to say it, instead of `progress`: 0 nothing, 1 or "auto" a bar and
                lines, 2 lines only.
            epochs: of this trainer in all; 1 unless given, or as many as `max_steps` takes.
            more_epochs: the epochs after those that are done, instead of `epochs`.
            steps_per_epoch: the batches of an epoch, for long or endless data; the next epoch goes
                on where this one ended. None: an epoch is a pass over the data.
            validation_steps: use only the first so many batches of `val`.
            validate_every: validate after so many epochs. The others have no `val_…` (NaN in the
                history); schedules and callbacks that watch such a value wait.
            validate_every_batches: validate also inside of epochs, after so many batches each; the
                results are in `history.validations`, and EarlyStopping and ModelCheckpoint see
                them.
            max_steps: end when the optimizer has made so many steps in all (`updates`).
            max_time: end after the batch with which this time is over: seconds, "1h30m", or a
                timedelta. Another `fit`, also after `save` and `resume`, goes on.
            overfit_batches: train on the first so many batches only, the same in every epoch and
                not shuffled: a model that is right can learn them by heart.
            fast_dev_run: try everything once on so many batches (True: one), training, validation
                and callbacks, and put everything back. Callbacks that write files do not run.

        After Ctrl-C, `fit` finishes the batch, lets ModelCheckpoint save, and returns with
        `interrupted` set. Call `fit` again to continue. A second Ctrl-C raises KeyboardInterrupt
        at once.

        It raises ArgumentError if a loader has no batches, ShapeError if the loss is not one
        number, and NonFiniteLossError if the loss is NaN or infinite.
        """
        make: dict[str, Any] = {
            "batch_size": batch_size,
            "num_workers": num_workers,
            "where": "fit",
        }
        train, val = fit_data(
            train, val, y=y, validation_data=validation_data, validation_split=validation_split,
            sample_weight=sample_weight, needs_target=self._needs_target(),
            has_outputs=isinstance(self.loss, LossPerOutput),
        )  # fmt: skip
        self._class_weights = ClassWeights.made(class_weight, train, ignored_by(self.loss))
        train = make_loader(train, shuffle=shuffle, **make)
        if val is not None:
            val = make_loader(val, shuffle=False, **make)
        batches.check_not_empty("training", train)
        batches.check_not_empty("validation", val)  # now, not after a long epoch
        for name, count in (
            ("steps_per_epoch", steps_per_epoch),
            ("overfit_batches", overfit_batches),
        ):
            if count is not None:
                check_count(name, count)
        if fast_dev_run:
            check_count("fast_dev_run", int(fast_dev_run))
            return tried(
                self, train, val, int(fast_dev_run), progress=progress, verbose=verbose,
                class_weight=self._class_weights,
            )  # fmt: skip
        if overfit_batches is not None:
            train = first_batches(train, overfit_batches, "fit")
        stream = Stream(train, steps_per_epoch)
        self._plan = make_plan(
            epochs=epochs_until(
                done=self.epoch,
                epochs=epochs,
                more=more_epochs,
                for_steps=lambda: self._epochs_for(max_steps, stream.length),
            ),
            updates=self.updates,
            max_steps=max_steps,
            max_time=max_time,
            validate_every=validate_every,
            validate_every_batches=validate_every_batches,
            validation_steps=validation_steps,
        )
        self._begin(stream, val)
        self._active = self._with_progress(progress, verbose)
        try:
            with (
                Interrupt() as interrupt,
                modes_kept(self.model),
                hooks_attached(self.optimizer, self.regularizers),
            ):
                self._call("on_train_begin")
                self._go_to_position()
                self._put_weights_back()
                while self.epoch < self.epochs and not self._is_to_end(interrupt):
                    self._run_epoch(interrupt)
                self._finish(interrupt)
        except BaseException:
            self._abandon_epoch()
            raise
        finally:
            self._stream.restart()
            for callback in self._active:
                callback.close()
        return self.history

    def find_lr(
        self,
        train: Any,
        y: Any = None,
        *,
        start: float = 1e-7,
        end: float = 10.0,
        steps: int = 100,
        smoothing: float = 0.9,
        divergence: float = 4.0,
        linear: bool = False,
        set_lr: bool = False,
        batch_size: int = 32,
        shuffle: bool = True,
        num_workers: int = 0,
    ) -> RateRange:
        """The losses of `steps` steps at growing learning rates, and the rate that they suggest.

        It is `lr_range_test` with what `fit` does in a step: `forward`, regularizers, clipping,
        accumulation. Nothing is changed by it, unless `set_lr` gives the optimizer the rate that is
        suggested; groups keep the ratios of their rates.

        Raises ArgumentError as `lr_range_test`, and with `set_lr` where nothing is suggested or a
        schedule exists already, which has taken note of the old rate.
        """
        if isinstance(self.optimizer, Several):
            raise ArgumentError(
                "find_lr: with several optimizers it is not known whose rate is meant; use "
                "training.lr_range_test with one of them, and a loss of your own"
            )
        train = with_target(train, y, None, "find_lr", needs_target=self._needs_target())
        data = make_loader(
            train, batch_size, shuffle=shuffle, num_workers=num_workers, where="find_lr"
        )
        if set_lr and self.scheduler is not None:
            raise ArgumentError(
                "find_lr: the schedule has taken note of the learning rate already; find the rate "
                "first, or pass the schedule as a function of (optimizer, steps)"
            )
        found = find_rate(
            self, data, start=start, end=end, steps=steps, smoothing=smoothing,
            divergence=divergence, linear=linear,
        )  # fmt: skip
        if set_lr:
            if found.suggestion is None:
                raise ArgumentError(f"find_lr: no rate to set: {found}")
            groups = self.optimizer.param_groups
            first = float(groups[0]["lr"])
            for group in groups:
                group["lr"] = found.suggestion * (float(group["lr"]) / first if first else 1.0)
        return found

    def check(
        self, train: Any, val: Any = None, *, test: Any = None, batch_size: int = 32, **options: Any
    ) -> Report:
        """Look for the usual mistakes before training, and leave everything as it was.

        The data are those of `fit`; see `training.check` for the options and the report. Of several
        optimizers none is checked.
        """
        from dlframe.training.doctor.checking import check  # on first use: few runs call it

        optimizer = None if isinstance(self.optimizer, Several) else self.optimizer
        for name, data in (("training", train), ("validation", val), ("test", test)):
            if data is not None:
                needs_target = self._needs_target()
                with_target(data, None, None, f"check: {name} data", needs_target=needs_target)
        return check(
            self.model, self.loss, train, optimizer, val=val, test=test, batch_size=batch_size,
            split=self._pairs(), forward=self.forward, **options,
        )  # fmt: skip

    def _epochs_for(self, max_steps: int | None, length: int | None) -> int | None:
        """How many epochs `max_steps` takes; None where that is not known."""
        if max_steps is None or length is None:
            return None
        epochs = self.epoch
        while self.accumulation.steps(length, 0, epochs) < max_steps:
            epochs += 1
        return max(epochs, self.epoch + 1)

    def _steps_in_all(self) -> int | None:
        """The steps of the schedule in the whole training, as planned now."""
        if self._schedule.interval == "epoch":
            return self.epochs
        limit = self._plan.max_steps
        if self.batches_per_epoch is None:
            return limit
        steps = self.accumulation.steps(self.batches_per_epoch, 0, self.epochs)
        return steps if limit is None else min(steps, limit)

    def _begin(self, stream: Stream, val: Any) -> None:
        stream.goes_on = stream.loader is self._stream.loader
        self._stream = stream
        limit = self._plan.validation_steps
        self._val_loader = val if val is None or limit is None else Limited(val, limit)
        self.epochs = self._plan.epochs
        self.batches_per_epoch = stream.length
        self._schedule.begin(self._steps_in_all)
        self.interrupted = False
        self.stop_reason = None
        validated = [f"val_{name}" for name in self._names()] if val is not None else []
        measured = [*self._training_sums(), *validated, *self._learning_rates(), "seconds"]
        self.quantities = self._with_reported(measured)
        if self._schedule.watches:
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

    def _with_progress(self, progress: bool | None, verbose: Any) -> list[Callback]:
        if verbose is None:
            shown = None if progress is False else ProgressBar(bar=progress)
        elif progress is None:
            shown = for_verbose(verbose)
        else:
            raise ArgumentError(
                f"fit: progress={progress!r} and verbose={verbose!r} both say what is shown; pass "
                "one"
            )
        if shown is None or any(isinstance(c, ProgressBar) for c in self.callbacks):
            return self.callbacks
        return [shown, *self.callbacks]

    # --- saving --------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """For `pickle` and `copy.deepcopy`: everything but the data, which the next `fit` gets."""
        return {**vars(self), "_stream": Stream(()), "_val_loader": None, "_active": []}

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

    def save_copy(self, saved: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
        """Write the bytes of a file that was just saved, atomically: half the time of `save`."""
        trainer_state.copy(saved, path)

    def resume(self, path: str | os.PathLike[str]) -> None:
        """Load a file that `save` wrote; raises FileFormatError for another kind of file."""
        trainer_state.read(self, path)
