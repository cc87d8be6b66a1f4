"""The momentum of an optimizer, as schedules read and set it; and values for each group."""

from __future__ import annotations

from typing import Any

from dlframe.errors import StateDictError
from dlframe.optim.lr_scheduler.scheduler import copy_lr
from dlframe.optim.optimizer import Optimizer, ParamGroup

__all__ = ["check_momentum", "for_each_group", "has_betas", "set_momentum", "start_momentum"]


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


def has_betas(optimizer: Optimizer) -> bool:
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


def set_momentum(group: ParamGroup, value: Any, *, beta1: bool) -> None:
    """Set a group's momentum: β₁, or the option `momentum`."""
    if beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def start_momentum(
    optimizer: Optimizer, base: list[Any], largest: list[Any], *, beta1: bool
) -> None:
    """Begin at the largest momentum, and note both ends in the groups, as PyTorch does."""
    for group, low, high in zip(optimizer.param_groups, base, largest, strict=True):
        set_momentum(group, high, beta1=beta1)
        group["max_momentum"] = high
        group["base_momentum"] = low


def check_momentum(schedule: Any, state: dict[str, Any]) -> None:
    """StateDictError for the state of a schedule that changed the momentum in another way."""
    for name in ("cycle_momentum", "use_beta1"):
        own = getattr(schedule, name, None)
        if name in state and own is not None and state[name] != own:
            raise StateDictError(
                f"{type(schedule).__name__}.load_state_dict: {name!r} is {state[name]}, and "
                f"{own} in this schedule; make it with the same arguments for an optimizer of the "
                "same class"
            )
