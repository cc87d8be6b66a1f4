"""What schedules share that also move the momentum; and values for each group."""

from __future__ import annotations

from typing import Any, ClassVar

from dlframe import states
from dlframe.errors import StateDictError
from dlframe.optim.lr_scheduler.scheduler import LRScheduler, copy_lr
from dlframe.optim.optimizer import Optimizer, ParamGroup

__all__ = ["MovesMomentum", "for_each_group"]


def for_each_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A list with one value per group, from such a list or from one value for all.

    Raises:
        ValueError: a list of another length.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        value = [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has "
            f"{len(value)} values, param_groups has {groups}."
        )
    return [copy_lr(entry) for entry in value]


def _has_betas(optimizer: Optimizer) -> bool:
    """Whether the momentum of the optimizer is the first of its `betas`.

    Raises:
        ValueError: an optimizer with neither `betas` nor `momentum`.
    """
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(
            "optimizer must support momentum or beta1 with `cycle_momentum` option enabled; "
            f"{type(optimizer).__name__} has neither, so pass cycle_momentum=False"
        )
    return "betas" in optimizer.defaults


class MovesMomentum(LRScheduler):
    """The base of schedules that move the momentum, or β₁, against the learning rate."""

    _state_forms: ClassVar[dict[str, states.Form]] = {
        "cycle_momentum": states.flag,
        "use_beta1": states.flag,
    }
    cycle_momentum: bool  # whether it is moved at all
    use_beta1: bool  # whether it is β₁; set only if it is moved

    def _begin_momentum(
        self, optimizer: Optimizer, base: Any, largest: Any, last_epoch: int
    ) -> tuple[list[Any], list[Any]]:
        """The smallest and the largest momentum of each group; a new schedule begins at the latter.

        Both are noted in the groups, as PyTorch does.
        """
        self.use_beta1 = _has_betas(optimizer)
        lows = for_each_group("base_momentum", optimizer, base)
        highs = for_each_group("max_momentum", optimizer, largest)
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low
        return lows, highs

    def _set_momentum(self, group: ParamGroup, value: Any) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value

    def _checked_state(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        state = super()._checked_state(state_dict)
        for name in ("cycle_momentum", "use_beta1"):
            own = getattr(self, name, None)
            if name in state and own is not None and state[name] != own:
                raise StateDictError(
                    f"{type(self).__name__}.load_state_dict: {name!r} is {state[name]}, and {own} "
                    "in this schedule; make it with the same arguments for an optimizer of the "
                    "same class"
                )
        return state
