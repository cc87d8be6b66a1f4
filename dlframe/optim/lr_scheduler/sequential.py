"""Schedules one after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, ClassVar

from dlframe import states
from dlframe.optim.lr_scheduler.plateau import ReduceLROnPlateau
from dlframe.optim.lr_scheduler.scheduler import LRScheduler, set_lr
from dlframe.optim.optimizer import Optimizer

__all__ = ["SequentialLR"]


class SequentialLR(LRScheduler):
    """One schedule after another: `milestones` are the steps at which the next one takes over.

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
        "_schedulers": states.listed(states.mapping(states.plain)),
        "_milestones": states.listed(states.integer(0)),
    }

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        _check_schedulers(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than "
                f"the number of milestone points, but got number of schedulers {len(schedulers)} "
                f"and the number of milestones to be equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
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
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state = self._checked_state(state_dict)
        with states.all_or_nothing("SequentialLR.load_state_dict", self):
            for scheduler, saved in zip(self._schedulers, state.pop("_schedulers"), strict=True):
                scheduler.load_state_dict(saved)
            if len(state["_milestones"]) != len(self._milestones):
                raise ValueError(f"the state has {len(state['_milestones'])} milestones")
            self.__dict__.update(state)

    def _state_holders(self) -> list[Any]:
        return [self, *(holder for inner in self._schedulers for holder in states.holders(inner))]


def _check_schedulers(optimizer: Optimizer, schedulers: Sequence[Any]) -> None:
    if len(schedulers) < 1:
        raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
    for i, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"SequentialLR at index {i} should have `optimizer` as its attribute.")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(
                "SequentialLR does not support `ReduceLROnPlateau` scheduler as it requires "
                f"additional kwargs to be specified when calling `step`, but got one at index {i}."
            )
        if optimizer is not scheduler.optimizer:
            raise ValueError(
                "SequentialLR expects all schedulers to belong to the same optimizer, but the "
                f"{type(scheduler).__name__} at index {i} has another one."
            )
