"""One batch on its way through model and loss, operation by operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlframe.nn.parameter import Parameter
from dlframe.ops.watching import Call, Watcher, in_backward, running, watched_by
from dlframe.tensor import Tensor
from dlframe.training.doctor.rows import Array, as_array

# Operations that leave the values as they are, or only choose among them.
ARRANGING = frozenset({
    "broadcast_to", "cast", "clip", "concatenate", "contiguous", "copy", "expand_dims", "reshape",
    "select_at", "slice_at", "squeeze", "swapaxes", "take_at", "take_region", "transpose",
})  # fmt: skip

# Operations that multiply by weights: the first of them sees the inputs.
PRODUCTS = frozenset({
    "addmm", "contract", "convolution", "gru_layer", "linear", "lstm_layer", "matmul", "rnn_layer",
})  # fmt: skip

# Losses whose first input are the outputs of a model; all others are unknown to the checks.
LOSSES = frozenset({
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "huber_loss",
    "l1_loss", "mse_loss", "nll_loss",
})  # fmt: skip


@dataclass
class Step:
    """A call of an operation."""

    name: str
    path: str  # the module that called it, "" for the model itself
    module: Any
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    options: dict[str, Any]
    in_loss: bool


class Observer(Watcher):
    """Notes the operations of one forward pass; they keep their tensors alive."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.in_loss = False

    def called(self, call: Call) -> None:
        """Note one call."""
        if in_backward():
            return
        inside = running()
        path = inside[-1].path.partition(".")[2] if inside else ""
        self.steps.append(
            Step(
                str(call.definition.name),
                path,
                inside[-1].module if inside else None,
                call.inputs,
                call.outputs,
                call.options,
                self.in_loss,
            )
        )


@contextmanager
def observed() -> Iterator[Observer]:
    """A context in which an observer sees all operations."""
    observer = Observer()
    with watched_by(observer):
        yield observer


@dataclass
class Observation:
    """What one batch gave: its output, its loss, and all steps between."""

    inputs: list[Any]
    target: Any
    output: Any
    loss: Tensor
    steps: list[Step]

    def __post_init__(self) -> None:
        self._makers = {
            id(out): step for step in self.steps for out in step.outputs if isinstance(out, Tensor)
        }

    @property
    def value(self) -> float:
        """The loss as a number."""
        return float(self.loss.item())

    @property
    def loss_step(self) -> Step | None:
        """The one known loss that was computed; None if there was none, or several."""
        found = [step for step in self.steps if step.name in LOSSES and step.in_loss]
        if len(found) == 1:
            return found[0]
        if found:
            return None
        # cross entropy against probabilities is made of other operations
        found = [step for step in self.steps if step.name == "log_softmax" and step.in_loss]
        y = as_array(self.target)
        if len(found) == 1 and y is not None and y.dtype.kind == "f":
            scores = as_array(found[0].inputs[0])
            if scores is not None and scores.shape == y.shape and self._is_weighed(found[0], y):
                return Step("cross_entropy", "", None, found[0].inputs, (self.loss,), {}, True)
        return None

    def _is_weighed(self, step: Step, y: Array) -> bool:
        """Whether a step's result is multiplied by numbers of the target's form.

        A loss that takes some of the result only, such as that of a policy gradient, has another
        target that may have this form by chance.
        """
        return any(
            out is one and any(i is not one and np.shape(i) == y.shape for i in user.inputs)
            for out in step.outputs
            for user in self.steps
            for one in user.inputs
        )

    @property
    def kind(self) -> str:
        """The name of the loss; "" for one that is not known."""
        step = self.loss_step
        return "" if step is None else step.name

    @property
    def is_plain(self) -> bool:
        """Whether that loss is all of the loss, without anything added."""
        step = self.loss_step
        return step is not None and any(out is self.loss for out in step.outputs)

    @property
    def scores(self) -> Array | None:
        """What the loss got from the model."""
        step = self.loss_step
        return None if step is None else as_array(step.inputs[0])

    @property
    def classes(self) -> int | None:
        """The number of classes that the scores have, for losses with class indices."""
        scores = self.scores
        if self.kind not in ("cross_entropy", "nll_loss") or scores is None:
            return None
        return int(scores.shape[1 if scores.ndim > 1 else 0])

    def last_of(self, value: Any, through: frozenset[str] = ARRANGING) -> Step | None:
        """The operation that made a value, leaving out those that only arrange it."""
        seen: set[int] = set()
        step = self._makers.get(id(value))
        while step is not None and step.name in through and id(step) not in seen:
            seen.add(id(step))
            if not step.inputs:
                return None
            step = self._makers.get(id(step.inputs[0]))
        return step

    def first_product(self) -> Step | None:
        """The first operation with weights; None after a normalization or an embedding.

        Those take inputs of any scale.
        """
        for step in self.steps:
            if step.in_loss or step.name in ("normalize", "take_rows"):
                return None
            first = step.inputs[0] if step.inputs else None
            if step.name in PRODUCTS and not isinstance(first, Parameter):
                return step
        return None

    def activation_bytes(self) -> int:
        """The memory of all results: at most this is kept for the backward pass."""
        owners = {}
        for step in self.steps:
            for out in step.outputs:
                array = as_array(out)
                if array is not None:
                    base = array if array.base is None else array.base
                    owners[id(base)] = getattr(base, "nbytes", array.nbytes)
        return sum(owners.values())


def finite(array: Array) -> bool:
    """Whether all numbers are finite."""
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
