"""Modes that decide whether operations are recorded, for `with` statements and as decorators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import Token
from typing import Any, TypeVar

from dlframe.ops.record import grad_mode, inference

F = TypeVar("F", bound=Callable[..., Any])


class _Mode:
    """Set grad mode inside a `with` block, or during each call of a decorated function."""

    _enabled = True

    def __init__(self) -> None:
        self._tokens: list[Token[bool]] = []

    def __enter__(self) -> None:
        self._tokens.append(grad_mode.set(self._enabled))

    def __exit__(self, *exc: object) -> None:
        grad_mode.reset(self._tokens.pop())

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return _wrap_generator(self, function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value] # same signature, kept by wraps

    def _again(self) -> _Mode:
        return type(self)()


def _wrap_generator(mode: _Mode, function: Any) -> Any:
    """A generator whose own code runs in the mode, while its consumer's code does not."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        sent = None
        while True:
            try:
                with mode._again():
                    value = generator.send(sent)
            except StopIteration as stop:
                return stop.value
            sent = yield value

    return wrapped


class no_grad(_Mode):
    """Record nothing: results do not require grad.

    >>> import dlframe as dl
    >>> x = dl.ones(2, requires_grad=True)
    >>> with dl.no_grad():
    ...     (x * 2).needs_grad
    False
    """

    _enabled = False

    def __new__(cls, function: Any = None) -> Any:
        # `@no_grad` without parentheses decorates as well
        mode = super().__new__(cls)
        if function is None:
            return mode
        cls.__init__(mode)
        return mode(function)


class enable_grad(no_grad):
    """Record again, inside of `no_grad`."""

    _enabled = True


class set_grad_enabled(_Mode):
    """Record or not, by a flag: at once when called, and until the end of a `with` block."""

    def __init__(self, mode: bool):
        super().__init__()
        self._enabled = bool(mode)
        self._tokens.append(grad_mode.set(self._enabled))

    def __enter__(self) -> None:
        if not self._tokens:
            super().__enter__()

    def __call__(self, function: F) -> F:
        grad_mode.reset(self._tokens.pop())  # the mode holds only while the function runs
        return super().__call__(function)

    def _again(self) -> _Mode:
        return set_grad_enabled(self._enabled)


class inference_mode(_Mode):
    """`no_grad` whose results cannot be used in a graph later; using one there raises."""

    def __new__(cls, mode: Any = True) -> Any:
        made = super().__new__(cls)
        if not callable(mode):
            return made
        cls.__init__(made)
        return made(mode)

    def __init__(self, mode: bool = True):
        super().__init__()
        self._inference = bool(mode)
        self._marks: list[Token[bool]] = []

    def __enter__(self) -> None:
        self._tokens.append(grad_mode.set(grad_mode.get() and not self._inference))
        self._marks.append(inference.set(self._inference))

    def __exit__(self, *exc: object) -> None:
        inference.reset(self._marks.pop())
        super().__exit__(*exc)

    def _again(self) -> _Mode:
        made: _Mode = inference_mode(self._inference)
        return made


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require grad are recorded here."""
    return grad_mode.get()


def is_inference_mode_enabled() -> bool:
    """Whether this code runs inside `inference_mode`."""
    return inference.get()
