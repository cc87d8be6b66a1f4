"""Gives inherited methods the name of the class that a user calls."""

from __future__ import annotations

import sys
from functools import update_wrapper
from types import FunctionType


def name_inherited(cls: type, *names: str) -> None:
    """Give a public class its own copies of the methods `names` that it has from a private one.

    Python's errors about arguments name the class that a method was written in. Without this,
    `nn.Conv2d()` would be told of `_Convolution.__init__()`. A class is private if its module has
    an `__all__` without it.

    >>> from dlframe import nn
    >>> nn.Conv2d()
    Traceback (most recent call last):
    TypeError: Conv2d.__init__() missing 3 required positional arguments: ...
    """
    if not _is_public(cls.__module__, cls.__qualname__):
        return
    for name in names:
        method = getattr(cls, name)
        if name in vars(cls) or not isinstance(method, FunctionType):
            continue
        in_a_class = "." in method.__qualname__
        if in_a_class and not _is_public(method.__module__, method.__qualname__):
            setattr(cls, name, _copy(method, f"{cls.__qualname__}.{name}"))


def _is_public(module: str, qualname: str) -> bool:
    """Whether the class in `qualname`, its own or that of a method, is one that `module` offers."""
    names = getattr(sys.modules.get(module), "__all__", None)
    return names is None or qualname.partition(".")[0] in names


def _copy(method: FunctionType, qualname: str) -> FunctionType:
    """The same code by another name; `super()` in it goes on from where it was written."""
    copied = FunctionType(
        method.__code__,
        method.__globals__,
        method.__name__,
        method.__defaults__,
        method.__closure__,
    )
    update_wrapper(copied, method)
    copied.__kwdefaults__ = method.__kwdefaults__
    copied.__qualname__ = qualname
    return copied
