"""What all regularizers share: a name, a value to report, and a way to act on an optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dlframe.base.hooks import RemovableHandle
from dlframe.optim.optimizer import Optimizer
from dlframe.optim.regularization.sam import SAM


class Regularizer:
    """The base of what regularizes training and reports a number while it does.

    Attributes:
        name: under which the number is reported.
        last: the number of the last step, as a float; NaN before the first.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.last = math.nan

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs; most regularizers need nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""


class StepHook(Regularizer):
    """The base of what changes gradients before the steps of an optimizer, or weights after them.

    A subclass overrides `before_step` or `after_step`, and sets `last`.

    >>> class Halve(optim.StepHook):
    ...     def before_step(self, optimizer):
    ...         for group in optimizer.param_groups:
    ...             for p in group["params"]:
    ...                 p.grad *= 0.5
    >>> p = nn.Parameter(dl.tensor([1.0]))
    >>> optimizer = optim.SGD([p], lr=1.0)
    >>> with Halve("halved").attach(optimizer):
    ...     p.sum().backward()
    ...     optimizer.step()
    >>> p.item()
    0.5
    """

    def before_step(self, optimizer: Optimizer) -> None:
        """Called before each step, when the gradients are there."""

    def after_step(self, optimizer: Optimizer) -> None:
        """Called after each step."""

    def attach(self, optimizer: Optimizer) -> RemovableHandle:
        """Act in every step of `optimizer` from now on, until the handle is removed.

        A copy of the optimizer has a copy of the regularizer. Within `SAM` it acts on the wrapped
        optimizer: on the gradients at the disturbed weights, once per step. With `step(closure)`
        it acts on the gradients of each call of the closure.

        Raises:
            TypeError: not an optimizer.
            ValueError: attached to this optimizer already.
        """
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}.attach: expected an optimizer; got "
                f"{type(optimizer).__name__}"
            )
        inner = innermost(optimizer)
        self.check(inner)
        return inner._attach(self)

    def check(self, optimizer: Optimizer) -> None:
        """Raise an error if it cannot act in the steps of this optimizer; `attach` calls it."""

    def is_attached(self, optimizer: Optimizer) -> bool:
        """Whether it acts in the steps of `optimizer`."""
        return any(one is self for one in innermost(optimizer)._attached)

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> Any:
        """The pre-hook: with a closure, the gradients are there only after it was called."""
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        if closure is None:
            self.before_step(optimizer)
            return None
        wrapped = _Followed(closure, self, optimizer)
        if "closure" in kwargs:
            return args, {**kwargs, "closure": wrapped}
        return (args[0], wrapped, *args[2:]), kwargs

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self.after_step(optimizer)


class _Followed:
    """A closure after which `before_step` is called."""

    def __init__(self, closure: Callable[[], Any], hook: StepHook, optimizer: Optimizer) -> None:
        self.closure, self.hook, self.optimizer = closure, hook, optimizer

    def __call__(self) -> Any:
        loss = self.closure()
        self.hook.before_step(self.optimizer)
        return loss


def innermost(optimizer: Optimizer) -> Optimizer:
    """The optimizer that makes the steps: the one that SAM wraps."""
    while isinstance(optimizer, SAM):
        optimizer = optimizer.base
    return optimizer
