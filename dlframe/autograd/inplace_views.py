"""In-place forms of functions that return views: the tensor itself becomes the view."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from dlframe.autograd.modes import enable_grad
from dlframe.errors import GradientError
from dlframe.ops import record
from dlframe.ops.record import grad_mode


def in_another_shape(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method that turns a tensor into the view of its memory that `function` returns.

    No element is written. Views of the tensor do not change, since they find their elements by
    address (`dlframe.ops.regions`).
    """
    name = f"{function.__name__}_"

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.needs_grad or self.is_leaf:
            if self.needs_grad and grad_mode.get():
                raise GradientError(
                    f"{name}: a leaf Variable that requires grad is being used in an in-place "
                    f"operation. Use {function.__name__}(), or wrap it in no_grad()."
                )
            self.array = function(self.detach(), *args, **kwargs).array
            return self
        with enable_grad():  # without this node, gradients would have another shape
            result = function(self, *args, **kwargs)
        if result is not self:
            self.array = result.array
            record.move_to(self, result.node, True)
        return self

    method.__name__, method.__qualname__, method.__module__ = name, f"Tensor.{name}", __name__
    method.__doc__ = f"`{function.__name__}` in place: the tensor itself gets the other shape."
    return method
