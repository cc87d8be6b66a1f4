"""NumPy's floating-point warnings stay inside: ln 0 = -∞ and 0/0 = nan are results, as in PyTorch.

A warning would name a line of dlframe, which does not help a user. Usually one filter of Python's
`warnings` ignores them, for calls from dlframe's modules only, and costs nothing. Programs that set
filters of their own (pytest does, `simplefilter`, `python -W error`) may put others before it. So
whoever computes looks at the first filter, which takes a few nanoseconds, and where the filter is
out of force NumPy is told not to warn (`np.errstate`), which takes a microsecond::

    out = f(x) if (warnings.filters or NONE)[0] is SAFE[0] else quietly(f, x)
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

# What stands first in `warnings.filters` while the filter is in force, and while it is not.
SAFE: list[Any] = [object()]
_unsafe: list[Any] = [object()]
NONE = (None,)

# In Python 3.14 each context can have filters of its own, which cannot be seen from here.
_HIDDEN = bool(getattr(sys.flags, "context_aware_warnings", False))

_TEXT = "(divide by zero|invalid value|overflow|underflow) encountered"


def quietly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`function(*args, **kwargs)`, without warnings of NumPy's in any case."""
    if in_force():
        return function(*args, **kwargs)
    with silence():
        return function(*args, **kwargs)


def quiet(function: Function) -> Function:
    """Decorate a function that computes with NumPy's functions directly, without an operation."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        return quietly(function, *args, **kwargs)

    return called  # type: ignore[return-value] # it takes what `function` takes


def in_force() -> bool:
    """Whether the filter of `warnings` suffices."""
    first = (warnings.filters or NONE)[0]
    if first is SAFE[0]:
        return True
    if first is _unsafe[0] or _HIDDEN:
        return False
    found = _comes_first()
    (SAFE if found else _unsafe)[0] = first
    return found


def _comes_first() -> bool:
    """Whether a filter that ignores NumPy's warnings comes before any that shows or raises them."""
    for action, message, category, module, line in warnings.filters:
        if not issubclass(RuntimeWarning, category):
            continue
        ours = module is None or module.match("dlframe.ops.calling") is not None
        if action != "ignore":
            if ours:
                return False
        elif ours and not line and (message is None or message.pattern == _TEXT):
            return True
    return False


# --- without the filter ------------------------------------------------------------------------


class silence:
    """Around computations of dlframe's own: NumPy does not warn."""

    __slots__ = ("state", "token")

    def __enter__(self) -> None:
        self.state = np.errstate(all="ignore")
        self.state.__enter__()
        self.token = _silence.set(self)

    def __exit__(self, *exception: object) -> None:
        _silence.reset(self.token)
        self.state.__exit__(None, None, None)


_silence: ContextVar[silence | None] = ContextVar("silence", default=None)


@contextmanager
def users_own() -> Iterator[None]:
    """Around a function of the user's within `silence`: NumPy warns as the user asked for."""
    around = _silence.get()
    if around is None:
        yield
        return
    around.state.__exit__(None, None, None)
    token = _silence.set(None)
    try:
        yield
    finally:
        _silence.reset(token)
        around.state = np.errstate(all="ignore")
        around.state.__enter__()


def by_user(function: Function) -> Function:
    """The function of a user, for calls within `silence`."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with users_own():
            return function(*args, **kwargs)

    return called  # type: ignore[return-value] # it takes what `function` takes


warnings.filterwarnings("ignore", _TEXT, RuntimeWarning, module=r"dlframe\.")
