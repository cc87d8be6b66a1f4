"""The schedules that are formulas of the number of steps."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

from dlframe import states
from dlframe.optim.lr_scheduler.scheduler import LRScheduler, Rate, current_lr
from dlframe.optim.optimizer import Optimizer

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "PolynomialLR",
    "StepLR",
]


class StepLR(LRScheduler):
    """γ is multiplied by `gamma` every `step_size` steps: γₜ = γ₀ gamma^⌊t / step_size⌋.

    Steps are those of the schedule: epochs or batches, whichever it is called after. Szegedy et
    al., "Going deeper with convolutions" (2015), used 0.96 every 8 epochs.

    Args:
        optimizer: whose learning rates are changed.
        step_size: the steps between two reductions.
        gamma: the factor.
        last_epoch: see `LRScheduler`.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=0.5)
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(scheduler.get_last_lr())
    [0.5]
    [0.25]
    [0.25]
    [0.125]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "step_size": states.positive,
        "gamma": states.number,
    }

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return current_lr(self.optimizer)
        return self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> list[Rate]:
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [base_lr * factor for base_lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """γ is multiplied by `gamma` at each of the steps listed in `milestones`.

    γₜ = γ₀ gammaᵏ with k the number of milestones up to t. A step that is listed twice counts
    twice. He et al., "Deep Residual Learning for Image Recognition" (2016), used a tenth after a
    half and three quarters of the training.

    Args:
        optimizer: whose learning rates are changed.
        milestones: steps, in any order.
        gamma: the factor.
        last_epoch: see `LRScheduler`.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=0.5)
    >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[30, 80], gamma=0.1)
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "milestones": states.mapping(states.integer(1, 10_000), states.integer(-(1 << 63))),
        "gamma": states.number,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        # plain ints, which a file can hold: NumPy's and 5.0 stand for the same steps
        self.milestones = Counter(int(step) if step % 1 == 0 else step for step in milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _take_over(self, state: dict[str, Any]) -> None:
        super()._take_over({**state, "milestones": Counter(state["milestones"])})

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        if self.last_epoch not in self.milestones:
            return current_lr(self.optimizer)
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self) -> list[Rate]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base_lr * self.gamma**passed for base_lr in self.base_lrs]


class ConstantLR(LRScheduler):
    """γ is multiplied by `factor` for the first `total_iters` steps, and by 1 afterwards.

    The simplest warm-up: He et al. (2016), section 4.2, began with a tenth.

    Args:
        optimizer: whose learning rates are changed.
        factor: from 0 to 1. 0 cannot be undone: step `total_iters` divides by it, as PyTorch's.
        total_iters: n.
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: a factor outside of [0, 1].

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.ConstantLR(optimizer, factor=0.5).get_last_lr()
    [0.25]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "factor": states.not_negative,
        "total_iters": states.number,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if factor > 1.0 or factor < 0:
            raise ValueError(
                f"Constant multiplicative factor expected to be between 0 and 1. Got {factor}."
            )
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        if self.last_epoch != self.total_iters:
            return current_lr(self.optimizer)
        return self._scaled(1.0 / self.factor)

    def _get_closed_form_lr(self) -> list[Rate]:
        factor = self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)
        return [base_lr * factor for base_lr in self.base_lrs]


class LinearLR(LRScheduler):
    """A warm-up: the factor of γ goes from `start_factor` to `end_factor` in `total_iters` steps.

    γₜ = γ₀ (s + (e − s) min(t, n) / n). With s = 1 and e = 0 it is a decay on a straight line.
    Goyal et al., "Accurate, Large Minibatch SGD" (2017), for the warm-up of large batches.

    Args:
        optimizer: whose learning rates are changed.
        start_factor: s.
        end_factor: e.
        total_iters: n.
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: a start outside of (0, 1], or an end outside of [0, 1].

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> for _ in range(3):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.25]
    [0.5]
    [0.75]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "start_factor": states.positive,
        "end_factor": states.not_negative,
        "total_iters": states.number,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal to "
                f"1. Got {start_factor}."
            )
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError(
                f"Ending multiplicative factor expected to be between 0 and 1. Got {end_factor}."
            )
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return current_lr(self.optimizer)
        # (start + t rise/n) / (start + (t − 1) rise/n), the ratio of this factor to the one before
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return self._scaled(1.0 + rise / before)

    def _get_closed_form_lr(self) -> list[Rate]:
        rise = self.end_factor - self.start_factor
        steps = min(self.total_iters, self.last_epoch)
        factor = self.start_factor + rise * steps / self.total_iters
        return [base_lr * factor for base_lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """γ is multiplied by `gamma` at every step: γₜ = γ₀ gammaᵗ.

    To end at a hundredth after n steps, gamma is 0.01^(1/n).

    Args:
        optimizer: whose learning rates are changed.
        gamma: the factor.
        last_epoch: see `LRScheduler`.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=0.5)
    >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {"gamma": states.number}

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        return current_lr(self.optimizer) if self._is_initial else self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> list[Rate]:
        return [base_lr * self.gamma**self.last_epoch for base_lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """γ falls along half a cosine to `eta_min` in `T_max` steps, and rises again after that.

    γₜ = γ_min + ½ (γ₀ − γ_min) (1 + cos(π t / T)), computed from γ at the step before. Loshchilov
    and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), equation 5, without
    the restarts.

    Args:
        optimizer: whose learning rates are changed.
        T_max: T, the number of steps of the whole training.
        eta_min: γ_min, the last rate.
        last_epoch: see `LRScheduler`.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(round(scheduler.get_last_lr()[0], 4))
    0.8536
    0.5
    0.1464
    0.0
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "T_max": states.positive,
        "eta_min": states.number,
    }

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        t, T, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return current_lr(self.optimizer)
        if self._step_count == 1 and t > 0:
            return [
                low + (base_lr - low) * (1 + math.cos(t * math.pi / T)) / 2
                for base_lr in self.base_lrs
            ]
        if (t - 1 - T) % (2 * T) == 0:  # at the minimum the ratio below would be 0 / 0
            return [
                group["lr"] + (base_lr - low) * (1 - math.cos(math.pi / T)) / 2
                for base_lr, group in zip(self.base_lrs, self.optimizer.param_groups, strict=True)
            ]
        ratio = (1 + math.cos(math.pi * t / T)) / (1 + math.cos(math.pi * (t - 1) / T))
        return [ratio * (group["lr"] - low) + low for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Rate]:
        t, T, low = self.last_epoch, self.T_max, self.eta_min
        return [
            low + (base_lr - low) * (1 + math.cos(math.pi * t / T)) / 2 for base_lr in self.base_lrs
        ]


class PolynomialLR(LRScheduler):
    """γ falls to 0 in `total_iters` steps, as a power of the share of steps that are left.

    γₜ = γ₀ (1 − min(t, n) / n)ᵖ with n = `total_iters` and p = `power`. Chen et al., "DeepLab"
    (2017), section 4.1, with p = 0.9. A power of 1 is a straight line.

    Args:
        optimizer: whose learning rates are changed.
        total_iters: n; after it the rate stays 0.
        power: p.
        last_epoch: see `LRScheduler`.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    >>> scheduler = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2.0)
    >>> [rate for (rate,) in scheduler.course(6)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "total_iters": states.positive,
        "power": states.not_negative,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        t, n = self.last_epoch, self.total_iters
        if self._is_initial or t > n:
            return current_lr(self.optimizer)
        return self._scaled(((1.0 - t / n) / (1.0 - (t - 1) / n)) ** self.power)

    def _get_closed_form_lr(self) -> list[Rate]:
        n = self.total_iters
        factor = (1.0 - min(n, self.last_epoch) / n) ** self.power
        return [base_lr * factor for base_lr in self.base_lrs]
