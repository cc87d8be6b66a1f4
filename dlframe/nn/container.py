"""Modules that hold other modules or parameters: in a row, in a list, in a dict."""

from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import chain
from typing import Any, Self, overload

import numpy as np

from dlframe.nn import by_hand
from dlframe.nn.module import Module, indent

__all__ = ["Container", "ModuleDict", "ModuleList", "Sequential"]


def pairs_of(modules: Any, owner: str) -> list[tuple[str, Any]]:
    """The (key, value) pairs of a mapping or of an iterable of pairs."""
    if hasattr(modules, "items"):
        return list(modules.items())
    if not isinstance(modules, Iterable):
        raise TypeError(
            f"{owner}.update should be called with an iterable of key/value pairs, "
            f"but got {type(modules).__name__}"
        )
    pairs = []
    for position, pair in enumerate(modules):
        if not isinstance(pair, Iterable):
            raise TypeError(
                f"{owner} update sequence element #{position} should be Iterable; "
                f"is {type(pair).__name__}"
            )
        pair = tuple(pair)
        if len(pair) != 2:
            raise ValueError(
                f"{owner} update sequence element #{position} has length {len(pair)}; 2 is required"
            )
        pairs.append(pair)
    return pairs


class _Row(Module):
    """The base class of Sequential and ModuleList: parts in a row, named by their numbers."""

    def _layers(self) -> list[Module]:
        return [value for value in self.__dict__.values() if isinstance(value, Module)]

    def _name_at(self, index: int) -> str:
        """The attribute name of the part at `index`, which may be negative."""
        names = [name for name, _ in self._own_modules()]
        index = operator.index(index)
        if not -len(names) <= index < len(names):
            raise IndexError(f"index {index} is out of range")
        return names[index]

    def _renumber(self, layers: Iterable[Module]) -> None:
        """Let `layers` be the parts, named "0", "1", …"""
        layers = list(layers)
        for name, _ in self._own_modules():
            delattr(self, name)
        for index, layer in enumerate(layers):
            self.add_module(str(index), layer)

    def __len__(self) -> int:
        return len(self._layers())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._layers())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        if isinstance(index, slice):
            names = [name for name, _ in self._own_modules()][index]
        else:
            names = [self._name_at(index)]
        for name in names:
            delattr(self, name)
        self._renumber(self._layers())

    def append(self, module: Module) -> Self:
        """Add `module` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add all `modules` at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{self._get_name()}.extend should be called with an iterable, "
                f"but got {type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, index: int | slice) -> Any:
        """Remove and return the module at `index`."""
        taken = self[index]  # type: ignore[index]  # both subclasses define __getitem__
        del self[index]
        return taken

    def insert(self, index: int, module: Module) -> Any:
        """Put `module` before the one at `index`."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        layers = self._layers()
        if not -len(layers) <= index <= len(layers):
            raise IndexError(f"Index out of range: {index}")
        layers.insert(index, module)
        self._renumber(layers)
        return self


class Container(Module):
    """Modules under the names by which they are given. Deprecated: a `Module` does the same.

    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     parts = nn.Container(first=nn.Linear(2, 2))
    >>> list(parts.state_dict())
    ['first.weight', 'first.bias']
    """

    def __init__(self, **kwargs: Module) -> None:
        super().__init__()
        warnings.warn(
            "`nn.Container` is deprecated: make a subclass of nn.Module",
            FutureWarning,
            stacklevel=2,
        )
        for name, module in kwargs.items():
            self.add_module(name, module)


class Sequential(_Row):
    """Modules one after another: each one's output is the next one's input.

    Takes the modules as arguments, or an OrderedDict with names for them.

    >>> import dlframe as dl
    >>> from dlframe import nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> model(dl.zeros(3, 4)).shape
    (3, 2)
    >>> model[1]
    ReLU()
    """

    @overload
    def __init__(self, *args: Module) -> None: ...
    @overload
    def __init__(self, arg: OrderedDict[str, Module], /) -> None: ...
    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for index, module in enumerate(args):
                self.add_module(str(index), module)

    def forward(self, input: Any) -> Any:
        """Run the modules in order; on a plain array, they all work on arrays."""
        if isinstance(input, np.ndarray) and by_hand.arrays_stay_arrays():
            return by_hand.call_in_order(self, self._own_modules(), input)
        for module in self._layers():
            input = module(input)
        return input

    def _is_a_row(self) -> bool:
        return type(self).forward is Sequential.forward

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: int | slice) -> Module | Sequential:
        """One module, or a Sequential of several that keeps their names."""
        if isinstance(index, slice):
            return self.__class__(OrderedDict(self._own_modules()[index]))
        part: Module = getattr(self, self._name_at(index))
        return part

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *_sequential(other))

    def __iadd__(self, other: Sequential) -> Self:
        return self.extend(_sequential(other))

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*(self._layers() * _positive(times)))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(self._layers() * (_positive(times) - 1))


def _sequential(other: object) -> Sequential:
    if not isinstance(other, Sequential):
        raise ValueError(
            f"add operator supports only objects of Sequential class, but {type(other)} is given."
        )
    return other


def _positive(times: object) -> int:
    if not isinstance(times, int):
        raise TypeError(f"unsupported operand type(s) for *: Sequential and {type(times).__name__}")
    if times <= 0:
        raise ValueError(f"Non-positive multiplication factor {times} for Sequential")
    return times


class ModuleList(_Row):
    """A list of modules that belong to its owner; your `forward` calls them.

    >>> from dlframe import nn
    >>> layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    >>> len(layers), len(list(layers.parameters()))
    (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: int | slice) -> Module | ModuleList:
        """One module, or a new list of several."""
        if isinstance(index, slice):
            return self.__class__(self._layers()[index])
        part: Module = getattr(self, self._name_at(index))
        return part

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, other))

    def insert(self, index: int, module: Module) -> None:
        """Put `module` before the one at `index`, as a list does."""
        layers = self._layers()
        layers.insert(index, module)
        self._renumber(layers)

    def __repr__(self) -> str:
        """Equal neighbours are printed once, with their count."""
        blocks: list[tuple[int, int, str]] = []  # first index, last index, text
        for index, text in enumerate(map(repr, self)):
            if blocks and blocks[-1][2] == text:
                blocks[-1] = (blocks[-1][0], index, text)
            else:
                blocks.append((index, index, text))
        if not blocks:
            return self._get_name() + "()"
        lines = (
            f"({first}): {text}"
            if first == last
            else f"({first}-{last}): {last - first + 1} x {text}"
            for first, last, text in blocks
        )
        return f"{self._get_name()}(\n  " + "\n  ".join(map(indent, lines)) + "\n)"


class ModuleDict(Module):
    """A dict of modules that belong to its owner, in the order of insertion.

    >>> from dlframe import nn
    >>> heads = nn.ModuleDict({"age": nn.Linear(8, 1), "sex": nn.Linear(8, 2)})
    >>> heads["sex"]
    Linear(in_features=8, out_features=2, bias=True)
    """

    def __init__(self, modules: Mapping[str, Module] | ModuleDict | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        if key not in self:
            raise KeyError(key)
        module: Module = self.__dict__[key]
        return module

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._own_modules())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and isinstance(self.__dict__.get(key), Module)

    def clear(self) -> None:
        """Remove all modules."""
        for key in list(self.keys()):
            del self[key]

    def pop(self, key: str) -> Module:
        """Remove and return the module under `key`."""
        module = self[key]
        del self[key]
        return module

    def keys(self) -> KeysView[str]:
        """The names, in order of insertion."""
        return dict(self._own_modules()).keys()

    def items(self) -> ItemsView[str, Module]:
        """Names and modules."""
        return dict(self._own_modules()).items()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return dict(self._own_modules()).values()

    def update(
        self, modules: Mapping[str, Module] | ModuleDict | Iterable[tuple[str, Module]]
    ) -> None:
        """Add or replace modules, from a mapping or an iterable of (name, module) pairs."""
        for key, module in pairs_of(modules, "ModuleDict"):
            self[key] = module
