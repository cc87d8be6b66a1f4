"""Marks of PyTorch's compiler: functions and modules are given back as they are.

The same program without a compiler gives the same numbers. Compiled files are neither written nor
read: `dl.save` keeps the weights.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Final, TypeVar

from dlframe.base.lazily import tell_missing
from dlframe.nn.module import Module as ScriptModule

__all__ = [
    "Attribute", "Final", "ScriptModule", "annotate", "export", "freeze", "ignore", "interface",
    "is_scripting", "is_tracing", "isinstance", "optimize_for_inference", "optimized_execution",
    "script", "script_if_tracing", "trace", "trace_module", "unused",
]  # fmt: skip

T = TypeVar("T")


def script(obj: T, *args: Any, **kwargs: Any) -> T:
    """A function or module, unchanged.

    >>> import dlframe as dl
    >>> @dl.jit.script
    ... def double(x):
    ...     return 2 * x
    >>> double(dl.tensor(3.0))
    tensor(6.)
    """
    return obj


def trace(func: T, *args: Any, **kwargs: Any) -> T:
    """A function or module, unchanged; the example inputs mean nothing."""
    return func


def trace_module(mod: T, *args: Any, **kwargs: Any) -> T:
    """A module, unchanged."""
    return mod


def freeze(mod: T, *args: Any, **kwargs: Any) -> T:
    """A module, unchanged."""
    return mod


def optimize_for_inference(mod: T, *args: Any, **kwargs: Any) -> T:
    """A module, unchanged."""
    return mod


def script_if_tracing(fn: T) -> T:
    """A function, unchanged."""
    return fn


def export(fn: T) -> T:
    """A method, unchanged."""
    return fn


def unused(fn: T) -> T:
    """A method, unchanged."""
    return fn


def interface(obj: T) -> T:
    """A class, unchanged."""
    return obj


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """A mark that changes nothing, with parentheses or without.

    >>> import dlframe as dl
    >>> dl.jit.ignore(len)([1, 2]), dl.jit.ignore(drop=True)(len)([1, 2])
    (2, 2)
    """
    if callable(drop):
        return drop
    return lambda fn: fn


def annotate(the_type: Any, the_value: T) -> T:
    """The value."""
    return the_value


def Attribute(value: T, type: Any) -> T:  # PyTorch's name
    """The value."""
    return value


_isinstance = isinstance


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's own, of plain types and tuples of them."""
    return _isinstance(obj, target_type)


def is_scripting() -> bool:
    """False: nothing is compiled."""
    return False


def is_tracing() -> bool:
    """False: nothing is traced."""
    return False


def optimized_execution(should_optimize: bool) -> nullcontext[None]:
    """A block that changes nothing."""
    return nullcontext()


tell_missing(__name__)
