"""What `fit` accepts as data, what a batch is made of, and how its loss is checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dlframe.data import DataLoader, TensorDataset
from dlframe.errors import ArgumentError, DlframeError, DTypeError, ShapeError
from dlframe.tensor import Tensor, to_array


class NonFiniteLossError(DlframeError, FloatingPointError):
    """A loss that is NaN or infinite; the weights are those from before this batch."""


# --- loaders -----------------------------------------------------------------------------------


def make_loader(
    data: Any, batch_size: int, *, shuffle: bool, num_workers: int, where: str
) -> Iterable[Any]:
    """A loader of the given data: a loader, a pair (x, y) of arrays, a data set, or batches."""
    if isinstance(data, DataLoader):
        return data
    if _is_arrays(data):
        data = TensorDataset(*[_as_tensor(part) for part in data])
    elif isinstance(data, (Tensor, np.ndarray)):
        raise DTypeError(
            f"{where}: the data must hold inputs and targets; got one array of shape "
            f"{tuple(data.shape)}. Pass the pair (x, y)"
        )
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, list):
        # shuffling an empty data set is an error of the sampler, which cannot say which data it was
        shuffle = shuffle and len(data) > 0
        return DataLoader(data, batch_size, shuffle=shuffle, num_workers=num_workers)
    if hasattr(data, "__iter__"):
        return data  # type: ignore[no-any-return] # batches, in whatever form they come
    raise DTypeError(
        f"{where}: expected a DataLoader, a pair (x, y), a data set or an iterable of batches; got "
        f"{type(data).__name__}"
    )


def _is_arrays(data: Any) -> bool:
    return (
        isinstance(data, (tuple, list))
        and len(data) >= 2
        and all(isinstance(part, (Tensor, np.ndarray)) for part in data)
    )


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
    if not isinstance(loader, DataLoader):
        return ". An iterator can be used once only: pass something that can be iterated again"
    samples = length_of(loader.dataset)
    if loader.drop_last:
        return f": {samples} samples with batch_size={loader.batch_size} and drop_last=True"
    return f": the data set has {samples} samples"


# --- batches -----------------------------------------------------------------------------------


def split_batch(batch: Any) -> tuple[list[Any], Any]:
    """The inputs and the target of a batch: [x] and y of (x, y), [a, b] and y of (a, b, y)."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        what = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else type(batch).__name__
        raise ShapeError(
            f"Trainer: a batch must be (inputs, targets), and this one is {what}. Let the data "
            "set give pairs, or override Trainer.split"
        )
    *inputs, target = batch
    return [_as_tensor(part) for part in inputs], _as_tensor(target)


def inputs_of(batch: Any) -> list[Any]:
    """The model's inputs of a batch, whether it has targets or not."""
    if isinstance(batch, (tuple, list)):
        return [_as_tensor(part) for part in (batch[:-1] if len(batch) > 1 else batch)]
    return [_as_tensor(batch)]


def _as_tensor(value: Any) -> Any:
    return Tensor(value) if isinstance(value, np.ndarray) else value


def batch_length(target: Any, output: Any) -> int:
    """How many samples a batch has: its weight in the epoch's means."""
    for value in (target, output):
        if isinstance(value, (Tensor, np.ndarray)) and value.ndim > 0:
            return int(value.shape[0])
    return 1


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


def per_sample(loss: Callable[..., Any], value: float, samples: int) -> float:
    """The mean loss of a batch: one with reduction="sum" is divided by the samples."""
    return value / samples if getattr(loss, "reduction", "mean") == "sum" else value


def check_finite(value: float, place: str, inputs: list[Any], model: Any) -> None:
    """Raise NonFiniteLossError for NaN and infinities; the message names the likely cause."""
    if math.isfinite(value):
        return
    raise NonFiniteLossError(f"the loss is {value} at {place}. {_cause(inputs, model)}")


def _cause(inputs: list[Any], model: Any) -> str:
    for number, part in enumerate(inputs):
        bad = _count_bad(part)
        if bad:
            name = "input" if len(inputs) == 1 else f"input {number}"
            return f"The cause is in the data: {bad} values of this batch's {name} are not finite"
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
    array = to_array(value)
    return int((~np.isfinite(array)).sum()) if array.dtype.kind == "f" else 0
