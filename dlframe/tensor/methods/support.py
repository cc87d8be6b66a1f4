"""In-place methods, made of the functions whose results they write."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from dlframe.autograd.inplace import in_place


def in_place_form(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method that puts what `function` returns into the tensor's own memory."""
    name = f"{function.__name__}_"

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return in_place(function, self, name, *args, **kwargs)

    method.__name__, method.__qualname__, method.__module__ = name, f"Tensor.{name}", __name__
    method.__doc__ = f"`{function.__name__}` in place."
    return method
