"""What a batch is made of, how its loss is checked, and what it weighs in an epoch's means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlframe.data import DataLoader
from dlframe.errors import ArgumentError, DlframeError, DTypeError, ShapeError
from dlframe.tensor import Tensor, to_array


class NonFiniteLossError(DlframeError, FloatingPointError):
    """A loss that is NaN or infinite; the weights are those from before this batch."""


@dataclass(slots=True)
class Measured:
    """An output of the model, and what it is compared with, in the forms that are asked for."""

    output: Any
    target: Any
    """As the loss takes it."""
    labels: Any
    """As metrics of labels take it: class numbers where the loss has one-hot rows."""
    loss: float = math.nan
    size: float = 0.0
    """What this batch weighs in a mean: its samples, or the sum of their weights."""


@dataclass(slots=True)
class Batch:
    """A batch on its way from the data to the loss."""

    inputs: list[Any] | dict[str, Any]
    target: Any
    """As the data give it; once the output is known, as the loss takes it."""
    weight: Any = None
    class_weights: Any = None
    size: float = 0.0
    parts: dict[Any, Measured] = field(default_factory=dict)
    """By the name of an output; None is the name of the only one."""

    def values(self) -> list[Any]:
        """The inputs in a row."""
        return list(self.inputs.values() if isinstance(self.inputs, dict) else self.inputs)


class Batches(list[Any]):
    """A list of batches, which is never taken for inputs and targets."""


# --- loaders -----------------------------------------------------------------------------------


def length_of(loader: Any) -> int | None:
    """How many batches, where the loader knows."""
    try:
        return len(loader)
    except (TypeError, NotImplementedError):
        return None


def check_not_empty(what: str, loader: Any) -> None:
    """Raise ArgumentError for a loader that knows that it has no batch."""
    if length_of(loader) == 0:
        raise ArgumentError(f"fit: the {what} data gave no batch{why_empty(loader)}")


def why_empty(loader: Any) -> str:
    """The likely reason why a loader has no batches, for a message."""
    if isinstance(loader, (list, tuple)):
        return f": the {type(loader).__name__} is empty"
    if not isinstance(loader, DataLoader):
        return ". An iterator can be used once only: pass something that can be iterated again"
    samples = length_of(loader.dataset)
    if loader.drop_last:
        return f": {samples} samples with batch_size={loader.batch_size} and drop_last=True"
    return f": the data set has {samples} samples"


def batch_length(*values: Any) -> int:
    """How many samples a batch has, by the first of these that is or holds an array."""
    for value in values:
        if isinstance(value, Tensor) and value.ndim:
            return len(value.array)
        for leaf in leaves(value):
            if isinstance(leaf, (Tensor, np.ndarray)) and leaf.ndim > 0:
                return int(leaf.shape[0])
    return 1


def leaves(value: Any) -> list[Any]:
    """What a nest of tuples, lists and dicts holds, in order."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


# --- the loss ----------------------------------------------------------------------------------


def check_scalar(loss: Any) -> None:
    """Raise ShapeError unless the loss is one number."""
    if not isinstance(loss, Tensor):
        raise DTypeError(f"Trainer: the loss must be a Tensor; got {type(loss).__name__}")
    if loss.ndim != 0 and loss.array.size != 1:
        raise ShapeError(
            f"Trainer: the loss must be one number to be minimised; got shape {tuple(loss.shape)}. "
            'Use reduction="mean", or end the loss function with .mean()'
        )


def per_sample(loss: Callable[..., Any] | None, value: float, samples: float) -> float:
    """The mean loss of a batch: one with reduction="sum" is divided by the samples."""
    is_sum = getattr(loss, "reduction", "mean") == "sum"
    return value / samples if is_sum and samples else value


def check_finite(
    value: float, place: str, inputs: list[Any], model: Any, target: Any = None
) -> None:
    """Raise NonFiniteLossError for NaN and infinities; the message names the likely cause."""
    if math.isfinite(value):
        return
    raise NonFiniteLossError(f"the loss is {value} at {place}. {_cause(inputs, model, target)}")


def _cause(inputs: list[Any], model: Any, target: Any) -> str:
    for number, part in enumerate(inputs):
        bad = _count_bad(part)
        if bad:
            name = "input" if len(inputs) == 1 else f"input {number}"
            return f"The cause is in the data: {bad} values of this batch's {name} are not finite"
    bad = _count_bad(target)
    if bad:
        return f"The cause is in the data: {bad} values of this batch's target are not finite"
    broken = [name for name, p in model.named_parameters() if _count_bad(p)]
    if broken:
        return (
            f"The weights are not finite any more ({', '.join(broken[:3])}"
            f"{', …' if len(broken) > 3 else ''}): an earlier step was too large. Lower the "
            "learning rate, or clip the gradients: Trainer(…, clip_grad_norm=1.0)"
        )
    return (
        "Inputs and weights are finite, so the numbers grew too large on the way, or the loss took "
        "the logarithm of zero. Lower the learning rate, or use a loss on logits; `with "
        "dl.autograd.detect_anomaly():` around fit() names the operation and the line"
    )


def _count_bad(value: Any) -> int:
    arrays = [to_array(leaf) for leaf in leaves(value) if isinstance(leaf, (Tensor, np.ndarray))]
    return sum(int((~np.isfinite(array)).sum()) for array in arrays if array.dtype.kind == "f")
