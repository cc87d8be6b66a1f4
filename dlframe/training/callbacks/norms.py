"""The sizes of gradients and weights along training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlframe import states
from dlframe.errors import ArgumentError, StateDictError
from dlframe.training.callbacks.callback import Callback

if TYPE_CHECKING:
    from dlframe.training.trainer import Trainer


class NormLog(Callback):
    """Records the norms of each parameter and of its gradient: `steps`, `weights`, `gradients`.

    With `every=n` it looks at every n-th step of the optimizer, before it is made and before the
    gradients are clipped. `gradients["0.weight"]` is a list with one norm (of all elements,
    ‖g‖₂ in float64) for each of `steps`, NaN where the parameter had no gradient. Gradients
    that shrink or grow by a constant factor from layer to layer say that the initial values or
    the activations do not fit; a gradient norm that is far above the others in single steps, that
    clipping helps. For the norm over all parameters per epoch, pass `clip_grad_norm`.

    >>> x = dl.linspace(-1, 1, 8).reshape(8, 1)
    >>> model = nn.Linear(1, 1)
    >>> log = dl.training.NormLog()
    >>> trainer = dl.Trainer(
    ...     model, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), callbacks=[log]
    ... )
    >>> history = trainer.fit((x, x), epochs=3, progress=False)
    >>> log.steps, sorted(log.gradients), len(log.weights["bias"])
    ([1, 2, 3], ['bias', 'weight'], 3)
    """

    def __init__(self, every: int = 1) -> None:
        if every < 1:
            raise ArgumentError(f"NormLog: every must be 1 or more; got {every}")
        self.every = every
        self.steps: list[int] = []
        self.weights: dict[str, list[float]] = {}
        self.gradients: dict[str, list[float]] = {}

    def on_step_begin(self, trainer: Trainer) -> None:
        step = trainer.updates + 1
        if step % self.every:
            return
        for name, parameter in trainer.model.named_parameters():
            norms = (self.weights, parameter), (self.gradients, parameter.grad)
            for column, value in norms:
                # what appeared later has no earlier norms
                one = column.setdefault(name, [np.nan] * len(self.steps))
                one.append(np.nan if value is None else _norm(value.array))
        self.steps.append(step)

    def state_dict(self) -> dict[str, Any]:
        return {
            "steps": list(self.steps),
            "weights": {name: list(column) for name, column in self.weights.items()},
            "gradients": {name: list(column) for name, column in self.gradients.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        where = "NormLog.load_state_dict"
        columns = states.mapping(states.listed(states.any_number))
        given = states.take(
            state, where, steps=states.listed(states.count), weights=columns, gradients=columns
        )
        both = (*given["weights"].values(), *given["gradients"].values())
        if any(len(column) != len(given["steps"]) for column in both):
            raise StateDictError(f"{where}: the lists differ in length")
        self.steps = list(given["steps"])
        self.weights = {name: list(column) for name, column in given["weights"].items()}
        self.gradients = {name: list(column) for name, column in given["gradients"].items()}


def _norm(x: Any) -> float:
    return float(np.linalg.norm(np.ravel(x).astype(np.float64)))
