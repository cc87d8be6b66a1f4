"""The schedule that waits for a measured value to stop improving."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, SupportsFloat

from dlframe import states
from dlframe.errors import ArgumentError
from dlframe.optim.lr_scheduler.course import course_of
from dlframe.optim.lr_scheduler.order import Order
from dlframe.optim.lr_scheduler.scheduler import (
    EPOCH_WARNING,
    LRScheduler,
    PerGroup,
    current_lr,
    set_lr,
)
from dlframe.optim.optimizer import Optimizer

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """γ is multiplied by `factor` when a value has not improved for more than `patience` steps.

    The value is measured by you, and passed to `step`: usually the validation loss, once per epoch.
    Values of single batches vary more than they fall, and end the training too soon. Krizhevsky,
    Sutskever and Hinton (2012) divided by ten when the validation error stopped falling.

    Args:
        optimizer: whose learning rates are changed.
        mode: whether "min" or "max" is good.
        factor: below 1.
        patience: how many steps without improvement are tolerated.
        threshold: by how much a value must be better to count.
        threshold_mode: whether `threshold` is relative to the best value ("rel") or a difference
            ("abs").
        cooldown: how many steps to wait after a reduction before counting again.
        min_lr: never go below; a number, or a list with one per group.
        eps: leave γ alone if it would change by less.

    Raises:
        ValueError: a factor of 1 or more, an unknown mode, or not one `min_lr` per group.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=0.5)
    >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for validation_loss in [3.0, 2.0, 2.0, 2.0]:
    ...     scheduler.step(validation_loss)
    >>> scheduler.get_last_lr()
    [0.25]
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "factor": states.below(1.0),
        "default_min_lr": states.optional(states.number),
        "min_lrs": PerGroup(states.number),
        "mode": states.one_of("min", "max"),
        "threshold_mode": states.one_of("rel", "abs"),
        "eps": states.number,
        "num_bad_epochs": states.count,
        # an infinite patience, cooldown or threshold means never
        **dict.fromkeys(
            ("patience", "cooldown", "cooldown_counter", "threshold", "best", "mode_worse"),
            states.any_number,
        ),
    }

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"Factor should be < 1.0. Got {factor}.")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        groups = len(optimizer.param_groups)
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != groups:
            raise ValueError(f"expected {groups} min_lrs, got {len(min_lr)}")
        self.factor = factor
        self.optimizer = optimizer
        self._order = Order(self, optimizer)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * groups
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = current_lr(optimizer)
        self._init_is_better(mode, threshold, threshold_mode)
        self._reset()

    def _init_is_better(self, mode: str, threshold: float, threshold_mode: str) -> None:
        if mode not in {"min", "max"}:
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in {"rel", "abs"}:
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode

    def _reset(self) -> None:
        """Forget the best value and all counts."""
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        """Whether a reduction was so recent that bad steps are not counted."""
        return self.cooldown_counter > 0

    def _is_better(self, value: float, best: float) -> bool:
        margin = self.threshold
        if self.mode == "min":
            return value < (
                best * (1.0 - margin) if self.threshold_mode == "rel" else best - margin
            )
        return value > (best * (margin + 1.0) if self.threshold_mode == "rel" else best + margin)

    # as in PyTorch, this step takes a value, and the step of the base does not
    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override] # PyTorch's signature
        """Record a measured value, and reduce the learning rates if patience is over."""
        current = float(metrics)
        self._order.used = True
        if epoch is not None:
            warnings.warn(EPOCH_WARNING, UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = current_lr(self.optimizer)

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from "
                    f"when `ReduceLROnPlateau` was initialized ({len(self.min_lrs)}), usually due "
                    "to a new param group. Extend the scheduler's `min_lrs`."
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_lr(group, new)

    def course(
        self, steps: int, metrics: Sequence[float] | None = None, *, option: str = "lr"
    ) -> list[list[Any]]:
        """The learning rates that the coming steps would have, if these values were measured.

        Args:
            steps: how many. The first one has the rates of now.
            metrics: the values, one for each step; that of the last one has no effect yet.
            option: another option of the groups.

        Raises:
            ArgumentError: no values, or too few of them.

        >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
        >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
        >>> scheduler.course(4, [3.0, 2.0, 2.0, 2.0])
        [[1.0], [1.0], [1.0], [0.5]]
        """
        if metrics is None or len(metrics) < steps - 1:
            given = "none" if metrics is None else len(metrics)
            raise ArgumentError(
                "ReduceLROnPlateau.course: the rates depend on measured values; pass one for each "
                f"of the {steps} steps as metrics=; got {given}. Values of an earlier training "
                "show what the schedule would have done."
            )
        return course_of(self, steps, option, metrics)

    def _take_over(self, state: dict[str, Any]) -> None:
        super()._take_over(state)
        self._init_is_better(self.mode, self.threshold, self.threshold_mode)
