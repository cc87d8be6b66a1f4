"""The gradients of several batches, for one step of the optimizer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlframe import states
from dlframe.autograd import mark_mutated
from dlframe.errors import StateDictError
from dlframe.nn.parameter import is_lazy
from dlframe.optim import Optimizer
from dlframe.tensor import Tensor


class Group:
    """The batches since the last step of the optimizer.

    Their gradients are added up in `.grad`, each loss with the weight nᵢ / n₁, its samples over
    those of the first batch of the group. The sum of the weights, `total`, divides the gradients
    before the step. So a step is that of one large batch, g = Σᵢ nᵢ gᵢ / Σᵢ nᵢ, and batches of
    equal size are added without a rounding more.

    Attributes:
        batches: how many.
        samples: how many samples they have, or the sum of the samples' weights.
        first: those of the first one that has any.
    """

    def __init__(self) -> None:
        self.batches = 0
        self.samples: float = 0.0
        self.first: float = 0.0
        self._kept: dict[str, Any] | None = None  # gradients, for the next fit

    @property
    def total(self) -> float:
        """The sum of the weights of the losses."""
        return self.samples / self.first if self.first else 1.0

    def weight(self, samples: float) -> float:
        """The weight of the loss of the next batch."""
        if not samples:
            return 0.0  # all of its samples weigh nothing
        return samples / self.first if self.first else 1.0

    def add(self, samples: float) -> None:
        """Count a batch whose gradients have been added."""
        if not self.first:  # a batch may weigh nothing
            self.first = samples
        self.batches += 1
        self.samples += samples

    def clear(self) -> None:
        """Begin a new group."""
        self.batches = 0
        self.samples = self.first = 0.0
        self._kept = None

    def keep(self, optimizer: Optimizer) -> None:
        """Note the gradients, which may change until the next `fit`."""
        self._kept = _gradients(optimizer) if self.batches else None

    def check(self, optimizer: Optimizer, where: str) -> None:
        """Raise StateDictError unless the gradients that were loaded fit the parameters."""
        for number, parameter in enumerate(_parameters(optimizer)):
            value = (self._kept or {}).get(str(number))
            if value is None or is_lazy(parameter):
                continue
            if value.shape != parameter.array.shape or value.dtype != parameter.array.dtype:
                raise StateDictError(
                    f"{where}: the saved gradient of parameter {number} has shape {value.shape} "
                    f"and dtype {value.dtype}, the parameter {parameter.array.shape} and "
                    f"{parameter.array.dtype}"
                )

    def put_back(self, optimizer: Optimizer) -> None:
        """Give the parameters the gradients that were noted or loaded."""
        if self._kept is None:
            return
        self.check(optimizer, "fit")
        for number, parameter in enumerate(_parameters(optimizer)):
            value = self._kept.get(str(number))
            parameter.grad = None if value is None else Tensor(value.copy())
        self._kept = None

    def state_dict(self, optimizer: Optimizer) -> dict[str, Any]:
        """The numbers and gradients of an unfinished group; empty between two groups."""
        if not self.batches:
            return {}
        kept = _gradients(optimizer) if self._kept is None else dict(self._kept)
        return {
            "batches": self.batches,
            "samples": self.samples,
            "first": self.first,
            "gradients": kept,
        }

    def load_state_dict(self, state: Any, where: str) -> None:
        """Load what `state_dict` gave; `put_back` hands out the gradients."""
        self.clear()
        if not state:
            return
        given = states.take(
            state,
            where,
            batches=states.integer(1),
            samples=states.not_negative,
            first=states.not_negative,
            gradients=states.mapping(states.numbers()),
        )
        self.batches, self.samples, self.first = given["batches"], given["samples"], given["first"]
        self._kept = {name: np.array(value) for name, value in given["gradients"].items()}


def divide_gradients(optimizer: Optimizer, total: float) -> None:
    """Divide the gradients of an optimizer's parameters by a number, in place."""
    if total == 1.0:
        return
    for parameter in _parameters(optimizer):
        if parameter.grad is not None:
            array = parameter.grad.array
            np.divide(array, total, out=array)
            mark_mutated(array, "accumulate")


def _parameters(optimizer: Optimizer) -> Iterable[Any]:
    return (p for group in optimizer.param_groups for p in group["params"])


def _gradients(optimizer: Optimizer) -> dict[str, Any]:
    """Copies of the gradients, by the number of the parameter."""
    return {
        str(number): p.grad.array.copy()
        for number, p in enumerate(_parameters(optimizer))
        if p.grad is not None
    }
