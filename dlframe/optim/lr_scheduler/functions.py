"""The schedules that call functions of the user's."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, ClassVar

from dlframe import states
from dlframe.optim.lr_scheduler.scheduler import LRScheduler, PerGroup, Rate, current_lr
from dlframe.optim.optimizer import Optimizer

__all__ = ["LambdaLR", "MultiplicativeLR"]

Factor = Callable[[int], float]


class _OfFunctions(LRScheduler):
    """One function per group; the state has the attributes of those that are objects."""

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "lr_lambdas": PerGroup(states.optional(states.mapping(states.plain)))
    }

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1
    ) -> None:
        groups = len(optimizer.param_groups)
        if not isinstance(lr_lambda, (list, tuple)):
            lr_lambda = [lr_lambda] * groups
        if len(lr_lambda) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(lr_lambda)}")
        self.lr_lambdas: list[Any] = list(lr_lambda)
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        state["lr_lambdas"] = [attributes_of(f) for f in self.lr_lambdas]
        return state

    def _take_over(self, state: dict[str, Any]) -> None:
        for f, saved in zip(self.lr_lambdas, state.pop("lr_lambdas"), strict=True):
            if saved is not None:
                f.__dict__.update(saved)
        super()._take_over(state)

    def _state_holders(self) -> list[Any]:
        return [self, *(f for f in self.lr_lambdas if has_attributes(f))]


def attributes_of(f: Any) -> dict[str, Any] | None:
    """What a state has of a function: nothing, or the attributes of a callable object."""
    return None if isinstance(f, types.FunctionType) else f.__dict__.copy()


def has_attributes(f: Any) -> bool:
    """Whether it is a callable object, whose attributes belong to the state."""
    return not isinstance(f, types.FunctionType) and hasattr(f, "__dict__")


class LambdaLR(_OfFunctions):
    """γₜ = γ₀ f(t), with a function of your own: it gives a factor, and not a rate.

    Args:
        optimizer: whose learning rates are changed.
        lr_lambda: f, or a list with one function per group.
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: a list with another number of functions than there are groups.

    The state does not contain functions; of callable objects it contains the attributes.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=0.5)
    >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t))
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        return [
            base_lr * f(self.last_epoch)
            for f, base_lr in zip(self.lr_lambdas, self.base_lrs, strict=True)
        ]


class MultiplicativeLR(_OfFunctions):
    """γₜ = γₜ₋₁ f(t), with a function of your own: each step multiplies the rate by f(t).

    Args:
        optimizer: whose learning rates are changed.
        lr_lambda: f, or a list with one function per group; it is not called for t = 0.
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: a list with another number of functions than there are groups.
        TypeError: a value that cannot be called.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=0.5)
    >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda t: 0.5)
    >>> [rate for (rate,) in scheduler.course(3)]
    [0.5, 0.25, 0.125]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1
    ) -> None:
        for f in lr_lambda if isinstance(lr_lambda, (list, tuple)) else [lr_lambda]:
            if not callable(f):
                raise TypeError(f"lr_lambda should be a function, but got {type(f).__name__}")
        super().__init__(optimizer, lr_lambda, last_epoch)

    def get_lr(self) -> list[Rate]:
        self._check_caller()
        if self._is_initial:
            return current_lr(self.optimizer)
        return [
            group["lr"] * f(self.last_epoch)
            for f, group in zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)
        ]
