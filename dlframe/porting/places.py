"""Where dlframe has what PyTorch's names stand for: without the import hook."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from dlframe.porting import absent, hook


@dataclass(frozen=True)
class Place:
    """What a name of PyTorch's stands for, and where it is: `module.attributes`."""

    value: Any
    module: str
    """The module of dlframe."""
    attributes: tuple[str, ...] = ()


@functools.cache
def place(name: str) -> Place | None:
    """What answers for one of PyTorch's names; None if nothing does.

    >>> place("torch.utils.data.DataLoader").module, place("torch.fft.fft")
    ('dlframe.utils.data', None)
    """
    parent, _, last = name.rpartition(".")
    if not parent:
        return Place(hook._target(name), hook.ROOTS[name])
    above = place(parent)
    if above is None:
        return None
    if above.attributes or not isinstance(above.value, ModuleType):  # of a class, or of a value
        if not hasattr(above.value, last):
            return None
        return Place(getattr(above.value, last), above.module, (*above.attributes, last))
    if last in hook.OWN.get(parent, {}):
        return Place(hook.OWN[parent][last], above.module, (last,))
    value = _attribute(parent, above, last)
    if value is None or _is_module(value.value):
        return _module(name) or value
    return value


def _attribute(parent: str, above: Place, last: str) -> Place | None:
    if isinstance(above.value, hook.Above):
        if absent.is_name(f"{parent}.{last}"):
            return None
        return place(f"{parent.rpartition('.')[0]}.{last}")
    if not hasattr(above.value, last):
        return None
    return Place(getattr(above.value, last), above.module, (last,))


def _is_module(value: Any) -> bool:
    return isinstance(value, ModuleType) and value.__name__.partition(".")[0] == "dlframe"


def _module(name: str) -> Place | None:
    try:
        found = hook._target(name)
    except ModuleNotFoundError:
        return None
    if isinstance(found, hook.Above) and not absent.is_listed_module(name):
        return None  # it may be a module, and may be any other name
    return Place(found, found.__name__)


def is_module(name: str) -> bool:
    """Whether a program can import a module of this name of PyTorch's."""
    found = place(name)
    return found is not None and not found.attributes and isinstance(found.value, ModuleType)


def is_empty(name: str) -> bool:
    """Whether it is a module that dlframe lacks, which can be imported all the same."""
    found = place(name)
    return found is not None and isinstance(found.value, hook.Above)


def starred(module: str) -> list[str]:
    """The names that `from module import *` gives, and those that it gives in PyTorch only."""
    found = place(module)
    if found is None:
        return []
    names = getattr(found.value, "__all__", None)
    if names is None:
        names = [name for name in dir(found.value) if not name.startswith("_")]
    return [*names, *absent.names_of(module)]
