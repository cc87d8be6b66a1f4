"""Copies of a model's parameters along its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from dlframe import states
from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


class Snapshots(Callback):
    """Records the parameters at the start of training and after each epoch.

    With `every_batches`, it records after so many batches instead. A loop of your own calls
    `record(model)`. `weights[i]` are copies of the parameters by name, `steps[i]` the batches done
    by then. Buffers, such as the statistics of BatchNorm, are not recorded. Each snapshot needs as
    much memory as the parameters, and is part of a trainer's checkpoints.

    >>> model = nn.Linear(2, 1)
    >>> snapshots = Snapshots()
    >>> snapshots.record(model)
    >>> list(snapshots.weights[0]), len(snapshots)
    (['weight', 'bias'], 1)
    """

    def __init__(self, every_batches: int | None = None) -> None:
        if every_batches is not None and every_batches < 1:
            raise ArgumentError(f"Snapshots: every_batches must be 1 or more; got {every_batches}")
        self.every_batches = every_batches
        self.weights: list[dict[str, NDArray[Any]]] = []
        self.steps: list[int] = []

    def __len__(self) -> int:
        return len(self.weights)

    def record(self, model: Module, step: int | None = None) -> None:
        """Copy the model's parameters; `step` is counted up by one unless given."""
        if step is None:
            step = self.steps[-1] + 1 if self.steps else 0
        self.weights.append({name: p.array.copy() for name, p in model.named_parameters()})
        self.steps.append(step)

    def on_train_begin(self, trainer: Trainer) -> None:
        if not self.weights:
            self.record(trainer.model, trainer.step)

    def on_batch_end(self, trainer: Trainer) -> None:
        if self.every_batches is not None and trainer.step % self.every_batches == 0:
            self.record(trainer.model, trainer.step)

    def on_epoch_end(self, trainer: Trainer) -> None:
        if self.every_batches is None:
            self.record(trainer.model, trainer.step)

    def state_dict(self) -> dict[str, Any]:
        return {
            "steps": list(self.steps),
            "weights": {str(i): dict(weights) for i, weights in enumerate(self.weights)},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        where = "Snapshots.load_state_dict"
        steps = states.take(state, where, steps=states.listed(states.count))["steps"]
        arrays = states.mapping(states.numbers())
        all_weights = states.take(state, where, weights=states.mapping(arrays))["weights"]
        keys = [str(i) for i in range(len(steps))]
        weights = states.take(all_weights, f"{where}, weights", **dict.fromkeys(keys, arrays))
        self.steps = list(steps)
        self.weights = [{n: a.copy() for n, a in weights[key].items()} for key in keys]
