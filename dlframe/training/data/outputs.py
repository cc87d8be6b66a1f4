"""Models with several outputs: a loss and metrics for each of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dlframe.errors import ArgumentError, did_you_mean
from dlframe.metrics import Metric
from dlframe.tensor import Tensor

Key = int | str


class LossPerOutput:
    """The weighted sum of the losses of several outputs, which are a tuple, list or dict.

    >>> both = LossPerOutput({"a": lambda x, y: (x - y).abs().mean()}, {"a": 2.0}, "Trainer")
    >>> both({"a": Tensor(np.ones(3))}, {"a": Tensor(np.zeros(3))}).item()
    2.0
    """

    def __init__(self, losses: Mapping[Key, Any], weights: Any, owner: str) -> None:
        if not losses:
            raise ArgumentError(f"{owner}: loss is empty; pass a loss for each output")
        self.losses = {key: one for key, one in losses.items() if one is not None}
        self.weights = _weights(self.losses, losses, weights, owner)
        self.owner = owner

    def pairs(self, output: Any, target: Any) -> Iterator[tuple[Key, Any, Any]]:
        """The name of each output that has a loss, its value and its target."""
        for key in self.losses:
            yield (
                key,
                pick(output, key, "output", self.owner),
                pick(target, key, "target", self.owner),
            )

    def __call__(self, output: Any, target: Any) -> Any:
        parts = [
            self.losses[key](out, wanted) * self.weights[key]
            for key, out, wanted in self.pairs(output, target)
        ]
        return sum(parts[1:], start=parts[0])


def _weights(
    losses: Mapping[Key, Any], given: Mapping[Key, Any], weights: Any, owner: str
) -> dict[Key, float]:
    if weights is None:
        return dict.fromkeys(losses, 1.0)
    if isinstance(weights, Sequence) and not isinstance(weights, str):
        if len(weights) != len(given):
            raise ArgumentError(
                f"{owner}: {len(weights)} loss_weights for {len(given)} losses; pass one for each"
            )
        weights = dict(zip(given, weights, strict=True))
    if not isinstance(weights, Mapping):
        raise ArgumentError(
            f"{owner}: loss_weights must be a list or dict like loss; got {type(weights).__name__}"
        )
    for key, value in weights.items():
        if key not in given:
            hint = did_you_mean(key, map(str, given))
            raise ArgumentError(f"{owner}: loss_weights has {key!r}, and loss has not.{hint}")
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
        ):
            raise ArgumentError(f"{owner}: loss_weights[{key!r}] must be a number; got {value!r}")
    return {key: float(weights.get(key, 1.0)) for key in losses}


def pick(value: Any, key: Key, what: str, owner: str) -> Any:
    """The part of an output or target with this name or number."""
    if isinstance(key, str) and isinstance(value, Mapping):
        if key in value:
            return value[key]
        raise ArgumentError(
            f"{owner}: there is a loss for {key!r}, and the {what} has "
            f"{', '.join(map(str, value))}.{did_you_mean(key, map(str, value))}"
        )
    if isinstance(key, str) and hasattr(value, key) and isinstance(value, tuple):
        return getattr(value, key)  # a named tuple
    if isinstance(key, int) and isinstance(value, (tuple, list)):
        if key < len(value):
            return value[key]
        raise ArgumentError(
            f"{owner}: there is a loss for {what} {key}, and there are {len(value)}"
        )
    wanted = "a dict" if isinstance(key, str) else "a tuple or list"
    got = f"of shape {list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    raise ArgumentError(
        f"{owner}: loss is given for each output, so that the {what} must be {wanted} as well; got "
        f"{'a Tensor ' if isinstance(value, Tensor) else ''}{got}"
    )


def check_equal_sizes(parts: Mapping[Any, Any]) -> None:
    """Raise ArgumentError where the outputs of a batch count different numbers of samples."""
    sizes = {output_name(key): part.size for key, part in parts.items() if key is not None}
    if len(set(sizes.values())) > 1:
        counts = ", ".join(f"{name} {size:g}" for name, size in sizes.items())
        raise ArgumentError(
            "Trainer: with accumulate, all outputs have to count the same samples, since one "
            f"number weighs a batch in its group; in this one they count {counts}. Use "
            "accumulate=1 and a larger batch_size, or losses that ignore nothing and have the same "
            "weights"
        )


def output_name(key: Key) -> str:
    """The name of an output in the history."""
    return key if isinstance(key, str) else f"output_{key}"


class TotalLoss(Metric):
    """Σ wₖ mₖ: the means of the losses of outputs, each over what its own output counts.

    Outputs may ignore different labels, so that no one number of samples is that of all. The state
    is float64 (outputs, 2): sums and sizes. An output that counted nothing adds nothing.

    >>> total = TotalLoss({"a": 1.0, "b": 0.5})
    >>> total.update([1.0, 4.0], [2, 1])
    >>> total.update([4.0, 8.0], [1, 3])
    >>> total.compute()  # 6 / 3 + 0.5 * 28 / 4
    5.5
    """

    def __init__(self, weights: Mapping[Key, float]) -> None:
        self.weights = np.array(list(weights.values()))
        super().__init__("loss")

    def empty(self) -> Any:
        return np.zeros((len(self.weights), 2))

    def update(self, output: Any, target: Any) -> None:
        """Add the losses of a batch, with the sizes of its parts as `target`."""
        losses, sizes = np.asarray(output, np.float64), np.asarray(target, np.float64)
        counted = sizes > 0
        self.state[counted] += np.stack([losses * sizes, sizes], axis=1)[counted]

    def compute(self) -> float:
        sums, sizes = self.state.T
        counted = sizes > 0
        if not counted.any():
            return math.nan
        return float((self.weights[counted] * sums[counted] / sizes[counted]).sum())


class OfOutput(Metric):
    """A metric of one of several outputs, under the name `<output>_<metric>`."""

    def __init__(self, key: Key, metric: Metric) -> None:
        self.key, self.metric = key, copy.deepcopy(metric)
        super().__init__(f"{output_name(key)}_{metric.name}")

    def empty(self) -> Any:
        return self.metric.empty()

    def update(self, output: Any, target: Any) -> None:
        self.metric.update(output, target)

    def compute(self) -> Any:
        return self.metric.compute()

    def reset(self) -> None:
        self.metric.reset()

    def assume(self, scores: str | None) -> None:
        self.metric.assume(scores)

    @property
    def state(self) -> Any:
        return self.metric.state

    @state.setter
    def state(self, value: Any) -> None:
        self.metric.state = value
