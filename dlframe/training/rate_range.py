"""The learning rate range test: which rates a model can take, found in a hundred batches."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlframe.autograd.modes import enable_grad
from dlframe.errors import ArgumentError
from dlframe.nn import Module
from dlframe.nn.utils import clip_grad_norm_
from dlframe.optim import Optimizer
from dlframe.optim.safety import unheeded
from dlframe.training.data import batches
from dlframe.training.data.batches import NonFiniteLossError
from dlframe.training.data.data_forms import make_loader
from dlframe.training.data.stream import is_once
from dlframe.training.evaluator import Evaluator
from dlframe.training.regularizing import hooks_attached
from dlframe.training.scheduling import Schedule
from dlframe.training.smoothing import RunningMean
from dlframe.training.untouched import untouched

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dlframe.training.trainer import Trainer

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RateRange:
    """The losses of a range test, (n,) each: `losses[i]` is that of the batch at `rates[i]`.

    `smoothed` is the running mean of `losses` over the batches. `diverged` says whether the test
    ended early because the loss grew too large or was not finite (the last loss then is the one
    that ended it).
    """

    rates: Array
    losses: Array
    smoothed: Array
    diverged: bool

    @property
    def lowest(self) -> float | None:
        """The rate at which the smoothed loss is lowest; None if no loss is finite.

        The first tenth of the steps is left out here and below: there the running mean has few
        batches, and its noise is larger than what the smallest rates can change.
        """
        place = self._lowest
        return None if place is None else float(self.rates[place])

    @property
    def lowest_tenth(self) -> float | None:
        """A tenth of `lowest`: the cautious rule, which needs a clear minimum."""
        return None if self.lowest is None else self.lowest / 10

    @property
    def steepest(self) -> float | None:
        """The rate before the minimum at which the smoothed loss falls fastest over log(rate).

        The slope is that between the points a twentieth of the steps before and after. Only rates
        above a hundredth of `lowest` count: far below, the loss falls by chance alone. None if it
        never falls.
        """
        last = self._lowest
        if last is None:
            return None
        first = max(self._first, int(np.searchsorted(self.rates, self.rates[last] / 100)))
        if first == last:
            return None
        reach = max(1, len(self.rates) // 20)
        places = np.arange(first, last + 1)
        before, after = np.maximum(places - reach, first), np.minimum(places + reach, last)
        x, y = np.log(self.rates), self.smoothed
        slopes = (y[after] - y[before]) / (x[after] - x[before])
        return float(self.rates[places[np.nanargmin(slopes)]])

    @property
    def _first(self) -> int:
        return len(self.rates) // 10

    @property
    def _lowest(self) -> int | None:
        """The place of the lowest smoothed loss."""
        losses = self.smoothed[self._first :]
        return self._first + int(np.nanargmin(losses)) if np.isfinite(losses).any() else None

    @property
    def suggestion(self) -> float | None:
        """A rate to begin with: `steepest`, but at most a tenth of `lowest`; None if none helps."""
        if self.steepest is None or self.lowest_tenth is None:
            return None
        return min(self.steepest, self.lowest_tenth)

    def __str__(self) -> str:
        ends = f"{len(self.rates)} rates from {self.rates[0]:.1e} to {self.rates[-1]:.1e}"
        if len(self.rates) == 1:
            ends = f"1 rate, {self.rates[0]:.1e}"
        if self.diverged:
            ends += ", where the loss diverges"
        if self.suggestion is None or self.steepest is None or self.lowest is None:
            return f"{ends}; the loss falls at no rate, so there is no suggestion"
        return (
            f"{ends}; suggestion {self.suggestion:.1e} (steepest descent at {self.steepest:.1e}, "
            f"lowest loss at {self.lowest:.1e}, a tenth of it {self.lowest / 10:.1e})"
        )

    def plot(
        self, *, title: str | None = None, path: str | os.PathLike[str] | None = None
    ) -> Figure:
        """The losses over the rates with the suggestion, see `viz.rate_range`."""
        from dlframe.viz.rate_range import rate_range  # only a picture needs viz

        return rate_range(self, title=title, path=path)


def lr_range_test(
    model: Module,
    loss: Callable[[Any, Any], Any],
    loader: Any,
    optimizer: Optimizer,
    *,
    start: float = 1e-7,
    end: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.9,
    divergence: float = 4.0,
    linear: bool = False,
    clip_grad_norm: float | None = None,
    batch_size: int = 32,
) -> RateRange:
    """Train for `steps` batches while the learning rate grows, and put everything back.

    The rate of step i is start · (end / start)^(i / (steps - 1)), or grows by equal amounts if
    `linear`. A loss above `divergence` times the lowest smoothed one, or one that is not finite,
    ends the test. Groups of parameters keep the ratios of their rates; `start` and `end` are those
    of the first group. The loader begins again where it ends; `loader` may also be a pair (x, y) of
    arrays or a data set, as in `Trainer.fit`.

    Afterwards model, loss, optimizer, loader and random numbers are bit for bit as before, also
    after an error or Ctrl-C. Use it before training, with the batch size and the options of the
    optimizer that you will train with. It fails where the first hundred batches say little: after
    a warm-up, late in a training, or if the losses of batches differ more than the rate changes
    them (then the curve is ragged: use larger batches, more steps, or more smoothing). Source:
    Smith, "Cyclical learning rates for training neural networks" (2017; first 2015), section 3.3;
    he grows the rate by equal amounts.

    Raises ArgumentError for arguments that make no sense, data without batches or that can be
    iterated only once, and an optimizer with none of the model's parameters.

    >>> rng = dl.manual_seed(0)
    >>> x = dl.linspace(-1, 1, 64).reshape(64, 1)
    >>> model = nn.Linear(1, 1)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> found = lr_range_test(model, nn.MSELoss(), (x, 2 * x + 1), optimizer, start=1e-4)
    >>> found.diverged, 0.001 < found.suggestion < 1, optimizer.param_groups[0]["lr"]
    (True, True, 0.1)
    """
    _check(model, optimizer, start, end, steps, smoothing, divergence)
    data = make_loader(loader, batch_size, shuffle=True, num_workers=0, where="lr_range_test")
    _check_repeats(data)
    evaluator = Evaluator(model, loss)
    with (
        untouched(model, loss, optimizer=optimizer, loader=data, where="lr_range_test"),
        enable_grad(),
        unheeded(optimizer),
    ):
        model.train()
        return _search(
            lambda some: _step(evaluator, optimizer, some[0], clip_grad_norm),
            optimizer, data, _rates(start, end, steps, linear=linear), smoothing, divergence,
        )  # fmt: skip


def find_rate(
    trainer: Trainer,
    train: Any,
    *,
    start: float,
    end: float,
    steps: int,
    smoothing: float,
    divergence: float,
    linear: bool,
) -> RateRange:
    """The range test with all that a trainer does in a step; see `Trainer.find_lr`."""
    from dlframe.training.trial import copied_trainer, put_back

    _check(trainer.model, trainer.optimizer, start, end, steps, smoothing, divergence)
    _check_repeats(train)
    double = copied_trainer(trainer)
    double._active, double._schedule = [], Schedule(None, trainer.optimizer, None)
    double._sums = double._training_sums()
    count = trainer.accumulation.at(trainer.epoch)

    def step(some: list[Any]) -> float:
        values: list[float] = []
        for batch in some:
            try:
                double._train_batch(batch)
            except NonFiniteLossError:
                return math.nan
            values.append(double.batch_loss)
        return sum(values) / len(values)

    double.epoch, double.batches_per_epoch = trainer.epoch, None
    with (
        put_back(trainer, where="find_lr", loader=train),
        enable_grad(),
        unheeded(trainer.optimizer),
        hooks_attached(trainer.optimizer, trainer.regularizers),
    ):
        trainer.model.train()
        return _search(
            step, trainer.optimizer, train, _rates(start, end, steps, linear=linear), smoothing,
            divergence, count,
        )  # fmt: skip


def _rates(start: float, end: float, steps: int, *, linear: bool) -> Array:
    space = np.linspace if linear else np.geomspace
    return np.asarray(space(start, end, steps), np.float64)


def _search(
    step: Callable[[list[Any]], float],
    optimizer: Optimizer,
    data: Any,
    rates: Array,
    smoothing: float,
    divergence: float,
    batches_per_step: int = 1,
) -> RateRange:
    """One step at each rate, until the loss grows too large."""
    losses: list[float] = []
    means: list[float] = []
    running, lowest = RunningMean(smoothing), math.inf
    diverged = False
    ratios = _ratios(optimizer)
    stream = _endless(data)
    for rate in rates:
        for group, ratio in zip(optimizer.param_groups, ratios, strict=True):
            group["lr"] = float(rate) * ratio
        losses.append(step([next(stream) for _ in range(batches_per_step)]))
        means.append(running.update(losses[-1]))
        lowest = min(lowest, means[-1])
        diverged = not math.isfinite(losses[-1]) or means[-1] > divergence * lowest > 0
        if diverged:
            break
    return RateRange(rates[: len(losses)], np.array(losses), np.array(means), diverged)


def _check_repeats(data: Any) -> None:
    if is_once(data):
        raise ArgumentError(
            "lr_range_test: the data is an iterator, whose batches would be gone afterwards; pass "
            "a DataLoader, a data set or a list of batches"
        )


def _check(
    model: Any,
    optimizer: Any,
    start: float,
    end: float,
    steps: int,
    smoothing: float,
    divergence: float,
) -> None:
    for name, value, kind in (("model", model, Module), ("optimizer", optimizer, Optimizer)):
        if not isinstance(value, kind):
            raise TypeError(
                f"lr_range_test: {name} must be {kind.__name__}; got {type(value).__name__}"
            )
    if not 0 < start < end or steps < 2 or not 0 <= smoothing < 1 or not divergence > 1:
        raise ArgumentError(
            "lr_range_test: needs 0 < start < end, steps ≥ 2, 0 ≤ smoothing < 1 and "
            f"divergence > 1; got start={start}, end={end}, steps={steps}, "
            f"smoothing={smoothing}, divergence={divergence}"
        )
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if not held & {id(p) for p in model.parameters()}:
        raise ArgumentError(
            "lr_range_test: the optimizer holds none of the model's parameters, so that no rate "
            "would change the loss. Make it from model.parameters()"
        )


def _ratios(optimizer: Optimizer) -> list[float]:
    """The rates of the groups, divided by that of the first."""
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    return [rate / rates[0] if rates[0] else 1.0 for rate in rates]


def _endless(loader: Iterable[Any]) -> Iterator[Any]:
    while True:
        count = 0
        for batch in loader:
            count += 1
            yield batch
        if not count:
            raise ArgumentError(f"lr_range_test: the data gave no batch{batches.why_empty(loader)}")


def _step(
    evaluator: Evaluator, optimizer: Optimizer, batch: Any, clip_grad_norm: float | None
) -> float:
    """Train on one batch; the loss before the step. One that is not finite changes no weight."""
    taken = evaluator._take(batch)
    first: list[float] = []

    def closure() -> Any:  # optimizers such as LBFGS call it again
        optimizer.zero_grad()
        _, value = evaluator._loss_of(taken)
        first.append(float(value.item()))
        if not math.isfinite(first[0]):
            raise _NotFiniteError
        value.backward()
        if clip_grad_norm is not None:
            clip_grad_norm_(evaluator.model.parameters(), clip_grad_norm)
        return value

    with contextlib.suppress(_NotFiniteError):
        optimizer.step(closure)
    return first[0]


class _NotFiniteError(Exception):
    """Ends a step whose loss is not finite."""
