"""What a Trainer does with one batch: loss, gradients, a step of the optimizer, numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from dlframe.errors import ArgumentError, GradientError
from dlframe.metrics import Mean, Metric
from dlframe.optim import OutputPenalty, Penalty
from dlframe.tensor import Tensor
from dlframe.training.accumulating import Group, divide_gradients
from dlframe.training.callbacks.callback import Callback
from dlframe.training.data import batches
from dlframe.training.data.batches import Batch, NonFiniteLossError
from dlframe.training.data.outputs import check_equal_sizes
from dlframe.training.data.weighting import ClassWeights, adds_up
from dlframe.training.evaluator import Evaluator, add_batch, plain_value
from dlframe.training.plan import Accumulation
from dlframe.training.regularizing import reporting, values_kept, with_penalties
from dlframe.training.scheduling import Schedule
from dlframe.training.several import Several


class Stepping(Evaluator):
    """The part of a Trainer that trains on one batch; `Trainer` is the loop around it."""

    measured: ClassVar[Sequence[str]] = ("loss",)
    """The names of the numbers that `train_step` returns, which are means in the history.

    Metrics are measured in training where "loss" is among them.
    """

    optimizer: Any
    regularizers: Sequence[Any]
    accumulation: Accumulation
    epoch: int
    batch: int
    step: int
    updates: int
    batches_per_epoch: int | None
    batch_loss: float
    _schedule: Schedule
    _group: Group
    _sums: dict[str, Metric]
    _rates: dict[str, float]
    _active: list[Callback]
    _recorded: set[str]
    _class_weights: ClassWeights | None

    def train_step(self, batch: Any) -> Mapping[str, Any]:
        """Train on one batch, and return numbers for the record, among them the loss.

        Override it to train in another way: to compute the loss otherwise, call `minimize(loss)`,
        which knows accumulation, regularizers and the schedule; to do everything, such as the steps
        of several optimizers, call nothing of this. The names of what it returns stand in
        `measured`.

        The model is in training mode. Raise nothing to skip a batch: return what was measured.
        """
        taken = self._take(batch, self._class_weights)
        given = taken.target
        output, loss = self._loss_of(taken)
        if self.accumulation:
            check_equal_sizes(taken.parts)
        value = float(loss.item())
        objective = with_penalties(loss, self._on_outputs(), output, taken.target)

        def again() -> Tensor:
            # another one: `taken` has the numbers for the record
            fresh = Batch(taken.inputs, given, taken.weight, taken.class_weights)
            result, loss = self._loss_of(fresh)
            return with_penalties(loss, self._on_outputs(), result, fresh.target)

        parts = {"inputs": taken.values(), "target": taken.target}
        self.minimize(objective, samples=taken.size, again=again, value=value, **parts)
        here = [one for one in self._reporting() if isinstance(one, OutputPenalty)]
        names = {*self._names(), *(one.name for one in here)}
        sums = {name: metric for name, metric in self._sums.items() if name in names}
        add_batch(sums, self.loss, value, output, taken, here)
        self._recorded |= names
        return {"loss": value}

    def minimize(
        self,
        loss: Tensor,
        *,
        samples: float = 1,
        again: Callable[[], Tensor] | None = None,
        inputs: Sequence[Any] = (),
        target: Any = None,
        value: float | None = None,
    ) -> None:
        """Add the gradients of a loss, and make a step of the optimizer when its group is full.

        Args:
            loss: one number, with its graph.
            samples: the samples that it is the mean of: its weight among the batches of a step.
            again: computes the loss anew, for optimizers that need it more than once.
            inputs, target: of the batch, for the message if the loss is not finite.
            value: the loss without penalties, for the callbacks.

        Raises:
            NonFiniteLossError: before any gradient.
        """
        if isinstance(self.optimizer, Several):
            raise ArgumentError(
                "minimize: with several optimizers it is not known which of them makes the step; "
                'let train_step call loss.backward() and self.optimizer["name"].step()'
            )
        batches.check_scalar(loss)
        self.batch_loss = float(loss.item()) if value is None else value
        whole = loss if self.accumulation else with_penalties(loss, self._on_weights(), None, None)
        # it is not finite if the loss or a penalty is not
        batches.check_finite(float(whole.item()), self._place(), list(inputs), self.model, target)
        if not whole.requires_grad:
            raise GradientError(self._why_no_gradient())
        group = self._group
        if self.optimizer.needs_closure:
            group.add(samples)
            self._update(self._closure(whole, again))
            return
        if group.batches == 0:
            self.optimizer.zero_grad()
        weight = 1.0
        if self.accumulation and not self._adds_up:
            weight = group.weight(samples)
        (whole if weight == 1.0 else whole * weight).backward()
        group.add(samples)
        self._call("on_backward_end")
        if group.batches >= self.accumulation.at(self.epoch) or self._is_last(self.batch + 1):
            self._update()

    def _why_no_gradient(self) -> str:
        if any(parameter.requires_grad for parameter in self.model.parameters()):
            return (
                f"the loss at {self._place()} does not depend on the parameters of the model by a "
                "graph: it was computed under no_grad(), or from detached tensors or arrays"
            )
        return (
            f"fit: all parameters of the model ({type(self.model).__name__}) are frozen, so there "
            "is nothing to train; model.requires_grad_(True) unfreezes them"
        )

    @property
    def _adds_up(self) -> bool:
        """Whether the losses of batches are sums, so that their gradients are added as they are."""
        return adds_up(self.loss)

    def _is_last(self, batch: int) -> bool:
        """Whether the batch of this number is known to be the last of the epoch."""
        return batch == self.batches_per_epoch

    def _update(self, closure: Callable[[], Tensor] | None = None) -> None:
        """The step of the optimizer, with the gradients of all batches of the group."""
        group = self._group
        if closure is not None:
            self._call("on_step_begin")
            with values_kept(self.regularizers):
                self.optimizer.step(closure)
        else:
            if self.accumulation and not self._adds_up:
                divide_gradients(self.optimizer, group.total)
            if self.accumulation and self._on_weights():
                penalties = with_penalties(Tensor(0.0), self._on_weights(), None, None)
                batches.check_finite(float(penalties.item()), self._place(), [], self.model)
                penalties.backward()
            self._call("on_step_begin")
            self.optimizer.step()
        samples = group.samples
        group.clear()
        for one in self._reporting():
            if not isinstance(one, OutputPenalty):
                self._sums[one.name].update(one.last, samples)
        self._count_update()

    def _count_update(self) -> None:
        self.updates += 1
        self._rates = self._learning_rates()
        if self._schedule.interval == "batch":
            self._schedule.step(lambda: None)
        self._call("on_step_end")

    def _closure(self, whole: Tensor, again: Callable[[], Tensor] | None) -> Callable[[], Tensor]:
        """The loss for an optimizer that asks repeatedly; the first time it is known already."""
        if again is None:
            raise ArgumentError(
                f"minimize: {type(self.optimizer).__name__} computes the loss more than once; pass "
                "again=, a function that returns it"
            )
        self.optimizer.zero_grad()
        whole.backward()
        self._call("on_backward_end")
        known = [whole]

        def closure() -> Tensor:
            if known:
                return known.pop()
            loss = with_penalties(again(), self._on_weights(), None, None)
            self.optimizer.zero_grad()
            loss.backward()
            return loss

        return closure

    def _train_batch(self, batch: Any) -> None:
        """A batch with its moments and its numbers."""
        self._call("on_batch_begin")
        self._recorded = set()
        before = (self.updates, self._group.batches)
        try:
            numbers = self.train_step(batch)
            if (self.updates, self._group.batches) == before:
                self._check_own_step(numbers)
        except NonFiniteLossError as error:
            if not any(callback.on_bad_loss(self, error) for callback in self._active):  # type: ignore[arg-type] # a Trainer
                raise
            return
        self._record(numbers, batch)
        self.batch += 1
        self.step += 1
        self._call("on_batch_end")

    def _check_own_step(self, numbers: Any) -> None:
        """After a `train_step` of the user's that made its steps without `minimize`."""
        if self.accumulation:
            raise ArgumentError(
                f"Trainer: accumulate acts in minimize, and {type(self).__name__}.train_step makes "
                "its steps without it; call self.minimize(loss, samples=…), or accumulate there"
            )
        for name, value in (numbers or {}).items():
            if not math.isfinite(float(value)):
                raise NonFiniteLossError(
                    f"{name} is {float(value)} at {self._place()}; train_step may have changed the "
                    "weights already"
                )
        self._count_update()

    def _record(self, numbers: Any, batch: Any) -> None:
        """Add what `train_step` returned to the sums of the epoch."""
        if not isinstance(numbers, Mapping) or any(name not in numbers for name in self.measured):
            got = list(numbers) if isinstance(numbers, Mapping) else type(numbers).__name__
            raise ArgumentError(
                f"{type(self).__name__}.train_step must return a dict of the numbers that "
                f"`measured` lists, {', '.join(self.measured)}; got {got}"
            )
        missing = [name for name in self.measured if name not in self._recorded]
        if not missing:
            return
        parts = batch if isinstance(batch, (list, tuple)) else [batch]
        samples = batches.batch_length(parts[-1], parts[0]) if parts else 1
        for name in missing:
            self._sums[name].update(float(numbers[name]), samples)
        if self.measured[0] in missing:
            self.batch_loss = float(numbers[self.measured[0]])

    # --- measuring -----------------------------------------------------------------------------

    def update_metrics(self, output: Any, target: Any) -> None:
        """Add a batch to the metrics of the epoch, for a `train_step` of your own."""
        for metric in self.metrics:
            self._sums[metric.name].update(output, target)

    def running_means(self) -> dict[str, Any]:
        """Loss and metrics over the batches of this epoch so far, weighted by samples."""
        return {name: plain_value(metric.compute()) for name, metric in self._sums.items()}

    def _training_sums(self) -> dict[str, Metric]:
        """Empty sums for what is measured in training: also what regularizers report."""
        own = self._new_sums() if "loss" in self.measured else {}
        named = [*self.measured, *(one.name for one in self._reporting())]
        return {**own, **{name: Mean(name) for name in named if name not in own}}

    def _reporting(self) -> list[Any]:
        """What reports a number in each step."""
        return reporting(self.optimizer, self.regularizers)

    def _on_outputs(self) -> list[Any]:
        """The penalties that each batch has."""
        return [one for one in self.regularizers if isinstance(one, OutputPenalty)]

    def _on_weights(self) -> list[Any]:
        """The penalties that each step has once."""
        return [one for one in self.regularizers if isinstance(one, Penalty)]

    def _learning_rates(self) -> dict[str, float]:
        """The rates by name: lr of the first parameter group, lr_1 … of further ones."""
        if isinstance(self.optimizer, Several):
            return {
                f"lr_{name}_{i}" if i else f"lr_{name}": float(group["lr"])
                for name, one in self.optimizer.items()
                for i, group in enumerate(one.param_groups)
            }
        groups = self.optimizer.param_groups
        return {f"lr_{i}" if i else "lr": float(group["lr"]) for i, group in enumerate(groups)}

    def _place(self) -> str:
        of = "" if self.batches_per_epoch is None else f" of {self.batches_per_epoch}"
        return f"step {self.step + 1} (epoch {self.epoch + 1}, batch {self.batch + 1}{of})"

    def _call(self, moment: str) -> None:
        for callback in self._active:
            getattr(callback, moment)(self)
