"""Averages of a model's weights over its training, and the schedule that goes with them.

An average lies nearer the middle of a flat valley than the last step does, which jumps about. So
it is often better on new data, at the cost of a second copy of the weights.

Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization" (2018), for
equal weights; Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging" (1992).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, ClassVar, Literal

import numpy as np

from dlframe import states
from dlframe.autograd import no_grad
from dlframe.nn.batchnorm import _BatchNorm
from dlframe.nn.module import Module
from dlframe.nn.parameter import is_lazy
from dlframe.optim.lr_scheduler.momentum import for_each_group
from dlframe.optim.lr_scheduler.scheduler import LRScheduler, Rate
from dlframe.optim.optimizer import Optimizer
from dlframe.tensor import Tensor

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Any]
MultiAverage = Callable[[list[Tensor], list[Tensor], Any], Any]


# --- averages ----------------------------------------------------------------------------------


def get_swa_avg_fn() -> Average:
    """The mean of all: a ← a + (w − a) / (n + 1), with n the number of weights in a.

    >>> average = optim.swa_utils.get_swa_avg_fn()
    >>> average(dl.tensor([1.0]), dl.tensor([4.0]), 2)
    tensor([2.])
    """

    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Any:
        with no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """An average that forgets: a ← decay a + (1 − decay) w.

    It remembers about the last 1 / (1 − decay) updates, and the first weights for some times as
    long: with 0.999 it is for trainings of many thousand steps.

    Raises:
        ValueError: a decay outside of [0, 1].

    >>> average = optim.swa_utils.get_ema_avg_fn(0.75)
    >>> average(dl.tensor([1.0]), dl.tensor([5.0]), 2)
    tensor([2.])
    """
    _check_decay(decay)

    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Any:
        with no_grad():
            return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverage:
    """The mean of all, as `get_swa_avg_fn`, for a list of tensors of one dtype, in place.

    >>> average = optim.swa_utils.get_swa_multi_avg_fn()
    >>> a = [dl.tensor([1.0]), dl.tensor([2.0])]
    >>> average(a, [dl.tensor([4.0]), dl.tensor([2.0])], 2)
    >>> a
    [tensor([2.]), tensor([2.])]
    """

    def swa_update(
        averaged_param_list: list[Tensor], current_param_list: list[Tensor], num_averaged: Any
    ) -> None:
        share = 1 / (int(num_averaged) + 1)
        with no_grad():
            for averaged, current in zip(averaged_param_list, current_param_list, strict=True):
                if _is_inexact(averaged):
                    averaged.lerp_(current, share)
                else:
                    averaged.copy_(averaged + (current - averaged) * share)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """An average that forgets, as `get_ema_avg_fn`, for a list of tensors of one dtype, in place.

    Raises:
        ValueError: a decay outside of [0, 1].

    >>> average = optim.swa_utils.get_ema_multi_avg_fn(0.75)
    >>> a = [dl.tensor([1.0])]
    >>> average(a, [dl.tensor([5.0])], 2)
    >>> a
    [tensor([2.])]
    """
    _check_decay(decay)

    def ema_update(
        ema_param_list: list[Tensor], current_param_list: list[Tensor], num_averaged: Any
    ) -> None:
        with no_grad():
            for averaged, current in zip(ema_param_list, current_param_list, strict=True):
                if _is_inexact(averaged):
                    averaged.lerp_(current, 1 - decay)
                else:
                    averaged.copy_(averaged * decay + current * (1 - decay))

    return ema_update


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def _is_inexact(tensor: Tensor) -> bool:
    return bool(np.issubdtype(tensor.array.dtype, np.inexact))


# --- the averaged model ------------------------------------------------------------------------


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of those that the model had.

    Args:
        model: is copied. Train the original, and call `update_parameters` now and then: once per
            epoch for the mean of all, after each batch for an average that forgets.
        device: where the copy lies; there is one device, so this has no effect.
        avg_fn: the new average of one parameter, of the old one, the current parameter and
            `n_averaged`; by default the mean of all.
        multi_avg_fn: the same for a list of parameters of one dtype, in place.
        use_buffers: average buffers too, such as the running means of batch norm. Without it they
            are copied; call `update_bn` at the end.

    Attributes:
        module: the copy.
        n_averaged: how many updates were made, a tensor.

    Raises:
        AssertionError: both functions are given.

    A module whose sizes come from its first input may be averaged before it has seen one.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> averaged = optim.swa_utils.AveragedModel(model)
    >>> for value in [1.0, 2.0, 6.0]:
    ...     _ = nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged(dl.tensor([1.0])).tolist(), int(averaged.n_averaged)
    ([3.0], 3)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", Tensor(np.zeros((), np.int64)))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model makes of its arguments."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the present weights of `model` into the average; the first ones are copied."""
        number = int(self.n_averaged.array)
        if number == 0 and any(map(is_lazy, _tensors(self.module, buffers=True))):
            self.module = copy.deepcopy(model)  # the sizes are known by now
        averaged = list(_tensors(self.module, buffers=self.use_buffers))
        current = list(_tensors(model, buffers=self.use_buffers))
        if number == 0:
            for a, w in zip(averaged, current, strict=True):
                a.copy_(w)
        else:
            self._average(averaged, current)
        if not self.use_buffers:
            for a, w in zip(self.module.buffers(), model.buffers(), strict=True):
                a.detach().copy_(w.detach())
        self.n_averaged += 1

    def _average(self, averaged: list[Tensor], current: list[Tensor]) -> None:
        if self.multi_avg_fn is not None:
            for dtype in dict.fromkeys(a.array.dtype for a in averaged):
                chosen = [i for i, a in enumerate(averaged) if a.array.dtype == dtype]
                self.multi_avg_fn(
                    [averaged[i] for i in chosen], [current[i] for i in chosen], self.n_averaged
                )
            return
        average = self.avg_fn or get_swa_avg_fn()
        for a, w in zip(averaged, current, strict=True):
            a.copy_(average(a, w, self.n_averaged))


def _tensors(model: Module, *, buffers: bool) -> Iterator[Tensor]:
    """The parameters, and perhaps the buffers, without a graph."""
    for tensor in chain(model.parameters(), model.buffers() if buffers else ()):
        yield tensor if is_lazy(tensor) else tensor.detach()


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Measure the running mean and variance of batch norm anew, over all of the loader's batches.

    Averaged weights have other activations than the weights that the statistics came from. The
    statistics are the mean over all batches. The mode of the model and the momentum of its layers
    are as before when the function returns.

    Args:
        loader: gives inputs, or lists and tuples that begin with them.
        model: is run on each input, in training mode.
        device: of the inputs.

    >>> model = nn.BatchNorm1d(1)
    >>> optim.swa_utils.update_bn([dl.tensor([[1.0], [3.0]]), dl.tensor([[5.0], [7.0]])], model)
    >>> model.running_mean
    tensor([4.])
    """
    with measuring_bn(model) as needed:
        if not needed:
            return
        with no_grad():
            for batch in loader:
                inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(inputs if device is None else inputs.to(device))


@contextmanager
def measuring_bn(model: Module) -> Iterator[bool]:
    """Let the passes of the block measure running statistics; False if no layer has any.

    The model is in training mode in the block.
    """
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        yield False
        return
    was_training = model.training
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean of all batches
    try:
        model.train()
        yield True
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        model.train(was_training)


# --- the schedule ------------------------------------------------------------------------------


class SWALR(LRScheduler):
    """γ goes from its present value to `swa_lr` in `anneal_epochs` steps, and stays there.

    γₜ = αₜ swa_lr + (1 − αₜ) γ with αₜ = (1 − cos(π t / n)) / 2 ("cos") or t / n ("linear"), n =
    `anneal_epochs` and γ the rate before its first step. A constant, rather high rate keeps the
    weights moving around the valley, so that there is something to average.

    Args:
        optimizer: whose learning rates are changed.
        swa_lr: the last rate, one for all groups or a list with one per group.
        anneal_epochs: the steps on the way.
        anneal_strategy: "cos" or "linear".
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: another strategy, a number of steps that is negative or not an int, or a list of
            another length than there are groups.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    >>> scheduler = optim.swa_utils.SWALR(optimizer, 0.5, 2, anneal_strategy="linear")
    >>> [rate for (rate,) in scheduler.course(5)]
    [1.0, 0.75, 0.5, 0.5, 0.5]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "anneal_epochs": states.count,
        "_anneal_strategy": states.one_of("cos", "linear"),
    }

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        swa_lrs = for_each_group("swa_lr", optimizer, swa_lr)
        for group, lr in zip(optimizer.param_groups, swa_lrs, strict=True):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """α at the share t of the way."""
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def _share(self, step: int) -> float:
        return self.anneal_func(max(0, min(1, step / max(1, self.anneal_epochs))))

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, alpha = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            target = group["swa_lr"]
            # where it came from: γ₀ in γ = α target + (1 − α) γ₀, with the α of the step before
            first = target if before == 1 else (group["lr"] - before * target) / (1 - before)
            rates.append(target * alpha + first * (1 - alpha))
        return rates
