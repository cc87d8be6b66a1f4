"""Attributes that other libraries have: reading one says what it is called here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["Elsewhere", "without_elsewhere"]


class Elsewhere:
    """An attribute that a class does not have, though that of another library does.

    Reading it raises an AttributeError that says what to write instead, so `hasattr` is False. An
    object may set the attribute; a subclass may define it, also by a mixin that comes later in its
    order of classes. Write it under `if not TYPE_CHECKING`, as type checkers should complain.

    >>> class Curve:
    ...     history = Elsewhere("It is the curve itself")
    >>> Curve().history
    Traceback (most recent call last):
    AttributeError: 'Curve' object has no attribute 'history'. It is the curve itself
    >>> hasattr(Curve(), "history")
    False
    """

    __slots__ = ("instead", "name", "owner")

    def __init__(self, instead: str) -> None:
        self.instead = instead

    def __set_name__(self, owner: type, name: str) -> None:
        if hasattr(self, "name"):  # `a = b = Elsewhere(…)`: one object for each name
            other = Elsewhere(self.instead)
            other.__set_name__(owner, name)
            setattr(owner, name, other)
            return
        self.owner, self.name = owner, name

    def __get__(self, instance: Any, cls: type) -> Any:
        for later in cls.__mro__[cls.__mro__.index(self.owner) + 1 :]:
            found = vars(later).get(self.name, self)
            if not isinstance(found, Elsewhere):
                get = getattr(type(found), "__get__", None)
                return found if get is None else get(found, instance, cls)
        what = f"type object '{cls.__name__}'" if instance is None else f"'{cls.__name__}' object"
        raise AttributeError(f"{what} has no attribute '{self.name}'. {self.instead}")


def without_elsewhere(names: Iterable[str], one: object) -> list[str]:
    """The names of an object's `__dir__` that it has, sorted."""
    of_classes: dict[str, list[Any]] = {}
    for cls in type(one).__mro__:
        for name, value in vars(cls).items():
            of_classes.setdefault(name, []).append(value)
    for name in vars(one):
        of_classes.pop(name, None)
    hidden = {
        name
        for name, values in of_classes.items()
        if all(isinstance(value, Elsewhere) for value in values)
    }
    return sorted(set(names) - hidden)
