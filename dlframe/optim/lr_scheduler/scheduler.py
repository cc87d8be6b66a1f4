"""The base of all schedules, and how they read and set learning rates."""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from dlframe import states
from dlframe.autograd import mark_mutated
from dlframe.errors import StateDictError
from dlframe.optim.lr_scheduler.course import course_of
from dlframe.optim.lr_scheduler.order import Order
from dlframe.optim.optimizer import Optimizer, ParamGroup
from dlframe.optim.options import rate
from dlframe.tensor import Tensor

__all__ = ["LRScheduler"]

Rate = Any  # a float, or a tensor of one element if the optimizer was given one

EPOCH_WARNING = (
    "The epoch parameter in `scheduler.step()` is deprecated: call `scheduler.step()` once per "
    "step. With an epoch, the learning rate comes from the schedule's closed form, if it has one."
)
_GET_LR_WARNING = (
    "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."
)


def current_lr(optimizer: Optimizer, key: str = "lr") -> list[Rate]:
    """The value of each group; a tensor is copied, since the next step writes into it."""
    return [copy_lr(group[key]) for group in optimizer.param_groups]


def copy_lr(value: Rate) -> Rate:
    return value.detach().clone() if isinstance(value, Tensor) else value


def set_lr(group: ParamGroup, value: Rate) -> None:
    lr = group["lr"]
    if isinstance(lr, Tensor):  # the user may have a reference to it, so it stays the same tensor
        lr.array[...] = float(value)
        mark_mutated(lr.array, "scheduler.step")
    else:
        group["lr"] = value


_NOT_SAVED = ("optimizer", "_order")
_FLAGS = ("_get_lr_called_within_step", "_is_initial")


class PerGroup:
    """The form of a list, in a saved state, that has one value for each parameter group."""

    def __init__(self, inner: states.Form) -> None:
        self.listed = states.listed(inner)

    def __call__(self, value: Any) -> Any:
        return self.listed(value)


class LRScheduler:
    """The base of all schedules: a subclass writes `get_lr`.

    Args:
        optimizer: whose learning rates are changed. The first one takes effect at once.
        last_epoch: -1 to begin. To go on with a restored optimizer, whose groups have an
            `initial_lr`, the number of steps done.

    Attributes:
        base_lrs: the learning rates that the groups began with.
        last_epoch: how many steps were made.

    >>> class Halve(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [base_lr * 0.5**self.last_epoch for base_lr in self.base_lrs]
    >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
    >>> scheduler = Halve(optimizer)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(scheduler.get_last_lr())
    [0.5]
    [0.25]
    [0.125]
    """

    _get_lr_called_within_step = False
    _is_initial = False

    # what each class adds to the state; attributes of other classes are taken as they are
    _state_forms: ClassVar[dict[str, states.Form]] = {
        "base_lrs": PerGroup(rate),
        # -1 has not begun; each further level of sequences takes back one more step; step(epoch)
        # takes parts of epochs
        "last_epoch": states.number,
        "_step_count": states.count,
        "_last_lr": PerGroup(rate),
        "_get_lr_called_within_step": states.flag,
        "_is_initial": states.flag,
    }

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copy_lr(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming "
                    "scheduler with last_epoch >= 0. Load the optimizer's state first, or begin "
                    "with last_epoch=-1."
                )
        self.base_lrs: list[Rate] = current_lr(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._order = Order(self, optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        with flagged(self, "_is_initial"):
            self.step()

    def get_last_lr(self) -> list[Rate]:
        """The learning rates that the last step set, one per group."""
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The learning rates at step `last_epoch`, one per group; for `step` to call."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr()")

    def step(self, epoch: int | None = None) -> None:
        """Set the next learning rates. Call it after `optimizer.step()`.

        Args:
            epoch: deprecated; jump to this step.
        """
        if self._step_count > 0:
            self._note_step(first=self._step_count == 1, chosen=epoch is not None)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        with flagged(self, "_get_lr_called_within_step"):
            closed_form = None if epoch is None else self._get_closed_form_lr()
            values = self.get_lr() if closed_form is None else closed_form
        self._use(values)

    def _use(self, values: list[Rate]) -> None:
        for group, value in zip(self.optimizer.param_groups, values, strict=True):
            set_lr(group, value)
        self._last_lr: list[Rate] = current_lr(self.optimizer)

    def _get_closed_form_lr(self) -> list[Rate] | None:
        """The learning rates at step `last_epoch` from the first ones, or None."""
        return None

    def _scaled(self, factor: float) -> list[Rate]:
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _check_caller(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(_GET_LR_WARNING, UserWarning, stacklevel=3)

    def _note_step(self, *, first: bool, chosen: bool = False) -> None:
        """Warn if this step comes before the optimizer's, or is the second one after it."""
        self._order.note_step(self.optimizer.step, first=first, chosen=chosen)

    def course(self, steps: int, *, option: str = "lr") -> list[list[Any]]:
        """The learning rates that the coming steps will have; nothing is changed.

        It follows this schedule alone: what others do to the same optimizer is not in it.

        Args:
            steps: how many. The first one has the rates of now.
            option: another option of the groups, such as `"momentum"` or `"betas"`.

        Returns:
            For each step a list with one value per group.

        Raises:
            ArgumentError: a negative number of steps, or an option that a group does not have.

        >>> optimizer = optim.SGD([nn.Parameter(dl.zeros(1))], lr=1.0)
        >>> optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5).course(4)
        [[1.0], [0.5], [0.25], [0.125]]
        """
        return course_of(self, steps, option)

    def __repr__(self) -> str:
        """The class, and the arguments that it keeps."""
        names = list(inspect.signature(type(self)).parameters)
        kept = {name: self.__dict__[name] for name in names if name in self.__dict__}
        kept.pop("optimizer", None)
        kept.pop("last_epoch", None)
        arguments = ", ".join(f"{name}={_shown(value)}" for name, value in kept.items())
        return f"{type(self).__name__}({arguments})"

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, which is saved by itself."""
        return {key: value for key, value in self.__dict__.items() if key not in _NOT_SAVED}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a `state_dict`; the learning rates themselves come with the optimizer's.

        Raises:
            StateDictError: an entry that is missing or makes no sense; nothing is changed.
        """
        with states.all_or_nothing(f"{type(self).__name__}.load_state_dict", self):
            self._take_over(self._checked_state(state_dict))

    def _take_over(self, state: dict[str, Any]) -> None:
        """Set the entries of a state, which were checked."""
        self.__dict__.update(state)
        self._order.restored()

    def _checked_state(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        """The entries to set; StateDictError for one that this scheduler cannot have."""
        where = f"{type(self).__name__}.load_state_dict"
        forms: dict[str, states.Form] = {}
        for cls in reversed(type(self).__mro__):
            forms |= vars(cls).get("_state_forms", {})
        states.take(state_dict, where)
        # flags are set while a step runs, and other versions do not have them
        needed = {
            name: form
            for name, form in forms.items()
            if name in state_dict or (name in self.__dict__ and name not in _FLAGS)
        }
        state = {**state_dict, **states.take(state_dict, where, **needed)}
        for name in state:
            # a class may have defaults of its values, which are neither methods nor properties
            own = getattr(type(self), str(name), None)
            is_code = callable(own) or hasattr(own, "__get__")
            if name in (*_NOT_SAVED, "_state_forms") or (is_code and name not in forms):
                raise StateDictError(f"{where}: {name!r} cannot be a part of the state")
        groups = len(self.optimizer.param_groups)
        for name, form in needed.items():
            if isinstance(form, PerGroup) and len(state[name]) != groups:
                raise StateDictError(
                    f"{where}: {name!r} has {len(state[name])} entries; the optimizer has {groups} "
                    "parameter groups"
                )
        return state

    def _state_holders(self) -> list[Any]:
        """The objects that hold the state: this one, and those inside of it."""
        return [self]


def _shown(value: Any) -> str:
    return str(sorted(value.elements())) if isinstance(value, Counter) else repr(value)


@contextmanager
def flagged(scheduler: LRScheduler, name: str) -> Iterator[None]:
    setattr(scheduler, name, True)
    try:
        yield
    finally:
        setattr(scheduler, name, False)
