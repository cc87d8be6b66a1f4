"""PyTorch's dicts inside of a module, `_modules`, `_parameters`, `_forward_hooks` …, as views.

Here the attributes of a module are its registry. Published programs look into PyTorch's own dicts
all the same, to replace layers by name or to list hooks; these views read and write the attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from dlframe.nn.hooks import Hook, HookTable
from dlframe.nn.parameter import Buffer

if TYPE_CHECKING:
    from dlframe.nn.module import Kind, Module


class Registry(MutableMapping[str, Any]):
    """The attributes of one kind, by name, those that are None among them.

    >>> from dlframe import nn
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    >>> for name, part in model._modules.items():
    ...     if isinstance(part, nn.ReLU):
    ...         model._modules[name] = nn.GELU()
    >>> model[1]
    GELU(approximate='none')
    """

    def __init__(self, module: Module, kind: Kind):
        self._module, self._kind = module, kind

    def _names(self) -> list[str]:
        return [name for name in self._module.__dict__ if self._module._slot(name) is self._kind]

    def __getitem__(self, name: str) -> Any:
        if self._module._slot(name) is not self._kind:
            raise KeyError(name)
        return self._module.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if self._kind is Buffer and name not in self:
            self._module.register_buffer(name, value)
        else:
            self._module._register(name, value, self._kind)

    def __delitem__(self, name: str) -> None:
        self[name]  # raises for the name of something else
        delattr(self._module, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return repr(dict(self))


class HookRegistry(MutableMapping[int, Any]):
    """The functions of one table of hooks, by the ids of their handles."""

    def __init__(self, table: HookTable):
        self._table = table

    def __getitem__(self, key: int) -> Any:
        return self._table[key].function

    def __setitem__(self, key: int, function: Any) -> None:
        self._table[key] = Hook(function)

    def __delitem__(self, key: int) -> None:
        del self._table[key]

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._table))

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return repr(dict(self))
