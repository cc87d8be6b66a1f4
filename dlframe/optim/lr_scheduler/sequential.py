"""Schedules one after another, and several at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, ClassVar

from dlframe import states
from dlframe.errors import StateDictError
from dlframe.optim.lr_scheduler.order import Order, hand_over
from dlframe.optim.lr_scheduler.plateau import ReduceLROnPlateau
from dlframe.optim.lr_scheduler.scheduler import LRScheduler, current_lr, set_lr
from dlframe.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


class _OfSchedules(LRScheduler):
    """Holds schedules of one optimizer; its state has theirs."""

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "_schedulers": states.listed(states.mapping(states.plain)),
    }
    _schedulers: Sequence[LRScheduler]

    def _hold(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler]) -> None:
        self._schedulers = schedulers
        self.optimizer = optimizer
        self._order = Order(self, optimizer)
        for scheduler in schedulers:
            hand_over(scheduler)

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def _take_over(self, state: dict[str, Any]) -> None:
        for scheduler, saved in zip(self._schedulers, state.pop("_schedulers"), strict=True):
            scheduler.load_state_dict(saved)
        super()._take_over(state)

    def _state_holders(self) -> list[Any]:
        return [self, *(holder for inner in self._schedulers for holder in states.holders(inner))]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._schedulers)})"


class SequentialLR(_OfSchedules):
    """One schedule after another: `milestones` are the steps at which the next one takes over.

    Each begins with its own step 0, so a `T_max` after a warm-up is what is left of the training.

    Args:
        optimizer: theirs.
        schedulers: in the order in which they act. Step this schedule only, not those inside.
        milestones: one less than there are schedulers.
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: no schedulers, one of another optimizer, a `ReduceLROnPlateau`, or a number of
            milestones that is not one less than that of schedulers.
        TypeError: an object that is not a scheduler.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=0.5)
    >>> warm_up = optim.lr_scheduler.LinearLR(optimizer, total_iters=5)
    >>> decay = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=95)
    >>> scheduler = optim.lr_scheduler.SequentialLR(optimizer, [warm_up, decay], milestones=[5])
    """

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "_milestones": states.listed(states.integer(0)),
    }

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        _check_schedulers("SequentialLR", optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than "
                f"the number of milestone points, but got number of schedulers {len(schedulers)} "
                f"and the number of milestones to be equal to {len(milestones)}"
            )
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self._hold(optimizer, schedulers)
        # each scheduler made a step when it was built; only that of the first scheduler may count
        for group in optimizer.param_groups:
            set_lr(group, group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched: Any = None) -> None:
        """Take back the step that each scheduler made when it was built."""
        sched = self if sched is None else sched
        if hasattr(sched, "_schedulers"):
            for inner in sched._schedulers:
                self.recursive_undo(inner)
        elif hasattr(sched, "last_epoch"):
            sched.last_epoch -= 1

    def step(self) -> None:  # type: ignore[override] # as PyTorch's: no epoch to jump to
        """Set the learning rates by the current schedule."""
        self._order.used = True
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def _checked_state(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        state = super()._checked_state(state_dict)
        if len(state["_milestones"]) != len(self._milestones):
            raise StateDictError(
                f"SequentialLR.load_state_dict: the state has {len(state['_milestones'])} "
                f"milestones, this schedule {len(self._milestones)}"
            )
        return state

    def __repr__(self) -> str:
        return f"SequentialLR({self._schedulers}, milestones={self._milestones})"


class ChainedScheduler(_OfSchedules):
    """Several schedules at once: each step makes a step of all of them, so their factors multiply.

    Only schedules that compute the rate from the one before can be chained. Those that set it from
    γ₀, such as `LambdaLR`, `CyclicLR` and `OneCycleLR`, undo what came before them in the list.

    Args:
        schedulers: in the order in which they act.
        optimizer: theirs; by default that of the first one.

    Raises:
        ValueError: no schedulers, one of another optimizer, or a `ReduceLROnPlateau`.
        TypeError: an object that is not a scheduler.

    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    >>> warm_up = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> decay = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> optim.lr_scheduler.ChainedScheduler([warm_up, decay]).course(4)
    [[0.5], [0.25], [0.25], [0.125]]
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError(
                "ChainedScheduler expects at least one scheduler to be chained, but got no "
                "scheduler."
            )
        if optimizer is None:
            optimizer = getattr(schedulers[0], "optimizer", None)
        _check_schedulers("ChainedScheduler", optimizer, schedulers)
        self._hold(schedulers[0].optimizer, schedulers)
        self._last_lr = current_lr(self.optimizer)

    def step(self) -> None:  # type: ignore[override] # as PyTorch's: no epoch to jump to
        """Make a step of each schedule."""
        self._order.used = True
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = current_lr(self.optimizer)


def _check_schedulers(name: str, optimizer: Any, schedulers: Sequence[Any]) -> None:
    for i, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(
                f"{name} does not support `ReduceLROnPlateau` scheduler as it requires "
                f"additional kwargs to be specified when calling `step`, but got one at index {i}."
            )
        if optimizer is not scheduler.optimizer:
            raise ValueError(
                f"{name} expects all schedulers to belong to the same optimizer, but the "
                f"{type(scheduler).__name__} at index {i} has another one."
            )
