"""Imports on first use: the names of packages, and the methods of classes.

`import dlframe` should cost little more than `import numpy`, and a program uses a small part of the
library. So a package imports its modules under `if IN_ADVANCE`, where people and type checkers read
them, and ends with `__all__ = lazily(__name__)`. The first use of a name then imports the one
module that defines it (PEP 562), and puts it into the package, where later uses find it.

`names` lists which module defines which name. `python tools/make_names.py` writes it, from the
imports of the packages and from `__all__` of the modules.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from types import ModuleType
from typing import Any

from dlframe.base.names import NAMES

__all__ = ["IN_ADVANCE", "deferred", "lazily", "tell_missing"]

IN_ADVANCE: bool = False
"""The condition for imports that only type checkers follow, and in the order of other imports.

Under TYPE_CHECKING they may read a module before those that it imports, and not know their types.
"""

# Of each package: the module that defines a name; after a dot at its end, the name is a module.
_ORIGINS: dict[str, dict[str, str]] = {}


class Package(ModuleType):
    """A package that imports its modules on first use."""

    def __setattr__(self, name: str, value: Any) -> None:
        # Python puts a module into its package when it is imported. `ops.erf` is a function, which
        # the module of the same name must not replace.
        origin = _ORIGINS[self.__name__].get(name, ".")
        is_own = isinstance(value, ModuleType) and value.__name__ == f"{self.__name__}.{name}"
        if is_own and not origin.endswith("."):
            return
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, (self.__name__,)  # as cloudpickle stores other modules


def lazily(package: str) -> list[str]:
    """Let a package import on first use what `names` lists for it; returns these names, sorted.

    >>> from dlframe.tensor import special
    >>> "bessel_j0" in special.__all__
    True
    >>> special.bessel_j2
    Traceback (most recent call last):
    AttributeError: module 'dlframe.tensor.special' has no attribute 'bessel_j2'...
    """
    here = sys.modules[package]
    origins = {name: module for module, names in NAMES[package].items() for name in names.split()}
    _ORIGINS[package] = origins
    here.__class__ = Package
    for name, value in list(vars(here).items()):
        if isinstance(value, ModuleType):  # imported before this call
            delattr(here, name)
            setattr(here, name, value)

    def __getattr__(name: str) -> Any:
        module = origins.get(name)
        if module is None:
            raise _lacking(here, name)
        if module.endswith("."):
            value: Any = _imported(module + name)
        else:
            value = getattr(_imported(module), name)
        return vars(here).setdefault(name, value)

    def __dir__() -> list[str]:
        return sorted({*vars(here), *origins})

    vars(here).update(__getattr__=__getattr__, __dir__=__dir__)
    return sorted(origins)


# --- names that are not there ------------------------------------------------------------------


def tell_missing(module: str) -> None:
    """Let the errors of a plain module say of PyTorch's names why they are not there.

    >>> import dlframe as dl
    >>> dl.cuda.CUDAGraph
    Traceback (most recent call last):
    AttributeError: module 'dlframe.cuda' has no attribute 'CUDAGraph'. PyTorch has it...
    """
    here = sys.modules[module]

    def __getattr__(name: str) -> Any:
        raise _lacking(here, name)

    vars(here).update(__getattr__=__getattr__)


def _lacking(module: ModuleType, name: str) -> AttributeError:
    """The error of a name that a module does not have."""
    text = f"module {module.__name__!r} has no attribute {name!r}"
    asked = sys._getframe(2).f_code.co_name  # `from package import module` asks before it imports
    if not name.startswith("_") and asked != "_handle_fromlist":  # nor do IPython's names count
        why = importlib.import_module("dlframe.porting.absent").why_not(module.__name__, name)
        text = f"{text}. {why}" if why else text
    # with name and obj Python's traceback suggests the nearest of `__dir__`
    return AttributeError(text, name=name, obj=module)


# --- methods -----------------------------------------------------------------------------------


def deferred(package: str, *modules: str) -> dict[str, Any]:
    """Stand-ins for modules of a package, to name their functions in the body of a class.

    Each becomes a method that is imported when it is used first; "F" is the package itself::

        if IN_ADVANCE:
            from dlframe.tensor.functions import special
        else:
            globals().update(deferred("dlframe.tensor.functions", "special"))

        class Methods:
            erf, erf_ = special.erf, special.erf_
    """
    return {name: _Module(package if name == "F" else f"{package}.{name}") for name in modules}


class _Module:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> _Method:
        return _Method(self._name, name)


class _Method:
    """In a class, until its first use: a function of some module."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name
        self.places: list[tuple[type, str]] = []  # one function may have several names

    def __set_name__(self, owner: type, name: str) -> None:
        self.places.append((owner, name))

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        function = getattr(_imported(self.module), self.name)
        for cls, name in self.places:
            if vars(cls).get(name) is self:  # nobody replaced it
                setattr(cls, name, function)
        return function.__get__(instance, owner)


# --- threads and forks -------------------------------------------------------------------------

# Python locks each module while a thread imports it. A process that another thread forks meanwhile
# would find the lock taken for ever, so a fork waits for the imports that began here.
_MOST_SECONDS = 10.0  # of waiting: an import may need a lock of the thread that forks
_lock = threading.Condition()
_importing: set[int] = set()  # threads


def _imported(module: str) -> ModuleType:
    """The module, imported if need be."""
    thread = threading.get_ident()
    if thread in _importing:  # one import leads to another
        return importlib.import_module(module)
    with _lock:
        _importing.add(thread)
    try:
        return importlib.import_module(module)
    finally:
        with _lock:
            _importing.discard(thread)
            _lock.notify_all()


def before_fork() -> None:
    """Wait for the imports of other threads, and let none begin until `after_fork`."""
    _lock.acquire()
    _lock.wait_for(lambda: _importing <= {threading.get_ident()}, _MOST_SECONDS)


def after_fork() -> None:
    """Let imports begin again, in the parent and in the child."""
    _lock.release()


def _in_child() -> None:
    _importing.intersection_update({threading.get_ident()})
    after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=before_fork, after_in_parent=after_fork, after_in_child=_in_child)
